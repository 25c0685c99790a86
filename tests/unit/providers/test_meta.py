"""Meta lead ads: notices, fetched leads, tests, the handshake, the signature."""

from __future__ import annotations

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.leads import is_lead, lead_in_any_order, picked
from tests.unit.providers.proofs import demand_proof
from tests.unit.providers.recorded import recorded
from tracker.providers import load_adapter
from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.signing import hex_mac


def test_a_notice_gives_a_lead_for_each_change_that_says_something() -> None:
    """Ids are texts or numbers; an entry without a value is passed over."""
    facts = facts_of("meta", recorded("meta_leadgen_batch"))
    assert [(each["provider_id"], each["at"]) for each in facts] == [
        ("1234567890123990", "2026-03-01T10:00:00.000Z"), ("1234567890123999", "2026-03-01T10:00:01.000Z"),
    ]  # fmt: skip
    assert facts[0]["fields"]["ad_id"] == "12312312399"


def test_notice_and_fetched_lead_are_one_lead() -> None:
    """A relay says who it was; every answer is kept."""
    lead = lead_in_any_order("meta", "leadgen", "fetched")
    told = {
        "kind": "form", "at": "2026-03-01T10:00:00.000Z", "name": "Maya Okafor", "company": "Okafor Studio",
        "email": "maya@okaforstudio.net", "phone": "+441134960123",
        "fields": {"which_room?": "dining, living", "campaign_name": "Spring", "page_id": "153125381133"},
    }  # fmt: skip
    assert picked(lead, told) == told


def test_a_flat_lead_of_a_relay_is_read_by_its_names() -> None:
    """Without field_data."""
    lead = merged_lead("meta", recorded("meta_flat"))
    assert (lead["name"], lead["email"]) == ("Jo Brightwell", "jo@brightwell.org")


@pytest.mark.parametrize("event", ["test_button", "test_lead"])
def test_tests_make_no_lead(event: str) -> None:
    """Ids of fours, answers of dummy data."""
    assert not is_lead("meta", event)


def _asked(query: str, **options: str) -> Delivery:
    return delivery("", method="GET", query=query, options=options)


def test_the_challenge_is_echoed_to_who_knows_the_token() -> None:
    """And to nobody else."""
    greet = load_adapter("meta").greet
    assert greet is not None
    query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=our-token"
    reply = greet(_asked(query, verify_token="our-token"), ())
    assert reply is not None and (reply.status, reply.body) == (200, b"1158201444")
    for wrong in (_asked(query, verify_token="another"), _asked(query)):
        with pytest.raises(Unproved):
            greet(wrong, ())
    assert greet(_asked(""), ()) is None
    assert greet(recorded("meta_leadgen"), ()) is None


def test_only_who_knows_the_app_secret_is_heard() -> None:
    """HMAC-SHA256 over the raw body."""
    demand_proof("meta", recorded("meta_leadgen"), lambda body, secret, _: {
        "x-hub-signature-256": f"sha256={hex_mac(secret, body)}"})  # fmt: skip
