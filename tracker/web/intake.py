"""What browsers send: the shapes of the body of `/e`, read strictly and fast, or leniently and slowly.

The shapes decode a well-formed body in a few microseconds. A body that does not fit them (an unknown
field, a value of the wrong type, half a surrogate pair where a script cut an emoji, a NUL) is read
again field by field: what is unknown or of the wrong type is set aside under `extra`, and a hit whose
id, time or page cannot be used is refused alone. Whose site it is, and what becomes of a hit, is
decided in `collect`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tracker.errors import BadRequest

MOST_HITS = 50
MOST_PROPS = 50
MOST_DEPTH = 6
MOST_POOLS = 10
HIT_BYTES = 8_192

Text = Annotated[str, Meta(max_length=256)]
LongText = Annotated[str, Meta(max_length=4_096)]
Object = dict[str, Any]
Whole = Annotated[int, Meta(ge=0, lt=2**53)]


class HitIn(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One hit as the script sends it; what only the server may say is read and ignored."""

    event_id: Annotated[str, Meta(min_length=1, max_length=128)]
    at: str
    url: LongText
    type: Literal["page", "event", "engagement"] = "page"
    name: Text | None = None
    referrer: LongText | None = None
    prev_url: LongText | None = None
    title: Annotated[str, Meta(max_length=2_048)] | None = None
    props: Object | None = None
    seq: Whole | None = None
    language: Text | None = None
    screen: Text | None = None
    client_hints: Object | None = None
    consent: Text | None = None
    link: Object | None = None
    mail: Object | None = None
    is_bot: bool | None = None
    zone: Text | None = None
    viewport: Text | None = None
    extra: Object | None = None
    visitor_id: Any = None
    user_agent: Any = None
    ip: Any = None
    site: Any = None
    sent_at: Any = None


class BodyIn(msgspec.Struct):
    """The body of `/e`; fields that it does not name are ignored."""

    site: str
    hits: list[HitIn]
    sent_at: str | None = None
    seed: str | None = None
    pools: Any = None


class BadHit(msgspec.Struct, frozen=True):
    """A hit that was refused: a code of the closed set, and what to send instead."""

    code: str
    message: str
    raw: object = None


class Message(msgspec.Struct, frozen=True):
    """The body of `/e` after reading: each hit stands at its index, usable or refused."""

    site: str
    hits: list[HitIn | BadHit]
    sent_at: str | None = None
    seed: str | None = None
    pools: tuple[str, ...] = ()


# The code for a field that a hit cannot do without, when it is absent or of the wrong type.
REQUIRED = {"event_id": "too_long", "at": "bad_time", "url": "bad_url"}
WANTED = {
    "event_id": "write a text of 1 to 128 characters",
    "at": "write an instant with an offset or Z, such as 2026-03-01T10:00:00.000Z",
    "url": "write the page's http or https address",
}
LONGEST_SEED = 256


def _takes_text(kind: Any) -> bool:
    try:
        msgspec.convert("x", kind)
    except msgspec.ValidationError:
        return False
    return True


_FIELDS = {field.name: field.type for field in msgspec.structs.fields(HitIn)}
_TEXTS = frozenset(name for name, kind in _FIELDS.items() if _takes_text(kind))
_decoder = msgspec.json.Decoder(BodyIn)
_encode = msgspec.json.Encoder().encode


def read_message(body: bytes) -> Message:
    """Read the body of `/e`.

    Raises:
        BadRequest: `bad_body`, no JSON, or not of the documented shape as a whole.
    """
    try:
        if b"\\u0000" in body:
            raise ValueError("text with a NUL")
        taken = _decoder.decode(body)
    except (ValueError, RecursionError):
        return _read_leniently(read_json(body))
    message = Message(taken.site, list(taken.hits), taken.sent_at, taken.seed, _read_pools(taken.pools))
    _check_message(message, has_pools=taken.pools is not None)
    is_large = len(body) > HIT_BYTES
    for index, hit in enumerate(taken.hits):
        has_objects = hit.props or hit.client_hints or hit.link or hit.mail or hit.extra
        if (has_objects or is_large) and (problem := _over_limit(hit, measure=is_large)):
            message.hits[index] = BadHit("too_long", problem, hit)
    return message


def read_json(body: bytes) -> Any:
    """Read JSON, its text made storable.

    Raises:
        BadRequest: `bad_body`, no JSON.
    """
    try:
        return clean(json.loads(body.decode("utf-8"), parse_constant=_no_constant))
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BadRequest("bad_body", f"this is no JSON in UTF-8: {reason}"[:300]) from None


