"""Calls, texts and forms of call trackers that have no adapter: CallTrackingMetrics, Invoca and the like.

Such a delivery is known by two numbers: the one that was called and the one that called. Names are compared
by their bare letters: `dialedNumber` is `dialed_number`. Which way it went, how it ended and where the caller
came from is read by the words that such services use; all of it stays among the fields as well.

Unconfirmed: no such service prints its payload; the names are those that their users' code reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tracker.core.facts import TAGS
from tracker.providers.calling import length_s, line, named_source
from tracker.providers.reading import (
    counted_instant,
    first,
    first_text,
    instant_ms_of,
    text,
    truth,
    without_blanks,
)

_CALLED = (
    "trackingnumber", "trackingnum", "trackingphonenumber", "callednumber", "calledphonenumber",
    "dialednumber", "diallednumber", "dialedphonenumber", "promonumber", "dnis", "tonumber",
    "destinationnumber", "destinationphonenumber",
)  # fmt: skip
_CALLERS = (
    "callernumber", "callerid", "callernum", "callerphone", "callerphonenumber", "callingnumber",
    "callingphonenumber", "customerphonenumber", "customernumber", "ani", "caller", "fromnumber", "from",
)  # fmt: skip
_BEGAN = ("calledat", "starttimeutc", "callstarttime", "callstart", "starttime", "startedat", "calltime")
_LENGTHS = (
    "durations", "duration", "callduration", "durationseconds", "calldurationseconds", "calllength",
    "talktime", "billsec",
)  # fmt: skip
_RECORDINGS = ("recordingurl", "recording", "audio", "audiourl", "callrecording", "recordinglink")
_TRANSCRIPTS = ("transcript", "transcription", "transcriptiontext")
_OUTCOMES = ("answerstatus", "dialstatus", "callstatus", "calloutcome", "disposition", "status")
_ANSWERED = {
    **dict.fromkeys(("answered", "answer", "connected"), True),
    **dict.fromkeys(("noanswer", "missed", "busy", "failed", "canceled", "cancelled", "voicemail",
                     "abandoned", "unanswered", "notanswered"), False),
}  # fmt: skip
_SOURCES = ("websource", "source", "sourcename", "trackingsource", "callsource")
_KEYWORDS = ("keyword", "keywords", "searchterm", "search")
_KINDS = {"msg": "chat", "sms": "chat", "mms": "chat", "text": "chat", "chat": "chat", "form": "form"}
_OTHER = re.compile(r"[\W_]+")
_URL = re.compile(r"https?://\S+", re.IGNORECASE)


def bare(name: object) -> str:
    """Give a name's letters and digits alone, small."""
    return _OTHER.sub("", str(name).lower())


def course_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Read where it went, who began it, and how it went.

    Args:
        told: what was delivered, by bare names.

    Returns:
        Fields of a lead; nothing where no number was called.
    """
    called, caller = line(first(told, *_CALLED)), line(first(told, *_CALLERS))
    if called is None or (caller is None and not first_text(told, *_CALLERS)):
        return {}
    ends = {"tracking_number": called, "phone": caller, "landing_page": _address(told.get("location"))}
    if kind_of(told) != "call":
        return without_blanks(ends)
    return without_blanks({
        **ends, "duration_s": length_s(first(told, *_LENGTHS)), "answered": _is_answered(told),
        "recording_url": first_text(told, *_RECORDINGS), "transcript": first_text(told, *_TRANSCRIPTS),
    })  # fmt: skip


def times_of(told: Mapping[str, Any], began_at: str | None, zone: str) -> dict[str, str | None]:
    """Say when a call began, and when it was over: its events tell of the same begin."""
    times = [instant_ms_of(each, zone) for each in (began_at, *(told.get(name) for name in _BEGAN))]
    began_ms = next((each for each in times if each is not None), None)
    if began_ms is None:
        return {}
    length_ms = 1_000 * (length_s(first(told, *_LENGTHS)) or 0)
    return {"at": counted_instant(began_ms), "version_at": counted_instant(began_ms + length_ms)}


def with_source(lead: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Put in where the service says that a caller came from, unless tags or a click id say it."""
    if any(lead.get(name) for name in TAGS):
        return dict(lead)
    words = (first_text(told, *_SOURCES), text(told.get("medium")), text(told.get("campaign")))
    return {**lead, **named_source(*words, keyword=first_text(told, *_KEYWORDS))}


def is_made(told: Mapping[str, Any]) -> bool:
    """Tell whether a call or text went out."""
    return "out" in (text(told.get("direction")) or "").lower()


def kind_of(told: Mapping[str, Any]) -> str:
    """Say whether it is a call, a text or chat, or a form that the service counts among its calls."""
    said = [(text(told.get(name)) or "").lower() for name in ("direction", "type", "channel", "activitytype")]
    return next(
        (kind for start, kind in _KINDS.items() if any(each.startswith(start) for each in said)), "call"
    )


def _is_answered(told: Mapping[str, Any]) -> bool | None:
    outcomes = (_ANSWERED.get(bare(told.get(name))) for name in _OUTCOMES)
    said = truth(told.get("answered"))
    return next((each for each in outcomes if each is not None), None) if said is None else said


def _address(value: Any) -> str | None:
    said = text(value)
    return said if said and _URL.fullmatch(said) else None
