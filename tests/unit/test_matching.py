"""Matching: which rule decides whose a lead is, and what is said where none does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.matching import Asked, Candidate, Leased, Line, match_lead
from tracker.core.times import DAY_MS, MINUTE_MS

COOKIE = Candidate(1, "v1", 100)
LAPTOP, PHONE, UNSEEN = Candidate(2, "v2", 100), Candidate(3, "v3", 200), Candidate(4, "v4", None)
EMAIL, NUMBER = "ann@acme.com", "+442079460000"
AT_MS = 1_000 * DAY_MS


def shown(candidate: Candidate, *, ago_ms: int = 0, clicked: bool = False, line: bool = False) -> Leased:
    """A visitor who last saw the called number so long before the call."""
    return Leased(candidate, AT_MS - ago_ms, clicked, line)


def line(*visitors: Candidate, apart: str | None = None, ago_days: float = 0) -> Line:
    """A caller's number that was last seen with its person so long before the call."""
    return Line(apart, AT_MS - round(ago_days * DAY_MS), visitors)


MATCHES: dict[str, tuple[dict[str, Any], tuple[str, float, int | None]]] = {
    "M1: the signed id came with the lead": ({"proved": COOKIE}, ("M1", 1.0, 1)),
    "M1 also where that browser has no hit before": ({"proved": UNSEEN}, ("M1", 1.0, 4)),
    "M1 before M2, M5 and M7": (
        {"proved": COOKIE, "leased": (shown(LAPTOP),), "email": EMAIL, "by_email": (PHONE,),
         "static_number": NUMBER}, ("M1", 1.0, 1),
    ),
    "no match after a refusal of consent": (
        {"is_withheld": True, "proved": COOKIE, "email": EMAIL, "by_email": (PHONE,)},
        ("unmatched", 0.0, None),
    ),
    "M2: one visitor saw the number": ({"leased": (shown(LAPTOP),)}, ("M2", 0.95, 2)),
    "M2: halfway through the grace": (
        {"leased": (shown(LAPTOP, ago_ms=15 * MINUTE_MS),)}, ("M2", 0.775, 2),
    ),
    "M2: at the end of the grace": ({"leased": (shown(LAPTOP, ago_ms=30 * MINUTE_MS),)}, ("M2", 0.6, 2)),
    "M2: while the number was shown": ({"leased": (shown(LAPTOP, ago_ms=-5),)}, ("M2", 0.95, 2)),
    "M3: one of several clicked": (
        {"leased": (shown(LAPTOP), shown(PHONE, clicked=True))}, ("M3", 0.9, 3),
    ),
    "M3 before M4": (
        {"leased": (shown(LAPTOP, line=True), shown(PHONE, clicked=True))}, ("M3", 0.9, 3),
    ),
    "M4: one of several has the caller's number": (
        {"leased": (shown(LAPTOP, line=True), shown(PHONE))}, ("M4", 0.9, 2),
    ),
    "M4 where two clicked": (
        {"leased": (shown(LAPTOP, clicked=True, line=True), shown(PHONE, clicked=True))}, ("M4", 0.9, 2),
    ),
    "ambiguous: several saw it, and nothing tells them apart": (
        {"leased": (shown(LAPTOP), shown(PHONE))}, ("ambiguous", 0.0, None),
    ),
    "ambiguous leases go before a known address": (
        {"leased": (shown(LAPTOP), shown(PHONE)), "email": EMAIL, "by_email": (COOKIE,)},
        ("ambiguous", 0.0, None),
    ),
    "M5: the browser seen last before the lead": (
        {"email": EMAIL, "by_email": (LAPTOP, PHONE, UNSEEN)}, ("M5", 0.9, 3),
    ),
    "M5: a tie goes to the greater visitor id": (
        {"email": EMAIL, "by_email": (Candidate(9, "a", 7), Candidate(8, "b", 7))}, ("M5", 0.9, 8),
    ),
    "M5 before M7": (
        {"email": EMAIL, "by_email": (LAPTOP,), "static_number": NUMBER}, ("M5", 0.9, 2),
    ),
    "M5 by the caller's number": ({"line": line(LAPTOP, PHONE)}, ("M5", 0.8, 3)),
    "M5 on the last day that a number is fresh": ({"line": line(LAPTOP, ago_days=180)}, ("M5", 0.8, 2)),
    "no M5 by a number of old": ({"line": line(LAPTOP, ago_days=180.001)}, ("unmatched", 0.0, None)),
    "M5 by a number that becomes known later": ({"line": line(LAPTOP, ago_days=-10)}, ("M5", 0.8, 2)),
    "the address gainsays the number": (
        {"email": EMAIL, "by_email": (UNSEEN,), "line": line(LAPTOP)}, ("unmatched", 0.0, None),
    ),
    "ambiguous: a number of several people": (
        {"line": line(LAPTOP, PHONE, apart="contested_line")}, ("ambiguous", 0.0, None),
    ),
    "no M5 by a number that too many use": ({"line": line(apart="shared")}, ("unmatched", 0.0, None)),
    "M7: the source is known, the visitor is not": ({"static_number": NUMBER}, ("M7", 0.0, None)),
    "M7 where the person's browsers came later": (
        {"email": EMAIL, "by_email": (UNSEEN,), "static_number": NUMBER}, ("M7", 0.0, None),
    ),
    "unmatched: nothing came with the lead": ({}, ("unmatched", 0.0, None)),
    "unmatched: nobody has this address": ({"email": EMAIL}, ("unmatched", 0.0, None)),
    "unmatched: no browser was seen before": (
        {"email": EMAIL, "by_email": (UNSEEN,)}, ("unmatched", 0.0, None),
    ),
    "an address that counts for nothing matches nobody": ({"by_email": (LAPTOP,)}, ("unmatched", 0.0, None)),
}  # fmt: skip


