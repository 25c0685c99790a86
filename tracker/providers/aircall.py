"""Aircall: the events of a call, its transcript and what is made of it, text messages received.

Events come more than once and in any order; the envelope's `timestamp` says when each was. Those of one
second are told apart by how far the call had come. `duration` includes the ringing; the time of talk is
kept as `talk_s`. There is no signature: the body's `token` is the only proof, and is taken out of what
is kept.

Source: https://developers.aircall.io/api-references (webhooks, call object, conversation intelligence)
Source: https://developer.aircall.io/docs/webhooks-overview
Unconfirmed: the bodies of messages, summaries, topics and sentiments beyond their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.calling import line, names_of, only, rest, spoken
from tracker.providers.reading import (
    counted_instant,
    first,
    first_text,
    full_name,
    instant,
    instant_ms_of,
    mapping,
    number,
    text,
    visitor_token,
)  # fmt: skip
from tracker.providers.signing import demand_told, without

_STATES = (
    "created", "ringing_on_agent", "agent_declined", "ivr_option_selected", "answered", "hold", "unhold",
    "transferred", "external_transferred", "unsuccessful_transfer", "hungup", "voicemail_left", "ended",
    "comm_assets_generated", "assigned", "archived", "tagged", "untagged", "commented",
)  # fmt: skip
_RANKS = {f"call.{state}": rank for rank, state in enumerate(_STATES)}
_INSIGHTS = {
    "summary.created": "summary", "topics.created": "topics", "sentiment.created": "sentiment",
    "action_item.created": "action_items", "custom_summary.result_created": "custom_summary",
    "custom_summary.result_updated": "custom_summary",
}  # fmt: skip
_USED = frozenset({
    "raw_digits", "contact", "number", "user", "duration", "recording", "tags", "comments", "participants",
    "started_at", "answered_at", "ended_at", "teams", "body", "direct_link",
})  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    demand_told(delivery, secret, "token")


def _hush(delivery: Delivery) -> bytes:
    return without(delivery, "token")


def _parse(delivery: Delivery) -> Facts:
    told = only(delivery.document)
    event = first_text(told, "event", "event_name") or ""
    data = mapping(told.get("data"))
    if event.startswith("call.") or (not event and text(data.get("direction"))):
        yield from _call(data, _version_at(told, event))
    elif event == "message.received":
        yield _message(data, _version_at(told, event))
    elif event == "transcription.created" or event in _INSIGHTS:
        yield _insight(event, data, _version_at(told, event))


def _version_at(told: Mapping[str, Any], event: str) -> str | None:
    sent_ms = instant_ms_of(told.get("timestamp"))
    return None if sent_ms is None else counted_instant(sent_ms + _RANKS.get(event, len(_RANKS)))


def _call(data: Mapping[str, Any], version_at: str | None) -> Facts:
    way = (first_text(data, "direction") or "").lower()
    common = {
        "provider_id": first_text(data, "id", "call_uuid", "sid"), "at": instant(data.get("started_at")),
        "version_at": version_at, "phone": line(data.get("raw_digits")),
    }  # fmt: skip
    if way == "outbound":
        owner = first_text(data, "user.email", "user.name")
        email = first_text(data, "contact.emails.0.value")
        yield {**common, "fact": "activity", "kind": "call_made", "owner": owner, "email": email,
               "title": "Outbound call"}  # fmt: skip
    elif way in ("inbound", ""):
        yield {**common, "fact": "lead", "kind": "call", **_who(data), **_course(data)}


def _who(data: Mapping[str, Any]) -> dict[str, Any]:
    contact = mapping(data.get("contact"))
    return {
        "name": full_name(contact.get("first_name"), contact.get("last_name")),
        "email": first_text(contact, "emails.0.value"),
        "company": first_text(contact, "company_name"), "visitor_id": visitor_token(data),
        "tracking_number": line(first(data, "number.digits", "number.e164_digits")),
    }  # fmt: skip


def _course(data: Mapping[str, Any]) -> dict[str, Any]:
    """Read how the call went, as far as it has."""
    answered, ended = instant_ms_of(data.get("answered_at")), instant_ms_of(data.get("ended_at"))
    talk_s = (ended - answered) // 1_000 if answered is not None and ended is not None else None
    is_answered = True if answered is not None else False if ended is not None else None
    return {
        "duration_s": number(data.get("duration")) if ended is not None else None, "answered": is_answered,
        "recording_url": first_text(data, "recording", "recording_short_url", "asset", "voicemail"),
        "fields": {
            **rest(data, _USED), "talk_s": talk_s, "tags": names_of(data.get("tags")),
            "agent": first_text(data, "user.name"), "agent_email": first_text(data, "user.email"),
            "number_name": first_text(data, "number.name"), "note": _note(data.get("comments")),
        },
    }  # fmt: skip


def _note(comments: Any) -> str | None:
    written = [first_text(each, "content") for each in comments] if isinstance(comments, list) else []
    return "\n".join(each for each in written if each) or None


def _insight(event: str, data: Mapping[str, Any], version_at: str | None) -> dict[str, Any]:
    """Read what was made of a call; it does not say which way the call went, so it only adds."""
    content = first(data, "content.utterances", "content", "utterances", "participants")
    told = spoken(content) if isinstance(content, list | str) else content
    return {
        "fact": "lead", "kind": "call", "is_addition": True, "version_at": version_at,
        "provider_id": first_text(data, "call_id", "call.id", "call_uuid", "call.call_uuid"),
        **({"fields": {_INSIGHTS[event]: told}} if event in _INSIGHTS else {"transcript": spoken(content)}),
    }  # fmt: skip


def _message(data: Mapping[str, Any], version_at: str | None) -> dict[str, Any]:
    return {
        "fact": "lead", "kind": "chat", "provider_id": first_text(data, "id", "message_id"),
        "at": instant(first(data, "sent_at", "created_at")), "version_at": version_at, **_who(data),
        "phone": line(first(data, "raw_digits", "external_number", "from")),
        "transcript": first_text(data, "body", "content", "text"), "fields": rest(data, _USED),
    }  # fmt: skip


ADAPTER = Adapter(
    name="aircall",
    label="Aircall",
    parse=_parse,
    verify=_verify,
    hush=_hush,
    secret="the token of the webhook, which Aircall's API shows: GET /v1/webhooks",
    steps=(
        "In Aircall's dashboard open Integrations & API, then Webhook, and install one.",
        "Enter {url} and choose the call events, and transcription.created if you have AI Assist.",
        "Make an API key under Integrations & API, read the webhook's token with it (GET "
        "https://api.aircall.io/v1/webhooks), and give that as --secret; without it the address alone is the "
        "secret.",
    ),
    verified="documented envelope and call.created; a captured call.ended of 2018; there is no signature",
)
