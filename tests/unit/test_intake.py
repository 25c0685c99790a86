"""Reading the body of `/e`: strictly where it fits, field by field where it does not, the same either way."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import BadRequest
from tracker.web.intake import BadHit, HitIn, read_hit, read_message

HIT = {"event_id": "e1", "at": "2026-03-01T10:00:00.000Z", "url": "https://example.com/"}


def body(*hits: object, **rest: object) -> bytes:
    """Write a message."""
    return json.dumps({"site": "shop", "hits": list(hits), **rest}).encode()


def only(raw: bytes) -> HitIn | BadHit:
    """Read a message of one hit."""
    (hit,) = read_message(raw).hits
    return hit


def refusal(change: dict[str, Any]) -> tuple[str, str]:
    """Read a hit with a change; its code, and the field that the message names."""
    hit = only(body(HIT | change))
    assert isinstance(hit, BadHit), hit
    return hit.code, hit.message.partition(":")[0]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        pytest.param({"event_id": ""}, "too_long", "event_id", id="an empty id"),
        pytest.param({"event_id": "x" * 129}, "too_long", "event_id", id="an id of 129 characters"),
        pytest.param({"event_id": 5}, "too_long", "event_id", id="an id that is a number"),
        pytest.param({"event_id": None}, "too_long", "event_id", id="an id that is null"),
        pytest.param({"at": 1772359200}, "bad_time", "at", id="a time that is a number"),
        pytest.param({"at": ["x"]}, "bad_time", "at", id="a time that is a list"),
        pytest.param({"url": {}}, "bad_url", "url", id="a page that is an object"),
        pytest.param({"url": "https://example.com/" + "x" * 4_096}, "too_long", "url", id="an endless page"),
        pytest.param({"title": "x" * 2_049}, "too_long", "title", id="an endless title"),
        pytest.param({"referrer": "x" * 4_097}, "too_long", "referrer", id="an endless referrer"),
        pytest.param({"name": "x" * 257}, "too_long", "name", id="an endless name"),
        pytest.param({"props": {str(i): i for i in range(51)}}, "too_long", "props", id="51 props"),
        pytest.param({"props": {"a": json.loads("[" * 50 + "]" * 50)}}, "too_long", "props", id="deep props"),
        pytest.param(
            {"client_hints": {"a": json.loads("[" * 9 + "]" * 9)}},
            "too_long",
            "client_hints",
            id="deep client hints",
        ),
        pytest.param(
            {"unknown": json.loads("[" * 50 + "]" * 50)}, "too_long", "extra", id="deep unknown field"
        ),
        pytest.param(
            {"props": {"a": "x" * 8_192}}, "too_long", "the hit is larger than 8192 bytes", id="over 8 KB"
        ),
        pytest.param(
            {"unknown": "x" * 8_192},
            "too_long",
            "the hit is larger than 8192 bytes",
            id="over 8 KB with what is unknown",
        ),
    ],
)
def test_a_hit_that_cannot_be_used_is_refused_with_its_field(
    change: dict[str, Any], code: str, field: str
) -> None:
    """The code is one of the closed set, and the message names the field."""
    assert refusal(change) == (code, field)


@pytest.mark.parametrize("field", ["event_id", "at", "url"])
def test_a_required_field_may_not_be_missing(field: str) -> None:
    """A hit needs an id, a time and a page."""
    hit = only(body({name: value for name, value in HIT.items() if name != field}))
    assert isinstance(hit, BadHit)
    assert hit.message.startswith(f"{field}:")


@pytest.mark.parametrize("raw", [None, 5, "x", [], True])
def test_a_hit_is_an_object(raw: object) -> None:
    """What is no object refuses that place alone."""
    message = read_message(body(HIT, raw, HIT | {"event_id": "e2"}))
    assert [isinstance(hit, HitIn) for hit in message.hits] == [True, False, True]


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        pytest.param({"colour": "red"}, {"colour": "red"}, id="an unknown field"),
        pytest.param({"title": 5}, {"title": 5}, id="a title that is a number"),
        pytest.param({"props": ["a"]}, {"props": ["a"]}, id="props that are a list"),
        pytest.param({"seq": "1"}, {"seq": "1"}, id="a sequence number that is text"),
        pytest.param({"seq": -1}, {"seq": -1}, id="a sequence number below zero"),
        pytest.param({"seq": 2**60}, {"seq": 2**60}, id="a sequence number beyond what browsers count"),
        pytest.param({"extra": {"a": 1}, "b": 2}, {"a": 1, "b": 2}, id="an extra of the sender's own"),
        pytest.param({"extra": "x"}, {"extra": "x"}, id="an extra that is text"),
    ],
)
def test_what_is_not_understood_is_kept_aside(change: dict[str, Any], kept: dict[str, Any]) -> None:
    """Unknown fields, and optional ones of the wrong type, stand under `extra`; the hit counts."""
    hit = only(body(HIT | change))
    assert isinstance(hit, HitIn)
    assert hit.extra == kept
    assert hit.title is None and hit.seq is None and hit.props is None


def test_a_type_of_a_newer_script_is_an_event() -> None:
    """A type that is not known is kept, and never taken for a page view."""
    hit = only(body(HIT | {"type": "heartbeat"}))
    assert isinstance(hit, HitIn)
    assert (hit.type, hit.extra) == ("event", {"type": "heartbeat"})


@pytest.mark.parametrize("field", ["visitor_id", "user_agent", "ip", "site", "sent_at"])
def test_what_only_the_server_may_say_is_ignored(field: str) -> None:
    """Client-sent visitor, address and user agent are read over, whatever their type."""
    for value in ("198.51.100.7", 5, {"a": []}):
        hit = only(body(HIT | {field: value}))
        assert isinstance(hit, HitIn) and hit.extra is None


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        (b'"half \\ud83d"', "half \ufffd"),
        (b'"\\udc00 half"', "\ufffd half"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"a\\u0000b"', "a\ufffdb"),
        (b'"\\u0007\\u007f"', "\x07\x7f"),
    ],
)
def test_text_is_made_storable(raw: bytes, title: str) -> None:
    """Half a surrogate pair, as scripts leave when they cut an emoji, and a NUL become U+FFFD."""
    hit = only(body(HIT | {"title": "TITLE"}).replace(b'"TITLE"', raw))
    assert isinstance(hit, HitIn) and hit.title == title


def test_an_escaped_backslash_is_no_nul() -> None:
    """`\\\\u0000` is a text of six characters."""
    hit = only(body(HIT | {"title": "\\u0000"}))
    assert isinstance(hit, HitIn) and hit.title == "\\u0000"


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"{", "", id="half an object"),
        pytest.param(b"[]", "", id="a list"),
        pytest.param(b"null", "", id="null"),
        pytest.param(b"\xff\xfe", "", id="no UTF-8"),
        pytest.param(b'{"site":"shop","hits":[{"title":"\xff"}]}', "", id="a stray byte inside a text"),
        pytest.param(b'{"site":"shop","hits":[NaN]}', "", id="a number that is none"),
        pytest.param(b"[" * 100_000, "", id="nested without end"),
        pytest.param(b'{"site":"shop","hits":[' + b"9" * 5_000 + b"]}", "", id="a number without end"),
        pytest.param(b"{}", "site", id="no site"),
        pytest.param(b'{"site":5,"hits":[]}', "site", id="a site that is a number"),
        pytest.param(b'{"site":"shop"}', "hits", id="no hits"),
        pytest.param(b'{"site":"shop","hits":{}}', "hits", id="hits that are an object"),
        pytest.param(b'{"site":"shop","hits":[]}', "hits", id="an empty list of hits"),
        pytest.param(body(*[HIT] * 51), "hits", id="51 hits"),
        pytest.param(body(HIT, seed=5), "seed", id="a seed that is a number"),
        pytest.param(body(HIT, seed="x" * 257), "seed", id="an endless seed"),
        pytest.param(body(HIT, sent_at=[]), "sent_at", id="a time of sending that is a list"),
    ],
)
def test_a_message_without_shape_is_refused_as_a_whole(raw: bytes, place: str) -> None:
    """What is no message of hits is one error with its place."""
    with pytest.raises(BadRequest) as refused:
        read_message(raw)
    assert (refused.value.code, refused.value.place) == ("bad_body", place)


def test_a_heartbeat_has_no_hits() -> None:
    """A message that asks for numbers may be empty."""
    assert read_message(body(pools=["main"])).hits == []


def test_fifty_hits_are_taken() -> None:
    """The limit itself is inside."""
    assert len(read_message(body(*[HIT | {"event_id": str(i)} for i in range(50)])).hits) == 50


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {"event_id": TEXT.filter(bool), "at": TEXT, "url": TEXT},
        optional={
            "title": TEXT,
            "name": TEXT | st.none(),
            "referrer": TEXT,
            "seq": st.integers(0, 2**40),
            "props": st.dictionaries(TEXT, VALUES, max_size=4),
            "type": st.sampled_from(["page", "event"]),
            "consent": TEXT,
            "zone": TEXT,
            "viewport": TEXT,
            "is_bot": st.booleans(),
            "ip": VALUES,
        },
    )
)
def test_both_ways_of_reading_agree(raw: dict[str, Any]) -> None:
    """A hit that fits the shape reads the same fast and field by field."""
    fast = only(body(raw))
    slow = read_hit(raw)
    assert fast == slow or (isinstance(fast, BadHit) and isinstance(slow, BadHit) and fast.code == slow.code)


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_reading_never_fails_otherwise(raw: bytes) -> None:
    """Any bytes are a message, or one error of ours."""
    try:
        read_message(raw)
    except BadRequest as error:
        assert error.code == "bad_body"


@given(st.dictionaries(st.sampled_from(sorted(msgspec.structs.asdict(HitIn("e", "a", "u")))), VALUES))
def test_a_hit_of_any_types_is_usable_or_refused(fields: dict[str, Any]) -> None:
    """No type in any field is an error of ours."""
    assert isinstance(read_hit(HIT | fields), HitIn | BadHit)
