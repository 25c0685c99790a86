"""Bodies of webhooks as JSON values, whatever they came as: JSON, forms, XML, JWT.

The bytes decide before the content type does, since senders get theirs wrong. A form's name that comes
more than once has a list. An XML element is an object by local names, with a list where a name recurs, and
text where it has no children.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import parse_form_data

from tracker.errors import BadRequest

Document = Any
"""What JSON can hold: object, list, text, number, truth, nothing."""

MOST_FIELDS = 2_000
MOST_VALUES = 50_000
"""Of JSON and XML; ten times what the longest record of a CRM holds."""
_FIRST_PART = re.compile(
    rb"--([\w'()+,./:=?-]{1,70})\r?\ncontent-disposition: *form-data", re.IGNORECASE | re.ASCII
)
DEEPEST = 60


def read_document(body: bytes, content_type: str = "") -> Document:
    """Read a body.

    Raises:
        BadRequest: `bad_body`, it is not what it looks like, nested too deeply, or of too many values.
    """
    kind = content_type.partition(";")[0].strip().lower()
    bare = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not bare:
        return {}
    if bare[:1] in (b"{", b"["):
        return read_json(bare)
    if kind == "multipart/form-data":
        return _multipart(body, content_type)
    if boundary := _boundary(bare):
        return _multipart(bare, f'multipart/form-data; boundary="{boundary}"')
    if bare[:1] == b"<":
        return _xml(body)
    if kind in ("", "application/jwt", "application/json", "text/plain") and bare.count(b".") == 2:
        claims = _jwt(bare)
        if claims is not None:
            return claims
    if kind in ("application/json", "application/cloudevents+json"):
        return read_json(bare)
    return _form(body)


def read_json(text: bytes | str) -> Any:
    """Read JSON in UTF-8, UTF-16 or UTF-32.

    Raises:
        BadRequest: `bad_body`.
    """
    try:
        read = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise BadRequest("bad_body", "this JSON is nested too deeply") from None
    except ValueError as error:
        raise BadRequest("bad_body", f"this is no JSON: {error}"[:300]) from None
    _demand_small(read)
    return read


def form_pairs(body: bytes) -> list[tuple[str, str]]:
    """Read the fields of a form-encoded body in their order.

    Raises:
        BadRequest: `bad_body`.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("cp1252", "replace")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise BadRequest("bad_body", f"this is no form: {error}") from None


def _form(body: bytes) -> Document:
    if b"=" not in body or b"\0" in body:
        raise BadRequest("bad_body", "this is neither JSON nor XML nor a form")
    return _gathered(form_pairs(body))


def _boundary(body: bytes) -> str | None:
    """Find the boundary of a multipart body whose type says that it is something else."""
    match = _FIRST_PART.match(body[:1_000])
    return match and match[1].decode()


def _multipart(body: bytes, content_type: str) -> Document:
    environ = {
        "wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": content_type,
        "REQUEST_METHOD": "POST",
    }  # fmt: skip
    try:
        _, fields, files = parse_form_data(environ, silent=False, max_form_parts=MOST_FIELDS)
    except (ValueError, HTTPException) as error:
        raise BadRequest("bad_body", f"this multipart body cannot be read: {error}"[:300]) from None
    pairs = [(name, value) for name, values in fields.lists() for value in values]
    pairs += [(name, file.filename or "") for name, held in files.lists() for file in held]
    if not pairs:
        raise BadRequest("bad_body", "this multipart body has no fields")
    return _gathered(pairs)


def _gathered(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of names and values, a list of the values of a name that recurs."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _xml(body: bytes) -> Document:
    if body.count(b"<") > 2 * MOST_VALUES:
        raise BadRequest("bad_body", f"this XML has more than {MOST_VALUES} elements")
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise BadRequest("bad_body", f"this XML is refused: {error}"[:300]) from None
    return {_local(root.tag): _element(root, DEEPEST)}


def _element(element: Element, depth: int) -> Any:
    if depth == 0:
        raise BadRequest("bad_body", "this XML is nested too deeply")
    if any(_local(name) == "nil" and value in ("true", "1") for name, value in element.items()):
        return None
    if not len(element):
        return element.text or ""
    return _gathered((_local(child.tag), _element(child, depth - 1)) for child in element)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _jwt(text: bytes) -> Any:
    """Read the claims of a JWT without proving it; None when it is none."""
    part = text.strip().split(b".")[1]
    try:
        return read_json(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (ValueError, BadRequest):
        return None


def _demand_small(document: Any) -> None:
    """Refuse JSON that is nested too deeply, or of so many values that reading them would hold up others."""
    level, seen = [document], 1
    for _ in range(DEEPEST + 1):
        level = [each for value in level for each in _inside(value)]
        seen += len(level)
        if seen > MOST_VALUES:
            raise BadRequest("bad_body", f"this JSON has more than {MOST_VALUES} values")
        if not level:
            return
    raise BadRequest("bad_body", "this JSON is nested too deeply")


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