@pytest.mark.parametrize(("known", "decided"), MATCHES.values(), ids=MATCHES)
def test_the_first_rule_that_applies_wins(
    known: dict[str, Any], decided: tuple[str, float, int | None]
) -> None:
    """Rules in their order, each with its confidence; nothing is guessed."""
    match = match_lead(Asked(AT_MS, **known))
    assert (match.rule, match.confidence, match.visitor_no) == decided
    assert match.why


def test_who_was_ruled_out_is_told_in_one_order() -> None:
    """Candidates are sorted by their ids, whatever order they were found in."""
    match = match_lead(Asked(AT_MS, email=EMAIL, by_email=(UNSEEN, PHONE, LAPTOP)))
    assert [each.visitor_id for each in match.candidates] == ["v2", "v3", "v4"]


def test_every_reason_is_its_own() -> None:
    """Whoever reads why learns which of the cases it was."""
    cases: list[dict[str, Any]] = [
        {}, {"is_withheld": True}, {"email": EMAIL}, {"email": EMAIL, "by_email": (UNSEEN,)},
        {"line": line()}, {"line": line(UNSEEN)}, {"line": line(LAPTOP, ago_days=200)},
        {"line": line(apart="shared")},
    ]  # fmt: skip
    assert len({match_lead(Asked(AT_MS, **case)).why for case in cases}) == len(cases) - 1


candidates = st.lists(
    st.builds(lambda n, ms: Candidate(n, f"v{n}", ms), st.integers(0, 5), st.none() | st.integers(0, 3)),
    unique_by=lambda each: each.visitor_no, max_size=5,
)  # fmt: skip


@given(candidates, st.data())
def test_the_order_of_the_candidates_decides_nothing(found: list[Candidate], data: st.DataObject) -> None:
    """The same browsers in any order give the same match."""
    shuffled = data.draw(st.permutations(found))
    one, two = (match_lead(Asked(AT_MS, email=EMAIL, by_email=tuple(each))) for each in (found, shuffled))
    assert one == two
