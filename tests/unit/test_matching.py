"""Matching: which rule decides whose a lead is, and what is said where none does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.candidates import Asked, Candidate, Given, Leased, Line, Match, Missed
from tracker.core.matching import match_lead
from tracker.core.matchwords import aside_words, span_words
from tracker.core.times import DAY_MS, HOUR_MS, MINUTE_MS

COOKIE = Candidate(1, "v1", 100)
LAPTOP, PHONE, UNSEEN = Candidate(2, "v2", 100), Candidate(3, "v3", 200), Candidate(4, "v4", None)
NUMBER = "+442079460000"
AT_MS = 1_000 * DAY_MS


def shown(candidate: Candidate, *, ago_ms: int = 0, clicked: bool = False, line: bool = False) -> Leased:
    """A visitor who last saw the called number so long before the call."""
    return Leased(candidate, AT_MS - ago_ms, clicked, line)


def by(*visitors: Candidate, kind: Literal["email", "user", "crm"] = "email") -> Given:
    """An address or id that names the person of these visitors."""
    return Given(kind, visitors)


def line(
    *visitors: Candidate,
    apart: str | None = None,
    ago_days: float = 0,
    kind: Literal["phone", "chat"] = "phone",
) -> Line:
    """A caller's number that was last seen with its person so long before the call."""
    return Line(kind, apart, AT_MS - round(ago_days * DAY_MS), visitors)


def click(*visitors: Candidate) -> dict[str, Any]:
    """A click id that came with the lead, and who arrived with it."""
    return {"click_names": ("gclid",), "clicked": visitors}


