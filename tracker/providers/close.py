"""Close: opportunities, contacts, and what the team did: calls, e-mails, meetings, text messages.

An event has the whole object as it is after the change. Close's "lead" is a company and becomes the
account. `value` is in cents. Times without an offset are UTC. The signing key is written in hex, and the
signed time of sending is checked.

Source: https://developer.close.com/api/resources/webhooks (envelope, signature, opportunity)
Source: https://developer.close.com/api/resources/events (object types and actions)
Unconfirmed: that currencies without minor units are in hundredths, too.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.calling import line
from tracker.providers.crm import STATES, account, all_texts, contact_of, status_of
from tracker.providers.reading import decimal, first, first_text, instant, mapping, objects, text
from tracker.providers.signing import demand_fresh, demand_header, demand_number, demand_same, hex_mac

_STATUS = {"active": "open", "open": "open", "won": "won", "lost": "lost"}
_SENT = frozenset({"sent", "outbox", "completed"})


def _verify(delivery: Delivery, secret: str) -> None:
    given, sent = demand_header(delivery, "close-sig-hash"), demand_header(delivery, "close-sig-timestamp")
    demand_same(given.lower(), hex_mac(_key(secret), sent.encode() + delivery.body))
    demand_fresh(demand_number(sent) * 1_000, delivery)


def _key(secret: str) -> bytes:
    try:
        return binascii.unhexlify(secret.strip())
    except ValueError:
        return secret.encode("utf-8", "surrogateescape")


def _parse(delivery: Delivery) -> Facts:
    options = delivery.options
    for told in objects(delivery.document):
        event = mapping(told.get("event")) or told
        data = mapping(event.get("data") or event.get("previous_data"))
        kind = first_text(event, "object_type") or ""
        is_deleted = first_text(event, "action") == "deleted"
        at = instant(first(event, "date_created", "date_updated"))
        known = {"provider_id": first_text(data, "id") or first_text(event, "object_id"), "version_at": at}
        if kind == "opportunity":
            yield {**known, **_deal(data, options, is_deleted=is_deleted), "at": at}
        elif kind == "contact":
            yield {**known, **_contact(data), "at": at, "deleted": is_deleted or None}
        elif kind == "lead":
            for each in objects(data.get("contacts")):
                yield {**_contact({"lead_id": data.get("id"), "lead_name": data.get("display_name"), **each}),
                       "provider_id": first_text(each, "id"), "at": at, "version_at": at}  # fmt: skip
        elif kind.startswith("activity.") and not is_deleted:
            yield from _activity(kind.removeprefix("activity."), data, known)


def _deal(data: Mapping[str, Any], options: Mapping[str, Any], *, is_deleted: bool) -> dict[str, Any]:
    cents = decimal(data.get("value"))
    state = _STATUS.get(first_text(data, "status_type") or "") or status_of(data.get("status_label"), options)
    return {
        "fact": "deal", "stage": first_text(data, "status_label", "status_id"),
        "status": "lost" if is_deleted else state,
        "amount": None if cents is None else format(cents.scaleb(-2), "f"),
        "currency": first_text(data, "value_currency"), "name": first_text(data, "note"),
        "contacts": contact_of(data.get("contact_id")), "deleted": is_deleted or None,
        "account": account(data.get("lead_id"), data.get("lead_name")),
        "won_at": instant(data.get("date_won")), "lost_at": instant(data.get("date_lost")),
        "created_at": instant(data.get("date_created")), "owner": first_text(data, "user_name"),
        "pipeline": first_text(data, "pipeline_name"), "period": first_text(data, "value_period"),
    }  # fmt: skip


def _contact(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fact": "contact", "emails": all_texts(data.get("emails")), "phones": all_texts(data.get("phones")),
        "name": first_text(data, "name", "display_name"), "title": first_text(data, "title"),
        "account": account(data.get("lead_id"), data.get("lead_name")),
    }  # fmt: skip


def _activity(kind: str, data: Mapping[str, Any], known: Mapping[str, Any]) -> Facts:
    """Read what was done: a call out, an e-mail that left or came, a meeting that was held."""
    way = (first_text(data, "direction") or "").lower()
    did = {
        "call": "call_made" if way.startswith("out") else "",
        "email": "email_replied" if way.startswith("in") else "email_sent" if _is_sent(data) else "",
        "meeting": "meeting" if first_text(data, "status") in ("completed", "in-progress") else "",
        "sms": "other" if way.startswith("out") else "",
    }.get(kind, "")
    if did:
        yield {
            **known, "fact": "activity", "kind": did, "crm_id": first_text(data, "contact_id"),
            "at": instant(first(data, "activity_at", "date_sent", "starts_at", "date_created")),
            "phone": line(first(data, "remote_phone", "phone")),
            "email": _address(data) if kind == "email" else None,
            "account": account(data.get("lead_id")), "owner": first_text(data, "user_name"),
            "title": first_text(data, "subject", "title"),
        }  # fmt: skip


def _is_sent(data: Mapping[str, Any]) -> bool:
    return text(data.get("date_sent")) is not None or first_text(data, "status") in _SENT


def _address(data: Mapping[str, Any]) -> str | None:
    """Read the customer's address: whom the e-mail went to, or who sent it."""
    is_in = (first_text(data, "direction") or "").startswith("in")
    return first_text(data, "sender", "envelope.from.0.email") if is_in else first_text(data, "to.0")


ADAPTER = Adapter(
    name="close",
    label="Close",
    parse=_parse,
    verify=_verify,
    secret="the subscription's signature_key, in the answer to its creation",
    options=STATES,
    steps=(
        "Create a subscription with Close's API: POST /api/v1/webhook/ with url {url} and the events "
        "created, updated and deleted of opportunity and contact, and created of activity.call, "
        "activity.email and activity.meeting.",
        "Give the signature_key of the answer as --secret.",
    ),
    verified="documented event of an opportunity that was won; the documented signature",
)
