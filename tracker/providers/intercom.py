"""Intercom: conversations that a customer began are chats; what is told of contacts is who they are.

Notifications come in two shapes: before API 2.0 a conversation has `user` and `conversation_message`, since
then `source` and `contacts`. A conversation begun by a teammate, a bot or a campaign is no lead. A reply of a
teammate is an activity. A ticket is a conversation under the same id, told again: it is a lead where the
customer submitted it, or answered the bot that asked for it.

Source: https://developers.intercom.com/docs/references/webhooks/webhook-models
Source: https://developers.intercom.com/docs/webhooks/webhook-notifications
Unconfirmed: `X-Body-Signature` on webhooks (documented for canvases, as hex SHA-256), and where the contact
that was swallowed stands in `contact.merged`; the one that stays is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracker.providers.adapter import OK, Adapter, Delivery, Facts, Reply, Unproved
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

CUSTOMERS = frozenset({"user", "lead", "contact", "visitor"})
BEGUN_BY_CUSTOMER = frozenset({"customer_initiated"})
PERSONS = frozenset({"contact", "user", "lead", "visitor"})
GONE = frozenset({"deleted", "archived"})
TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_PARTS = "conversation_parts.conversation_parts"
_TICKET_PARTS = "ticket_parts.ticket_parts"
_ASKED = frozenset({"attribute_collected"})  # the customer answered a bot
SPOKEN = frozenset({"comment", "assignment", "open", "close", "note_and_reopen", "quick_reply"})


def _parse(delivery: Delivery) -> Facts:
    notice = mapping(delivery.document)
    topic = text(notice.get("topic")) or ""
    item = mapping(dig(notice, "data.item") or notice)
    told_at = instant(notice.get("created_at")) or instant(item.get("updated_at"))
    kind = text(item.get("type"))
    is_talk = kind == "conversation" or kind is None and topic.startswith("conversation.")
    if is_talk and text(item.get("id")):
        yield from _conversation(item, topic, told_at)
    elif ticket := _ticket_of(item):
        yield _ticket(ticket, told_at)
    if topic.rpartition(".")[2] not in GONE:
        for person in _persons(item):
            yield from _contact(person, told_at)


def _conversation(item: Mapping[str, Any], topic: str, told_at: str | None) -> Facts:
    customer = _customer(item)
    if _is_begun_by_customer(item, topic):
        yield _lead(item, customer, told_at)
    for part in objects(dig(item, _PARTS)):
        if topic == "conversation.admin.replied" and text(dig(part, "author.type")) == "admin":
            yield _reply(part, f"{text(item['id'])}:{text(part.get('id'))}", customer)
    if topic == "conversation.admin.single.created":
        opening = mapping(item.get("source") or item.get("conversation_message"))
        told = {"created_at": item.get("created_at"), **opening}
        yield _reply(told, f"{text(item['id'])}:opening", customer)


def _is_begun_by_customer(item: Mapping[str, Any], topic: str) -> bool:
    by = first_text(item, "source.author.type", "conversation_message.author.type")
    if text(dig(item, "source.delivered_as")) in BEGUN_BY_CUSTOMER or topic == "conversation.user.created":
        return True
    return by in CUSTOMERS if by is not None else topic == "conversation.user.replied"


def _lead(item: Mapping[str, Any], customer: Mapping[str, Any], told_at: str | None) -> dict[str, Any]:
    message = first(item, "source.body", "conversation_message.body")
    subject = plain(first(item, "source.subject", "conversation_message.subject"))
    place = mapping(first(customer, "location", "location_data"))
    return {
        "fact": "lead", "kind": "chat", "provider_id": text(item["id"]),
        "at": instant(item.get("created_at")), "version_at": told_at or instant(item.get("updated_at")),
        **_person(customer),
        "visitor_id": visitor_token(item),
        "page_url": first_text(item, "source.url", "conversation_message.url", "first_contact_reply.url"),
        "referrer": first_text(item, "contacts.contacts.referrer", "user.referrer"),
        **{tag: first_text(item, f"contacts.contacts.{tag}", f"user.{tag}") for tag in TAGS},
        "transcript": _transcript(item),
        "fields": without_blanks({
            "message": plain(message), "subject": subject, "state": text(item.get("state")),
            "city": first_text(place, "city", "city_name"),
            "country": first_text(place, "country", "country_name"),
        }),
    }  # fmt: skip


def _transcript(item: Mapping[str, Any]) -> str | None:
    """Write down a conversation that came with its parts; an event brings one, which is no transcript."""
    parts = [
        part for part in objects(dig(item, _PARTS))
        if plain(part.get("body")) and text(part.get("part_type")) in SPOKEN
    ]  # fmt: skip
    if len(parts) < 2:
        return None
    opening = mapping(item.get("source") or item.get("conversation_message"))
    return transcript(Line(_who(each), plain(each.get("body"))) for each in (opening, *parts))


def _who(part: Mapping[str, Any]) -> str:
    kind = text(dig(part, "author.type")) or ""
    return "visitor" if kind in CUSTOMERS else kind or "operator"


def _customer(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put the customer together: the contact who began, with what authors of what was said add."""
    told = [item.get("source"), item.get("conversation_message"), *objects(dig(item, _PARTS)),
            *objects(dig(item, _TICKET_PARTS))]  # fmt: skip
    authors = [mapping(dig(each, "author")) for each in told]
    authors = [each for each in authors if text(each.get("type")) in CUSTOMERS]
    contacts = list(objects(first(item, "contacts.contacts", "contacts", "user")))
    began = text(authors[0].get("id")) if authors else None
    known = next((each for each in contacts if text(each.get("id")) == began), next(iter(contacts), {}))
    person_id = text(known.get("id")) or began
    own = [each for each in authors if text(each.get("id")) == person_id]
    kind = first_text(item, "source.author.type") if own else None
    kind = kind if kind in CUSTOMERS else first_text(known, "role", "type")
    added = {name: value for each in reversed(own) for name, value in without_blanks(each).items()}
    return {**added, **without_blanks(known), "type": kind}


