"""Hooks: deliveries are proved, kept, answered, and become leads once the worker drains them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable
from contextlib import closing
from itertools import permutations
from typing import Any

import pytest
import redis

from tests.integration.collector.conftest import Shop
from tracker import wire
from tracker.core.times import format_instant
from tracker.keys import workspace_key
from tracker.model import SiteKey, VisitorId
from tracker.providers import load_adapter
from tracker.store import exports
from tracker.store.db import open_store
from tracker.store.hooks import HookSource, Secrets, add_hook, find_hook, open_secrets, put_secrets
from worker import drain, hooks, rebuild

SECRET = "sign-me"
JSON = {"Content_Type": "application/json"}


def key_of(shop: Shop) -> bytes:
    """Read the workspace's key."""
    return workspace_key(shop.settings.data, os.environ)


def connect(shop: Shop, provider: str, secret: str | None = SECRET, **more: Any) -> str:
    """Connect a provider to the site; returns the path of its hook."""
    source = HookSource(0, SiteKey("shop"), provider, "UTC", "", **more)
    with closing(open_store(shop.settings.data, write=True)) as db:
        made, secrets = add_hook(db, source, Secrets("", secret), key=key_of(shop), now_ms=0)
    return f"/hooks/{secrets.token}/{made.provider}"


