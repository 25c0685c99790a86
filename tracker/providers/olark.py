"""Olark: transcripts in which the visitor wrote, and messages left while nobody was there.

A form field `data` carries the JSON. A transcript comes once, when the chat is over. A greeting that Olark
says by itself looks like an operator's message, so that a chat counts where the visitor wrote at all. An
offline message may hold the address in its text alone. What tries a webhook is tagged `test_example`.

Source: https://www.olark.com/help/webhooks
Unconfirmed: there is no proof of the sender: the hook's address is the secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tracker.errors import BadRequest
from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.calling import names_of, rest, tags
from tracker.providers.documents import read_json
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
from tracker.providers.talk import Line, plain, real_name, transcript

_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_TRIED = "test_example"
_OWN = frozenset({"MessageToOperator", "OfflineMessage"})
_WRITERS = {"MessageToOperator": "visitor", "OfflineMessage": "visitor", "MessageToVisitor": "operator"}


def _parse(delivery: Delivery) -> Facts:
    told = _told(delivery)
    chat_id = first_text(told, "id", "visitor.conversationId")
    items = [item for item in objects(told.get("items")) if text(item.get("kind")) in _WRITERS]
    own = [item for item in items if text(item.get("kind")) in _OWN]
    if not own:
        return
    visitor = mapping(told.get("visitor"))
    visitor_id = text(visitor.get("id"))
    custom = mapping(visitor.get("customFields"))
    opening = plain(own[0].get("body"))
    yield {
        "fact": "lead", "kind": "chat", "provider_id": chat_id,
        "at": instant(items[0].get("timestamp")), "version_at": instant(items[-1].get("timestamp")),
        "name": real_name(visitor.get("fullName")),
        "email": text(visitor.get("emailAddress")) or _address(own),
        "phone": text(visitor.get("phoneNumber")), "company": text(visitor.get("organization")),
        "user_id": first_text(custom, "user_id", "userId", "internalCustomerId"),
        "chat_id": visitor_id and f"olark:{visitor_id}", "visitor_id": visitor_token(told),
        "page_url": text(visitor.get("conversationBeginPage")), "referrer": text(visitor.get("referrer")),
        **tags(custom), "is_test": _TRIED in names_of(told.get("tags")) or None,
        "transcript": _transcript(items),
        "fields": without_blanks({
            **{name: text(value) for name, value in rest(custom).items()}, "message": opening,
            "city": text(visitor.get("city")), "region": text(visitor.get("region")),
            "country": text(visitor.get("country")), "group": text(dig(told, "groups.0.name")),
        }),
    }  # fmt: skip


def _told(delivery: Delivery) -> Mapping[str, Any]:
    told = mapping(delivery.document)
    if isinstance(told.get("data"), str):
        try:
            return mapping(read_json(told["data"]))
        except BadRequest:
            raise BadRequest("bad_body", "the field data holds no JSON") from None
    return mapping(told.get("data")) or told


def _address(own: list[Mapping[str, Any]]) -> str | None:
    """Find the address in an offline message, where it is the only one."""
    offline = (text(item.get("body")) or "" for item in own if text(item.get("kind")) == "OfflineMessage")
    found = {each.lower() for each in _EMAIL.findall("\n".join(offline)[:20_000])}
    return found.pop() if len(found) == 1 else None


def _transcript(items: list[Mapping[str, Any]]) -> str | None:
    if len(items) < 2:
        return None
    return transcript(Line(_WRITERS[text(item.get("kind")) or ""], plain(item.get("body"))) for item in items)


ADAPTER = Adapter(
    name="olark",
    label="Olark",
    parse=_parse,
    steps=(
        "In Olark open Settings, Integrations, Webhooks.",
        "Enter {url} as the address and have it sent for all transcripts and offline messages.",
        "Have the site hand over our token: olark('api.visitor.updateCustomFields', {tl_visitor: TOKEN}).",
    ),
    verified="documented transcripts and offline messages",
)
