"""What captures and handlers of others show of calls and chats that no document says."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, form, merged_lead
from tests.unit.providers.leads import begins

CUSTOMER, OURS = "+15550100001", "+15550100002"
QUO: dict[str, Any] = {
    "id": "AC1", "object": "call", "direction": "incoming", "participants": [CUSTOMER, OURS],
    "status": "completed", "duration": 76, "createdAt": "2026-03-01T10:00:00.110Z",
    "answeredAt": "2026-03-01T10:00:02.000Z", "completedAt": "2026-03-01T10:01:16.000Z", "recordings": None,
}  # fmt: skip


def quo(event: str = "call.completed", **more: Any) -> dict[str, Any]:
    """Write an event of Quo's version 4, which names no `from` and no `to`."""
    return {"type": event, "apiVersion": "v4", "createdAt": "2026-03-01T10:01:17.000Z",
            "data": {"object": {**QUO, **more}}}  # fmt: skip


ENDS = {
    "who called comes first": (quo(), CUSTOMER, OURS, True),
    "nobody is named": (quo(participants=[], status="no-answer", answeredAt=None), None, None, False),
    "busy": (quo(status="busy", answeredAt=None), CUSTOMER, OURS, False),
    "passed on, to whom it may": (quo(status="forwarded", answeredAt=None), CUSTOMER, OURS, None),
}


@pytest.mark.parametrize(("told", "phone", "called", "is_answered"), ENDS.values(), ids=ENDS)
def test_a_call_of_quo_names_both_ends_as_participants(
    told: dict[str, Any], phone: str | None, called: str | None, is_answered: bool | None
) -> None:
    """The called line is what a lease is found by."""
    (fact,) = facts_of("openphone", delivery(told))
    assert (fact.get("phone"), fact.get("tracking_number")) == (phone, called)
    assert (fact["kind"], fact.get("answered")) == ("call", is_answered)


def test_a_recording_of_quo_that_names_only_its_call_adds_to_it() -> None:
    """It does not say which way the call went, so it makes no lead."""
    told = quo("call.recording.completed")
    told["data"] = {"object": {"id": "CR1", "callId": "AC1", "url": "https://media.example.test/r.mp3"}}
    assert not begins("openphone", delivery(told))
    for events in permutations((delivery(quo()), delivery(told))):
        lead = merged_lead("openphone", *events)
        assert (lead["phone"], lead["recording_url"]) == (CUSTOMER, "https://media.example.test/r.mp3")


TWILIO = {
    "an app in a browser dials": ({"From": "client:ines", "To": CUSTOMER, "ApplicationSid": "AP1"}, False),
    "a customer calls": ({"From": CUSTOMER, "To": OURS}, True),
    "a call that rings in an app": ({"From": CUSTOMER, "To": "client:ines"}, True),
}


@pytest.mark.parametrize(("ends", "is_lead"), TWILIO.values(), ids=TWILIO)
def test_what_an_app_dials_by_twilio_went_out(ends: dict[str, str], is_lead: bool) -> None:
    """For Twilio it comes in: from the app. It is an activity once it is over."""
    told = {"CallSid": "CA1", "Direction": "inbound", "CallStatus": "completed", "CallDuration": "9",
            "Timestamp": "Sun, 01 Mar 2026 10:00:09 +0000", **ends}  # fmt: skip
    (fact,) = facts_of("twilio", form(told))
    assert (fact["fact"] == "lead") is is_lead
    assert fact["phone"] == CUSTOMER
    assert not begins("twilio", form({**told, "CallStatus": "ringing"})) or is_lead


NAMES = {
    "a network's word after the queue's": ("Chairs - WIRELESS CALLER", None),
    "a name after the queue's": ("Chairs - Maya Okafor", "Maya Okafor"),
    "a name alone": ("Maya Okafor", "Maya Okafor"),
}


@pytest.mark.parametrize(("said", "name"), NAMES.values(), ids=NAMES)
def test_a_queue_of_ringcentral_is_no_part_of_the_callers_name(said: str, name: str | None) -> None:
    """A queue may be set to be shown before it."""
    party = {
        "direction": "Inbound", "queueCall": True, "status": {"code": "Proceeding"},
        "from": {"phoneNumber": CUSTOMER, "name": said},
        "to": {"phoneNumber": OURS, "name": "Chairs", "extensionId": "622"},
    }  # fmt: skip
    body = {"telephonySessionId": "s-1", "eventTime": "2026-03-01T10:00:00Z", "parties": [party]}
    (fact,) = facts_of("ringcentral", delivery({"body": body}))
    assert (fact.get("name"), fact["tracking_number"]) == (name, OURS)


@pytest.mark.parametrize(("kind", "is_lead"), [("local", True), ("google", True), ("user", False)])
def test_a_colleague_who_calls_by_dialpad_is_no_lead(kind: str, is_lead: bool) -> None:
    """Their contact is a user, whether or not the call is marked as internal."""
    told = {"call_id": 1, "direction": "inbound", "state": "connected", "external_number": CUSTOMER,
            "date_started": 1772359200000, "contact": {"type": kind, "name": "Maya"}}  # fmt: skip
    assert begins("dialpad", delivery(told)) is is_lead


