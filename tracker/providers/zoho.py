"""Zoho CRM: notifications of deals, contacts, leads, calls and events.

A notification lists ids, and beside them at most the fields that changed: what it does not say is not
known. The token that the channel was made with comes back in the body, proves the sender, and is taken
out of what is kept.

Source: https://www.zoho.com/crm/developer/docs/api/v8/notifications/overview.html
Unconfirmed: which modules' notifications have `affected_values`; a channel expires and must be renewed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.calling import only
from tracker.providers.crm import STATES, account, all_texts, contact_of, id_of, status_of
from tracker.providers.reading import (
    counted_instant,
    dig,
    first,
    first_text,
    full_name,
    instant,
    instant_ms_of,
    mapping,
    money,
    objects,
)
from tracker.providers.signing import demand_told, without

_OPENS = (
    "Qualification", "Needs Analysis", "Value Proposition", "Identify Decision Makers",
    "Proposal/Price Quote", "Negotiation/Review",
)  # fmt: skip
_CREATING = frozenset({"insert", "create", "add"})
_DELETING = frozenset({"delete", "remove"})
_ACTIVITIES = {"Calls": "call_made", "Events": "meeting"}


def _verify(delivery: Delivery, secret: str) -> None:
    demand_told(delivery, secret, "token")


def _hush(delivery: Delivery) -> bytes:
    return without(delivery, "token")


def _parse(delivery: Delivery) -> Facts:
    told = only(delivery.document)
    module = first_text(told, "module.api_name", "module") or ""
    operation = (first_text(told, "operation") or "").lower()
    at_ms = instant_ms_of(told.get("server_time"))
    at = None if at_ms is None else counted_instant(at_ms)
    for record_id, values in _records(told):
        known = {"provider_id": record_id, "at": at, "version_at": at}
        if module in ("Deals", "Potentials"):
            deal = _deal(values, operation, delivery.options)
            yield from [{**known, **deal}] if _says_anything(deal) else []
        elif module in ("Contacts", "Leads"):
            yield {**known, **_contact(values), "deleted": operation in _DELETING or None}
        elif module in _ACTIVITIES and values:
            yield {**known, **_activity(module, values)}


def _records(told: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the records that a notification is about, each with what it says of it."""
    named: dict[str, Mapping[str, Any]] = {}
    for each in objects(told.get("affected_values")):
        named[first_text(each, "record_id", "id") or ""] = mapping(each.get("values"))
    for each in objects(told.get("data")):
        named[first_text(each, "id", "Id") or ""] = each
    ids = told.get("ids")
    for one in ids if isinstance(ids, list) else [ids]:
        named.setdefault(id_of(one) or "", {})
    yield from ((record_id, values) for record_id, values in named.items() if record_id)


def _deal(values: Mapping[str, Any], operation: str, options: Mapping[str, Any]) -> dict[str, Any]:
    is_deleted, stage = operation in _DELETING, first_text(values, "Stage.name", "Stage")
    born = "open" if operation in _CREATING else None
    return {
        "fact": "deal", "stage": stage, "amount": money(values.get("Amount")),
        "status": "lost" if is_deleted else status_of(stage, options, _OPENS) or (None if stage else born),
        "currency": first_text(values, "Currency", "$currency"), "name": first_text(values, "Deal_Name"),
        "contacts": contact_of(id_of(values.get("Contact_Name"))), "deleted": is_deleted or None,
        "account": _account(values),
        "closed_on": first_text(values, "Closing_Date"), "created_at": instant(values.get("Created_Time")),
        "owner": first_text(values, "Owner.name"),
    }  # fmt: skip


def _says_anything(deal: Mapping[str, Any]) -> bool:
    return any(deal.get(name) for name in ("stage", "status", "amount", "name", "contacts"))


def _contact(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fact": "contact", "emails": all_texts(values.get("Email"), values.get("Secondary_Email")),
        "phones": all_texts(values.get("Phone"), values.get("Mobile"), values.get("Home_Phone")),
        "name": first_text(values, "Full_Name")
        or full_name(values.get("First_Name"), values.get("Last_Name")),
        "title": first_text(values, "Title", "Designation"),
        "account": _account(values),
    }  # fmt: skip


def _account(values: Mapping[str, Any]) -> dict[str, str]:
    name = first(values, "Account_Name.name", "Company", "Account_Name")
    return account(dig(values, "Account_Name.id"), name)


def _activity(module: str, values: Mapping[str, Any]) -> dict[str, Any]:
    began_at = instant(first(values, "Call_Start_Time", "Start_DateTime"))
    is_inbound = (first_text(values, "Call_Type") or "").lower() in ("inbound", "missed")
    return {
        "fact": "activity", "kind": "other" if is_inbound else _ACTIVITIES[module],
        **({"at": began_at} if began_at else {}), "crm_id": id_of(values.get("Who_Id")),
        "owner": first_text(values, "Owner.name"), "title": first_text(values, "Subject", "Event_Title"),
    }  # fmt: skip


ADAPTER = Adapter(
    name="zoho",
    label="Zoho CRM",
    parse=_parse,
    verify=_verify,
    hush=_hush,
    secret="the token of your own that the channel is created with",
    options=STATES,
    steps=(
        "Create a channel with Zoho's API: POST /crm/v8/actions/watch with a channel_id (a number of "
        "your choice), notify_url {url}, events Deals.all and Contacts.all, return_affected_field_values "
        "true, a channel_expiry and a token of your own.",
        "Give the token as --secret.",
        "Renew the channel before its channel_expiry, a week at most.",
    ),
    verified="documented fields of a notification; the documented token",
)
