"""Crisp: when a session is a chat, and what adds to it in any order."""

from __future__ import annotations

from random import Random

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.proofs import demand_proof
from tests.unit.providers.recorded import changed, recorded
from tracker.core.facts import read_fact
from tracker.core.versions import Version, merge
from tracker.providers.signing import hex_mac

EVENTS = (
    "sync_pages", "sync_geolocation", "set_data", "message_send", "set_email", "set_phone", "set_nickname",
    "message_send_again",
)  # fmt: skip
SESSION = "session_5f1c2a90-77aa-4b0e-9b0c-3d9a7e1f2c44"


def test_a_session_in_which_the_visitor_wrote_is_one_lead_in_any_order() -> None:
    """What was said first, and whatever the session's other events tell of the visitor."""
    events = [recorded(f"crisp_{each}") for each in EVENTS]
    whole = merged_lead("crisp", *events)
    told = {
        "kind": "chat", "provider_id": SESSION, "at": "2026-03-01T10:00:00.000Z",
        "chat_id": f"crisp:{SESSION}", "name": "Maya Okafor",
        "email": "maya@okaforstudio.net", "phone": "+441134960123", "visitor_id": "signed.token.of.maya",
        "page_url": "https://shop.example/chairs/oak", "referrer": "https://www.google.com/",
    }  # fmt: skip
    assert {name: whole.get(name) for name in told} == told
    kept = {"message": "Hello, do you ship chairs?", "city": "Leeds", "plan": "pro"}
    assert {name: whole["fields"].get(name) for name in kept} == kept
    for seed in range(20):
        assert merged_lead("crisp", *Random(seed).sample(events, len(events)), events[3]) == whole


def test_a_visit_without_a_word_is_no_lead() -> None:
    """Every visitor has a session; a site may tell the address of each."""
    read = [
        read_fact(fact)
        for each in ("sync_pages", "set_email")
        for fact in facts_of("crisp", recorded(f"crisp_{each}"))
    ]
    assert merge([Version(each.version_ms, each.digest, each.content) for each in read], kind="lead") == {}


def test_a_made_up_nickname_is_no_name() -> None:
    """Crisp calls strangers visitor and a number."""
    (fact,) = facts_of("crisp", recorded("crisp_message_send"))
    assert "name" not in fact


@pytest.mark.parametrize("event", ["message:received", "message:compose:send", "session:removed",
                                   "message:acknowledge:read:send", "campaign:sent"])  # fmt: skip
def test_what_others_say_is_no_chat(event: str) -> None:
    """Operators, bots, campaigns and receipts."""
    assert facts_of("crisp", changed("crisp_message_received", event=event)) == []


def test_a_file_says_its_name() -> None:
    """A message need not be text."""
    data = {"session_id": SESSION, "from": "user", "type": "file", "timestamp": 1772359200000,
            "content": {"name": "room.jpg", "url": "https://storage.crisp.chat/room.jpg"}}  # fmt: skip
    (fact,) = facts_of("crisp", delivery({"event": "message:send", "data": data}))
    assert fact["fields"]["message"] == "room.jpg"


def test_a_profile_is_a_contact() -> None:
    """People are told apart from their sessions."""
    (fact,) = facts_of("crisp", recorded("crisp_people_profile_updated"))
    assert (fact["fact"], fact["emails"]) == ("contact", ["maya@okaforstudio.net"])


def test_only_a_fresh_signature_of_the_plugin_is_heard() -> None:
    """The time and the raw body are signed together."""

    def sign(body: bytes, secret: str, sent_ms: int) -> dict[str, str]:
        mac = hex_mac(secret, b"[%d;%b]" % (sent_ms, body))
        return {"x-crisp-signature": mac, "x-crisp-request-timestamp": str(sent_ms)}

    demand_proof("crisp", recorded("crisp_message_send"), sign, is_dated=True)
