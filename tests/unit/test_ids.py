"""Ids: they follow from facts alone, and no two things share one."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from tracker.core.ids import (
    content_digest,
    digest,
    event_id_of,
    event_key,
    identifier_id,
    journey_id,
    lead_id,
    session_id,
)

texts = st.text(st.characters(codec=None), max_size=8) | st.sampled_from(
    ["a\x1f", "\x1fa", "\\u", "\\", "a\\"]
)
KEY = b"k" * 32


@given(st.lists(texts, min_size=1, max_size=4), st.lists(texts, min_size=1, max_size=4))
def test_different_lists_of_parts_never_meet_in_one_digest(one: list[str], two: list[str]) -> None:
    """A separator inside a part does not move the border between parts."""
    assert (digest(*one) == digest(*two)) == (one == two)


@given(st.uuids().map(str) | texts | st.text("0123456789abcdef-", min_size=36, max_size=36))
def test_an_event_id_comes_back_as_it_was(event_id: str) -> None:
    """Packing loses nothing, whatever an id looks like."""
    assert event_id_of(event_key(event_id)) == event_id


@given(st.uuids())
def test_only_a_uuid_in_its_usual_spelling_is_packed(event: uuid.UUID) -> None:
    """Two spellings of one UUID are two ids, as they are to whoever sent them."""
    assert event_key(str(event)) == event.bytes
    spellings = {str(event).upper(), event.hex, f"{{{event}}}", event.urn}
    for spelling in spellings - {str(event)}:
        assert event_key(spelling) == spelling


def test_session_ids_sort_by_their_start() -> None:
    """An id begins with its instant, so that new sessions go to the end of the index."""
    ids = [session_id(at, site="s", visitor_id="v", event_id="e") for at in (5, 1_000, 1_772_359_200_000)]
    assert ids == sorted(ids)


def test_a_session_id_follows_from_site_visitor_and_opening_hit() -> None:
    """Change any of them, and it is another session."""
    base = {"site": "s", "visitor_id": "v", "event_id": "e"}
    ids = {session_id(7, **base)} | {session_id(7, **base | {name: "x"}) for name in base}
    assert len(ids | {session_id(8, **base)}) == 5
    assert session_id(7, **base) in ids


def test_ids_of_different_nouns_differ() -> None:
    """A lead, its journey and another provider's lead do not share an id."""
    own = lead_id("shop", "desk", "7")
    assert len({own, lead_id("shop", "des", "k7"), journey_id("lead", own), journey_id("deal", own)}) == 4


def test_equal_values_of_two_kinds_are_two_identifiers() -> None:
    """An e-mail address that equals a visitor id names somebody else."""
    assert identifier_id(KEY, "visitor", "a") != identifier_id(KEY, "email", "a")


def test_an_identifiers_id_does_not_give_its_value_away() -> None:
    """The hash is keyed: without the workspace's key, no list of addresses can be tried on it."""
    assert identifier_id(KEY, "email", "a@b.co") != identifier_id(b"x" * 32, "email", "a@b.co")


@given(st.dictionaries(texts, texts | st.none() | st.integers() | st.lists(st.integers(), max_size=3)))
def test_a_contents_digest_does_not_rest_on_the_order_of_its_fields(content: dict[str, object]) -> None:
    """The same fields in another order are the same fact."""
    assert content_digest(content) == content_digest(dict(reversed(content.items())))


def test_a_contents_digest_tells_types_apart() -> None:
    """1, 1.0, "1" and true are four contents."""
    assert len({content_digest({"value": value}) for value in (1, 1.0, "1", True, None)}) == 5
