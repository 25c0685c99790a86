"""Chatwoot: a conversation is a lead once a contact wrote in it or began it; the rest adds to it.

Payloads are those of the project's presenters and listeners. A message tells its conversation with it. The
name that Chatwoot makes up for a stranger is no name. Newer versions sign; for older ones the hook's address
is the secret.

Source: https://github.com/chatwoot/chatwoot (app/listeners/webhook_listener.rb, app/presenters/conversations)
Source: https://www.chatwoot.com/hc/user-guide/articles/1677693021-how-to-use-webhooks
Unconfirmed: the signature was read from public receivers of it: `sha256=` and HMAC of time, a dot, the body.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.reading import (
    dig,
    first,
    first_text,
    instant,
    mapping,
    objects,
    text,
    truth,
    visitor_token,
    without_blanks,
)
from tracker.providers.signing import demand_fresh, demand_header, demand_number, demand_same, hex_mac
from tracker.providers.talk import plain, real_name

_OF_RULES = "automation_event."  # what a rule of Chatwoot's automation sends
_BEGUN = ("additional_attributes.initiated_at.timestamp", "additional_attributes.initiated_at")
_CHANGED = (
    "updated_at", "last_activity_at", "timestamp", "contact_inbox.updated_at", "messages.0.updated_at",
)  # fmt: skip
_INCOMING = frozenset({"incoming", "0"})
_OUTGOING = frozenset({"outgoing", "1"})
_CONTACTS = frozenset({"contact_created", "contact_updated"})


def _parse(delivery: Delivery) -> Facts:
    told = mapping(delivery.document)
    event = (text(told.get("event")) or "").removeprefix(_OF_RULES)
    if event.startswith("conversation_") and "typing" not in event:
        conversation = {**told, **mapping(told.get("conversation"))}
        yield from _conversation(
            conversation, event == "conversation_created" and not _is_from_team(conversation)
        )
    elif event.startswith("message_"):
        for message in _messages(told):
            yield from _message(message)
    elif event in _CONTACTS:
        yield from _contact(told)


def _messages(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give what was said for others to read; a rule tells of the conversation, with its messages in it."""
    given = told.get("messages") if "conversation" not in told else None
    for message in objects(given) if given else (told,):
        if not truth(message.get("private")):
            yield {**message, "conversation": told} if given else message


def _is_from_team(conversation: Mapping[str, Any]) -> bool:
    return text(dig(conversation, "messages.0.message_type")) in _OUTGOING


def _message(told: Mapping[str, Any]) -> Facts:
    conversation = mapping(told.get("conversation"))
    kind = None if _is_asked(told) else text(told.get("message_type"))
    sender = first(told, "contact", "sender") if kind in _INCOMING else None
    said_at = instant(told.get("created_at"))
    told_at = _latest(told.get("updated_at"), told.get("created_at"), *_times(conversation))
    for lead in _conversation(conversation, kind in _INCOMING, told_at=told_at, sender=mapping(sender)):
        yield lead
        if kind in _INCOMING:
            yield _said(lead, told, said_at)
        elif kind in _OUTGOING and (first_text(told, "sender.type", "sender_type") or "").lower() == "user":
            yield _reply(lead, told, said_at)


def _is_asked(told: Mapping[str, Any]) -> bool:
    """Tell whether a message is a question of the widget's own, such as for an address."""
    return (text(told.get("content_type")) or "").startswith("input_")


def _said(lead: Mapping[str, Any], told: Mapping[str, Any], said_at: str | None) -> dict[str, Any]:
    """Tell a message at its own time, so that of many the first is the lead's."""
    return {
        "fact": "lead", "kind": "chat", "provider_id": lead["provider_id"], "is_addition": True,
        "version_at": said_at, "fields": without_blanks({"message": plain(told.get("content"))}),
    }  # fmt: skip


def _reply(lead: Mapping[str, Any], told: Mapping[str, Any], said_at: str | None) -> dict[str, Any]:
    return {
        "fact": "activity", "kind": "other", "title": "chat reply", "at": said_at, "version_at": said_at,
        "provider_id": f"{lead['provider_id']}:{text(told.get('id'))}", "email": lead["email"],
        "crm_id": lead["crm_id"], "owner": first_text(told, "sender.name", "sender.email"),
    }  # fmt: skip


