"""Drain: from the log into the store.

A batch is read, enriched and inserted together with the marks of what it makes stale, in one
transaction; only then is it acknowledged. A crash anywhere in between makes the batch come again,
and the store's unique keys make that harmless. A message that cannot be processed goes to the
rejects, and the batch goes on.
"""

from __future__ import annotations

import json
import sqlite3
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec
import redis

from tracker import hitlog, queue, wire
from tracker.config import Settings
from tracker.core.ids import content_digest, event_id_of
from tracker.errors import BadRequest
from tracker.hitfacts import hit_from_fact
from tracker.hitlog import Logged
from tracker.keys import derive
from tracker.store import marks
from tracker.store.db import Others, atomic, give_back, open_store, writer_lock
from tracker.store.destinations import has_receivers
from tracker.store.hits import HitRow, insert_hits
from tracker.store.sites import site_numbers
from tracker.store.strings import Registry
from tracker.store.tombstones import unswept
from worker.arrivals import Proofs
from worker.buried import Buried
from worker.clients import note_clients
from worker.draft import Draft
from worker.enrich import enrich, pack
from worker.hooks import HookReader, Outcome
from worker.leases import count_exhausted, lease_facts
from worker.patience import patient_collector
from worker.stitch import Stitcher
from worker.sweep import sweep
from worker.taking import FactTaker, Told

BATCH = 1_000
STITCH_AFTER_S = 2.0
TRIES = 3
BODY_LIMIT = 4_096
COLLECT = "collect"
SCRIPT = "script"
HOOK = "hook"


@dataclass(slots=True)
class DrainTotals:
    """What a drain did; counts of messages by what became of them."""

    entries: int = 0
    added: int = 0
    repeated: int = 0
    rejected: int = 0


