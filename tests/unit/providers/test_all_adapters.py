"""What holds of every adapter: it refuses with words or not at all, and the order of events is nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.laws import orders, tried
from tests.unit.providers.deliveries import delivery, merged_lead
from tests.unit.providers.leads import MOST_ORDERS
from tests.unit.providers.recorded import FOLDER, recorded
from tracker.core.facts import SHAPES
from tracker.errors import BadRequest
from tracker.providers import NAMES, load_adapter
from tracker.providers.adapter import Delivery
from tracker.providers.complete import complete

KNOWN = [name for name in NAMES if find_spec(f"tracker.providers.{name}")]
PAYLOADS = [path for path in sorted(FOLDER.iterdir()) if path.stem.partition("_")[0] in KNOWN]
MOST = 6  # events of one lead of which every order is tried

SECRET = (
    "dXNlcjpwYXNzd29yZA=="  # what is a key for some is base64 for others, and a user's name with `:` for none
)
HEADERS = st.dictionaries(
    st.sampled_from([
        "authorization", "close-sig-hash", "close-sig-timestamp", "content-type", "openphone-signature",
        "signature", "validation-token", "verification-token", "webhook-id", "webhook-signature",
        "webhook-timestamp", "x-hubspot-request-timestamp", "x-hubspot-signature", "x-hubspot-signature-v3",
        "x-hub-signature", "x-hub-signature-256", "x-twilio-signature", "x-body-signature",
        "x-crisp-signature", "x-crisp-request-timestamp", "x-tawk-signature", "calendly-webhook-signature",
        "typeform-signature", "tally-signature", "x-formsort-signature", "x-webflow-signature",
        "x-webflow-timestamp", "x-touchline-secret", "x-signature", "svix-id", "svix-timestamp",
        "svix-signature",
        "x-chatwoot-signature", "x-chatwoot-timestamp", "x-zendesk-webhook-signature", "x-cal-signature-256",
        "x-zendesk-webhook-signature-timestamp", "x-front-signature", "x-front-request-timestamp",
        "x-front-challenge", "x-freshchat-signature", "x-li-signature",
    ]),
    st.sampled_from([
        "", "x", "0", "hmac;1;0;x", "t=0,v1=x", "v1,x", "sha1=x", "application/json", "é",
        "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "Basic x", "text/xml",
    ]),
    max_size=4,
)  # fmt: skip
ODD: Any = st.sampled_from([
    None, True, "", "x", " ", "2026-03-01T10:00:00Z", "9" * 40, "1e999", "+441134960123", -1, 0, 1.5,
    1772359200, 10**30, [], {}, [None], [[]], [{}], {"id": {}}, "{", "[1]", "\x00", "\ud800",
])  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
JSON: Any = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
BODIES = st.binary(max_size=60) | st.sampled_from([
    b"a=b&a=c&=", b"<a><b>1</b></a>", b"<a", b"e30.e30.e30", b"a.b.c", b"[]", b"{}", b"null", b"\xff\xfe",
])  # fmt: skip

ask = tried(120)


def spots(value: Any, at: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """Give the paths to all values within a value."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*at, key)
        yield from spots(value[key], (*at, key))


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """Give a copy with another value at a path."""
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], by)
    return copy


def ask_everything(name: str, sent: Delivery) -> None:
    """Ask an adapter all that it is ever asked; only a refusal with words may come of it."""
    adapter = load_adapter(name)
    try:
        if adapter.verify is not None:
            adapter.verify(sent, "user:word" if adapter.wants_user else SECRET)
    except BadRequest:
        pass
    try:
        if adapter.greet is not None:
            adapter.greet(sent, (SECRET,))
        if adapter.hush is not None:
            adapter.hush(sent)
        for fact in adapter.parse(sent):
            assert fact["fact"] in SHAPES
            complete(fact, adapter, sent, site="shop")
    except BadRequest:
        pass