def _conversation(
    told: Mapping[str, Any],
    is_begun_by_contact: bool,
    *,
    told_at: str | None = None,
    sender: Mapping[str, Any] | None = None,
) -> Facts:
    conversation_id = first_text(told, "id", "display_id")
    if conversation_id is None:
        return
    places = (told.get("contact"), sender, dig(told, "meta.sender"))
    contact = {name: value for each in places for name, value in without_blanks(mapping(each)).items()}
    about = mapping(told.get("additional_attributes"))
    place = mapping(contact.get("additional_attributes"))
    begun_at = instant(first_text(told, "created_at", *_BEGUN))
    yield {
        "fact": "lead", "kind": "chat", "provider_id": conversation_id, "at": begun_at,
        "version_at": told_at or _latest(*_times(told)),
        "is_addition": not is_begun_by_contact or None,
        **_person(contact),
        "chat_id": _prefixed(dig(told, "contact_inbox.source_id")),
        "visitor_id": visitor_token(told) or visitor_token(sender),
        "page_url": first_text(about, "referer", "referrer"),
        "fields": without_blanks({
            "message": _opening(told), "state": text(told.get("status")),
            "channel": text(told.get("channel")),
            "city": text(place.get("city")), "country": text(place.get("country")),
        }),
    }  # fmt: skip


def _times(conversation: Mapping[str, Any]) -> list[Any]:
    """Give the times at which a payload may have been changed last; older ones say it of its parts alone."""
    return [*(dig(conversation, name) for name in _CHANGED), *_changed_at(conversation)]


def _changed_at(told: Mapping[str, Any]) -> list[Any]:
    """Give the times of what a payload says was changed."""
    return [dig(each, "updated_at.current_value") for each in objects(told.get("changed_attributes"))]


def _latest(*times: Any) -> str | None:
    return max((found for each in times if (found := instant(each)) is not None), default=None)


def _opening(told: Mapping[str, Any]) -> str | None:
    """Read the message that a new conversation carries; later ones carry the last, which need not be it."""
    message = mapping(dig(told, "messages.0"))
    is_first = (text(told.get("event")) or "").removeprefix(_OF_RULES) == "conversation_created"
    return (
        plain(message.get("content")) if is_first and text(message.get("message_type")) in _INCOMING else None
    )


def _person(contact: Mapping[str, Any]) -> dict[str, Any]:
    about = mapping(contact.get("additional_attributes"))
    return {
        "email": text(contact.get("email")), "phone": text(contact.get("phone_number")),
        "name": real_name(contact.get("name")),
        "company": first_text(about, "company_name", "company"),
        "user_id": text(contact.get("identifier")), "crm_id": _prefixed(contact.get("id")),
    }  # fmt: skip


def _prefixed(value: Any) -> str | None:
    said = text(value)
    return said and f"chatwoot:{said}"


def _contact(told: Mapping[str, Any]) -> Facts:
    person = _person(told)
    if person["crm_id"] is None or not any(person[each] for each in ("email", "phone", "name", "user_id")):
        return
    yield {
        "fact": "contact", "provider_id": text(told.get("id")), "name": person["name"],
        "at": _latest(told.get("updated_at"), told.get("last_activity_at"), *_changed_at(told)),
        "emails": [person["email"]] if person["email"] else None,
        "phones": [person["phone"]] if person["phone"] else None, "user_id": person["user_id"],
        "account": without_blanks({"name": person["company"]}),
    }  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    given = demand_header(delivery, "x-chatwoot-signature").lower()
    sent = demand_header(delivery, "x-chatwoot-timestamp")
    sent_s = demand_number(sent)
    demand_same(given, f"sha256={hex_mac(secret, b'%b.%b' % (sent.encode(), delivery.body))}")
    demand_fresh(sent_s * 1_000, delivery)


ADAPTER = Adapter(
    name="chatwoot",
    label="Chatwoot",
    parse=_parse,
    verify=_verify,
    secret="the webhook's secret, which newer versions of Chatwoot show with it; older ones have none",
    steps=(
        "In Chatwoot open Settings, Integrations, Webhooks, Configure, Add new webhook.",
        "Enter {url} and choose Conversation created, Conversation status changed, Message created, Contact"
        " created and Contact updated.",
        "Where Chatwoot shows a secret for the webhook, give it as --secret.",
        "Have the site hand over our token: window.$chatwoot.setCustomAttributes({tl_visitor: TOKEN}).",
    ),
    verified="the project's own code for shapes; the signature after public receivers",
)
