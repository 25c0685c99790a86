"""What is usual: whether a silence, or a change of shares, is more than chance by what was before.

Nothing here knows a fixed figure of how much is normal. Each judgement holds now beside the same site's own
past, says `unsure` where there is too little of it, and gives the figures that it rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import comb
from typing import Literal

from tracker.core.times import HOUR_MS

State = Literal["wrong", "right", "unsure"]

WEEK_HOURS = 168
WEEKS = 4
LEAST_HITS, LEAST_HITS_OF_ONE_WEEK = 20, 60

HOOK_DAYS = 60
LEAST_GAPS = 10
LEAST_GAP_HOURS = 24

RECENT, BEFORE = 50, 200
LEAST_RECENT, LEAST_BEFORE = 20, 60
LEAST_FALL = 0.1
SURE, WELL = 0.001, 0.05


@dataclass(frozen=True, slots=True)
class Silence:
    """How long nothing came, and how much came in the same hours of each week before."""

    state: State
    last_hour: int = 0
    hours: int = 0
    usual: Sequence[int] = ()


def silence(hits: Mapping[int, int], now_ms: int) -> Silence:
    """Judge whether a site is silent for longer than usual.

    The full hours without a hit are held beside the same hours of the four weeks before. It is wrong when in
    every one of these weeks at least 20 hits came in that time; 60 where there is one week to compare. So
    nights, weekends and small sites need longer, and a site younger than a week is never silent.

    Args:
        hits: by hour since 1970, UTC.
    """
    now = now_ms // HOUR_MS
    heard = [hour for hour, count in hits.items() if count and hour <= now]
    if not heard:
        return Silence("unsure")
    first, last = min(heard), max(heard)
    quiet = range(last + 1, now)
    if not quiet:
        return Silence("right", last)
    usual = [
        sum(hits.get(hour - WEEK_HOURS * week, 0) for hour in quiet)
        for week in range(1, WEEKS + 1)
        if quiet.start - WEEK_HOURS * week > first
    ]
    least = LEAST_HITS if len(usual) > 1 else LEAST_HITS_OF_ONE_WEEK
    is_wrong = bool(usual) and min(usual) >= least
    return Silence("wrong" if is_wrong else "unsure", last, len(quiet), usual)


@dataclass(frozen=True, slots=True)
class Gap:
    """How long a provider has not delivered, and the longest that it ever paused before, in hours."""

    state: State
    last_hour: int = 0
    hours: int = 0
    longest: int = 0


def gap(heard: Iterable[int], now_ms: int) -> Gap:
    """Judge whether a provider that used to deliver has stopped.

    It is wrong after twice its longest pause of the last 60 days, and a day at least, once there are ten
    pauses to know it by. It is right again with the next delivery.

    Args:
        heard: hours since 1970 in which something came.
    """
    now = now_ms // HOUR_MS
    hours = sorted(hour for hour in heard if now - 24 * HOOK_DAYS <= hour <= now)
    if len(hours) <= LEAST_GAPS:
        return Gap("unsure", hours[-1] if hours else 0)
    longest, silent = max(later - one for one, later in pairwise(hours)), now - hours[-1]
    if silent > max(2 * longest, LEAST_GAP_HOURS):
        return Gap("wrong", hours[-1], silent, longest)
    return Gap("right" if silent <= longest else "unsure", hours[-1], silent, longest)


@dataclass(frozen=True, slots=True)
class Fall:
    """How many of the latest leads have no visit, and how many of those before."""

    state: State
    recent: int = 0
    recent_unmatched: int = 0
    before: int = 0
    before_unmatched: int = 0


def fall(unmatched: Sequence[bool]) -> Fall:
    """Judge whether more leads than before have no visit.

    The latest 50 are held beside the 200 before them (20 and 60 at least). It is wrong when the share is ten
    points higher, and chance alone would do as much in one of a thousand times (Fisher's exact test, one
    side); it is right again when chance would do it in one of twenty.

    Args:
        unmatched: of each lead whether it has no visit, the latest first.
    """
    recent, before = unmatched[:RECENT], unmatched[RECENT : RECENT + BEFORE]
    if len(unmatched) < LEAST_RECENT + LEAST_BEFORE:
        return Fall("unsure")
    if len(before) < LEAST_BEFORE:
        recent, before = unmatched[:LEAST_RECENT], unmatched[LEAST_RECENT:]
    chance = chance_of(sum(recent), len(recent), sum(before), len(before))
    is_much = sum(recent) / len(recent) - sum(before) / len(before) >= LEAST_FALL
    state: State = "wrong" if is_much and chance < SURE else "right" if chance > WELL else "unsure"
    return Fall(state, len(recent), sum(recent), len(before), sum(before))


def chance_of(hits: int, draws: int, other_hits: int, other_draws: int) -> float:
    """Say how likely so many or more hits fall among the draws, when all are alike (hypergeometric tail).

    Source: https://en.wikipedia.org/wiki/Fisher%27s_exact_test
    """
    all_hits, all_draws = hits + other_hits, draws + other_draws
    ways = sum(
        comb(draws, count) * comb(other_draws, all_hits - count)
        for count in range(hits, min(draws, all_hits) + 1)
    )
    return ways / comb(all_draws, all_hits)
