"""Nutshell: events of leads, which are its deals, and of people.

An event names by `37-leads` what changed, and the objects themselves stand under `payloads`. The older API
writes a lead with `entityType`. A lead's state is a number. Nothing is signed.

Source: https://developers.nutshell.com/docs/sample-webhook-payload (events, payloads)
Source: https://developers-rpc.nutshell.com/detail/class_core.html (the older API, states of a lead)
Unconfirmed: the fields of a lead among the payloads; the names of both of Nutshell's APIs are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.calling import only
from tracker.providers.crm import STATES, account, all_texts, contact_of, id_of, status_of
from tracker.providers.reading import (
    dig,
    first,
    first_text,
    full_name,
    instant,
    mapping,
    money,
    objects,
    text,
)

_STATES = {
    "0": "open", "open": "open", "active": "open", "10": "won", "won": "won", "11": "lost", "lost": "lost",
    "12": "lost", "cancelled": "lost", "canceled": "lost",
}  # fmt: skip
_KINDS = {"leads": "deal", "lead": "deal", "contacts": "contact", "contact": "contact"}


def _parse(delivery: Delivery) -> Facts:
    told = only(delivery.document)
    events = list(_events(told))
    for kind, thing in _things(told):
        number = _bare(thing.get("id"))
        event = next((each for each in events if number in _named(each)), {})
        at = instant(first(event or next(iter(events), {}), "createdTime", "timestamp", "created_at"))
        changed_at = instant(first(thing, "modifiedTime", "createdTime"))
        is_deleted = first_text(event, "action") in ("delete", "deleted")
        known = {"provider_id": number, "at": at or changed_at, "version_at": at or changed_at}
        if kind == "deal":
            yield {**known, **_deal(thing, delivery.options, is_deleted=is_deleted)}
        else:
            yield {**known, **_contact(thing), "deleted": is_deleted or None}


def _events(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from objects(told.get("events") or told.get("event"))


def _named(event: Mapping[str, Any]) -> set[str | None]:
    """Give the ids of the objects that an event is about."""
    links = first(event, "links.payloads", "links.payload", "payloadId")
    return {_bare(each) for each in (links if isinstance(links, list) else [links])}


def _things(told: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the leads and people of a body: its payloads, lists under their own names, or the body itself."""
    own = _kind(told)
    if own is not None:
        yield own, told
        return
    for name in ("payloads", "payload", "data", *_KINDS):
        for each in objects(told.get(name)):
            kind = _kind(each) or _KINDS.get(name)
            if kind is not None and text(each.get("id")):
                yield kind, each


def _kind(thing: Mapping[str, Any]) -> str | None:
    return _KINDS.get((first_text(thing, "entityType", "type") or "").lower())


def _bare(value: Any) -> str | None:
    """Read an id such as `37-leads` as its number."""
    said = id_of(value)
    head, dash, tail = (said or "").partition("-")
    return head if dash and head.isdecimal() and tail.isalpha() else said


def _deal(thing: Mapping[str, Any], options: Mapping[str, Any], *, is_deleted: bool) -> dict[str, Any]:
    stage = first_text(thing, "milestone.name", "stage.name", "milestone", "stage", "links.stage")
    state = _STATES.get((first_text(thing, "status") or "").lower())
    value = first(thing, "value", "normalizedValue", "estimatedValue")
    people = thing.get("contacts") or dig(thing, "links.contacts")
    listed = people if isinstance(people, list) else [people]
    return {
        "fact": "deal", "stage": stage,
        "status": "lost" if is_deleted else state or status_of(stage, options),
        "amount": money(first(value, "amount") if isinstance(value, Mapping) else value),
        "currency": first_text(value, "currency", "currencyShortname"),
        "name": first_text(thing, "name", "description"), "deleted": is_deleted or None,
        "contacts": [one for each in listed for one in _person(each)],
        "account": _account(thing), "created_at": instant(thing.get("createdTime")),
        "closed_at": instant(thing.get("closedTime")),
    }  # fmt: skip


def _person(value: Any) -> list[dict[str, str]]:
    told = mapping(value)
    emails, phones = all_texts(told.get("email"), told.get("emails")), all_texts(told.get("phone"))
    return contact_of(
        _bare(value), next(iter(emails), None), next(iter(phones), None), told.get("relationship")
    )


def _account(thing: Mapping[str, Any]) -> dict[str, str]:
    named = first(thing, "primaryAccount", "accounts.0", "links.accounts.0")
    return account(_bare(named), first(named, "name"), None)


def _contact(thing: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fact": "contact", "emails": _held(thing, "email"), "phones": _held(thing, "phone"),
        "name": first_text(thing, "name.displayName", "name")
        or full_name(dig(thing, "name.givenName"), dig(thing, "name.familyName")),
        "title": first_text(thing, "jobTitle", "title"), "account": _account(thing),
    }  # fmt: skip


def _held(thing: Mapping[str, Any], name: str) -> list[str]:
    """Gather addresses or numbers: a list, one, or an object that numbers them, the first twice."""
    numbered = mapping(thing.get(name))
    values = [each for key, each in numbered.items() if key.isdecimal() or key == "--primary"]
    return all_texts(thing.get(f"{name}s"), values or thing.get(name))


ADAPTER = Adapter(
    name="nutshell",
    label="Nutshell",
    parse=_parse,
    options=STATES,
    steps=(
        "In Nutshell open Setup, then Webhooks, and add one with the address {url}.",
        "Choose the events of leads and people.",
        "Nutshell signs nothing that is documented: keep the address to yourself.",
    ),
    verified="the documented envelope, and a captured event of a person",
)
