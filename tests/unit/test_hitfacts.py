"""Hits as facts: what a trusted sender's line becomes, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_facts import json_values
from tracker.core.times import DAY_MS, format_instant, parse_instant
from tracker.errors import BadFact
from tracker.hitfacts import hit_from_fact
from tracker.wire import FLAG_SAID_BOT, HitOnLog, HitsEntry, decode, encode

AT = "2026-03-01T10:00:00Z"
NOW_MS = parse_instant("2026-03-02T09:00:00Z")
SMALLEST: dict[str, Any] = {
    "fact": "hit", "site": "shop", "event_id": "e1", "at": AT, "visitor_id": "v1", "url": "https://shop.test/",
}  # fmt: skip


def read(**fields: Any) -> HitsEntry:
    """Read the smallest hit with these fields."""
    return hit_from_fact(SMALLEST | fields, received_ms=NOW_MS)


def test_the_smallest_hit_is_a_page_view_of_its_own_visitor() -> None:
    """What comes out is the entry that the collector would have written."""
    assert read() == HitsEntry(
        site="shop", received_ms=NOW_MS, visitor_id="v1",
        hits=[HitOnLog(event_id="e1", at_ms=parse_instant(AT), url="https://shop.test/")],
    )  # fmt: skip


def test_a_trusted_sender_may_tell_the_browser_and_old_times() -> None:
    """Address, agent and a time of years ago count, since a token vouches for them."""
    entry = read(ip="203.0.113.7", user_agent="Agent/1", browser="b", at="2019-01-01T00:00:00Z")
    assert (entry.ip, entry.user_agent, entry.browser) == ("203.0.113.7", "Agent/1", "b")
    assert entry.hits[0].at_ms == parse_instant("2019-01-01T00:00:00Z")


def test_a_bot_that_the_sender_knows_is_flagged() -> None:
    """The sender's own word counts; without it the user agent decides."""
    assert read(is_bot=True).hits[0].flags == FLAG_SAID_BOT
    assert read(is_bot=False).hits[0].flags == read().hits[0].flags == 0


def test_an_empty_user_agent_is_not_a_missing_one() -> None:
    """Empty is a bot's; missing says nothing."""
    assert read(user_agent="").user_agent == read(user_agent=" ").user_agent == ""
    assert read(user_agent=None).user_agent is read().user_agent is None


def test_blanks_are_not_there_and_spaces_around_a_text_go() -> None:
    """A hit with blanks is the hit without them."""
    assert read(referrer="", title=None, type="", seq="", visitor_id=" v1 ") == read()


def test_unknown_fields_are_kept_under_extra_beside_what_is_there() -> None:
    """Nothing that a sender says is refused for being unknown."""
    assert read(extra={"a": 1}, colour="red").hits[0].extra == {"a": 1, "colour": "red"}


def test_24_hours_ahead_is_the_future() -> None:
    """A clock may err by a day; more is refused, and the code says so."""
    assert read(at=format_instant(NOW_MS + DAY_MS)).hits[0].at_ms == NOW_MS + DAY_MS
    with pytest.raises(BadFact) as refused:
        read(at=format_instant(NOW_MS + DAY_MS + 1))
    assert (refused.value.code, refused.value.place) == ("future", "at")


REFUSED = {
    "no site": ({"site": None}, "site"),
    "a blank event id": ({"event_id": " "}, "event_id"),
    "no visitor": ({"visitor_id": ""}, "visitor_id"),
    "no url": ({"url": None}, "url"),
    "a time without an offset": ({"at": "2026-03-01T10:00:00"}, "at"),
    "a type that nobody knows": ({"type": "click"}, "type"),
    "a list for a text": ({"title": ["Home"]}, "title"),
    "true for a text": ({"title": True}, "title"),
    "an id without end": ({"event_id": "e" * 129}, "event_id"),
    "a url without end": ({"url": "https://shop.test/" + "a" * 8_192}, "url"),
    "a text for an object": ({"props": "a=1"}, "props"),
    "more props than anyone needs": ({"props": {str(n): n for n in range(51)}}, "props"),
    "a seq below zero": ({"seq": -1}, "seq"),
    "a seq that is true": ({"seq": True}, "seq"),
    "half a seq": ({"seq": 1.5}, "seq"),
    "a seq beyond what JSON can count": ({"seq": 2**53}, "seq"),
    "a word for whether it is a bot": ({"is_bot": "yes"}, "is_bot"),
    "a version's time that is none": ({"version_at": "soon"}, "version_at"),
}


@pytest.mark.parametrize(("fields", "place"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(fields: dict[str, Any], place: str) -> None:
    """The sender is told which field to change."""
    with pytest.raises(BadFact) as refused:
        read(**fields)
    assert refused.value.place == place


FIELDS = (
    "site", "event_id", "at", "visitor_id", "url", "type", "name", "referrer", "title", "user_agent", "ip",
    "language", "screen", "client_hints", "props", "seq", "sent_at", "browser", "consent", "is_bot", "link",
    "mail", "extra", "version_at", "colour",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=4))
def test_anything_in_any_field_is_read_or_refused(fields: dict[str, Any]) -> None:
    """No value of any type raises anything but a refusal, and what is read survives the log."""
    try:
        entry = read(**fields)
    except BadFact:
        return
    assert decode(encode(entry)) == entry