@ask
@given(
    name=st.sampled_from(KNOWN),
    body=BODIES | JSON.map(lambda told: json.dumps(told).encode()),
    headers=HEADERS,
)
def test_whatever_is_sent_an_adapter_refuses_with_words(
    name: str, body: bytes, headers: dict[str, str]
) -> None:
    """Arbitrary bytes, JSON, forms and XML with arbitrary headers raise nothing but `BadRequest`."""
    ask_everything(name, delivery(body, headers, urls=("https://a.example/hooks/x",)))


@ask
@given(data=st.data())
def test_a_payload_with_odd_values_is_read_or_refused_with_words(data: st.DataObject) -> None:
    """Types lie: any value of a real payload may be another, and many at once."""
    path = data.draw(st.sampled_from([path for path in PAYLOADS if path.suffix == ".json"]))
    told = json.loads(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        told = replaced(told, data.draw(st.sampled_from(list(spots(told)) or [()])), data.draw(ODD))
    ask_everything(path.stem.partition("_")[0], delivery(json.dumps(told).encode(), data.draw(HEADERS)))


@ask
@given(path=st.sampled_from(PAYLOADS), at=st.floats(0, 1), byte=st.integers(0, 255))
def test_a_payload_that_is_cut_or_garbled_is_read_or_refused_with_words(
    path: Path, at: float, byte: int
) -> None:
    """A body that lost its end, or one byte of it, is no accident for us."""
    body = path.read_bytes()
    spot = int(at * (len(body) - 1))
    name = path.stem.partition("_")[0]
    ask_everything(name, delivery(body[:spot]))
    ask_everything(name, delivery(body[:spot] + bytes([byte]) + body[spot + 1 :]))


@ask
@given(data=st.data())
def test_a_payload_that_comes_as_a_form_is_read_or_refused_with_words(data: st.DataObject) -> None:
    """JSON may come as the fields of a form, with JSON in them, under names in brackets too."""
    path = data.draw(st.sampled_from([path for path in PAYLOADS if path.suffix == ".json"]))
    told = json.loads(path.read_bytes())
    told = replaced(told, data.draw(st.sampled_from(list(spots(told)) or [()])), data.draw(ODD))
    name = data.draw(st.sampled_from(["{}", "a[{}]", "{}[]", "[{}"]))
    fields = told if isinstance(told, dict) else {"payload": told}
    pairs = {
        name.format(key): each if isinstance(each, str) else json.dumps(each) for key, each in fields.items()
    }
    ask_everything(
        path.stem.partition("_")[0], delivery(urlencode(pairs, errors="replace"), data.draw(HEADERS))
    )


def leads_told_often() -> dict[str, list[str]]:
    """Find the payloads that tell of one lead: by provider, kind and id."""
    found: dict[str, list[str]] = {}
    for path in PAYLOADS:
        name = path.stem.partition("_")[0]
        for fact in load_adapter(name).parse(recorded(path.stem)):
            if fact["fact"] == "lead":
                found.setdefault(f"{name} {fact['kind']} {fact['provider_id']}", []).append(path.stem)
    return {lead: names for lead, names in found.items() if len(names) > 1}


OFTEN = leads_told_often()


@pytest.mark.parametrize("lead", OFTEN)
def test_events_in_any_order_and_more_than_once_give_the_same_lead(lead: str) -> None:
    """What counts of a lead follows from the set of its events alone."""
    events = [
        recorded(name, received_at=f"2026-03-03T10:{number:02}:00.000Z")
        for number, name in enumerate(OFTEN[lead][:MOST])
    ]
    provider = lead.partition(" ")[0]
    told = merged_lead(provider, *events)
    for order in orders(events, MOST_ORDERS):
        assert merged_lead(provider, *order, order[0]) == told


@pytest.mark.parametrize("name", KNOWN)
def test_an_adapter_tells_an_operator_how_to_connect_it(name: str) -> None:
    """It has its own name, the steps with the address to enter, and what it was checked against."""
    adapter = load_adapter(name)
    assert adapter.name == name
    assert any("{url}" in step for step in adapter.steps)
    assert all(step.strip().endswith((".", ":", "`")) for step in adapter.steps)
    assert adapter.label
    assert adapter.verified
    assert (adapter.verify is None) == (not adapter.secret)
