"""Drain's watch over who was erased: what brings nobody back, what is to be erased again, what may come.

A hit or fact of which every name was erased is not written at all. One that names others too goes in
and is erased with what it ties to the one who was. Nothing is looked up while nobody was ever erased.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tracker.core.erasure import SUBJECTS, Name, Named, names_in, subject
from tracker.core.facts import Fact, read_fact
from tracker.core.times import format_instant, parse_instant
from tracker.keys import derive
from tracker.store.tombstones import Span, Tombstones
from worker.draft import Draft
from worker.erase import NOUN, mark_key
from worker.holdings import Holdings, told_ms
from worker.prove import prove_visitor
from worker.rejected import read_body, read_delivery, said_ms
from worker.subjects import Asked

Due = dict[tuple[str, int | str], str]


class Buried:
    """Knows who was erased, over one connection; make a new one when somebody else has written.

    `known`: the names behind the hashes that erase facts gave.
    """

    def __init__(self, db: sqlite3.Connection, key: bytes, known: dict[str, Name]) -> None:
        self._tombstones = Tombstones(db, key)
        self._holdings = Holdings(db, self._tombstones)
        self._known = known
        self.are_none = self._tombstones.are_none

    def sealed(self, raw: Mapping[str, Any]) -> tuple[dict[str, Any], Asked]:
        """Put the hash in place of the name in an `erase` fact; nothing else of it is kept.

        Returns:
            The fact, and what it asks for.

        Raises:
            BadFact: whom it means cannot be read.
        """
        site = raw.get("site")
        regions = {self._holdings.region(site)} if site else self._holdings.regions
        name = subject(raw, regions=regions)
        hashed = self._tombstones.hash(name)
        self._known[hashed] = name
        field = next(each for each in SUBJECTS if raw.get(each) not in (None, ""))
        at_ms = parse_instant(raw.get("at"), place="at")
        return {"fact": "erase", "at": format_instant(at_ms), field: hashed}, Asked(name[0], hashed, at_ms)

    def sift(self, drafts: Sequence[Draft], due: Due) -> list[Draft]:
        """Leave out the hits of erased visitors; those that tell more than a visit go in, to be erased."""
        visitors = {draft.entry.visitor_id for draft in drafts}
        stones = self._tombstones
        erased = {each for each in visitors if stones.spans(stones.hash(("visitor", each)))}
        kept, gone = [], []
        for draft in drafts:
            visitor_id, at_ms = draft.entry.visitor_id, draft.hit.at_ms
            self._forget_link(draft)
            if visitor_id not in erased or not self._tombstones.holds(("visitor", visitor_id), at_ms):
                kept.append(draft)
            elif draft.facts:
                kept.append(draft)
                due |= self._due([("visitor", visitor_id)], at_ms)
            else:
                gone.append((draft.site_no, draft.hit.event_id, at_ms))
        self._tombstones.count("hits", gone)
        return kept

    def _forget_link(self, draft: Draft) -> None:
        link = draft.extra.get("link")
        if link and self._tombstones.holds(("visitor", str(link.get("from"))), draft.hit.at_ms):
            del draft.extra["link"]

    def without(self, fact: Fact) -> Fact:
        """Take those who were erased out of a fact that stays without them."""
        if fact.kind != "deal":
            return fact
        return read_fact({**self._holdings.without(fact.content), "fact": fact.kind})

    def judge(self, fact: Fact) -> Due | None:
        """Say what is due because of a fact; none where it is not to be written at all."""
        if "at" not in fact.content and "from" not in fact.content:
            return {}
        content = dict(fact.content)
        at_ms = told_ms(fact.kind, content)
        named = self._holdings.named(fact.kind, content)
        erased = {name for name in named.everybody if self._tombstones.holds(name, at_ms)}
        if not erased:
            return {}
        goes = named.goes(erased.__contains__)
        strangers = {name for name in named.everybody - erased if name[0] != "lead"}
        if goes and (named.is_about_all or not strangers):
            self._bury_lead(fact, named, erased, at_ms)
            return None
        return self._due(erased, at_ms)

    def _bury_lead(self, fact: Fact, named: Named, erased: Iterable[Name], at_ms: int) -> None:
        """Count a lead that is not written, and have no later word of it bring it about."""
        spans = [span for name in erased for span in self._covering(name, at_ms)]
        whole = max(spans, key=lambda span: (span.until_ms, span.person))._replace(from_ms=0)
        for name in named.others:
            if name[0] == "lead":
                self._tombstones.put("lead", self._tombstones.hash(name), whole)
                self._tombstones.count("leads", [(self._holdings.numbers[fact.site], name[1], at_ms)])

    def _covering(self, name: Name, at_ms: int) -> list[Span]:
        return [span for span in self._tombstones.spans(self._tombstones.hash(name)) if span.holds(at_ms)]

    def _due(self, erased: Iterable[Name], at_ms: int) -> Due:
        """Mark those who were erased to be erased again, as of then."""
        due: Due = {}
        for name in erased:
            hashed = self._tombstones.hash(name)
            until_ms = max(span.until_ms for span in self._covering(name, at_ms))
            self._known[hashed] = name
            due[NOUN, mark_key(Asked(name[0], hashed, until_ms), "")] = "erase"
        return due

    def names(self, body: str, received_ms: int) -> bool:
        """Say whether a refused message names somebody who was erased at its time."""
        if self.are_none:
            return False
        document = read_body(body)
        site = document.get("site") if isinstance(document, Mapping) else None
        at_ms = said_ms(document)
        return self._are_in(document, site, received_ms if at_ms is None else at_ms)

    def are_told_by(self, body: bytes, headers: Mapping[str, str], site: str, received_ms: int) -> bool:
        """Say whether a provider's delivery names somebody who was erased at its time."""
        return not self.are_none and self._are_in(read_delivery(body, headers), site, received_ms)

    def _are_in(self, document: Any, site: str | None, at_ms: int) -> bool:
        told = names_in(document, region=self._holdings.region(site))
        return any(self._tombstones.holds(name, at_ms) for name in told)


def fact_key(db: sqlite3.Connection, raw: Mapping[str, Any], key: bytes) -> str:
    """Give the key under which an `erase` fact is kept.

    Args:
        key: the workspace's.
    """
    sealed, _ = Buried(db, derive(key, "identifiers"), {}).sealed(prove_visitor(raw, key))
    return read_fact(sealed).key
