"""Versions of one fact: what counts, whatever the order they come in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.ids import content_digest
from tracker.core.versions import Version, is_blank, merge


def told(version_ms: int, **content: Any) -> Version:
    """Tell one version."""
    return Version(version_ms, content_digest(content), content)


MERGED = {
    "a later version corrects": ([told(1, a="old"), told(2, a="new")], {"a": "new"}),
    "a later version fills": ([told(1, a="x"), told(2, b="y")], {"a": "x", "b": "y"}),
    "null blanks nothing": ([told(1, a="x"), told(2, a=None)], {"a": "x"}),
    "an empty text, list or object blanks nothing": (
        [told(1, a="x", b=[1], c={"d": 1}), told(2, a="", b=[], c={})],
        {"a": "x", "b": [1], "c": {"d": 1}},
    ),
    "zero and false are values": ([told(1, a=5, b=True), told(2, a=0, b=False)], {"a": 0, "b": False}),
    "an older version that comes later fills what is missing": (
        [told(2, a="new"), told(1, a="old", b="y")],
        {"a": "new", "b": "y"},
    ),
    "an object is one value": ([told(1, a={"x": 1}), told(2, a={"y": 2})], {"a": {"y": 2}}),
    "unknown fields are fields of their own": (
        [told(1, extra={"x": 1, "z": 1}), told(2, extra={"y": 2, "z": ""})],
        {"extra": {"x": 1, "y": 2, "z": 1}},
    ),
    "a form's answers are fields of their own": (
        [
            told(1, fields={"budget": "10k", "size": "5"}),
            told(2, fields={"size": "6", "score": 9, "budget": ""}),
        ],
        {"fields": {"budget": "10k", "size": "6", "score": 9}},
    ),
    "answers that are no object are one value": (
        [told(1, fields=["a"]), told(2, fields={"b": 1}), told(3, fields=["c"])],
        {"fields": ["c"]},
    ),
    "no version says nothing": ([], {}),
}


@pytest.mark.parametrize(("versions", "merged"), MERGED.values(), ids=MERGED)
def test_field_by_field_the_newest_version_that_has_a_value_counts(
    versions: list[Version], merged: dict[str, Any]
) -> None:
    """A later version fills or corrects, and never blanks."""
    assert merge(versions) == merged


def test_equal_times_are_settled_by_the_greater_hash() -> None:
    """Of two versions of one instant neither arrival nor anything else decides but their content."""
    one, two = told(1, a="x"), told(1, a="y")
    greater = max(one, two, key=lambda version: version.digest)
    assert merge([one, two]) == merge([two, one]) == greater.content


def test_a_leases_end_is_the_latest_instant_seen() -> None:
    """An older version may know of a later sighting; instants are compared, not their spellings."""
    newest = told(3, to="2026-03-01T10:00:00Z")
    later = [
        told(1, to="2026-03-01T10:00:00.500Z"),
        told(2, to="2026-03-01T12:00:01+02:00"),
    ]
    assert merge([newest, later[0]], kind="lease")["to"] == "2026-03-01T10:00:00.500Z"
    assert merge([newest, *later], kind="lease")["to"] == "2026-03-01T12:00:01+02:00"
    assert merge([newest, *later], kind="lead")["to"] == "2026-03-01T10:00:00Z"


def test_a_lead_began_when_a_version_says_so_else_at_its_first_event() -> None:
    """The time of an event stands in for the begin only where no version tells it, and then the earliest."""
    late = told(3, at="2026-03-01T10:05:00Z", is_at_of_event=True)
    early = told(2, at="2026-03-01T10:01:00Z", is_at_of_event=True)
    real = told(1, at="2026-03-01T10:00:00Z")
    assert merge([late, early], kind="lead") == {"at": "2026-03-01T10:01:00Z"}
    assert merge([late, real, early], kind="lead") == {"at": "2026-03-01T10:00:00Z"}


def test_additions_alone_make_no_lead_and_fill_one_that_somebody_told_of() -> None:
    """A recording of a call in either direction fills the lead if there is one, before or after it."""
    recording = told(2, at="2026-03-01T10:05:00Z", is_at_of_event=True, is_addition=True, recording_url="r")
    call = told(1, at="2026-03-01T10:00:00Z", phone="p")
    assert merge([recording], kind="lead") == {}
    assert merge([recording, call], kind="lead") == {
        "at": "2026-03-01T10:00:00Z",
        "phone": "p",
        "recording_url": "r",
    }


def test_what_only_adds_to_a_lead_does_not_say_when_it_began() -> None:
    """A page that was seen before the chat is older than the chat."""
    page = told(0, at="2026-03-01T09:59:00Z", is_at_of_event=True, is_addition=True, page_url="p")
    message = told(1, at="2026-03-01T10:01:00Z", is_at_of_event=True)
    assert merge([page, message], kind="lead") == {"at": "2026-03-01T10:01:00Z", "page_url": "p"}


def test_of_messages_told_one_by_one_the_first_is_the_leads() -> None:
    """A chat comes message by message, in any order: what it began with is what the lead says."""
    messages = [
        told(at, at=f"2026-03-01T10:0{at}:00Z", is_at_of_event=True, fields={"message": said, "page": said})
        for at, said in ((1, "Hello"), (2, "Anybody there?"), (3, "Bye"))
    ]
    for order in (messages, messages[::-1], messages[1:] + messages[:1]):
        assert merge(order, kind="lead")["fields"] == {"message": "Hello", "page": "Bye"}
    opening = told(0, at="2026-03-01T10:00:00Z", fields={"message": "Hi"})
    assert merge([*messages, opening], kind="lead")["fields"]["message"] == "Hi"


VALUES = st.sampled_from([None, "", "x", "y", 0, 1, False, [], {}, {"k": "v"}])
OBJECTS = st.dictionaries(st.sampled_from("xy"), VALUES, max_size=2)
CONTENTS = st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES, "extra": OBJECTS, "fields": OBJECTS})
VERSIONS = st.lists(
    st.builds(lambda version_ms, content: told(version_ms, **content), st.integers(0, 3), CONTENTS),
    max_size=6,
)


@given(VERSIONS, st.data())
def test_merging_rests_on_the_set_of_versions_alone(versions: list[Version], data: st.DataObject) -> None:
    """Any order and any repetition of the same versions merge into the same."""
    shuffled = data.draw(st.permutations(versions))
    again = data.draw(st.lists(st.sampled_from(versions), max_size=3)) if versions else []
    assert merge([*shuffled, *again]) == merge(versions)


@given(VERSIONS)
def test_every_field_that_has_a_value_somewhere_has_one_in_the_end(versions: list[Version]) -> None:
    """Nothing is lost: a field is missing only where no version says anything."""
    given_somewhere = {
        name for version in versions for name, value in version.content.items() if not is_blank(value)
    }
    assert merge(versions).keys() == given_somewhere


def page(visitor_id: str | None) -> Version:
    """Tell what a page says of a lead, before anything else that is said of it."""
    content = {"visitor_id": visitor_id, "kind": "form"}
    return Version(0, content_digest(content), content, is_hearsay=True)


VISITORS = {
    "one page's word counts": ([page("v1")], "v1"),
    "told twice it is the same": ([page("v1"), page("v1")], "v1"),
    "two pages of two visitors name nobody": ([page("v1"), page("v2")], None),
    "a page that names nobody contests nothing": ([page("v1"), page(None)], "v1"),
    "who is trusted decides": ([page("v1"), told(5, visitor_id="v2")], "v2"),
    "who is trusted decides between pages": ([page("v1"), page("v2"), told(5, visitor_id="v1")], "v1"),
    "who is trusted and names nobody decides nothing": ([page("v1"), page("v2"), told(5, kind="form")], None),
}


@pytest.mark.parametrize(("versions", "visitor_id"), VISITORS.values(), ids=VISITORS)
def test_pages_that_disagree_name_no_visitor(versions: list[Version], visitor_id: str | None) -> None:
    """A lead that two visitors claim is neither's, unless somebody else knows."""
    assert merge(versions, kind="lead").get("visitor_id") == visitor_id
    assert merge(reversed(versions), kind="lead").get("visitor_id") == visitor_id
