"""What deliveries in the wild leave out or say otherwise than their documents: ids, senders, directions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tracker.core.facts import read_fact
from tracker.core.versions import Version, merge

QUO: dict[str, Any] = {
    "conversationId": "CN1", "createdAt": "2026-03-01T10:00:00.000Z", "direction": "incoming",
    "object": "call", "from": "+15551230001", "to": "+15551230002", "status": "completed",
    "answeredAt": "2026-03-01T10:00:05.000Z", "completedAt": "2026-03-01T10:00:45.000Z",
}  # fmt: skip
TICKET = {"ticket_id": "31", "ticket_subject": "Oak desk", "requester_email": "maya@okaforstudio.net"}
STARTED = {
    "event": "chat:start",
    "chatId": "c-1",
    "time": "2026-03-01T10:00:00.000Z",
    "visitor": {"name": "Maya"},
}
BOOKED = {"email": "maya@okaforstudio.net", "name": "Maya", "event": {"start_time": "2026-03-05T10:00:00Z"}}
FRONT: dict[str, Any] = {
    "type": "inbound", "emitted_at": 1772359200,
    "conversation": {"id": "cnv_1", "recipient": {"handle": "maya@okaforstudio.net", "role": "from"}},
}  # fmt: skip
ANSWER = {"id": "msg_2", "_links": {"related": {"message_replied_to": "https://front.example.test/msg_1"}}}
MET: dict[str, Any] = {"title": "Call", "startTime": "2026-03-05T10:00:00Z",
                       "attendees": [{"email": "maya@okaforstudio.net"}]}  # fmt: skip


def quo(event: str, **more: Any) -> dict[str, Any]:
    """Write an older event of Quo about a call that has no id."""
    told = {"object": {**QUO, **more}}
    return {"id": "EV1", "type": event, "createdAt": "2026-03-01T10:01:00.000Z", "data": told}


def begins(provider: str, payload: object) -> bool:
    """Tell whether a delivery alone makes a lead."""
    told = [read_fact(fact) for fact in facts_of(provider, delivery(payload))]
    leads = [Version(each.version_ms, each.digest, each.content) for each in told if each.kind == "lead"]
    return bool(leads) and merge(leads, kind="lead") != {}


def test_a_call_without_an_id_is_one_lead_over_its_events() -> None:
    """Its conversation, ends and begin name it."""
    recording = quo("call.recording.completed", media=[{"url": "https://media.example.test/r.mp3"}])
    lead = merged_lead("openphone", delivery(quo("call.completed")), delivery(recording))
    assert (lead["recording_url"], lead["answered"]) == ("https://media.example.test/r.mp3", True)


def test_what_was_done_is_kept_without_an_id() -> None:
    """A message that was sent is named by its delivery."""
    sent = quo("message.delivered", object="message", direction="outgoing")
    (fact,) = facts_of("openphone", delivery(sent))
    assert fact["fact"] == "activity" and fact["provider_id"]


LEADS: dict[str, tuple[str, object, bool]] = {
    "a ticket that was created": (
        "freshdesk", {"freshdesk_webhook": {**TICKET, "triggered_event": "{ticket_action:created}"}}, True),
    "a note on a ticket": (
        "freshdesk", {"freshdesk_webhook": {**TICKET, "triggered_event": "{note_type:private}"}}, False),
    "another priority of a ticket": (
        "freshdesk",
        {"freshdesk_webhook": {**TICKET, "triggered_event": "{priority:{from:Low,to:High}}"}}, False),
    "a ticket of a rule that does not say what happened": ("freshdesk", {"freshdesk_webhook": TICKET}, True),
    "a chat that began, whoever wrote": ("tawkto", STARTED, True),
    "a chat that ended, whoever wrote": ("tawkto", {**STARTED, "event": "chat:end"}, False),
    "a message that came in": ("front", FRONT, True),
    "an answer to what the team wrote first": (
        "front", {**FRONT, "target": {"_meta": {"type": "message"}, "data": ANSWER}}, False),
    "words of a call without a direction": (
        "dialpad", {"call_id": 9, "state": "call_transcription", "transcription_text": "Hello"}, False),
    "a booking without an id": ("calendly", {"event": "invitee.created", "payload": BOOKED}, True),
    "a meeting without an id": ("calcom", {"triggerEvent": "BOOKING_CREATED", "payload": MET}, True),
    "a meeting without an id, called off": (
        "calcom", {"triggerEvent": "BOOKING_CANCELLED", "payload": MET}, False),
    "a form without an id": (
        "googleads", {"user_column_data": [{"column_name": "EMAIL", "string_value": "m@okafor.test"}]}, True),
}  # fmt: skip


@pytest.mark.parametrize(("provider", "payload", "is_lead"), LEADS.values(), ids=LEADS)
def test_what_makes_a_lead(provider: str, payload: object, is_lead: bool) -> None:
    """A missing id loses none, and a later event of something begins none."""
    assert begins(provider, payload) is is_lead


def test_a_booking_without_an_id_is_the_one_that_is_called_off() -> None:
    """Who meets when names it, in either event."""
    events = ("invitee.created", "invitee.canceled")
    lead = merged_lead("calendly", *(delivery({"event": each, "payload": BOOKED}) for each in events))
    assert (lead["email"], lead["fields"]["canceled"]) == ("maya@okaforstudio.net", True)


def test_questions_of_a_booking_are_read_in_other_languages() -> None:
    """Number and company are found as in any form."""
    asked = [
        {"question": "Teléfono", "answer": "+34 600 111 222"},
        {"question": "Empresa", "answer": "Nordbord"},
    ]
    payload = {"uri": "u", "email": "maya@okaforstudio.net", "questions_and_answers": asked}
    (fact,) = facts_of("calendly", delivery({"event": "invitee.created", "payload": payload}))
    assert (fact["phone"], fact["company"]) == ("+34 600 111 222", "Nordbord")


def test_a_column_is_known_by_its_name_in_capitals() -> None:
    """`FULL_NAME` is the name of a column as well as its id."""
    columns = [{"column_name": "FULL_NAME", "string_value": "Maya Okafor"}]
    (fact,) = facts_of("googleads", delivery({"lead_id": "l", "user_column_data": columns}))
    assert fact["name"] == "Maya Okafor"


def changed_deal(name: str, value: str) -> dict[str, Any]:
    """Tell of one property of a deal."""
    told = {"objectId": 1, "occurredAt": 1772359200000, "subscriptionType": "deal.propertyChange"}
    return {**told, "propertyName": name, "propertyValue": value}


CLOSED: dict[str, tuple[list[tuple[str, str]], str]] = {
    "a won deal that is opened again in a stage of the account's own": (
        [("dealstage", "9912"), ("hs_is_closed_won", "false")], "open"),
    "a won deal that is lost": (
        [("hs_is_closed_won", "false"), ("hs_is_closed_lost", "true"), ("dealstage", "9913")], "lost"),
    "a deal that is won": ([("dealstage", "9914"), ("hs_is_closed_won", "true")], "won"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "status"), CLOSED.values(), ids=CLOSED)
def test_a_deals_state_is_told_where_its_stage_does_not_say_it(
    changes: list[tuple[str, str]], status: str
) -> None:
    """One save changes several properties: that it is no longer won counts before what it is now."""
    facts = facts_of("hubspot", delivery([changed_deal(*each) for each in changes]))
    read = [read_fact(fact) for fact in facts]
    versions = [Version(each.version_ms, each.digest, each.content) for each in read]
    assert merge(versions, kind="deal")["status"] == status


def test_a_lead_form_that_a_relay_made_flat_is_read_by_its_names() -> None:
    """Columns stand beside the ids, which are none."""
    flat = {
        "lead_id": "l",
        "campaign_id": 5,
        "google_key": "k",
        "full_name": "Maya",
        "phone": "+441134960123",
    }
    (fact,) = facts_of("googleads", delivery(flat))
    assert (fact["name"], fact["phone"]) == ("Maya", "+441134960123")
    assert fact["fields"] == {"full_name": "Maya", "phone": "+441134960123", "campaign_id": "5"}


def test_a_conversation_may_name_its_contact_itself() -> None:
    """Where neither a sender nor the conversation's own sender does."""
    told = {
        "event": "message_created", "id": 2, "content": "Hi", "message_type": "incoming",
        "conversation": {"id": 567, "contact": {"id": 89, "email": "maya@okaforstudio.net", "name": "Maya"}},
    }  # fmt: skip
    lead = merged_lead("chatwoot", delivery(told))
    assert (lead["email"], lead["name"]) == ("maya@okaforstudio.net", "Maya")


