"""A person's rights over their data: everything held about them, and a look at what an erasure takes."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

from tracker.config import Settings
from tracker.core.erasure import Name, subject
from tracker.core.facts import SEPARATOR
from tracker.core.ids import lead_id
from tracker.core.testimony import read_identifier
from tracker.core.times import LATEST_MS, format_instant
from tracker.errors import BadRequest
from tracker.keys import derive
from tracker.store import dossier, erasing, outbox
from tracker.store.db import open_store, writer_lock
from tracker.store.sites import numbered_sites
from tracker.store.tombstones import Tombstones
from worker.holdings import Holding, Holdings
from worker.persons import guards_of
from worker.rejected import deliveries_naming, raws_naming, rejects_of
from worker.stitch import Stitcher
from worker.subjects import Asked, Subject, Subjects, spans_of
from worker.ties import Ties

Row = dict[str, Any]
SOMEONE_ELSE = "someone else"
Section = tuple[str, Iterator[Row]]


class Wanted(NamedTuple):
    """Whose data is asked for: a field of an `erase` fact and its value, normalised."""

    field: str
    value: str


def wanted(db: sqlite3.Connection, given: Mapping[str, str], *, site: str | None) -> Wanted:
    """Read whose data is asked for.

    Args:
        given: one field of an `erase` fact.
        site: by whose region a national phone number is read; all sites' where it is left out.

    Raises:
        BadRequest: none or several are named, no such site, or the value is none of its kind.
    """
    regions: dict[str, str] = {each.key: each.region for each in numbered_sites(db).values()}
    if site is not None and site not in regions:
        raise BadRequest("no_site", f"there is no site {site!r}", "site")
    _, value = subject(given, regions={regions[site]} if site else set(regions.values()))
    return Wanted(next(iter(given)), value)


def preview(settings: Settings, fact: Mapping[str, str], *, key: bytes, until_ms: int) -> Counter[str]:
    """Erase somebody and take it back: how many rows of what would go.

    Raises:
        Retryable: another process has been writing for too long.
    """
    with writer_lock(settings.data), closing(open_store(settings.data, write=True)) as db:
        asked = _asked(Tombstones(db, derive(key, "identifiers")), fact, until_ms)
        return Stitcher(db, settings, key=key).preview(asked)


def _asked(tombstones: Tombstones, fact: Mapping[str, str], until_ms: int) -> Asked:
    name: Name = subject(fact, regions=())
    return Asked(name[0], tombstones.hash(name), until_ms, name)


class Dossier:
    """Everything held about somebody, section by section, over one connection that only reads."""

    def __init__(self, db: sqlite3.Connection, settings: Settings, *, key: bytes) -> None:
        self._db = db
        self._tombstones = Tombstones(db, derive(key, "identifiers"), is_draft=True)
        ties = Ties(db, self._tombstones, gap_ms=settings.session_gap_s * 1_000)
        self._subjects = Subjects(db, self._tombstones, guards_of(settings), ties=ties)
        self._holdings = Holdings(db, self._tombstones)
        self._sites = {number: str(site.key) for number, site in numbered_sites(db).items()}

    def sections(self, fact: Mapping[str, str]) -> Iterator[Section]:
        """Gather what is held: each section's name and its rows, to be read in turn."""
        found = self._subjects.find(_asked(self._tombstones, fact, LATEST_MS))
        for each, span in spans_of(found, self._tombstones.hash):
            self._tombstones.put(*each, span)
        holdings = list(self._holdings.find(found))
        numbers = erasing.identifier_nos(self._db, found.times).values()
        yield "identifiers", self._identifiers(found)
        yield "visitors", self._of_visitors(found, lambda own, *_: dossier.visitor_rows(self._db, own))
        yield "sessions", self._of_visitors(found, lambda *own: dossier.session_rows(self._db, *own))
        yield "hits", self._of_visitors(found, lambda *own: dossier.hit_rows(self._db, *own))
        yield "hit_versions", self._of_visitors(found, lambda *own: dossier.hit_version_rows(self._db, *own))
        yield "leads", self._leads(found, holdings)
        yield "facts", self._facts(found, holdings)
        yield "evidence", dossier.decision_rows(self._db, numbers)
        rejects = rejects_of(self._db, found, self._holdings.region)
        yield "rejects", dossier.reject_rows(self._db, rejects)
        raws = {number for each in holdings for number in erasing.raws_of_fact(self._db, each.key)}
        raws |= set(raws_naming(self._db, found, self._holdings.region))
        yield "raw_messages", dossier.raw_rows(self._db, raws)
        yield "deliveries", dossier.delivery_rows(self._db, self._deliveries(found, holdings))

    def _identifiers(self, found: Subject) -> Iterator[Row]:
        for (kind, value), times in sorted(found.times.items()):
            for from_ms, until_ms in times:
                yield {
                    "kind": kind, "value": value, "id": self._tombstones.hash((kind, value)),
                    "from": format_instant(from_ms) if from_ms else None,
                    "until": None if until_ms == LATEST_MS else format_instant(until_ms),
                }  # fmt: skip

    def _of_visitors(self, found: Subject, read: Any) -> Iterator[Row]:
        for (kind, value), times in sorted(found.times.items()):
            for span in times if kind == "visitor" else ():
                yield from read(value, *span)

    def _deliveries(self, found: Subject, holdings: Iterable[Holding]) -> set[int]:
        own = (each.key for each in holdings if each.key[0] == "lead")
        told = {f"lead:{lead_id(self._sites[site_no], *key.split(SEPARATOR))}" for _, site_no, key in own}
        naming = deliveries_naming(self._db, found, self._holdings.region)
        return outbox.naming_objects(self._db, told) | set(naming)

    def _leads(self, found: Subject, holdings: Iterable[Holding]) -> Iterator[Row]:
        for holding in holdings:
            kind, site_no, key = holding.key
            if kind == "lead":
                own = lead_id(self._sites[site_no], *key.split(SEPARATOR))
                row = next(dossier.lead_rows(self._db, own), None) or {"lead_id": str(own)}
                match = row.get("match_evidence") or {"candidates": []}
                match["candidates"] = [
                    each for each in match["candidates"] if ("visitor", each["visitor_id"]) in found.times
                ]
                yield {**row, "versions": _versions(holding)}

    def _facts(self, found: Subject, holdings: Iterable[Holding]) -> Iterator[Row]:
        for holding in holdings:
            kind = holding.key[0]
            versions = [] if kind == "lead" else _versions(holding)
            for each in versions if kind in ("split", "same") else ():
                for name in ("a", "b"):
                    if read_identifier(each["told"][name]) not in found.times:
                        each["told"][name] = SOMEONE_ELSE
            if versions:
                yield {"fact": kind, "versions": versions}


def _versions(holding: Holding) -> list[Row]:
    return [
        {"received_at": format_instant(each.received_ms), "origin": each.origin, "told": each.content}
        for each in holding.versions
    ]
