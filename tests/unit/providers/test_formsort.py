"""Formsort: finished flows in each shape that the operator may choose, and the signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.recorded import changed, recorded
from tests.unit.providers.signatures import check_signature
from tracker.providers.adapter import Delivery

TOLD = json.loads(recorded("formsort_finalized").body)
RESPONDER = "6c5b2f1e-0f7a-4f6b-9d53-6a1b2c3d4e5f"


def test_a_finished_flow_is_a_lead() -> None:
    """The responder's id names it, the answers name the sender."""
    (fact,) = facts_of("formsort", recorded("formsort_finalized"))
    told = {
        "kind": "form", "provider_id": RESPONDER, "at": "2026-03-01T09:59:41.324Z", "name": "Maya Okafor",
        "email": "maya@okaforstudio.net", "phone": "+441134960123", "visitor_id": "v1.token.mac",
        "utm_source": "google", "form": "quote",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact["fields"]["needs"] == "Chairs, Desks"
    assert fact["fields"].keys().isdisjoint({"variant_uuid", "finalized", "responder_uuid"})


OWN = {"responder_uuid", "variant_label", "variant_uuid", "flow_label", "finalized", "created_at"}
ANSWERS = {name: value for name, value in TOLD.items() if name not in OWN}
META = {name: value for name, value in TOLD.items() if name in OWN}
SHAPES: dict[str, Delivery] = {
    "answers of their own": delivery({**META, "answers": ANSWERS}),
    "answers in a list": delivery(
        {**META, "answers": [{"key": name, "value": value} for name, value in ANSWERS.items()]}
    ),
    "the responder's id under another name": delivery(
        {
            **{name: value for name, value in TOLD.items() if name != "responder_uuid"},
            "responderId": RESPONDER,
        }
    ),
    "finalized as text": changed("formsort_finalized", finalized="true"),
}


@pytest.mark.parametrize("given", SHAPES.values(), ids=SHAPES)
def test_a_flow_is_read_in_each_shape(given: Delivery) -> None:
    """The operator says how answers are nested and what the id is called."""
    (fact,) = facts_of("formsort", given)
    assert (fact["provider_id"], fact["email"]) == (RESPONDER, "maya@okaforstudio.net")
    assert RESPONDER not in fact["fields"].values()


@pytest.mark.parametrize("finalized", [False, "false", 0])
def test_an_unfinished_flow_makes_no_lead(finalized: object) -> None:
    """Steps and abandoned flows are partial."""
    assert facts_of("formsort", changed("formsort_finalized", finalized=finalized)) == []


def test_a_repeat_is_the_same_lead() -> None:
    """Formsort delivers at least once."""
    given = recorded("formsort_finalized")
    assert merged_lead("formsort", given, given) == merged_lead("formsort", given)


def _sign(body: bytes, secret: str) -> Mapping[str, str]:
    mac = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"X-Formsort-Signature": base64.urlsafe_b64encode(mac).decode().rstrip("=")}


def test_the_signature_is_over_the_raw_body() -> None:
    """HMAC-SHA256 in base64 for addresses, without padding."""
    check_signature("formsort", recorded("formsort_finalized").body, _sign)
