"""Whose data is asked for: the names of a person at an instant, and when each of them was theirs.

The person is resolved over what was told of that time and before, as if nothing had been told since; and
as if nobody had been erased, so that neither the order of erasures matters nor what comes late.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tracker.core.erasure import Name
from tracker.core.evidence import Guards, Resolution
from tracker.core.groups import Identifier
from tracker.core.identity import resolve
from tracker.store.erasing import find_by_hash, identifier_of, leads
from tracker.store.ties import visitors_by_hash
from tracker.store.tombstones import Span, Tombstones
from worker.ties import Ties, Whole, hash_of

TOLD = "told"
"""Kind of what is asked for where a lead is to go, and not the one whose it is."""

Times = tuple[tuple[int, int], ...]
Hidden = tuple[str, str]
"""Kind and hash of a name that nothing tells any more."""


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

    `hidden`: names of theirs that are known by their hashes alone. `whole`: the evidence that says so.
    """

    asked: Asked
    times: Mapping[Name, Times] = field(default_factory=dict)
    hidden: Mapping[Hidden, Times] = field(default_factory=dict)
    whole: Whole | None = None


class Subjects:
    """Finds whose data is asked for, over one connection.

    `known`: names behind hashes that nothing in the store tells.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        tombstones: Tombstones,
        guards: Guards,
        *,
        ties: Ties,
        known: Mapping[str, Name] | None = None,
    ) -> None:
        self._db = db
        self._tombstones = tombstones
        self._guards = guards
        self._ties = ties
        self._known = {} if known is None else known

    def find(self, asked: Asked) -> Subject:
        """Find all names of the one who is asked for; none where nothing is known of them."""
        begun = self._begin(asked)
        whole_time = ((0, asked.until_ms),)
        times: dict[Name, Times] = dict.fromkeys(begun, whole_time)
        own = next((name for name in begun if name[0] != "lead"), None)
        seeds = set() if own is None else {self._tombstones.hash(own)}
        if asked.kind == "lead":
            seeds |= set(self._ties.owners_of_lead(asked.hash) or ())
        elif asked.kind != TOLD:
            seeds.add(asked.hash)
        found = self._before(asked)
        whole = self._ties.whole(seeds, asked.until_ms) if seeds else None
        if whole is not None:
            for each, spans in self._theirs(whole, seeds, asked.until_ms).items():
                found[each] = _together((*found.get(each, ()), *spans))
        hidden: dict[Hidden, Times] = {}
        clear = self._names(found, whole)
        for each, spans in found.items():
            if each[1] in clear:
                times[clear[each[1]]] = spans
            else:
                hidden[each] = spans
        return Subject(asked, times, hidden, whole)

    def _begin(self, asked: Asked) -> list[Name]:
        """Read the name that is asked for, and of a lead whose it is."""
        if asked.kind not in ("lead", TOLD):
            name = asked.name if asked.kind != "person" else None
            is_unsaid = asked.kind in ("visitor", "person")
            name = name or find_by_hash(self._db, asked.hash, also_visitors=is_unsaid)
            return [] if name is None else [name]
        for lead_id, identifier_no in leads(self._db, asked.name):
            if self._tombstones.hash(("lead", lead_id)) == asked.hash:
                own = None if identifier_no is None else identifier_of(self._db, identifier_no)
                own = own if asked.kind == "lead" else None
                return [("lead", lead_id), *([own] if own else [])]
        return [asked.name] if asked.name else []

    def _before(self, asked: Asked) -> dict[Hidden, Times]:
        """List what the same erasure took when it was carried out before: it takes no less now."""
        found: dict[Hidden, Times] = {}
        before = self._tombstones.of_erasure(asked.hash, asked.until_ms) if asked.kind != TOLD else ()
        for kind, hashed, span in before:
            if kind not in ("lead", "person"):
                spans = (*found.get((kind, hashed), ()), (span.from_ms, span.until_ms))
                found[kind, hashed] = _together(spans)
        return found

    def _theirs(self, whole: Whole, seeds: set[str], until_ms: int) -> dict[Hidden, Times]:
        """Resolve the persons of hashes, and the times of the devices that they share with others."""
        found: dict[Hidden, Times] = {}
        resolution = resolve(whole.component, self._guards)
        for person in resolution.persons:
            own = [identifier for identifier, _ in person.identifiers]
            if any(hash_of(each) in seeds for each in own):
                found |= _times(own, resolution, until_ms)
        return found

    def _names(self, found: Mapping[Hidden, Times], whole: Whole | None) -> dict[str, Name]:
        """Find the names behind hashes, where anything still tells them."""
        told = {} if whole is None else whole.clear
        clear = {hashed: name for _, hashed in found if (name := self._known.get(hashed) or told.get(hashed))}
        left = {hashed for kind, hashed in found if kind == "visitor" and hashed not in clear}
        return clear | (visitors_by_hash(self._db, left) if left else {})


def _times(own: Iterable[Identifier], resolution: Resolution, until_ms: int) -> dict[Hidden, Times]:
    """Say when each name was a person's: a shared device's by its owners, any other's ever."""
    times: dict[Hidden, Times] = {(one.kind, hash_of(one)): ((0, until_ms),) for one in own}
    members = set(own)
    for visitor, stretches in resolution.owners.items():
        ends = [*((each.from_ms or 0) - 1 for each in stretches[1:]), until_ms]
        parts = [
            (each.from_ms or 0, min(end, until_ms))
            for each, end in zip(stretches, ends, strict=True)
            if each.by in members and (each.from_ms or 0) <= until_ms
        ]
        times.pop((visitor.kind, hash_of(visitor)), None)
        if parts:
            times[visitor.kind, hash_of(visitor)] = tuple(parts)
    return times


def _together(spans: Times) -> Times:
    """Make one of spans that overlap or touch."""
    joined: list[tuple[int, int]] = []
    for from_ms, until_ms in sorted(spans):
        if joined and from_ms <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until_ms))
        else:
            joined.append((from_ms, until_ms))
    return tuple(joined)


def spans_of(subject: Subject, hash_of_name: Callable[[Name], str]) -> list[tuple[Hidden, Span]]:
    """List the tombstones that an erasure of somebody puts: kind and hash of each name, and a time."""
    asked = subject.asked
    every = {(name[0], hash_of_name(name)): times for name, times in subject.times.items()}
    return [
        (each, Span(asked.kind, asked.hash, asked.until_ms, from_ms, until_ms))
        for each, times in (every | dict(subject.hidden)).items()
        for from_ms, until_ms in times
    ]
