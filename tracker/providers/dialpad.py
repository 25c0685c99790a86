"""Dialpad: events of a call as it changes state, and text messages.

A call that comes in by a department or a main line has a leg for the line and one for each person that is
rung: the legs name the first as `entry_point_call_id`, and that is the lead. Times and lengths are in
milliseconds. With a secret, the whole body is a JWT signed with HS256.

Source: https://developers.dialpad.com/docs/call-events (fields, states, flow)
Source: https://developers.dialpad.com/docs/call-events-logging
Unconfirmed: that `duration` is the time of talk and `total_duration` has the ringing and the queue in it.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Any

from tracker.errors import BadRequest
from tracker.providers.adapter import Adapter, Delivery, Facts, Unproved
from tracker.providers.calling import caller_name, line, only, rest, spoken
from tracker.providers.documents import read_json
from tracker.providers.reading import (
    dig,
    first,
    first_text,
    instant,
    instant_ms_of,
    number,
    text,
    truth,
    visitor_token,
)

_COLLEAGUES = frozenset({"user", "room"})  # kinds of a contact within the company
_UNANSWERED = frozenset({"missed", "voicemail", "voicemail_uploaded", "abandoned"})
_USED = frozenset({
    "call_id", "contact", "target", "entry_point_target", "proxy_target", "direction", "external_number",
    "internal_number", "date_started", "event_timestamp", "transcription_text", "recording_details",
    "recording_url", "routing_breadcrumbs", "integrations", "transferred_from", "text", "text_content",
})  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    parts = delivery.body.strip().strip(b'"').split(b".")
    if len(parts) != 3:
        raise Unproved("the body is no JWT, though the source has a secret")
    if first_text(_part(parts[0]), "alg") != "HS256":
        raise Unproved("the JWT is not signed with HS256")
    made = hmac.digest(secret.encode("utf-8", "surrogateescape"), parts[0] + b"." + parts[1], "sha256")
    if not hmac.compare_digest(base64.urlsafe_b64encode(made).rstrip(b"="), parts[2].rstrip(b"=")):
        raise Unproved("the signature of the JWT does not fit the secret")


def _part(part: bytes) -> Any:
    try:
        return read_json(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (BadRequest, ValueError):
        return {}


def _parse(delivery: Delivery) -> Facts:
    document = delivery.document
    told = only(_part(document.encode().split(b".")[1]) if _is_quoted_jwt(document) else document)
    if truth(told.get("is_internal")) or text(dig(told, "contact.type")) in _COLLEAGUES:
        return
    if text(told.get("call_id")):
        yield _call(told)
    elif text(told.get("from_number")) and text(told.get("id")):
        yield _message(told)


def _is_quoted_jwt(document: Any) -> bool:
    """Tell whether the body is a JWT that was sent as a JSON text."""
    return isinstance(document, str) and document.isascii() and document.count(".") == 2


def _call(told: Mapping[str, Any]) -> dict[str, Any]:
    common = {
        "provider_id": first_text(told, "entry_point_call_id", "call_id"),
        "at": instant(first(told, "date_started", "date_first_rang", "date_rang")),
        "version_at": instant(told.get("event_timestamp")), "email": first_text(told, "contact.email"),
        "phone": line(first(told, "external_number", "contact.phone", "contact.primary_phone")),
    }  # fmt: skip
    way = (first_text(told, "direction") or "").lower()
    if way == "outbound":
        return {**common, "fact": "activity", "kind": "call_made", "title": "Outbound call",
                "owner": first_text(told, "target.email", "target.name")}  # fmt: skip
    return {
        **common, "fact": "lead", "kind": "call", "name": _name(told), "is_addition": not way or None,
        "tracking_number": line(first(told, "entry_point_target.phone", "internal_number", "target.phone")),
        "duration_s": _length(told), "answered": _is_answered(told), "visitor_id": visitor_token(told),
        "recording_url": _recording(told), "transcript": spoken(told.get("transcription_text")),
        "fields": {**rest(told, _USED), "agent": dig(told, "target.name"),
                   "agent_email": dig(told, "target.email")},
    }  # fmt: skip


def _name(told: Mapping[str, Any]) -> str | None:
    return caller_name(dig(told, "contact.name"), dig(told, "contact.display_name"))


def _is_answered(told: Mapping[str, Any]) -> bool | None:
    state = (first_text(told, "state") or "").lower()
    if state in _UNANSWERED:
        return False
    if instant_ms_of(told.get("date_connected")) is not None:
        return True
    return False if instant_ms_of(told.get("date_ended")) is not None else None


def _length(told: Mapping[str, Any]) -> int | None:
    """Read the length in whole seconds, once the call is over."""
    if instant_ms_of(told.get("date_ended")) is None and (first_text(told, "state") or "") != "hangup":
        return None
    length_ms = number(told.get("duration")) or number(told.get("total_duration"))
    return None if length_ms is None else length_ms // 1_000


def _recording(told: Mapping[str, Any]) -> str | None:
    places = ("recording_details.0.url", "recording_url.0", "recording_url", "admin_recording_urls.0",
              "call_recording_share_links.0", "voicemail_link")  # fmt: skip
    return first_text(told, *places)


def _message(told: Mapping[str, Any]) -> dict[str, Any]:
    is_sent = (first_text(told, "direction") or "").lower() == "outbound"
    at = instant(first(told, "created_date", "event_timestamp"))
    common = {"provider_id": first_text(told, "id"), "at": at, "email": first_text(told, "contact.email"),
              "version_at": instant(told.get("event_timestamp"))}  # fmt: skip
    if is_sent:
        return {**common, "fact": "activity", "kind": "other", "title": "Text message",
                "phone": line(dig(told, "to_number.0") or told.get("to_number")),
                "owner": first_text(told, "target.email", "target.name")}  # fmt: skip
    return {
        **common, "fact": "lead", "kind": "chat", "phone": line(told.get("from_number")), "name": _name(told),
        "tracking_number": line(dig(told, "to_number.0") or told.get("to_number")),
        "transcript": first_text(told, "text", "text_content"), "fields": rest(told, _USED),
    }  # fmt: skip


ADAPTER = Adapter(
    name="dialpad",
    label="Dialpad",
    parse=_parse,
    verify=_verify,
    secret="the secret that the webhook was created with",
    steps=(
        "Create a webhook with Dialpad's API: POST /api/v2/webhooks with hook_url {url} and a secret of your "
        "own; give the secret as --secret.",
        "Subscribe it to calls: POST /api/v2/subscriptions/call with the webhook's id and call_states "
        "calling, ringing, connected, missed, voicemail, hangup, recording and call_transcription.",
    ),
    verified="documented fields, and a call event of 2026 as users print it; JWT by its standard",
)
