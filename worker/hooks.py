"""Deliveries of providers: kept as they came, and read into facts by their adapters, once or again.

What a delivery gave is noted beside it, so that it can be parsed again after an adapter was mended: versions
of facts that no delivery gives any more go, those that it gives now come, and the views follow.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from tracker import wire
from tracker.config import Settings
from tracker.core.facts import SEPARATOR
from tracker.core.times import DAY_MS
from tracker.errors import BadRequest
from tracker.keys import derive
from tracker.providers import load_adapter
from tracker.providers.adapter import Delivery
from tracker.providers.complete import complete
from tracker.store import hooks as store
from tracker.store import marks
from tracker.store.db import atomic, open_store, writer_lock
from tracker.store.facts import NO_SITE
from tracker.store.hooks import HookSource, RawMessage, Version
from tracker.store.sites import site_numbers
from worker.buried import Buried, Due
from worker.stitch import Stitcher
from worker.taking import FactTaker, Told

GIVEN = frozenset({"lead", "contact", "deal", "refund", "activity", "status"})
"""Facts that a webhook may give: it joins, splits and erases nobody."""


@dataclass(slots=True)
class Outcome:
    """What became of deliveries: how many facts were new or known, how many deliveries had a problem."""

    added: int = 0
    repeated: int = 0
    problems: int = 0
    gone: int = 0


class HookReader:
    """Reads deliveries, over one connection inside the caller's transaction."""

    def __init__(self, db: sqlite3.Connection, facts: FactTaker) -> None:
        self._db = db
        self._facts = facts
        self._sources: dict[int, HookSource] = {}

    def keep(self, entry: wire.HookEntry, dirty: Due, outcome: Outcome) -> None:
        """Keep a delivery and take its facts, once; of equal ones the earliest receipt counts.

        Raises:
            BadRequest: `no_source`, this store has no such hook source.
        """
        source = self._source(entry.source)
        raw = RawMessage(0, entry.received_ms, entry.headers, entry.body)
        digest = _digest(source, raw)
        raw_no = store.add_raw(self._db, source.source_no, digest, raw)
        if raw_no is not None:
            self.read(source, raw._replace(raw_no=raw_no), dirty, outcome)
            return
        outcome.repeated += 1
        raw_no = store.put_earlier(self._db, source.source_no, digest, raw)
        if raw_no is not None:
            self.read_again(source, [raw_no], dirty, Outcome())

    def read_again(self, source: HookSource, numbers: Iterable[int], dirty: Due, outcome: Outcome) -> None:
        """Take the facts of deliveries as they read now; what none gives any more goes."""
        before: set[Version] = set()
        given: set[Version] = set()
        for number in numbers:
            before |= store.take_given(self._db, number)
            given.update(self.read(source, store.load_raw(self._db, number), dirty, outcome))
        gone = store.drop_ungiven(self._db, before - given)
        outcome.gone += len(gone)
        dirty |= {("fact", json.dumps(version[:3])): "replay" for version in gone}

    def read(self, source: HookSource, raw: RawMessage, dirty: Due, outcome: Outcome) -> list[Version]:
        """Take the facts of a delivery that is kept; one that names somebody erased is kept no longer.

        Returns:
            The versions of facts that it gives.
        """
        told = Told(f"hook:{raw.raw_no}", raw.received_ms, is_relayed=True)
        facts, problem = _parse(source, raw)
        given: list[Version] = []
        moves: list[str] = []
        is_kept = not self._facts.buried.are_told_by(raw.body, raw.headers, source.site, raw.received_ms)
        for fact in facts:
            try:
                taken = self._facts.take(self._rooted(fact), told, dirty)
            except BadRequest as error:
                problem = str(error)
                continue
            if taken is None:
                is_kept = False
                continue
            given.append((taken.fact.kind, taken.own_no, taken.fact.key, taken.fact.digest))
            outcome.added += taken.is_new
            outcome.repeated += not taken.is_new
            if taken.is_new and "continues" in fact:
                moves.append(taken.fact.key)
        outcome.problems += problem is not None
        if is_kept:
            store.put_given(self._db, raw.raw_no, given, problem)
        else:
            store.drop_raw(self._db, raw.raw_no)
        self._gather(source, moves, dirty)
        return given

    def _rooted(self, fact: dict[str, object]) -> dict[str, object]:
        """Tell a booking that moved under the id that it began with, as far as it is known."""
        if fact.get("kind") != "booking" or "continues" in fact or "provider_id" not in fact:
            return fact
        site_no = self._facts.sites.get(str(fact["site"]), NO_SITE)
        own, seen = str(fact["provider_id"]), set[str]()
        while own not in seen:
            seen.add(own)
            key = f"{fact['provider']}{SEPARATOR}{own}"
            own = store.continued(self._db, site_no=site_no, key=key) or own
        return {**fact, "provider_id": own}

    def _gather(self, source: HookSource, moves: Iterable[str], dirty: Due) -> None:
        """Read deliveries again that told of a booking under an id of which the beginning was not known."""
        site_no = self._facts.sites.get(source.site, NO_SITE)
        for key in moves:
            for number, raws in store.raws_giving(self._db, "lead", site_no=site_no, key=key).items():
                self.read_again(self._source(number), raws, dirty, Outcome())

    def _source(self, number: int) -> HookSource:
        if number not in self._sources:
            self._sources = store.numbered_hooks(self._db)
        if number not in self._sources:
            raise BadRequest("no_source", f"there is no hook source {number} in this store")
        return self._sources[number]


