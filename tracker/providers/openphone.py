"""Quo, formerly OpenPhone: calls, voicemails, recordings, summaries, transcripts, text messages.

Two webhooks are told apart by their shape: the present one has `data.resource` and `data.context`, the
legacy one `data.object`, whose later calls name their ends as `participants` alone: the customer, then our
line. A transcript or a summary does not say which way the call went, so it only adds.
A conversation of texts is one lead; its messages have no beginning of their own.

Source: https://www.quo.com/docs/2026-03-30/webhooks-event-payloads (present shapes)
Source: https://www.quo.com/docs/mdx/guides/webhooks (legacy shapes)
Source: https://www.quo.com/docs/webhooks/legacy-signature-validation (both signatures)
Unconfirmed: which words `status` knows beside answered, missed and completed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.core.ids import digest
from tracker.providers.adapter import Adapter, Delivery, Facts, Unproved
from tracker.providers.calling import line, only, rest, spoken
from tracker.providers.reading import (
    counted_instant,
    dig,
    first,
    first_text,
    instant,
    instant_ms_of,
    mapping,
    number,
    visitor_token,
)
from tracker.providers.signing import (
    base64_mac,
    decoded_secret,
    demand_fresh,
    demand_header,
    demand_number,
    demand_same,
    demand_standard,
)

_ANSWERED = {
    "answered": True, "missed": False, "no-answer": False, "voicemail": False, "abandoned": False,
    "busy": False, "failed": False, "canceled": False,
}  # fmt: skip
_PASSED_ON = "forwarded"  # whether anybody took it there is not told
_ADDING = frozenset({"call.transcript.completed", "call.summary.completed"})
_RECORDINGS = ("recordings.0.url", "recordingUrl", "media.0.url", "voicemail.url", "url")
_USED = frozenset({
    "id", "object", "from", "to", "direction", "duration", "createdAt", "answeredAt", "completedAt", "media",
    "voicemail", "recordings", "recordingUrl", "transcript", "dialogue", "text", "body", "participants",
    "url", "callId",
})  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    if "webhook-signature" in delivery.headers:
        demand_standard(delivery, decoded_secret(secret.removeprefix("whsec_")))
        return
    parts = demand_header(delivery, "openphone-signature").split(";")
    if len(parts) != 4 or parts[0] != "hmac":
        raise Unproved("the header openphone-signature has another form than hmac;version;time;signature")
    signed = parts[2].encode() + b"." + delivery.body
    demand_same(parts[3], base64_mac(decoded_secret(secret), signed))
    demand_fresh(demand_number(parts[2]), delivery)


def _parse(delivery: Delivery) -> Facts:
    told = only(delivery.document)
    event = first_text(told, "type") or ""
    data = mapping(told.get("data"))
    thing = mapping(data.get("resource") or data.get("object"))
    if event in _ADDING:
        yield {**_addition(thing), "version_at": instant(told.get("createdAt"))}
    elif event.startswith("call."):
        yield {**_call(event, thing, data), "version_at": instant(told.get("createdAt"))}
    elif event in ("message.received", "message.delivered"):
        yield {**_message(thing, data), "version_at": instant(told.get("createdAt"))}


def _parties(thing: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Tell the customer's number and ours; an older event lists the customers alone."""
    is_ours_first = _is_outgoing(thing)
    customer = first(
        data, "context.participants.external",
        *(["context.recipientIdentifiers"] if is_ours_first else ["context.senderIdentifier"]),
    ) or first(thing, "to" if is_ours_first else "from", "participants")  # fmt: skip
    ours = first(
        data, "context.participants.workspace",
        *(["context.senderIdentifier"] if is_ours_first else ["context.recipientIdentifiers"]),
    ) or first(thing, "from" if is_ours_first else "to", "participants.1")  # fmt: skip
    return line(customer), line(ours)


def _is_outgoing(thing: Mapping[str, Any]) -> bool:
    return (first_text(thing, "direction") or "").lower().startswith("out")


