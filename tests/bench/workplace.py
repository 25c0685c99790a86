"""A store of many visitors with its log: leads and hits go in, drained here or by a real worker.

A lead comes from a visitor of anywhere in the store and brings a new address and a new number: two rows
of evidence, one person of three identifiers.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import redis

from tests.bench.draining import FILL, Spent, append
from tests.bench.traffic import SITE, START_MS, entry, traffic, visitor_id
from tests.waiting import wait_for
from tracker import config, embedded, hitlog, keys, processes, queue, wire
from tracker.core.facts import read_fact
from tracker.core.times import DAY_MS, format_instant
from tracker.store.components import Numbered, load_components
from tracker.store.db import atomic, open_store
from tracker.store.facts import insert_fact
from tracker.store.sites import site_numbers
from worker.drain import Drain
from worker.patience import patient_collector

ENTRY_FACTS = 500
EVIDENCE_OF_LEAD = 2
PERSON = 3  # identifiers: address, number, cookie
LEADS_MS = START_MS + 30 * DAY_MS
STRIDE = 7_919  # a prime, so that the leads of one batch are far apart in the store
OFFICE = "+447911000000"
LONGEST_S = 1_800.0

Fact = Mapping[str, Any]


class Workplace:
    """Brings visitors, hits and leads to one store."""

    def __init__(self, db: sqlite3.Connection, settings: config.Settings, log: redis.Redis) -> None:
        self._db = db
        self._settings = settings
        self._log = log
        self._drain = Drain(db, settings, key=keys.workspace_key(settings.data, os.environ))
        self._pages = (each for each in traffic() if each.hit.type == "page")
        self._visitors = 0
        self._leads = 0

    def fill(self, visitors: int) -> None:
        """Bring the store up to so many visitors, of one page view each."""
        for first in range(0, visitors, FILL):
            self._visitors = min(first + FILL, visitors)
            self.work_off(self._hits(range(first, self._visitors)))

    def hits_of_leads(self, count: int) -> list[bytes]:
        """Make a page view of each visitor of the newest leads."""
        return self._hits([self._visitor(each) for each in range(self._leads - count, self._leads)])

    def leads(self, count: int, *, line: str | None = None, size: int = ENTRY_FACTS) -> list[bytes]:
        """Make leads of visitors who gave none yet.

        Args:
            line: a number that they all give, and no address; otherwise each gives its own.
            size: how many leads come in one entry of the log.
        """
        first, self._leads = self._leads, self._leads + count
        facts = [_lead(each, self._visitor(each), line) for each in range(first, self._leads)]
        parts = (facts[start : start + size] for start in range(0, count, size))
        return [wire.encode(wire.FactsEntry(LEADS_MS + DAY_MS, "bench", part)) for part in parts]

    def work_off(self, entries: Sequence[bytes]) -> None:
        """Put entries on the log and drain them here."""
        append(self._log, entries)
        self._drain.run(self._log)

    def time_each(self, entries: Sequence[bytes]) -> Spent:
        """Drain entries here one by one; the first warms up."""
        self.work_off(entries[:1])
        spent = Spent()
        for each in entries[1:]:
            append(self._log, [each])
            spent.add(lambda: self._drain.run(self._log), 1)
        return spent

    @contextmanager
    def worker(self) -> Iterator[int]:
        """Run a real worker that has already drained something; gives its process id."""
        command = processes.command("tracker", "--data", str(self._settings.data), "work")
        environ = processes.environment(os.environ)
        process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL)
        try:
            self.hand_over(self._hits([0]))
            yield process.pid
        finally:
            process.terminate()
            process.wait(60)

    def hand_over(self, entries: Sequence[bytes]) -> None:
        """Put entries on the log and wait until the worker has done with them."""
        append(self._log, entries)
        queue.wake_drain(self._log)
        wait_for(lambda: not hitlog.length(self._log) and not self._is_stale(), LONGEST_S)

    def newest_components(self, count: int) -> list[Numbered]:
        """Load the components of the addresses that came last."""
        query = (
            "SELECT identifier_no FROM identifier WHERE kind = 'email' ORDER BY identifier_no DESC LIMIT ?"
        )
        seeds = [row[0] for row in self._db.execute(query, [count])]
        return load_components(self._db, seeds, gap_ms=1_000 * self._settings.session_gap_s).components

    def _hits(self, visitors: Sequence[int]) -> list[bytes]:
        pages = itertools.islice(self._pages, len(visitors))
        return [entry(replace(page, visitor=each)) for page, each in zip(pages, visitors, strict=True)]

    def _visitor(self, lead: int) -> int:
        return lead * STRIDE % self._visitors

    def _is_stale(self) -> bool:
        return self._db.execute("SELECT 1 FROM dirty LIMIT 1").fetchone() is not None


@contextmanager
def workplace(settings: config.Settings) -> Iterator[Workplace]:
    """Open an empty workplace."""
    with (
        embedded.hold(settings) as url,
        embedded.connect(url, blocking=True) as log,
        closing(open_store(settings.data, write=True)) as db,
        patient_collector(),
    ):
        yield Workplace(db, settings, log)
    embedded.dismiss(settings)


def put_identifies(settings: config.Settings, count: int) -> None:
    """Put facts that tie three identifiers each into the store by its own function, without views."""
    with closing(open_store(settings.data, write=True)) as db, atomic(db):
        site_no = site_numbers(db)[SITE]
        for number in range(count):
            fact = read_fact(_identify(number))
            insert_fact(db, fact, site_no=site_no, origin="bench", received_ms=LEADS_MS + DAY_MS)


def _lead(number: int, visitor: int, line: str | None) -> dict[str, Any]:
    given = _contacts(number) if line is None else {"phone": line}
    named = {"site": SITE, "kind": "form", "provider": "bench", "provider_id": str(number)}
    return {"fact": "lead", "at": _at(number), "visitor_id": visitor_id(visitor), **named, **given}


def _identify(number: int) -> Fact:
    who = {"site": SITE, "visitor_id": visitor_id(number), "event_id": str(number)}
    return {"fact": "identify", "at": _at(number), **who, **_contacts(number)}


def _contacts(number: int) -> dict[str, str]:
    return {"email": f"buyer{number}@firm{number % 4_099}.test", "phone": f"+4471{number:08d}"}


def _at(number: int) -> str:
    return format_instant(LEADS_MS + 10 * number)