MATCHES: dict[str, tuple[dict[str, Any], tuple[str, float, int | None]]] = {
    "M1: the signed id came with the lead": ({"proved": COOKIE}, ("M1", 1.0, 1)),
    "M1 also where that browser has no hit before": ({"proved": UNSEEN}, ("M1", 1.0, 4)),
    "M1 before all others": (
        {"proved": COOKIE, "leased": (shown(LAPTOP),), "given": by(PHONE), **click(LAPTOP),
         "static_number": NUMBER, "on_page": (PHONE,)}, ("M1", 1.0, 1),
    ),
    "no match after a refusal of consent": (
        {"is_withheld": True, "proved": COOKIE, "given": by(PHONE), **click(PHONE)}, ("unmatched", 0.0, None),
    ),
    "M2: one visitor saw the number": ({"leased": (shown(LAPTOP),)}, ("M2", 0.95, 2)),
    "M2: halfway through the grace": (
        {"leased": (shown(LAPTOP, ago_ms=15 * MINUTE_MS),)}, ("M2", 0.775, 2),
    ),
    "M2: at the end of the grace": ({"leased": (shown(LAPTOP, ago_ms=30 * MINUTE_MS),)}, ("M2", 0.6, 2)),
    "M2: while the number was shown": ({"leased": (shown(LAPTOP, ago_ms=-5),)}, ("M2", 0.95, 2)),
    "M2: leases near the call do not count": (
        {"leased": (shown(LAPTOP),), "missed": (Missed(PHONE, AT_MS - HOUR_MS, AT_MS - HOUR_MS),)},
        ("M2", 0.95, 2),
    ),
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
    "ambiguous leases go before a known address and a click id": (
        {"leased": (shown(LAPTOP), shown(PHONE)), "given": by(COOKIE), **click(COOKIE)},
        ("ambiguous", 0.0, None),
    ),
    "M5: the browser seen last before the lead": ({"given": by(LAPTOP, PHONE, UNSEEN)}, ("M5", 0.9, 3)),
    "M5: a tie goes to the greater visitor id": (
        {"given": by(Candidate(9, "a", 7), Candidate(8, "b", 7))}, ("M5", 0.9, 8),
    ),
    "M5 by a user's id": ({"given": by(LAPTOP, kind="user")}, ("M5", 0.9, 2)),
    "M5 by a contact's id": ({"given": by(LAPTOP, kind="crm")}, ("M5", 0.9, 2)),
    "M5 before M6 and M7": (
        {"given": by(LAPTOP), **click(PHONE), "static_number": NUMBER}, ("M5", 0.9, 2),
    ),
    "M5 by the caller's number": ({"lines": (line(LAPTOP, PHONE),)}, ("M5", 0.8, 3)),
    "M5 by the chat": ({"lines": (line(LAPTOP, kind="chat"),)}, ("M5", 0.8, 2)),
    "M5 by a chat where the number is shared": (
        {"lines": (line(apart="shared"), line(LAPTOP, kind="chat"))}, ("M5", 0.8, 2),
    ),
    "M5 by a chat where the number is several people's": (
        {"lines": (line(LAPTOP, PHONE, apart="contested_line"), line(LAPTOP, kind="chat"))}, ("M5", 0.8, 2),
    ),
    "M5 by number and chat of one person": (
        {"lines": (line(LAPTOP, PHONE), line(PHONE, LAPTOP, kind="chat"))}, ("M5", 0.8, 3),
    ),
    "ambiguous: number and chat are different people's": (
        {"lines": (line(LAPTOP), line(PHONE, kind="chat"))}, ("ambiguous", 0.0, None),
    ),
    "M5 on the last day that a number is fresh": ({"lines": (line(LAPTOP, ago_days=180),)}, ("M5", 0.8, 2)),
    "no M5 by a number of old": ({"lines": (line(LAPTOP, ago_days=180.001),)}, ("unmatched", 0.0, None)),
    "M5 by a number that becomes known later": ({"lines": (line(LAPTOP, ago_days=-10),)}, ("M5", 0.8, 2)),
    "the address gainsays the number": (
        {"given": by(UNSEEN), "lines": (line(LAPTOP),)}, ("unmatched", 0.0, None),
    ),
    "ambiguous: a number of several people": (
        {"lines": (line(LAPTOP, PHONE, apart="contested_line"),)}, ("ambiguous", 0.0, None),
    ),
    "no M5 by a number that too many use": ({"lines": (line(apart="shared"),)}, ("unmatched", 0.0, None)),
    "M6: one visitor arrived with the click id": (click(LAPTOP), ("M6", 0.85, 2)),
    "M6 where the visitor came only after the lead": (click(UNSEEN), ("M6", 0.85, 4)),
    "M6 where the address is known and its browsers are not": (
        {"given": by(UNSEEN), **click(LAPTOP)}, ("M6", 0.85, 2),
    ),
    "M6 where the number is several people's": (
        {"lines": (line(PHONE, COOKIE, apart="contested_line"),), **click(LAPTOP)}, ("M6", 0.85, 2),
    ),
    "M6 before M7": ({**click(LAPTOP), "static_number": NUMBER}, ("M6", 0.85, 2)),
    "ambiguous: several arrived with the click id": (click(LAPTOP, PHONE), ("ambiguous", 0.0, None)),
    "unmatched: nobody arrived with the click id": (click(), ("unmatched", 0.0, None)),
    "M7: the source is known, the visitor is not": ({"static_number": NUMBER}, ("M7", 0.0, None)),
    "M7 where the person's browsers came later": (
        {"given": by(UNSEEN), "static_number": NUMBER}, ("M7", 0.0, None),
    ),
    "M7 where several arrived with the click id": (
        {**click(LAPTOP, PHONE), "static_number": NUMBER}, ("M7", 0.0, None),
    ),
    "M8: one visitor was on the page of the chat": ({"on_page": (LAPTOP,)}, ("M8", 0.5, 2)),
    "ambiguous: several were on the page of the chat": (
        {"on_page": (LAPTOP, PHONE)}, ("ambiguous", 0.0, None),
    ),
    "M6 before M8": ({**click(LAPTOP), "on_page": (PHONE,)}, ("M6", 0.85, 2)),
    "no M8 where a click id leaves it open": (
        {**click(LAPTOP, PHONE), "on_page": (PHONE,)}, ("ambiguous", 0.0, None),
    ),
    "unmatched: nothing came with the lead": ({}, ("unmatched", 0.0, None)),
    "unmatched: nobody has this address": ({"given": by()}, ("unmatched", 0.0, None)),
    "unmatched: no browser was seen before": ({"given": by(UNSEEN)}, ("unmatched", 0.0, None)),
}  # fmt: skip


@pytest.mark.parametrize(("known", "decided"), MATCHES.values(), ids=MATCHES)
def test_the_first_rule_that_applies_wins(
    known: dict[str, Any], decided: tuple[str, float, int | None]
) -> None:
    """Rules in their order, each with its confidence; nothing is guessed."""
    match = match_lead(Asked(AT_MS, **known))
    assert (match.rule, match.confidence, match.visitor_no) == decided
    assert match.why


