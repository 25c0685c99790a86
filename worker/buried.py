"""Drain's watch over who was erased: what brings nobody back, what is to be erased again, what may come.

A hit or fact of which every name was erased is not written at all. One that names others too goes in
and is erased with what it ties to the one who was. Nothing is looked up while nobody was ever erased.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from tracker.core.erasure import Name, Named, names_in, subject, subject_field
from tracker.core.facts import SEPARATOR, SHAPES, Fact, read_fact
from tracker.core.ids import lead_id
from tracker.core.testimony import testify
from tracker.core.times import format_instant, parse_instant
from tracker.keys import derive
from tracker.store.consents import has_word
from tracker.store.erasing import load_stored
from tracker.store.ties import ties_of
from tracker.store.tombstones import Span, Tombstones
from worker.draft import Draft
from worker.erase import CHECK, NOUN, mark_key
from worker.holdings import Holdings, told_ms
from worker.prove import prove_visitor
from worker.rejected import read_body, read_delivery, said_ms
from worker.subjects import TOLD, Asked
from worker.ties import Ties, names_of_fact

Due = dict[tuple[str, int | str], str]


class Buried:
    """Knows who was erased, over one connection; make a new one when somebody else has written.

    `known`: the names behind the hashes that erase facts gave.
    """

    def __init__(self, db: sqlite3.Connection, key: bytes, known: dict[str, Name]) -> None:
        self._db = db
        self._tombstones = Tombstones(db, key)
        self._ties = Ties(db, self._tombstones, gap_ms=0)
        self._holdings = Holdings(db, self._tombstones)
        self._known = known
        self.are_none = self._tombstones.are_none

    def region(self, site: object) -> str:
        """Give the region by which a site's national numbers are read."""
        return self._holdings.region(site)

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
        at_ms = parse_instant(raw.get("at"), place="at")
        sealed = {"fact": "erase", "at": format_instant(at_ms), subject_field(raw): hashed}
        return sealed, Asked(name[0], hashed, at_ms)

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
                due |= self._due([("visitor", visitor_id)], at_ms, "")
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
        """Say what is due because of a fact; none where it is not to be written at all.

        A fact that is somebody's who was erased is written only where it says of anybody what no fact
        said before; the erasure that follows takes it away with what it ties to them.
        """
        if "at" not in fact.content and "from" not in fact.content:
            return {}
        content = dict(fact.content)
        at_ms = told_ms(fact.kind, content)
        if at_ms > self._tombstones.latest_ms:
            return {}
        named = self._holdings.named(fact.kind, content)
        owners = self._tie_version(fact, named, at_ms)
        erased = {name for name in named.everybody if self._tombstones.holds(name, at_ms)}
        if not erased:
            return self._due(named.everybody, at_ms, CHECK)
        goes = named.goes(erased.__contains__)
        strangers = {name for name in named.everybody - erased if name[0] != "lead"}
        if goes and (named.is_about_all or not strangers) and not owners and not self._is_news(fact):
            self._bury_lead(fact, named, erased, at_ms)
            return None
        return self._due(named.everybody, at_ms, "" if goes else CHECK, also=owners)

    def _tie_version(self, fact: Fact, named: Named, at_ms: int) -> set[str]:
        """Tie whom a late version of an erased lead names to whose it was; returns whose, if new."""
        if fact.kind != "lead" or not self._tombstones.holds(_lead(fact), at_ms):
            return set()
        return self._ties.leave_version(fact, self._tombstones.hash(_lead(fact)), named)

    def _is_news(self, fact: Fact) -> bool:
        """Say whether a fact may say what no erased fact said; what is theirs already need not be written."""
        site_no = self._holdings.numbers.get(fact.site, 0) if SHAPES[fact.kind].is_of_site else 0
        key = (fact.kind, site_no, fact.key)
        if load_stored(self._db, key):
            return True
        if fact.kind == "consent":
            return not self._is_word_kept(fact, site_no)
        name = names_of_fact(key, fact.site)[0]
        told = testify(fact.kind, fact.content, key=name, region=self._holdings.region(fact.site))
        seen = (self._ties.sighting(one, told.name) for one, at_ms in told.named.items() if at_ms is not None)
        if not self._ties.are_known(told.evidence, seen):
            return True
        if fact.kind == "lead" and self._ties.owners_of_lead(self._tombstones.hash(_lead(fact))) is None:
            return True
        is_call = fact.kind == "lead" and fact.content.get("tracking_number")
        return bool(is_call) and not ties_of(self._db, self._ties.fact(f"call:{name}"))

    def _is_word_kept(self, fact: Fact, site_no: int) -> bool:
        told = fact.content
        return has_word(
            self._db, self._tombstones.hash(("visitor", told["visitor_id"])), site_no=site_no,
            at_ms=told_ms("consent", told), is_refused=told["state"] == "denied",
        )  # fmt: skip

    def _bury_lead(self, fact: Fact, named: Named, erased: Iterable[Name], at_ms: int) -> None:
        """Count a lead that is not written, and have no later word of it bring it about."""
        spans = [span for name in erased for span in self._covering(name, at_ms)]
        for name in named.others:
            if name[0] == "lead":
                for span in spans:
                    whole = span._replace(from_ms=0, until_ms=span.asked_ms)
                    self._tombstones.put("lead", self._tombstones.hash(name), whole)
                self._tombstones.count("leads", [(self._holdings.numbers[fact.site], name[1], at_ms)])

    def _covering(self, name: Name, at_ms: int) -> list[Span]:
        return [span for span in self._tombstones.spans(self._tombstones.hash(name)) if span.holds(at_ms)]

    def _due(self, names: Iterable[Name], at_ms: int, fact: str, *, also: Collection[str] = ()) -> Due:
        """Mark the erasures that may concern a fact which names these to be carried out again."""
        due: Due = {}
        hashes = {self._tombstones.hash(name): name for name in names}
        for hashed in self._ties.neighbours({*hashes, *also}):
            for span in self._tombstones.spans(hashed):
                if span.asked_ms >= at_ms:
                    self._known |= {hashed: hashes[hashed]} if hashed in hashes else {}
                    asked = Asked(span.asked_kind, span.asked, span.asked_ms)
                    due[NOUN, mark_key(asked, fact)] = "erase"
                    if hashes.get(hashed, ("", ""))[0] == "lead" and hashed != span.asked:
                        due[NOUN, mark_key(Asked(TOLD, hashed, span.asked_ms), fact)] = "erase"
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


def _lead(fact: Fact) -> Name:
    return "lead", lead_id(fact.site, *fact.key.split(SEPARATOR))


def fact_key(db: sqlite3.Connection, raw: Mapping[str, Any], key: bytes) -> str:
    """Give the key under which an `erase` fact is kept.

    Args:
        key: the workspace's.
    """
    sealed, _ = Buried(db, derive(key, "identifiers"), {}).sealed(prove_visitor(raw, key))
    return read_fact(sealed).key
