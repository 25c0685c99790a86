"""The whole road on a running `touchline up`.

How soon a hit is visible, what one costs all processes together, and how much memory each of them takes.
"""

from __future__ import annotations

import itertools
import os
import socket
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from tests.bench import client, machine
from tests.bench.table import Row, Target
from tests.bench.traffic import request, traffic, visitor_id
from tests.running import Run, running
from tests.waiting import wait_for
from tracker import config, keys
from tracker.store.db import open_store
from tracker.web.cookies import Signer

GROUP = "whole road"
STEP_MS = 2
LOOK_S = 0.002
IDLE_S = 0.8
LONGEST_S = 120.0
STEADY_RATE = 100
NEWCOMERS = 1_000_000_000  # visitors that no traffic has brought

# GoatCounter's processor time for 1,000 hits until stored, on the same kind of machine, in seconds.
GOATCOUNTER_S = 0.28


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to send: single hits one by one, hits at once, hits at a steady rate."""

    waits: int
    hits: int
    steady: int


def measure(settings: config.Settings, plan: Plan, at: str) -> Iterator[Row]:
    """Start everything on a store and send hits by the road that browsers take.

    Args:
        at: says how full the store is.
    """
    with running(settings) as run, closing(open_store(settings.data)) as db:
        yield from _visible(run, db, plan.waits, at)
        yield _cost(run, db, plan.steady, f"{STEADY_RATE} hits/s, {at}", rate=STEADY_RATE)
        row = _cost(run, db, plan.hits, f"as fast as they are taken, {at}", rate=0)
        yield row.held_to(Target(most=0.2)).against("GoatCounter elsewhere", GOATCOUNTER_S)
        for name, pid in sorted(_processes(run).items()):
            peak = machine.peak_bytes(pid) / machine.MIB
            yield Row("memory", f"{name}, {at}", peak, "MiB").held_to(Target(most=120))


def _visible(run: Run, db: sqlite3.Connection, count: int, at: str) -> Iterator[Row]:
    """Send newcomers' hits one by one, each to an idle worker, and wait until its session is there."""
    took_ms, signer = [], _signer(run.settings)
    first = NEWCOMERS + _now_ms() % NEWCOMERS
    pages = (each for each in traffic(start_ms=_now_ms(), step_ms=1) if each.hit.type == "page")
    with socket.create_connection(("127.0.0.1", run.settings.port)) as line:
        for number, sent in enumerate(itertools.islice(pages, count), first):
            time.sleep(IDLE_S)
            began = time.perf_counter()
            line.sendall(request(replace(sent, visitor=number), signer))
            line.recv(65_536)
            _wait_for_session(db, visitor_id(number))
            took_ms.append(1_000 * (time.perf_counter() - began))
    median, p95 = statistics.median(took_ms), sorted(took_ms)[int(0.95 * (len(took_ms) - 1))]
    yield Row(GROUP, f"visible, median, idle, {at}", median, "ms").held_to(Target(most=300))
    yield Row(GROUP, f"visible, 95 %, idle, {at}", p95, "ms")


def _wait_for_session(db: sqlite3.Connection, whose: str) -> None:
    began = time.perf_counter()
    while not db.execute("SELECT 1 FROM sessions WHERE visitor_id = ?", [whose]).fetchone():
        if time.perf_counter() - began > LONGEST_S:
            raise RuntimeError("a hit does not become visible")
        time.sleep(LOOK_S)


def _cost(run: Run, db: sqlite3.Connection, count: int, how: str, *, rate: float) -> Row:
    """Send hits and wait until the last is in its session; count the processor time of all processes."""
    requests, signer = run.settings.data / "requests", _signer(run.settings)
    known = _last(db, "visitor")
    hits = traffic(start_ms=_now_ms(), step_ms=STEP_MS, seed=_now_ms(), known=known)
    client.write_requests(requests, (request(each, signer) for each in itertools.islice(hits, count)))
    pids = list(_processes(run).values())
    before, stored = machine.cpu_s(pids), _last(db, "hit")
    load = client.send_once(run.settings.port, requests, rate=rate)
    wait_for(lambda: _last(db, "hit") == stored + load.answered and not _is_stale(db), LONGEST_S)
    spent_s = machine.cpu_s(pids) - before
    requests.unlink()
    return Row(GROUP, f"processor time, {how}", 1_000 * spent_s / load.answered, "s/1,000 hits")


def _processes(run: Run) -> dict[str, int]:
    """Name all processes of a running `up`."""
    found = {"up": run.process.pid, **machine.server_pids(run.settings.data)}
    for verb, pid in run.parts().items():
        if verb not in found:
            for number, each in enumerate(machine.family(pid)):
                found[f"{verb} {number + 1}" if number else verb] = each
    return found


def _last(db: sqlite3.Connection, table: str) -> int:
    """Tell the last number that a table has given."""
    return int(db.execute(f"SELECT coalesce(max({table}_no), 0) FROM {table}").fetchone()[0])


def _is_stale(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM dirty LIMIT 1").fetchone() is not None


def _signer(settings: config.Settings) -> Signer:
    return Signer(keys.workspace_key(settings.data, os.environ))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
