"""Hooks of calls and CRMs: every payload goes the whole way, from its post to what it is in the store."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
import redis

from tests.integration.collector.conftest import Shop
from tests.integration.collector.test_hooks import connect, leads, rows
from tests.unit.providers.recorded import FOLDER, KINDS, recorded
from tracker.core.facts import read_fact
from tracker.providers import CALLS, CRMS, load_adapter
from tracker.providers.adapter import Delivery
from tracker.providers.complete import complete
from tracker.providers.signing import base64_mac

TWILIO_SECRET = "12345"


def told_by(provider: str) -> dict[tuple[str, str], set[str]]:
    """Say what the payloads of a provider should be: the keys of its facts, and whether they only add."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in sorted(FOLDER.glob(f"{provider}_*")):
        given = recorded(path.stem)
        for fact in load_adapter(provider).parse(given):
            read = read_fact(complete(fact, load_adapter(provider), given, site="shop"))
            adds = "adds" if read.content.get("is_addition") else "tells"
            found.setdefault((read.kind, read.key), set()).add(adds)
    return found


@pytest.mark.parametrize("provider", [*CALLS, *CRMS])
def test_all_payloads_of_a_provider_become_what_they_tell(
    provider: str, shop: Shop, client: redis.Redis
) -> None:
    """Posted twice over, nothing is refused or doubled, and the leads are those that events tell of."""
    path = connect(shop, provider, secret=None)
    for payload in [*sorted(FOLDER.glob(f"{provider}_*"))] * 2:
        kind = {"Content_Type": KINDS[payload.suffix]}
        assert shop.ask(path, "POST", data=payload.read_bytes(), **kind).status_code < 300
    told = told_by(provider)
    found = {lead["provider_id"] for lead in leads(shop, client)}
    wanted = {
        key.split("\x1f")[1] for (kind, key), ways in told.items() if kind == "lead" and "tells" in ways
    }
    assert found == wanted
    assert rows(shop, "SELECT message FROM reject") == []
    kept = {(kind, key) for kind, key in rows(shop, "SELECT kind, key FROM fact")}
    assert kept == set(told)


def test_twilio_signs_the_address_that_it_knows(shop: Shop, client: redis.Redis) -> None:
    """Behind a proxy the collector is asked under another address than Twilio signed."""
    path = connect(shop, "twilio", TWILIO_SECRET, public_url="https://calls.example.com/t")
    body = (FOLDER / "twilio_completed.txt").read_bytes()
    pairs = "".join(name + value for name, value in sorted(parse_qsl(body.decode(), keep_blank_values=True)))
    kind = {"Content_Type": KINDS[".txt"]}
    proof = base64_mac(TWILIO_SECRET, f"https://calls.example.com/t{path}{pairs}".encode(), "sha1")
    assert shop.ask(path, "POST", data=body, **kind, X_Twilio_Signature="x" + proof).status_code == 401
    answer = shop.ask(path, "POST", data=body, **kind, X_Twilio_Signature=proof)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"<Response/>", "text/xml")
    assert len(leads(shop, client)) == 1


def test_ringcentrals_handshake_is_answered_and_kept_nowhere(shop: Shop, client: redis.Redis) -> None:
    """The token comes back in the header it came in, before any secret is asked for."""
    path = connect(shop, "ringcentral", "mine")
    answer = shop.ask(path, "POST", Validation_Token="hello")
    assert (answer.status_code, answer.headers["Validation-Token"], answer.data) == (200, "hello", b"")
    body = (FOLDER / "ringcentral_answered.json").read_bytes()
    assert shop.ask(path, "POST", data=body, Content_Type=KINDS[".json"]).status_code == 401
    assert leads(shop, client) == []


HUSHED: dict[str, tuple[str, str, bytes]] = {
    "Aircall's token": ("aircall_call_ended", "air-token-1", b"air-token-1"),
    "Zoho's token": ("zoho_deals", "zoho-token-1", b"zoho-token-1"),
    "Salesforce's session": ("salesforce_opportunity", "00D5g000004abcdEAA", b"AQsession"),
}


@pytest.mark.parametrize(("name", "secret", "hidden"), HUSHED.values(), ids=HUSHED)
def test_a_secret_in_the_body_is_not_kept(
    name: str, secret: str, hidden: bytes, shop: Shop, client: redis.Redis
) -> None:
    """What is kept for replay does not give the sender's secret away."""
    path = connect(shop, name.partition("_")[0], secret)
    given: Delivery = recorded(name)
    kind = {"Content_Type": given.headers["content-type"]}
    assert shop.ask(path, "POST", data=given.body, **kind).status_code < 300
    leads(shop, client)
    ((kept,),) = rows(shop, "SELECT body FROM raw_message")
    assert hidden not in kept


def test_a_call_that_goes_on_is_the_same_lead(shop: Shop, client: redis.Redis) -> None:
    """Each event that comes adds to the lead that is there."""
    path = connect(shop, "aircall", "air-token-1")
    seen: list[dict[str, Any]] = []
    for event in ("call_created", "call_ended", "transcription"):
        body = (FOLDER / f"aircall_{event}.json").read_bytes()
        assert shop.ask(path, "POST", data=body, Content_Type=KINDS[".json"]).status_code < 300
        (lead,) = leads(shop, client)
        seen.append(lead)
    assert len({lead["lead_id"] for lead in seen}) == 1
    assert [lead["duration_s"] for lead in seen] == [None, 192, 192]
    assert json.loads((FOLDER / "aircall_call_ended.json").read_bytes())["data"]["duration"] == 192
