"""Cal.com: one booking over its reschedulings, and routing forms.

A booking that was moved gets a new `uid` and keeps its `iCalUID`, `<first uid>@<host>`: the lead is called
after that, however often it moves. Older payloads have no such field and name only the booking before, from
which the later one goes on. Cancellations, rejections and meetings that ended add to a lead and are none;
what is canceled to be moved is not called off. A meeting with seats has one uid for all who come: each
attendee's seat is a lead. What was answered before a payment comes with its begin alone.

Source: https://cal.com/docs/developing/guides/automation/webhooks
Source: https://github.com/calcom/cal.com (packages/features/webhooks)
Source: https://github.com/calcom/cal.diy/issues/22779 (the iCalUID stays that of the first booking)
Source: https://github.com/calcom/cal.diy/issues/23375 (answers before and after a payment)
Source: https://github.com/calcom/cal.diy/issues/28543 (cancellations by a move)
Unconfirmed: payloads by a custom template, which may look any way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tracker.core.ids import digest
from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.answers import Answer, Kind
from tracker.providers.guess import form_lead, moved
from tracker.providers.reading import (
    dig,
    first,
    first_text,
    full_name,
    instant,
    mapping,
    number,
    objects,
    text,
    truth,
    visitor_token,
    without_blanks,
)
from tracker.providers.signing import demand_header, demand_same, hex_mac

_MAKING = frozenset({"BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_REQUESTED", "INSTANT_MEETING"})
_ENDING: Mapping[str, Mapping[str, Any]] = {
    "BOOKING_CANCELLED": {"canceled": True}, "BOOKING_REJECTED": {"rejected": True},
    "MEETING_STARTED": {"started": True}, "MEETING_ENDED": {"ended": True}, "BOOKING_PAID": {"paid": True},
    "BOOKING_NO_SHOW_UPDATED": {}, "BOOKING_PAYMENT_INITIATED": {},
}  # fmt: skip
_UTM = re.compile(r"utm_?(?:source|medium|campaign|term|content)$", re.IGNORECASE)
_OF_BOOKER = frozenset({"responses", "userFieldsResponses", "customInputs", "additionalNotes"})
_FORMS = frozenset({"FORM_SUBMITTED", "FORM_SUBMITTED_NO_EVENT"})
_KINDS: Mapping[str, Kind] = {
    "name": "name", "email": "email", "attendeePhoneNumber": "phone", "smsReminderNumber": "phone",
    "phone": "phone", "notes": "message", "guests": "text", "location": "choice",
}  # fmt: skip


def _parse(delivery: Delivery) -> Facts:
    told = mapping(delivery.document)
    event = text(told.get("triggerEvent")) or ""
    payload = mapping(told.get("payload")) or told
    told_at = instant(told.get("createdAt"))
    if event in _MAKING or event in _ENDING:
        yield from _booking(payload, event, told_at)
    elif event in _FORMS:
        yield from _form(payload, told_at, event)


def _booking(payload: Mapping[str, Any], event: str, told_at: str | None) -> Facts:
    """Read a booking; where a meeting has seats, each attendee's is one of its own."""
    seated = list(objects(payload.get("attendees"))) if number(payload.get("seatsPerTimeSlot")) else []
    if not seated:
        yield from _seat(payload, event, told_at)
    for attendee in seated:
        alone = {name: value for name, value in payload.items() if len(seated) == 1 or name not in _OF_BOOKER}
        seat = f":{digest((text(attendee.get('email')) or '').lower()).hex()}"
        yield from _seat({**alone, "attendees": [attendee]}, event, told_at, seat=seat)


def _seat(payload: Mapping[str, Any], event: str, told_at: str | None, *, seat: str = "") -> Facts:
    before = first_text(payload, "rescheduleUid", "fromReschedule", "rescheduledFromUid")
    attendee = next(objects(payload.get("attendees")), {})
    own = first_text(payload, "uid", "bookingUid", "bookingId", "id")
    booking_id = (_first_uid(payload) or before or own or _made_id(payload, attendee)) + seat
    if own is not None and own + seat != booking_id:
        yield moved(own + seat, booking_id, told_at)
    guessed = form_lead([*_answers(payload), *_tracked(payload)], provider_id=booking_id)
    name = text(attendee.get("name")) or full_name(attendee.get("firstName"), attendee.get("lastName"))
    made_at = None if before or event not in _MAKING else instant(payload.get("createdAt"))
    yield {
        **guessed, "kind": "booking", "at": made_at, "version_at": told_at or made_at,
        "is_addition": event not in _MAKING or None,
        "email": guessed.get("email") or text(attendee.get("email")), "name": guessed.get("name") or name,
        "phone": guessed.get("phone") or text(attendee.get("phoneNumber")) or _called(payload),
        "visitor_id": visitor_token(payload),
        "fields": {**mapping(guessed.get("fields")), **_no_show(payload),
                   **({} if _is_moving(payload) else {**_meeting(payload), **_ENDING.get(event, {})})},
    }  # fmt: skip


