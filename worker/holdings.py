"""Which facts are somebody's: found by what mentions their names, and by a look through the rest."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tracker.core.erasure import Named, Needles, named, without
from tracker.core.facts import SEPARATOR
from tracker.core.ids import lead_id
from tracker.core.times import parse_instant
from tracker.core.versions import Version, merge
from tracker.store import erasing
from tracker.store.erasing import FactKey, StoredVersion
from tracker.store.facts import keys_within
from tracker.store.sites import numbered_sites
from tracker.store.tombstones import Tombstones
from worker.subjects import Subject

_NO_REGION = "ZZ"


class Holding(NamedTuple):
    """A fact that is somebody's: its key, its versions of the time, and how many are of later."""

    key: FactKey
    versions: list[StoredVersion]
    later: int


class Holdings:
    """Finds the facts of a subject whose names the tombstones hold, over one connection.

    `numbers`: of sites, by key; 0 for none.
    """

    def __init__(self, db: sqlite3.Connection, tombstones: Tombstones) -> None:
        self._db = db
        self._tombstones = tombstones
        self._regions: dict[str, str] = {site.key: site.region for site in numbered_sites(db).values()}
        self._keys: dict[int, str] = {no: site.key for no, site in numbered_sites(db).items()}
        self.numbers: dict[str, int] = {site.key: no for no, site in numbered_sites(db).items()} | {"": 0}

    @property
    def regions(self) -> set[str]:
        """The regions of all sites."""
        return set(self._regions.values())

    def region(self, site: object) -> str:
        """Give the region by which a site's national numbers are read."""
        return self._regions.get(str(site), _NO_REGION)

    def named(self, kind: str, fact: Mapping[str, Any]) -> Named:
        """Read whom a fact of some site names."""
        return named(kind, fact, region=self.region(fact.get("site")))

    def find(self, subject: Subject) -> Iterator[Holding]:
        """Find the facts that are theirs, each with the versions that are not later than asked for."""
        until_ms = subject.asked.until_ms
        for key in sorted(self._candidates(subject)):
            versions = erasing.load_stored(self._db, key)
            theirs = [each for each in versions if told_ms(key[0], each.content) <= until_ms]
            if theirs and self._goes(key[0], theirs):
                yield Holding(key, theirs, len(versions) - len(theirs))
                if key[0] == "lead":
                    yield from self._said_of(key, until_ms)

    def _said_of(self, lead: FactKey, until_ms: int) -> Iterator[Holding]:
        """Find what was said of a lead's status, which goes with the lead."""
        _, site_no, key = lead
        own = lead_id(self._keys[site_no], *key.split(SEPARATOR))
        for each in keys_within(self._db, "status", site_no=site_no, start=own + SEPARATOR):
            versions = erasing.load_stored(self._db, ("status", site_no, each))
            if all(told_ms("status", version.content) <= until_ms for version in versions):
                yield Holding(("status", site_no, each), versions, 0)

    def _goes(self, kind: str, versions: list[StoredVersion]) -> bool:
        """Say whether a fact is theirs: any version of it, or all versions together."""
        contents = [each.content for each in versions]
        if len(contents) > 1:
            told = (Version(version_ms(kind, each), str(each).encode(), each) for each in contents)
            contents.append(merge(told, kind=kind))
        return any(self.goes(kind, each) for each in contents)

    def goes(self, kind: str, fact: Mapping[str, Any]) -> bool:
        """Say whether a fact names somebody who was erased at its time, and is theirs."""
        at_ms = told_ms(kind, fact)
        return self.named(kind, fact).goes(lambda name: self._tombstones.holds(name, at_ms))

    def without(self, deal: Mapping[str, Any]) -> dict[str, Any]:
        """Take those who were erased at its time out of a deal."""
        at_ms = told_ms("deal", deal)
        region = self.region(deal.get("site"))
        return without(deal, lambda name: self._tombstones.holds(name, at_ms), region=region)

    def _candidates(self, subject: Subject) -> set[FactKey]:
        names = set(subject.times)
        numbers = erasing.identifier_nos(self._db, names)
        keys = {self._key(each) for each in erasing.fact_keys_of(self._db, numbers.values())}
        keys |= erasing.facts_of_visitors(self._db, (value for kind, value in names if kind == "visitor"))
        leads = (erasing.fact_of_lead(self._db, value) for kind, value in names if kind == "lead")
        keys |= {self._key(each) for each in leads if each}
        looked = self._by_looking(None if subject.hidden or not names else Needles(names))
        return {each for each in keys if each is not None} | set(looked)

    def _key(self, fact: str) -> FactKey | None:
        """Read a fact's key off its name in the evidence; of operators' words the name is a hash."""
        kind, site, key = fact.split(":", 2)
        return None if kind in ("split", "same") else (kind, self.numbers[site], key)

    def _by_looking(self, needles: Needles | None) -> Iterator[FactKey]:
        """Look through facts of which no evidence tells whom they name; all, where a hash alone is known."""
        for rows in (erasing.words_of_operators(self._db), erasing.unmentioned(self._db)):
            for key, content in rows:
                if needles is None or needles.may_be_in(content):
                    yield key


def told_ms(kind: str, fact: Mapping[str, Any]) -> int:
    """Say when what a fact tells of happened, in ms."""
    return parse_instant(fact["from" if kind == "lease" else "at"])


def version_ms(kind: str, fact: Mapping[str, Any]) -> int:
    """Say when a version was said, in ms."""
    given = fact.get("version_at")
    return parse_instant(given) if given else told_ms(kind, fact)
