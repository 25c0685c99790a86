"""Deliveries for tests of adapters: made from a payload, proved as the source's secret demands, parsed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tracker.core.facts import Fact, read_fact
from tracker.core.times import parse_instant
from tracker.core.versions import Version, merge
from tracker.providers import load_adapter
from tracker.providers.adapter import Delivery, Unproved

RECEIVED_AT = "2026-03-01T10:00:30.000Z"


def delivery(
    payload: object,
    headers: Mapping[str, str] | None = None,
    *,
    received_at: str = RECEIVED_AT,
    **more: Any,
) -> Delivery:
    """Make a delivery: bytes and text as they are, anything else as JSON."""
    body = payload.encode() if isinstance(payload, str) else payload
    named = {name.lower(): value for name, value in (headers or {}).items()}
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
        named.setdefault("content-type", "application/json")
    return Delivery(body, parse_instant(received_at), named, **more)


def form(fields: Mapping[str, str], headers: Mapping[str, str] | None = None, **more: Any) -> Delivery:
    """Make a form-encoded delivery."""
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return delivery(urlencode(fields), {**kind, **(headers or {})}, **more)


def proves(provider: str, given: Delivery, secret: str) -> bool:
    """Tell whether a delivery proves its sender."""
    verify = load_adapter(provider).verify
    assert verify is not None
    try:
        verify(given, secret)
    except Unproved:
        return False
    return True


def facts_of(provider: str, given: Delivery) -> list[dict[str, Any]]:
    """Parse a delivery as the worker does, each fact read and found good."""
    from tracker.providers.complete import complete

    adapter = load_adapter(provider)
    facts = [complete(fact, adapter, given, site="shop") for fact in adapter.parse(given)]
    for fact in facts:
        read_fact(fact)
    return facts


def merged_lead(provider: str, *deliveries: Delivery) -> dict[str, Any]:
    """Merge the versions of the one lead that deliveries tell of, under the id that it began with."""
    read = [
        read_fact(fact) for each in deliveries for fact in facts_of(provider, each) if fact["fact"] == "lead"
    ]
    earlier = {each.content["provider_id"]: each.content["continues"] for each in read if _is_move(each)}
    versions = [
        Version(each.version_ms, each.digest, {**each.content, "provider_id": _began(each, earlier)})
        for each in read
        if not _is_move(each)
    ]
    assert len({each.content["provider_id"] for each in versions}) == 1, "several leads"
    return merge(versions, kind="lead")


def _is_move(fact: Fact) -> bool:
    return "continues" in fact.content


def _began(fact: Fact, earlier: Mapping[str, str]) -> str:
    own = str(fact.content["provider_id"])
    while own in earlier:
        own = earlier[own]
    return own
