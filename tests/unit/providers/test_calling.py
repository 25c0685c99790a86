"""What adapters of telephone systems share: lines, names, transcripts, tokens, all the rest."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of
from tracker.providers.calling import caller_name, line, spoken

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
