"""Wufoo: an entry as a form, `Field1` to `FieldN`, with the form's structure as JSON where it is asked for.

The handshake key stands in the body and is taken out before the delivery is kept. `EntryId` counts within
one form, so the form's hash goes with it where the structure tells it. `DateCreated` has no zone.

Source: https://wufoo.github.io/docs/ (Webhooks, Fields)
Source: https://help.surveymonkey.com/en/wufoo/integrations/webhooks/
Unconfirmed: `DateCreated` is read in the site's zone; retries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from tracker.providers.adapter import Adapter, Delivery, Facts, Unproved
from tracker.providers.answers import Answer, Kind, spelled
from tracker.providers.guess import form_lead
from tracker.providers.reading import first_text, instant, mapping, objects, text
from tracker.providers.shapes import content_key, demand_object, unpacked
from tracker.providers.signing import demand_same

_SECRET = "HandshakeKey"
_PART = re.compile(rb'(name="?HandshakeKey"?[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n)[^\r\n]*')
_FIELD = re.compile(r"Field\d+(?:-\d+)?")
_KINDS: Mapping[str, Kind] = {
    "email": "email", "phone": "phone", "name": "name", "shortname": "name", "text": "text",
    "textarea": "long_text", "url": "url", "number": "number", "money": "number", "date": "date",
    "eurodate": "date", "time": "date", "address": "address", "file": "file", "select": "choice",
    "radio": "choice", "checkbox": "choice", "likert": "choice", "rating": "number",
}  # fmt: skip
_PARTS = {"prefix": "prefix", "title": "prefix", "first": "first", "last": "last", "suffix": "suffix"}


def _verify(delivery: Delivery, secret: str) -> None:
    document = delivery.document
    given = text(document.get(_SECRET)) if isinstance(document, Mapping) else None
    if given is None:
        raise Unproved("the HandshakeKey is missing")
    demand_same(given, secret, "HandshakeKey")


def _hush(delivery: Delivery) -> bytes:
    """Take the handshake key out of the body, and leave the rest as it came."""
    document = delivery.document
    if not isinstance(document, Mapping) or _SECRET not in document:
        return delivery.body
    if delivery.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return json.dumps({name: each for name, each in document.items() if name != _SECRET}).encode()
    if delivery.body.lstrip()[:2] == b"--":
        return _PART.sub(rb"\1", delivery.body)
    return b"&".join(pair for pair in delivery.body.split(b"&") if _name(pair) != _SECRET)


def _name(pair: bytes) -> str:
    return unquote_plus(pair.partition(b"=")[0].decode("latin-1"))


def _parse(delivery: Delivery) -> Facts:
    document = demand_object(delivery.document)
    form = mapping(unpacked(document.get("FormStructure")))
    number, hash_ = first_text(document, "EntryId"), first_text(form, "Hash")
    key = f"{hash_}:{number}" if number and hash_ else number
    at = instant(document.get("DateCreated"), delivery.zone)
    yield form_lead(
        _answers(document),
        provider_id=key or content_key(delivery),
        at=at,
        version_at=instant(document.get("DateUpdated"), delivery.zone) or at,
        form=first_text(form, "Name"),
    )


def _answers(document: Mapping[str, Any]) -> Iterator[Answer]:
    """Read the fields that the structure tells of, then those that it does not."""
    known: set[str] = set()
    structure = unpacked(document.get("FieldStructure"))
    listed = structure.get("Fields") if isinstance(structure, Mapping) else structure
    for field in objects(listed):
        ids = [first_text(each, "ID") or "" for each in objects(field.get("SubFields"))]
        ids = [*ids, first_text(field, "ID") or ""]
        known.update(ids)
        yield from _answer(field, document)
    for name, value in document.items():
        if _FIELD.fullmatch(str(name)) and name not in known:
            yield Answer(name, value)


def _answer(field: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Answer]:
    kind = _KINDS.get(str(field.get("Type")).lower(), "")
    label = first_text(field, "Title", "ID") or "answer"
    subfields = list(objects(field.get("SubFields")))
    parts = [(first_text(each, "Label") or "", document.get(str(each.get("ID")))) for each in subfields]
    if not parts:
        yield Answer(label, document.get(str(field.get("ID"))), kind)
    elif kind == "name":
        yield Answer(label, _name_parts(parts), "name")
    else:
        yield Answer(label, [value for _, value in parts if spelled(value)], kind)


def _name_parts(parts: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read the parts of a name by their labels, those of another language by their place."""
    places = ("first", "last") if len(parts) == 2 else ("prefix", "first", "last", "suffix")
    named = zip(places, parts, strict=False)
    return {_PARTS.get(label.lower(), place): value for place, (label, value) in named}


ADAPTER = Adapter(
    name="wufoo",
    label="Wufoo",
    parse=_parse,
    verify=_verify,
    hush=_hush,
    secret="the handshake key that you enter at Wufoo; may be left out",
    steps=(
        "In Wufoo open the form's menu, choose Integrations, then Webhook, and add one.",
        "Enter {url}, and under Handshake Key the same secret as here.",
        "Tick Include Field and Form Structures With Entry Data: without it the questions have no names.",
        "Add a text field named tl_visitor, hidden by the CSS keyword hide, so that the entry finds its "
        "visitor.",
    ),
    verified="documented fields, structures and handshake key",
)
