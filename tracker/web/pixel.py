"""The picture that counts: a page view in a query, for pages without scripts and for mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import uuid_utils

from tracker.core.times import format_instant
from tracker.errors import BadRequest
from tracker.web.answers import Answer, Header
from tracker.web.caller import Caller
from tracker.web.intake import Message, clean, read_hit

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")

_FIELDS = ("event_id", "url", "referrer", "title", "consent")
_MOST_FIELDS = 50
_QUERY_LIMIT = 16_384


def read_query(environ: Mapping[str, Any], caller: Caller) -> Message:
    """Read the page view of a query.

    Without `url` the page is what the browser names as its referrer; without `event_id` each picture
    is a view of its own.

    Raises:
        BadRequest: the query cannot be read.
    """
    query = environ.get("QUERY_STRING", "").encode("latin-1", "replace").decode("utf-8", "replace")
    if len(query) > _QUERY_LIMIT:
        raise BadRequest("too_long", f"send at most {_QUERY_LIMIT} characters", "query")
    try:
        pairs = parse_qsl(query, errors="replace", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadRequest("too_long", f"send at most {_MOST_FIELDS} fields", "query") from None
    fields = {name: clean(value) for name, value in reversed(pairs)}
    raw = {name: fields[name] for name in _FIELDS if name in fields}
    raw.setdefault("event_id", str(uuid_utils.uuid7()))
    raw.setdefault("url", environ.get("HTTP_REFERER", ""))
    raw["at"] = format_instant(caller.received_ms)
    return Message(fields.get("site", ""), [read_hit(raw)])


def picture(headers: list[Header]) -> Answer:
    """Answer with a transparent picture of one pixel."""
    fixed = [
        ("Content-Type", "image/gif"),
        ("Content-Length", str(len(GIF))),
        ("Cache-Control", "no-store"),
        ("Cross-Origin-Resource-Policy", "cross-origin"),
    ]
    return Answer("200 OK", [*fixed, *headers], GIF)