def _person(customer: Mapping[str, Any]) -> dict[str, Any]:
    """Name a person. The external id of a lead is Intercom's own number of a browser, not the site's."""
    person_id = text(customer.get("id"))
    external_id = first_text(customer, "external_id", "user_id")
    kind = text(customer.get("role")) or text(customer.get("type"))
    return {
        "email": text(customer.get("email")), "phone": text(customer.get("phone")),
        "name": real_name(customer.get("name")),
        "company": first_text(customer, "companies.companies.name", "companies.data.name"),
        "user_id": external_id if kind == "user" else None,
        "crm_id": person_id and f"intercom:{person_id}",
        "chat_id": external_id and f"intercom:{external_id}" if kind in ("lead", "visitor") else None,
    }  # fmt: skip


def _reply(part: Mapping[str, Any], reply_id: str, customer: Mapping[str, Any]) -> dict[str, Any]:
    person = _person(customer)
    said_at = instant(part.get("created_at"))
    return {
        "fact": "activity", "kind": "other", "title": "chat reply", "provider_id": reply_id,
        "at": said_at, "version_at": said_at, "email": person["email"], "crm_id": person["crm_id"],
        "owner": first_text(part, "author.name", "author.email"),
    }  # fmt: skip


def _ticket_of(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Find the ticket, which an event of one of its parts wraps."""
    ticket = item if text(item.get("type")) == "ticket" else mapping(item.get("ticket"))
    return ticket if text(ticket.get("type")) == "ticket" and text(ticket.get("id")) else None


def _ticket(item: Mapping[str, Any], told_at: str | None) -> dict[str, Any]:
    told = mapping(item.get("ticket_attributes"))
    opening = mapping(dig(item, f"{_TICKET_PARTS}.0"))
    is_begun = text(dig(opening, "author.type")) in CUSTOMERS or text(opening.get("part_type")) in _ASKED
    return {
        "fact": "lead", "kind": "chat", "provider_id": text(item["id"]), "is_addition": not is_begun or None,
        "at": instant(item.get("created_at")), "version_at": told_at or instant(item.get("updated_at")),
        **_person(_customer(item)),
        "visitor_id": visitor_token(item),
        "fields": without_blanks({
            "subject": plain(told.get("_default_title_")),
            "message": plain(told.get("_default_description_")),
            "state": first_text(item, "ticket_state.category", "ticket_state"),
        }),
    }  # fmt: skip


def _persons(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if text(item.get("type")) in PERSONS:
        yield item
    elif text(item.get("type")) not in ("conversation", "ticket"):
        for name in ("contact", "user", "lead"):
            yield from objects(item.get(name))


def _contact(person: Mapping[str, Any], told_at: str | None) -> Facts:
    named = _person(person)
    if named["crm_id"] is None or not any(named[each] for each in ("email", "phone", "name", "user_id")):
        return
    company = first(person, "companies.companies.0", "companies.data.0")
    yield {
        "fact": "contact", "provider_id": text(person.get("id")),
        "at": instant(person.get("updated_at")) or told_at, "version_at": told_at,
        "emails": [named["email"]] if named["email"] else None,
        "phones": [named["phone"]] if named["phone"] else None,
        "user_id": named["user_id"], "name": named["name"],
        "account": without_blanks(
            {"name": named["company"], "crm_id": first_text(company, "company_id", "id")}
        ),
    }  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    if "x-hub-signature" in delivery.headers or "x-body-signature" not in delivery.headers:
        given = demand_header(delivery, "x-hub-signature").lower()
        if not given.startswith("sha1="):
            raise Unproved("X-Hub-Signature is not written sha1=...")
        demand_same(given, f"sha1={hex_mac(secret, delivery.body, 'sha1')}")
    else:
        given = demand_header(delivery, "x-body-signature").lower().removeprefix("sha256=")
        demand_same(given, hex_mac(secret, delivery.body))


def _greet(delivery: Delivery, secrets: tuple[str, ...]) -> Reply | None:
    """Answer the look that Intercom takes at an address when it is entered."""
    return OK if delivery.method in ("HEAD", "GET") else None


ADAPTER = Adapter(
    name="intercom",
    label="Intercom",
    parse=_parse,
    verify=_verify,
    greet=_greet,
    secret="the app's client secret, in the Developer Hub under Basic information",
    steps=(
        "In Intercom's Developer Hub open your app, or make one for your workspace.",
        "Under Configure, Webhooks, enter {url} as the endpoint.",
        "Subscribe to conversation.user.created, conversation.user.replied, conversation.admin.replied,"
        " conversation.admin.closed, contact.lead.added_email, contact.lead.signed_up, contact.user.created"
        " and contact.email.updated.",
        "Copy the client secret from Basic information and give it as --secret.",
    ),
    verified="documented notifications, public captures of both API shapes; X-Hub-Signature as documented",
)
