"""The outbox's rules: what an answer means, and when a delivery is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.outbox import Answer, Limits, Try, Verdict, judge, pause_ms, read_status
from tracker.core.times import DAY_MS, HOUR_MS, SECOND_MS

LIMITS = Limits()
DOWN = Answer("retry", 503, "down")


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, "delivered"), (202, "delivered"), (204, "delivered"), (301, "refused"), (308, "refused"),
        (400, "refused"), (401, "refused"), (404, "refused"), (408, "retry"), (410, "gone"),
        (425, "retry"), (429, "retry"), (500, "retry"), (503, "retry"), (599, "retry"),
    ],
)  # fmt: skip
def test_a_status_means_one_thing(status: int, result: str) -> None:
    """What passes by itself is tried again, all else is final."""
    assert read_status(status) == result


def test_pauses_grow_and_never_pass_the_longest() -> None:
    """Each is four times the one before, up to six hours."""
    pauses = [pause_ms(tries, 1.0) for tries in range(1, 13)]
    assert pauses[:3] == [5 * SECOND_MS, 20 * SECOND_MS, 80 * SECOND_MS]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 6 * HOUR_MS


@given(st.integers(1, 30), st.floats(0, 1, exclude_max=True))
def test_chance_takes_half_of_a_pause_at_most(tries: int, chance: float) -> None:
    """Many that failed at once do not come back at once, and none comes back at once."""
    assert pause_ms(tries, 1.0) // 2 <= pause_ms(tries, chance) <= pause_ms(tries, 1.0)


@given(st.integers(1, 20), st.integers(0, 2 * DAY_MS), st.floats(0, 1, exclude_max=True))
def test_nothing_is_tried_forever(tries: int, waited_ms: int, chance: float) -> None:
    """A delivery is due within its time, or it is dead."""
    verdict = judge(DOWN, Try(tries, 0, waited_ms, chance), LIMITS)
    assert verdict == Verdict("dead") or waited_ms < (verdict.due_ms or 0) <= LIMITS.span_ms
    assert tries < LIMITS.tries or verdict.state == "dead"


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        pytest.param(Answer("delivered", 204, ""), Verdict("delivered"), id="taken"),
        pytest.param(Answer("refused", 404, ""), Verdict("dead"), id="refused for good"),
        pytest.param(Answer("gone", 410, ""), Verdict("dead"), id="gone"),
        pytest.param(
            Answer("retry", 429, "", wait_ms=HOUR_MS), Verdict("waiting", HOUR_MS), id="asked to wait an hour"
        ),
        pytest.param(
            Answer("retry", 429, "", wait_ms=1),
            Verdict("waiting", 2_500),
            id="the pause is longer than asked",
        ),
        pytest.param(Answer("retry", 429, "", wait_ms=2 * DAY_MS), Verdict("dead"), id="asked for too long"),
    ],
)
def test_an_answer_decides(answer: Answer, verdict: Verdict) -> None:
    """After the first try, without chance."""
    assert judge(answer, Try(1, 0, 0, 0.0), LIMITS) == verdict
