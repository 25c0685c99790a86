"""The law of persons: what `resolve` may never do, whatever the evidence, and what it may not rest on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.unit import oracles
from tests.unit.evidence import (
    BOUNDLESS,
    DEVICES_AND_LINES,
    EVERYBODY,
    OBSERVED,
    PHONES,
    SMALL,
    VISITORS,
    component,
    components,
    histories,
    partition,
    says,
    times,
)
from tracker.core.evidence import Component, Evidence, Guards, Resolution
from tracker.core.groups import Identifier
from tracker.core.identity import resolve

limits = st.sampled_from([SMALL, Guards(), BOUNDLESS])


@given(components(), limits, st.data())
def test_the_order_of_the_evidence_decides_nothing(
    given_: Component, guards: Guards, data: st.DataObject
) -> None:
    """Told in any order, the same evidence gives the same persons, owners and decisions."""
    evidence = tuple(data.draw(st.permutations(given_.evidence)))
    first_ms = dict(data.draw(st.permutations(list(given_.first_ms.items()))))
    names = dict(data.draw(st.permutations(list(given_.names.items()))))
    assert resolve(Component(first_ms, evidence, names), guards) == resolve(given_, guards)


@given(components(), limits)
def test_everybody_is_in_one_person(given_: Component, guards: Guards) -> None:
    """Persons cut the identifiers: none is lost, none is in two."""
    found = resolve(given_, guards)
    counted = Counter(each for person in found.persons for each, _ in person.identifiers)
    assert counted == Counter(given_.first_ms.keys())
    assert Counter(each.evidence for each in found.decisions) == Counter(given_.evidence)


@given(components(), limits)
def test_a_person_is_named_by_its_oldest_identifier(given_: Component, guards: Guards) -> None:
    """First by time, then by kind, then by value."""
    for person in resolve(given_, guards).persons:
        assert person.oldest == min(person.identifiers, key=lambda each: (each[1], each[0]))[0]
        assert dict(person.identifiers) == {each: given_.first_ms[each] for each, _ in person.identifiers}


@given(components(OBSERVED), limits)
def test_no_person_has_two_contacts_of_one_system(given_: Component, guards: Guards) -> None:
    """Nothing but an operator or the CRM itself makes two contacts one person."""
    for group in partition(resolve(given_, guards)):
        systems = Counter(each.value.partition(":")[0] for each in group if each.kind == "crm")
        assert not systems or max(systems.values()) == 1


@given(components(DEVICES_AND_LINES, named=False), limits)
def test_devices_and_lines_never_join_two_addresses(given_: Component, guards: Guards) -> None:
    """Without a contact, an operator or equal names, no person has two e-mail addresses."""
    for group in partition(resolve(given_, guards)):
        assert sum(each.kind == "email" for each in group) <= 1


@given(components(), limits)
def test_what_an_operator_split_stays_apart(given_: Component, guards: Guards) -> None:
    """The two of a standing split are never in one person, not even through others."""
    groups = partition(resolve(given_, guards))
    for one, two in standing(given_.evidence):
        assert not any({one, two} <= group for group in groups)


@given(components(), limits)
def test_an_operators_same_joins_unless_split(given_: Component, guards: Guards) -> None:
    """Same joins always, unless a split forbids it; nothing else does."""
    for each in resolve(given_, guards).decisions:
        if each.evidence.rule == "same" and each.verdict == "refused":
            assert each.why in ("split", "undone")


@given(components(), limits)
def test_persons_stay_within_what_evidence_connects(given_: Component, guards: Guards) -> None:
    """No one is joined with someone whom no evidence connects, however far away."""
    linking = [each for each in given_.evidence if each.rule != "split"]
    linking += [says("R4", each.on, each.b) for each in given_.evidence if each.on is not None]
    reach = oracles.components(list(given_.first_ms), linking)
    for group in partition(resolve(given_, guards)):
        assert any(group <= whole for whole in reach)


@given(components(), limits)
def test_a_verdict_says_what_came_of_it(given_: Component, guards: Guards) -> None:
    """Joined and redundant evidence has both its ends in one person; refused evidence says why."""
    found = resolve(given_, guards)
    groups = partition(found)
    for each in found.decisions:
        if each.verdict == "refused":
            assert each.why
        elif each.evidence.rule != "split" and not {each.evidence.a, each.evidence.b} & found.owners.keys():
            assert any({each.evidence.a, each.evidence.b} <= group for group in groups), each


@given(components(named=False), limits)
def test_each_join_makes_one_person_less(given_: Component, guards: Guards) -> None:
    """The evidence that joined is a shortest proof: as many pieces as there are persons fewer."""
    found = resolve(given_, guards)
    joined = sum(each.verdict == "joined" for each in found.decisions)
    assert joined == len(given_.first_ms) - len(found.persons)


@given(components(), limits)
def test_a_shared_device_passes_from_hand_to_hand(given_: Component, guards: Guards) -> None:
    """Its first owner has its past and counts it as theirs; owners follow each other in time and differ."""
    found = resolve(given_, guards)
    groups = {each: group for group in partition(found) for each in group}
    for device, stretches in found.owners.items():
        assert device.kind == "visitor"
        assert stretches[0].from_ms is None
        starts = [each.from_ms for each in stretches[1:] if each.from_ms is not None]
        assert len(stretches) >= 2
        assert len(starts) == len(stretches) - 1
        assert starts == sorted(set(starts))
        hands = [groups[each.by] for each in stretches]
        assert all(one != two for one, two in zip(hands, hands[1:], strict=False))
        assert device in hands[0]


@given(components(), components(), limits)
def test_strangers_do_not_matter(one: Component, two: Component, guards: Guards) -> None:
    """Two components resolved together come out as each does alone."""
    other = renamed(two)
    both = Component(
        {**one.first_ms, **other.first_ms},
        (*one.evidence, *other.evidence),
        {**one.names, **other.names},
    )
    found, parts = resolve(both, guards), [resolve(each, guards) for each in (one, other)]
    assert partition(found) == partition(parts[0]) | partition(parts[1])
    assert found.owners == {**parts[0].owners, **parts[1].owners}
    assert found.apart == {**parts[0].apart, **parts[1].apart}
    assert set(found.decisions) == {*parts[0].decisions, *parts[1].decisions}


@given(
    components(), st.sampled_from(["same", "split"]), st.sampled_from(EVERYBODY), st.sampled_from(EVERYBODY),
    limits,
)  # fmt: skip
def test_an_undone_word_was_never_said(
    given_: Component, word: str, one: Identifier, two: Identifier, guards: Guards
) -> None:
    """After its undo nothing is left of a split or a same but the two words themselves."""
    a, b = sorted((one, two))
    earlier = [each for each in given_.evidence if (each.rule, each.a, each.b) == (word, a, b)]
    if one == two or earlier:
        return
    before = replace(given_, first_ms={a: 0, b: 0, **given_.first_ms})
    words = says(word, a, b, 5), says(word, a, b, 6, is_undo=True)
    after = resolve(replace(before, evidence=(*before.evidence, *words)), guards)
    assert without(after, words) == resolve(before, guards)


@given(components(), st.data(), limits)
def test_a_repeated_word_counts_once(given_: Component, data: st.DataObject, guards: Guards) -> None:
    """The same evidence from a second fact, later, joins and parts nobody."""
    words = [each for each in given_.evidence if each.rule in ("same", "split", "merge", "R1")]
    if words:
        each = data.draw(st.sampled_from(words))
        again = replace(each, key=f"{each.key} again")
        found = resolve(replace(given_, evidence=(*given_.evidence, again)), guards)
        assert partition(found) == partition(resolve(given_, guards))


@given(st.lists(st.tuples(st.sampled_from(EVERYBODY), st.sampled_from(EVERYBODY), times), max_size=20))
def test_where_no_guard_applies_persons_are_the_connected_groups(
    links: list[tuple[Identifier, Identifier, int]],
) -> None:
    """Random graphs, every edge an operator's same: the partition is that of a trusted twin."""
    evidence = [says("same", *sorted((a, b)), at_ms) for a, b, at_ms in links if a != b]
    given_ = replace(component(*evidence), first_ms=dict.fromkeys(EVERYBODY, 0))
    assert partition(resolve(given_, BOUNDLESS)) == oracles.components(EVERYBODY, evidence)