def replay(settings: Settings, *, key: bytes, site: str | None, provider: str | None) -> Outcome:
    """Parse again what was delivered, of one site or provider or of all, and make the views follow.

    Raises:
        Retryable: another process has been writing for too long.
    """
    outcome = Outcome()
    with writer_lock(settings.data), closing(open_store(settings.data, write=True)) as db:
        stitcher = Stitcher(db, settings, key=key)
        with atomic(db):
            facts = FactTaker(db, Buried(db, derive(key, "identifiers"), stitcher.heard.known), key=key)
            facts.sites = site_numbers(db)
            for source in store.numbered_hooks(db).values():
                if site in (None, source.site) and provider in (None, source.provider):
                    _replay(db, HookReader(db, facts), source, outcome)
        stitcher.run()
    return outcome


def _replay(db: sqlite3.Connection, reader: HookReader, source: HookSource, outcome: Outcome) -> None:
    dirty: Due = {}
    reader.read_again(source, store.raw_numbers(db, source.source_no), dirty, outcome)
    marks.put(db, dirty)


def _parse(source: HookSource, raw: RawMessage) -> tuple[list[dict[str, object]], str | None]:
    """Have the adapter read a delivery; its own fault is a problem to be mended, and nothing is lost."""
    adapter = load_adapter(source.provider)
    delivery = Delivery(raw.body, raw.received_ms, raw.headers, zone=source.zone, options=source.options)
    try:
        facts = [complete(each, adapter, delivery, site=source.site) for each in adapter.parse(delivery)]
    except Exception as error:
        return [], f"{type(error).__name__}: {error}"
    strange = {str(fact.get("fact")) for fact in facts} - GIVEN
    return [fact for fact in facts if fact.get("fact") in GIVEN], (
        f"a webhook may not give the fact {', '.join(sorted(strange))}" if strange else None
    )


def _digest(source: HookSource, raw: RawMessage) -> bytes:
    """Name a delivery by its body; where bodies bear no id, by body and day."""
    day = raw.received_ms // DAY_MS if load_adapter(source.provider).is_nameless else 0
    hashed = hashlib.blake2b(raw.body, digest_size=16)
    hashed.update(b"%d" % day)
    return hashed.digest()
