"""Zendesk: a ticket that a customer opened is a lead; users are contacts.

Three kinds of body come: events (`type`, `detail`, `event`), messages of a conversation, and what an admin
wrote for a trigger, which is read by the usual names of its placeholders. A ticket that somebody else
submitted for the requester only adds to a lead. What Zendesk signs with its public test secret is answered
and not kept.

Source: https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events
Source: https://developer.zendesk.com/documentation/webhooks/verifying/
Unconfirmed: where `user.merged` names the user that stays; it is read from `event.user.id`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tracker.providers.adapter import OK, Adapter, Delivery, Facts, Reply, Unproved
from tracker.providers.reading import (
    dig,
    first,
    first_text,
    full_name,
    instant,
    instant_ms_of,
    mapping,
    text,
    visitor_token,
    without_blanks,
)
from tracker.providers.signing import base64_mac, demand_fresh, demand_header, demand_same, is_same
from tracker.providers.talk import plain, real_name

_EVENT = re.compile(r"zen:event-type[:/]")
_TEST_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # printed in Zendesk's manual, known to all
_NAMED = re.compile(r"([^<>]*)<([^<>@\s]+@[^<>\s]+)>")
_HUMP = re.compile("(?<=[a-z0-9])(?=[A-Z])")
_TICKET_LINK = re.compile(r"/tickets/(\d+)")
_STAFF = frozenset({"agent", "admin", "trigger", "system"})
_NOBODY = frozenset({"-1", "0"})
_IDENTITIES = {"email": "emails", "phone_number": "phones", "phone": "phones"}


def _parse(delivery: Delivery) -> Facts:
    told = mapping(delivery.document)
    said = text(told.get("type")) or ""
    event = _EVENT.match(said)
    kind = said[event.end() :] if event else ""
    if event is None:
        yield from _written(told, delivery.zone)
    elif kind.startswith("ticket."):
        yield from _ticket(told, kind)
    elif kind == "messaging_ticket.message_added":
        yield from _message(told)
    elif kind.startswith("user.") and kind != "user.deleted":
        yield from _user(told, kind)


def _ticket(told: Mapping[str, Any], kind: str) -> Facts:
    detail = mapping(told.get("detail"))
    ticket_id = text(detail.get("id"))
    if ticket_id is None:
        return
    requester_id, submitter_id = text(detail.get("requester_id")), text(detail.get("submitter_id"))
    is_opened_by_customer = submitter_id in (None, *_NOBODY, requester_id)
    yield {
        "fact": "lead", "kind": "chat", "provider_id": ticket_id,
        "at": instant(detail.get("created_at")), "version_at": instant(told.get("time")),
        "is_addition": not (kind == "ticket.created" and is_opened_by_customer) or None,
        "crm_id": _prefixed(requester_id), "visitor_id": visitor_token(detail),
        "fields": without_blanks({
            "subject": plain(detail.get("subject")), "message": plain(detail.get("description")),
            "state": text(detail.get("status")), "channel": first_text(detail, "via.channel", "via"),
        }),
    }  # fmt: skip


def _message(told: Mapping[str, Any]) -> Facts:
    ticket_id = text(dig(told, "detail.id"))
    actor = mapping(dig(told, "event.actor"))
    if ticket_id is None or text(actor.get("type")) in _STAFF:
        return
    yield {
        "fact": "lead", "kind": "chat", "provider_id": ticket_id, "version_at": instant(told.get("time")),
        "name": real_name(actor.get("name")), "chat_id": _prefixed(actor.get("id")),
        "fields": without_blanks({
            "message": plain(dig(told, "event.message.body")),
            "conversation": text(dig(told, "event.conversation_id")),
        }),
    }  # fmt: skip


def _written(told: Mapping[str, Any], zone: str) -> Facts:
    """Read what an admin wrote for a trigger."""
    ticket = {**_spelled(told), **_spelled(mapping(told.get("ticket")))}
    named = _NAMED.fullmatch((text(ticket.get("requester")) or "")[:400])
    link = _TICKET_LINK.search(first_text(ticket, "link", "url", "ticket_url", "ticket_link") or "")
    ticket_id = first_text(ticket, "ticket_id", "id", "ticketId") or (link[1] if link else None)
    person = {
        "name": real_name(
            first_text(ticket, "requester.name", "requester_name", "customer_name", "name")
            or full_name(dig(ticket, "requester.first_name"), dig(ticket, "requester.last_name"))
            or (named and named[1])
        ),
        "email": first_text(ticket, "requester.email", "requester_email", "customer_email", "email")
        or (named[2] if named else None),
        "phone": first_text(ticket, "requester.phone", "requester_phone", "customer_phone", "phone"),
    }
    fields = {
        "subject": plain(first(ticket, "subject", "title", "ticket_title", "ticket_subject")),
        "message": plain(first(ticket, "description", "ticket_description", "comment", "message",
                               "latest_comment", "latest_public_comment")),
        "state": text(ticket.get("status")), "channel": first_text(ticket, "via.channel", "via", "channel"),
    }  # fmt: skip
    if not any(person.values()) and (ticket_id is None or not any(fields.values())):
        return
    yield {
        "fact": "lead", "kind": "chat", "provider_id": ticket_id,
        "at": instant(first(ticket, "created_at_with_timestamp", "created_at", "ticket_created_at"), zone),
        "version_at": instant(first(ticket, "updated_at_with_timestamp", "updated_at"), zone),
        **person,
        "company": first_text(ticket, "organization.name", "organization", "requester.organization.name"),
        "user_id": first_text(ticket, "requester.external_id", "requester_external_id"),
        "crm_id": _prefixed(first(ticket, "requester.id", "requester_id")),
        "visitor_id": visitor_token(told),
        "page_url": first_text(ticket, "page_url", "page"),
        "fields": without_blanks(fields),
    }  # fmt: skip


def _spelled(told: Mapping[str, Any]) -> dict[str, Any]:
    """Give names that an admin wrote in camel case in lower case as well: `RequesterEmail`, `ticketId`."""
    return {**{_HUMP.sub("_", str(name)).lower(): value for name, value in told.items()}, **told}


def _user(told: Mapping[str, Any], kind: str) -> Facts:
    detail = mapping(told.get("detail"))
    user_id, told_at = text(detail.get("id")), instant(told.get("time"))
    if user_id is None or told_at is None or text(detail.get("role")) in ("agent", "admin"):
        return
    event = mapping(told.get("event"))
    added = _identities(detail, {} if kind == "user.identity_deleted" else event)
    renamed = text(event.get("current")) if kind == "user.name_changed" else None
    fact = {
        **added, "user_id": text(detail.get("external_id")),
        "name": real_name(renamed or detail.get("name")),
        "merged_into": text(dig(event, "user.id")) if kind == "user.merged" else None,
    }  # fmt: skip
    if any(fact.values()):
        yield {"fact": "contact", "provider_id": user_id, "at": told_at, "version_at": told_at, **fact}


def _identities(detail: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, list[str]]:
    """Gather addresses and numbers: the user's own, and the one that the event adds or changes."""
    added: dict[str, list[str]] = {"emails": [], "phones": []}
    told = [("email", detail.get("email")), ("phone", detail.get("phone"))]
    told += [(text(each.get("type")) or "", each.get("value"))
             for each in (mapping(event.get("current")), event)]  # fmt: skip
    for kind, value in told:
        kept, said = added.get(_IDENTITIES.get(kind, ""), []), text(value)
        if said is not None and said not in kept:
            kept.append(said)
    return added


