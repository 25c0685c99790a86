"""CRMs: which deliveries prove themselves, what is taken out before they are kept, what is answered."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256

from tests.unit.providers.deliveries import delivery, facts_of, proves
from tests.unit.providers.recorded import changed, recorded
from tracker.providers import load_adapter
from tracker.providers.adapter import Delivery


def test_hubspot_is_proved_by_its_signatures() -> None:
    """All three are tried in `test_hubspot_signing`; here that the adapter asks for one."""
    given = recorded("hubspot_deal_won")
    signature = sha256(b"client secret" + given.body).hexdigest()
    assert proves(
        "hubspot", recorded("hubspot_deal_won", {"x-hubspot-signature": signature}), "client secret"
    )
    assert not proves("hubspot", given, "client secret")


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
