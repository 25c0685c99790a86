"""Front: a conversation in which somebody from outside wrote is a lead; what the team sends is an activity.

Webhooks of applications wrap the event in `payload`, sign time and body, and are greeted with a challenge.
Webhooks of rules post the event itself and sign the body alone.

Source: https://dev.frontapp.com/docs/application-webhooks
Source: https://dev.frontapp.com/docs/rule-webhooks
Unconfirmed: handles of chat channels that are neither an address nor a number are kept as ids of chats.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts, Reply
from tracker.providers.guess import is_email, is_phone
from tracker.providers.reading import (
    dig,
    first,
    first_text,
    instant,
    mapping,
    objects,
    text,
    visitor_token,
    without_blanks,
)
from tracker.providers.signing import base64_mac, demand_fresh, demand_header, demand_number, demand_same
from tracker.providers.talk import plain, real_name

_INBOUND = frozenset({"inbound", "inbound_received", "in_reply"})
_OUTBOUND = frozenset({"outbound", "outbound_sent", "out_reply"})
_CHALLENGE = "x-front-challenge"
_SECONDS_BELOW = 100_000_000_000


def _parse(delivery: Delivery) -> Facts:
    told = mapping(delivery.document)
    event = mapping(first(told, "payload") if "conversation" not in told else told)
    kind = text(event.get("type")) or text(told.get("type")) or ""
    conversation = mapping(event.get("conversation"))
    conversation_id = text(conversation.get("id"))
    if conversation_id is None:
        return
    message = mapping(dig(event, "target.data")) if text(dig(event, "target._meta.type")) == "message" else {}
    told_at = instant(event.get("emitted_at"))
    if kind in _OUTBOUND:
        yield from _sent(conversation_id, message, told_at)
    else:
        yield _lead(event, conversation, kind in _INBOUND, told_at)
        if kind in _INBOUND and message:
            yield _said(conversation_id, message, told_at)


def _lead(
    event: Mapping[str, Any], conversation: Mapping[str, Any], is_inbound: bool, told_at: str | None
) -> dict[str, Any]:
    message = mapping(dig(event, "target.data")) if is_inbound else {}
    recipients = _recipients(message, "from") if message else iter(())
    sender = next(recipients, mapping(conversation.get("recipient")))
    return {
        "fact": "lead", "kind": "chat", "provider_id": text(conversation.get("id")),
        "at": instant(conversation.get("created_at")), "version_at": told_at,
        "is_addition": not is_inbound or _is_reply(message) or None,
        **_person(sender), "visitor_id": visitor_token(conversation),
        "page_url": first_text(message, "metadata.headers.current_url", "metadata.page_url"),
        "fields": without_blanks({
            "subject": plain(conversation.get("subject")), "state": text(conversation.get("status")),
            "channel": text(message.get("type")),
        }),
    }  # fmt: skip


def _is_reply(message: Mapping[str, Any]) -> bool:
    """Tell whether a message answers another one, so that it began nothing: the first one told of that."""
    return first_text(message, "_links.related.message_replied_to") is not None


def _said(conversation_id: str, message: Mapping[str, Any], told_at: str | None) -> dict[str, Any]:
    """Tell a message at its own time, so that of many the first is the lead's."""
    return {
        "fact": "lead", "kind": "chat", "provider_id": conversation_id, "is_addition": True,
        "version_at": instant(message.get("created_at")) or told_at,
        "fields": without_blanks({"message": plain(first(message, "text", "body", "blurb"))}),
    }  # fmt: skip


def _sent(conversation_id: str, message: Mapping[str, Any], told_at: str | None) -> Facts:
    """Tell of what the team sent, where it went to one address."""
    to = [each for each in _recipients(message, "to") if _person(each)["email"]]
    sent_at = instant(message.get("created_at")) or told_at
    if len(to) == 1 and text(message.get("id")):
        yield {
            "fact": "activity", "kind": "email_sent", "provider_id": f"{conversation_id}:{message['id']}",
            "at": sent_at, "version_at": sent_at, "email": _person(to[0])["email"],
            "crm_id": _person(to[0])["crm_id"], "title": plain(message.get("subject")),
            "owner": first_text(message, "author.email", "author.username"),
        }  # fmt: skip


def _recipients(message: Mapping[str, Any], role: str) -> Iterator[Mapping[str, Any]]:
    return (each for each in objects(message.get("recipients")) if text(each.get("role")) == role)


def _person(recipient: Mapping[str, Any]) -> dict[str, Any]:
    handle = text(recipient.get("handle"))
    link = (first_text(recipient, "_links.related.contact", "_links.contact") or "").rstrip("/")
    contact_id = link.rpartition("/")[2] if "/contacts/" in link else None
    is_address = handle is not None and is_email(handle)
    is_number = handle is not None and not is_address and is_phone(handle)
    return {
        "email": handle if is_address else None, "phone": handle if is_number else None,
        "name": real_name(recipient.get("name")),
        "crm_id": contact_id and f"front:{contact_id}",
        "chat_id": None if handle is None or is_address or is_number else f"front:{handle}",
    }  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    given = demand_header(delivery, "x-front-signature")
    sent = delivery.headers.get("x-front-request-timestamp", "").strip()
    if not sent:
        demand_same(given, base64_mac(secret, delivery.body, "sha1"))
        return
    sent_ms = demand_number(sent)
    demand_same(given, base64_mac(secret, b"%b:%b" % (sent.encode(), delivery.body)))
    demand_fresh(sent_ms * 1_000 if sent_ms < _SECONDS_BELOW else sent_ms, delivery)


def _greet(delivery: Delivery, secrets: tuple[str, ...]) -> Reply | None:
    """Echo the challenge by which Front tries an address."""
    challenge = delivery.headers.get(_CHALLENGE, "").strip()
    if not challenge:
        return None
    return Reply(200, json.dumps({"challenge": challenge}).encode())


ADAPTER = Adapter(
    name="front",
    label="Front",
    parse=_parse,
    verify=_verify,
    greet=_greet,
    secret="the application signing key of the app, or the API secret for webhooks of rules",
    steps=(
        "In Front open Settings, Developers, Create app, and add the feature Webhooks.",
        "Enter {url} and choose Inbound received and Outbound sent; Front tries the address at once.",
        "Copy the app's signing key and give it as --secret.",
    ),
    verified="documented events; signature and challenge as documented for applications and for rules",
)
