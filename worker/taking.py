"""Facts as they are taken into the store, whatever road they came by: read, proved, kept, marked.

Who was erased is kept out here; an `erase` fact itself goes in by the hash of the name alone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tracker.core.facts import SHAPES, Fact, fact_name, fact_words, read_fact
from tracker.core.testimony import spell_numbers
from tracker.core.times import DAY_MS
from tracker.errors import BadRequest
from tracker.store.facts import NO_SITE, insert_fact
from worker.buried import Buried, Due
from worker.enrich import clean_lead
from worker.erase import NOUN as ERASE
from worker.erase import mark_key
from worker.prove import prove_visitor


class Told(NamedTuple):
    """By which road facts came, and when. `is_relayed`: what a page's visitor could have typed is in them."""

    origin: str
    received_ms: int
    is_relayed: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """A fact that is in the store, under its site's number; `is_new`: it was not there before."""

    fact: Fact
    own_no: int
    is_new: bool


class FactTaker:
    """Takes facts, over one connection inside the caller's transaction; `sites` are numbers by key."""

    def __init__(self, db: sqlite3.Connection, buried: Buried, *, key: bytes) -> None:
        self._db = db
        self.buried = buried
        self._key = key
        self.sites: Mapping[str, int] = {}

    def take(self, raw: Mapping[str, Any], told: Told, dirty: Due) -> Taken | None:
        """Take one fact, and mark what it makes stale.

        Returns:
            None where nobody may be told of it any more.

        Raises:
            BadRequest: it cannot be used; the message says why.
        """
        proved = prove_visitor(raw, self._key, is_relayed=told.is_relayed)
        if raw.get("fact") == "erase":
            return self._take_erasure(proved, told, dirty)
        region = self.buried.region(raw.get("site"))
        fact = read_fact(spell_numbers(clean_lead(proved), region=region))
        site_no = self.sites.get(fact.site, NO_SITE)
        if fact.site and site_no == NO_SITE:
            raise BadRequest("no_site", f"there is no site {fact.site!r}", "site")
        due: Due | None = {}
        if not self.buried.are_none:
            fact = self.buried.without(fact)
            due = self.buried.judge(fact)
        if due is None:
            return None
        taken = self._insert(fact, site_no if SHAPES[fact.kind].is_of_site else NO_SITE, told)
        if taken.is_new:
            because = fact_words(fact_name(fact.kind, "", fact.key))
            dirty["fact", json.dumps([fact.kind, taken.own_no, fact.key])] = because
            dirty |= due
        return taken

    def _take_erasure(self, raw: Mapping[str, Any], told: Told, dirty: Due) -> Taken:
        """Keep that somebody is to be forgotten, by the hash of their name, and mark it as due."""
        sealed, asked = self.buried.sealed(raw)
        if asked.until_ms > told.received_ms + DAY_MS:
            raise BadRequest("future", f"{raw['at']} lies more than 24 hours ahead", "at")
        taken = self._insert(read_fact(sealed), NO_SITE, told)
        if taken.is_new:
            dirty[ERASE, mark_key(asked, taken.fact.key)] = "erase"
        return taken

    def _insert(self, fact: Fact, own_no: int, told: Told) -> Taken:
        is_new = insert_fact(self._db, fact, site_no=own_no, origin=told.origin, received_ms=told.received_ms)
        return Taken(fact, own_no, is_new)