def _call(event: str, thing: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    customer, ours = _parties(thing, data)
    common = {
        "provider_id": first_text(thing, "callId", "id") or _made_id(thing),
        "at": instant(thing.get("createdAt")), "phone": customer,
    }  # fmt: skip
    if _is_outgoing(thing):
        return {**common, "fact": "activity", "kind": "call_made", "title": "Outbound call",
                "owner": first_text(thing, "userId") or first_text(data, "context.userId")}  # fmt: skip
    is_told = first_text(thing, "direction") is not None
    return {
        **common, "fact": "lead", "kind": "call", "is_addition": not is_told or None,
        "tracking_number": ours, "visitor_id": visitor_token(data), "answered": _is_answered(event, thing),
        "duration_s": None if event == "call.voicemail.completed" else _length(thing),
        "recording_url": first_text(thing, *_RECORDINGS),
        "transcript": first_text(thing, "transcript"),
        "fields": {**rest(thing, _USED), "conversation": dig(data, "context.conversationId")},
    }  # fmt: skip


def _made_id(thing: Mapping[str, Any]) -> str:
    """Name a call that came without an id by what never changes: its conversation, ends and begin."""
    return digest(
        *(first_text(thing, name) or "" for name in ("conversationId", "from", "to", "createdAt"))
    ).hex()


def _is_answered(event: str, thing: Mapping[str, Any]) -> bool | None:
    if first_text(thing, "answeredAt") or event == "call.answered":
        return True
    if event in ("call.missed", "call.voicemail.completed"):
        return False
    status = (first_text(thing, "status") or "").lower()
    said = _ANSWERED.get(status)
    is_over = event == "call.completed" and "answeredAt" in thing and status != _PASSED_ON
    return False if said is None and is_over else said


def _length(thing: Mapping[str, Any]) -> int | None:
    """Read the length, else count from the first ring to the end."""
    began, ended = instant_ms_of(thing.get("createdAt")), instant_ms_of(thing.get("completedAt"))
    counted = (ended - began) // 1_000 if began is not None and ended is not None and ended >= began else None
    told = number(thing.get("duration"))
    return counted if told is None else told


def _addition(thing: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fact": "lead", "kind": "call", "is_addition": True, "provider_id": first_text(thing, "callId", "id"),
        "transcript": spoken(first(thing, "dialogue", "transcript.dialogue")),
        "fields": {"summary": spoken(thing.get("summary")), "next_steps": spoken(thing.get("nextSteps"))},
    }  # fmt: skip


def _message(thing: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    customer, ours = _parties(thing, data)
    at_ms = instant_ms_of(thing.get("createdAt"))
    at = None if at_ms is None else counted_instant(at_ms)
    if _is_outgoing(thing):
        return {
            "fact": "activity", "kind": "other", "title": "Text message", "at": at, "phone": customer,
            "provider_id": first_text(thing, "id"), "owner": first_text(thing, "userId"),
        }  # fmt: skip
    conversation = first_text(data, "context.conversationId") or first_text(thing, "conversationId", "id")
    return {
        "fact": "lead", "kind": "chat", "provider_id": conversation, "at": at, "is_at_of_event": True,
        "phone": customer, "tracking_number": ours, "transcript": first_text(thing, "text", "body"),
        "fields": rest(thing, _USED),
    }  # fmt: skip


ADAPTER = Adapter(
    name="openphone",
    label="Quo (OpenPhone)",
    parse=_parse,
    verify=_verify,
    secret="the webhook's signing key: `whsec_…` when made by the API, else Reveal signing secret",
    steps=(
        "In Quo open Settings, then Webhooks, and create one for {url}.",
        "Choose the events of calls, and messages if you use them.",
        "Open the webhook's details, the three dots, Reveal signing secret, and give that as "
        "--secret; a webhook made with the API has its key in the answer.",
    ),
    verified="documented shapes and signatures, legacy and of 2026-03-30",
)