def test_what_a_deal_was_is_not_what_it_is() -> None:
    """Of an event with the changed fields alone, the earlier ones are not taken for the present."""
    event = {
        "object_type": "opportunity", "object_id": "oppo_1", "action": "updated",
        "data": {"status_label": "Won"}, "previous_data": {"status_label": "Open", "status_type": "active"},
    }  # fmt: skip
    (fact,) = facts_of("close", delivery({"event": event}))
    assert (fact["stage"], fact["status"]) == ("Won", "won")


DAY = "2026-03-01"
SPELLED: dict[str, tuple[dict[str, Any], str, str]] = {
    "in a wrapper with other letters": (
        {"Email": "a@b.te", "Entry": {"EntryId": "7", "DateSubmitted": f"{DAY}T10:00:01Z"}}, "7", "10:00:01"),
    "as a title": ({"Email": "a@b.te", "Lead ID": "7", "Submitted At": f"{DAY}T10:00:02Z"}, "7", "10:00:02"),
    "with marks around": (
        {"email": "a@b.te", "__submission": {"id": "9", "created_at": f"{DAY} 10:00:03"}}, "9", "10:00:03"),
}  # fmt: skip


@pytest.mark.parametrize(("payload", "lead_id", "clock"), SPELLED.values(), ids=SPELLED)
def test_ids_and_times_are_known_however_they_are_spelled(
    payload: dict[str, Any], lead_id: str, clock: str
) -> None:
    """Of an unknown sender; the letters' size, blanks and lines between words mean nothing."""
    (fact,) = facts_of("generic", delivery(payload))
    assert (fact["provider_id"], fact["at"]) == (lead_id, f"{DAY}T{clock}.000Z")