KINDS = [("Phone Call", "call"), ("phone_call", "call"), ("web_form", "form"), ("text_message", "chat")]


@pytest.mark.parametrize(("said", "kind"), KINDS)
def test_a_kind_of_whatconverts_may_be_written_as_a_word(said: str, kind: str) -> None:
    """With a line between as its interface takes it, or as people read it."""
    told = {"lead_id": 1, "lead_type": said, "date_created": "2026-03-01T10:00:00Z"}
    (fact,) = facts_of("whatconverts", delivery(told))
    assert fact["kind"] == kind


def test_a_profile_of_crisp_is_told_by_its_update() -> None:
    """What was changed of a person stands in it."""
    person = {"nickname": "Maya Okafor", "phone": "+441134960123"}
    data = {"people_id": "p-1", "update": {"updated_at": 1772359200000, "person": person}}
    told = {"event": "people:profile:updated", "data": data, "timestamp": 1772359200000}
    (fact,) = facts_of("crisp", delivery(told))
    assert (fact["name"], fact["phones"]) == ("Maya Okafor", ["+441134960123"])


def olark(**more: Any) -> dict[str, Any]:
    """Write a chat of Olark in which the visitor wrote."""
    said = {"kind": "MessageToOperator", "body": "Hi", "timestamp": "1772359200.5"}
    return {"kind": "Conversation", "id": "C1", "items": [said], **more}


@pytest.mark.parametrize(("tags", "is_test"), [(["test_example"], True), (["sales"], None), (None, None)])
def test_what_tries_a_webhook_of_olark_is_marked_as_a_test(tags: object, is_test: bool | None) -> None:
    """A lead that is a test is not kept; its words look like those of any other."""
    (fact,) = facts_of("olark", delivery(olark(tags=tags)))
    assert fact.get("is_test") is is_test


def test_a_site_hands_over_its_campaign_by_fields_of_olark() -> None:
    """Tags by their own names are the lead's, and no answers."""
    fields = {"utm_source": "google", "gclid": "Cj0x", "Plan": "gold"}
    (fact,) = facts_of("olark", delivery(olark(visitor={"customFields": fields})))
    assert (fact["utm_source"], fact["gclid"]) == ("google", "Cj0x")
    assert fact["fields"] == {"Plan": "gold", "message": "Hi"}


def test_a_message_of_freshchat_may_carry_its_conversation() -> None:
    """Its users say who wrote."""
    conversation = {"conversation_id": "c-1", "users": [{"id": "u-1", "email": "maya@okaforstudio.net"}]}
    message = {"conversation_id": "c-1", "actor_type": "user", "created_time": "2026-03-01T10:00:00.000Z",
               "conversation": conversation}  # fmt: skip
    told = {"action": "message_create", "actor": "user", "data": {"message": message}}
    lead = merged_lead("freshdesk", delivery(told))
    assert (lead["provider_id"], lead["email"]) == ("c-1", "maya@okaforstudio.net")


def livechat(action: str, **payload: Any) -> dict[str, Any]:
    """Write a webhook of LiveChat."""
    return {"webhook_id": "w-1", "secret_key": "s", "action": action, "payload": payload}


def test_a_chat_of_an_older_livechat_is_begun_by_its_thread() -> None:
    """Versions 3.0 and 3.1 call its begin and its end by its threads, told as a list too."""
    said = {"type": "message", "text": "Hello", "author_id": "cust-1"}
    thread = {"id": "T1", "timestamp": 1772359200, "active": True, "events": [said]}
    chat = {"id": "PS1", "users": [{"id": "cust-1", "type": "customer", "email": "maya@okaforstudio.net"}],
            "threads": [thread]}  # fmt: skip
    begun = delivery(livechat("incoming_chat_thread", chat=chat))
    ended = delivery(livechat("thread_closed", chat_id="PS1", thread_id="T1", user_id="ines@shop.example"))
    assert not begins("livechat", ended)
    for events in permutations((begun, ended)):
        lead = merged_lead("livechat", *events)
        assert (lead["email"], lead["at"]) == ("maya@okaforstudio.net", "2026-03-01T10:00:00.000Z")
        assert lead["fields"] == {"message": "Hello", "state": "closed"}


RULES: dict[str, tuple[dict[str, Any], bool, list[str]]] = {
    "a customer wrote": ({"message_type": 0, "sender_type": "Contact"}, True, ["lead", "lead"]),
    "the team wrote": ({"message_type": 1, "sender_type": "User"}, False, ["lead", "activity"]),
    "the team noted": ({"message_type": 1, "sender_type": "User", "private": True}, False, []),
    "a template greeted": ({"message_type": 3, "sender_type": None}, False, ["lead"]),
}


