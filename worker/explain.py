"""Explain a person: what holds it together, what was refused, and what would be without each piece.

Everything rests on the component as it is stored now, heard once more by the rules of today; nothing is
written. `is_stale` says that the rules have other limits than when the views were made.
"""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tracker.config import Settings
from tracker.core.evidence import Decision, Evidence
from tracker.core.facts import SEPARATOR, fact_words
from tracker.core.groups import LINES, PERSONAL, Identifier
from tracker.core.identity import resolve
from tracker.core.times import format_instant
from tracker.core.whatif import People, WhatIf
from tracker.core.whys import EVIDENCE, WHYS
from tracker.store.components import Numbered, load_components
from tracker.store.evidence import load_unverified
from tracker.store.exports import OPEN_KINDS, mask_identifier
from tracker.store.persons import load_people, members_of, visitor_first_ms
from tracker.store.whom import Whom, resolve_id
from worker.persons import guards_of

TRIED = 100
"""So many pieces of evidence are tried out, those that joined first."""
_OF_PERSONS = ("device_between_emails", "two_contacts")
"""Refused because of who else belongs to the two sides, not because of the two themselves."""

Found = dict[str, Any]


def explain_person(db: sqlite3.Connection, settings: Settings, text: str, *, pii: bool = False) -> Found:
    """Gather why a person is who they are.

    Args:
        text: any id that `resolve_id` knows.
        pii: spell contact details in full.

    Raises:
        BadRequest: nobody is known by this id.
    """
    whom = resolve_id(db, text)
    if whom.identifier_no is None:
        return _alone(db, whom)
    numbers = members_of(db, whom.identifier_no)
    reached = load_components(db, numbers, gap_ms=settings.session_gap_s * 1_000)
    own = next(each for each in reached.components if whom.identifier_no in each.numbers)
    guards = guards_of(settings)
    whatif = WhatIf(own.component, guards, resolve(own.component, guards))
    return _Story(db, whom, own, whatif, pii).found(set(numbers))


def _alone(db: sqlite3.Connection, whom: Whom) -> Found:
    """Tell of a visitor who has only browsed."""
    first_ms = visitor_first_ms(db, whom.identifier.value)
    own = {
        "identifier_id": whom.identifier_id, **whom.identifier._asdict(), "facts": 0, "apart": None,
        "first_seen_at": None if first_ms is None else format_instant(first_ms), "is_asked": True,
    }  # fmt: skip
    lists: Found = {name: [] for name in ("evidence", "refused", "apart_by_word", "devices", "shared")}
    return {"person_id": whom.person_id, "is_stale": False, "identifiers": [own], **lists}


