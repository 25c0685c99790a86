"""Enquiries: which of a person's leads repeat one another, and when sales first answered.

An enquiry begins with a lead that counts. Leads of any kind that come within ten minutes are the same
enquiry, and leads of a kind that it has had are repeats of it for as long as the window lasts, counted
from its beginning: a window does not slide. Junk begins no enquiry and belongs to none.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tracker.core.times import MINUTE_MS, SECOND_MS

TOGETHER_MS = 10 * MINUTE_MS
RESPONSES = frozenset({"email_sent", "call_made", "meeting", "demo"})
"""Kinds of activities by which sales answers; what the person does with a mail is no answer."""


class Asked(NamedTuple):
    """One lead of a person, in the order in which leads count."""

    at_ms: int
    lead_id: str
    kind: str
    site_no: int
    is_junk: bool = False
    was_answered: bool = False


class Done(NamedTuple):
    """One activity of sales with a person."""

    at_ms: int
    activity_id: str
    kind: str
    owner: str | None = None


class Response(NamedTuple):
    """When a lead was first answered, and by whom."""

    at_ms: int
    owner: str | None


@dataclass(slots=True)
class _Enquiry:
    """One enquiry while leads are told to it; `kinds` that it has had so far."""

    first: Asked
    kinds: set[str] = field(default_factory=set)

    def has(self, lead: Asked, window_ms: int) -> bool:
        """Say whether a later lead belongs to it."""
        age_ms = lead.at_ms - self.first.at_ms
        return age_ms <= TOGETHER_MS or (lead.kind in self.kinds and age_ms <= window_ms)


def repeats(leads: Iterable[Asked], *, window_ms: int) -> Mapping[str, str]:
    """Say of a person's leads which of them repeat an earlier one.

    Args:
        window_ms: how long after its first lead an enquiry may be repeated, inclusive.

    Returns:
        The lead that each repeat repeats: the first of its enquiry, of the earliest one that fits.
    """
    found: dict[str, str] = {}
    enquiries: dict[int, list[_Enquiry]] = {}
    for lead in sorted(leads):
        if lead.is_junk:
            continue
        own = enquiries.setdefault(lead.site_no, [])
        enquiry = next((each for each in own if each.has(lead, window_ms)), None)
        if enquiry is None:
            own.append(_Enquiry(lead, {lead.kind}))
            continue
        found[lead.lead_id] = enquiry.first.lead_id
        if lead.at_ms - enquiry.first.at_ms <= TOGETHER_MS:
            enquiry.kinds.add(lead.kind)
    return found


def responses(leads: Iterable[Asked], activities: Iterable[Done]) -> Mapping[str, Response]:
    """Say when each of a person's leads was first answered.

    A call that was answered is its own response; otherwise it is the first activity of sales after it. CRMs
    cut times to the second: an activity of the lead's own second came after it.
    """
    answers = sorted(each for each in activities if each.kind in RESPONSES)
    times = [each.at_ms for each in answers]
    found = {}
    for lead in leads:
        if lead.was_answered:
            found[lead.lead_id] = Response(lead.at_ms, None)
            continue
        place = bisect_left(times, lead.at_ms - lead.at_ms % SECOND_MS)
        if place < len(answers):
            found[lead.lead_id] = Response(max(answers[place].at_ms, lead.at_ms), answers[place].owner)
    return found
