"""Pipedrive: deals, persons and done activities, by webhooks of version 1 and 2.

Version 1 has `current` and `previous` whole, and local-looking times that are UTC; version 2 has `data`,
nothing in it when the object was deleted. A merge in version 2 is a deletion that names who is left. The
sender proves itself with HTTP Basic. Amounts are major units.

Source: https://pipedrive.readme.io/docs/guide-for-webhooks-v2 (version 2)
Source: https://pipedrive.readme.io/docs/guide-for-webhooks (version 1)
Unconfirmed: where version 1 names the survivor of a merge; stages come as numbers: name those that close.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts, Unproved
from tracker.providers.crm import STATES, account, all_texts, contact_of, id_of, status_of
from tracker.providers.reading import (
    dig,
    first,
    first_text,
    full_name,
    instant,
    mapping,
    money,
    number,
    objects,
    truth,
)
from tracker.providers.signing import demand_header, demand_same

_STATUS = {"open": "open", "won": "won", "lost": "lost", "deleted": "lost"}
_DONE = {"call": "call_made", "meeting": "meeting", "lunch": "meeting", "email": "email_sent", "demo": "demo"}


def _verify(delivery: Delivery, secret: str) -> None:
    scheme, _, given = demand_header(delivery, "authorization").partition(" ")
    if scheme.lower() != "basic":
        raise Unproved("the header authorization is not of the kind Basic")
    demand_same(
        given.strip(), base64.b64encode(secret.encode("utf-8", "surrogateescape")).decode(), "password"
    )


def _parse(delivery: Delivery) -> Facts:
    for told in objects(delivery.document):
        event = mapping(told.get("data")) if "meta" not in told and "current" not in told else told
        action, _, named = (first_text(told, "event") or "").partition(".")
        meta = mapping(event.get("meta"))
        kind = first_text(meta, "entity", "object") or named
        data = mapping(event.get("current") or event.get("data"))
        was = mapping(event.get("previous"))
        is_deleted = (first_text(meta, "action") or action).startswith("delete") or not data
        at = _sent_at(meta)
        known = {
            "provider_id": first_text(meta, "entity_id") or first_text({**meta, **was, **data}, "id"),
            "at": at or instant(first(data, "update_time", "add_time")), "version_at": at,
        }  # fmt: skip
        if kind == "deal":
            yield {**known, **_deal({**was, **data}, delivery.options, is_deleted=is_deleted)}
        elif kind == "person":
            yield {**known, **_person({**was, **data}), "deleted": is_deleted or None,
                   "merged_into": first_text(meta, "merged_to_id", "merge_to_id")}  # fmt: skip
        elif kind == "activity" and truth(data.get("done")):
            yield {**known, **_activity(data)}


def _sent_at(meta: Mapping[str, Any]) -> str | None:
    """Read when the event was; version 1 counts in seconds, and in smaller parts beside it."""
    micros, millis = number(meta.get("timestamp_micro")), number(meta.get("timestamp_milli"))
    finer = micros // 1_000 if micros is not None else millis
    return instant(meta.get("timestamp") if finer is None else finer)


def _deal(data: Mapping[str, Any], options: Mapping[str, Any], *, is_deleted: bool) -> dict[str, Any]:
    person = data.get("person_id")
    status = _STATUS.get((first_text(data, "status") or "").lower())
    is_gone = is_deleted or truth(data.get("deleted")) or first_text(data, "status") == "deleted"
    return {
        "fact": "deal", "stage": id_of(data.get("stage_id")), "name": first_text(data, "title"),
        "status": "lost" if is_gone else status or status_of(id_of(data.get("stage_id")), options),
        "amount": money(data.get("value")), "currency": first_text(data, "currency"),
        "contacts": contact_of(
            id_of(person), first(person, "email.0.value", "email"), first(person, "phone.0.value", "phone")
        ),
        "account": account(id_of(data.get("org_id")), first(data, "org_name", "org_id.name")),
        "deleted": is_gone or None, "pipeline": id_of(data.get("pipeline_id")),
        "won_at": instant(data.get("won_time")), "lost_at": instant(data.get("lost_time")),
        "closed_at": instant(data.get("close_time")), "created_at": instant(data.get("add_time")),
        "stage_entered_at": instant(data.get("stage_change_time")),
        "lost_reason": first_text(data, "lost_reason"), "owner": first_text(data, "owner_name"),
    }  # fmt: skip


def _person(data: Mapping[str, Any]) -> dict[str, Any]:
    emails = data.get("emails") or data.get("email") or data.get("primary_email")
    return {
        "fact": "contact", "emails": all_texts(emails),
        "phones": all_texts(data.get("phones") or data.get("phone")),
        "name": first_text(data, "name") or full_name(data.get("first_name"), data.get("last_name")),
        "title": first_text(data, "job_title"),
        "account": account(id_of(data.get("org_id")), first(data, "org_name", "org_id.name")),
    }  # fmt: skip


def _activity(data: Mapping[str, Any]) -> dict[str, Any]:
    done_at = instant(first(data, "marked_as_done_time", "update_time"))
    return {
        "fact": "activity", "kind": _DONE.get((first_text(data, "type") or "").lower(), "other"),
        **({"at": done_at} if done_at else {}), "title": first_text(data, "subject"),
        "crm_id": id_of(data.get("person_id")) or id_of(dig(data, "participants.0.person_id")),
        "account": account(id_of(data.get("org_id")), data.get("org_name")),
        "owner": first_text(data, "owner_name", "assigned_to_user_name", "user_id"),
    }  # fmt: skip


ADAPTER = Adapter(
    name="pipedrive",
    label="Pipedrive",
    parse=_parse,
    verify=_verify,
    secret="a user and a password of your own, entered at the webhook: `user:password`",
    wants_user=True,
    options=STATES,
    steps=(
        "In Pipedrive open Tools and apps, then Webhooks, and create one of version 2.",
        "Choose all actions of deal, and a second and third for person and activity; enter {url}.",
        "Enter an HTTP Auth username and password of your own, and give both as --secret, "
        "written user:password.",
        "Stages come as numbers. Won and lost are told by the deal's status; for others no step is needed.",
    ),
    verified="documented shapes of both versions; HTTP Basic",
)