def told(match: Match) -> list[str]:
    """Write down what was decided of each candidate, and what else is noted."""
    rows = [f"{each.candidate.visitor_id} {each.verdict}: {each.why}" for each in match.rulings]
    return [
        *rows,
        *(f"{each.candidate.visitor_id} beside: {each.why}" for each in match.beside),
        *match.notes,
    ]


REASONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a lease that ended too long before": (
        {"leased": (shown(LAPTOP),), "missed": (Missed(PHONE, 0, AT_MS - 41 * MINUTE_MS),)},
        ["v2 chosen: had the number on the page at the time",
         "v3 beside: had the number on the page until 41 minutes before the call, too long before"],
    ),
    "a lease that began after the call": (
        {"missed": (Missed(PHONE, AT_MS + 5 * MINUTE_MS, AT_MS + HOUR_MS),)},
        ["v3 beside: had the number on the page only from 5 minutes after the call began",
         "the called number was shown to nobody at the time of the call"],
    ),
    "one lease in its grace": (
        {"leased": (shown(LAPTOP, ago_ms=12 * MINUTE_MS),)},
        ["v2 chosen: had the number on the page until 12 minutes before the call"],
    ),
    "several leases": (
        {"leased": (shown(LAPTOP, clicked=True), shown(PHONE, clicked=True, ago_ms=3 * MINUTE_MS))},
        ["v2 possible: had the number on the page at the time, clicked on it",
         "v3 possible: had the number on the page until 3 minutes before the call, clicked on it"],
    ),
    "a click id of several visitors": (
        {**click(LAPTOP, PHONE), "given": by(COOKIE)},
        ["v1 chosen: was seen last before the lead", "v2 beside: arrived with the click id as others did",
         "v3 beside: arrived with the click id as others did",
         "2 visitors arrived with the lead's click id (gclid)"],
    ),
    "a click id of another visitor than the person's": (
        {**click(LAPTOP), "given": by(COOKIE)},
        ["v1 chosen: was seen last before the lead",
         "v2 beside: arrived with the click id, and a stronger rule says who it was"],
    ),
    "the person's browsers": (
        {"given": by(LAPTOP, PHONE, UNSEEN)},
        ["v2 ruled_out: is the person's too, and was seen earlier",
         "v3 chosen: was seen last before the lead",
         "v4 ruled_out: is the person's too, and was not seen before the lead"],
    ),
    "a shared number": (
        {"lines": (line(apart="shared"),)}, ["the number is used by too many people to say who it was"],
    ),
    "a number of our own": ({"lines": (line(apart="own_number"),)}, ["the number is one of our own"]),
    "a number of old": (
        {"lines": (line(LAPTOP, ago_days=200),)},
        ["v2 ruled_out: is known by the number, of old, or not theirs alone",
         "the number was not seen with its person for too long to be sure"],
    ),
    "a click id of nobody": (click(), ["no visitor arrived with the lead's click id (gclid)"]),
}  # fmt: skip


@pytest.mark.parametrize(("known", "lines"), REASONS.values(), ids=REASONS)
def test_every_candidate_has_a_reason(known: dict[str, Any], lines: list[str]) -> None:
    """Whoever was chosen, left open or ruled out, and what came with the lead and said nothing."""
    assert told(match_lead(Asked(AT_MS, **known))) == lines


def test_who_was_ruled_out_is_told_in_one_order() -> None:
    """Candidates are sorted by their ids, whatever order they were found in."""
    match = match_lead(Asked(AT_MS, given=by(UNSEEN, PHONE, LAPTOP)))
    assert [each.candidate.visitor_id for each in match.rulings] == ["v2", "v3", "v4"]


def test_every_reason_is_its_own() -> None:
    """Whoever reads why learns which of the cases it was."""
    cases: list[dict[str, Any]] = [
        {}, {"is_withheld": True}, {"given": by()}, {"given": by(UNSEEN)}, {"given": by(kind="crm")},
        {"lines": (line(),)}, {"lines": (line(UNSEEN),)}, {"lines": (line(LAPTOP, ago_days=200),)},
        {"lines": (line(apart="shared"),)}, {"lines": (line(kind="chat"),)},
    ]  # fmt: skip
    assert len({match_lead(Asked(AT_MS, **case)).why for case in cases}) == len(cases) - 1


def test_the_reason_is_that_of_the_line_that_could_have_told() -> None:
    """A number that stands for nobody alone is a note beside; the chat is what was looked for."""
    match = match_lead(Asked(AT_MS, lines=(line(apart="shared"), line(kind="chat"))))
    assert match.why == "no browser is known for this chat"
    assert match.notes == ("the number is used by too many people to say who it was",)


