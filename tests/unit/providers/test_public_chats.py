"""What chats and bookings in the wild say: who began, when, who it was, and which place is a number."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.leads import begins

CUSTOMER = "7b1a4c52-90d1-4f0e-8a55-0c6e5d2f9a11"


def chat(*authors: str) -> dict[str, Any]:
    """Write a chat of LiveChat in which each of several wrote a message."""
    said = [{"type": "message", "text": "Hello", "author_id": each} for each in authors]
    thread = {"created_at": "2026-03-01T10:00:00Z", "events": said,
              "properties": {"routing": {"start_url": "https://shop.example/chairs"}}}  # fmt: skip
    users = [{"id": CUSTOMER, "type": "customer"}, {"id": "ines@shop.example", "type": "agent"}]
    return {"action": "incoming_chat", "payload": {"chat": {"id": "PS1", "users": users, "thread": thread}}}


LEADS: dict[str, tuple[str, object, bool]] = {
    "a conversation that a rule of Chatwoot told of": (
        "chatwoot", {"event": "automation_event.conversation_created", "id": 3, "messages": []}, True),
    "a conversation that a rule of Chatwoot closed": (
        "chatwoot", {"event": "automation_event.conversation_resolved", "id": 3, "messages": []}, False),
    "a question of Chatwoot's widget": (
        "chatwoot", {"event": "message_created", "id": 9, "content": "Get notified by email",
                     "message_type": 0, "content_type": "input_email", "sender": None,
                     "conversation": {"id": 3}}, False),
    "a chat with a welcome before its first words": ("livechat", chat("ines@shop.example", CUSTOMER), True),
    "a chat that an agent began": ("livechat", chat("ines@shop.example"), False),
    "a form of Cal.com without a booking": (
        "calcom", {"triggerEvent": "FORM_SUBMITTED_NO_EVENT", "createdAt": "2026-03-01T10:00:00Z",
                   "payload": {"formId": "f", "responses": {"Email": {"value": "m@okafor.test"}}}}, True),
}  # fmt: skip


@pytest.mark.parametrize(("provider", "payload", "is_lead"), LEADS.values(), ids=LEADS)
def test_what_makes_a_lead(provider: str, payload: object, is_lead: bool) -> None:
    """What a customer began or wrote, whichever way it is told of."""
    assert begins(provider, delivery(payload)) is is_lead


WRITTEN_BY_BROWSERS = {
    "with an offset and a zone": ("Sun Mar 01 2026 15:30:00 GMT+0530 (India Standard Time)", True),
    "west of Greenwich": ("Sun Mar 01 2026 03:00:00 GMT-0700 (Mountain Standard Time)", True),
    "without a zone's name": ("Sun Mar 01 2026 10:00:00 GMT+0000", True),
    "no time of a browser": ("Sun Mar 01 15:30", False),
}


@pytest.mark.parametrize(("said", "is_read"), WRITTEN_BY_BROWSERS.values(), ids=WRITTEN_BY_BROWSERS)
def test_a_time_as_a_browser_writes_it_keeps_its_offset(said: str, is_read: bool) -> None:
    """Chatwoot's widget tells the begin of a conversation so."""
    about = {"initiated_at": {"timestamp": said}, "referer": "https://shop.example/chairs"}
    told = {"event": "conversation_created", "id": 3, "messages": [], "additional_attributes": about}
    (fact,) = facts_of("chatwoot", delivery(told))
    assert (fact["at"] == "2026-03-01T10:00:00.000Z") is is_read


def test_a_contact_that_was_merged_is_the_later_one() -> None:
    """An address given in the widget makes a stranger another contact, and the message is told again."""

    def told(event: str, contact_id: int, email: str | None, seen_at: str) -> dict[str, Any]:
        sender = {"id": contact_id, "email": email, "name": "summer-fog-77", "type": "contact"}
        conversation = {"id": 3, "meta": {"sender": sender}, "contact_inbox": {"updated_at": seen_at}}
        return {"event": event, "id": 9, "content": "Do you deliver?", "message_type": "incoming",
                "created_at": "2026-03-01T10:00:00Z", "conversation": conversation}  # fmt: skip

    before = delivery(told("message_created", 14, None, "2026-03-01T09:59:00Z"))
    after = delivery(told("message_updated", 12, "maya@okaforstudio.net", "2026-03-01T10:00:20Z"))
    for events in ((before, after), (after, before)):
        lead = merged_lead("chatwoot", *events)
        assert (lead["crm_id"], lead["email"]) == ("chatwoot:12", "maya@okaforstudio.net")
        assert lead["fields"]["message"] == "Do you deliver?"


