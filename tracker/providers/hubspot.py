"""HubSpot: subscriptions to contacts and deals, and posts of workflows.

A subscription's event has one property, or ids alone; what it does not say is not known, and the versions
of a deal's step put together what one save changed. A workflow posts the whole object, and says when each
property got its value. Three signatures are in use; a workflow's post carries two of them.

Source: https://developers.hubspot.com/docs/api/webhooks (events)
Unconfirmed: which stages of an account's own pipelines close a deal: `hs_is_closed_won` tells where it is
subscribed to, else the operator's options `won` and `lost` name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.providers.adapter import NO_CONTENT, Adapter, Delivery, Facts
from tracker.providers.calling import names_of
from tracker.providers.crm import STATES, account, all_texts, contact_of, status_of
from tracker.providers.hubspot_signing import demand_hubspot
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
    text,
    truth,
)

_OPENS = (
    "appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin",
    "contractsent",
)  # fmt: skip
_CLOSINGS = ("hs_is_closed_won", "hs_is_closed_lost", "hs_is_closed")
_OUTCOMES: Mapping[str, Mapping[bool | None, str]] = {
    said: {True: said, False: "open"} for said in ("won", "lost")
}
_OBJECTS = {"0-1": "contact", "0-2": "company", "0-3": "deal"}
_ENGAGED = {
    "CALL": "call_made", "EMAIL": "email_sent", "INCOMING_EMAIL": "email_replied", "MEETING": "meeting",
}  # fmt: skip
_PHONES = frozenset({"phone", "mobilephone", "hs_whatsapp_phone_number"})
_CONTACT_NAMES = ("firstname", "lastname", "lifecyclestage", "hs_lead_status")


def _parse(delivery: Delivery) -> Facts:
    for told in objects(delivery.document):
        subscription = first_text(told, "subscriptionType", "eventType") or ""
        if subscription:
            yield from _event(told, subscription, delivery.options)
        elif told.get("engagement") is not None:
            yield from _engagement(told)
        else:
            yield from _whole(told, delivery.options)


def _event(told: Mapping[str, Any], subscription: str, options: Mapping[str, Any]) -> Facts:
    thing, _, event = subscription.partition(".")
    thing = _OBJECTS.get(first_text(told, "objectTypeId") or "", thing)
    at_ms = instant_ms_of(told.get("occurredAt"))
    at = None if at_ms is None else counted_instant(at_ms)
    known = {"provider_id": first_text(told, "objectId"), "at": at, "version_at": at}
    if event == "merge":
        yield from _merged(told, thing, known)
    elif event == "associationChange":
        yield from _associated(told, known)
    elif thing == "deal":
        yield from _deal_event(told, event, known, options)
    elif thing == "contact":
        yield {**known, "fact": "contact", **_contact_change(told),
               "deleted": event in ("deletion", "privacyDeletion") or None}  # fmt: skip


def _deal_event(
    told: Mapping[str, Any], event: str, known: Mapping[str, Any], options: Mapping[str, Any]
) -> Facts:
    if event == "deletion":
        yield {**known, "fact": "deal", "status": "lost", "deleted": True}
    elif event in ("creation", "restore"):
        yield {**known, "fact": "deal", "status": "open", "version_at": _just_before(told)}
    elif event == "propertyChange":
        name = first_text(told, "propertyName") or ""
        change = _deal_change(name, told.get("propertyValue"), options)
        is_weak = name in _CLOSINGS and change.get("status") == "open"
        at = _just_before(told) if is_weak else known["version_at"]
        yield from [{**known, "fact": "deal", **change, "version_at": at}] if change else []


def _just_before(told: Mapping[str, Any]) -> str | None:
    """Let what is said of the same moment count before the bare word that a deal is there, or not closed."""
    at_ms = instant_ms_of(told.get("occurredAt"))
    return None if at_ms is None else counted_instant(at_ms - 1)


def _deal_change(name: str, value: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Read one property of a deal; nothing for one that says nothing of it here."""
    change: dict[str, Any] = {
        "dealstage": {"stage": text(value), "status": status_of(value, options, _OPENS)},
        "amount": {"amount": money(value)}, "deal_currency_code": {"currency": text(value)},
        "dealname": {"name": text(value)},
        "hs_is_closed_won": {"status": _OUTCOMES["won"].get(truth(value))},
        "hs_is_closed_lost": {"status": _OUTCOMES["lost"].get(truth(value))},
        "hs_is_closed": {"status": "open" if truth(value) is False else None},
    }.get(name, {})  # fmt: skip
    told = {key: said for key, said in change.items() if said is not None}
    return told if told.keys() - {"currency"} else {}


