"""Evidence as tests write it, at random and by hand, for the pure `resolve`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from tracker.core.evidence import Component, Evidence, Guards, Resolution
from tracker.core.groups import Identifier

DAY_MS = 86_400_000

V1, V2, V3, V4 = VISITORS = [Identifier("visitor", f"v{n}") for n in range(1, 5)]
ANN, BOB, CAT, DAN = EMAILS = [
    Identifier("email", address)
    for address in ("ann@acme.com", "bob@beta.io", "cat@home.net", "dan@acme.com")
]
U1, U2 = USERS = [Identifier("user", f"u{n}") for n in range(1, 3)]
P1, P2 = PHONES = [Identifier("phone", f"+44770090000{n}") for n in range(1, 3)]
C1, C2, D1 = CONTACTS = [Identifier("crm", name) for name in ("hub:1", "hub:2", "deals:1")]
CHAT = Identifier("chat", "desk:1")
EVERYBODY = [*VISITORS, *EMAILS, *USERS, *PHONES, *CONTACTS, CHAT]

SMALL = Guards(line_emails=3, line_visitors=3, email_visitors=3, person_identifiers=6)
"""Limits that a history of a few facts reaches."""
BOUNDLESS = Guards(line_emails=0, line_visitors=0, email_visitors=0, person_identifiers=0)
"""No limit at all: nothing is too many or too large."""


def says(rule: str, a: Identifier, b: Identifier, at_ms: int = 0, **more: Any) -> Evidence:
    """Write one piece of evidence; its key is what it says."""
    key = more.pop("key", f"{rule} {a} {b} {at_ms} {sorted(more.items())}")
    return Evidence(rule, a, b, at_ms, key, **more)  # type: ignore[arg-type]


def component(*evidence: Evidence, names: dict[Identifier, str] | None = None, **first_ms: int) -> Component:
    """Put evidence together; everybody was first seen when the first of it was given, or at 0."""
    seen: dict[Identifier, int] = {}
    for each in sorted(evidence, key=lambda each: each.at_ms):
        for end in (each.a, each.b, *([each.on] if each.on else [])):
            seen.setdefault(end, each.at_ms)
    folded = {each: frozenset({name}) for each, name in (names or {}).items()}
    return Component(seen, tuple(evidence), folded)


def partition(resolution: Resolution) -> set[frozenset[Identifier]]:
    """Cut the identifiers into persons."""
    return {frozenset(each for each, _ in person.identifiers) for person in resolution.persons}


def together(*groups: Iterable[Identifier]) -> set[frozenset[Identifier]]:
    """Write a partition."""
    return {frozenset(group) for group in groups}


times = st.sampled_from([0, 1, 2, 3, 50 * DAY_MS, 100 * DAY_MS, 181 * DAY_MS, 300 * DAY_MS])
_ones = {
    "visitor": st.sampled_from(VISITORS), "email": st.sampled_from(EMAILS), "user": st.sampled_from(USERS),
    "phone": st.sampled_from(PHONES), "line": st.sampled_from([*PHONES, CHAT]),
    "contact": st.sampled_from(CONTACTS), "person": st.sampled_from([*EMAILS, *EMAILS, *USERS]),
    "anybody": st.sampled_from(EVERYBODY),
}  # fmt: skip
_onces = st.sampled_from([None, "one", "two"])


def _rule(rule: str, a: str, b: str, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Evidence]:
    drawn = st.builds(
        lambda a, b, at_ms, ago, **more: says(
            rule, a, b, at_ms, **({"since_ms": max(0, at_ms - ago)} if rule == "R2" else {}), **more
        ),
        _ones[a], _ones[b], times, st.sampled_from([0, 1, 2]), **more,
    )  # fmt: skip
    return drawn.filter(lambda each: each.a != each.b)


def _word(rule: str) -> st.SearchStrategy[Evidence]:
    drawn = _rule(rule, "anybody", "anybody", is_undo=st.booleans())
    return drawn.map(lambda each: says(rule, *sorted((each.a, each.b)), each.at_ms, is_undo=each.is_undo))


RULES: dict[str, st.SearchStrategy[Evidence]] = {
    "same": _word("same"),
    "split": _word("split"),
    "merge": st.builds(says, st.just("merge"), st.just(C2), st.just(C1), times),
    "R1": _rule("R1", "contact", "person"),
    "R2": _rule("R2", "person", "visitor"),
    "R2 of a user": st.builds(
        lambda a, b, at_ms: says("R2", a, b, at_ms), _ones["email"], _ones["user"], times
    ),
    "R2 of a contact": _rule("R2", "contact", "visitor"),
    "R3": _rule("R3", "email", "visitor", once=_onces),
    "R4": _rule("R4", "person", "line", on=st.none() | _ones["visitor"]),
    "R4 on a browser": _rule("R4", "visitor", "line"),
    "R4 of a contact": _rule("R4", "contact", "phone"),
    "R5": _rule("R5", "visitor", "visitor", once=_onces),
    "R6": _rule("R6", "visitor", "phone"),
}
ALL = tuple(RULES)
OBSERVED = tuple(rule for rule in RULES if rule not in ("same", "split", "merge"))
DEVICES_AND_LINES = tuple(rule for rule in OBSERVED if rule != "R1")

folded_names = st.dictionaries(
    st.sampled_from([*EMAILS, *USERS, *CONTACTS]),
    st.frozensets(st.sampled_from(["ann lee", "bob roy"]), min_size=1),
    max_size=4,
)


def histories(rules: Iterable[str] = ALL, *, most: int = 12) -> st.SearchStrategy[tuple[Evidence, ...]]:
    """Draw sets of evidence of these rules, no two pieces alike."""
    pieces = st.one_of(*(RULES[rule] for rule in rules))
    return st.lists(pieces, max_size=most, unique_by=lambda each: each.key).map(tuple)


@st.composite
def components(
    draw: st.DrawFn, rules: Iterable[str] = ALL, *, most: int = 12, named: bool = True
) -> Component:
    """Draw a component: evidence, first sightings of everybody in it, full names."""
    evidence = draw(histories(rules, most=most))
    ends = {end for each in evidence for end in (each.a, each.b, *([each.on] if each.on else []))}
    alone = draw(st.sets(st.sampled_from(EVERYBODY), max_size=2))
    first_ms = {end: draw(st.sampled_from([0, 1, 2])) for end in sorted(ends | alone)}
    return Component(first_ms, evidence, draw(folded_names) if named else {})
