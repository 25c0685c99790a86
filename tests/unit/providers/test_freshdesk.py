"""Freshdesk's tickets and Freshchat's conversations, with the proofs of either."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from tests.unit.providers.leads import is_lead, lead_in_any_order, picked
from tests.unit.providers.recorded import recorded
from tracker.providers import load_adapter
from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.rsa import is_signed

# A key made for this test with `openssl genrsa 1024`, and a signature with `openssl dgst -sha256 -sign`.
KEY = """-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCguC2+HZJC/+uzhui4NwF+sUp6
Tkm22fsdjkaLZcbJE2eKtV4KZrN9+X+Lq73GXK7BOCVUnNHnLFYJVcUm3RG0vXqx
U/ddyvIAFo/AX0xZ6L2ds2WJGNOGYUmaW3p4DpFNybzuUc+gG+cfNIiwuzuLXnMa
9OqmGnY5S78VDZsEhwIDAQAB
-----END PUBLIC KEY-----
"""
MESSAGE = b'{"action": "message_create", "sum": "\xc3\xa9"}\n'
SIGNED = (
    "JP2HblOdPFuiEXYepjrH1VZmj2v+l0+rfXXcwg/0FXcjyT9schfdfLSQD7yKcGWihzdGOgGY41wrj3gZMDf0gLrY"
    "A22utlzZrXZvVFfxLs9a/CTKgIS4/69Ny7XJtwqzIglkqi0KPS9kAJD9HSEHIcbVwizZVb2JWZxUcVRlG60="
)


def test_a_ticket_of_an_automation_is_a_lead() -> None:
    """By the names of placeholders, as JSON."""
    told = {
        "kind": "chat", "provider_id": "4401", "name": "Tomas Lind", "email": "tomas.lind@nordbord.se",
        "phone": "+46 8 123 456 78", "company": "Nordbord", "visitor_id": "signed.token.of.tomas",
        "fields": {"subject": "Walnut desk", "message": "Do you sell this in walnut?",
                   "ticket_source": "Portal"},
    }  # fmt: skip
    assert picked(lead_in_any_order("freshdesk", "ticket"), told) == told


def test_what_an_admin_wrote_is_read_as_well() -> None:
    """As a form, by other names."""
    told = {"provider_id": "4402", "email": "jo@brightwell.org", "at": "2026-03-01T10:00:00.000Z"}
    assert picked(lead_in_any_order("freshdesk", "ticket_form"), told) == told


def test_a_conversation_of_freshchat_is_one_lead_in_any_order() -> None:
    """The first message stays; who it was is told when it is resolved."""
    lead = lead_in_any_order(
        "freshdesk", "freshchat_message", "freshchat_message_again", "freshchat_agent_message",
        "freshchat_resolution",
    )  # fmt: skip
    told = {
        "at": "2026-03-01T10:00:00.866Z", "name": "Tomas Lind", "email": "tomas.lind@nordbord.se",
        "crm_id": "freshchat:user-1", "visitor_id": "signed.token.of.tomas",
        "fields": {"message": "Is it in stock?", "state": "resolved"},
    }  # fmt: skip
    assert picked(lead, told) == told


@pytest.mark.parametrize("event", ["freshchat_agent_message", "freshchat_resolution"])
def test_what_the_team_does_makes_no_lead(event: str) -> None:
    """It adds to one that a user began."""
    assert not is_lead("freshdesk", event)


def _proves(given: Delivery, secret: str, **headers: str) -> bool:
    verify = load_adapter("freshdesk").verify
    assert verify is not None
    try:
        verify(
            replace(given, headers={name.replace("_", "-"): value for name, value in headers.items()}), secret
        )
    except Unproved:
        return False
    return True


def _basic(said: str) -> str:
    return f"Basic {base64.b64encode(said.encode()).decode()}"


def test_freshdesk_proves_itself_by_what_was_entered() -> None:
    """A header as it is, a bearer, or Basic."""
    given = recorded("freshdesk_ticket")
    for right in ("word", "Bearer word", _basic("word:X")):
        assert _proves(given, "word", authorization=right)
    assert _proves(given, "user:word", authorization=_basic("user:word"))
    for wrong in ("", "Word", "Bearer other", _basic("word:Y"), _basic("other")):
        assert not _proves(given, "word", authorization=wrong)
    assert not _proves(given, "word")


def test_freshchat_proves_itself_by_a_signature() -> None:
    """RSA over the raw body; the key is public, so that a header of it proves nothing."""
    given = replace(recorded("freshdesk_ticket"), body=MESSAGE)
    assert _proves(given, KEY, x_freshchat_signature=SIGNED)
    assert not _proves(replace(given, body=MESSAGE + b" "), KEY, x_freshchat_signature=SIGNED)
    assert not _proves(given, KEY, x_freshchat_signature="")
    assert not _proves(given, KEY, x_freshchat_signature="no base64!")
    assert not _proves(given, KEY, authorization=KEY)
    assert not _proves(given, "word", x_freshchat_signature=SIGNED)


def test_what_is_no_key_proves_nothing() -> None:
    """Cut, garbled, another kind: never more than no."""
    signature = base64.b64decode(SIGNED)
    bare = "".join(KEY.split("-----")[2].split())
    assert is_signed(MESSAGE, signature, bare)
    for key in ("", "x", KEY[:90], bare[:-8], base64.b64encode(b"\x30\x84\xff\xff\xff\xff").decode()):
        assert not is_signed(MESSAGE, signature, key)
    for wrong in (b"", signature[:-1], b"\0" + signature, b"\xff" * len(signature), bytes(len(signature))):
        assert not is_signed(MESSAGE, wrong, KEY)
