"""Front: inbound conversations, what the team sent, both kinds of webhooks, the challenge."""

from __future__ import annotations

import json

import pytest

from tests.unit.providers.deliveries import delivery, facts_of
from tests.unit.providers.leads import is_lead, lead_in_any_order, picked
from tests.unit.providers.proofs import demand_proof
from tests.unit.providers.recorded import recorded
from tracker.providers import load_adapter
from tracker.providers.signing import base64_mac

TOLD = {
    "provider_id": "cnv_55c8c149", "at": "2026-03-01T10:00:00.123Z", "email": "tomas.lind@nordbord.se",
    "name": "Tomas Lind", "crm_id": "front:crd_55c8c14a", "visitor_id": "signed.token.of.tomas",
    "fields": {"subject": "Walnut desk", "message": "Do you sell this in walnut?"},
}  # fmt: skip


@pytest.mark.parametrize("events", [["inbound", "archive"], ["rule_inbound", "archive"]],
                         ids=["of an application", "of a rule"])  # fmt: skip
def test_what_came_from_outside_is_one_lead_in_any_order(events: list[str]) -> None:
    """Wrapped or bare, with what happens to it later."""
    lead = lead_in_any_order("front", *events)
    assert picked(lead, TOLD) == TOLD
    assert lead["fields"]["state"] == "archived"


@pytest.mark.parametrize("event", ["outbound", "archive"])
def test_what_the_team_does_makes_no_lead(event: str) -> None:
    """A message to one address is an activity with that person."""
    assert not is_lead("front", event)


def test_a_message_that_was_sent_is_an_activity() -> None:
    """To whom, when and by whom."""
    (fact,) = facts_of("front", recorded("front_outbound"))
    told = {"fact": "activity", "kind": "email_sent", "at": "2026-03-01T11:00:00.100Z",
            "email": "tomas.lind@nordbord.se", "owner": "ines@shop.example"}  # fmt: skip
    assert picked(fact, told) == told


def test_only_signed_deliveries_are_heard() -> None:
    """Applications sign time and body, rules the body alone."""

    def sign(body: bytes, secret: str, sent_ms: int) -> dict[str, str]:
        mac = base64_mac(secret, b"%d:%b" % (sent_ms, body))
        return {"x-front-signature": mac, "x-front-request-timestamp": str(sent_ms)}

    demand_proof("front", recorded("front_inbound"), sign, is_dated=True)
    demand_proof("front", recorded("front_rule_inbound"), lambda body, secret, _: {
        "x-front-signature": base64_mac(secret, body, "sha1")})  # fmt: skip


def test_the_challenge_is_echoed() -> None:
    """Front asks once when the address is entered."""
    greet = load_adapter("front").greet
    assert greet is not None
    reply = greet(delivery({"type": "sync"}, {"X-Front-Challenge": 'a"b'}), ())
    assert reply is not None and json.loads(reply.body) == {"challenge": 'a"b'}
    assert greet(recorded("front_inbound"), ()) is None
