"""LiveChat (text.com): a chat that the customer began, with what the form before it asked.

A chat goes on over its threads under one id; before version 3.2 its begin and end are told as a thread's.
There is no signature: `secret_key` in the body is the proof, and is taken out of what is kept. Webhooks of
version 2 (`chat_started`, `chat_ended`) prove themselves by `token`.

Source: https://platform.text.com/docs/management/webhooks/
Source: https://platform.text.com/docs/extending-chat-widget (session fields)
Unconfirmed: webhooks of version 2, read as they were documented.
"""

from __future__ import annotations

import re
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
    visitor_token,
    without_blanks,
)
from tracker.providers.signing import demand_told, without
from tracker.providers.talk import Line, plain, real_name, transcript

_CUSTOMER_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_BEGUN = frozenset({"incoming_chat", "incoming_chat_thread"})
_ENDED = frozenset({"chat_deactivated", "thread_closed"})
_CUSTOMERS = frozenset({"incoming_customer", "customer_created", "customer_updated"})
_ANSWERS = {
    "email": ("email", "e-mail", "mail"),
    "phone": ("phone", "telephone", "mobile"),
    "name": ("name",),
}


def _parse(delivery: Delivery) -> Facts:
    told = mapping(delivery.document)
    action = text(told.get("action"))
    payload = mapping(told.get("payload"))
    if action in _BEGUN:
        yield from _chat(payload)
    elif action == "incoming_event":
        yield from _event(payload)
    elif action in _CUSTOMERS:
        yield from _contact(payload)
    elif action in _ENDED:
        yield from _addition(payload, {"state": "closed"})
    elif action == "customer_session_fields_updated":
        yield from _addition({**mapping(payload.get("active_chat")), **payload}, {})
    elif text(told.get("event")) in ("chat_started", "chat_ended"):
        yield from _old_chat(told)


def _chat(payload: Mapping[str, Any]) -> Facts:
    chat = mapping(payload.get("chat"))
    chat_id = text(chat.get("id"))
    if chat_id is None:
        return
    customer = next((each for each in objects(chat.get("users")) if text(each.get("type")) == "customer"), {})
    thread = mapping(first(chat, "thread", "threads.0"))
    events = list(objects(thread.get("events")))
    asked = _asked(events)
    begun_at = instant(first(thread, "created_at", "timestamp"))
    yield {
        "fact": "lead", "kind": "chat", "provider_id": chat_id,
        "at": begun_at, "is_at_of_event": begun_at is not None or None, "version_at": begun_at,
        "is_addition": not _is_begun_by(customer, payload, events) or None,
        **_person(customer, asked), **_visit(customer, mapping(dig(thread, "properties.routing"))),
        "visitor_id": visitor_token(payload),
        "fields": without_blanks({**asked, **_place(customer), "message": _message(customer, events)}),
    }  # fmt: skip


def _is_begun_by(
    customer: Mapping[str, Any], payload: Mapping[str, Any], events: list[Mapping[str, Any]]
) -> bool:
    """Tell whether the customer began: as the requester, or by a word among the first; by default so.

    A welcome goes before the customer's own first words, which come with the chat and not again.
    """
    written = [each for each in events if text(each.get("type")) in ("message", "filled_form", "file")]
    authors = [found for each in written if (found := text(each.get("author_id")))]
    asked = text(payload.get("requester_id"))
    return not authors and asked is None or text(customer.get("id")) in (asked, *authors)


def _message(customer: Mapping[str, Any], events: list[Mapping[str, Any]]) -> str | None:
    own = (each for each in events if text(each.get("author_id")) in (text(customer.get("id")), None))
    return next((said for each in own if (said := plain(each.get("text")))), None)


def _asked(events: list[Mapping[str, Any]]) -> dict[str, str]:
    """Read what a form before the chat asked: answers are texts, or objects with a label."""
    found: dict[str, str] = {}
    for event in events:
        for field in objects(event.get("fields")) if text(event.get("type")) == "filled_form" else ():
            label = (text(field.get("label")) or text(field.get("type")) or "").strip(" :*")
            said = first_text(field, "answer.label", "answers.label", "answer", "value")
            if label and said:
                found[label] = said
    return found


def _person(customer: Mapping[str, Any], asked: Mapping[str, str]) -> dict[str, Any]:
    customer_id = text(customer.get("id"))
    given = {
        field: next((said for label, said in asked.items() if label.lower().endswith(words)), None)
        for field, words in _ANSWERS.items()
    }
    return {
        "name": real_name(customer.get("name")) or real_name(given["name"]),
        "email": text(customer.get("email")) or given["email"], "phone": given["phone"],
        "chat_id": customer_id and f"livechat:{customer_id}",
        "crm_id": customer_id and f"livechat:{customer_id}",
    }  # fmt: skip