def test_a_message_of_an_older_chatwoot_is_its_contacts() -> None:
    """It names the conversation by what people see of it, and the contact beside the agent."""
    told = {"event": "message_created", "id": "1", "content": "Hi", "message_type": "incoming",
            "sender": {"id": 1, "name": "Ines", "email": "ines@shop.example"},
            "contact": {"id": "4", "name": "Maya Okafor"}, "conversation": {"display_id": "8"}}  # fmt: skip
    lead = merged_lead("chatwoot", delivery(told))
    assert (lead["crm_id"], lead["name"], lead.get("email")) == ("chatwoot:4", "Maya Okafor", None)


def test_who_asks_to_be_called_leaves_the_number_as_the_place() -> None:
    """Cal.com keeps it beside the kind of the place, which may be no number at all."""
    for place, phone in (
        ({"value": "phone", "optionValue": "+44 113 496 0123"}, "+44 113 496 0123"),
        ({"value": "inPerson", "optionValue": "5 Oak Street 12345"}, None),
    ):
        payload = {"uid": "u", "responses": {"location": {"label": "location", "value": place}}}
        (fact,) = facts_of("calcom", delivery({"triggerEvent": "BOOKING_CREATED", "payload": payload}))
        assert fact.get("phone") == phone


def test_a_choice_is_told_in_its_words() -> None:
    """A routing form of Cal.com sends the number of an option and, beside it, what it says."""
    answers = {"Team": {"value": "o-2", "response": {"id": "o-2", "label": "11 to 50"}},
               "Uses": {"value": ["o-3"], "response": [{"id": "o-3", "label": "Sales"}]}}  # fmt: skip
    told = {"triggerEvent": "FORM_SUBMITTED", "createdAt": "2026-03-01T10:00:00Z",
            "payload": {"formId": "f", "responses": answers}}  # fmt: skip
    (fact,) = facts_of("calcom", delivery(told))
    assert (fact["fields"]["Team"], fact["fields"]["Uses"]) == ("11 to 50", "Sales")


def test_the_page_of_a_chat_is_where_it_was_begun_when_no_visit_is_told() -> None:
    """LiveChat says so of the thread; what is told of the customer later names the same person."""
    (lead,) = facts_of("livechat", delivery(chat(CUSTOMER)))
    customer = {"id": CUSTOMER, "email": "maya@okaforstudio.net"}
    (known,) = facts_of("livechat", delivery({"action": "customer_created", "payload": customer}))
    assert lead["page_url"] == "https://shop.example/chairs"
    assert (known["fact"], f"livechat:{known['provider_id']}") == ("contact", lead["crm_id"])


IDENTITIES = {
    "added": ("zen:event-type:user.identity_created", {"type": "email", "value": "maya@new.example"}, True),
    "written with a slash": (
        "zen:event-type/user.identity_created", {"type": "email", "value": "maya@new.example"}, True),
    "changed": (
        "zen:event-type:user.identity_changed",
        {"current": {"type": "email", "value": "maya@new.example"}, "previous": {"type": "email"}}, True),
    "deleted": (
        "zen:event-type:user.identity_deleted", {"type": "email", "value": "maya@new.example"}, False),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "event", "is_added"), IDENTITIES.values(), ids=IDENTITIES)
def test_an_address_of_a_user_is_the_contacts_until_it_is_deleted(
    kind: str, event: dict[str, Any], is_added: bool
) -> None:
    """Zendesk tells of it as an event of the user; it is no ticket, however its type is written."""
    told = {"type": kind, "id": "E1", "time": "2026-03-01T10:00:00Z", "subject": "zen:user:7",
            "detail": {"id": "7", "email": "maya@okaforstudio.net", "role": "end-user"},
            "event": event}  # fmt: skip
    (fact,) = facts_of("zendesk", delivery(told))
    later = ["maya@new.example"] if is_added else []
    assert (fact["fact"], fact["emails"]) == ("contact", ["maya@okaforstudio.net", *later])


