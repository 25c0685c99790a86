"""Calendly: one booking of one invitee, over all its reschedulings.

A rescheduling cancels one invitee and creates another, and both payloads name the earlier one: the lead is
called after that one, and what is told under the later one goes on from it. A cancellation, or that nobody
came, adds to the lead and is none. A routing form that was sent in is a form.

Source: https://developer.calendly.com/api-docs (webhook payloads, webhook signatures)
Source: https://developer.calendly.com/docs/api-guides/see-how-webhook-payloads-change-when-invitees-reschedule-events
Unconfirmed: payloads of the first version of the API, which is switched off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.core.ids import digest
from tracker.providers.adapter import Adapter, Delivery, Facts, Unproved
from tracker.providers.answers import Answer
from tracker.providers.guess import guess, moved
from tracker.providers.reading import (
    dig,
    first,
    first_text,
    full_name,
    instant,
    mapping,
    money,
    objects,
    text,
    truth,
    visitor_token,
    without_blanks,
)
from tracker.providers.signing import demand_fresh, demand_header, demand_number, demand_same, hex_mac
from tracker.providers.talk import plain

_TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_OWN = ("uri", "invitee.uuid", "invitee.uri")
_BEFORE = ("old_invitee", "old_invitee.uuid", "old_invitee.uri")
_AFTER = ("new_invitee", "new_invitee.uuid", "new_invitee.uri")
_PHONE_PLACES = frozenset({"outbound_call"})


def _parse(delivery: Delivery) -> Facts:
    notice = mapping(delivery.document)
    event = text(notice.get("event")) or ""
    payload = mapping(notice.get("payload"))
    told_at = instant(first(notice, "created_at", "time"))
    if event in ("invitee.created", "invitee.canceled"):
        yield from _booking(payload, event, told_at)
    elif event.startswith("invitee_no_show."):
        yield from _no_show(payload, event, told_at)
    elif event == "routing_form_submission.created":
        yield from _routing_form(payload, told_at)


def _booking(payload: Mapping[str, Any], event: str, told_at: str | None) -> Facts:
    invitee = {**payload, **mapping(payload.get("invitee"))}
    yield from _moves(payload, told_at)
    booking_id, is_moved = _booking_id(payload, invitee)
    is_canceled = event == "invitee.canceled"
    is_of_past = is_canceled and truth(first(payload, "rescheduled", "invitee.rescheduled"))
    made_at = None if is_moved else instant(invitee.get("created_at"))
    yield {
        "fact": "lead", "kind": "booking", "provider_id": booking_id,
        "at": made_at, "version_at": told_at or made_at, "is_addition": is_canceled or None,
        **_person(payload, invitee),
        **_source(payload),
        "value": money(dig(payload, "payment.amount")), "currency": first_text(payload, "payment.currency"),
        "fields": {
            **_answers(payload),
            **({} if is_of_past else _meeting(payload, invitee)),
            **(_ending(payload) if is_canceled and not is_of_past else {}),
        },
    }  # fmt: skip


def _moves(payload: Mapping[str, Any], told_at: str | None) -> Facts:
    """Say which invitee goes on from which."""
    own = first_text(payload, *_OWN)
    for later, earlier in ((own, first_text(payload, *_BEFORE)), (first_text(payload, *_AFTER), own)):
        if later is not None and earlier is not None:
            yield moved(later, earlier, told_at)


def _booking_id(payload: Mapping[str, Any], invitee: Mapping[str, Any]) -> tuple[str, bool]:
    """Name a booking after the invitee it was moved from, else after its own, else by who meets when."""
    before, own = first_text(payload, *_BEFORE), first_text(payload, *_OWN)
    meeting = first_text(payload, "scheduled_event.uri", "event.uri", "event.uuid", "event")
    begins = first_text(payload, "scheduled_event.start_time", "event.start_time")
    parts = (text(invitee.get("email")), meeting, begins)
    return before or own or digest(*(each or "" for each in parts)).hex(), before is not None


def _person(payload: Mapping[str, Any], invitee: Mapping[str, Any]) -> dict[str, Any]:
    email = text(invitee.get("email"))
    name = text(invitee.get("name")) or full_name(invitee.get("first_name"), invitee.get("last_name"))
    return {
        "email": email, "name": name, "phone": _phone(payload, invitee),
        **{field: _guessed(payload).get(field) for field in ("company", "message")},
    }  # fmt: skip


def _phone(payload: Mapping[str, Any], invitee: Mapping[str, Any]) -> str | None:
    """Find the invitee's number: for reminders, for a call we are to make, or as an answer."""
    place = mapping(first(payload, "scheduled_event.location", "event.location"))
    called = text(place.get("location")) if text(place.get("type")) in _PHONE_PLACES else None
    return text(invitee.get("text_reminder_number")) or called or _guessed(payload).get("phone")