def _contact_change(told: Mapping[str, Any]) -> dict[str, Any]:
    name, value = first_text(told, "propertyName") or "", told.get("propertyValue")
    if name == "email":
        return {"emails": all_texts(value)}
    if name == "hs_additional_emails":
        return {"emails": all_texts((text(value) or "").split(";"))}
    if name in _PHONES:
        return {"phones": all_texts(value)}
    if name == "jobtitle":
        return {"title": text(value)}
    if name == "company":
        return {"account": account(name=value)}
    return {name: text(value)} if name in _CONTACT_NAMES else {}


def _merged(told: Mapping[str, Any], thing: str, known: Mapping[str, Any]) -> Facts:
    """Read a merge: who is gone, and who is left."""
    left = first_text(told, "newObjectId", "primaryObjectId", "objectId")
    gone = [*names_of(told.get("mergedObjectIds")), text(told.get("primaryObjectId"))]
    for each in dict.fromkeys(gone):
        if each is None or each == left or thing not in ("contact", "deal"):
            continue
        lost = {"status": "lost", "deleted": True} if thing == "deal" else {}
        yield {**known, "fact": thing, "provider_id": each, "merged_into": left, **lost}


def _associated(told: Mapping[str, Any], known: Mapping[str, Any]) -> Facts:
    """Read that two objects belong together; that they no longer do is not said by any fact."""
    if truth(told.get("associationRemoved")):
        return
    ends = [each.lower() for each in (first_text(told, "associationType") or "").split("_TO_")]
    types = [_OBJECTS.get(first_text(told, f"{end}ObjectTypeId") or "", "") for end in ("from", "to")]
    ids = [first_text(told, "fromObjectId"), first_text(told, "toObjectId")]
    named = dict(zip(types if all(types) else ends, ids, strict=False))
    if "deal" in named and "contact" in named:
        yield {
            **known,
            "fact": "deal",
            "provider_id": named["deal"],
            "contacts": contact_of(named["contact"]),
        }
    elif "contact" in named and "company" in named:
        yield {**known, "fact": "contact", "provider_id": named["contact"],
               "account": account(named["company"])}  # fmt: skip


def _whole(told: Mapping[str, Any], options: Mapping[str, Any]) -> Facts:
    """Read the object that a workflow posts: a contact has `vid`, a deal its stage."""
    kind = _OBJECTS.get(first_text(told, "objectTypeId") or "", "")
    if kind == "deal" or _said(told, "dealstage") is not None or text(told.get("dealId")):
        yield _deal(told, options)
    elif kind == "contact" or first_text(told, "vid", "canonical-vid") or _said(told, "email") is not None:
        yield _contact(told)


def _said(told: Mapping[str, Any], name: str) -> Any:
    """Read a property: an object with its value and history, or the value, or one beside the others."""
    value = mapping(told.get("properties")).get(name, told.get(name))
    return dig(value, "value") if isinstance(value, Mapping) else value


def _id(told: Mapping[str, Any], *places: str) -> str | None:
    return first_text(told, *places) or text(_said(told, "hs_object_id"))


def _since(told: Mapping[str, Any], name: str) -> str | None:
    """Read when a property got its value."""
    return instant(first(told, f"properties.{name}.timestamp", f"properties.{name}.versions.0.timestamp"))


