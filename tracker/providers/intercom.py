"""Intercom: conversations that a customer began are chats; what is told of contacts is who they are.

Notifications come in two shapes: before API 2.0 a conversation has `user` and `conversation_message`, since
then `source` and `contacts`. A conversation begun by a teammate, a bot or a campaign is no lead. A reply of a
teammate is an activity. A ticket is a lead where the customer submitted it.

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
SPOKEN = frozenset({"comment", "assignment", "open", "close", "note_and_reopen", "quick_reply"})


def _parse(delivery: Delivery) -> Facts:
    notice = mapping(delivery.document)
    topic = text(notice.get("topic")) or ""
    item = mapping(dig(notice, "data.item") or notice)
    told_at = instant(notice.get("created_at")) or instant(item.get("updated_at"))
    kind = text(item.get("type"))
    if kind == "conversation" and text(item.get("id")):
        yield from _conversation(item, topic, told_at)
    elif kind == "ticket" and text(item.get("id")):
        yield from _ticket(item, told_at)
    if topic.rpartition(".")[2] not in GONE:
        for person in _persons(item):
            yield from _contact(person, told_at)


def _conversation(item: Mapping[str, Any], topic: str, told_at: str | None) -> Facts:
    customer = _customer(item)
    if _is_begun_by_customer(item, topic):
        yield _lead(item, customer, told_at)
    for part in objects(dig(item, "conversation_parts.conversation_parts")):
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
        part for part in objects(dig(item, "conversation_parts.conversation_parts"))
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
    """Put the customer together: of the contacts, with what the opening's author adds."""
    known = mapping(dig(item, "contacts.contacts.0") or dig(item, "contacts.0") or item.get("user"))
    author = mapping(dig(item, "source.author"))
    if text(author.get("type")) not in CUSTOMERS:
        author = {}
    kind = text(author.get("type")) or text(known.get("role")) or text(known.get("type"))
    return {**without_blanks(author), **without_blanks(known), "type": kind}


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


def _ticket(item: Mapping[str, Any], told_at: str | None) -> Facts:
    if text(dig(item, "ticket_parts.ticket_parts.0.author.type")) not in CUSTOMERS:
        return
    contact = mapping(dig(item, "contacts.contacts.0"))
    author = mapping(dig(item, "ticket_parts.ticket_parts.0.author"))
    told = mapping(item.get("ticket_attributes"))
    yield {
        "fact": "lead", "kind": "chat", "provider_id": f"ticket-{text(item['id'])}",
        "at": instant(item.get("created_at")), "version_at": told_at,
        **_person({**without_blanks(author), **without_blanks(contact)}),
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