def _prefixed(value: Any) -> str | None:
    said = text(value)
    return None if said is None or said in _NOBODY else f"zendesk:{said}"


def _verify(delivery: Delivery, secret: str) -> None:
    given = demand_header(delivery, "x-zendesk-webhook-signature")
    sent = demand_header(delivery, "x-zendesk-webhook-signature-timestamp")
    demand_same(given, _signature(delivery, sent, secret))
    sent_ms = instant_ms_of(sent)
    if sent_ms is None:
        raise Unproved("X-Zendesk-Webhook-Signature-Timestamp is no time")
    demand_fresh(sent_ms, delivery)


def _signature(delivery: Delivery, sent: str, secret: str) -> str:
    return base64_mac(secret, sent.encode("utf-8", "surrogateescape") + delivery.body)


def _greet(delivery: Delivery, secrets: tuple[str, ...]) -> Reply | None:
    """Answer a test of a webhook that is not made yet; it is signed with a secret that everybody knows."""
    given = delivery.headers.get("x-zendesk-webhook-signature", "").strip()
    sent = delivery.headers.get("x-zendesk-webhook-signature-timestamp", "").strip()
    is_test = bool(given) and is_same(given, _signature(delivery, sent, _TEST_SECRET))
    return OK if is_test else None


ADAPTER = Adapter(
    name="zendesk",
    label="Zendesk",
    parse=_parse,
    verify=_verify,
    greet=_greet,
    secret="the webhook's signing secret (Admin Center, the webhook, Reveal secret)",
    steps=(
        "In Zendesk's Admin Center open Apps and integrations, Webhooks, Create webhook, Zendesk events.",
        "Choose Ticket created, Messaging message added, User created and User identity created, and enter"
        " {url} as endpoint with POST and JSON.",
        "Open the webhook, choose Reveal secret, and give it as --secret.",
        "For the requester's name and address use a trigger instead, on a webhook to {url}, with a JSON body"
        " of ticket_id, subject, description, requester_name, requester_email and created_at.",
    ),
    verified="documented events and signature; bodies of triggers by the names of placeholders",
)
