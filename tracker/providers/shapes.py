"""Shapes that forms have in common: wrappers, answers in nested objects, ids made of content."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from tracker.errors import BadRequest
from tracker.providers.adapter import Delivery
from tracker.providers.answers import Answer, Kind, kind_of
from tracker.providers.documents import read_json
from tracker.providers.reading import first_text

_LABELS = ("label", "title", "question", "text", "name", "key", "field", "ref", "id")
_NAMES = ("key", "name", "ref", "field", "slug", "id")
_VALUES = ("value", "answer", "response", "values", "userData")
_TYPES = ("type", "field_type", "fieldType", "kind")
_AROUND = frozenset({
    "data", "payload", "body", "event", "submission", "form_response", "response", "lead", "contact",
    "customer", "person", "user", "visitor", "client", "sender", "subscriber", "fields", "answers", "values",
    "properties", "attributes", "form_data", "formdata", "entry", "record", "details", "params", "query",
    "hidden", "custom", "attribution", "tracking", "object", "item", "meta", "metadata", "info",
})  # fmt: skip
_BRACKETED = re.compile(r"[^.\[\]]*[^.\[\]\s](?:\[[^.\[\]\s]+\])+(?:\[\])?")
_STEPS = re.compile(r"[^.\[\]]+")
_KINDS: Mapping[str, Kind] = {
    "email": "email", "inputemail": "email", "emailaddress": "email", "tel": "phone", "phone": "phone",
    "phonenumber": "phone", "inputphonenumber": "phone", "telephone": "phone", "mobile": "phone",
    "textarea": "long_text", "longtext": "long_text", "paragraph": "long_text", "multiline": "long_text",
    "message": "message", "name": "name", "fullname": "name", "firstname": "first_name",
    "lastname": "last_name", "company": "company", "hidden": "hidden", "hiddenfield": "hidden",
    "hiddenfields": "hidden", "checkbox": "choice", "checkboxes": "choice", "radio": "choice",
    "select": "choice", "dropdown": "choice", "multiplechoice": "choice", "multiselect": "choice",
    "acceptance": "consent", "consent": "consent", "legal": "consent", "number": "number",
    "date": "date", "datetime": "date", "url": "url", "website": "url", "address": "address",
    "file": "file", "fileupload": "file", "upload": "file", "password": "secret",
    "creditcard": "secret", "text": "text", "shorttext": "text", "shortanswer": "text", "string": "text",
}  # fmt: skip


def demand_object(document: Any, *wrappers: str) -> Mapping[str, Any]:
    """Give the object that a body is about: itself, what it wraps, or the one entry of a list.

    Args:
        wrappers: names under which the object may stand.

    Raises:
        BadRequest: `bad_body`, there is no object.
    """
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, Mapping) or not document:
        raise BadRequest("bad_body", "there is no object of a form's answers in this body")
    found = _of_form(document)
    for name in wrappers:
        inner = unpacked(found.get(name))
        if isinstance(inner, Mapping) and inner:
            return inner
    return found


def _of_form(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read JSON that came as a form: in one of its fields, or spread over names with brackets."""
    for name in ("payload", "json", "body"):
        if isinstance(document.get(name), str):
            inner: Any = unpacked(document[name])
            if isinstance(inner, dict):
                return inner
    return unbracketed(document) if any("[" in str(name) for name in document) else document


def unpacked(value: Any) -> Any:
    """Read JSON that stands in a text, as forms carry it; anything else as it is."""
    if not isinstance(value, str) or value.strip()[:1] not in ("{", "["):
        return value
    try:
        return read_json(value.strip())
    except BadRequest:
        return value


def unbracketed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Nest the names that a form writes with brackets, `fields[email][value]`, as PHP reads them."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        steps = _STEPS.findall(str(name)) if _BRACKETED.fullmatch(str(name)) else [str(name)]
        inner = found
        for step in steps[:-1]:
            if not isinstance(inner.get(step), dict):
                inner[step] = {}
            inner = inner[step]
        inner[steps[-1]] = value
    return {name: _listed(value) for name, value in found.items()}


def _listed(value: Any) -> Any:
    """Make a list of an object whose names are 0, 1, 2, ..."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    return list(inner.values()) if list(inner) == [str(at) for at in range(len(inner))] and inner else inner


def content_key(delivery: Delivery) -> str:
    """Make an id for a form without one: of its content and the UTC day, so that a retry is a repeat."""
    spelled = json.dumps(delivery.document, sort_keys=True, ensure_ascii=True)
    day = datetime.fromtimestamp(delivery.received_ms / 1_000, UTC).date().isoformat()
    hashed = sha256(f"{day}\n".encode())
    hashed.update(spelled.encode())
    return hashed.hexdigest()


def kind_from(word: Any) -> Kind:
    """Read a builder's name of a field type: `phone_number`, `INPUT_EMAIL`, `tel`."""
    said = str(word or "").lower().replace("_", "").replace("-", "").replace(" ", "")
    return _KINDS.get(said) or _KINDS.get(said.removeprefix("input"), "")


def flat_answers(value: Any, path: str = "") -> Iterator[Answer]:
    """Read any object as answers: nested ones under dotted names, lists of question and answer as such.

    What only wraps answers, or says whose they are, is no part of a name: `data.contact.email` is `email`.
    """
    for answer in _flat(value, path):
        yield answer if answer.name else replace(answer, label=_bare(answer.label))


def _bare(path: str) -> str:
    steps = _STEPS.findall(path)
    if len(steps) < 2 or steps[0].lower() not in _AROUND:
        return path
    while len(steps) > 1 and (steps[0].lower() in _AROUND or steps[0].isdecimal()):
        steps = steps[1:]
    return ".".join(steps)


def _flat(value: Any, path: str) -> Iterator[Answer]:
    if isinstance(value, Mapping):
        if path and kind_of(Answer("", value)):
            yield Answer(path, value)
            return
        for name, each in value.items():
            asked = _named_answer(str(name), each)
            yield from [asked] if asked else _flat(each, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for at, each in enumerate(value):
            asked = asked_answer(each)
            yield from [asked] if asked else _flat(each, f"{path}.{at}" if path else str(at))
    elif path:
        yield Answer(path, value)


def asked_answer(value: Any) -> Answer | None:
    """Read an object that holds a question and its answer; None where it is no such thing."""
    if not isinstance(value, Mapping):
        return None
    answered = next((name for name in _VALUES if name in value), None)
    label = first_text(value, *_LABELS)
    if answered is None or label is None:
        return None
    kind = kind_from(first_text(value, *_TYPES))
    return Answer(label, value[answered], kind, first_text(value, *_NAMES) or "")


def _named_answer(name: str, value: Any) -> Answer | None:
    """Read an answer that stands under its field's name, its label or type beside it."""
    if not isinstance(value, Mapping) or not value.keys() & {*_TYPES, "label", "title"}:
        return None
    answered = next((each for each in _VALUES if each in value), None)
    if answered is None:
        return None
    label = first_text(value, "label", "title", "question", "name") or name
    return Answer(label, value[answered], kind_from(first_text(value, *_TYPES)), name)
