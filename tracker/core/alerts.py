"""Alerts: what is worth telling people at once, and when the same thing is told again.

News are told once each: a lead that is none of the junk and no repeat. Alarms are about a state: one is
told when something goes wrong, stays quiet while it is, and is told again only after it went right and
wrong anew, and not within some hours. What is usual is read off the site's own history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tracker.core.times import DAY_MS, HOUR_MS, MINUTE_MS

WANTS = {
    "lead": "a new lead that is no junk and no repeat",
    "qualified": "a new lead once it is qualified",
    "silent": "no hits for longer than usual at these hours",
}
"""What a destination may be told, in the words of the help."""

EVERYTHING = tuple(name for name in WANTS if name != "qualified")

FRESH_MS = DAY_MS
"""News are told of leads of this age at most: what is loaded, replayed or found late is no news."""
CALL_SETTLES_MS = 30 * MINUTE_MS
"""A call without a length is told of after this, in case its end is never said."""
QUIET_MS = 6 * HOUR_MS
"""The same alarm is not told again within this, however often it comes and goes."""

WEEK_HOURS = 168
WEEKS = 4
LEAST_HITS, LEAST_HITS_OF_ONE_WEEK = 20, 60

_QUALIFIED = frozenset({"qualified", "mql", "sql", "sales_qualified", "customer"})

State = Literal["wrong", "right", "unsure"]


@dataclass(frozen=True, slots=True)
class Fresh:
    """What is asked of a lead before it is told of; `is_matched`: it has its journey and a status."""

    kind: str
    at_ms: int
    is_matched: bool
    is_junk: bool
    is_repeat: bool
    status: str | None
    duration_s: int | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """What was last known of a state that may go wrong; `since_ms`: since when it is so."""

    is_on: bool = False
    since_ms: int = 0
    told_ms: int = 0


def is_news(lead: Fresh, want: str, now_ms: int) -> bool:
    """Say whether a lead is to be told of now; it is asked again until it is, or is too old.

    Args:
        want: `lead` or `qualified`.
    """
    if not lead.is_matched or lead.is_junk or lead.is_repeat or now_ms - lead.at_ms > FRESH_MS:
        return False
    if want == "qualified":
        return lead.status in _QUALIFIED
    is_open_call = lead.kind == "call" and lead.duration_s is None
    return not is_open_call or now_ms - lead.at_ms >= CALL_SETTLES_MS


def turn(alarm: Alarm, state: State, now_ms: int) -> tuple[Alarm, bool]:
    """Note how a state is now.

    Returns:
        What is known of it, and whether it is to be told.
    """
    if state == "right":
        return (replace(alarm, is_on=False, since_ms=now_ms), False) if alarm.is_on else (alarm, False)
    if state == "wrong" and not alarm.is_on:
        alarm = replace(alarm, is_on=True, since_ms=now_ms)
    is_told = state == "wrong" and alarm.told_ms < alarm.since_ms and now_ms - alarm.told_ms >= QUIET_MS
    return (replace(alarm, told_ms=now_ms), True) if is_told else (alarm, False)


@dataclass(frozen=True, slots=True)
class Silence:
    """How long nothing came, and how much came in the same hours of each week before."""

    state: State
    last_hour: int = 0
    hours: int = 0
    usual: Sequence[int] = ()


def silence(hits: Mapping[int, int], now_ms: int) -> Silence:
    """Judge whether a site is silent for longer than usual.

    The hours without a hit are held beside the same hours of the four weeks before. It is wrong when in
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
