"""Matching: which rule decides whose a lead is, and what is said where none does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.matching import Candidate, match_lead

COOKIE = Candidate(1, "v1", 100)
LAPTOP, PHONE, UNSEEN = Candidate(2, "v2", 100), Candidate(3, "v3", 200), Candidate(4, "v4", None)
EMAIL, NUMBER = "ann@acme.com", "+442079460000"

MATCHES: dict[str, tuple[dict[str, Any], tuple[str, float, int | None]]] = {
    "M1: the signed id came with the lead": ({"proved": COOKIE}, ("M1", 1.0, 1)),
    "M1 also where that browser has no hit before": ({"proved": UNSEEN}, ("M1", 1.0, 4)),
    "M1 before M5 and M7": (
        {"proved": COOKIE, "email": EMAIL, "by_email": [PHONE], "static_number": NUMBER}, ("M1", 1.0, 1),
    ),
    "M5: the browser seen last before the lead": (
        {"email": EMAIL, "by_email": [LAPTOP, PHONE, UNSEEN]}, ("M5", 0.9, 3),
    ),
    "M5: a tie goes to the greater visitor id": (
        {"email": EMAIL, "by_email": [Candidate(9, "a", 7), Candidate(8, "b", 7)]}, ("M5", 0.9, 8),
    ),
    "M5 before M7": (
        {"email": EMAIL, "by_email": [LAPTOP], "static_number": NUMBER}, ("M5", 0.9, 2),
    ),
    "M7: the source is known, the visitor is not": ({"static_number": NUMBER}, ("M7", 0.0, None)),
    "M7 where the person's browsers came later": (
        {"email": EMAIL, "by_email": [UNSEEN], "static_number": NUMBER}, ("M7", 0.0, None),
    ),
    "unmatched: nothing came with the lead": ({}, ("unmatched", 0.0, None)),
    "unmatched: nobody has this address": ({"email": EMAIL}, ("unmatched", 0.0, None)),
    "unmatched: no browser was seen before": (
        {"email": EMAIL, "by_email": [UNSEEN]}, ("unmatched", 0.0, None),
    ),
    "an address that counts for nothing matches nobody": ({"by_email": [LAPTOP]}, ("unmatched", 0.0, None)),
}  # fmt: skip
NOTHING: dict[str, Any] = {"proved": None, "email": None, "by_email": [], "static_number": None}


@pytest.mark.parametrize(("known", "decided"), MATCHES.values(), ids=MATCHES)
def test_the_first_rule_that_applies_wins(
    known: dict[str, Any], decided: tuple[str, float, int | None]
) -> None:
    """Rules in their order, each with its confidence; nothing is guessed."""
    match = match_lead(**{**NOTHING, **known})
    assert (match.rule, match.confidence, match.visitor_no) == decided
    assert match.why


def test_who_was_ruled_out_is_told_in_one_order() -> None:
    """Candidates are sorted by their ids, whatever order they were found in."""
    match = match_lead(**{**NOTHING, "email": EMAIL, "by_email": [UNSEEN, PHONE, LAPTOP]})
    assert [each.visitor_id for each in match.candidates] == ["v2", "v3", "v4"]


def test_every_reason_is_its_own() -> None:
    """Whoever reads why learns which of the cases it was."""
    cases = [{}, {"email": EMAIL}, {"email": EMAIL, "by_email": [UNSEEN]}]
    assert len({match_lead(**{**NOTHING, **case}).why for case in cases}) == 3


candidates = st.lists(
    st.builds(lambda n, ms: Candidate(n, f"v{n}", ms), st.integers(0, 5), st.none() | st.integers(0, 3)),
    unique_by=lambda each: each.visitor_no, max_size=5,
)  # fmt: skip


@given(candidates, st.data())
def test_the_order_of_the_candidates_decides_nothing(found: list[Candidate], data: st.DataObject) -> None:
    """The same browsers in any order give the same match."""
    shuffled = data.draw(st.permutations(found))
    one, two = (match_lead(**{**NOTHING, "email": EMAIL, "by_email": each}) for each in (found, shuffled))
    assert one == two
