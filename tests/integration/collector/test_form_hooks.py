"""Forms by their providers' webhooks: proved at the hook, kept, and leads with the sender they name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping

import pytest
import redis

from tests.integration.collector.conftest import Shop
from tests.integration.collector.test_hooks import connect, leads, rows
from tests.unit.providers.recorded import recorded

SECRET = "spoon & fork"
Sign = Callable[[bytes, str], Mapping[str, str]]


def _mac(body: bytes) -> bytes:
    return hmac.digest(SECRET.encode(), body, hashlib.sha256)


def _base64(body: bytes) -> str:
    return base64.b64encode(_mac(body)).decode()


def _webflow(body: bytes, _: str) -> Mapping[str, str]:
    sent = str(time.time_ns() // 1_000_000)
    mac = hmac.digest(SECRET.encode(), f"{sent}:".encode() + body, hashlib.sha256)
    return {"X_Webflow_Signature": mac.hex(), "X_Webflow_Timestamp": sent}


def _hubspot(body: bytes, path: str) -> Mapping[str, str]:
    sent = str(time.time_ns() // 1_000_000)
    message = f"POSThttps://shop.example.net{path}".encode() + body + sent.encode()
    return {"X_HubSpot_Signature_v3": _base64(message), "X_HubSpot_Request_Timestamp": sent}


def _standard(body: bytes, _: str) -> Mapping[str, str]:
    sent = str(time.time_ns() // 1_000_000_000)
    told = {"Webhook_Id": "msg_1", "Webhook_Timestamp": sent}
    return {**told, "Webhook_Signature": f"v1,{_base64(f'msg_1.{sent}.'.encode() + body)}"}


FORMS: dict[str, Sign] = {
    "typeform_response": lambda body, _: {"Typeform_Signature": f"sha256={_base64(body)}"},
    "tally_response": lambda body, _: {"Tally_Signature": _base64(body)},
    "formsort_finalized": lambda body, _: {
        "X_Formsort_Signature": base64.urlsafe_b64encode(_mac(body)).decode().rstrip("=")
    },
    "webflow_v2": _webflow,
    "hubspotforms_submission": _hubspot,
    "standardwebhooks": _standard,
    "gravityforms_entry": lambda *_: {"X_Touchline_Secret": SECRET},
    "fillout_submission": lambda *_: {"Authorization": f"Bearer {SECRET}"},
    "generic_nested": lambda body, _: {"X_Signature": f"sha256={_mac(body).hex()}"},
    "wufoo_entry": lambda *_: {},
    "jotform_submission": lambda *_: {},
    "elementor_advanced": lambda *_: {},
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_a_provider_becomes_one_lead(name: str, shop: Shop, client: redis.Redis) -> None:
    """Proved, kept, parsed and stitched; sent again it is the same lead; nothing of the secret stays."""
    given = recorded("generic_nested" if name == "standardwebhooks" else name)
    path = connect(shop, name.partition("_")[0], SECRET, public_url="https://shop.example.net")
    kind = {"Content_Type": given.headers["content-type"]}
    for _ in range(2):
        answer = shop.ask(path, "POST", data=given.body, **kind, **FORMS[name](given.body, path))
        assert answer.status_code == 200, answer.text
    (lead,) = leads(shop, client)
    assert (lead["kind"], lead["email"], lead["name"]) == ("form", "maya@okaforstudio.net", "Maya Okafor")
    assert not any(b"spoon" in bytes(body) for (body,) in rows(shop, "SELECT body FROM raw_message"))


UNPROVED = [name for name in FORMS if name not in ("jotform_submission", "elementor_advanced", "wufoo_entry")]


@pytest.mark.parametrize("name", UNPROVED)
def test_a_form_without_its_proof_is_refused(name: str, shop: Shop, client: redis.Redis) -> None:
    """A secret that is set must be proved."""
    given = recorded("generic_nested" if name == "standardwebhooks" else name)
    path = connect(shop, name.partition("_")[0], SECRET)
    answer = shop.ask(path, "POST", data=given.body, Content_Type=given.headers["content-type"])
    assert answer.status_code == 401
    assert leads(shop, client) == []
