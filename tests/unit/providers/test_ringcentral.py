"""RingCentral: what its events become, the handshake, and the static token."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.recorded import recorded
from tracker.providers import load_adapter
from tracker.providers.adapter import Unproved

SESSION = "s-a0b1c2d3e4f5z17d0e85b0000"
EVENTS = ("proceeding", "answered", "disconnected")


def test_a_session_is_a_lead_from_its_first_event() -> None:
    """Events in any order make one call, which began with the earliest of them."""
    leads = [
        merged_lead("ringcentral", *order)
        for order in permutations(recorded(f"ringcentral_{e}") for e in EVENTS)
    ]
    assert all(lead == leads[0] for lead in leads)
    told = {
        "kind": "call", "provider_id": SESSION, "at": "2026-03-01T10:00:00.100Z", "phone": "+441134960123",
        "tracking_number": "+442079460100", "answered": True, "name": "MAYA OKAFOR",
    }  # fmt: skip
    assert {key: leads[0].get(key) for key in told} == told


def test_a_presence_event_tells_of_the_same_call() -> None:
    """Presence knows when the call began, which counts before any event's time."""
    lead = merged_lead("ringcentral", recorded("ringcentral_presence"), recorded("ringcentral_proceeding"))
    assert (lead["provider_id"], lead["at"]) == (SESSION, "2026-03-01T10:00:00.000Z")


def test_a_missed_call_of_a_hidden_number() -> None:
    """`anonymous` is nobody's number."""
    (fact,) = facts_of("ringcentral", recorded("ringcentral_missed"))
    assert fact["answered"] is False
    assert "phone" not in fact


def test_outbound_calls_are_activities_and_internal_ones_nothing() -> None:
    """A caller who is an extension of the account is no customer."""
    (fact,) = facts_of("ringcentral", recorded("ringcentral_outbound"))
    assert (fact["fact"], fact["phone"], fact["owner"]) == ("activity", "+441134960123", "Ines Roca")
    assert facts_of("ringcentral", recorded("ringcentral_internal")) == []


def test_the_short_number_of_an_extension_is_no_line_of_the_network() -> None:
    """A queue hands the call to an extension: the called number is the one that was there before."""
    handed = json.loads(recorded("ringcentral_answered").body)
    handed["body"]["parties"][0]["to"]["phoneNumber"] = "102"
    lead = merged_lead("ringcentral", recorded("ringcentral_proceeding"), delivery(handed))
    assert (lead["tracking_number"], lead["answered"]) == ("+442079460100", True)
    handed["body"]["parties"][0]["from"] = {"phoneNumber": "103", "name": "Stock"}
    assert facts_of("ringcentral", delivery(handed)) == []


def test_the_handshake_is_answered_with_its_token() -> None:
    """The subscription begins with a token to send back; a delivery that carries one is none."""
    greet = load_adapter("ringcentral").greet
    assert greet is not None
    reply = greet(delivery(b"", {"Validation-Token": "t-1"}), ())
    assert reply is not None
    assert (reply.status, reply.body, dict(reply.headers)) == (200, b"", {"Validation-Token": "t-1"})
    assert greet(recorded("ringcentral_answered", {"Validation-Token": "t-1"}), ()) is None
    assert greet(recorded("ringcentral_answered"), ()) is None


@pytest.mark.parametrize("headers", [{}, {"Verification-Token": "other"}, {"Verification-Token": ""}])
def test_a_delivery_without_the_token_is_refused(headers: dict[str, str]) -> None:
    """The subscription's token is the only proof there is."""
    verify = load_adapter("ringcentral").verify
    assert verify is not None
    verify(recorded("ringcentral_answered", {"Verification-Token": "mine"}), "mine")
    with pytest.raises(Unproved):
        verify(recorded("ringcentral_answered", headers), "mine")
