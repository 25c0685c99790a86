"""What adapters of telephone systems share: lines, names, transcripts, tokens, all the rest."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of
from tracker.providers.calling import caller_name, line, spoken

TRACKED: dict[str, Any] = {
    "id": 123, "name": "MAYA OKAFOR", "search": "roof repair", "source": "Google Adwords", "medium": "CPC",
    "duration": 62, "talk_time": 50, "caller_number_format": "(303) 555-0131",
    "caller_number": "+13035550131",
    "called_at": "2026-03-01 10:00 AM -05:00", "tracking_number": "+13035550191", "direction": "inbound",
    "audio": "https://media.example.com/a.mp3", "dial_status": "answered", "status": "completed",
    "location": "https://shop.example.com/roof", "business_number": "+13035550101",
}  # fmt: skip
CALLED = {"kind": "call", "phone": "+13035550131", "tracking_number": "+13035550191"}
OWN_CALLS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one that was answered": (TRACKED, {
        **CALLED, "provider_id": "123", "at": "2026-03-01T15:00:00.000Z", "duration_s": 62, "answered": True,
        "version_at": "2026-03-01T15:01:02.000Z", "recording_url": "https://media.example.com/a.mp3",
        "name": "MAYA OKAFOR", "landing_page": "https://shop.example.com/roof",
        "utm_source": "google", "utm_medium": "cpc", "utm_term": "roof repair"}),
    "one that was missed": (
        {**TRACKED, "dial_status": "no-answer", "status": "no-answer"}, {**CALLED, "answered": False}),
    "of a page with a click id, which says more than words": (
        {**TRACKED, "location": "https://shop.example.com/?gclid=g1"},
        {**CALLED, "gclid": "g1", "utm_source": None, "utm_medium": None}),
    "a text": (
        {**TRACKED, "direction": "msg_inbound", "message_body": "Price?"},
        {**CALLED, "kind": "chat", "message": "Price?", "duration_s": None, "answered": None}),
    "a form that the service counts among its calls": (
        {**TRACKED, "direction": "form", "email": "maya@example.com"},
        {**CALLED, "kind": "form", "email": "maya@example.com", "duration_s": None}),
    "by names of another spelling": (
        {"complete_call_id": "6B8-1", "start_time_utc": 1772377200000, "calling_phone_number": "+13035550131",
         "destinationPhoneNumber": "+13035550191", "duration": "1:02", "advertiser_name": "Roofs"},
        {**CALLED, "provider_id": "6B8-1", "at": "2026-03-01T15:00:00.000Z", "duration_s": 62, "name": None}),
}  # fmt: skip


@pytest.mark.parametrize(("given", "told"), OWN_CALLS.values(), ids=OWN_CALLS)
def test_a_call_of_a_service_without_an_adapter_is_read(given: dict[str, Any], told: dict[str, Any]) -> None:
    """Who called which number, how it went, from where: by the names that call trackers use."""
    (fact,) = facts_of("generic", delivery(given))
    assert {name: fact.get(name) for name in told} == told


def test_what_a_service_without_an_adapter_sends_out_is_no_lead() -> None:
    """A call or a text by the team is what sales did."""
    for way, kind in (("outbound", "call_made"), ("msg_outbound", "other")):
        (fact,) = facts_of("generic", delivery({**TRACKED, "direction": way}))
        assert (fact["fact"], fact["kind"]) == ("activity", kind)


LINES: dict[str, tuple[Any, str | None]] = {
    "E.164": ("+441134960123", "+441134960123"),
    "spaces and an extension": ("0113 496 0123 ext 5", "0113 496 0123 ext 5"),
    "a JSON number": (441134960123, "441134960123"),
    "a tel link": ("tel:+441134960123", "+441134960123"),
    "a number at a SIP host": ("sip:+441134960123@sip.example;transport=tls", "+441134960123"),
    "the first of a list": ([None, "+441134960123"], "+441134960123"),
    "a person at a SIP host": ("sip:maya@sip.example", None),
    "a softphone": ("client:agent007", None),
    "anonymous": ("anonymous", None),
    "the digits that spell it": ("+266696687", None),
    "Restricted": ("Restricted", None),
    "a star code": ("*69", None),
    "nothing": ("", None),
    "null": (None, None),
}


@pytest.mark.parametrize(("given", "number"), LINES.values(), ids=LINES)
def test_a_line_is_a_number_or_nothing(given: Any, number: str | None) -> None:
    """What was hidden, and what is no telephone line, names nobody."""
    assert line(given) == number


NAMES: dict[str, tuple[tuple[Any, ...], str | None]] = {
    "a person": (("MAYA OKAFOR",), "MAYA OKAFOR"),
    "the second where the first is many people's": (("WIRELESS CALLER", "Maya"), "Maya"),
    "the number again": (("(0113) 496-0123",), None),
    "a network's word": (("Anonymous-Caller",), None),
    "no name": ((None, ""), None),
}


@pytest.mark.parametrize(("given", "name"), NAMES.values(), ids=NAMES)
def test_a_name_that_a_network_gives_to_many_is_nobodys(given: tuple[Any, ...], name: str | None) -> None:
    """Callers do not become one person by being called the same by their network."""
    assert caller_name(*given) == name


SAID: dict[str, tuple[Any, str | None]] = {
    "a text": (" Hello. ", "Hello."),
    "turns": ([{"speaker": "A", "text": "Hello."}, {"text": "Hi."}], "A: Hello.\nHi."),
    "lines": (["Hello.", "", "Hi."], "Hello.\nHi."),
    "nothing": ([], None),
}


@pytest.mark.parametrize(("given", "words"), SAID.values(), ids=SAID)
def test_a_transcript_is_one_text(given: Any, words: str | None) -> None:
    """Whatever a provider makes of a talk can be read, and searched for words."""
    assert spoken(given) == words


def test_a_lead_without_an_id_is_named_by_its_delivery() -> None:
    """The same body again is the same lead; it is not lost for want of a name."""
    told = {"type": "call.completed", "data": {"object": {"direction": "incoming", "from": "+441134960123"}}}
    one, two = (facts_of("openphone", delivery(told))[0] for _ in range(2))
    assert one["provider_id"] == two["provider_id"]


def test_what_is_too_long_for_a_fact_is_cut_and_not_refused() -> None:
    """A transcript of hours, or an object without end, costs its end and not the lead."""
    deep: Any = "x"
    for _ in range(40):
        deep = {"in": deep}
    told = {
        "resource_id": "CAL1", "customer_phone_number": "+441134960123", "transcription": "word " * 10_000,
        "start_time": "2026-03-01T10:00:00Z", "milestones": deep,
    }  # fmt: skip
    (fact,) = facts_of("callrail", delivery(told))
    assert len(fact["transcript"]) == 20_000
    assert fact["transcript"].endswith("…")
