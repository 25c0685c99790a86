"""When something is told: news once and while it is news, alarms by the site's own past."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from math import comb, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.alerts import QUIET_MS, Alarm, Fresh, is_news, is_overdue, turn
from tracker.core.times import DAY_MS, HOUR_MS, MINUTE_MS
from tracker.core.usual import chance_of, fall, gap, silence

NOW = 500_000 * HOUR_MS
FORM = Fresh(
    "L1", "form", NOW, is_junk=False, is_repeat=False, status="new", duration_s=None, is_answered=False
)
CALL = replace(FORM, kind="call")


@pytest.mark.parametrize(
    ("lead", "want", "later_ms", "is_told"),
    [
        pytest.param(FORM, "lead", 0, True, id="a form is told at once"),
        pytest.param(FORM, "lead", DAY_MS + 1, False, id="a lead of yesterday is no news"),
        pytest.param(replace(FORM, is_junk=True), "lead", 0, False, id="junk is not told"),
        pytest.param(replace(FORM, is_repeat=True), "lead", 0, False, id="a repeat is not told"),
        pytest.param(replace(FORM, status="disqualified"), "lead", 0, False, id="disqualified is not told"),
        pytest.param(replace(FORM, status=None), "lead", 0, False, id="not judged yet is not told yet"),
        pytest.param(CALL, "lead", 29 * MINUTE_MS, False, id="a call that goes on waits"),
        pytest.param(
            CALL, "lead", 30 * MINUTE_MS, True, id="a call without an end is told after half an hour"
        ),
        pytest.param(replace(CALL, duration_s=95), "lead", MINUTE_MS, True, id="a call that ended is told"),
        pytest.param(FORM, "qualified", 0, False, id="new is not qualified"),
        pytest.param(replace(FORM, status="qualified"), "qualified", 0, True, id="qualified is told"),
        pytest.param(
            replace(FORM, status="sales_qualified"), "qualified", 0, True, id="more than qualified too"
        ),
        pytest.param(replace(FORM, status="customer"), "lead", 0, False, id="a customer is no news"),
    ],
)
def test_news_is_told_while_it_is_news(lead: Fresh, want: str, later_ms: int, is_told: bool) -> None:
    """A first, real, recent enquiry whose kind is settled."""
    assert is_news(lead, want, NOW + later_ms) is is_told


def test_an_unanswered_lead_is_told_when_its_time_is_over() -> None:
    """Not before, not once it was answered, and not a day later."""
    waits = [is_overdue(FORM, HOUR_MS, NOW + later) for later in (0, HOUR_MS - 1, HOUR_MS, 24 * HOUR_MS)]
    assert waits == [False, False, True, True]
    assert not is_overdue(FORM, HOUR_MS, NOW + 26 * HOUR_MS)
    assert not is_overdue(replace(FORM, is_answered=True), HOUR_MS, NOW + 2 * HOUR_MS)


def told_at(states: str, every_ms: int = HOUR_MS) -> list[int]:
    """Say at which of these looks (w: wrong, r: right, u: unsure) an alarm is told."""
    alarm, told = Alarm(), []
    for place, letter in enumerate(states):
        state = {"w": "wrong", "r": "right", "u": "unsure"}[letter]
        alarm, is_told = turn(alarm, state, NOW + place * every_ms)  # type: ignore[arg-type]
        told += [place] if is_told else []
    return told


@pytest.mark.parametrize(
    ("states", "told"),
    [
        pytest.param("wwwwwwwwwwww", [0], id="once while it lasts"),
        pytest.param("rrwwuuww", [2], id="being unsure ends nothing"),
        pytest.param("wrrrrrrrw", [0, 8], id="again after it was well"),
        pytest.param("wrwrwrwrwr", [0, 6], id="what comes and goes is told every six hours at most"),
        pytest.param("uuuurrrr", [], id="nothing is wrong"),
    ],
)
def test_an_alarm_is_told_once(states: str, told: list[int]) -> None:
    """Once per time that it goes wrong, and not within six hours of the last."""
    assert told_at(states) == told


@given(st.text(alphabet="wru", max_size=60))
def test_alarms_keep_their_distance(states: str) -> None:
    """However a state comes and goes, two alarms are six hours apart, and none comes while all is well."""
    told = told_at(states)
    assert all(later - one >= QUIET_MS // HOUR_MS for one, later in zip(told, told[1:], strict=False))
    assert all(states[place] == "w" for place in told)


def office(weeks: int, *, until: int, busy: int = 10) -> dict[int, int]:
    """Count hits of a site with office hours: `busy` an hour from 9 to 17 on five days of the week."""
    first = until - 168 * weeks
    return {hour: busy for hour in range(first, until) if hour % 24 in range(9, 17) and hour // 24 % 7 < 5}


MONDAY = 7 * 24 * 3_000  # an hour at which a week of `office` begins


@pytest.mark.parametrize(
    ("weeks", "stopped_at", "looked_at", "state"),
    [
        pytest.param(4, 12, 13, "unsure", id="one quiet hour of ten hits may be chance"),
        pytest.param(4, 12, 15, "wrong", id="three hours in which thirty came each week"),
        pytest.param(4, 17, 32, "unsure", id="a night"),
        pytest.param(4, 24 * 4 + 17, 24 * 7 + 9, "unsure", id="a weekend"),
        pytest.param(4, 24 * 4 + 17, 24 * 7 + 12, "wrong", id="a weekend that goes on into Monday"),
        pytest.param(1, 24 + 12, 24 + 15, "unsure", id="one week to compare needs more"),
        pytest.param(1, 24 + 9, 24 + 17, "wrong", id="one week to compare, and a whole day"),
        pytest.param(0, 12, 17, "unsure", id="the first day"),
    ],
)
def test_silence_is_measured_by_the_sites_own_hours(
    weeks: int, stopped_at: int, looked_at: int, state: str
) -> None:
    """Nights and weekends are no silence, and a young site has none."""
    hits = office(weeks, until=MONDAY) | {
        hour: 10 for hour in range(MONDAY, MONDAY + stopped_at) if hour % 24 in range(9, 17)
    }
    assert silence(hits, (MONDAY + looked_at) * HOUR_MS + 5 * MINUTE_MS).state == state


@pytest.mark.parametrize(("week", "state"), [(1, "unsure"), (2, "unsure"), (4, "unsure"), (5, "wrong")])
def test_silence_is_held_beside_each_of_four_weeks(week: int, state: str) -> None:
    """A holiday in one of them is enough to be unsure; what was before them does not count."""
    hits = office(6, until=MONDAY)
    for hour in range(9, 17):
        hits.pop(MONDAY - 168 * week + hour)
    assert silence(hits, (MONDAY + 15) * HOUR_MS).state == state


def test_a_hit_ends_the_silence() -> None:
    """With the next hit it is right again; a site that never had one is not silent."""
    hits = office(4, until=MONDAY)
    now = (MONDAY + 15) * HOUR_MS
    assert silence(hits, now).state == "wrong"
    assert silence(hits | {MONDAY + 14: 1}, now).state == "right"
    assert silence({}, now).state == "unsure"


@pytest.mark.parametrize(
    ("gaps", "silent_h", "state"),
    [
        pytest.param([24] * 12, 20, "right", id="daily, and a day is not over"),
        pytest.param([24] * 12, 47, "unsure", id="daily, and two days are not over"),
        pytest.param([24] * 12, 49, "wrong", id="daily, and more than two days"),
        pytest.param([1] * 12, 23, "unsure", id="hourly: a day at least"),
        pytest.param([1] * 12, 25, "wrong", id="hourly, and more than a day"),
        pytest.param([24, 24, 72] * 4, 100, "unsure", id="it paused for three days before"),
        pytest.param([24] * 9, 500, "unsure", id="too few to know"),
    ],
)
def test_a_provider_is_silent_by_its_own_pauses(gaps: list[int], silent_h: int, state: str) -> None:
    """Twice the longest pause, and a day at least."""
    heard = list(accumulate(gaps, initial=400_000))
    assert gap(heard, (heard[-1] + silent_h) * HOUR_MS).state == state


def marks(*runs: tuple[int, int]) -> list[bool]:
    """Write leads, the latest first: (how many, how many of them unmatched) each, spread evenly."""
    return [
        place * part // count != (place + 1) * part // count for count, part in runs for place in range(count)
    ]


@pytest.mark.parametrize(
    ("leads", "state"),
    [
        pytest.param(marks((50, 30), (200, 40)), "wrong", id="from a fifth to three fifths"),
        pytest.param(marks((50, 12), (200, 40)), "right", id="a little more may be chance"),
        pytest.param(marks((50, 18), (200, 40)), "unsure", id="between chance and certainty"),
        pytest.param(marks((50, 50), (200, 200)), "right", id="bad, but as ever"),
        pytest.param(marks((50, 0), (200, 100)), "right", id="better than before"),
        pytest.param(marks((20, 20), (60, 6)), "wrong", id="few leads, and a clear fall"),
        pytest.param(marks((20, 20), (59, 0)), "unsure", id="too few leads to say"),
    ],
)
def test_a_fall_is_more_than_chance(leads: list[bool], state: str) -> None:
    """The latest leads are held beside those before by Fisher's exact test."""
    assert fall(leads).state == state


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_the_chance_is_that_of_counting_all_ways(draws: int, others: int, data: st.DataObject) -> None:
    """The chances of all outcomes sum to one, and each is that of drawing by hand."""
    hits = data.draw(st.integers(0, draws + others))
    low, high = max(0, hits - others), min(draws, hits)
    tail = [chance_of(count, draws, hits - count, others) for count in range(low, high + 1)]
    assert isclose(tail[0], 1.0)
    assert tail == sorted(tail, reverse=True)
    assert isclose(tail[-1], comb(draws, high) * comb(others, hits - high) / comb(draws + others, hits))
