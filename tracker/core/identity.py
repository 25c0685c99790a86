"""Persons: which identifiers are the same human, decided for one connected component of the evidence.

`resolve` is the only place that decides it, from the evidence alone: strongest rule first, then by time,
then by key, each piece joining two groups unless a guard refuses. Whose a device was when is in
`owners`, whose a line is in `lines`, what may never meet in `groups`. No hit is ever re-pointed: a
visitor's hits are found through the visitor.

Rules. R0: an operator said same or not the same, or a CRM merged two contacts. R1: a contact has this
address or user id. R2: an address or user id came with a signed cookie. R3: a mailed link was clicked.
R4: a line was given with an address, or on a browser. R5: a signed link led from one browser's cookie to
another. R6: a call was tied to a browser. R7 is no evidence of its own: it lets R2 and R4 join two
addresses whose owners go by the same full name.

Guards. G1 `device_between_emails`: devices and lines never join two addresses. G2 `shared`: what too
many people use links nobody. G3 `too_large`: a person that grows beyond all measure loses its weakest
evidence. G4, no evidence after a refusal of consent, is kept by whoever reads the facts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain, combinations

from tracker.core.crowds import crowded
from tracker.core.evidence import (
    DROPPED_FIRST,
    RULE_ORDER,
    Component,
    Decision,
    Evidence,
    Guards,
    Person,
    Resolution,
    Rule,
    strength,
)
from tracker.core.groups import Groups, Identifier
from tracker.core.lines import Sighting, fresh_holders
from tracker.core.owners import Claim, Owners
from tracker.core.whys import Why

USUAL = Guards()


def resolve(component: Component, guards: Guards = USUAL) -> Resolution:
    """Cut a component into persons.

    The outcome rests on the set of evidence alone: not on its order, and not on what was resolved before.
    """
    in_order = tuple(sorted(component.evidence, key=strength))
    component = Component(component.first_ms, in_order, component.names, component.apart)
    apart = {**crowded(component.evidence, guards), **component.apart}
    dropped: frozenset[Evidence] = frozenset()
    while True:
        court = _Court(component, guards, apart, dropped)
        court.sit()
        weakest = court.weakest_of_outsized()
        if not weakest:
            return court.resolution()
        dropped |= weakest


class _Court:
    """One hearing of all evidence of a component, which comes strongest first."""

    def __init__(
        self,
        component: Component,
        guards: Guards,
        apart: Mapping[Identifier, Why],
        dropped: frozenset[Evidence],
    ) -> None:
        self._component = component
        self._guards = guards
        self._apart = dict(apart)
        self._refused: dict[Evidence, Why] = {}
        self._joined: set[Evidence] = set()
        self._heard: dict[Rule, list[Evidence]] = {rule: [] for rule in RULE_ORDER}
        for each in component.evidence:
            if self._admits(each, dropped):
                self._heard[each.rule].append(each)
        self._splits = self._standing("split")
        self._sames = self._standing("same")
        self._groups = Groups(
            (frozenset((each.a, each.b)) for each in self._splits),
            (each.a for each in self._heard["merge"]),
        )
        self._owners = Owners(self._groups)
        self._newest: dict[Identifier, int] = {}
        self._seen: dict[Identifier, list[Evidence]] = {}
        for each in self._heard["R4"] + self._heard["R6"]:
            self._seen.setdefault(each.b, []).append(each)
        for identifier in component.first_ms:
            self._groups.add(identifier)

    def _admits(self, each: Evidence, dropped: frozenset[Evidence]) -> bool:
        """Leave out what never counts; an operator's word counts even for what is shared."""
        reason: Why | None = each.flaw or ("too_large" if each in dropped else None)
        apart = [self._apart[end] for end in (each.a, each.b) if end in self._apart]
        if reason is None and apart and (each.rule not in _WORDS or "unseen" in apart):
            reason = max(apart)
        if reason is not None:
            self._refused[each] = reason
        return reason is None

    def _standing(self, rule: Rule) -> list[Evidence]:
        """Pick an operator's words that were not taken back: of each pair the last one counts."""
        if not self._heard[rule]:
            return []
        last = {frozenset((each.a, each.b)): each for each in self._heard[rule]}
        standing = [each for each in last.values() if not each.is_undo]
        self._refused |= dict.fromkeys(set(self._heard[rule]) - set(standing), "undone")
        return standing

    def sit(self) -> None:
        """Hear the evidence, strongest rule first."""
        for each in self._sames + self._heard["merge"]:
            refusal = self._groups.refusal(each.a, each.b)
            self._join_unless(each, "split" if refusal == "split" else None)
        for each in self._heard["R1"]:
            self._join_unless(each, self._groups.refusal(each.a, each.b, emails_may_meet=True))
        for each in self._heard["R2"]:
            self._identify(each)
        for claims in self._owners.claims():
            self._join_namesakes(dict.fromkeys(claim.by for claim in claims))
        for each in self._firsts("R3", "not_first_browser"):
            self._mail(each)
        self._lines("R4")
        for each in self._firsts("R5", "link_used"):
            self._join_unless(each, self._groups.refusal(*self._ends(each)))
        self._lines("R6")

    def _join_unless(self, each: Evidence, refusal: Why | None) -> None:
        """Join what a piece of evidence ties together, at its time, unless there is a reason not to."""
        one, other = self._ends(each)
        if refusal is not None:
            self._refused[each] = refusal
        elif not self._groups.are_one(one, other):
            self._joined.add(each)
            self._groups.join(one, other)

    def _ends(self, each: Evidence) -> tuple[Identifier, Identifier]:
        """Name who stands at both ends: for a device, whoever owned it at the time."""
        if each.rule not in ("R4", "R5", "R6"):
            return each.a, each.b
        one, other = (
            self._owners.at(end, each.at_ms) if end.kind == "visitor" else end for end in (each.a, each.b)
        )
        return one, other

    def _identify(self, each: Evidence) -> None:
        """R2: the device is theirs, or becomes theirs from this session on where it was someone's before."""
        is_on_device = each.b.kind == "visitor"
        may_meet = self._guards.device_emails_may_meet and is_on_device
        refusal = self._groups.refusal(
            each.a, each.b, emails_may_meet=may_meet, users_may_meet=not is_on_device
        )
        if is_on_device:
            given = self._given(each) if refusal is not None else None
            if given is None:
                since_ms = each.at_ms if each.since_ms is None else each.since_ms
                self._owners.claim(each.b, Claim(each.at_ms, each.key, since_ms, each.a))
            refusal = given or refusal
        self._join_unless(each, refusal)

    def _given(self, each: Evidence) -> Why | None:
        """Say whether an operator has said whose this device is, or that it is not theirs."""
        for word in self._splits:
            if each.b in (word.a, word.b):
                other = word.a if each.b == word.b else word.b
                if self._groups.are_one(other, each.a):
                    return "split"
        is_given = any(each.b in (word.a, word.b) for word in self._sames)
        return "given_by_operator" if is_given and self._groups.is_personal(each.b) else None

    def _join_namesakes(self, givers: Collection[Identifier]) -> None:
        """R7: those who gave addresses on one device or line are one person where full names are equal."""
        if len(givers) < 2:
            return
        namesakes: dict[str, list[Identifier]] = {}
        for one in givers:
            for name in sorted(self._names(one)):
                namesakes.setdefault(name, []).append(one)
        for one, two in chain.from_iterable(combinations(bearers, 2) for bearers in namesakes.values()):
            if (
                self._groups.refusal(one, two) == "device_between_emails"
                and self._groups.refusal(one, two, emails_may_meet=True) is None
            ):
                self._groups.join(one, two)

    def _names(self, identifier: Identifier) -> set[str]:
        given = self._component.names
        return {name for member in self._groups.members(identifier) for name in given.get(member, ())}

    def _firsts(self, rule: Rule, reason: Why) -> list[Evidence]:
        """Keep what the first browser brought, of what only one browser may use."""
        first: dict[tuple[Identifier, str], Identifier] = {}
        kept = []
        for each in self._heard[rule]:
            if each.once is None or first.setdefault((each.a, each.once), each.b) == each.b:
                kept.append(each)
            else:
                self._refused[each] = reason
        return kept

    def _mail(self, each: Evidence) -> None:
        """R3: only a device that is nobody's yet."""
        refusal = self._groups.refusal(each.a, each.b)
        if refusal is None and not self._groups.are_one(each.a, each.b):
            is_owned = self._groups.is_personal(each.b) or self._owners.has_any(each.b)
            refusal = "owned" if is_owned else None
        self._join_unless(each, refusal)

    def _lines(self, rule: Rule) -> None:
        """R4 and R6: give each line to whoever holds it."""
        by_line: dict[Identifier, list[Evidence]] = {}
        for each in self._heard[rule]:
            by_line.setdefault(each.b, []).append(each)
        for line, seen in by_line.items():
            self._newest[line] = self._newest_ms(line)
            if line not in self._apart and not self._groups.is_personal(line):
                self._settle(line, seen)
            for each in sorted(seen, key=lambda each: each.a.kind == "visitor"):  # its giver's before all
                self._attach(each)

    def _newest_ms(self, line: Identifier) -> int:
        """Find when a line was last seen with somebody from whom no operator split it; else with anybody."""
        seen = [each for each in self._seen[line] if not self._is_split(each)]
        return max(each.at_ms for each in seen or self._seen[line])

    def _is_split(self, each: Evidence) -> bool:
        return bool(self._splits) and self._groups.split_between(*self._ends(each))

    def _settle(self, line: Identifier, seen_with: list[Evidence]) -> None:
        """Find who holds a line, or that nobody does alone."""
        since_ms = self._newest[line] - self._guards.fresh_ms
        seen = [Sighting(each.at_ms, self._ends(each)[0]) for each in seen_with if not self._is_split(each)]
        personal = [each for each in seen if self._groups.is_personal(each.who)]
        self._join_namesakes(fresh_holders(self._groups, personal, since_ms=since_ms))
        holders = fresh_holders(self._groups, personal, since_ms=since_ms)
        if not self._groups.may_all_meet([line, *holders]):
            self._apart[line] = "contested_line"

    def _attach(self, each: Evidence) -> None:
        """Tie one sighting of a line to it, if it is fresh and the line's holder is no one else."""
        one, line = self._ends(each)
        is_stale = each.at_ms < self._newest[each.b] - self._guards.fresh_ms
        refusal: Why | None = "split" if self._is_split(each) else self._apart.get(line)
        if refusal is None and not self._groups.are_one(one, line):
            refusal = "stale_line" if is_stale else self._groups.refusal(one, line)
        self._join_unless(each, refusal)

    def weakest_of_outsized(self) -> frozenset[Evidence]:
        """Pick the weakest evidence of persons that are too large to be one (G3)."""
        most = self._guards.person_identifiers
        weakest: set[Evidence] = set()
        for members in self._groups.all():
            if most and len(members) > most:
                own = set(members)
                weakest |= self._weakest_within(own)
        return frozenset(weakest)

    def _weakest_within(self, members: set[Identifier]) -> set[Evidence]:
        for rule in DROPPED_FIRST:
            found = {
                each for each in self._heard[rule]
                if each not in self._refused and (each.a in members or each.b in members)
            }  # fmt: skip
            if found:
                return found
        return set()

    def resolution(self) -> Resolution:
        """Tell the outcome."""
        first_ms = self._component.first_ms
        persons = (_person(group, first_ms) for group in self._groups.all())
        owners = self._owners.shared()
        return Resolution(
            tuple(sorted(persons, key=lambda person: person.oldest)),
            tuple(map(self._decision, self._component.evidence)),
            {one: why for one, why in self._apart.items() if one in first_ms}
            | dict.fromkeys(owners, "shared_device"),
            owners,
        )

    def _decision(self, each: Evidence) -> Decision:
        why = self._refused.get(each)
        if why in ("device_between_emails", "stale_line") and self._groups.are_one(*self._ends(each)):
            return Decision(each, "redundant", "same_name" if why == "device_between_emails" else None)
        if why is not None:
            return Decision(each, "refused", why)
        if each.rule == "split":
            return Decision(each, "redundant", "keeps_apart")
        return Decision(each, "joined" if each in self._joined else "redundant")


_WORDS = frozenset({"same", "split", "merge"})


def _person(group: list[Identifier], first_ms: Mapping[Identifier, int]) -> Person:
    oldest = min(group, key=lambda identifier: (first_ms[identifier], identifier))
    return Person(oldest, tuple((each, first_ms[each]) for each in sorted(group)))
