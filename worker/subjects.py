"""Whose data is asked for: the names of a person at an instant, and when each of them was theirs.

The person is resolved over what was told of that time and before, as if nothing had been told since.
Names that were erased before still stand for the one whose they were, so that what comes late is
drawn to them and not to somebody else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tracker.core.erasure import Name
from tracker.core.evidence import Component, Evidence, Guards, Resolution
from tracker.core.groups import PERSONAL, Identifier
from tracker.core.identity import resolve
from tracker.store.erasing import find_by_hash, identifier_nos, identifier_of, leads
from tracker.store.evidence import load_components
from tracker.store.tombstones import Span, Tombstones


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose data is asked for: the kind and hash of a name of theirs, and until when.

    `name` is the name itself, where it is known.
    """

    kind: str
    hash: str
    until_ms: int
    name: Name | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A person's names, with the times in ms within which each is theirs: first and last instant.

    `person`: what their tombstones have in common.
    """

    asked: Asked
    person: str
    times: Mapping[Name, tuple[tuple[int, int], ...]] = field(default_factory=dict)


class Subjects:
    """Finds whose data is asked for, over one connection."""

    def __init__(
        self, db: sqlite3.Connection, tombstones: Tombstones, guards: Guards, *, gap_ms: int
    ) -> None:
        self._db = db
        self._tombstones = tombstones
        self._guards = guards
        self._gap_ms = gap_ms

    def find(self, asked: Asked) -> Subject:
        """Find all names of the one who is asked for; none where nothing is known of them."""
        times: dict[Name, tuple[tuple[int, int], ...]] = {}
        for name in self._begin(asked):
            times[name] = ((0, asked.until_ms),)
            if name[0] != "lead":
                times |= self._others(name, asked.until_ms)
                for one in self._erased_with(name):
                    times |= self._others(one, asked.until_ms) or {one: ((0, asked.until_ms),)}
        return Subject(asked, self._called(asked, times), times)

    def _begin(self, asked: Asked) -> list[Name]:
        """Read the name that is asked for, and of a lead whose it is."""
        if asked.kind != "lead":
            name = asked.name if asked.kind != "person" else None
            is_unsaid = asked.kind in ("visitor", "person")
            name = name or find_by_hash(self._db, asked.hash, also_visitors=is_unsaid)
            return [] if name is None else [name]
        for lead_id, identifier_no in leads(self._db, asked.name):
            if self._tombstones.hash(("lead", lead_id)) == asked.hash:
                own = None if identifier_no is None else identifier_of(self._db, identifier_no)
                return [("lead", lead_id), *([own] if own else [])]
        return [asked.name] if asked.name else []

    def _erased_with(self, name: Name) -> list[Name]:
        """Name what was erased as one person with a name and has been told of again since."""
        own = self._tombstones.hash(name)
        persons = {span.person for span in self._tombstones.spans(own) if span.from_ms == 0}
        hashes = self._tombstones.of_persons(persons, ("visitor", *sorted(PERSONAL))) - {own}
        found = (find_by_hash(self._db, each, also_visitors=True) for each in sorted(hashes))
        return [one for one in found if one is not None]

    def _others(self, name: Name, until_ms: int) -> dict[Name, tuple[tuple[int, int], ...]]:
        """Resolve the person of a name, and the times of the devices that they share with others."""
        numbers = identifier_nos(self._db, [name])
        found = load_components(self._db, numbers.values(), gap_ms=self._gap_ms, until_ms=until_ms)
        for each in found:
            resolution = resolve(self._with_erased(each.component, until_ms), self._guards)
            for person in resolution.persons:
                own = [identifier for identifier, _ in person.identifiers]
                if name in own:
                    return _times(own, resolution, until_ms)
        return {}

    def _with_erased(self, component: Component, until_ms: int) -> Component:
        """Tie names that were erased as one person's to one stand-in for that person."""
        erased: dict[Identifier, str] = {}
        for one in component.first_ms:
            for span in self._tombstones.spans(self._tombstones.hash(one)):
                if span.from_ms == 0:
                    erased.setdefault(one, span.person)
        personal = self._tombstones.are_personal(erased.values())
        ties = {
            one: Identifier("email" if person in personal else "visitor", f"erased {person}")
            for one, person in erased.items()
        }
        words = tuple(Evidence("same", tie, one, 0, f"erased {one}") for one, tie in ties.items())
        first_ms = {**component.first_ms, **dict.fromkeys(ties.values(), 0)}
        return replace(component, first_ms=first_ms, evidence=(*component.evidence, *words))

    def _called(self, asked: Asked, names: Iterable[Name]) -> str:
        """Give what the tombstones of a person have in common: what it was before, else the least hash."""
        hashes = sorted({asked.hash, *(self._tombstones.hash(name) for name in names)})
        before = sorted(
            span.person for each in hashes for span in self._tombstones.spans(each) if span.from_ms == 0
        )
        return before[0] if before else hashes[0]


def _times(
    own: Iterable[Identifier], resolution: Resolution, until_ms: int
) -> dict[Name, tuple[tuple[int, int], ...]]:
    """Say when each name was a person's: a shared device's by its owners, any other's ever."""
    times: dict[Name, tuple[tuple[int, int], ...]] = {
        one: ((0, until_ms),) for one in own if not one.value.startswith("erased ")
    }
    members = set(own)
    for visitor, stretches in resolution.owners.items():
        ends = [*((each.from_ms or 0) - 1 for each in stretches[1:]), until_ms]
        parts = [
            (each.from_ms or 0, min(end, until_ms))
            for each, end in zip(stretches, ends, strict=True)
            if each.by in members and (each.from_ms or 0) <= until_ms
        ]
        times.pop(visitor, None)
        if parts:
            times[visitor] = tuple(parts)
    return times


def spans_of(subject: Subject) -> list[tuple[Name, Span]]:
    """List the tombstones that an erasure of somebody puts."""
    return [
        (name, Span(subject.person, from_ms, until_ms))
        for name, times in subject.times.items()
        for from_ms, until_ms in times
    ]
