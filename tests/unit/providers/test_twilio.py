"""Twilio: what its callbacks become, and which deliveries prove themselves."""

from __future__ import annotations

from hashlib import sha256
from itertools import permutations
from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, form, merged_lead, proves
from tests.unit.providers.recorded import recorded
from tracker.core.facts import read_fact
from tracker.core.versions import Version, merge
from tracker.providers.adapter import Delivery
from tracker.providers.signing import base64_mac

CALL = "CA00112233445566778899aabbccddeeff"
EVENTS = ("ringing", "completed", "dialled_leg", "recording", "transcription")

# The documented example of https://www.twilio.com/docs/usage/security
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = {
    "CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309",
    "To": "+18005551212",
}  # fmt: skip
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def signed(url: str, fields: dict[str, str] = FIELDS, signature: str | None = SIGNATURE) -> Delivery:
    """Make a signed delivery that came to an address."""
    headers = {} if signature is None else {"X-Twilio-Signature": signature}
    return form(fields, headers, urls=(url,), query=url.partition("?")[2])


def is_proved(given: Delivery, secret: str = "12345") -> bool:
    """Tell whether a delivery proves that it comes from Twilio."""
    return proves("twilio", given, secret)


def test_a_get_is_signed_by_its_address_alone() -> None:
    """All fields stand in it; one that is changed or added breaks the proof."""
    url = f"https://mycompany.com/hook?foo=1&CallSid={CALL}&From=%2B14158675309"
    mac = base64_mac("12345", url.encode(), "sha1")

    def got(address: str) -> bool:
        bare = Delivery(b"", 0, {"x-twilio-signature": mac}, "GET", (address,), address.partition("?")[2])
        told = bare.of_query
        assert told is not None
        return is_proved(told)

    assert got(url)
    assert not got(url + "&Direction=inbound")
    assert not got(url.replace("5309", "5300"))


def test_a_call_that_ended_is_a_lead_from_its_begin() -> None:
    """The end is reported with a length, and the begin follows from both."""
    (fact,) = facts_of("twilio", recorded("twilio_completed"))
    told = {
        "kind": "call", "provider_id": CALL, "at": "2026-03-01T10:00:01.000Z", "phone": "+441134960123",
        "tracking_number": "+442079460100", "duration_s": 42, "answered": True, "name": "OKAFOR M",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told


def test_a_call_that_nobody_answered_by_a_hidden_number() -> None:
    """The digits that spell `anonymous` are nobody's number."""
    (fact,) = facts_of("twilio", recorded("twilio_no_answer"))
    assert fact["answered"] is False
    assert "phone" not in fact
    assert "name" not in fact


def test_all_callbacks_of_a_call_are_one_lead_in_any_order() -> None:
    """The call, the leg that was dialled onwards, the recording and its text fill one lead."""
    events = [
        recorded(f"twilio_{each}", received_at=f"2026-03-01T10:0{number}:00.000Z")
        for number, each in enumerate(EVENTS, 1)
    ]
    leads = [merged_lead("twilio", *order) for order in permutations(events)]
    assert all(lead == leads[0] for lead in leads)
    assert (leads[0]["at"], leads[0]["duration_s"]) == ("2026-03-01T10:00:00.000Z", 42)
    assert leads[0]["recording_url"].endswith("/Recordings/RE0")
    assert leads[0]["transcript"] == "I would like a quote for forty chairs."
    assert leads[0]["fields"]["ForwardedTo"] == "+441132450000"


def test_a_recording_alone_makes_no_lead() -> None:
    """A recording's callback does not say which way the call went: it may be of an outbound one."""
    (fact,) = [read_fact(each) for each in facts_of("twilio", recorded("twilio_recording"))]
    assert merge([Version(fact.version_ms, fact.digest, fact.content)], kind="lead") == {}


def test_an_outbound_call_is_an_activity() -> None:
    """What the team dials is no lead."""
    (fact,) = facts_of("twilio", recorded("twilio_outbound"))
    assert (fact["fact"], fact["kind"], fact["phone"]) == ("activity", "call_made", "+441134960123")
    assert fact["at"] == "2026-03-01T12:00:00.000Z"


def test_a_text_message_is_a_chat_and_reports_on_sent_ones_are_nothing() -> None:
    """Only what a customer wrote is a lead."""
    (fact,) = facts_of("twilio", recorded("twilio_message"))
    assert (fact["kind"], fact["phone"], fact["transcript"]) == ("chat", "+441134960123", "Are you open?")
    sent = {"MessageSid": "SM1", "MessageStatus": "delivered", "From": "+442079460100", "To": "+44"}
    assert facts_of("twilio", form(sent)) == []


ADDRESSED: dict[str, tuple[str, bool]] = {
    "the address as it was entered": (URL, True),
    "the address with its port": ("https://mycompany.com:443/myapp.php?foo=1&bar=2", True),
    "another scheme": ("http://mycompany.com/myapp.php?foo=1&bar=2", False),
    "another order of the query": ("https://mycompany.com/myapp.php?bar=2&foo=1", False),
}


@pytest.mark.parametrize(("url", "is_proof"), ADDRESSED.values(), ids=ADDRESSED)
def test_the_address_is_signed_with_or_without_its_port(url: str, is_proof: bool) -> None:
    """Twilio's documented signature, over the address as Twilio saw it."""
    assert is_proved(signed(url)) is is_proof


REFUSED: dict[str, Delivery] = {
    "no signature": signed(URL, signature=None),
    "another field": signed(URL, {**FIELDS, "Digits": "9999"}),
    "one field more": signed(URL, {**FIELDS, "Extra": "1"}),
    "a host that is none": signed("https://[mycompany.com/myapp.php"),
    "JSON that nothing signs": delivery(
        {"a": 1}, {"X-Twilio-Signature": base64_mac("12345", URL.encode(), "sha1")}, urls=(URL,)
    ),
}  # fmt: skip


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_a_delivery_without_proof_is_refused(given: Delivery) -> None:
    """Each field is signed, and a body that no signature covers proves nothing."""
    assert not is_proved(given)


def test_another_token_proves_nothing() -> None:
    """The secret decides."""
    assert not is_proved(signed(URL), "54321")


def test_a_name_that_recurs_is_signed_once_a_value_in_order() -> None:
    """`b=2&b=1&b=2` is signed as `b1b2`."""
    body = "b=2&a=x&b=1&b=2"
    header = {"X-Twilio-Signature": base64_mac("12345", f"{URL}axb1b2".encode(), "sha1")}
    assert is_proved(
        delivery(body, {**header, "Content-Type": "application/x-www-form-urlencoded"}, urls=(URL,))
    )


def test_json_is_signed_by_its_hash_in_the_address() -> None:
    """`bodySHA256` stands in the query and is signed with the address; another body does not fit it."""
    body = '{"CallSid": "CA1"}'
    query = f"bodySHA256={sha256(body.encode()).hexdigest()}"
    url = f"https://mycompany.com/hook?{query}"
    headers = {"X-Twilio-Signature": base64_mac("12345", url.encode(), "sha1")}
    more: dict[str, Any] = {"urls": (url,), "query": query}
    assert is_proved(delivery(body, headers, **more))
    assert not is_proved(delivery(body + " ", headers, **more))
