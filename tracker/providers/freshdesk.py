"""Freshdesk and Freshchat: tickets as automations post them, conversations as Freshchat does.

Automation rules post `freshdesk_webhook` with placeholders by name, or what an admin wrote. They are proved
by a custom header or by Basic authentication. Freshchat signs with RSA: the secret is its public key.

Source: https://support.freshdesk.com/support/solutions/articles/132589 (webhooks in automation rules)
Source: https://crmsupport.freshworks.com/support/solutions/articles/50000004461 (Freshchat webhooks)
Unconfirmed: which of an automation's tickets a customer opened: choose that in the rule.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts, Unproved
from tracker.providers.reading import (
    dig,
    first,
    first_text,
    full_name,
    instant,
    mapping,
    objects,
    text,
    visitor_token,
    without_blanks,
)
from tracker.providers.rsa import is_signed
from tracker.providers.signing import demand_header, is_same
from tracker.providers.talk import plain, real_name

_NAMES = (
    "ticket_requester_name",
    "ticket_contact_name",
    "requester_name",
    "requester.name",
    "contact.name",
    "contact_name",
    "name",
)
_EMAILS = (
    "ticket_requester_email", "ticket_contact_email", "ticket_from_email", "requester_email",
    "requester.email", "contact.email", "contact_email", "ticket_email", "email",
)  # fmt: skip
_PHONES = (
    "ticket_requester_phone", "ticket_contact_phone", "ticket_requester_mobile", "ticket_contact_mobile",
    "requester_phone", "requester.phone", "contact.phone", "contact.mobile", "contact_phone", "phone",
)  # fmt: skip
_BY_TEAM = frozenset({"outbound email", "10"})  # sources of a ticket
_CREATED = re.compile(r"ticket(?:_action)?[\W_]+created", re.IGNORECASE)
_USED = frozenset(
    {*_NAMES, *_EMAILS, *_PHONES, "ticket_description", "description", "ticket_subject", "subject"}
)


def _parse(delivery: Delivery) -> Facts:
    told = mapping(delivery.document)
    if "action" in told and ("actor" in told or isinstance(told.get("data"), Mapping)):
        yield from _freshchat(told)
    else:
        ticket = mapping(first(told, "freshdesk_webhook", "ticket"))
        yield from _ticket({**told, **ticket}, delivery.zone)


def _ticket(told: Mapping[str, Any], zone: str) -> Facts:
    ticket_id = first_text(
        told, "ticket_id", "ticketId", "ticket_public_url", "ticket_url", "id", "display_id"
    )
    name, email, phone = first_text(told, *_NAMES), first_text(told, *_EMAILS), first_text(told, *_PHONES)
    subject = plain(first(told, "ticket_subject", "subject"))
    message = plain(first(told, "ticket_description", "description_text", "description"))
    if not any((email, phone) if ticket_id is None else (name, email, phone, subject, message)):
        return
    contact_id = first_text(
        told, "ticket_requester_unique_external_id", "ticket_contact_unique_external_id",
        "contact.unique_external_id",
    )  # fmt: skip
    requester_id = first_text(told, "requester_id", "requester.id", "ticket_requester_id")
    yield {
        "fact": "lead", "kind": "chat",
        "provider_id": ticket_id and (ticket_id.rpartition("/")[2] or ticket_id),
        "at": instant(first(told, "ticket_created_at", "created_at", "ticket_created_on"), zone),
        "version_at": instant(first(told, "ticket_updated_at", "updated_at"), zone),
        "is_addition": _is_of_later(told) or _is_by_team(told) or None,
        "name": real_name(name), "email": email, "phone": phone, "user_id": contact_id,
        "crm_id": requester_id and f"freshdesk:{requester_id}",
        "company": first_text(
            told, "ticket_company_name", "ticket_requester_company_name", "company_name", "company.name"
        ),
        "visitor_id": visitor_token(told) or text(told.get("ticket_cf_tl_visitor")),
        "fields": {
            **{str(key): said for key, value in told.items() if key not in _USED and (said := text(value))},
            **without_blanks({"subject": subject, "message": message}),
        },
    }  # fmt: skip


def _is_of_later(told: Mapping[str, Any]) -> bool:
    """Tell whether a rule told of what happened to a ticket after it was created: a note, a change."""
    event = text(told.get("triggered_event"))
    return event is not None and not _CREATED.search(event)


def _is_by_team(told: Mapping[str, Any]) -> bool:
    return (first_text(told, "ticket_source", "source") or "").lower().replace("_", " ") in _BY_TEAM


def _freshchat(told: Mapping[str, Any]) -> Facts:
    data = mapping(told.get("data"))
    message = mapping(data.get("message"))
    conversation = mapping(first(data, "conversation", "message.conversation", "resolve.conversation",
                                 "assignment.conversation", "reopen.conversation"))  # fmt: skip
    conversation_id = first_text(message, "conversation_id") or first_text(
        conversation, "conversation_id", "id"
    )
    if conversation_id is None:
        return
    user = mapping(first(data, "user", "message.user", "resolve.user", "assignment.user", "reopen.user"))
    user = user or next(objects(conversation.get("users")), {})
    said_by = first_text(message, "actor_type") or text(dig(told, "actor.actor_type"))
    is_begun = said_by == "user" and text(told.get("action")) in ("message_create", "conversation_create")
    user_id = first_text(message, "user_id") or first_text(user, "id", "user_id", "alias")
    yield {
        "fact": "lead", "kind": "chat", "provider_id": conversation_id, "is_addition": not is_begun or None,
        "version_at": instant(first(message, "created_time")) or instant(told.get("action_time")),
        "name": real_name(full_name(user.get("first_name"), user.get("last_name"))),
        "email": text(user.get("email")), "phone": text(user.get("phone")),
        "user_id": text(user.get("reference_id")),
        "crm_id": _freshchat_id(user_id or (text(message.get("actor_id")) if said_by == "user" else None)),
        "visitor_id": visitor_token(user) or visitor_token(conversation.get("properties")),
        "fields": without_blanks({
            "message": _parts(message) if said_by == "user" else None,
            "state": first_text(conversation, "status"), "channel": text(message.get("message_source")),
        }),
    }  # fmt: skip


def _freshchat_id(user_id: str | None) -> str | None:
    return user_id and f"freshchat:{user_id}"


def _parts(message: Mapping[str, Any]) -> str | None:
    said = [
        plain(first(part, "text.content", "email.content")) for part in objects(message.get("message_parts"))
    ]
    return "\n".join(each for each in said if each) or None


def _verify(delivery: Delivery, secret: str) -> None:
    if "-----BEGIN" in secret or "x-freshchat-signature" in delivery.headers:
        given = demand_header(delivery, "x-freshchat-signature")
        try:
            signature = base64.b64decode(given, validate=True)
        except (ValueError, binascii.Error):
            raise Unproved("X-Freshchat-Signature is no base64") from None
        if not is_signed(delivery.body, signature, secret):
            raise Unproved("the signature does not fit the body and the public key")
        return
    given = demand_header(delivery, "authorization")
    basics = (secret, f"{secret}:X", f"{secret}:")
    expected = [secret, f"Bearer {secret}", *(f"Basic {_base64(each)}" for each in basics)]
    if sum(is_same(given, each) for each in expected) == 0:  # all are compared, whichever fits
        raise Unproved("the header Authorization does not hold the secret")


def _base64(said: str) -> str:
    return base64.b64encode(said.encode("utf-8", "surrogateescape")).decode()


ADAPTER = Adapter(
    name="freshdesk",
    label="Freshdesk and Freshchat",
    parse=_parse,
    verify=_verify,
    secret="what you enter as Authorization in the rule; for Freshchat its public key, as PEM",
    steps=(
        "In Freshdesk open Admin, Workflows, Automations, Ticket creation, New rule.",
        "As action choose Trigger webhook, POST, {url}, JSON, Simple, with the ticket's id, subject,"
        " description, source and the requester's name, email and phone.",
        "Enter a custom header Authorization with a secret of your choice, and give that as --secret.",
        "In Freshchat open Admin, Configure, Webhooks, enter {url}, and give the public key shown there as"
        " --secret.",
    ),
    verified="documented placeholders and Freshchat events; RSA signature as documented",
)
