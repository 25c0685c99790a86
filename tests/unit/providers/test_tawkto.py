"""tawk.to: chats that a visitor began, transcripts, tickets."""

from __future__ import annotations

from itertools import permutations

from tests.unit.providers.deliveries import facts_of, merged_lead
from tests.unit.providers.proofs import demand_proof
from tests.unit.providers.recorded import changed, recorded
from tracker.core.facts import read_fact
from tracker.core.versions import Version, merge
from tracker.providers.signing import hex_mac

EVENTS = ("chat_start", "chat_end", "chat_transcript_created")


def test_start_end_and_transcript_are_one_lead_in_any_order() -> None:
    """It began with the first message; the name that tawk.to made up gives way to the real one."""
    events = [recorded(f"tawkto_{each}") for each in EVENTS]
    leads = [merged_lead("tawkto", *order, order[0]) for order in permutations(events)]
    assert all(lead == leads[0] for lead in leads)
    told = {
        "provider_id": "a4e0c1d0-1570-11f1-8f00-9b1c2d3e4f50", "at": "2026-03-01T10:00:00.510Z",
        "name": "Maya Okafor", "email": "maya@okaforstudio.net", "referrer": "https://www.bing.com/",
        "transcript": "system: Ines joined the conversation\nvisitor: Are you open on Sunday?\n"
                      "agent: Yes, from ten.",
    }  # fmt: skip
    assert {name: leads[0].get(name) for name in told} == told
    assert leads[0]["fields"]["message"] == "Are you open on Sunday?"


def test_a_made_up_name_is_none() -> None:
    """V and a number is what tawk.to calls a stranger."""
    (fact,) = facts_of("tawkto", recorded("tawkto_chat_start"))
    assert fact.keys().isdisjoint({"name", "email"})


def test_a_transcript_alone_makes_the_lead() -> None:
    """It says who began, and when."""
    lead = merged_lead("tawkto", recorded("tawkto_chat_transcript_created"))
    assert (lead["at"], lead["fields"]["message"]) == ("2026-03-01T10:00:00.510Z", "Are you open on Sunday?")


def test_a_chat_that_an_agent_began_is_no_lead() -> None:
    """Its events only add to one that a visitor began."""
    (fact,) = map(read_fact, facts_of("tawkto", recorded("tawkto_chat_start_by_agent")))
    assert merge([Version(fact.version_ms, fact.digest, fact.content)], kind="lead") == {}


def test_the_form_before_a_chat_says_who_it_was() -> None:
    """Its answers come as the first message, a line each; other messages are nobody's answers."""

    def told(said: str) -> tuple[object, ...]:
        message = {"text": said, "type": "msg", "sender": {"type": "visitor"}}
        (fact,) = facts_of("tawkto", changed("tawkto_chat_start", message=message))
        return tuple(fact.get(each) for each in ("name", "email", "phone"))

    asked = "Name : Maya Okafor\r\nEmail : maya@okaforstudio.net\r\nPhone : +44 113 496 0123"
    assert told(asked) == ("Maya Okafor", "maya@okaforstudio.net", "+44 113 496 0123")
    assert told("Ask for: Bob\nI am not Bob") == (None, None, None)


def test_a_ticket_is_a_lead() -> None:
    """What was left while nobody was there."""
    lead = merged_lead("tawkto", recorded("tawkto_ticket_create"))
    assert (lead["email"], lead["fields"]["subject"]) == ("tomas.lind@nordbord.se", "Oak desk")


def test_only_a_signed_delivery_is_heard() -> None:
    """HMAC-SHA1 over the raw body."""
    given = recorded("tawkto_chat_start")
    demand_proof("tawkto", given, lambda body, secret, _: {
        "x-tawk-signature": hex_mac(secret, body, "sha1")})  # fmt: skip
