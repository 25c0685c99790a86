"""Persons: each rule and each guard by example, and what shows if a guard alone is switched off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from tests.unit.evidence import (
    ANN,
    BOB,
    C1,
    C2,
    CAT,
    CHAT,
    D1,
    DAN,
    DAY_MS,
    P1,
    U1,
    V1,
    V2,
    V3,
    component,
    partition,
    says,
    together,
)
from tracker.core import identity
from tracker.core.evidence import Component, Evidence, Guards
from tracker.core.groups import Groups, Identifier
from tracker.core.identity import resolve
from tracker.core.owners import Stretch

People = tuple[tuple[Identifier, ...], ...]


@dataclass(frozen=True)
class Case:
    """Evidence, the full names that were given, and the persons that must come of it."""

    evidence: tuple[Evidence, ...]
    persons: People
    names: dict[Identifier, str] = field(default_factory=dict)
    guards: Guards = Guards()

    def check(self) -> None:
        """Resolve and compare."""
        found = resolve(component(*self.evidence, names=self.names), self.guards)
        assert partition(found) == together(*self.persons), found.decisions


RULES = {
    "without evidence everybody is alone": Case((says("split", V1, V2),), ((V1,), (V2,))),
    "R0: an operator's same joins two addresses": Case((says("same", ANN, BOB),), ((ANN, BOB),)),
    "R0: two contacts that their CRM merged are one": Case(
        (says("R1", C1, ANN), says("R1", C2, BOB), says("merge", C2, C1)), ((C1, C2, ANN, BOB),),
    ),
    "R0: not the same beats same, whenever it was said": Case(
        (says("split", ANN, BOB, 1), says("same", ANN, BOB, 2)), ((ANN,), (BOB,)),
    ),
    "R0: not the same beats what comes through others": Case(
        (says("split", ANN, BOB), says("R1", C1, ANN, 1), says("R1", C1, BOB, 2)), ((C1, ANN), (BOB,)),
    ),
    "R0: same works once the split is undone": Case(
        (says("split", ANN, BOB, 1), says("same", ANN, BOB, 2), says("split", ANN, BOB, 3, is_undo=True)),
        ((ANN, BOB),),
    ),
    "R0: a word said again after its undo counts": Case(
        (says("same", ANN, BOB, 1), says("same", ANN, BOB, 2, is_undo=True), says("same", ANN, BOB, 3)),
        ((ANN, BOB),),
    ),
    "R1: a contact joins its addresses and its user id": Case(
        (says("R1", C1, ANN), says("R1", C1, BOB), says("R1", C1, U1)), ((C1, ANN, BOB, U1),),
    ),
    "R1: contacts of two systems with one address are one person's": Case(
        (says("R1", C1, ANN), says("R1", D1, ANN)), ((C1, D1, ANN),),
    ),
    "R2: two browsers and one address are one person": Case(
        (says("R2", ANN, V1), says("R2", ANN, V2)), ((ANN, V1, V2),),
    ),
    "R2: the first to identify keeps the device among their own": Case(
        (says("R2", ANN, V1, 1), says("R2", BOB, V1, 2)), ((ANN, V1), (BOB,)),
    ),
    "R3: a mailed link joins a browser that is nobody's": Case((says("R3", ANN, V1),), ((ANN, V1),)),
    "R4: a line belongs to the address that gave it": Case((says("R4", ANN, P1),), ((ANN, P1),)),
    "R4: a line given on a browser belongs to the browser's owner": Case(
        (says("R2", ANN, V1, 1), says("R4", V1, P1, 2)), ((ANN, V1, P1),),
    ),
    "R4: a line given on a shared browser belongs to its owner at the time": Case(
        (says("R2", ANN, V1, 1), says("R2", BOB, V1, 5), says("R4", V1, P1, 7)), ((ANN, V1), (BOB, P1)),
    ),
    "R4: a chat is a line": Case((says("R4", ANN, CHAT), says("R4", V1, CHAT)), ((ANN, CHAT, V1),)),
    "R4: a stale holder loses the line": Case(
        (says("R4", ANN, P1), says("R4", BOB, P1, 181 * DAY_MS)), ((ANN,), (BOB, P1)),
    ),
    "R4: of two fresh holders neither has the line": Case(
        (says("R4", ANN, P1), says("R4", BOB, P1, 100 * DAY_MS)), ((ANN,), (BOB,), (P1,)),
    ),
    "R4: a holder who gives it again is fresh again": Case(
        (says("R4", ANN, P1), says("R4", ANN, P1, 150 * DAY_MS), says("R4", BOB, P1, 200 * DAY_MS)),
        ((ANN,), (BOB,), (P1,)),
    ),
    "R5: a link joins two browsers": Case((says("R5", V1, V2, once="n"),), ((V1, V2),)),
    "R5: a link from a known browser": Case(
        (says("R2", ANN, V1, 1), says("R5", V1, V2, 2)), ((ANN, V1, V2),),
    ),
    "R6: a call ties its line to the browser": Case((says("R6", V1, P1),), ((V1, P1),)),
    "R6: a call does not take the line from who gave it": Case(
        (says("R4", ANN, P1, 1), says("R2", BOB, V1, 1), says("R6", V1, P1, 2)), ((ANN, P1), (BOB, V1)),
    ),
    "R7: equal names let a device join two addresses": Case(
        (says("R2", ANN, V1, 1), says("R2", BOB, V1, 2)), ((ANN, BOB, V1),), {ANN: "ann lee", BOB: "ann lee"},
    ),
    "R7: equal names let a line join two addresses": Case(
        (says("R4", ANN, P1, 1), says("R4", BOB, P1, 2)), ((ANN, BOB, P1),), {ANN: "ann lee", BOB: "ann lee"},
    ),
    "R7: a name alone joins nobody": Case(
        (says("R2", ANN, V1), says("R2", BOB, V2)), ((ANN, V1), (BOB, V2)), {ANN: "ann lee", BOB: "ann lee"},
    ),
    "R7: the third on a device joins the first by name, across the second": Case(
        (says("R2", ANN, V1, 1), says("R2", BOB, V1, 2), says("R2", CAT, V1, 3)), ((ANN, CAT, V1), (BOB,)),
        {ANN: "ann lee", BOB: "bob roy", CAT: "ann lee"},
    ),
    "stronger evidence goes first, however late": Case(
        (says("R2", ANN, V1, 1), says("R2", BOB, V2, 1), says("R5", V1, V2, 2), says("R1", C1, ANN, 8),
         says("R1", C1, BOB, 9)),
        ((C1, ANN, BOB, V1, V2),),
    ),
    "values of different kinds that look alike are strangers": Case(
        (says("R2", ANN, V1), says("R2", Identifier("user", ANN.value), V2)),
        ((ANN, V1), (Identifier("user", ANN.value), V2)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RULES.values(), ids=RULES)
def test_rule(case: Case) -> None:
    """Each rule joins what it says, in its rank, and nothing else."""
    case.check()


def many(rule: str, one: Identifier, kind: str, count: int, step_ms: int = 1) -> tuple[Evidence, ...]:
    """Write evidence of one identifier with many of a kind."""
    others = [Identifier(kind, f"{kind}{n:02}") for n in range(count)]  # type: ignore[arg-type]
    pairs = ((one, other) if kind == "visitor" and rule == "R2" else (other, one) for other in others)
    return tuple(says(rule, a, b, n * step_ms) for n, (a, b) in enumerate(pairs))


def alone(kind: str, count: int) -> People:
    """Write that many persons of one identifier each."""
    return tuple((Identifier(kind, f"{kind}{n:02}"),) for n in range(count))  # type: ignore[arg-type]


def all_of(kind: str, count: int) -> tuple[Identifier, ...]:
    """Write those as one person."""
    return tuple(one for (one,) in alone(kind, count))


LONG = [Identifier("visitor", f"v{n:03}") for n in range(201)]
CHAIN = tuple(says("R5", one, two, n) for n, (one, two) in enumerate(pairwise(LONG)))
Off = Callable[[pytest.MonkeyPatch], None] | Guards


def no_refusal(reason: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Make the groups join in spite of one reason."""

    def switch(monkeypatch: pytest.MonkeyPatch) -> None:
        refusal = Groups.refusal

        def but(self: Groups, a: Identifier, b: Identifier, **how: bool) -> str | None:
            found = refusal(self, a, b, **how)
            return None if found == reason else found

        monkeypatch.setattr(Groups, "refusal", but)
        monkeypatch.setattr(Groups, "may_all_meet", lambda self, identifiers: True)

    return switch


