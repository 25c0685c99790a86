"""Aircall: what its events become, the token that proves them, and that the token is not kept."""

from __future__ import annotations

import json

import pytest

from tests.laws import orders
from tests.unit.providers.deliveries import delivery, facts_of, form, merged_lead
from tests.unit.providers.leads import MOST_ORDERS
from tests.unit.providers.recorded import changed, recorded
from tracker.core.facts import read_fact
from tracker.core.versions import Version, merge
from tracker.providers import load_adapter
from tracker.providers.adapter import Delivery, Unproved

EVENTS = ("call_created", "call_answered", "call_ended", "call_tagged", "transcription", "summary")


def test_a_call_that_ended_is_a_lead() -> None:
    """Caller, line, length with the ringing, time of talk beside it, agent and note."""
    (fact,) = facts_of("aircall", recorded("aircall_call_ended"))
    told = {
        "fact": "lead", "kind": "call", "provider_id": "920011", "at": "2026-03-01T10:00:00.000Z",
        "phone": "+44 113 496 0123", "tracking_number": "+44 20 7946 0100", "duration_s": 192,
        "answered": True, "name": "Maya Okafor", "email": "maya@okaforstudio.net",
        "company": "Okafor Studio", "recording_url": "https://assets.aircall.io/calls/920011/recording",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    kept = {"talk_s": 180, "agent": "Ines Roca", "note": "Wants a quote", "number_name": "Website line"}
    assert {key: fact["fields"].get(key) for key in kept} == kept


def test_a_call_that_still_goes_on_does_not_say_how_it_ended() -> None:
    """Nought seconds and no answer are not known before the end."""
    (fact,) = facts_of("aircall", recorded("aircall_call_created"))
    assert fact.keys().isdisjoint({"duration_s", "answered", "recording_url"})


def test_a_missed_call_of_a_hidden_number() -> None:
    """`anonymous` is nobody's number; what the caller left stands where a recording would."""
    (fact,) = facts_of("aircall", recorded("aircall_call_missed"))
    assert (fact["answered"], fact["duration_s"]) == (False, 22)
    assert fact["recording_url"].endswith("/voicemail")
    assert "phone" not in fact


def test_all_events_of_a_call_are_one_lead_in_any_order() -> None:
    """Events come more than once and in any order: they fill one lead."""
    events = [recorded(f"aircall_{each}") for each in EVENTS]
    leads = [merged_lead("aircall", *order, order[0]) for order in orders(events, MOST_ORDERS)]
    assert all(lead == leads[0] for lead in leads)
    assert leads[0]["transcript"] == "internal: Hello, shop speaking.\nexternal: I need forty chairs."
    assert leads[0]["fields"]["tags"] == ["hot"]
    assert leads[0]["fields"]["summary"] == "The caller needs forty chairs."


def test_a_transcript_alone_makes_no_lead() -> None:
    """It does not say which way the call went."""
    (fact,) = [read_fact(each) for each in facts_of("aircall", recorded("aircall_transcription"))]
    assert merge([Version(fact.version_ms, fact.digest, fact.content)], kind="lead") == {}


def test_an_outbound_call_is_an_activity_of_its_agent() -> None:
    """What the team dials is no lead."""
    (fact,) = facts_of("aircall", recorded("aircall_call_outbound"))
    told = {
        "fact": "activity",
        "kind": "call_made",
        "owner": "ines@shop.example",
        "phone": "+44 113 496 0123",
    }
    assert {key: fact[key] for key in told} == told


@pytest.mark.parametrize("event", ["user.opened", "number.closed", "contact.updated", "integration.deleted"])
def test_events_that_tell_of_no_call_give_nothing(event: str) -> None:
    """Users, numbers and contacts are not our business here."""
    assert facts_of("aircall", changed("aircall_call_created", event=event)) == []


REFUSED = {
    "another token": changed("aircall_call_ended", token="air-token-2"),
    "half of a character": changed("aircall_call_ended", token="\ud800"),
    "no token": changed("aircall_call_ended", token=None),
    "a list": delivery([1]),
    "a form without it": form({"event": "call.ended"}),
}


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_a_delivery_without_the_token_is_refused(given: Delivery) -> None:
    """The body's token is the only proof there is."""
    verify = load_adapter("aircall").verify
    assert verify is not None
    verify(recorded("aircall_call_ended"), "air-token-1")
    with pytest.raises(Unproved):
        verify(given, "air-token-1")


def test_the_token_is_not_kept_and_nothing_else_is_lost() -> None:
    """What is kept gives the same facts as what came."""
    given, hush = recorded("aircall_call_ended"), load_adapter("aircall").hush
    assert hush is not None
    kept = hush(given)
    assert b"air-token-1" not in kept
    assert facts_of("aircall", delivery(json.loads(kept))) == facts_of("aircall", given)