def read_hit(raw: object) -> HitIn | BadHit:
    """Read one hit field by field: refuse what cannot be used, set aside what is not understood."""
    if not isinstance(raw, dict):
        return BadHit("too_long", "a hit is a JSON object", raw)
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in raw.items():
        try:
            if name not in _FIELDS:
                raise ValueError("unknown field")
            fields[name] = msgspec.convert(value, _FIELDS[name])
        except (ValueError, RecursionError):
            if refused := _refuse_field(name, value, raw):
                return refused
            extra[name] = value
    for name, code in REQUIRED.items():
        if name not in fields:
            return BadHit(code, f"{name}: {WANTED[name]}", raw)
    return _complete(fields, extra, raw)


def clean(value: Any) -> Any:
    """Make text storable: half surrogate pairs and NULs become U+FFFD."""
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else _clean_text(value)
    if isinstance(value, list):
        return [clean(each) for each in value]
    if isinstance(value, dict):
        return {clean(name): clean(each) for name, each in value.items()}
    return value


def is_deeper(value: object, depth: int) -> bool:
    """Tell whether lists and objects are nested more than `depth` deep."""
    if not isinstance(value, dict | list):
        return False
    if depth == 0:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return any(is_deeper(each, depth - 1) for each in inner)


def _read_pools(raw: object) -> tuple[str, ...]:
    """Read the names of the pools that are asked for; what is none, or too many, is left unanswered."""
    names = raw if isinstance(raw, list) else []
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))[:MOST_POOLS]


def _check_message(message: Message, *, has_pools: bool) -> None:
    if not has_pools and not message.hits:
        raise BadRequest("bad_body", f"send 1 to {MOST_HITS} hits", "hits")
    if len(message.hits) > MOST_HITS:
        raise BadRequest("bad_body", f"{len(message.hits)} hits; send at most {MOST_HITS} at once", "hits")
    if message.seed is not None and len(message.seed) > LONGEST_SEED:
        raise BadRequest("bad_body", f"send at most {LONGEST_SEED} characters", "seed")


def _over_limit(hit: HitIn, *, measure: bool) -> str | None:
    for name in ("props", "client_hints", "link", "mail", "extra"):
        value = getattr(hit, name)
        if value is None:
            continue
        if len(value) > MOST_PROPS:
            return f"{name}: {len(value)} entries; send at most {MOST_PROPS}"
        if is_deeper(value, MOST_DEPTH):
            return f"{name}: nested deeper than {MOST_DEPTH}"
    if measure and len(_encode(hit)) > HIT_BYTES:
        return f"the hit is larger than {HIT_BYTES} bytes"
    return None


def _read_leniently(data: object) -> Message:
    if not isinstance(data, dict):
        raise BadRequest("bad_body", "send a JSON object")
    if data.get("hits") is None and data.get("pools") is not None:
        data = data | {"hits": []}
    for name, kind, wanted in (("site", str, "the site's key"), ("hits", list, "a list of hits")):
        if not isinstance(data.get(name), kind):
            raise BadRequest("bad_body", f"send {wanted}", name)
    for name in ("sent_at", "seed"):
        if not isinstance(data.get(name), str | None):
            raise BadRequest("bad_body", "send a text", name)
    hits = [read_hit(raw) for raw in data["hits"]]
    pools = _read_pools(data.get("pools"))
    message = Message(data["site"], hits, data.get("sent_at"), data.get("seed"), pools)
    _check_message(message, has_pools=data.get("pools") is not None)
    return message


def _refuse_field(name: str, value: object, raw: Mapping[str, Any]) -> BadHit | None:
    """Refuse the hit for a required field of the wrong type, or a text over its limit."""
    if isinstance(value, str) and value and name in _TEXTS:
        return BadHit("too_long", f"{name}: {len(value)} characters are too many", raw)
    if name in REQUIRED:
        return BadHit(REQUIRED[name], f"{name}: {WANTED[name]}", raw)
    return None


def _complete(fields: dict[str, Any], extra: dict[str, Any], raw: Mapping[str, Any]) -> HitIn | BadHit:
    if isinstance(extra.get("type"), str):
        fields["type"] = "event"  # of a newer script, most likely: kept, and never taken for a page view
    if extra:
        fields["extra"] = (fields.get("extra") or {}) | extra
    hit = HitIn(**fields)
    try:
        problem = _over_limit(hit, measure=True)
    except (ValueError, RecursionError):
        problem = "nested too deeply"
    return BadHit("too_long", problem, raw) if problem else hit


def _clean_text(text: str) -> str:
    paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return paired.replace("\0", "\ufffd")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
