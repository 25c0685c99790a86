"""CRMs: which deliveries prove themselves, what is taken out before they are kept, what is answered."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256

import pytest

from tests.unit.providers.deliveries import delivery, facts_of
from tests.unit.providers.recorded import changed, recorded
from tracker.core.times import parse_instant
from tracker.providers import load_adapter
from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.signing import base64_mac

# The documented example of https://developers.hubspot.com/docs/api/webhooks/validating-requests
URL = "https://www.example.com/webhook_uri"
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
BODY = "{'example_field':'example_value'}"
SENT_AT = "2023-09-02T00:26:00.000Z"
SENT_MS = "1693614360000"


def proves(provider: str, given: Delivery, secret: str) -> bool:
    """Tell whether a delivery proves its sender."""
    verify = load_adapter(provider).verify
    assert verify is not None
    try:
        verify(given, secret)
    except Unproved:
        return False
    return True


def v3(body: str = BODY, url: str = URL, sent: str = "1693657560000", received: int = 0) -> Delivery:
    """Make HubSpot's documented delivery, received when it was sent unless said otherwise."""
    headers = {
        "x-hubspot-signature-v3": "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
        "x-hubspot-request-timestamp": sent,
    }
    return Delivery(body.encode(), 1693657560000 + received, headers, urls=(url,))


def test_hubspots_documented_signature_is_accepted() -> None:
    """Version 3: over method, address, body and time of sending."""
    assert proves("hubspot", v3(), SECRET)


REFUSED = {
    "another body": v3(BODY + " "),
    "another address": v3(url=URL + "/"),
    "another time of sending": v3(sent="1693657560001"),
    "too late": v3(received=300_001),
    "too early": v3(received=-300_001),
    "no time of sending": v3(sent=""),
    "no signature": Delivery(BODY.encode(), 0, {}, urls=(URL,)),
}


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_a_hubspot_delivery_without_proof_is_refused(given: Delivery) -> None:
    """Everything is signed, and the signature grows stale."""
    assert not proves("hubspot", given, SECRET)


def old(signature: str, *, version: str = "v1") -> Delivery:
    """Make a delivery with a signature of HubSpot's older kinds."""
    headers = {"x-hubspot-signature": signature, "x-hubspot-signature-version": version}
    return Delivery(BODY.encode(), 0, headers, urls=(URL,))


def test_hubspots_older_signatures_are_accepted() -> None:
    """Version 1 is over secret and body, version 2 over method and address, too."""
    one = sha256(f"{SECRET}{BODY}".encode()).hexdigest()
    two = sha256(f"{SECRET}POST{URL}{BODY}".encode()).hexdigest()
    assert proves("hubspot", old(one), SECRET)
    assert proves("hubspot", old(two, version="v2"), SECRET)
    assert not proves("hubspot", old(one), "other")
    assert not proves("hubspot", old("0" * 64), SECRET)


def test_a_stale_signature_is_not_saved_by_an_older_one_beside_it() -> None:
    """A workflow's post carries two signatures: the newer counts."""
    good = sha256(f"{SECRET}POST{URL}{BODY}".encode()).hexdigest()
    late = v3(received=300_001)
    headers = {**late.headers, "x-hubspot-signature": good}
    assert not proves("hubspot", Delivery(late.body, late.received_ms, headers, urls=late.urls), SECRET)


def test_hubspot_signs_an_address_with_its_codes_decoded() -> None:
    """`%3A` in an address is signed as a colon."""
    url = "https://a.example/h?to=https%3A%2F%2Fb.example"
    spelled = "POSThttps://a.example/h?to=https://b.example" + BODY + SENT_MS
    headers = {"x-hubspot-signature-v3": base64_mac(SECRET, spelled.encode()),
               "x-hubspot-request-timestamp": SENT_MS}  # fmt: skip
    assert proves("hubspot", Delivery(BODY.encode(), parse_instant(SENT_AT), headers, urls=(url,)), SECRET)


def basic(pair: str, scheme: str = "Basic") -> Delivery:
    """Make a delivery with a user and a password."""
    return delivery({}, {"Authorization": f"{scheme} {base64.b64encode(pair.encode()).decode()}"})


def test_pipedrive_proves_itself_by_user_and_password() -> None:
    """HTTP Basic, whole: neither the user nor the password alone will do."""
    assert proves("pipedrive", basic("hooks:s3:cret"), "hooks:s3:cret")
    assert proves("pipedrive", basic("hooks:s3:cret", "basic"), "hooks:s3:cret")
    for given in (basic("hooks:other"), basic("s3:cret"), basic("hooks:s3:cret", "Bearer"), delivery({})):
        assert not proves("pipedrive", given, "hooks:s3:cret")


KEY = "ab" * 32


def closes(body: Delivery, sent: str = "1772359230", key: bytes = bytes.fromhex(KEY)) -> Delivery:
    """Sign as Close does."""
    proof = hmac.digest(key, sent.encode() + body.body, "sha256").hex()
    return recorded("close_contact", {"close-sig-hash": proof, "close-sig-timestamp": sent})


def test_close_signs_time_and_body_with_a_key_in_hex() -> None:
    """The key is read from hex; a wrong, a missing and a stale proof are refused."""
    sent = recorded("close_contact")
    assert proves("close", closes(sent), KEY)
    assert not proves("close", closes(sent, key=KEY.encode()), KEY)
    assert not proves("close", closes(sent, sent="1772355630"), KEY)
    assert not proves("close", closes(recorded("close_call")), KEY)
    assert not proves("close", sent, KEY)


def test_zohos_token_proves_it_and_is_not_kept() -> None:
    """The channel's own token comes back in the body."""
    given, hush = recorded("zoho_deals"), load_adapter("zoho").hush
    assert hush is not None
    assert proves("zoho", given, "zoho-token-1")
    assert not proves("zoho", given, "zoho-token-2")
    assert not proves("zoho", changed("zoho_deals", token=None), "zoho-token-1")
    kept = hush(given)
    assert b"zoho-token-1" not in kept
    assert facts_of("zoho", delivery(kept)) == facts_of("zoho", given)


def test_salesforces_organization_proves_it_in_both_its_spellings() -> None:
    """An id of 15 characters and one of 18 are the same organization."""
    given = recorded("salesforce_opportunity")
    assert proves("salesforce", given, "00D5g000004abcdEAA")
    assert proves("salesforce", given, "00D5g000004abcd")
    assert not proves("salesforce", given, "00D5g000004abce")
    assert not proves("salesforce", delivery("<a/>"), "00D5g000004abcd")


def test_salesforces_session_is_not_kept() -> None:
    """The session's id is a credential of the organization."""
    given, hush = recorded("salesforce_batch"), load_adapter("salesforce").hush
    assert hush is not None
    kept = hush(given)
    assert b"AQsession" not in kept
    assert b"00D5g000004abcdEAA" not in kept
    assert facts_of("salesforce", delivery(kept)) == facts_of("salesforce", given)


def test_salesforce_hears_that_its_message_arrived() -> None:
    """Anything but an acknowledgement has it send the message again."""
    reply = load_adapter("salesforce").accepted
    assert reply.status == 200
    assert b"<Ack>true</Ack>" in reply.body
    assert reply.content_type.startswith("text/xml")
