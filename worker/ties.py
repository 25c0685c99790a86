"""The evidence of a component as it was before anybody was erased: what stands, and the ties that are left.

Names are hashes here, so that what stands and what was erased are of one kind; an erasure is judged by the
same facts whatever of them was erased before it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tracker.core.erasure import Name, Named
from tracker.core.evidence import Component, Evidence
from tracker.core.facts import Fact, fact_name
from tracker.core.groups import PERSONAL, Identifier, system_of
from tracker.core.times import parse_instant
from tracker.core.whys import Why
from tracker.store.components import load_components
from tracker.store.erasing import FactKey
from tracker.store.ties import (
    LEAD,
    Said,
    Sighting,
    Tie,
    numbers_by_hash,
    put_sightings,
    put_ties,
    said_by,
    seen_by,
    sightings_of,
    ties_at,
    ties_of,
)
from tracker.store.tombstones import Tombstones

_FOLLOWED_NEVER: tuple[Why, ...] = ("shared", "own_number")


@dataclass(slots=True)
class Whole:
    """A component in hashes; `clear` are the names behind those that facts still tell."""

    component: Component
    clear: dict[str, Name] = field(default_factory=dict)


def hash_of(veiled: Identifier) -> str:
    """Give the keyed hash within a veiled identifier."""
    return veiled.value.rpartition(":")[2]


def kind_of(identifier: Identifier) -> str:
    """Name an identifier's kind; a contact's with its system."""
    system = system_of(identifier) if identifier.kind == "crm" else ""
    return f"crm:{system}" if system else identifier.kind


def _veiled(kind: str, hashed: str) -> Identifier:
    plain, _, system = kind.partition(":")
    return Identifier(plain, f"{system}:{hashed}" if system else hashed)  # type: ignore[arg-type]  # one of KINDS


class Ties:
    """Loads and leaves ties, over one connection."""

    def __init__(self, db: sqlite3.Connection, tombstones: Tombstones, *, gap_ms: int) -> None:
        """Open.

        Args:
            gap_ms: a session covers what comes this long after its last hit.
        """
        self._db = db
        self._tombstones = tombstones
        self._gap_ms = gap_ms

    def veil(self, identifier: Identifier) -> Identifier:
        """Put its hash in the place of an identifier's value."""
        return _veiled(kind_of(identifier), self._tombstones.hash(identifier))

    def whole(self, seeds: Iterable[str], until_ms: int) -> Whole:
        """Load what evidence of this time or before connects to these hashes, erased or not."""
        gathered = _Gathered()
        pending, seen = set(seeds), set()
        while pending:
            seen |= pending
            found = self._standing(pending, until_ms, gathered)
            open_ends = pending - {hash_of(one) for one in gathered.apart_for(_FOLLOWED_NEVER)}
            for tie in ties_at(self._db, open_ends, until_ms=until_ms):
                found |= {tie.a, tie.b}
                if tie.rule != LEAD:
                    gathered.add(_evidence(tie))
            pending = found - seen
        return gathered.whole(sightings_of(self._db, seen))

    def _standing(self, hashes: set[str], until_ms: int, gathered: _Gathered) -> set[str]:
        """Add what stands at these hashes; returns the hashes that it reaches."""
        numbers = set(numbers_by_hash(self._db, hashes)) - gathered.numbers
        found: set[str] = set()
        reached = load_components(self._db, numbers, gap_ms=self._gap_ms, until_ms=until_ms)
        for each in reached.components:
            if gathered.numbers.isdisjoint(each.numbers):
                gathered.numbers |= each.numbers.keys()
                found |= self._add(each.component, gathered)
        return found

    def _add(self, component: Component, gathered: _Gathered) -> set[str]:
        veiled = {one: self.veil(one) for one in component.first_ms}
        for one, other in veiled.items():
            gathered.clear[hash_of(other)] = (one.kind, one.value)
            gathered.first_ms[other] = component.first_ms[one]
        for one, names in component.names.items():
            gathered.names.setdefault(self.veil(one), set()).update(map(self._hash_name, names))
        gathered.apart |= {self.veil(one): why for one, why in component.apart.items()}
        for each in component.evidence:
            gathered.add(replace(
                each, a=self.veil(each.a), b=self.veil(each.b), key=self.fact(each.key),
                on=None if each.on is None else self.veil(each.on), once=self._once(each.once),
            ))  # fmt: skip
        return {hash_of(one) for one in veiled.values()}

    def fact(self, name: str) -> str:
        """Hash a fact's name in the evidence."""
        return self._tombstones.hash(("fact", name))

    def _hash_name(self, name: str | None) -> str:
        return self._tombstones.hash(("name", name)) if name else ""

    def _once(self, once: str | None) -> str | None:
        return None if once is None else self._tombstones.hash(("once", once))

    def leave(self, whole: Whole, names: Iterable[str]) -> None:
        """Remember the evidence at these hashes: what it says may rest on what is about to be erased."""
        wanted = set(names)
        put_ties(self._db, (
            _tie(each) for each in whole.component.evidence
            if hash_of(each.a) in wanted or hash_of(each.b) in wanted
        ))  # fmt: skip

    def leave_fact(self, fact: FactKey, site: str) -> None:
        """Remember whom a fact named that is about to be erased, and what it tied."""
        names = names_of_fact(fact, site)
        put_ties(self._db, (self._tie_of(name, said) for name, said in said_by(self._db, names)))
        seen = seen_by(self._db, names)
        put_sightings(self._db, (self.sighting(Identifier(*one), name) for one, name in seen))  # type: ignore[arg-type]

    def leave_lead(self, lead: str, owner: Name | None) -> None:
        """Remember whose a lead was; by its own hash where it was nobody's."""
        end, kind = lead, LEAD
        if owner is not None:
            own = Identifier(*owner)  # type: ignore[arg-type]  # one of KINDS
            end, kind = self._tombstones.hash(own), kind_of(own)
        put_ties(self._db, [Tie(lead, LEAD, lead, LEAD, end, kind, 0)])

    def owners_of_lead(self, lead: str) -> dict[str, str] | None:
        """Tell whose an erased lead was: hashes and their kinds; none where no such lead was erased."""
        found = [each for each in ties_of(self._db, lead) if each.rule == LEAD]
        return {each.b: each.b_kind for each in found if each.b_kind != LEAD} if found else None

    def leave_version(self, fact: Fact, own: str, named: Named) -> set[str]:
        """Tie whom a version of an erased lead names to whose it was, as all versions together would.

        Returns:
            Whose it was, by hash, where that is not known yet.
        """
        name = self.fact(fact_name(fact.kind, fact.site, fact.key))
        owners = self.owners_of_lead(own) or {}
        at_ms = parse_instant(fact.content["at"])
        known = {(each.a, each.b) for each in ties_of(self._db, name)}
        ties = []
        for owner, kind in owners.items():
            ends = named.persons | named.browsers if kind.partition(":")[0] in PERSONAL else named.persons
            for end in ends:
                other = (self._tombstones.hash(end), kind_of(Identifier(*end)))  # type: ignore[arg-type]
                one, two = sorted([(owner, kind), other], key=lambda each: (each[1] == "visitor", each))
                if one != two and (one[0], two[0]) not in known:
                    ties.append(Tie(name, "R2", *one, *two, at_ms))
        put_ties(self._db, ties)
        return {end for each in ties for end in (each.a, each.b)}

    def sighting(self, one: Identifier, name: str | None) -> Sighting:
        """Write down that an identifier was named, and with which full name."""
        return Sighting(self._tombstones.hash(one), kind_of(one), self._hash_name(name))

    def _tie_of(self, fact: str, said: Said) -> Tie:
        a, b = Identifier(*said.a), Identifier(*said.b)  # type: ignore[arg-type]  # of the store
        on = None if said.on is None else self._tombstones.hash(said.on)
        return Tie(
            self.fact(fact), said.rule, self._tombstones.hash(a), kind_of(a), self._tombstones.hash(b),
            kind_of(b), said.at_ms, None, on, self._once(said.once), said.flaw, said.is_undo,
        )  # fmt: skip

    def are_known(self, evidence: Sequence[Evidence], sightings: Iterable[Sighting]) -> bool:
        """Say whether all this was said by facts that were erased."""
        wanted = set(sightings)
        if wanted - sightings_of(self._db, {each.identifier_id for each in wanted}):
            return False
        for each in evidence:
            ends = (self.fact(each.key), self._tombstones.hash(each.a), self._tombstones.hash(each.b))
            query = "SELECT 1 FROM erased_tie WHERE (fact, a, b) = (?, ?, ?)"
            if self._db.execute(query, ends).fetchone() is None:
                return False
        return True

    def neighbours(self, hashes: Iterable[str]) -> set[str]:
        """Give these hashes and those that erased evidence ties to them."""
        own = set(hashes)
        ties = ties_at(self._db, own, until_ms=2**62)
        return own | {end for each in ties if each.rule != LEAD for end in (each.a, each.b)}


