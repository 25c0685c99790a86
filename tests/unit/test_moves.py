"""What became of persons when identifiers moved between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.moves import person_moves

Moves = dict[str, tuple[str, str, str]]

# Persons before and after, each the identifiers of its oldest; then of each what became of it, whom its
# identifiers came from, and whom those that it had went to.
CASES: dict[str, tuple[str, str, Moves]] = {
    "nothing moved": ("AB C", "AB C", {}),
    "somebody is new": ("", "AB", {"A": ("created", "", "")}),
    "somebody becomes known by more": ("A", "AB", {"A": ("moved", "", "")}),
    "two turn out to be one": ("A B", "AB", {"A": ("merged", "B", ""), "B": ("merged", "", "A")}),
    "three turn out to be one": (
        "A BC D", "ABCD",
        {"A": ("merged", "BD", ""), "B": ("merged", "", "A"), "D": ("merged", "", "A")},
    ),
    "an older identifier renames the person": (
        "BC", "ABC", {"A": ("created", "B", ""), "B": ("merged", "", "A")},
    ),
    "one turns out to be two": ("AB", "A B", {"A": ("split", "", "B"), "B": ("split", "A", "")}),
    "one turns out to be two others": (
        "ABC", "B C", {"A": ("split", "", "BC"), "B": ("split", "A", ""), "C": ("split", "A", "")},
    ),
    "an identifier goes to another person": (
        "AC B", "A BC", {"A": ("moved", "", "B"), "B": ("moved", "A", "")},
    ),
    "two that merge leave one behind": (
        "A BC", "AB C", {"A": ("moved", "B", ""), "B": ("split", "", "AC"), "C": ("split", "B", "")},
    ),
    "nothing is left of somebody": ("AB C", "C", {"A": ("gone", "", "")}),
    "an identifier is forgotten": ("AB", "A", {"A": ("moved", "", "")}),
    "the oldest is forgotten, the rest lives on": (
        "AB", "B", {"A": ("merged", "", "B"), "B": ("created", "A", "")},
    ),
}  # fmt: skip


def persons(text: str) -> dict[str, str]:
    """Write persons by the first letter of each."""
    return {group[0]: group for group in text.split()}


@pytest.mark.parametrize(("was", "now", "moves"), CASES.values(), ids=CASES)
def test_a_move_is_named_after_what_happened(was: str, now: str, moves: Moves) -> None:
    """Both sides of it, each from its own place, with whom it concerns."""
    assert {
        each.person_id: (each.what, "".join(each.came_from), "".join(each.went_to))
        for each in person_moves(persons(was), persons(now))
    } == moves


partitions = st.dictionaries(st.sampled_from("ABCDEF"), st.sampled_from("ABCDEF")).map(
    lambda by: {
        min(own): "".join(sorted(own))
        for own in ([one for one in by if by[one] == each] for each in set(by.values()))
    }
)


@given(partitions, partitions)
def test_who_reads_the_moves_knows_who_is_there(was: dict[str, str], now: dict[str, str]) -> None:
    """The moves carry one partition over into the other, and lead from each who is gone to an heir."""
    copy = dict(was)
    for move in person_moves(was, now):
        assert move.before == (tuple(was[move.person_id]) if move.person_id in was else None)
        copy.pop(move.person_id, None)
        if move.after is not None:
            copy[move.person_id] = "".join(move.after)
        assert set(move.went_to) <= now.keys()
        assert set(move.came_from) <= was.keys()
        assert (move.what == "gone") == (move.after is None and not move.went_to)
    assert copy == now
