"""Crisp: a session in which the visitor wrote is a chat; what else is told of a session adds to it.

Every visitor of a page has a session, so pages, places and addresses alone are no lead. What an operator, a
bot or a campaign says is none either. Plugin hooks are signed: the SDK signs the time, a semicolon and the
body in brackets. Website hooks are not signed; for them the hook's address is the secret.

Source: https://docs.crisp.chat/references/web-hooks/v1
Source: https://docs.crisp.chat/guides/web-hooks/quickstart
Source: https://github.com/crisp-im/node-crisp-api (verifyHook)
Unconfirmed: `page_referrer`, and a person's place outside `update` and `identity`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.reading import (
    dig,
    first_text,
    instant,
    mapping,
    objects,
    text,
    visitor_token,
    without_blanks,
)
from tracker.providers.signing import demand_fresh, demand_header, demand_number, demand_same, hex_mac
from tracker.providers.talk import plain, real_name

_SECONDS_BELOW = 100_000_000_000
_ADDING = (
    "session:set_email", "session:set_phone", "session:set_nickname", "session:set_data", "session:set_state",
    "session:sync:pages", "session:sync:geolocation", "session:set_segments", "session:set_subject",
    "session:sync:rating",
)  # fmt: skip
_BINDING = frozenset({"people:bind:session", "people:sync:profile"})
_PROFILES = frozenset({"people:profile:created", "people:profile:updated", "people:sync:profile"})
_PERSONS = ("person", "update.person", "identity.person", "profile.person")  # where a profile says who it is


def _parse(delivery: Delivery) -> Facts:
    notice = mapping(delivery.document)
    event = text(notice.get("event")) or ""
    data = mapping(notice.get("data"))
    told_at = instant(data.get("timestamp")) or instant(notice.get("timestamp"))
    session_id = first_text(data, "session_id", "session.session_id")
    if event in _PROFILES:
        yield from _profile(data, told_at)
    if session_id is None:
        return
    if event in _BINDING:
        yield {**_lead(session_id, told_at), **_bound(data), "is_addition": True}
    elif event.startswith("message:send") and text(data.get("from")) in ("user", None):
        yield {**_lead(session_id, told_at), **_message(data)}
    elif event in _ADDING:
        yield {**_lead(session_id, told_at), **_added(data), "is_addition": True}


def _lead(session_id: str, told_at: str | None) -> dict[str, Any]:
    return {
        "fact": "lead", "kind": "chat", "provider_id": session_id, "chat_id": f"crisp:{session_id}",
        "version_at": told_at,
    }  # fmt: skip


def _message(data: Mapping[str, Any]) -> dict[str, Any]:
    user_id = text(dig(data, "user.user_id"))
    return {
        "name": real_name(dig(data, "user.nickname")), "email": text(dig(data, "user.email")),
        "user_id": None if user_id is None or user_id.startswith("session_") else user_id,
        "visitor_id": visitor_token(data),
        "fields": without_blanks({"message": _said(data.get("content")), "origin": text(data.get("origin"))}),
    }  # fmt: skip


def _said(content: Any) -> str | None:
    """Read a message: text as it is, a file by its name, a form by its answer."""
    if isinstance(content, Mapping):
        return plain(first_text(content, "value", "text", "name", "url"))
    return plain(content)


def _added(data: Mapping[str, Any]) -> dict[str, Any]:
    pages = list(objects(data.get("pages")))
    given = mapping(data.get("data"))
    place = mapping(data.get("geolocation"))
    return {
        "email": text(data.get("email")), "phone": text(data.get("phone")),
        "name": real_name(data.get("nickname")),
        "visitor_id": visitor_token(data),
        "user_id": first_text(given, "user_id", "userId", "external_id"),
        "company": first_text(given, "company", "company_name"),
        "page_url": _page_url(pages),
        "referrer": next((found for page in pages if (found := text(page.get("page_referrer")))), None),
        "fields": without_blanks({
            **{str(name): text(value) for name, value in given.items()},
            "state": text(data.get("state")), "subject": plain(data.get("subject")),
            "city": text(place.get("city")), "region": text(place.get("region")),
            "country": text(place.get("country")), "rating": text(dig(data, "rating.stars")),
        }),
    }  # fmt: skip


def _page_url(pages: list[Mapping[str, Any]]) -> str | None:
    """Give the page that was seen last."""
    dated = sorted(pages, key=lambda page: instant(page.get("timestamp")) or "")
    return text(dated[-1].get("page_url")) if dated else None


def _bound(data: Mapping[str, Any]) -> dict[str, Any]:
    """Tell whose session it is: what is known of the profile later is known of the chat."""
    people_id = text(data.get("people_id"))
    return {"crm_id": people_id and f"crisp:{people_id}", "email": text(dig(data, "identity.email"))}


def _profile(data: Mapping[str, Any], told_at: str | None) -> Facts:
    email = first_text(data, "email", "profile.email", "identity.email")
    phone = first_text(data, "phone", "person.phones", *(f"{each}.phone" for each in _PERSONS))
    phone = phone or text(dig(data, "profile.phone"))
    name = real_name(first_text(data, "nickname", *(f"{each}.nickname" for each in _PERSONS)))
    people_id = first_text(data, "people_id", "profile.people_id")
    if people_id and told_at and (email or phone):
        yield {
            "fact": "contact", "provider_id": people_id, "at": told_at, "version_at": told_at, "name": name,
            "emails": [email] if email else None, "phones": [phone] if phone else None,
        }  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    given = demand_header(delivery, "x-crisp-signature")
    sent = demand_header(delivery, "x-crisp-request-timestamp")
    sent_ms = demand_number(sent)
    demand_same(given.lower(), hex_mac(secret, b"[%b;%b]" % (sent.encode(), delivery.body)))
    demand_fresh(sent_ms * 1_000 if sent_ms < _SECONDS_BELOW else sent_ms, delivery)


ADAPTER = Adapter(
    name="crisp",
    label="Crisp",
    parse=_parse,
    verify=_verify,
    secret="the signing secret of a plugin's web hooks (Crisp Marketplace); a website's own hooks have none",
    steps=(
        "In Crisp open Settings, Workspace Settings, Advanced configuration, Web Hooks, and add a hook.",
        "Enter {url} as its address and choose message:send, session:set_email, session:set_phone,"
        " session:set_nickname, session:set_data, session:sync:pages, session:set_state,"
        " people:bind:session and people:profile:updated.",
        "For signed hooks make a private plugin in the Crisp Marketplace instead, enter {url} under Web Hooks"
        " and give its signing secret as --secret.",
        'Have the site hand over our token: $crisp.push(["set", "session:data", [[["tl_visitor", TOKEN]]]]).',
    ),
    verified="documented envelope and events; signature after the official SDK",
)