anonymous = st.one_of(
    st.builds(says, st.just("R5"), st.sampled_from(VISITORS), st.sampled_from(VISITORS), times),
    st.builds(says, st.sampled_from(["R4", "R6"]), st.sampled_from(VISITORS), st.sampled_from(PHONES), times),
)


@given(st.lists(anonymous.filter(lambda each: each.a != each.b), max_size=12))
def test_without_addresses_devices_and_lines_connect_as_in_any_graph(evidence: list[Evidence]) -> None:
    """Anonymous browsers and fresh lines have no guard to meet: again the twin's partition."""
    given_ = component(*evidence)
    forever = replace(BOUNDLESS, fresh_ms=10**15)
    assert partition(resolve(given_, forever)) == oracles.components(list(given_.first_ms), evidence)


@given(histories(("R1", "R2", "R2 of a user")), st.integers(0, 3))
def test_evidence_that_no_guard_refused_connects_as_in_any_graph(
    evidence: tuple[Evidence, ...], tail: int
) -> None:
    """Where every piece of evidence was heard, persons are the connected groups."""
    given_ = component(*evidence)
    found = resolve(given_, BOUNDLESS)
    if all(each.verdict != "refused" for each in found.decisions):
        assert partition(found) == oracles.components(list(given_.first_ms), evidence)


def standing(evidence: tuple[Evidence, ...]) -> list[tuple[Identifier, Identifier]]:
    """Find the pairs whose last word is a split: by time, then by key."""
    last: dict[tuple[Identifier, Identifier], Evidence] = {}
    for each in sorted(evidence, key=lambda each: (each.at_ms, each.key)):
        if each.rule == "split":
            last[each.a, each.b] = each
    return [pair for pair, each in last.items() if not each.is_undo]


def renamed(given_: Component) -> Component:
    """Give everybody another name, so that nobody is the same as before."""

    def other(each: Identifier) -> Identifier:
        system, colon, rest = each.value.rpartition(":")
        return Identifier(each.kind, f"{system}{colon}other {rest}")

    return Component(
        {other(each): at_ms for each, at_ms in given_.first_ms.items()},
        tuple(
            replace(
                each,
                a=other(each.a),
                b=other(each.b),
                on=other(each.on) if each.on else None,
                key=f"other {each.key}",
            )
            for each in given_.evidence
        ),
        {other(each): names for each, names in given_.names.items()},
    )


def without(found: Resolution, words: tuple[Evidence, ...]) -> Resolution:
    """Leave out what was decided on these words."""
    return replace(found, decisions=tuple(each for each in found.decisions if each.evidence not in words))
