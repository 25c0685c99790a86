"""Drain and stitch: what a hit costs from the log into the sessions, while the store grows.

The yardstick does the least that any drain must: it reads the same entries off the log, decodes them, and
inserts the very rows that the drain had just written, after these were taken out of the same tables. The
two take turns, slice by slice, so that a busy machine slows both; figures are medians of slices.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis

from tests.bench.table import Row, Target
from tests.bench.traffic import Sent, entry, hit_json, traffic
from tracker import config, hitlog, keys, wire
from tracker.store.db import FILE, atomic, open_store
from worker.drain import BATCH, Drain
from worker.patience import patient_collector

GROUP = "drain and stitch"
SLICE = 5_000
FILL = 20_000
PIPELINE = 500
TABLES = {"string": "string_no", "visitor": "visitor_no", "hit": "hit_no", "session": "session_no"}

Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(slots=True)
class Spent:
    """What pieces of work took: for each its items, wall and processor time in seconds."""

    items: list[int] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def add(self, work: Callable[[], object], items: int) -> None:
        """Do a piece of work and add what it took."""
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        self.wall_s.append(time.perf_counter() - wall)
        self.cpu_s.append(time.process_time() - cpu)
        self.items.append(items)

    def clear(self) -> None:
        """Forget what was added so far."""
        self.items.clear()
        self.wall_s.clear()
        self.cpu_s.clear()

    @property
    def cpu_us(self) -> float:
        """Processor time for one item, in microseconds: the median of the pieces."""
        return 1e6 * statistics.median(s / n for s, n in zip(self.cpu_s, self.items, strict=True))

    @property
    def rate(self) -> float:
        """Items in a second: the median of the pieces."""
        return statistics.median(n / s for s, n in zip(self.wall_s, self.items, strict=True))


class Filling:
    """A store that is filled by its own drain; `spent` is what all of that took."""

    def __init__(self, db: sqlite3.Connection, settings: config.Settings, client: redis.Redis) -> None:
        self.settings = settings
        self.spent = Spent()
        self.json_bytes = 0
        self._db = db
        self._client = client
        self._drain = Drain(db, settings, key=keys.workspace_key(settings.data, os.environ))
        self._traffic: Iterator[Sent] = traffic()

    @property
    def hits(self) -> int:
        """How many hits have been drained."""
        return sum(self.spent.items)

    @property
    def mean_cpu_us(self) -> float:
        """Processor time for one hit over all of the filling, in microseconds."""
        return 1e6 * sum(self.spent.cpu_s) / self.hits

    def fill(self, size: int) -> None:
        """Bring the store up to so many hits."""
        while self.hits < size:
            entries = self._take(min(FILL, size - self.hits))
            append(self._client, entries)
            self.spent.add(lambda: self._drain.run(self._client), len(entries))

    def compare(self, slices: int, size: int, batch: int) -> tuple[Spent, Spent]:
        """Drain slices of a size, and after each do the least with the same entries, in batches."""
        ours, least = Spent(), Spent()
        for _ in range(slices):
            entries, before = self._take(size), self._last()
            append(self._client, entries)
            ours.add(lambda: self._drain.run(self._client), size)
            rows = self._take_out(before)
            append(self._client, entries)
            least.add(lambda rows=rows: self._do_least(rows, size, batch), size)  # type: ignore[misc]
        for name in ("items", "wall_s", "cpu_s"):
            getattr(self.spent, name).extend(getattr(ours, name))
        return ours, least

    def size(self) -> tuple[int, int]:
        """Tell the bytes of the store and the number of visitors."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return (self.settings.data / FILE).stat().st_size, self._last()["visitor"]

    def _take(self, count: int) -> list[bytes]:
        """Make the next hits, as entries of the log."""
        hits = list(itertools.islice(self._traffic, count))
        self.json_bytes += sum(len(hit_json(each)) for each in hits)
        return [entry(each) for each in hits]

    def _last(self) -> dict[str, int]:
        """Tell the last number that each table has given."""
        return {
            table: self._db.execute(f"SELECT coalesce(max({number}), 0) FROM {table}").fetchone()[0]
            for table, number in TABLES.items()
        }

    def _take_out(self, before: dict[str, int]) -> Rows:
        rows = {}
        with atomic(self._db):
            for table, number in TABLES.items():
                since = f"FROM {table} WHERE {number} > ?"
                rows[table] = self._db.execute(f"SELECT * {since}", [before[table]]).fetchall()
                self._db.execute(f"DELETE {since}", [before[table]])
        return rows

    def _do_least(self, rows: Rows, size: int, batch: int) -> None:
        for first in range(0, size, batch):
            entries = hitlog.read(self._client, batch, again=False)
            for each in entries:
                wire.decode(each.body)
            with atomic(self._db):
                for table, all_rows in rows.items():
                    share = all_rows[len(all_rows) * first // size : len(all_rows) * (first + batch) // size]
                    if share:
                        marks = ", ".join("?" * len(share[0]))
                        self._db.executemany(f"INSERT INTO {table} VALUES ({marks})", share)
            hitlog.ack(self._client, [each.entry_id for each in entries])


@contextmanager
def filling(settings: config.Settings, client: redis.Redis) -> Iterator[Filling]:
    """Open a store to be filled."""
    db = open_store(settings.data, write=True)
    try:
        with patient_collector():
            yield Filling(db, settings, client)
    finally:
        db.close()


def append(client: redis.Redis, entries: Sequence[bytes]) -> None:
    """Put entries on the log."""
    hitlog.prepare(client)
    for first in range(0, len(entries), PIPELINE):
        hitlog.append(client, entries[first : first + PIPELINE])


def measure(filled: Filling, size: int, *, slices: int, singles: int) -> Iterator[Row]:
    """Fill the store up to a size, then measure batches and single hits beside their yardsticks."""
    filled.fill(size)
    at = f"at {size:,} hits"
    many, least = filled.compare(slices, SLICE, BATCH)
    row = Row(GROUP, f"batches of {BATCH:,}, {at}", many.cpu_us, "us CPU/hit")
    yield row.against("read + executemany", least.cpu_us, Target(most=3))
    yield Row(GROUP, f"in one process, {at}", many.rate, "hits/s").held_to(Target(least=10_000))
    one, least = filled.compare(singles, 1, 1)
    yield Row(GROUP, f"hit by hit, {at}", one.cpu_us, "us CPU/hit").against("read + execute", least.cpu_us)


def measure_size(filled: Filling) -> Row:
    """Tell how large the store is for each hit."""
    size, visitors = filled.size()
    what = f"all of it, {filled.hits:,} hits, {visitors:,} visitors"
    row = Row("store", what, size / filled.hits, "bytes/hit").held_to(Target(most=250))
    return row.against("JSON hit", filled.json_bytes / filled.hits)