def _guessed(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Guess which answers name the sender."""
    asked = objects(payload.get("questions_and_answers"))
    return guess(Answer(text(each.get("question")) or "", each.get("answer")) for each in asked)


def _answers(payload: Mapping[str, Any]) -> dict[str, Any]:
    return without_blanks({
        text(asked.get("question")) or f"question {number}": plain(asked.get("answer"))
        for number, asked in enumerate(objects(payload.get("questions_and_answers")), 1)
    })  # fmt: skip


def _source(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Read what the booking page was opened with; `salesforce_uuid` is free for our own token."""
    tracking = mapping(payload.get("tracking"))
    token = visitor_token(tracking) or visitor_token(payload.get("questions_and_answers"))
    return {**{tag: text(tracking.get(tag)) for tag in _TAGS},
            "visitor_id": token or text(tracking.get("salesforce_uuid"))}  # fmt: skip


def _meeting(payload: Mapping[str, Any], invitee: Mapping[str, Any]) -> dict[str, Any]:
    meeting = mapping(first(payload, "scheduled_event", "event"))
    return without_blanks({
        "meeting": first_text(payload, "scheduled_event.name", "event_type.name"),
        "meeting_at": instant(meeting.get("start_time")),
        "meeting_until": instant(meeting.get("end_time")),
        "place": first_text(meeting, "location.type", "location.kind"),
        "timezone": text(invitee.get("timezone")),
        "routing_form_submission": text(payload.get("routing_form_submission")),
    })  # fmt: skip


def _ending(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Say that a booking was called off."""
    told = mapping(payload.get("cancellation"))
    return without_blanks({
        "canceled": True,
        "canceled_by": first_text(told, "canceled_by") or first_text(payload, "invitee.canceler_name"),
        "cancel_reason": first_text(told, "reason") or first_text(payload, "invitee.cancel_reason"),
    })  # fmt: skip


def _no_show(payload: Mapping[str, Any], event: str, told_at: str | None) -> Facts:
    booking_id = first_text(payload, "old_invitee", "invitee", "invitee.uri", "uri")
    if booking_id is not None:
        yield {
            "fact": "lead", "kind": "booking", "provider_id": booking_id, "is_addition": True,
            "version_at": told_at,
            "fields": {"no_show": event.endswith(".created")},
        }  # fmt: skip


def _routing_form(payload: Mapping[str, Any], told_at: str | None) -> Facts:
    answers, guessed = _answers(payload), _guessed(payload)
    form_id = text(payload.get("uri"))
    if form_id is not None:
        yield {
            "fact": "lead", "kind": "form", "provider_id": form_id,
            "at": instant(payload.get("created_at")) or told_at, "version_at": told_at,
            **{field: guessed.get(field) for field in ("email", "phone", "name", "company", "message")},
            **_source(payload),
            "fields": {**answers, **without_blanks({"result": text(dig(payload, "result.type"))})},
        }  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    header = demand_header(delivery, "calendly-webhook-signature")
    parts = [part.strip().partition("=")[::2] for part in header.split(",")]
    sent = next((value for name, value in parts if name == "t"), "")
    given = next((value for name, value in parts if name == "v1"), "")
    if not sent or not given:
        raise Unproved("Calendly-Webhook-Signature is not written t=...,v1=...")
    sent_s = demand_number(sent)
    demand_same(given.lower(), hex_mac(secret, b"%b.%b" % (sent.encode(), delivery.body)))
    demand_fresh(sent_s * 1_000, delivery)


ADAPTER = Adapter(
    name="calendly",
    label="Calendly",
    parse=_parse,
    verify=_verify,
    secret="the signing_key that the webhook subscription was made with",
    steps=(
        "As an owner or admin in Calendly open Integrations & apps, then API & webhooks, and make a personal"
        " access token. Think of a signing key, such as `openssl rand -hex 32` prints, and give it as"
        " --secret.",
        "Ask for your organization's address; it stands in the answer as current_organization: "
        '`curl https://api.calendly.com/users/me -H "Authorization: Bearer ACCESS-TOKEN"`',
        "Subscribe, with that address and the signing key: "
        '`curl https://api.calendly.com/webhook_subscriptions -H "Authorization: Bearer ACCESS-TOKEN"'
        """ -H "Content-Type: application/json" -d '{"url": "{url}", "events": ["invitee.created","""
        """ "invitee.canceled", "invitee_no_show.created"], "organization": "ORGANIZATION","""
        """ "scope": "organization", "signing_key": "SECRET"}'`""",
        "Add our visitor token to the address of an embedded page as salesforce_uuid: a booking then finds"
        " its visitor.",
    ),
    verified="documented payloads of both API versions; signature as documented",
)