def _visit(customer: Mapping[str, Any], routing: Mapping[str, Any]) -> dict[str, Any]:
    visit = mapping(first(customer, "last_visit", "visit"))
    pages = [text(page.get("url")) for page in objects(visit.get("last_pages"))]
    return {"page_url": pages[-1] if pages else text(routing.get("start_url")),
            "landing_page": pages[0] if pages else None,
            "referrer": text(visit.get("referrer")) or text(routing.get("referrer"))}  # fmt: skip


def _place(customer: Mapping[str, Any]) -> dict[str, Any]:
    place = mapping(first(customer, "last_visit.geolocation", "visit.geolocation"))
    return {"city": text(place.get("city")), "country": text(place.get("country"))}


def _event(payload: Mapping[str, Any]) -> Facts:
    """A message of the customer makes the lead; of the team, whose ids look otherwise, it adds nothing."""
    event = mapping(payload.get("event"))
    chat_id, author_id = text(payload.get("chat_id")), text(event.get("author_id"))
    if chat_id is None or author_id is None or not _CUSTOMER_ID.fullmatch(author_id):
        return
    asked = _asked([event])
    yield {
        "fact": "lead", "kind": "chat", "provider_id": chat_id,
        "version_at": instant(first(event, "created_at", "timestamp")),
        **_person({"id": author_id}, asked), "visitor_id": visitor_token(payload),
        "fields": without_blanks({**asked, "message": plain(event.get("text"))}),
    }  # fmt: skip


def _contact(payload: Mapping[str, Any]) -> Facts:
    """Tell who a customer is, where a customer is told of apart from any chat."""
    customer = mapping(first(payload, "customer")) or payload
    customer_id, email = text(customer.get("id")), text(customer.get("email"))
    if customer_id is not None and email is not None:
        yield {
            "fact": "contact", "provider_id": customer_id, "name": real_name(customer.get("name")),
            "emails": [email],
        }  # fmt: skip


def _addition(payload: Mapping[str, Any], fields: Mapping[str, str]) -> Facts:
    chat_id = text(payload.get("chat_id"))
    if chat_id is not None:
        yield {
            "fact": "lead", "kind": "chat", "provider_id": chat_id, "is_addition": True,
            "visitor_id": visitor_token(payload), "fields": dict(fields),
        }  # fmt: skip


def _old_chat(told: Mapping[str, Any]) -> Facts:
    chat, visitor = mapping(told.get("chat")), mapping(told.get("visitor"))
    chat_id = text(chat.get("id"))
    if chat_id is None:
        return
    lines = list(objects(chat.get("messages")))
    first_by = next((text(each.get("user_type")) for each in lines), None)
    visitor_id = text(visitor.get("id"))
    asked = dict(_old_answers(told))
    yield {
        "fact": "lead", "kind": "chat", "provider_id": chat_id,
        "at": instant(first(chat, "started_timestamp", "started")),
        "version_at": instant(first(chat, "ended_timestamp", "started_timestamp")),
        "is_addition": first_by not in (None, "visitor") or None,
        **_person({"name": visitor.get("name"), "email": visitor.get("email")}, asked),
        "chat_id": visitor_id and f"livechat:{visitor_id}",
        "crm_id": visitor_id and f"livechat:{visitor_id}",
        "visitor_id": visitor_token(told),
        "page_url": first_text(chat, "url") or text(visitor.get("page_current")),
        "referrer": text(chat.get("referer")),
        "transcript": transcript(Line(text(each.get("user_type")) or "agent", plain(each.get("text")))
                                 for each in lines) if len(lines) > 1 else None,
        "fields": without_blanks({
            **asked, "city": text(visitor.get("city")), "country": text(visitor.get("country")),
            "message": next((plain(each.get("text")) for each in lines
                             if text(each.get("user_type")) == "visitor"), None),
        }),
    }  # fmt: skip


def _old_answers(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for each in objects(told.get("pre_chat_survey")):
        label, said = first_text(each, "label", "key", "id"), first_text(each, "answer", "value")
        if label and said:
            yield label.strip(" :*"), said


def _verify(delivery: Delivery, secret: str) -> None:
    demand_told(delivery, secret, "secret_key", "token")


def _hush(delivery: Delivery) -> bytes:
    return without(delivery, "secret_key", "token")


ADAPTER = Adapter(
    name="livechat",
    label="LiveChat",
    parse=_parse,
    verify=_verify,
    hush=_hush,
    secret="the secret_key that the webhook is registered with",
    steps=(
        "In the Developer Console of text.com make an app with the building block Chat webhooks.",
        "Register webhooks to {url} for incoming_chat, incoming_event, chat_deactivated and"
        " customer_session_fields_updated, with a secret_key of your choice, and install the app.",
        "Give the secret_key as --secret.",
        "Have the site hand over our token as a session variable:"
        " LiveChatWidget.call('set_session_variables', {tl_visitor: TOKEN}).",
    ),
    verified="documented webhooks 3.x and their secret_key",
)
