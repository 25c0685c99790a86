"""CallRail: what each of its events becomes, and which deliveries prove themselves."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.recorded import changed, recorded
from tracker.core.facts import TAGS
from tracker.providers import load_adapter
from tracker.providers.adapter import Unproved

CALL = "CAL0192f3a1b2c34d5e8f90a1b2c3d4e5f6"
LATER = "2026-03-01T10:40:00.000Z"

TOLD: dict[str, tuple[str, dict[str, Any]]] = {
    "a call that rings": (
        "callrail_pre_call",
        {"kind": "call", "provider_id": CALL, "at": "2026-03-01T10:00:00.250Z", "phone": "+441134960123",
         "tracking_number": "+442079460100", "name": "MAYA OKAFOR", "answered": None, "duration_s": None},
    ),
    "a call that was answered, with its source": (
        "callrail_post_call",
        {"provider_id": CALL, "answered": True, "duration_s": 194, "utm_source": "google",
         "utm_medium": "cpc", "utm_campaign": "implants-uk", "gclid": "Cj0test",
         "page_url": "https://harbour.example/prices", "version_at": "2026-03-01T10:03:14.250Z",
         "landing_page": "https://harbour.example/implants?gclid=Cj0test", "name": "Maya Okafor",
         "referrer": "https://www.google.co.uk/"},
    ),
    "a call that was scored, valued and written down": (
        "callrail_call_modified",
        {"provider_id": CALL, "status": "qualified", "value": "1450.00",
         "transcript": "Hello, I would like to ask about implants."},
    ),
    "an older delivery of a caller who hid the number": (
        "callrail_legacy_voicemail",
        {"provider_id": "900100200", "answered": False, "duration_s": 13, "name": None},
    ),
    "a form": (
        "callrail_form",
        {"kind": "form", "provider_id": "FRM0192f3a1b2c34d5e8f90a1b2c3d4e5f8", "name": "Maya Okafor",
         "email": "maya.okafor@harbourmail.net", "phone": "0113 496 0123", "visitor_id": "v1.token",
         "page_url": "https://harbour.example/contact", "msclkid": "m-1", "at": "2026-03-01T10:05:00.000Z"},
    ),
    "a text message that came": (
        "callrail_text_received",
        {"kind": "chat", "provider_id": "5501", "phone": "+441134960123",
         "tracking_number": "+442079460100", "transcript": "Are you open on Saturday?"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "fields"), TOLD.values(), ids=TOLD)
def test_an_event_becomes_a_lead(name: str, fields: dict[str, Any]) -> None:
    """Each event gives one lead, with what it tells under the names of a lead."""
    (fact,) = facts_of("callrail", recorded(name))
    assert {key: fact.get(key) for key in fields} == fields
    assert fact["fact"] == "lead"


def test_a_caller_who_hid_the_number_has_none() -> None:
    """Hidden numbers would make one person of many."""
    (fact,) = facts_of("callrail", recorded("callrail_legacy_voicemail"))
    assert "phone" not in fact


def test_what_goes_out_is_an_activity_of_the_team() -> None:
    """Outbound calls and sent messages are no leads: they say who reached the customer, and when."""
    (call,) = facts_of("callrail", recorded("callrail_outbound"))
    (message,) = facts_of("callrail", recorded("callrail_text_sent"))
    assert (call["fact"], call["kind"], call["phone"]) == ("activity", "call_made", "+441134960123")
    assert (call["owner"], call["at"]) == ("desk@harbour.example", "2026-03-01T11:30:00.000Z")
    assert (message["fact"], message["kind"], message["owner"]) == ("activity", "other", "Desk")
    assert message["phone"] == "+441134960123"


def test_all_events_of_a_call_are_one_lead_that_keeps_what_is_known() -> None:
    """The call as it rings, ends and is changed, in whatever order, fills one lead."""
    events = [
        recorded("callrail_pre_call"),
        recorded("callrail_post_call"),
        recorded("callrail_call_modified", received_at=LATER),
    ]
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        lead = merged_lead("callrail", *[events[each] for each in order])
        assert (lead["answered"], lead["duration_s"], lead["status"]) == (True, 194, "qualified")
        assert (lead["at"], lead["gclid"]) == ("2026-03-01T10:00:00.250Z", "Cj0test")
        assert lead["fields"]["note"].startswith("Wants two implants")


def test_a_length_without_end_takes_no_call_out_of_all_time() -> None:
    """The call is kept with its begin; only when it ended is not known."""
    (fact,) = facts_of("callrail", changed("callrail_post_call", duration="9" * 15))
    assert (fact["at"], fact["version_at"]) == ("2026-03-01T10:00:00.250Z", "2026-03-01T10:00:30.000Z")


SPELLED = {
    "its resource_id": {"id": 900100200, "resource_id": CALL},
    "an id as the API writes it": {"id": CALL, "resource_id": ""},
    "the link to its timeline": {"id": 900100200, "resource_id": None},
}


@pytest.mark.parametrize("fields", SPELLED.values(), ids=SPELLED)
def test_a_call_has_one_id_however_it_is_spelled(fields: dict[str, Any]) -> None:
    """CallRail has a number and `CAL…` for the same call: the second counts wherever it is found."""
    (fact,) = facts_of("callrail", changed("callrail_post_call", **fields))
    assert fact["provider_id"] == CALL


SOURCES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "an ad, by its medium and keyword": (
        {"source": "google_paid", "medium": "CPC", "campaign": "Implants", "keywords": "implant"},
        {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "Implants", "utm_term": "implant"}),
    "an ad, by the words for its source": (
        {"formatted_tracking_source": "Google Paid", "source_name": "Website Pool"},
        {"utm_source": "google", "utm_medium": "cpc"}),
    "a search, though the page before is known": (
        {"formatted_tracking_source": "Bing Organic", "referring_url": "https://www.bing.com/"},
        {"utm_source": "bing", "utm_medium": "organic"}),
    "a tracker that bears an engine's name": (
        {"source_name": "Google My Business"}, {"utm_source": "google", "utm_medium": "organic"}),
    "a tracker of another name": ({"source_name": "Website Pool"}, {}),
    "somebody who came directly": ({"source": "Direct", "medium": "Direct"}, {}),
    "a source that is not known": ({"source": "Unknown Source", "source_name": "Website Pool"}, {}),
    "tags on the page where the visit began": (
        {"source": "Google Ads", "landing_page_url": "https://harbour.example/?utm_source=partner"}, {}),
    "a click id beside it": ({"source": "Google Ads", "gclid": "Cj0"}, {"gclid": "Cj0"}),
}  # fmt: skip


@pytest.mark.parametrize(("said", "told"), SOURCES.values(), ids=SOURCES)
def test_the_services_own_word_for_the_source_counts_where_there_is_none(
    said: dict[str, Any], told: dict[str, str]
) -> None:
    """Parameters and click ids come first; what the tracker's name says of no network says nothing."""
    call = {
        "resource_id": CALL,
        "customer_phone_number": "+13035550131",
        "start_time": "2026-03-01T10:00:00Z",
    }
    (fact,) = facts_of("callrail", delivery({**call, **said}))
    assert {name: fact[name] for name in TAGS if name in fact} == told


