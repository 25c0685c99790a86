"""Number pools as arithmetic: hours, sizes, spellings."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.numbers import Hour, Span, by_hour, size_for, sizing, swap_target
from tracker.core.times import HOUR_MS, MINUTE_MS

HOLD_MS = 20 * MINUTE_MS


def span(start: float, end: float | None = None) -> Span:
    """Write a lease from one minute to another."""
    return Span(int(start * MINUTE_MS), int((start if end is None else end) * MINUTE_MS))


def hours(*spans: Span, without: tuple[float, ...] = ()) -> list[tuple[int, int, int, int]]:
    """Count by the hour: hour, arrivals, most at once, without a number."""
    wants = [int(minute * MINUTE_MS) for minute in without]
    found = by_hour(spans, wants, hold_ms=HOLD_MS)
    return [(each.at_ms // HOUR_MS, each.arrivals, each.peak, each.exhausted) for each in found]


@pytest.mark.parametrize(
    ("spans", "without", "found"),
    [
        pytest.param((), (), [], id="nothing at all"),
        pytest.param((span(5),), (), [(0, 1, 1, 0)], id="one who looks once"),
        pytest.param((span(5, 10), span(12)), (), [(0, 2, 2, 0)], id="two within the hold time"),
        pytest.param((span(5), span(25)), (), [(0, 2, 1, 0)], id="a number given on at the very end of it"),
        pytest.param((span(50),), (), [(0, 1, 1, 0), (1, 0, 1, 0)], id="the hold time reaches the next hour"),
        pytest.param((span(40),), (), [(0, 1, 1, 0)], id="the hold time ends with the hour"),
        pytest.param(
            (span(10, 150),), (), [(0, 1, 1, 0), (1, 0, 1, 0), (2, 0, 1, 0)], id="a visit of hours"
        ),
        pytest.param((span(5),), (6, 61), [(0, 1, 1, 1), (1, 0, 0, 1)], id="some found no number"),
        pytest.param(
            (span(50, 70), span(55), span(95)), (), [(0, 2, 2, 0), (1, 1, 2, 0)],
            id="those of the hour before count until they end",
        ),
    ],
)  # fmt: skip
def test_hours(
    spans: tuple[Span, ...], without: tuple[float, ...], found: list[tuple[int, int, int, int]]
) -> None:
    """Arrivals, the most leases at once, and who found none, by the hour."""
    assert hours(*spans, without=without) == found


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 100)), max_size=30))
def test_hours_are_those_of_a_count_minute_by_minute(leases: list[tuple[int, int]]) -> None:
    """A twin that looks at every minute finds the same most at once."""
    spans = [span(start, start + length) for start, length in leases]
    held = [sum(each.from_ms <= minute * MINUTE_MS < each.to_ms + HOLD_MS for each in spans)
            for minute in range(480)]  # fmt: skip
    peaks = {hour: max(held[hour * 60 : hour * 60 + 60]) for hour in range(8)}
    assert {hour: peak for hour, _, peak, _ in hours(*spans)} == {h: p for h, p in peaks.items() if p}


def poisson_cdf(size: int, mean: float) -> float:
    """Add up Poisson's chances, one by one, in logarithms."""
    return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(size + 1))


@given(st.floats(0.01, 3_000))
def test_the_size_is_the_least_that_is_enough(mean: float) -> None:
    """P(X <= size) is at least 99 %, and with one number less it is not."""
    size = size_for(mean)
    assert poisson_cdf(size, mean) > 0.99 - 1e-9
    assert size == 0 or poisson_cdf(size - 1, mean) < 0.99 + 1e-9


@pytest.mark.parametrize(
    ("mean", "size"),
    [
        pytest.param(0.0, 0, id="nobody comes"),
        pytest.param(0.005, 0, id="next to nobody"),
        pytest.param(1.0, 4, id="one at a time"),
        pytest.param(10.0, 18, id="ten at a time"),
        pytest.param(100.0, 124, id="a hundred at a time"),
    ],
)
def test_sizes_are_those_of_the_tables(mean: float, size: int) -> None:
    """The 99th percentile of Poisson's distribution."""
    assert size_for(mean) == size


def test_a_pool_is_sized_by_its_busiest_hour() -> None:
    """Arrivals a minute times (visit + hold); who found no number arrived, too."""
    spans = [span(minute, minute + 4) for minute in range(0, 60, 2)]
    found = by_hour(spans, [int(3 * MINUTE_MS)] * 30, hold_ms=HOLD_MS)
    need = sizing(spans, found, hold_ms=HOLD_MS)
    assert (need.arrivals_per_minute, need.visit_minutes, need.concurrent) == (1.0, 4.0, 24.0)
    assert need.size == size_for(24.0) == 36


def test_a_pool_that_nobody_saw_needs_nothing() -> None:
    """No lease, no want: no size."""
    assert sizing([], [], hold_ms=HOLD_MS).size == 0
    assert sizing([], [Hour(0, 0, 0, 60)], hold_ms=HOLD_MS).size == size_for(20.0)


@pytest.mark.parametrize(
    ("number", "country", "trunk"),
    [
        pytest.param("+442079460000", "44", "0", id="Britain: 020 at home"),
        pytest.param("+15551234567", "1", "1", id="America: 1 at home"),
        pytest.param("+390612345678", "39", "", id="Italy: the zero belongs to the number"),
        pytest.param("+36301234567", "36", "06", id="Hungary: 06 at home"),
        pytest.param("+80012345678", "800", "", id="no country's"),
    ],
)
def test_a_number_is_taken_apart_as_pages_write_it(number: str, country: str, trunk: str) -> None:
    """Its country's code, and what leads at home."""
    assert swap_target(number) == {"target": number, "country": country, "trunk": trunk}