def typeform(token: str = "t1", email: str = "ann@acme.test", **more: Any) -> bytes:
    """Write a form that was sent."""
    answer = {"type": "email", "email": email, "field": {"id": "f1", "type": "email", "ref": "mail"}}
    response = {
        "form_id": "F", "token": token, "submitted_at": "2026-03-01T10:00:00Z",
        "definition": {"id": "F", "title": "Contact", "fields": [
            {"id": "f1", "type": "email", "title": "Your e-mail", "ref": "mail"}]},
        "answers": [answer], **more,
    }  # fmt: skip
    return json.dumps(
        {"event_id": f"e-{token}", "event_type": "form_response", "form_response": response}
    ).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Sign a body as Typeform does."""
    mac = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
    return {**JSON, "Typeform_Signature": f"sha256={mac}"}


def leads(shop: Shop, client: redis.Redis) -> list[dict[str, Any]]:
    """Drain, see that the views are what a rebuild makes of the facts, and read the leads."""
    drain.run(shop.settings, client, key=key_of(shop))
    told: list[object] = []
    rebuild.verify(shop.settings, key=key_of(shop), tell=told.append)
    assert told == []
    with closing(open_store(shop.settings.data)) as db:
        return list(exports.rows(db, "leads", pii=True))


def rows(shop: Shop, query: str) -> list[tuple[Any, ...]]:
    """Ask the store."""
    with closing(open_store(shop.settings.data)) as db:
        return db.execute(query).fetchall()


def test_a_delivery_becomes_a_lead_of_its_site(shop: Shop, client: redis.Redis) -> None:
    """What was posted is proved, kept, answered, and stitched like any lead."""
    path, body = connect(shop, "typeform"), typeform()
    answer = shop.ask(path, "POST", data=body, **signed(body))
    assert answer.status_code in (200, 202, 204)
    (lead,) = leads(shop, client)
    assert (lead["site"], lead["kind"], lead["provider"], lead["provider_id"]) == (
        "shop",
        "form",
        "typeform",
        "t1",
    )
    assert (lead["email"], lead["at"]) == ("ann@acme.test", "2026-03-01T10:00:00.000Z")
    assert shop.metric("touchline_hooks_total", provider="typeform", result="accepted") == 1


def test_the_same_delivery_again_has_no_effect(shop: Shop, client: redis.Redis) -> None:
    """A sender that tries again is told that all is well, and nothing is doubled."""
    path, body = connect(shop, "typeform"), typeform()
    for _ in range(3):
        assert shop.ask(path, "POST", data=body, **signed(body)).status_code < 300
    assert len(leads(shop, client)) == 1
    assert rows(shop, "SELECT count(*) FROM raw_message") == [(1,)]
    assert rows(shop, "SELECT count(*) FROM fact WHERE kind = 'lead'") == [(1,)]


def respaced(body: bytes) -> bytes:
    """Write a body anew, with other spaces."""
    return json.dumps(json.loads(body), indent=1).encode()


def test_deliveries_wait_while_the_worker_stands_still(shop: Shop, client: redis.Redis) -> None:
    """The hook leans on the log alone: whatever came while nobody worked is parsed afterwards."""
    path = connect(shop, "typeform")
    for number in range(200):
        body = typeform(f"t{number}", f"buyer{number}@acme.test")
        assert shop.ask(path, "POST", data=body, **signed(body)).status_code < 300
    assert len(leads(shop, client)) == 200


REFUSED: dict[str, Callable[[bytes], tuple[bytes, dict[str, str]]]] = {
    "without a signature": lambda body: (body, JSON),
    "with another secret's signature": lambda body: (body, signed(body, "guess")),
    "with a signature of other bytes": lambda body: (body + b"\n", signed(body)),
    "written anew with other spaces": lambda body: (
        json.dumps(json.loads(body), indent=1).encode(),
        signed(body),
    ),
    "with an empty signature": lambda body: (body, {**JSON, "Typeform_Signature": ""}),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_a_delivery_is_refused(change: Callable[[bytes], tuple[bytes, dict[str, str]]], shop: Shop) -> None:
    """Without its proof a delivery leaves nothing behind but a count."""
    body, headers = change(typeform())
    answer = shop.ask(connect(shop, "typeform"), "POST", data=body, **headers)
    assert answer.status_code == 401
    assert shop.entries() == []
    assert shop.metric("touchline_hooks_total", provider="typeform", result="bad_signature") == 1


def test_a_source_without_a_secret_trusts_its_address_alone(shop: Shop, client: redis.Redis) -> None:
    """Where the operator entered no secret, whoever knows the address is believed."""
    body = typeform()
    assert shop.ask(connect(shop, "typeform", None), "POST", data=body, **JSON).status_code < 300
    assert len(leads(shop, client)) == 1


def test_a_delivery_of_nothing_is_no_lead(shop: Shop, client: redis.Redis) -> None:
    """A body without a word says of nobody that they asked for something."""
    path = connect(shop, "generic", None)
    assert shop.ask(path, "POST").status_code == 200
    assert shop.ask(path, "POST", data=b"[{}]", **JSON).status_code == 200
    assert leads(shop, client) == []


def test_an_address_is_one_providers_alone(shop: Shop) -> None:
    """A token opens the hook of its own provider; an unknown one says no more than that it is unknown."""
    path, body = connect(shop, "typeform"), typeform()
    for wrong in (
        path.replace("typeform", "tally"),
        path + "x",
        "/hooks/guess/typeform",
        "/hooks/guess/nobody",
    ):
        assert shop.ask(wrong, "POST", data=body, **signed(body)).status_code == 404
    assert shop.ask(path).status_code == 405


ADDRESSED: dict[str, tuple[str, str, str]] = {
    "a GET": ("generic", "GET", "email=ann%40acme.test&phone=%2B441134960123&gclid=g1"),
    "a POST without a body": ("generic", "POST", "email=ann%40acme.test&phone=%2B441134960123&gclid=g1"),
    "a form of WhatConverts": (
        "whatconverts", "GET",
        "lead_id=9&lead_type=Web+Form&contact_email_address=ann%40acme.test&contact_phone_number="
        "%2B441134960123&gclid=g1",
    ),
    "an entry of Gravity Forms": (
        "gravityforms", "GET", "id=7&form_id=1&email=ann%40acme.test&phone=%2B441134960123&gclid=g1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("provider", "method", "query"), ADDRESSED.values(), ids=ADDRESSED)
def test_fields_in_the_address_are_a_delivery(
    provider: str, method: str, query: str, shop: Shop, client: redis.Redis
) -> None:
    """A service that sends no body makes the same lead, once however often it says so."""
    path = connect(shop, provider, None)
    for _ in range(2):
        assert shop.ask(f"{path}?{query}", method).status_code < 300
    (lead,) = leads(shop, client)
    assert (lead["email"], lead["phone"]) == ("ann@acme.test", "+441134960123")
    assert rows(shop, "SELECT name, value FROM lead_click") == [("gclid", "g1")]


def _text(provider: str, number: int) -> dict[str, Any]:
    """Write a text message of a customer, one of many by the same number to the same line."""
    customer, ours, said = "+441134960123", "+442079460100", f"message {number}"
    at_s = 1_772_359_200 + 3_600 * number
    if provider == "twilio":
        return {
            "MessageSid": f"SM{number}",
            "From": customer,
            "To": ours,
            "Body": said,
            "SmsStatus": "received",
        }
    if provider == "dialpad":
        return {"id": 900 + number, "direction": "inbound", "from_number": customer, "to_number": [ours],
                "text": said, "created_date": 1_000 * at_s, "event_timestamp": 1_000 * at_s}  # fmt: skip
    if provider == "aircall":
        return {"event": "message.received", "timestamp": at_s, "token": "x", "data": {
            "id": f"m{number}", "direction": "inbound", "sent_at": at_s, "raw_digits": customer,
            "number": {"digits": ours}, "body": said}}  # fmt: skip
    return {"body": {"id": str(number), "type": "SMS", "direction": "Inbound", "subject": said,
                     "from": {"phoneNumber": customer}, "to": [{"phoneNumber": ours}],
                     "creationTime": format_instant(1_000 * at_s), "conversation": {"id": "c1"}}}  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "rows_of_leads"), [("twilio", 3), ("dialpad", 3), ("aircall", 3), ("ringcentral", 1)]
)
def test_a_talk_by_text_messages_is_one_lead_that_counts(
    provider: str, rows_of_leads: int, shop: Shop, client: redis.Redis
) -> None:
    """The same number's further texts repeat the first; who names the conversation gives one lead for all."""
    path = connect(shop, provider, None)
    for number in (2, 0, 1):
        assert shop.ask(path, "POST", data=json.dumps(_text(provider, number)), **JSON).status_code < 300
    found = leads(shop, client)
    assert len(found) == rows_of_leads
    first = [each for each in found if each["duplicate_of"] is None]
    assert len(first) == 1
    assert {each["duplicate_of"] for each in found if each not in first} <= {first[0]["lead_id"]}
    assert first[0]["phone"] == "+441134960123"