def test_the_place_of_a_line_is_no_name() -> None:
    """Networks name mobile lines after their town."""
    place = {"customer_city": "Laguna Beach", "customer_state": "CA"}
    for name, kept in (
        ("Laguna Beach Ca", None),
        ("Laguna Beach", "Laguna Beach"),
        ("Maya Okafor", "Maya Okafor"),
    ):
        (fact,) = facts_of("callrail", changed("callrail_post_call", **place, customer_name=name))
        assert fact.get("name") == kept


STATUS = {"good_lead": "qualified", "not_a_lead": "disqualified", None: None, "": None}


@pytest.mark.parametrize(("said", "status"), STATUS.items())
def test_a_score_by_hand_is_the_leads_status(said: str | None, status: str | None) -> None:
    """Good and bad leads are said so by people; no score is no status."""
    (fact,) = facts_of("callrail", changed("callrail_post_call", lead_status=said))
    assert fact.get("status") == status


def test_the_signature_is_over_the_bytes_as_they_came() -> None:
    """A wrong, a missing and a re-serialised delivery are refused; age alone is no reason."""
    verify = load_adapter("callrail").verify
    assert verify is not None
    plain = recorded("callrail_post_call")
    signature = base64.b64encode(hmac.digest(b"key", plain.body, "sha1")).decode()
    verify(recorded("callrail_post_call", {"Signature": signature}, received_at=LATER), "key")
    for body, headers, secret in (
        ("callrail_post_call", {"Signature": signature}, "other"),
        ("callrail_pre_call", {"Signature": signature}, "key"),
        ("callrail_post_call", {"Signature": ""}, "key"),
        ("callrail_post_call", {}, "key"),
    ):
        with pytest.raises(Unproved):
            verify(recorded(body, headers), secret)
