"""HubSpot's signatures: the public vector, the three versions, and what is refused."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery
from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.hubspot_signing import demand_hubspot
from tracker.providers.signing import base64_mac

SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
URL = "https://www.example.com/webhook_uri"
BODY = "{'example_field':'example_value'}"
SENT_AT = "2023-09-02T12:26:00.000Z"  # 1693657560000
V3 = {
    "X-HubSpot-Signature-v3": "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
    "X-HubSpot-Request-Timestamp": "1693657560000",
}


def _post(headers: dict[str, str], *, body: str = BODY, at: str = SENT_AT, **more: Any) -> Delivery:
    more.setdefault("urls", ("http://127.0.0.1:8000/webhook_uri", URL))
    return delivery(body, headers, received_at=at, **more)


def _v2(method: str = "POST", url: str = URL) -> str:
    return hashlib.sha256(f"{SECRET}{method}{url}{BODY}".encode()).hexdigest()


V1 = hashlib.sha256(f"{SECRET}{BODY}".encode()).hexdigest()
CODED = "https://www.example.com/webhook%3Fa?x=%40b"
PROVED: dict[str, Delivery] = {
    "the public vector of v3": _post(V3),
    "v3 four minutes later": _post(V3, at="2023-09-02T12:30:00.000Z"),
    "v3 of an address with codes that HubSpot decodes": _post(
        {**V3, "X-HubSpot-Signature-v3": base64_mac(
            SECRET, f"POSThttps://www.example.com/webhook?a?x=@b{BODY}1693657560000".encode())},
        urls=(CODED,),
    ),
    "v2": _post({"X-HubSpot-Signature": _v2(), "X-HubSpot-Signature-Version": "v2"}),
    "v2 without its version": _post({"X-HubSpot-Signature": _v2()}),
    "v1": _post({"X-HubSpot-Signature": V1, "X-HubSpot-Signature-Version": "v1"}),
    "v2 and v3 together": _post({**V3, "X-HubSpot-Signature": _v2(), "X-HubSpot-Signature-Version": "v2"}),
}  # fmt: skip
REFUSED: dict[str, Delivery] = {
    "nothing": _post({}),
    "an empty header": _post({"X-HubSpot-Signature-v3": "", "X-HubSpot-Request-Timestamp": "1693657560000"}),
    "v3 without a time": _post({"X-HubSpot-Signature-v3": V3["X-HubSpot-Signature-v3"]}),
    "v3 with a word for a time": _post({**V3, "X-HubSpot-Request-Timestamp": "now"}),
    "v3 six minutes later": _post(V3, at="2023-09-02T12:32:00.000Z"),
    "v3 of another body": _post(V3, body=BODY + "\n"),
    "v3 of another address": _post(V3, urls=("https://www.example.com/other",)),
    "v3 of another method": _post(V3, method="PUT"),
    "a right v2 beside a wrong v3": _post(
        {**V3, "X-HubSpot-Signature-v3": "AAAA", "X-HubSpot-Signature": _v2()}
    ),
    "v2 called v1": _post({"X-HubSpot-Signature": _v2(), "X-HubSpot-Signature-Version": "v1"}),
    "v2 of another address": _post({"X-HubSpot-Signature": _v2(url="https://other.example")}),
}


@pytest.mark.parametrize("given", PROVED.values(), ids=PROVED)
def test_a_right_signature_proves_hubspot(given: Delivery) -> None:
    """Each version over what it is made of, at any address the hook is known by."""
    demand_hubspot(given, SECRET)


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_a_wrong_missing_or_stale_signature_is_refused(given: Delivery) -> None:
    """The newest version that came must fit."""
    with pytest.raises(Unproved):
        demand_hubspot(given, SECRET)