def _booking(number: int) -> bytes:
    """Write what Calendly says when a booking is made (0) or moved for the so manieth time."""
    at = f"2026-03-0{number + 1}T10:00:00.000000Z"
    booked = {
        "uri": f"invitees/{number}", "old_invitee": f"invitees/{number - 1}" if number else None,
        "email": "maya@okaforstudio.net", "name": "Maya Okafor", "created_at": at,
        "scheduled_event": {"start_time": f"2026-04-0{number + 1}T10:00:00.000000Z"},
    }  # fmt: skip
    return json.dumps({"event": "invitee.created", "created_at": at, "payload": booked}).encode()


def _called_off(number: int) -> bytes:
    """Write what Calendly says when that booking is called off for good."""
    booked = {"uri": f"invitees/{number}", "old_invitee": f"invitees/{number - 1}", "rescheduled": False}
    told = {"event": "invitee.canceled", "created_at": "2026-03-09T10:00:00.000000Z", "payload": booked}
    return json.dumps(told).encode()


@pytest.mark.parametrize("order", [*permutations(range(4))][::4], ids=str)
def test_a_booking_stays_one_lead_however_often_it_moves(
    order: tuple[int, ...], shop: Shop, client: redis.Redis
) -> None:
    """In any order, repeats included; its time is the last, and what ends the last move ends the lead."""
    path = connect(shop, "calendly", None)
    events = [_booking(0), _booking(1), _booking(2), _called_off(2)]
    for at in (*order, order[0]):
        assert shop.ask(path, "POST", data=events[at], **JSON).status_code < 300
        drain.run(shop.settings, client, key=key_of(shop))
    (lead,) = leads(shop, client)
    assert (lead["provider_id"], lead["at"]) == ("invitees/0", "2026-03-01T10:00:00.000Z")
    said = rows(shop, "SELECT content FROM fact WHERE kind = 'lead' AND key = 'calendly\x1finvitees/0'")
    fields = [json.loads(content).get("fields", {}) for (content,) in said]
    assert max(each.get("meeting_at", "") for each in fields) == "2026-04-03T10:00:00.000Z"
    assert any(each.get("canceled") for each in fields)
    hooks.replay(shop.settings, key=key_of(shop), site=None, provider=None)
    assert [each["lead_id"] for each in leads(shop, client)] == [lead["lead_id"]]


LOOKS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "without a field": ("generic", "GET", "", {}),
    "with the secret alone": ("generic", "GET", "?secret=sign-me", {}),
    "of the headers": ("generic", "HEAD", "?email=ann@acme.test", {}),
    "of a prefetch": ("generic", "GET", "?email=ann@acme.test", {"Sec_Purpose": "prefetch"}),
    "at a provider that only posts": ("typeform", "GET", "?email=ann@acme.test", {}),
}


