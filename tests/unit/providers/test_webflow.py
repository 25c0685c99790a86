"""Webflow: both versions of its webhooks, and the signature with a time."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, form, merged_lead
from tests.unit.providers.recorded import changed, recorded
from tests.unit.providers.signatures import check_signature, is_proved
from tracker.errors import BadRequest
from tracker.providers.adapter import Delivery
from tracker.providers.signing import hex_mac

SENT_MS = "1772359225000"  # 2026-03-01T10:00:25Z, five seconds before the delivery is received


def test_a_submission_of_version_two_is_a_lead() -> None:
    """The fields stand in `payload.data`; a phone number may be a JSON number."""
    (fact,) = facts_of("webflow", recorded("webflow_v2"))
    told = {
        "kind": "form", "provider_id": "65f0aa11bb22cc33dd44ee55", "at": "2026-03-01T09:59:41.000Z",
        "name": "Maya Okafor", "email": "maya@okaforstudio.net", "phone": "441134960123",
        "message": "Forty chairs by May", "visitor_id": "v1.token.mac", "form": "Quote",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact["fields"]["Agree to terms"] == "true"


def test_a_submission_of_version_one_is_a_lead() -> None:
    """It is not wrapped, and its id and time have other names."""
    (fact,) = facts_of("webflow", recorded("webflow_v1"))
    told = {
        "provider_id": "65f0aa11bb22cc33dd44ee56", "at": "2026-03-01T09:59:41.117Z", "name": "Maya Okafor",
        "email": "maya@okaforstudio.net", "phone": "441134960123",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told


MAIL = {"Email": "maya@okaforstudio.net"}
SHAPES: dict[str, Delivery] = {
    "without schema": delivery({"triggerType": "form_submission", "payload": {"data": MAIL, "id": "1"}}),
    "an empty schema": delivery({"payload": {"data": MAIL, "schema": [], "id": "1"}}),
    "values in objects": delivery({"payload": {"data": {"Email": {"value": MAIL["Email"]}}, "id": "1"}}),
    "data as text in a form": form({"data": '{"Email": "maya@okaforstudio.net"}', "_id": "1"}),
}


@pytest.mark.parametrize("given", SHAPES.values(), ids=SHAPES)
def test_a_submission_is_read_in_any_shape(given: Delivery) -> None:
    """A test with an empty schema is real data."""
    (fact,) = facts_of("webflow", given)
    assert (fact["provider_id"], fact["email"]) == ("1", MAIL["Email"])


def test_other_events_make_no_lead() -> None:
    """A site's other webhooks tell of no form."""
    assert facts_of("webflow", changed("webflow_v2", triggerType="site_publish")) == []


def test_a_body_without_data_is_refused_with_words() -> None:
    """What has no fields is a problem for the operator."""
    with pytest.raises(BadRequest):
        facts_of("webflow", delivery({"triggerType": "form_submission", "payload": {"id": "1"}}))


def test_a_repeat_is_the_same_lead() -> None:
    """Delivered twice, it is one lead."""
    given = recorded("webflow_v2")
    assert merged_lead("webflow", given, given) == merged_lead("webflow", given)


def _sign(body: bytes, secret: str, sent: str = SENT_MS) -> Mapping[str, str]:
    mac = hex_mac(secret, sent.encode() + b":" + body)
    return {"X-Webflow-Signature": mac, "X-Webflow-Timestamp": sent}


def test_the_signature_is_over_time_and_body() -> None:
    """HMAC-SHA256 in hex of `<ms>:<body>`, at most five minutes old."""
    body = recorded("webflow_v2").body
    check_signature("webflow", body, _sign)
    assert not is_proved("webflow", body, _sign(body, "spoon"), at="2026-03-01T10:05:26.000Z")
    assert not is_proved("webflow", body, _sign(body, "spoon", "1772359225"))
    assert not is_proved("webflow", body, _sign(body, "spoon", "soon"))
    assert not is_proved("webflow", body, {**_sign(body, "spoon"), "X-Webflow-Timestamp": "1772359225001"})
