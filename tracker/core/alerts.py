"""Alerts: what is worth telling people at once, and when the same thing is told again.

News are told once each: a lead that is none of the junk and no repeat. Alarms are about a state: one is
told when something goes wrong, stays quiet while it is, and is told again only after it went right and
wrong anew, and not within some hours. What is usual is read off the site's own history.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tracker.core.times import DAY_MS, HOUR_MS, MINUTE_MS
from tracker.core.usual import State

WANTS = {
    "lead": "a new lead that is no junk and no repeat",
    "qualified": "a new lead once it is qualified",
    "response": "a lead that sales has not answered in time",
    "silent": "no hits for longer than usual at these hours",
    "hook": "a provider that used to deliver and does not",
    "pool": "a number pool that had no number for a visitor",
    "match": "more leads than before whose visit is not found",
}
"""What a destination may be told, in the words of the help."""

USUAL = ("lead", "silent", "hook", "pool", "match")
"""What a destination is told where nothing else is said."""

FRESH_MS = DAY_MS
"""News are told of leads of this age at most: what is loaded, replayed or found late is no news."""
CALL_SETTLES_MS = 30 * MINUTE_MS
"""A call without a length is told of after this, in case its end is never said."""
QUIET_MS = 6 * HOUR_MS
"""The same alarm is not told again within this, however often it comes and goes."""

_QUALIFIED = frozenset({"qualified", "sales_qualified"})
_SETTLED = frozenset({"disqualified", "customer"})


@dataclass(frozen=True, slots=True)
class Fresh:
    """What is asked of a lead before it is told of; `status` is none until it has been judged."""

    lead_id: str
    kind: str
    at_ms: int
    is_junk: bool
    is_repeat: bool
    status: str | None
    duration_s: int | None
    is_answered: bool


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
    if not _is_real(lead) or now_ms - lead.at_ms > FRESH_MS:
        return False
    if want == "qualified":
        return lead.status in _QUALIFIED
    is_open_call = lead.kind == "call" and lead.duration_s is None
    return not is_open_call or now_ms - lead.at_ms >= CALL_SETTLES_MS


def is_overdue(lead: Fresh, within_ms: int, now_ms: int) -> bool:
    """Say whether sales should have answered a lead by now and has not; for a day, then it is no news."""
    waited_ms = now_ms - lead.at_ms - within_ms
    return _is_real(lead) and not lead.is_answered and 0 <= waited_ms <= FRESH_MS


def _is_real(lead: Fresh) -> bool:
    """Say whether a lead has been judged, and found to be somebody's first enquiry that is open."""
    is_judged = lead.status is not None and lead.status not in _SETTLED
    return is_judged and not lead.is_junk and not lead.is_repeat


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