ASIDE = {
    "an address for tests": (("test@acme.com", None), "it is made up for a test"),
    "a team's mailbox": (("info@acme.com", None), "it is a whole team's mailbox"),
    "what is no address": (("nonsense", None), "it cannot be one"),
    "a withheld number": ((None, "Restricted"), "it is withheld, or no one's own"),
}


@pytest.mark.parametrize(("given", "ending"), ASIDE.values(), ids=ASIDE)
def test_contact_details_that_name_nobody_say_why(given: tuple[str | None, str | None], ending: str) -> None:
    """A salesperson sees why an address or number that stands there was not used."""
    (words,) = aside_words(email=given[0], phone=given[1])
    assert words.endswith(ending)
    assert (given[0] or given[1] or "") not in words  # exports mask contact details


SPANS = {
    0: "a moment", 1_999: "a moment", 45_000: "45 seconds", 119_999: "119 seconds", 120_000: "2 minutes",
    7_199_999: "119 minutes", 7_200_000: "2 hours", 3 * DAY_MS: "3 days",
}  # fmt: skip


@pytest.mark.parametrize(("span_ms", "words"), SPANS.items())
def test_a_length_of_time_is_said_in_its_largest_unit(span_ms: int, words: str) -> None:
    """The largest of which there are two, so that no rounding hides half of it."""
    assert span_words(span_ms) == words


CANDIDATES = st.builds(
    lambda n, ms: Candidate(n, f"v{n}", ms), st.integers(0, 5), st.none() | st.integers(0, 3)
)
YES_NO = st.booleans()
SEVERAL = st.lists(CANDIDATES, unique_by=lambda each: each.visitor_no, max_size=4).map(tuple)
LINES = st.builds(
    Line, st.just("phone"), st.sampled_from((None, "shared", "contested_line")),
    st.none() | st.sampled_from((AT_MS, 0)), SEVERAL,
)  # fmt: skip
ASKED = st.builds(
    Asked, st.just(AT_MS),
    leased=SEVERAL.flatmap(lambda found: st.tuples(*(
        st.builds(Leased, st.just(each), st.sampled_from((AT_MS, AT_MS - 5 * MINUTE_MS)), YES_NO, YES_NO)
        for each in found
    ))),
    missed=SEVERAL.map(lambda found: tuple(Missed(each, 0, AT_MS - HOUR_MS) for each in found)),
    given=st.none() | st.builds(Given, st.sampled_from(("email", "user", "crm")), SEVERAL),
    lines=st.tuples(LINES, LINES.map(lambda each: replace(each, kind="chat"))),
    click_names=st.sampled_from(((), ("gclid",))), clicked=SEVERAL, on_page=SEVERAL,
    static_number=st.none() | st.just(NUMBER),
)  # fmt: skip


@given(ASKED, st.data())
def test_the_order_of_the_candidates_decides_nothing(asked: Asked, data: st.DataObject) -> None:
    """The same candidates in any order, and lines in any order, give the same match, reasons and all."""

    def shuffled(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(data.draw(st.permutations(values)))

    other = replace(
        asked, leased=shuffled(asked.leased), missed=shuffled(asked.missed), clicked=shuffled(asked.clicked),
        on_page=shuffled(asked.on_page),
        lines=shuffled(tuple(replace(each, visitors=shuffled(each.visitors)) for each in asked.lines)),
        given=asked.given and replace(asked.given, visitors=shuffled(asked.given.visitors)),
    )  # fmt: skip
    assert match_lead(other) == match_lead(asked)


@given(ASKED)
def test_a_match_names_whom_it_chose_and_nothing_is_guessed(asked: Asked) -> None:
    """A visitor goes with a confidence and is the one chosen; left open is only what has two or more."""
    match = match_lead(asked)
    chosen = [each.candidate for each in match.rulings if each.verdict == "chosen"]
    assert chosen == ([] if match.chosen is None else [match.chosen])
    assert (match.confidence > 0) == (match.chosen is not None)
    if match.rule == "ambiguous" and not any(each.apart == "contested_line" for each in asked.lines):
        assert len(match.rulings) > 1
    known = {each.candidate.visitor_no for each in match.rulings}
    assert known.isdisjoint({each.candidate.visitor_no for each in match.beside})
