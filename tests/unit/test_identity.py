"""Persons: what joins identifiers, who is the oldest, and what was decided about each piece of evidence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit import oracles
from tracker.core.identity import Component, Evidence, Identifier, resolve

V1, V2, V3 = (Identifier("visitor", f"v{n}") for n in (1, 2, 3))
ANN, BOB = Identifier("email", "ann@acme.com"), Identifier("email", "bob@beta.io")


def given_with(a: Identifier, b: Identifier, at_ms: int = 0, key: str = "") -> Evidence:
    """Write evidence that an address was given with a visitor."""
    return Evidence("R2", a, b, at_ms, key or f"{a.value}+{b.value}@{at_ms}")


def test_an_equal_address_joins_the_visitors_that_gave_it() -> None:
    """Two browsers and one e-mail address are one person."""
    first = {V1: 10, V2: 20, ANN: 15}
    (person,) = resolve(Component(first, (given_with(V1, ANN, 15), given_with(V2, ANN, 25)))).persons
    assert person.identifiers == ((ANN, 15), (V1, 10), (V2, 20))
    assert person.oldest == V1


def test_without_evidence_everybody_is_alone() -> None:
    """A visitor alone is a person of one identifier."""
    persons = resolve(Component({V1: 1, V2: 1})).persons
    assert [person.identifiers for person in persons] == [((V1, 1),), ((V2, 1),)]


def test_the_oldest_is_by_time_then_kind_then_value() -> None:
    """Ties are settled by what identifiers are, never by what came first."""
    evidence = (given_with(V1, ANN), given_with(V2, ANN))
    assert resolve(Component({V1: 5, V2: 5, ANN: 9}, evidence)).persons[0].oldest == V1
    assert resolve(Component({V1: 5, V2: 5, ANN: 5}, evidence)).persons[0].oldest == ANN
    assert resolve(Component({V1: 5, V2: 4, ANN: 5}, evidence)).persons[0].oldest == V2


def test_each_piece_of_evidence_is_decided_in_order_of_its_time_then_its_key() -> None:
    """What joins is told from what only repeats, and the earliest joins."""
    evidence = (
        given_with(V1, ANN, 30, "third"), given_with(V1, ANN, 20, "b"), given_with(V1, ANN, 20, "a"),
        given_with(V2, ANN, 40, "other"),
    )  # fmt: skip
    decisions = resolve(Component({V1: 1, V2: 2, ANN: 3}, evidence)).decisions
    assert [(each.key, each.verdict) for each in decisions] == [
        ("a", "joined"), ("b", "redundant"), ("third", "redundant"), ("other", "joined"),
    ]  # fmt: skip


def test_values_that_equal_another_kinds_value_are_not_the_same() -> None:
    """A visitor whose id looks like an address is no address."""
    odd = Identifier("visitor", "ann@acme.com")
    assert len(resolve(Component({odd: 1, ANN: 1})).persons) == 2


identifiers = st.sampled_from([V1, V2, V3, ANN, BOB, Identifier("visitor", "ann@acme.com")])
links = st.builds(given_with, identifiers, identifiers, st.integers(0, 3))


@given(st.lists(links, max_size=8), st.dictionaries(identifiers, st.integers(0, 5)), st.data())
def test_persons_are_the_connected_groups_whatever_the_order(
    evidence: list[Evidence], seen: dict[Identifier, int], data: st.DataObject
) -> None:
    """The partition is that of a trusted twin, and rests on the set of evidence alone."""
    first = {**{end: 9 for each in evidence for end in (each.a, each.b)}, **seen}
    resolution = resolve(Component(first, tuple(evidence)))
    groups = {frozenset(each for each, _ in person.identifiers) for person in resolution.persons}
    assert groups == oracles.components(list(first), evidence)
    shuffled = tuple(data.draw(st.permutations(evidence)))
    reordered = dict(data.draw(st.permutations(list(first.items()))))
    assert resolve(Component(reordered, shuffled)) == resolution
    joined = sum(each.verdict == "joined" for each in resolution.decisions)
    assert joined == len(first) - len(groups)