def no_namesakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let equal names join nobody."""
    monkeypatch.setattr(identity._Court, "_join_namesakes", lambda self, givers: None)


def no_firsts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a link and a mailing be used by anybody."""
    monkeypatch.setattr(identity._Court, "_firsts", lambda self, rule, reason: self._heard[rule])


TWO_NAMES = {ANN: "ann lee", BOB: "bob roy"}
GUARDED: dict[str, tuple[Case, Off]] = {
    "G1: a device joins no two addresses": (
        Case((says("R2", ANN, V1, 1), says("R2", BOB, V1, 2)), ((ANN, V1), (BOB,)), TWO_NAMES),
        no_refusal("device_between_emails"),
    ),
    "G1: a line joins no two addresses": (
        Case((says("R4", ANN, P1, 1), says("R4", BOB, P1, 2)), ((ANN,), (BOB,), (P1,)), TWO_NAMES),
        no_refusal("device_between_emails"),
    ),
    "G1: a link joins no two addresses": (
        Case((says("R2", ANN, V1), says("R2", BOB, V2), says("R5", V1, V2, 1)), ((ANN, V1), (BOB, V2))),
        no_refusal("device_between_emails"),
    ),
    "G1: a call joins no two addresses": (
        Case((says("R4", ANN, P1), says("R2", BOB, V1), says("R6", V1, P1, 1)), ((ANN, P1), (BOB, V1))),
        no_refusal("device_between_emails"),
    ),
    "the switch that lets devices join two addresses": (
        Case((says("R2", ANN, V1, 1), says("R2", BOB, V1, 2)), ((ANN, V1), (BOB,))),
        Guards(device_emails_may_meet=True),
    ),
    "G2: three addresses share a line": (
        Case(many("R4", P1, "email", 3, 30 * DAY_MS), (*alone("email", 3), (P1,)), guards=Guards(fresh_ms=1)),
        Guards(fresh_ms=1, line_emails=0),
    ),
    "G2: six browsers share a line": (
        Case(many("R4", P1, "visitor", 6), (*alone("visitor", 6), (P1,))), Guards(line_visitors=0),
    ),
    "G2: five browsers do not": (
        Case(many("R4", P1, "visitor", 5), ((*all_of("visitor", 5), P1),)), Guards(line_visitors=5),
    ),
    "G2: six browsers do not when it took more than 90 days": (
        Case(many("R4", P1, "visitor", 6, 20 * DAY_MS), ((*all_of("visitor", 6), P1),)),
        Guards(window_ms=1_000 * DAY_MS),
    ),
    "G2: twenty-one browsers share an address": (
        Case(many("R2", ANN, "visitor", 21), (*alone("visitor", 21), (ANN,))), Guards(email_visitors=0),
    ),
    "G2: twenty browsers do not": (
        Case(many("R2", ANN, "visitor", 20), ((*all_of("visitor", 20), ANN),)), Guards(email_visitors=20),
    ),
    "G2: twenty-one browsers share a user id": (
        Case(many("R2", U1, "visitor", 21), (*alone("visitor", 21), (U1,))), Guards(email_visitors=0),
    ),
    "G2: browsers count where the line was given beside an address": (
        Case(
            tuple(says("R4", ANN, P1, n, on=Identifier("visitor", f"visitor{n:02}")) for n in range(6)),
            ((ANN,), (P1,), *alone("visitor", 6)),
        ),
        Guards(line_visitors=0),
    ),
    "G3: a person of more than 200 identifiers loses its weakest evidence": (
        Case((*CHAIN, says("R2", ANN, LONG[0])), ((ANN, LONG[0]), *((one,) for one in LONG[1:]))),
        Guards(person_identifiers=0),
    ),
    "freshness: a line that was silent for 180 days changes hands": (
        Case((says("R4", ANN, P1), says("R4", BOB, P1, 181 * DAY_MS)), ((ANN,), (BOB, P1))),
        Guards(fresh_ms=1_000 * DAY_MS),
    ),
    "two contacts of one system never meet by an address": (
        Case((says("R1", C1, ANN, 1), says("R1", C2, ANN, 2)), ((C1, ANN), (C2,))),
        no_refusal("two_contacts"),
    ),
    "two contacts of one system never meet by a name": (
        Case(
            (says("R1", C1, ANN), says("R1", C2, BOB), says("R2", ANN, V1, 1), says("R2", BOB, V1, 2)),
            ((C1, ANN, V1), (C2, BOB)), {ANN: "ann lee", BOB: "ann lee"},
        ),
        no_refusal("two_contacts"),
    ),
    "a split holds against all": (
        Case((says("split", ANN, V1), says("R2", ANN, V1, 1)), ((ANN,), (V1,))), no_refusal("split"),
    ),
    "R3: the first browser alone": (
        Case((says("R3", ANN, V1, 1, once="m"), says("R3", ANN, V2, 2, once="m")), ((ANN, V1), (V2,))),
        no_firsts,
    ),
    "R5: single use": (
        Case((says("R5", V1, V2, 1, once="n"), says("R5", V1, V3, 2, once="n")), ((V1, V2), (V3,))),
        no_firsts,
    ),
    "R7: equal full names let a device join two addresses": (
        Case((says("R2", ANN, V1, 1), says("R2", BOB, V1, 2)), ((ANN, BOB, V1),), {ANN: "a b", BOB: "a b"}),
        no_namesakes,
    ),
    "R7: equal full names let a line join two addresses": (
        Case((says("R4", ANN, P1, 1), says("R4", BOB, P1, 2)), ((ANN, BOB, P1),), {ANN: "a b", BOB: "a b"}),
        no_namesakes,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("case", "off"), GUARDED.values(), ids=GUARDED)
def test_guard_holds_and_is_needed(case: Case, off: Off, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the guard the persons are right; with that guard alone switched off they are not."""
    case.check()
    if isinstance(off, Guards):
        case = replace(case, guards=off)
    else:
        off(monkeypatch)
    with pytest.raises(AssertionError):
        case.check()


def test_the_oldest_is_by_time_then_kind_then_value() -> None:
    """Ties are settled by what identifiers are, never by what came first."""
    evidence = (says("R2", ANN, V1), says("R2", ANN, V2))
    for first, oldest in (((5, 5, 9), V1), ((5, 5, 5), ANN), ((5, 4, 5), V2)):
        seen = dict(zip((V1, V2, ANN), first, strict=True))
        assert resolve(Component(seen, evidence)).persons[0].oldest == oldest


def test_a_shared_device_is_owned_in_turn() -> None:
    """The first owns all before; each next from the start of the session; the same again changes nothing."""
    evidence = (
        says("R2", ANN, V1, 10, since_ms=8), says("R2", ANN, V1, 15, since_ms=14),
        says("R2", BOB, V1, 20, since_ms=17), says("R2", DAN, V1, 40), says("R2", ANN, V1, 50, since_ms=45),
    )  # fmt: skip
    found = resolve(component(*evidence))
    assert found.owners == {
        V1: (Stretch(None, ANN), Stretch(17, BOB), Stretch(40, DAN), Stretch(45, ANN)),
    }  # fmt: skip
    assert partition(found) == together((ANN, V1), (BOB,), (DAN,))


def test_two_who_identify_in_one_session_leave_it_to_the_last() -> None:
    """An owner whose turn begins and ends with the same session has none."""
    evidence = (
        says("R2", ANN, V1, 1), says("R2", BOB, V1, 12, since_ms=10), says("R2", CAT, V1, 14, since_ms=10),
    )  # fmt: skip
    assert resolve(component(*evidence)).owners == {V1: (Stretch(None, ANN), Stretch(10, CAT))}
    back = (*evidence, says("R2", ANN, V1, 15, since_ms=10))
    assert resolve(component(*back)).owners == {}


def test_each_piece_of_evidence_is_decided_in_order_of_its_time_then_its_key() -> None:
    """What joins is told from what only repeats, and the earliest joins."""
    evidence = (
        says("R2", ANN, V1, 30, key="third"), says("R2", ANN, V1, 20, key="b"),
        says("R2", ANN, V1, 20, key="a"), says("R2", ANN, V2, 40, key="other"),
        says("R2", BOB, V2, 50, key="refused"),
    )  # fmt: skip
    decisions = resolve(component(*evidence)).decisions
    assert [(each.evidence.key, each.verdict, each.why) for each in decisions] == [
        ("a", "joined", None), ("b", "redundant", None), ("third", "redundant", None),
        ("other", "joined", None), ("refused", "refused", "device_between_emails"),
    ]  # fmt: skip
