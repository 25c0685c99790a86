"""WhatConverts: leads of any kind, told when they are new and again when they are changed.

WhatConverts is a source of leads itself: its own words for source and medium are used as the provider's.
There is no signature, so the address alone is the secret.

Source: https://www.whatconverts.com/help/docs/automations-and-advanced-systems/webhooks/what-are-webhooks
Source: https://www.whatconverts.com/api/leads/ (values)
Unconfirmed: the names of length, recording and transcript of a call that is over; several are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.answers import Answer
from tracker.providers.calling import caller_name, length_s, line, rest, spoken, tags
from tracker.providers.guess import guess
from tracker.providers.reading import (
    counted_instant,
    first,
    first_text,
    instant,
    instant_ms_of,
    money,
    objects,
    text,
    truth,
    visitor_token,
    without_blanks,
)

_KINDS = {
    "phone call": "call", "phone": "call", "call": "call", "web form": "form", "form": "form",
    "chat": "chat", "text message": "chat", "appointment": "booking",
}  # fmt: skip
_SOURCES = {
    "utm_source": ("utm_source", "lead_source"), "utm_medium": ("utm_medium", "lead_medium"),
    "utm_campaign": ("utm_campaign", "lead_campaign"), "utm_content": ("utm_content", "lead_content"),
    "utm_term": ("utm_term", "lead_keyword"),
}  # fmt: skip
_PHONES = ("contact_phone_number", "phone_number", "caller_number", "contact_phone")
_EMAILS = ("contact_email_address", "email_address", "contact_email")
_CALLED = ("tracking_number", "phone_tracking_number", "dialed_number")
_TRANSCRIPTS = ("call_transcription", "transcription", "chat_transcript", "chat", "message", "text_message")
_LENGTHS = ("call_duration_seconds", "call_duration", "duration")
_RECORDINGS = ("recording", "play_recording", "recording_url", "call_recording")
_UNANSWERED = frozenset({"no answer", "no-answer", "not answered", "missed", "busy", "failed", "canceled"})
_USED = frozenset({*_PHONES, *_EMAILS, *_TRANSCRIPTS, *_LENGTHS, "contact_name", "contact_company_name"})


def _parse(delivery: Delivery) -> Facts:
    document = delivery.document
    inner = first(document, "lead", "leads")
    for lead in objects(inner if isinstance(inner, Mapping | list) else document):
        if text(lead.get("lead_id")):
            yield _lead(lead, delivery.zone)


def _lead(told: Mapping[str, Any], zone: str) -> dict[str, Any]:
    guessed = guess(_answers(told.get("additional_fields")))
    lead = _known(told, zone)
    return {
        **guessed, **without_blanks(lead), "fact": "lead",
        "fields": {**rest(told, {*_USED, "additional_fields"}), **guessed.get("fields", {})},
    }  # fmt: skip


def _known(told: Mapping[str, Any], zone: str) -> dict[str, Any]:
    return {
        "kind": _KINDS.get((first_text(told, "lead_type") or "").lower().replace("_", " "), "form"),
        "provider_id": first_text(told, "lead_id"), "at": instant(told.get("date_created"), zone),
        "version_at": _version_at(told, zone),
        "phone": line(first(told, *_PHONES)), "email": first_text(told, *_EMAILS),
        "name": caller_name(told.get("contact_name"), told.get("caller_name")), "status": _status(told),
        "company": first_text(told, "contact_company_name"),
        "page_url": first_text(told, "lead_url", "landing_url"),
        "landing_page": first_text(told, "landing_url"), "referrer": first_text(told, "referring_url"),
        "value": money(first(told, "sales_value", "quote_value")), "visitor_id": visitor_token(told),
        **_source(told), **_call(told),
    }  # fmt: skip


def _version_at(told: Mapping[str, Any], zone: str) -> str | None:
    """Say when the lead was so; the times are of one second, and a lead that goes on comes before its end."""
    times = [instant_ms_of(told.get(name), zone) for name in ("last_updated", "date_created")]
    known = [each for each in times if each is not None]
    states = {(first_text(told, name) or "").lower() for name in ("call_status", "lead_state")}
    rank = 2 if first_text(told, "trigger") == "update" else 0 if "in progress" in states else 1
    return counted_instant(max(known) + rank) if known else None


def _call(told: Mapping[str, Any]) -> dict[str, Any]:
    state = (first_text(told, "answer_status", "call_status") or "").lower()
    is_answered = state in ("answered", "completed")
    return {
        "tracking_number": line(first(told, *_CALLED)), "duration_s": length_s(first(told, *_LENGTHS)),
        "answered": is_answered if is_answered or state in _UNANSWERED else None,
        "recording_url": first_text(told, *_RECORDINGS),
        "transcript": spoken(first(told, *_TRANSCRIPTS)),
    }  # fmt: skip


def _status(told: Mapping[str, Any]) -> str | None:
    """Read what people said of the lead; a spam mark is the last word."""
    if truth(told.get("spam")):
        return "junk"
    return {True: "qualified", False: "disqualified", None: None}[truth(told.get("quotable"))]


def _source(told: Mapping[str, Any]) -> dict[str, Any]:
    """Read click ids and parameters by their names, else WhatConverts' own words for the source."""
    named = {name: first_text(told, *places) for name, places in _SOURCES.items()}
    return {**named, **tags(told)}


def _answers(data: Any) -> Iterator[Answer]:
    """Read a form's answers: an object, or a list of names and values."""
    for each in objects(data):
        label = first_text(each, "name", "label", "field")
        if isinstance(data, list) and label is not None:
            yield Answer(label, each.get("value"))
        elif isinstance(data, Mapping):
            yield from (Answer(str(name), value) for name, value in each.items())


ADAPTER = Adapter(
    name="whatconverts",
    label="WhatConverts",
    parse=_parse,
    takes_query=True,
    steps=(
        "In WhatConverts open the profile's Integrations, then Webhooks, and add one.",
        "Enter {url}, choose JSON by POST, and both triggers: new leads and updated leads. GET is read too.",
        "WhatConverts signs nothing: keep the address to yourself.",
    ),
    verified="documented examples of calls in progress, texts and chats; no signature is documented",
)