def _deal(told: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    stage = _said(told, "dealstage")
    changed_at = instant(_said(told, "hs_lastmodifieddate"))
    at = _since(told, "dealstage") or changed_at
    vids = mapping(told.get("associations")).get("associatedVids")
    companies = mapping(told.get("associations")).get("associatedCompanyIds")
    return {
        "fact": "deal", "provider_id": _id(told, "dealId", "objectId"),
        "at": at, "version_at": changed_at or at, "stage": text(stage), "status": _status(told, options),
        "amount": money(_said(told, "amount")), "currency": text(_said(told, "deal_currency_code")),
        "name": text(_said(told, "dealname")), "pipeline": text(_said(told, "pipeline")),
        "contacts": [{"crm_id": each} for each in names_of(vids or [])],
        "account": account(next(iter(names_of(companies or [])), None)),
        "created_at": instant(_said(told, "createdate")), "closed_at": instant(_said(told, "closedate")),
        "deleted": truth(told.get("isDeleted")) or None,
    }  # fmt: skip


def _status(told: Mapping[str, Any], options: Mapping[str, Any]) -> str | None:
    if truth(told.get("isDeleted")):
        return "lost"
    if truth(_said(told, "hs_is_closed_won")):
        return "won"
    if truth(_said(told, "hs_is_closed_lost")):
        return "lost"
    named = status_of(_said(told, "dealstage"), options, _OPENS)
    is_closed = truth(_said(told, "hs_is_closed"))
    if is_closed and truth(_said(told, "hs_is_closed_won")) is False:
        return named or "lost"
    return named or ("open" if is_closed is False else None)


def _contact(told: Mapping[str, Any]) -> dict[str, Any]:
    changed_at = instant(_said(told, "lastmodifieddate")) or instant(_said(told, "hs_lastmodifieddate"))
    company = mapping(told.get("associated-company"))
    more = [*(text(_said(told, "hs_additional_emails")) or "").split(";"), *_identities(told)]
    return {
        "fact": "contact", "at": changed_at, "version_at": changed_at,
        "provider_id": _id(told, "vid", "objectId", "canonical-vid"),
        "emails": all_texts(_said(told, "email"), more), "title": text(_said(told, "jobtitle")),
        "phones": all_texts(*(_said(told, name) for name in sorted(_PHONES))),
        "name": full_name(_said(told, "firstname"), _said(told, "lastname")),
        "account": account(
            first_text(company, "company-id") or _said(told, "associatedcompanyid"),
            _said(company, "name") or _said(told, "company"), _said(company, "domain"),
        ),
        "lifecyclestage": text(_said(told, "lifecyclestage")),
    }  # fmt: skip


def _identities(told: Mapping[str, Any]) -> list[str | None]:
    """List the further addresses that the older shape has of a contact, and of those merged into it."""
    listed = (each for profile in objects(told.get("identity-profiles"))
              for each in objects(profile.get("identities")))  # fmt: skip
    return [first_text(each, "value") for each in listed if each.get("type") == "EMAIL"]


def _engagement(told: Mapping[str, Any]) -> Facts:
    done = mapping(told.get("engagement"))
    kind = _ENGAGED.get((first_text(done, "type") or "").upper())
    if kind is not None:
        yield {
            "fact": "activity", "kind": kind, "provider_id": first_text(done, "id"),
            "at": instant(first(done, "timestamp", "createdAt")),
            "version_at": instant(first(done, "lastUpdated", "timestamp")),
            "crm_id": first_text(told, "associations.contactIds.0"), "owner": first_text(done, "ownerId"),
            "title": first_text(told, "metadata.subject", "metadata.title"),
        }  # fmt: skip


ADAPTER = Adapter(
    name="hubspot",
    label="HubSpot",
    parse=_parse,
    verify=demand_hubspot,
    accepted=NO_CONTENT,
    secret="the client secret of the app that sends",
    options=STATES,
    steps=(
        "In HubSpot open your private or developer app, then Webhooks, and enter {url} as the target.",
        "Subscribe to deal.creation, deal.deletion, and deal.propertyChange of dealstage, amount, "
        "deal_currency_code, dealname, hs_is_closed_won and hs_is_closed_lost; to contact.creation, "
        "contact.merge, and contact.propertyChange of email and phone; and to the association of deals and "
        "contacts.",
        "Give the app's client secret as --secret. Behind a proxy also give "
        "`--public-url`, since HubSpot signs the address.",
        "Where your own pipelines close deals by other stages, name them: `--option won=ID,ID --option "
        "lost=ID`.",
    ),
    verified="documented events; workflow posts as users print them; three signatures, v3 by its vector",
)