@pytest.mark.parametrize(("provider", "method", "query", "headers"), LOOKS.values(), ids=LOOKS)
def test_a_look_at_an_address_makes_no_lead(
    provider: str, method: str, query: str, headers: dict[str, str], shop: Shop
) -> None:
    """It is told what the address is for, whatever opened it: a person, a preview of the link."""
    answer = shop.ask(connect(shop, provider, None) + query, method, **headers)
    assert answer.status_code == 405
    assert method == "HEAD" or "this address takes what" in answer.json["message"]
    assert shop.entries() == []


def test_a_get_is_proved_like_a_post_and_its_secret_is_not_kept(shop: Shop) -> None:
    """The secret may stand in the address; a signature is of the query."""
    path, query = connect(shop, "generic"), "email=ann%40acme.test"
    mac = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    assert shop.ask(f"{path}?{query}", "GET").status_code == 401
    assert shop.ask(f"{path}?{query}&phone=1", "GET", X_Signature=mac).status_code == 401
    assert shop.ask(f"{path}?{query}", "GET", X_Signature=mac).status_code < 300
    assert shop.ask(f"{path}?{query}&secret={SECRET}", "GET").status_code < 300
    assert [entry.body for entry in shop.entries() if isinstance(entry, wire.HookEntry)] == [
        query.encode()
    ] * 2


def test_two_secrets_are_valid_while_one_takes_the_others_place(shop: Shop) -> None:
    """During a rotation neither the old nor the new secret is refused; afterwards only the new is taken."""
    path, body = connect(shop, "typeform"), typeform()
    with closing(open_store(shop.settings.data, write=True)) as db:
        source, until_ms = find_hook(db, 1), time.time_ns() // 1_000_000 + 60_000
        token = open_secrets(source, key=key_of(shop)).token
        put_secrets(db, 1, Secrets(token, "new", SECRET, until_ms), key=key_of(shop))
    shop.app.extensions["touchline"].sitebook.look_again()
    assert shop.ask(path, "POST", data=body, **signed(body)).status_code < 300
    assert shop.ask(path, "POST", data=body, **signed(body, "new")).status_code < 300
    with closing(open_store(shop.settings.data, write=True)) as db:
        put_secrets(db, 1, Secrets(token, "new", SECRET, 1), key=key_of(shop))
    shop.app.extensions["touchline"].sitebook.look_again()
    assert shop.ask(path, "POST", data=body, **signed(body)).status_code == 401


def test_secrets_are_sealed_at_rest(shop: Shop) -> None:
    """Neither the secret nor the token of the address stands readable in the store."""
    path = connect(shop, "typeform", "very-secret-words")
    (row,) = rows(shop, "SELECT * FROM hook_source")
    assert "very-secret-words" not in str(row)
    assert path.split("/")[2] not in str(row)


HOSTILE: dict[str, tuple[bytes, str, int]] = {
    "JSON that is cut": (b'{"a": ', "application/json", 400),
    "JSON without a bottom": (b"[" * 500_000, "application/json", 400),
    "JSON in another coding": ('{"a": "é"}'.encode("latin-1"), "application/json", 400),
    "XML with an entity": (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "text/xml", 400),
    "XML that laughs": (
        b'<!DOCTYPE z [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><z>&b;</z>', "application/xml", 400,
    ),
    "multipart without its boundary": (b"--x\r\n\r\n", "multipart/form-data", 400),
    "multipart that is cut": (b"--x\r\nContent-Disp", "multipart/form-data; boundary=x", 400),
    "ten megabytes": (b"[" + b"1," * 5_000_000 + b"1]", "application/json", 413),
    "nonsense": (bytes(range(256)), "application/octet-stream", 400),
}  # fmt: skip


