"""Journeys: which touches belong to a conversion, in which order, over how many days."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracker.core.journeys import Journey, Touch, journey
from tracker.core.times import DAY_MS


def touch(at_ms: int, touch_id: str = "t", channel: str = "Direct") -> Touch:
    """Make a session as a touch."""
    return Touch(at_ms, touch_id, "session", 1, channel)


def test_a_touch_at_the_conversions_instant_is_in_and_a_later_one_is_not() -> None:
    """Touch <= lead, to the millisecond."""
    made = journey([touch(100, "a"), touch(101, "b")], at_ms=100)
    assert [each.touch_id for each in made.touches] == ["a"]


def test_touches_are_in_order_of_time_then_id() -> None:
    """Equal instants are settled by the touch's id."""
    made = journey([touch(5, "b"), touch(5, "a"), touch(1, "c")], at_ms=9)
    assert [each.touch_id for each in made.touches] == ["c", "a", "b"]


def test_days_are_whole_days_from_the_first_touch() -> None:
    """A day is over after 24 hours, not at midnight."""
    assert journey([touch(0)], at_ms=DAY_MS - 1).days == 0
    assert journey([touch(0)], at_ms=DAY_MS).days == 1
    assert journey([touch(0, "a"), touch(DAY_MS * 3, "b")], at_ms=DAY_MS * 3).days == 3


def test_a_journey_may_be_empty() -> None:
    """A lead of whom nothing is known has a journey without touches, of no days."""
    assert journey([], at_ms=7) == journey([touch(8)], at_ms=7) == Journey((), 0)


touches = st.lists(st.builds(touch, st.integers(0, 9), st.sampled_from("abcdef")), max_size=8, unique=True)


@given(touches, st.integers(0, 9), st.data())
def test_a_journey_rests_on_the_set_of_touches(found: list[Touch], at_ms: int, data: st.DataObject) -> None:
    """Any order gives the same journey, and what comes after the conversion changes nothing."""
    made = journey(found, at_ms=at_ms)
    assert journey(data.draw(st.permutations(found)), at_ms=at_ms) == made
    assert journey([*found, touch(at_ms + 1, "z")], at_ms=at_ms) == made
    assert all(each.at_ms <= at_ms for each in made.touches)