def test_a_relay_names_the_lead_of_the_notice() -> None:
    """Both tell of one lead of Meta, whichever spelling of its id the relay likes."""
    value = {"leadgen_id": "1958340478", "created_time": 1772359200}
    notice = {"object": "page", "entry": [{"changes": [{"field": "leadgen", "value": value}]}]}
    relayed = {"leadId": "1958340478", "email": "maya@okaforstudio.net",
               "created_time": "2026-03-01T10:00:00+0000"}  # fmt: skip
    assert merged_lead("meta", delivery(notice), delivery(relayed))["email"] == "maya@okaforstudio.net"


def test_a_response_of_linkedin_names_its_creative() -> None:
    """It stands with the entity that the form was shown with, by either name."""
    for name in ("associatedCreative", "sponsoredCreative"):
        told = {"id": "r-1", "submittedAt": 1772359200000, "associatedEntity": {name: "urn:li:creative:9"}}
        (fact,) = facts_of("linkedin", delivery(told))
        assert fact["fields"]["creative"] == "urn:li:creative:9"


def test_a_contact_of_chatwoot_is_as_of_its_change() -> None:
    """The time stands among what was changed; without it the order of arrival would decide."""
    changed = [
        {"email": {"current_value": "maya@okaforstudio.net"}},
        {"updated_at": {"previous_value": None, "current_value": "2026-03-01T09:58:00.250Z"}},
    ]
    told = {"event": "contact_updated", "id": 14, "name": "summer-fog-77", "email": "maya@okaforstudio.net",
            "changed_attributes": changed}  # fmt: skip
    (fact,) = facts_of("chatwoot", delivery(told))
    assert (fact["at"], fact.get("name")) == ("2026-03-01T09:58:00.250Z", None)


def test_a_form_that_led_to_no_booking_was_sent_when_it_was_sent() -> None:
    """Cal.com tells of it twice, a quarter of an hour apart."""

    def told(event: str, at: str) -> dict[str, Any]:
        answers = {"Email": {"value": "maya@okaforstudio.net"}}
        payload = {"formId": "f", "responseId": 100, "responses": answers}
        return {"triggerEvent": event, "createdAt": at, "payload": payload}

    sent = delivery(told("FORM_SUBMITTED", "2026-03-01T10:00:00Z"))
    later = delivery(told("FORM_SUBMITTED_NO_EVENT", "2026-03-01T10:15:00Z"))
    for events in ((sent, later), (later, sent)):
        assert merged_lead("calcom", *events)["at"] == "2026-03-01T10:00:00.000Z"


BOUND = {
    "bound to its session": [{"event": "people:bind:session", "data": {"people_id": "p-1"}},
                             {"event": "people:profile:updated", "data": {"people_id": "p-1"}}],
    "told with its session": [{"event": "people:sync:profile", "data": {
        "people_id": "p-1", "identity": {"email": "maya@okaforstudio.net"}}}],
}  # fmt: skip


@pytest.mark.parametrize("events", BOUND.values(), ids=BOUND)
def test_a_profile_of_crisp_is_the_chats_contact(events: list[dict[str, Any]]) -> None:
    """A profile alone is no lead; bound to a session it names the contact of the chat in that."""
    events[0]["data"]["session_id"] = "session_1"
    events[-1]["data"].setdefault("email", "maya@okaforstudio.net")
    wrote = {"session_id": "session_1", "from": "user", "content": "Do you deliver?"}
    told = [{"event": "message:send", "data": wrote}, *events]
    facts = [
        fact for each in told for fact in facts_of("crisp", delivery({**each, "timestamp": 1772359200000}))
    ]
    leads = [fact for fact in facts if fact["fact"] == "lead"]
    (contact,) = (fact for fact in facts if fact["fact"] == "contact")
    assert [fact.get("is_addition") for fact in leads] == [None, True]
    assert leads[-1]["crm_id"] == f"crisp:{contact['provider_id']}"
    assert contact["emails"] == ["maya@okaforstudio.net"]
