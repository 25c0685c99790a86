"""LinkedIn lead gen: notices, responses, tests, the challenge, the signature in both readings."""

from __future__ import annotations

import json

import pytest

from tests.unit.providers.deliveries import delivery, facts_of
from tests.unit.providers.leads import lead_in_any_order, picked
from tests.unit.providers.proofs import SECRET, demand_proof
from tests.unit.providers.recorded import changed, recorded
from tracker.providers import load_adapter
from tracker.providers.adapter import Unproved
from tracker.providers.signing import hex_mac


def test_notice_and_response_are_one_lead_in_any_order() -> None:
    """The form's questions say what the answers are."""
    lead = lead_in_any_order("linkedin", "notice", "response")
    told = {
        "kind": "form", "provider_id": "8a8a2f77-0d9e-4b6e-9d6c-1a2b3c4d5e6f-6", "name": "Maya Okafor",
        "at": "2026-03-01T10:00:00.000Z", "email": "maya@okaforstudio.net", "company": "Okafor Studio",
        "fields": {"campaign": "urn:li:sponsoredCampaign:3001", "creative": "urn:li:sponsoredCreative:9001",
                   "First name": "Maya"},
    }  # fmt: skip
    assert picked(lead, told) == told


def test_answers_without_questions_are_known_by_their_look() -> None:
    """And a test lead makes none."""
    (fact,) = facts_of("linkedin", recorded("linkedin_responses_bare"))
    assert (fact["provider_id"], fact["email"]) == ("bare-1", "jo@brightwell.org")


def test_a_lead_that_was_deleted_or_a_test_gives_nothing() -> None:
    """Only what was submitted counts."""
    assert facts_of("linkedin", changed("linkedin_notice", leadAction="DELETED")) == []
    assert facts_of("linkedin", changed("linkedin_response", testLead="true")) == []


def test_the_challenge_is_answered_with_its_signature() -> None:
    """By the client secret; without one nothing can be said."""
    greet = load_adapter("linkedin").greet
    assert greet is not None
    asked = delivery(
        "", method="GET", query="challengeCode=890e4665-4dfe-4ab1-b689-ed553bceeed0&applicationId=1"
    )
    reply = greet(asked, (SECRET,))
    assert reply is not None and json.loads(reply.body) == {
        "challengeCode": "890e4665-4dfe-4ab1-b689-ed553bceeed0",
        "challengeResponse": hex_mac(SECRET, b"890e4665-4dfe-4ab1-b689-ed553bceeed0"),
    }
    with pytest.raises(Unproved):
        greet(asked, ())
    assert greet(recorded("linkedin_notice"), (SECRET,)) is None


def test_only_who_knows_the_client_secret_is_heard() -> None:
    """The words before the body, or before the signature."""
    given = recorded("linkedin_notice")
    demand_proof("linkedin", given, lambda body, secret, _: {
        "x-li-signature": hex_mac(secret, b"hmacsha256=" + body)})  # fmt: skip
    demand_proof("linkedin", given, lambda body, secret, _: {
        "x-li-signature": f"hmacsha256={hex_mac(secret, body)}"})  # fmt: skip