def test_titles_that_may_ask_for_anything_are_no_id_and_no_time() -> None:
    """`Date` may be the day that was wished for, and `ID` the form's."""
    (fact,) = facts_of("generic", delivery({"ID": "contact", "Date": "2026-05-01", "Email": "a@b.te"}))
    assert fact["provider_id"] != "contact" and fact["is_at_of_event"]


CALL: dict[str, Any] = {
    "id": 51, "caller_number": "+15551230001", "tracking_number": "+15551230002", "direction": "inbound",
    "duration": 65, "audio": "https://media.example.test/r.mp3", "unix_time": 1772359200,
}  # fmt: skip


def test_an_unknown_senders_call_is_a_call() -> None:
    """Who called which number says so; one that went out is what the team did."""
    (fact,) = facts_of("generic", delivery(CALL))
    told = {
        "kind": "call", "phone": "+15551230001", "tracking_number": "+15551230002", "duration_s": 65,
        "recording_url": "https://media.example.test/r.mp3", "at": "2026-03-01T10:00:00.000Z",
    }  # fmt: skip
    assert {name: fact.get(name) for name in told} == told
    (made,) = facts_of("generic", delivery({**CALL, "direction": "outbound"}))
    assert (made["fact"], made["kind"]) == ("activity", "call_made")
