"""Cal.com: a booking over its reschedulings, what became of it, routing forms, the test."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.leads import begins, is_lead, lead_in_any_order, picked
from tests.unit.providers.proofs import demand_proof
from tests.unit.providers.recorded import recorded
from tracker.providers.adapter import Delivery
from tracker.providers.signing import hex_mac


def test_a_moved_booking_is_the_same_lead_in_any_order() -> None:
    """Answers, attendee and token; begun when it was first made, met at the new time."""
    lead = lead_in_any_order("calcom", "booking_created", "booking_rescheduled")
    told = {
        "kind": "booking", "provider_id": "bFJeNb2uX8ANpT3JL5EfXw", "at": "2026-03-01T10:00:00.000Z",
        "name": "Maya Okafor", "email": "maya@okaforstudio.net", "phone": "+441134960123",
        "company": "Okafor Studio", "visitor_id": "signed.token.of.maya",
        "fields": {"meeting_at": "2026-03-06T09:00:00.000Z", "organizer": "Ines Roca", "canceled": None},
    }  # fmt: skip
    assert picked(lead, told) == told


@pytest.mark.parametrize(
    "tracked",
    [{"tracking": {"utm_source": "google", "utm_medium": "cpc", "utm_term": None}},
     {"utmSource": "google", "utmMedium": "cpc", "utmTerm": None}],
    ids=["an object of its own", "beside the rest"],
)  # fmt: skip
def test_a_booking_tells_what_its_page_was_opened_with(tracked: dict[str, Any]) -> None:
    """Campaign parameters that Cal.com tracked by itself, and a name in parts."""
    told = json.loads(recorded("calcom_booking_created").body)
    told["payload"] |= tracked
    told["payload"]["responses"]["name"] = {
        "label": "your_name", "value": {"firstName": "Maya", "lastName": "Okafor"},
    }  # fmt: skip
    (fact,) = (each for each in facts_of("calcom", delivery(told)) if "continues" not in each)
    assert (fact["utm_source"], fact["utm_medium"], "utm_term" in fact) == ("google", "cpc", False)
    assert fact["name"] == fact["fields"]["your_name"] == "Maya Okafor"


def _seated(*emails: str, event: str = "BOOKING_CREATED") -> list[dict[str, Any]]:
    told = json.loads(recorded("calcom_booking_created").body)
    del told["payload"]["responses"]
    told["payload"] |= {
        "seatsPerTimeSlot": 5,
        "attendees": [{"email": each, "name": each} for each in emails],
    }
    told["triggerEvent"] = event
    return facts_of("calcom", delivery(told))


def test_each_seat_of_a_meeting_is_a_lead() -> None:
    """All who come share the booking's uid; who calls off one seat leaves the others."""
    (maya,), (ines,) = _seated("maya@okaforstudio.net"), _seated("ines@roca.es")
    assert maya["provider_id"] != ines["provider_id"]
    (again,) = _seated("Maya@okaforstudio.net", event="BOOKING_CANCELLED")
    assert (again["provider_id"], again["is_addition"]) == (maya["provider_id"], True)
    ended = _seated("maya@okaforstudio.net", "ines@roca.es", event="BOOKING_CANCELLED")
    assert [each["provider_id"] for each in ended] == [maya["provider_id"], ines["provider_id"]]


def test_what_was_answered_before_a_payment_adds_to_the_booking() -> None:
    """The events after it leave the answers out; the begin of a payment alone is no lead."""
    begun = json.loads(recorded("calcom_booking_created").body)
    made = json.loads(recorded("calcom_booking_created").body)
    begun["triggerEvent"] = "BOOKING_PAYMENT_INITIATED"
    del made["payload"]["responses"]
    assert not begins("calcom", delivery(begun))
    for order in permutations((delivery(begun), delivery(made))):
        assert merged_lead("calcom", *order)["visitor_id"] == "signed.token.of.maya"


def _moved(number: int, *, event: str = "BOOKING_RESCHEDULED", **more: Any) -> Delivery:
    """Make the delivery of a move: the booking's own uid, the one before, the name of the first."""
    given = json.loads(recorded("calcom_booking_created").body)
    uids = {"uid": f"uid{number}", "iCalUID": "uid0@Cal.com", "iCalSequence": min(number, 1)}
    before = {"rescheduleUid": f"uid{number - 1}", "fromReschedule": f"uid{number - 1}"} if number else {}
    payload = {**given["payload"], **uids, **before, "startTime": f"2026-03-1{number}T09:00:00Z", **more}
    name = event if number else "BOOKING_CREATED"
    return delivery(
        {"triggerEvent": name, "createdAt": f"2026-03-0{number + 1}T10:00:00Z", "payload": payload}
    )


def test_a_booking_stays_one_lead_however_often_it_moves() -> None:
    """In every order, repeats and the cancellations by a move included; it is met at the last time."""
    gone = _moved(
        1, event="BOOKING_CANCELLED", rescheduleUid=None, fromReschedule=None, rescheduledToUid="uid2"
    )
    events = [_moved(0), _moved(1), gone, _moved(2), _moved(3)]
    leads = [merged_lead("calcom", *order, order[0]) for order in permutations(events)]
    assert all(lead == leads[0] for lead in leads)
    told = {"provider_id": "uid0", "at": "2026-03-01T10:00:00.000Z",
            "fields": {"meeting_at": "2026-03-13T09:00:00.000Z", "canceled": None}}  # fmt: skip
    assert picked(leads[0], told) == told


@pytest.mark.parametrize(
    ("sign", "canceled"),
    [({}, True), ({"rescheduledToUid": "uid2"}, None), ({"requestReschedule": True}, None)],
    ids=["called off", "moved by the attendee", "to be moved, as the host asks"],
)
def test_what_is_canceled_to_be_moved_is_not_called_off(sign: dict[str, Any], canceled: bool | None) -> None:
    """Cal.com cancels a booking that moves; only what nobody moves is over."""
    ended = delivery({"triggerEvent": "BOOKING_CANCELLED", "createdAt": "2026-03-03T08:00:00Z",
                      "payload": {"uid": "uid0", "iCalUID": "uid0@Cal.com", **sign}})  # fmt: skip
    assert merged_lead("calcom", ended, _moved(0))["fields"].get("canceled") is canceled


@pytest.mark.parametrize(("event", "told"), [("booking_cancelled", "canceled"), ("meeting_ended", "ended")])
def test_what_became_of_a_booking_adds_to_it_and_is_no_lead(event: str, told: str) -> None:
    """Also where the payload is not wrapped."""
    assert not is_lead("calcom", event)
    assert lead_in_any_order("calcom", event, "booking_created")["fields"][told] is True


def test_a_routing_form_is_a_form() -> None:
    """By its answers; the time tells submissions apart."""
    (fact,) = facts_of("calcom", recorded("calcom_form_submitted"))
    told = {"kind": "form", "provider_id": "cal-form-1:2026-03-01T10:00:00.000Z", "name": "Jo Brightwell",
            "email": "jo@brightwell.org", "fields": {"form": "Routing", "rooms": "Dining"}}  # fmt: skip
    assert picked(fact, told) == told


def test_a_ping_makes_no_lead() -> None:
    """It carries a booking of nobody."""
    assert facts_of("calcom", recorded("calcom_ping")) == []


def test_only_who_knows_the_secret_is_heard() -> None:
    """HMAC-SHA256 over the raw body."""
    demand_proof("calcom", recorded("calcom_booking_created"), lambda body, secret, _: {
        "x-cal-signature-256": hex_mac(secret, body)})  # fmt: skip