@dataclass(slots=True)
class _Batch:
    """What one transaction will write; `counts` by origin of the entries."""

    drafts: dict[str, list[Draft]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    dirty: dict[tuple[str, int | str], str] = field(default_factory=dict)


def run(
    settings: Settings, client: redis.Redis, *, key: bytes, stop: Callable[[], bool] = lambda: False
) -> DrainTotals:
    """Process all that is on the log now, then recompute what it made stale.

    Args:
        key: the workspace's key.
        stop: asked between batches; true ends the run early, with nothing lost.

    Raises:
        Retryable: another process has been writing for too long.
    """
    with opened(settings, key=key) as drain:
        return drain.run(client, stop=stop)


@contextmanager
def opened(settings: Settings, *, key: bytes) -> Iterator[Drain]:
    """Open the store for several drains, which then cost a third of what each would alone."""
    db = open_store(settings.data, write=True)
    try:
        with patient_collector():
            yield Drain(db, settings, key=key)
    finally:
        db.close()


class Drain:
    """Drains over one connection; after an exception, open another."""

    def __init__(self, db: sqlite3.Connection, settings: Settings, *, key: bytes) -> None:
        self._db = db
        self._settings = settings
        self._key = key
        self._proofs = Proofs(key)
        self._stitcher = Stitcher(db, settings, key=key)
        self._others = Others(db)
        self._is_prepared = False
        self._is_behind = True

    def run(self, client: redis.Redis, *, stop: Callable[[], bool] = lambda: False) -> DrainTotals:
        """Take batch after batch until the log is empty; stitch at the end, and now and then.

        Raises:
            Retryable: another process has been writing for too long.
        """
        self._totals = DrainTotals()
        with writer_lock(self._settings.data):
            if self._others.have_written():
                self._forget()
            since = time.monotonic()
            for entries in self._entries(client, stop):
                self.take(entries)
                hitlog.ack(client, [entry.entry_id for entry in entries])
                if hitlog.is_long(entries):
                    give_back(self._db)
                if time.monotonic() - since > STITCH_AFTER_S:
                    self._stitch(client)
                    since = time.monotonic()
            self._stitch(client)
        return self._totals

    def _stitch(self, client: redis.Redis) -> None:
        """Recompute what is stale; where somebody was erased, sweep the files that may still hold them."""
        self._stitcher.run()
        if self._stitcher.has_news:
            self._stitcher.has_news = False
            if has_receivers(self._db):
                queue.wake(client, queue.DELIVER)
        erased = self._stitcher.heard.erased
        if erased:
            self._forget()
        if unswept(self._db):
            sweep(self._db, self._settings.data, client, erased)
        else:
            erased.clear()

    def _entries(self, client: redis.Redis, stop: Callable[[], bool]) -> Iterator[list[Logged]]:
        """Read batches: first what an earlier drain left unacknowledged, then what is new."""
        if not self._is_prepared:
            hitlog.prepare(client)
            self._is_prepared = True
        while self._is_behind and not stop():
            left = hitlog.read(client, BATCH, again=True)
            self._is_behind = bool(left)
            if left:
                yield left
        while not stop():
            fresh = hitlog.read(client, BATCH, again=False)
            if fresh:
                yield fresh
            if hitlog.is_all(fresh, BATCH):
                return

    def take(self, entries: Sequence[Logged]) -> None:
        """Write a batch; where it fails, hit by hit and fact by fact: what fails alone is rejected."""
        try:
            self._write(entries)
        except sqlite3.OperationalError:
            raise
        except Exception:
            for part in chain.from_iterable(map(_parts, entries)):
                self._take_alone(part)

    def _take_alone(self, entry: Logged) -> None:
        for tries_left in reversed(range(TRIES)):
            try:
                self._write([entry])
                return
            except sqlite3.OperationalError:
                raise
            except Exception:
                if not tries_left:
                    self._reject_whole(entry, traceback.format_exc())

    def _reject_whole(self, entry: Logged, why: str) -> None:
        body = entry.body.decode("utf-8", "replace")
        if self._buried.names(body, int(entry.entry_id.partition("-")[0])):
            return
        with atomic(self._db):
            row = [int(time.time() * 1_000), "poison", why[-BODY_LIMIT:], "log", "", body]
            self._db.execute(
                """INSERT INTO reject (received_ms, code, message, origin, hash, body, is_let_in)
                VALUES (?, ?, ?, ?, ?, ?, TRUE)""",
                row,
            )
        self._totals.rejected += 1

    def _forget(self) -> None:
        """Start with fresh numbers: those given in a transaction that was rolled back are void."""
        secret = derive(self._key, "identifiers")
        self._names = Registry(self._db, secret)
        self._buried = Buried(self._db, secret, self._stitcher.heard.known)
        self._facts = FactTaker(self._db, self._buried, key=self._key)
        self._hooks = HookReader(self._db, self._facts)
        self._clients: set[int | None] = set()

    def _write(self, entries: Sequence[Logged]) -> None:
        batch = _Batch()
        try:
            with atomic(self._db):
                self._sites = site_numbers(self._db)
                self._facts.sites = self._sites
                for entry in entries:
                    self._read(entry, batch)
                self._insert(batch)
        except BaseException:
            self._forget()
            raise
        self._totals.entries += len(entries)
        for counts in batch.counts.values():
            self._totals.added += counts["added"]
            self._totals.repeated += counts["repeated"]
            self._totals.rejected += counts["rejected"]

    def _read(self, logged: Logged, batch: _Batch) -> None:
        try:
            entry = wire.decode(logged.body)
        except msgspec.MsgspecError as error:
            text = logged.body.decode("utf-8", "replace")
            self._reject("unreadable", str(error), text, batch, origin="log")
            return
        if isinstance(entry, wire.HitsEntry):
            self._read_hits(entry, batch, COLLECT)
        elif isinstance(entry, wire.FactsEntry | wire.LeaseEntry):
            told = lease_facts(entry) if isinstance(entry, wire.LeaseEntry) else entry
            for raw in told.facts:
                self._read_fact(raw, told, batch)
        elif isinstance(entry, wire.ExhaustedEntry):
            count_exhausted(self._db, entry, self._sites)
        elif isinstance(entry, wire.HookEntry):
            self._read_delivery(entry, batch)
        else:
            self._keep_reject(entry)

    def _read_hits(self, entry: wire.HitsEntry, batch: _Batch, origin: str) -> None:
        site_no = self._sites.get(entry.site)
        for hit in entry.hits:
            try:
                if site_no is None:
                    raise BadRequest("no_site", f"there is no site {entry.site!r}", "site")
                draft = enrich(hit, entry, site_no=site_no, proofs=self._proofs)
            except BadRequest as error:
                whole = msgspec.structs.replace(entry, hits=[hit])
                self._reject(error.code, str(error), wire.encode(whole).decode(), batch, origin=origin)
                continue
            batch.drafts[origin].append(draft)

    def _insert_given(self, drafts: Sequence[Draft], rows: Sequence[HitRow], batch: _Batch) -> None:
        """Keep the facts that hits give beside themselves, as a page's word; a bot's give none."""
        for draft, row in zip(drafts, rows, strict=True):
            if not draft.facts or not self._is_human(row):
                continue
            received_ms = draft.entry.received_ms
            for fact in draft.facts:
                try:
                    self._facts.take(fact, Told(SCRIPT, received_ms), batch.dirty)
                except BadRequest as error:
                    self._reject(error.code, str(error), json.dumps(fact), batch, origin=SCRIPT)

    def _note_clients(self, rows: Sequence[HitRow]) -> None:
        fresh = {row.client_no for row in rows} - self._clients
        note_clients(self._db, (each for each in fresh if each is not None), self._names.texts)
        self._clients |= fresh

    def _is_human(self, row: HitRow) -> bool:
        found = self._db.execute("SELECT bot_reason FROM client WHERE client_no = ?", [row.client_no])
        return (found.fetchone() or (None,))[0] is None

    def _read_fact(self, raw: Mapping[str, Any], entry: wire.FactsEntry, batch: _Batch) -> None:
        try:
            if raw.get("fact") == "hit":
                self._read_hits(hit_from_fact(raw, received_ms=entry.received_ms), batch, entry.origin)
                return
            taken = self._facts.take(raw, Told(entry.origin, entry.received_ms), batch.dirty)
            batch.counts[entry.origin]["added" if taken and taken.is_new else "repeated"] += 1
        except BadRequest as error:
            body = json.dumps(raw, ensure_ascii=False)
            self._reject(error.code, str(error), body, batch, origin=entry.origin)

    def _read_delivery(self, entry: wire.HookEntry, batch: _Batch) -> None:
        outcome = Outcome()
        try:
            self._hooks.keep(entry, batch.dirty, outcome)
        except BadRequest as error:
            body = wire.encode(entry).decode()
            if not self._buried.names(body, entry.received_ms):
                self._reject(error.code, str(error), body, batch, origin=HOOK)
            return
        found = {"added": outcome.added, "repeated": outcome.repeated, "rejected": outcome.problems}
        batch.counts[HOOK].update(found)

    def _insert(self, batch: _Batch) -> None:
        for origin, told in batch.drafts.items():
            drafts = told if self._buried.are_none else self._buried.sift(told, batch.dirty)
            batch.counts[origin]["repeated"] += len(told) - len(drafts)
            rows = pack(drafts, self._names, ip_storage=self._settings.ip_storage)
            self._note_clients(rows)
            inserted = insert_hits(self._db, rows, self._names)
            batch.counts[origin]["added"] += inserted.added
            batch.counts[origin]["repeated"] += inserted.repeated
            note_clients(self._db, inserted.clients, self._names.texts)
            for number, key in inserted.touched.items():
                batch.dirty["visitor", number] = f"hit {event_id_of(key)}"
            self._insert_given(drafts, rows, batch)
        marks.put(self._db, batch.dirty)
        for origin, counts in batch.counts.items():
            if origin.startswith("load:"):
                self._db.execute(
                    """INSERT INTO load_count VALUES (?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET
                    added = added + excluded.added, repeated = repeated + excluded.repeated,
                    rejected = rejected + excluded.rejected""",
                    [origin, counts["added"], counts["repeated"], counts["rejected"]],
                )

    def _reject(self, code: str, message: str, body: str, batch: _Batch, *, origin: str) -> None:
        batch.counts[origin]["rejected"] += 1
        if self._buried.names(body, int(time.time() * 1_000)):
            return
        digest = content_digest({"body": body}).hex()
        self._db.execute(
            """INSERT INTO reject (received_ms, code, message, origin, hash, body, is_let_in)
            VALUES (?, ?, ?, ?, ?, ?, TRUE)""",
            [int(time.time() * 1_000), code, message, origin, digest, body],
        )

    def _keep_reject(self, entry: wire.RejectEntry) -> None:
        if self._buried.names(entry.body, entry.received_ms):
            return
        self._db.execute(
            """INSERT INTO reject (received_ms, code, message, site, ip, origin, hash, body, is_let_in)
            VALUES (:received_ms, :code, :message, :site, :ip, :origin, :hash, :body, :is_let_in)""",
            msgspec.structs.asdict(entry),
        )


def _parts(entry: Logged) -> list[Logged]:
    """Cut a message into messages of one hit or fact each, so that none takes another down."""
    parts: list[wire.Entry]
    try:
        whole = wire.decode(entry.body)
    except msgspec.MsgspecError:
        return [entry]
    if isinstance(whole, wire.HitsEntry):
        parts = [msgspec.structs.replace(whole, hits=[hit]) for hit in whole.hits]
    elif isinstance(whole, wire.FactsEntry):
        parts = [msgspec.structs.replace(whole, facts=[fact]) for fact in whole.facts]
    else:
        return [entry]
    return [Logged(entry.entry_id, wire.encode(part)) for part in parts]