@pytest.mark.parametrize(("body", "kind", "status"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_refused_cleanly(body: bytes, kind: str, status: int, shop: Shop) -> None:
    """It is answered with words, kept nowhere, and harms nobody."""
    answer = shop.ask(connect(shop, "typeform", None), "POST", data=body, Content_Type=kind)
    assert (answer.status_code, shop.entries()) == (status, [])
    assert answer.get_json()["message"]


def test_an_unsigned_visitor_in_a_form_is_a_hint_and_no_evidence(shop: Shop, client: redis.Redis) -> None:
    """Anybody may type an id into a hidden field; only what the workspace signed names a visitor."""
    path, visitor_id = connect(shop, "typeform"), "0198f3a4-0000-7000-8000-000000000001"
    token = shop.signer.sign(VisitorId(visitor_id), 1_772_000_000).token
    for body in (
        typeform("t1", hidden={"tl_visitor": visitor_id}),
        typeform("t2", "bob@acme.test", hidden={"tl_visitor": token}),
    ):
        shop.ask(path, "POST", data=body, **signed(body))
    found = {lead["provider_id"]: (lead["match_rule"], lead["visitor_id"]) for lead in leads(shop, client)}
    assert found == {"t1": ("unmatched", None), "t2": ("M1", visitor_id)}


def test_a_mended_adapter_parses_again_what_was_kept(shop: Shop, client: redis.Redis) -> None:
    """Replay takes away what was misread and puts what is read now; an adapter's own fault loses nothing."""
    adapter = load_adapter("typeform")
    path, good = connect(shop, "typeform"), adapter.parse

    def misread(delivery: Any) -> Any:
        return [{**fact, "provider_id": "wrong"} for fact in good(delivery)]

    def fails(delivery: Any) -> Any:
        raise KeyError("answers")

    one, two = typeform("t1"), typeform("t2", "bob@acme.test")
    object.__setattr__(adapter, "parse", misread)
    try:
        shop.ask(path, "POST", data=one, **signed(one))
        assert [lead["provider_id"] for lead in leads(shop, client)] == ["wrong"]
        object.__setattr__(adapter, "parse", fails)
        shop.ask(path, "POST", data=two, **signed(two))
        assert len(leads(shop, client)) == 1
        assert rows(shop, "SELECT problem FROM raw_message WHERE problem IS NOT NULL") == [
            ("KeyError: 'answers'",)
        ]
    finally:
        object.__setattr__(adapter, "parse", good)
    outcome = hooks.replay(shop.settings, key=key_of(shop), site=None, provider="typeform")
    assert (outcome.added, outcome.gone, outcome.problems) == (2, 1, 0)
    assert sorted(lead["provider_id"] for lead in leads(shop, client)) == ["t1", "t2"]
    assert hooks.replay(shop.settings, key=key_of(shop), site="shop", provider=None).added == 0


def test_an_erasure_takes_deliveries_with_it(shop: Shop, client: redis.Redis) -> None:
    """What a provider delivered of somebody goes with them, and what comes late again is not kept."""
    path, ann, bob = connect(shop, "typeform"), typeform("t1"), typeform("t2", "bob@acme.test")
    for body in (ann, bob):
        shop.ask(path, "POST", data=body, **signed(body))
    assert len(leads(shop, client)) == 2
    fact = {"fact": "erase", "email": "ann@acme.test", "at": "2026-04-01T00:00:00Z"}
    now = time.time_ns() // 1_000_000
    shop.log.xadd("touchline:log", {"m": wire.encode(wire.FactsEntry(now, "test", [fact]))})
    assert [lead["provider_id"] for lead in leads(shop, client)] == ["t2"]
    late = typeform("t1", hidden={"again": "1"})
    shop.ask(path, "POST", data=late, **signed(late))
    assert [lead["provider_id"] for lead in leads(shop, client)] == ["t2"]
    assert [b"ann@" in body for (body,) in rows(shop, "SELECT body FROM raw_message")] == [False]


def test_a_source_sealed_with_another_key_has_its_senders_come_again(shop: Shop, client: redis.Redis) -> None:
    """Nothing is lost while the operator puts the key back: 503, when to retry, and the other hooks go on."""
    lost, whole = connect(shop, "tally"), connect(shop, "typeform")
    with closing(open_store(shop.settings.data, write=True)) as db:
        put_secrets(db, 1, Secrets(lost.split("/")[2], SECRET), key=b"x" * 32)
    shop.app.extensions["touchline"].sitebook.look_again()
    answer = shop.ask(lost, "POST", data=b"{}", **JSON)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    body = typeform()
    assert shop.ask(whole, "POST", data=body, **signed(body)).status_code < 300
    assert len(leads(shop, client)) == 1
    assert shop.metric("touchline_hooks_total", provider="tally", result="unavailable") == 1