def names_of_fact(fact: FactKey, site: str) -> list[str]:
    """Name a fact as its evidence does: what it said itself, and what its call was found to say."""
    kind, site_no, key = fact
    name = fact_name(kind, site if site_no else "", key)
    return [name, f"call:{name}"] if kind == "lead" else [name]


@dataclass(slots=True)
class _Gathered:
    """Parts of a component while it is loaded."""

    first_ms: dict[Identifier, int] = field(default_factory=dict)
    evidence: dict[tuple[str, Identifier, Identifier], Evidence] = field(default_factory=dict)
    names: dict[Identifier, set[str]] = field(default_factory=dict)
    apart: dict[Identifier, Why] = field(default_factory=dict)
    clear: dict[str, Name] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)

    def add(self, each: Evidence) -> None:
        """Add evidence; of what both stands and is remembered the earliest start of its session counts."""
        own = (each.key, each.a, each.b)
        had = self.evidence.get(own)
        if had is not None:
            since = [one.since_ms for one in (had, each) if one.since_ms is not None]
            each = replace(had, since_ms=min(since, default=None))
        self.evidence[own] = each

    def apart_for(self, reasons: Sequence[Why]) -> set[Identifier]:
        """Name those that link nobody for one of these reasons."""
        return {one for one, why in self.apart.items() if why in reasons}

    def whole(self, sightings: set[Sighting]) -> Whole:
        """Put the component together."""
        seen = set()
        for each in sightings:
            one = _veiled(each.kind, each.identifier_id)
            seen.add(one)
            self.first_ms.setdefault(one, 0)
            if each.name:
                self.names.setdefault(one, set()).add(each.name)
        for one in {end for each in self.evidence.values() for end in (each.a, each.b)} - self.apart.keys():
            if one not in self.first_ms:
                self.first_ms[one] = 0
                self.apart |= {} if one in seen else {one: "unseen"}
        unseen = {one for one, why in self.apart.items() if why == "unseen"} & seen
        apart = {one: why for one, why in self.apart.items() if one not in unseen}
        names: Mapping[Identifier, frozenset[str]] = {one: frozenset(own) for one, own in self.names.items()}
        return Whole(Component(self.first_ms, tuple(self.evidence.values()), names, apart), self.clear)


def _evidence(tie: Tie) -> Evidence:
    on = None if tie.on_hash is None else Identifier("visitor", tie.on_hash)
    return Evidence(
        tie.rule, _veiled(tie.a_kind, tie.a), _veiled(tie.b_kind, tie.b), tie.at_ms, tie.fact,  # type: ignore[arg-type]
        tie.since_ms, on, tie.once, tie.flaw, bool(tie.is_undo),  # type: ignore[arg-type]
    )  # fmt: skip


def _tie(each: Evidence) -> Tie:
    """Write a piece of evidence down whose names are hashes already."""
    return Tie(
        each.key, each.rule, hash_of(each.a), kind_of(each.a), hash_of(each.b), kind_of(each.b), each.at_ms,
        each.since_ms, None if each.on is None else hash_of(each.on), each.once, each.flaw, int(each.is_undo),
    )  # fmt: skip