@dataclass
class _Story:
    """What is told of one person; `own` is its component."""

    db: sqlite3.Connection
    whom: Whom
    own: Numbered
    whatif: WhatIf
    pii: bool

    @cached_property
    def members(self) -> frozenset[Identifier]:
        """The identifiers that the rules of today give this person."""
        return self._group(self.whom.identifier)

    @cached_property
    def numbers(self) -> Mapping[Identifier, int]:
        """The number of each identifier of the component, and of those at its edge."""
        known = {identifier: number for number, identifier in self.own.numbers.items()}
        for evidence, (a_no, b_no) in self.own.ends.items():
            known |= {evidence.a: a_no, evidence.b: b_no}
        return known

    @cached_property
    def ids(self) -> Mapping[int, Any]:
        """Id, person and number of facts of each identifier, by its number."""
        return load_people(self.db, self.numbers.values())

    @cached_property
    def unverified(self) -> frozenset[tuple[str, int, int]]:
        """Evidence that was only typed into a page."""
        return load_unverified(self.db, self.numbers.values())

    def found(self, stored: set[int]) -> Found:
        """Put the story together."""
        chain = [each for each in self._decisions() if each.verdict != "refused"]
        chain.sort(key=lambda each: (each.verdict != "joined", each.evidence.at_ms, each.evidence.key))
        words = [each for each in chain if each.evidence.rule == "split"]
        chain = [each for each in chain if each.evidence.rule != "split"]
        refused = [each for each in self._decisions() if each.verdict == "refused"]
        refused.sort(key=lambda each: (each.evidence.at_ms, each.evidence.key))
        return {
            "person_id": self.whom.person_id,
            "is_stale": {self.numbers[each] for each in self.members} != stored,
            "identifiers": [self._identifier(each) for each in sorted(self.members, key=self._age)],
            "evidence": [self._link(each, is_tried=i < TRIED) for i, each in enumerate(chain)],
            "refused": [self._refusal(each) for each in refused],
            "apart_by_word": [self._refusal(each) for each in words],
            "devices": self._devices(),
            "shared": self._shared(refused),
        }

    def _decisions(self) -> list[Decision]:
        """Pick what was decided of evidence at this person."""
        return [
            each
            for each in self.whatif.now.decisions
            if not self.members.isdisjoint(
                self.whatif.standing_at(each.evidence)
                if each.verdict != "refused"
                else (each.evidence.a, each.evidence.b, *self.whatif.standing_at(each.evidence))
            )
        ]

    def _age(self, identifier: Identifier) -> tuple[int, Identifier]:
        return self.own.component.first_ms[identifier], identifier

    def _identifier(self, identifier: Identifier) -> Found:
        known = self.ids[self.numbers[identifier]]
        seen = self.own.component.first_ms[identifier]
        apart = self.whatif.now.apart.get(identifier)
        return {
            "identifier_id": known.identifier_id,
            **identifier._asdict(), "value": self._name(identifier).partition(":")[2],
            "first_seen_at": None if apart == "unseen" else format_instant(seen),
            "facts": known.facts, "apart": apart, "is_asked": identifier == self.whom.identifier,
        }  # fmt: skip

    def _row(self, decision: Decision) -> Found:
        each = decision.evidence
        a_no, b_no = self.own.ends[each]
        return {
            "rule": each.rule, "says": EVIDENCE[each.rule], "a": self._name(each.a), "b": self._name(each.b),
            "at": format_instant(each.at_ms), "fact": each.key.replace(SEPARATOR, " "),
            "told_by": fact_words(each.key),
            "is_verified": (each.key, a_no, b_no) not in self.unverified,
            "verdict": decision.verdict, "why": decision.why,
            "because": None if decision.why is None else WHYS[decision.why],
        }  # fmt: skip

    def _link(self, decision: Decision, *, is_tried: bool) -> Found:
        """Tell of evidence that joined or would have, and what would be without it."""
        each = decision.evidence
        ends = self.whatif.standing_at(each)
        row = self._row(decision) | {"undo": self._command("split", ends)}
        if each.rule == "same":
            row["undo"] = self._command("same", ends) + " --undo"
        if is_tried:
            row["without"] = self._people(self.whatif.without(each, self.members))
            undone = row["without"]
            if each.rule != "same":
                undone = self._people(self.whatif.after_split(*ends, self.members))
            row["once_undone"] = undone
        return row

    def _refusal(self, decision: Decision) -> Found:
        """Tell of evidence that joined nobody, and how to have its way, or to take a word back."""
        each = decision.evidence
        other = next((end for end in (each.a, each.b) if end not in self.members), each.b)
        word = self._word_between(each) if each.rule == "split" or decision.why == "split" else None
        row = self._row(decision) | {"other_person_id": self.ids[self.numbers[other]].person_id}
        if word is not None:
            return row | {"undo": self._command("split", (word.a, word.b)) + " --undo"}
        ends = each.a, each.b
        if decision.why in _OF_PERSONS:
            ends = self._spokesman(each.a), self._spokesman(each.b)
        return row | {"undo": self._command("same", ends)}

    def _word_between(self, evidence: Evidence) -> Evidence | None:
        """Find the operator's word that keeps the two sides of this evidence apart."""
        if evidence.rule == "split":
            return evidence
        one, two = (self._group(end) for end in self.whatif.standing_at(evidence))
        for word in (each.evidence for each in self.whatif.now.decisions if each.why == "keeps_apart"):
            if (word.a in one and word.b in two) or (word.a in two and word.b in one):
                return word
        return None

    def _spokesman(self, end: Identifier) -> Identifier:
        """Name who stands for the person of a browser or line: a browser may be given, persons are joined."""
        return min(
            (each for each in self._group(end) if each.kind in PERSONAL),
            key=lambda each: (("email", "user", "crm").index(each.kind), each),
            default=end,
        ) if end.kind not in PERSONAL else end  # fmt: skip

    def _group(self, end: Identifier) -> frozenset[Identifier]:
        """List the identifiers of an identifier's person, by the rules of today."""
        groups = (frozenset(each for each, _ in person.identifiers) for person in self.whatif.now.persons)
        return next((group for group in groups if end in group), frozenset({end}))

    def _devices(self) -> list[Found]:
        """Tell whose each browser was when, that this person had among others."""
        found = []
        for visitor, stretches in sorted(self.whatif.now.owners.items()):
            if visitor in self.members or any(each.by in self.members for each in stretches):
                told = [
                    {
                        "from_at": None if each.from_ms is None else format_instant(each.from_ms),
                        "by": self._name(each.by), "person_id": self.ids[self.numbers[each.by]].person_id,
                        "is_own": each.by in self.members,
                    }
                    for each in stretches
                ]  # fmt: skip
                found.append({"visitor": self._name(visitor), "stretches": told})
        return found

    def _shared(self, refused: Iterable[Decision]) -> list[Found]:
        """Tell which identifiers of this person, or refused to it, link nobody."""
        near = {end for each in refused for end in (each.evidence.a, each.evidence.b)} | self.members
        apart = {**self.own.component.apart, **self.whatif.now.apart}
        return [
            {
                "identifier": self._name(each), "apart": apart[each], "because": WHYS[apart[each]],
                "is_line": each.kind in LINES, "facts": self.ids[self.numbers[each]].facts,
            }
            for each in sorted(near & apart.keys())
            if apart[each] != "shared_device"
        ]  # fmt: skip

    def _people(self, groups: People) -> list[list[str]]:
        return [[self._name(each) for each in group] for group in groups]

    def _name(self, identifier: Identifier) -> str:
        return str(identifier) if self.pii else mask_identifier(identifier)

    def _command(self, verb: str, ends: Iterable[Identifier]) -> str:
        """Write a command to paste; without contact details it names identifiers by their ids."""
        names = [
            str(each) if self.pii or each.kind in OPEN_KINDS else self.ids[self.numbers[each]].identifier_id
            for each in ends
        ]
        return f"touchline {verb} {shlex.join(names)}"
