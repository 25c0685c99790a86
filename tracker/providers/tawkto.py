"""tawk.to: a chat that the visitor began, its transcript, and a ticket left while nobody was there.

`chat:start` comes with the first message, of whoever wrote it. A chat that an agent began is no lead; the
end of a chat and a transcript that an agent opens only add to one. A visitor who gave no name is called V and
a number; what a form before the chat asked comes as the visitor's first message.

Source: https://developer.tawk.to/webhooks/
Unconfirmed: attributes of the visitor in transcripts; they are searched for our token where they stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.answers import Answer
from tracker.providers.guess import guess
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
from tracker.providers.signing import demand_header, demand_same, hex_mac
from tracker.providers.talk import Line, plain, real_name, transcript

_MOST_ASKED = 30
_WRITERS = {"v": "visitor", "a": "agent", "s": "system"}


def _parse(delivery: Delivery) -> Facts:
    notice = mapping(delivery.document)
    event = text(notice.get("event")) or ""
    if event.startswith("ticket:"):
        yield from _ticket(notice)
    elif event.startswith("chat:"):
        yield from _chat(notice, event)


def _chat(notice: Mapping[str, Any], event: str) -> Facts:
    chat = mapping(notice.get("chat"))
    chat_id = first_text(notice, "chatId", "chat.id")
    if chat_id is None:
        return
    lines = list(objects(chat.get("messages")))
    opening = mapping(notice.get("message") or next((each for each in lines if _by(each) != "system"), None))
    begun_at = instant(notice.get("time")) if event == "chat:start" else instant(opening.get("time"))
    told_at = instant(notice.get("time"))
    yield {
        "fact": "lead", "kind": "chat", "provider_id": chat_id,
        "at": begun_at, "version_at": told_at,
        "is_addition": not _is_begun_by_visitor(opening, event) or None,
        **_person(mapping(first(notice, "visitor", "chat.visitor")), _asked(opening)),
        "visitor_id": visitor_token(notice),
        "referrer": text(notice.get("referrer")),
        "transcript": transcript(Line(_by(each), _said(each)) for each in lines),
        "fields": {
            **_about(notice, mapping(first(notice, "visitor", "chat.visitor"))),
            **without_blanks({"message": _said(opening) if _by(opening) == "visitor" else None}),
        },
    }  # fmt: skip


def _is_begun_by_visitor(opening: Mapping[str, Any], event: str) -> bool:
    """Tell who began; a start that does not say who wrote is a visitor's."""
    by = _by(opening)
    return by == "visitor" or not by and event == "chat:start"


def _by(message: Mapping[str, Any]) -> str:
    kind = first_text(message, "sender.type", "sender.t") or ""
    return _WRITERS.get(kind, kind)


def _said(message: Mapping[str, Any]) -> str | None:
    return plain(first_text(message, "text", "msg", "attchs.content.file.name"))


def _asked(opening: Mapping[str, Any]) -> dict[str, Any]:
    """Read the answers to the form before the chat, which come as a message of `label : answer` lines."""
    said = (_said(opening) or "").splitlines() if _by(opening) == "visitor" else []
    pairs = [line.partition(":") for line in said[:_MOST_ASKED]]
    if not all(label.strip() and answer.strip() and len(label) < 80 for label, _, answer in pairs):
        return {}
    return guess(Answer(label.strip(), answer.strip()) for label, _, answer in pairs)


def _person(visitor: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    visitor_id = text(visitor.get("id"))
    return {
        "name": real_name(visitor.get("name")) or real_name(asked.get("name")),
        "email": text(visitor.get("email")) or asked.get("email"),
        "phone": first_text(visitor, "phone", "phoneNumber") or asked.get("phone"),
        "company": text(visitor.get("company")) or asked.get("company"),
        "user_id": first_text(visitor, "userId", "externalId"),
        "chat_id": visitor_id and f"tawkto:{visitor_id}",
    }  # fmt: skip


def _about(notice: Mapping[str, Any], visitor: Mapping[str, Any]) -> dict[str, Any]:
    return without_blanks({
        "city": text(visitor.get("city")), "country": text(visitor.get("country")),
        "property": text(dig(notice, "property.name")), "domain": text(notice.get("domain")),
    })  # fmt: skip


def _ticket(notice: Mapping[str, Any]) -> Facts:
    ticket = mapping(notice.get("ticket"))
    ticket_id = first_text(ticket, "id", "humanId")
    told_at = instant(notice.get("time"))
    requester = mapping(notice.get("requester"))
    if ticket_id is None and text(requester.get("email")) is None or text(requester.get("type")) == "agent":
        return
    yield {
        "fact": "lead", "kind": "chat", "provider_id": ticket_id, "at": told_at, "version_at": told_at,
        **_person(requester, {}),
        "visitor_id": visitor_token(notice),
        "fields": {
            **_about(notice, requester),
            **without_blanks({
                "ticket": text(ticket.get("humanId")), "subject": plain(ticket.get("subject")),
                "message": plain(ticket.get("message")),
            }),
        },
    }  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    given = demand_header(delivery, "x-tawk-signature")
    demand_same(given.lower(), hex_mac(secret, delivery.body, "sha1"))


ADAPTER = Adapter(
    name="tawkto",
    label="tawk.to",
    parse=_parse,
    verify=_verify,
    secret="the webhook's secret key, which tawk.to shows when it is made",
    steps=(
        "In tawk.to open Administration, Settings, Webhooks and choose Create Webhook.",
        "Enter {url} as its endpoint and choose Chat Start, Chat End, New Chat Transcript and New Ticket.",
        "Copy its secret key and give it as --secret.",
    ),
    verified="documented events and signature; transcripts as public handlers read them",
)
