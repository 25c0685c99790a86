"""Wufoo: entries with their structure and without, and the handshake key that is compared and not kept."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, form
from tests.unit.providers.recorded import recorded
from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.wufoo import ADAPTER

KEY = "spoon & fork"
FIELDS = dict(parse_qsl(recorded("wufoo_entry").body.decode(), keep_blank_values=True))


def test_an_entry_is_a_lead() -> None:
    """The structure says what each field is; the form's hash goes with the entry's number."""
    (fact,) = facts_of("wufoo", recorded("wufoo_entry"))
    told = {
        "kind": "form", "provider_id": "m7x3k1:17", "at": "2026-03-01T09:59:41.000Z", "name": "Maya Okafor",
        "email": "maya@okaforstudio.net", "phone": "01134960123", "visitor_id": "v1.token.mac",
        "message": "Forty chairs", "form": "Quote",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact["fields"] == {
        "Your name": "Maya Okafor", "Mail": "maya@okaforstudio.net", "Ring me": "01134960123",
        "Address": "12 Mill Lane, Leeds", "What do you need?": "Chairs, Desks", "More": "Forty chairs",
        "tl_visitor": "v1.token.mac",
    }  # fmt: skip


def test_an_entry_without_structure_is_read_by_its_values() -> None:
    """Fields are numbers then; an address of mail is known by its look; the time is the site's."""
    bare = {name: value for name, value in FIELDS.items() if "Structure" not in name}
    (fact,) = facts_of("wufoo", form(bare, zone="Europe/Berlin"))
    assert (fact["provider_id"], fact["email"]) == ("17", "maya@okaforstudio.net")
    assert fact["at"] == "2026-03-01T08:59:41.000Z"
    assert "HandshakeKey" not in fact["fields"]


def _multipart() -> Delivery:
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in FIELDS.items()
    )
    return delivery(f"{parts}--b--\r\n", {"content-type": "multipart/form-data; boundary=b"})


BODIES: dict[str, Delivery] = {
    "a form": recorded("wufoo_entry"), "JSON": delivery(FIELDS), "multipart": _multipart(),
}  # fmt: skip


@pytest.mark.parametrize("given", BODIES.values(), ids=BODIES)
def test_the_handshake_key_proves_the_sender_and_is_not_kept(given: Delivery) -> None:
    """It is compared with the secret, then taken out of the body; the entry stays the same."""
    assert ADAPTER.verify is not None and ADAPTER.hush is not None
    ADAPTER.verify(given, KEY)
    kept = replace(given, body=ADAPTER.hush(given))
    assert b"spoon" not in kept.body
    assert facts_of("wufoo", kept) == facts_of("wufoo", given)


WRONG: dict[str, Delivery] = {
    "another key": form({**FIELDS, "HandshakeKey": "fork"}),
    "an empty key": form({**FIELDS, "HandshakeKey": ""}),
    "no key": form({name: value for name, value in FIELDS.items() if name != "HandshakeKey"}),
    "a list": delivery([FIELDS]),
}


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG)
def test_a_wrong_or_missing_key_is_refused(given: Delivery) -> None:
    """A secret that is set must be proved; a body without the key is kept as it came."""
    assert ADAPTER.verify is not None
    with pytest.raises(Unproved):
        ADAPTER.verify(given, KEY)


def test_a_body_without_the_key_is_kept_as_it_came() -> None:
    """Nothing else is taken out."""
    given = form({"Field1": "a", "EntryId": "1"})
    assert ADAPTER.hush is not None
    assert ADAPTER.hush(given) == given.body