def _first_uid(payload: Mapping[str, Any]) -> str | None:
    """Read what the booking was called before it ever moved; all of its moves keep that."""
    stem, _, host = (text(payload.get("iCalUID")) or "").partition("@")
    return stem if stem and host else None


def _is_moving(payload: Mapping[str, Any]) -> bool:
    """Tell whether a cancellation only makes room for another time."""
    return (
        text(payload.get("rescheduledToUid")) is not None or truth(payload.get("requestReschedule")) is True
    )


def _made_id(payload: Mapping[str, Any], attendee: Mapping[str, Any]) -> str:
    """Name a booking without an id by who meets when."""
    parts = (attendee.get("email"), payload.get("startTime"), payload.get("title"))
    return digest(*(text(each) or "" for each in parts)).hex()


def _called(payload: Mapping[str, Any]) -> str | None:
    """Find the number of one who asked to be called: it is the place of the meeting."""
    place = mapping(dig(payload, "responses.location.value") or dig(payload, "responses.location"))
    return text(place.get("optionValue")) if text(place.get("value")) == "phone" else None


def _meeting(payload: Mapping[str, Any]) -> dict[str, Any]:
    return without_blanks({
        "meeting": first_text(payload, "title", "eventTitle", "type"),
        "meeting_at": instant(payload.get("startTime")), "meeting_until": instant(payload.get("endTime")),
        "organizer": first_text(payload, "organizer.name", "organizer.email"),
        "place": first_text(payload, "location"),
        "cancel_reason": text(payload.get("cancellationReason")),
        "reject_reason": text(payload.get("rejectionReason")),
    })  # fmt: skip


def _no_show(payload: Mapping[str, Any]) -> dict[str, Any]:
    shown = [each.get("noShow") for each in objects(payload.get("attendees"))]
    return {"no_show": True} if True in shown else {}


def _answers(payload: Mapping[str, Any]) -> list[Answer]:
    """Read the answers to the booking's questions, each an object of label and value, or a bare value."""
    given = {
        **mapping(payload.get("customInputs")), **mapping(payload.get("userFieldsResponses")),
        **mapping(payload.get("responses")),
    }  # fmt: skip
    answers = [_answer(str(name), value) for name, value in given.items()]
    notes = text(payload.get("additionalNotes"))
    return answers if notes is None or "notes" in given else [*answers, Answer("notes", notes, "message")]


def _tracked(payload: Mapping[str, Any]) -> Iterator[Answer]:
    """Read what the booking page was opened with, of its own object or beside the rest."""
    for told in (mapping(payload.get("tracking")), payload):
        yield from (Answer(name, value, "hidden") for name, value in told.items() if _UTM.match(name))


def _answer(name: str, value: Any) -> Answer:
    label = text(first(value, "label")) if isinstance(value, Mapping) else None
    if isinstance(value, Mapping):
        value = _chosen(value) if _is_wrapped(value) else value
    return Answer(label=label or name, value=value, kind=_KINDS.get(name, ""), name=name)


def _chosen(answer: Mapping[str, Any]) -> Any:
    """Read an answer; of a choice its words, where the value is but the number of an option."""
    words = [said for each in objects(answer.get("response")) if (said := text(each.get("label")))]
    return words or first(answer, "value", "response", "optionValue")


def _is_wrapped(value: Mapping[str, Any]) -> bool:
    return bool(value.keys() & {"value", "response", "label"})


def _form(payload: Mapping[str, Any], told_at: str | None, event: str) -> Facts:
    """Read a routing form; the time tells its submissions apart where no id does.

    That no booking followed is told a quarter of an hour after it was sent.
    """
    sent_at = told_at if event == "FORM_SUBMITTED" else None
    form_id = first_text(payload, "formResponseId", "responseId", "queuedFormResponseId")
    if form_id is None:
        form_id = ":".join(filter(None, (first_text(payload, "formId", "form.id"), told_at)))
    if form_id:
        lead = form_lead(_answers(payload), provider_id=form_id, at=sent_at, version_at=told_at)
        form_name = first_text(payload, "formName", "form.name")
        yield {**lead, "fields": {**mapping(lead.get("fields")), **without_blanks({"form": form_name})}}


def _verify(delivery: Delivery, secret: str) -> None:
    given = demand_header(delivery, "x-cal-signature-256").lower().removeprefix("sha256=")
    demand_same(given, hex_mac(secret, delivery.body))


ADAPTER = Adapter(
    name="calcom",
    label="Cal.com",
    parse=_parse,
    verify=_verify,
    secret="the secret that you enter with the webhook",
    steps=(
        "In Cal.com open Settings, Developer, Webhooks, New.",
        "Enter {url} as Subscriber URL and choose Booking created, rescheduled, canceled and Form submitted.",
        "Enter a secret of your choice, leave the payload as it is, and give the secret as --secret.",
        "Add a hidden booking question with the identifier tl_visitor for our token.",
    ),
    verified="documented payloads and signature",
)