@pytest.mark.parametrize(("message", "is_lead", "kinds"), RULES.values(), ids=RULES)
def test_a_rule_of_chatwoot_tells_of_a_message_by_its_conversation(
    message: dict[str, Any], is_lead: bool, kinds: list[str]
) -> None:
    """Its webhooks tell of a message with its conversation, its rules of a conversation with messages."""
    said = {"id": 9, "content": "A quote?", "created_at": 1772359200, **message}
    sender = {"id": 7, "name": "Maya Okafor", "phone_number": CUSTOMER, "type": "contact"}
    conversation = {"id": 13, "created_at": 1772359190, "meta": {"sender": sender}}
    told = {"event": "automation_event.message_created", **conversation, "messages": [said]}
    facts = facts_of("chatwoot", delivery(told))
    assert begins("chatwoot", delivery(told)) is is_lead
    assert [fact["fact"] for fact in facts] == kinds
    if is_lead:
        webhook = {**said, "event": "message_created", "conversation": conversation}
        lead = merged_lead("chatwoot", delivery(told), delivery(webhook))
        assert (lead["phone"], lead["fields"]["message"]) == (CUSTOMER, "A quote?")


def test_a_ticket_of_tawkto_by_an_agent_is_no_lead() -> None:
    """What the team notes down is not what a visitor asked."""
    told = {"event": "ticket:create", "ticket": {"id": "t-1", "message": "Hi"}}
    for by, is_lead in {"visitor": True, "agent": False}.items():
        assert begins("tawkto", delivery({**told, "requester": {"name": "Ines", "type": by}})) is is_lead


def test_a_conversation_of_intercom_is_known_by_its_topic() -> None:
    """Its item need not say that it is one."""
    item = {"id": "123", "created_at": 1772359200, "user": {"id": "u-1", "email": "maya@okaforstudio.net"}}
    told = {"type": "notification_event", "topic": "conversation.user.created", "data": {"item": item}}
    lead = merged_lead("intercom", delivery(told))
    assert (lead["provider_id"], lead["email"]) == ("123", "maya@okaforstudio.net")
    assert not begins("intercom", delivery({**told, "topic": "conversation.deleted"}))
    assert not begins("intercom", delivery({**told, "topic": "conversation.admin.closed"}))
    assert not begins("intercom", delivery({**told, "topic": "contact.created"}))


def test_a_text_message_of_callrail_may_hide_its_sender() -> None:
    """Accounts that keep numbers private send the last digits, which many people share, and no time."""
    told = {"resource_id": "MSG1", "conversation_id": "k8mc8", "thread_resource_id": "SMT1", "content": "Hi",
            "source_number": "***3312", "destination_number": OURS}  # fmt: skip
    lead = merged_lead("callrail", delivery(told))
    assert (lead["provider_id"], lead.get("phone"), lead["tracking_number"]) == ("k8mc8", None, OURS)
    assert lead["fields"]["source_number"] == "***3312"


TICKETS: dict[str, tuple[dict[str, Any], bool]] = {
    "its contact within": ({"ticket": {"id": "5", "contact": {"email": "maya@okaforstudio.net"}}}, True),
    "its contact beside": ({"ticket": {"id": 5}, "contact": {"email": "maya@okaforstudio.net"}}, True),
    "its address by another name": (
        {"freshdesk_webhook": {"ticket_id": "5", "ticket_email": "maya@okaforstudio.net",
                               "triggered_event": "ticket_created"}}, True,
    ),
    "the team's e-mail": ({"ticket_id": 5, "email": "maya@okaforstudio.net", "source": 10}, False),
    "the team's, in words": (
        {"freshdesk_webhook": {"ticket_id": 5, "ticket_contact_email": "maya@okaforstudio.net",
                               "ticket_source": "Outbound Email"}}, False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("told", "is_lead"), TICKETS.values(), ids=TICKETS)
def test_a_ticket_of_freshdesk_names_its_contact_in_several_places(
    told: dict[str, Any], is_lead: bool
) -> None:
    """What the team sends first is no customer's request."""
    (fact,) = facts_of("freshdesk", delivery(told))
    assert (fact["provider_id"], fact["email"]) == ("5", "maya@okaforstudio.net")
    assert begins("freshdesk", delivery(told)) is is_lead


TRIGGERS: dict[str, dict[str, Any]] = {
    "an address with its name": {
        "ticketId": "77", "title": "Walnut", "requester": "Maya Okafor <maya@okaforstudio.net>",
    },
    "humps": {"Id": "77", "Title": "Walnut", "RequesterName": "Maya Okafor",
              "RequesterEmail": "maya@okaforstudio.net"},
    "a name in two parts": {
        "ticket": {"id": 77, "title": "Walnut", "requester": {
            "first_name": "Maya", "last_name": "Okafor", "email": "maya@okaforstudio.net"}},
    },
}  # fmt: skip


@pytest.mark.parametrize("told", TRIGGERS.values(), ids=TRIGGERS)
def test_a_trigger_of_zendesk_names_its_requester_as_its_admin_wrote(told: dict[str, Any]) -> None:
    """Others' triggers are read as well as our own."""
    lead = merged_lead("zendesk", delivery(told))
    assert (lead["provider_id"], lead["name"], lead["email"]) == (
        "77", "Maya Okafor", "maya@okaforstudio.net",
    )  # fmt: skip
    assert lead["fields"] == {"subject": "Walnut"}
