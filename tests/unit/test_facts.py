"""Facts as they come in: what each needs, its key, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.facts import DEPTH_LIMIT, KEY_LIMIT, SHAPES, TEXT_LIMIT, read_fact, tidy
from tracker.core.times import parse_instant
from tracker.errors import BadFact

AT = "2026-03-01T10:00:00Z"
SMALLEST: dict[str, dict[str, Any]] = {
    "identify": {"site": "shop", "at": AT, "visitor_id": "v1", "email": "ann@acme.com"},
    "lead": {"site": "shop", "kind": "call", "provider": "desk", "provider_id": "7", "at": AT},
    "contact": {"site": "shop", "provider": "crm", "provider_id": "7", "at": AT},
    "lease": {"site": "shop", "pool": "p", "number": "+44", "visitor_id": "v1", "from": AT, "to": AT},
    "deal": {"site": "shop", "provider": "crm", "provider_id": "7", "at": AT, "stage": "new"},
    "refund": {
        "site": "shop", "provider": "crm", "provider_id": "7", "deal_id": "3", "at": AT, "amount": "1",
        "currency": "GBP",
    },
    "activity": {"site": "shop", "provider": "crm", "provider_id": "7", "at": AT, "kind": "meeting"},
    "cost": {
        "site": "shop", "on": "2026-03-01", "source": "google", "medium": "cpc", "amount": 12.5,
        "currency": "GBP",
    },
    "rate": {"on": "2026-03-01", "base": "GBP", "quote": "USD", "rate": "1.25"},
    "consent": {"site": "shop", "at": AT, "visitor_id": "v1", "state": "denied"},
    "link": {
        "site": "shop", "at": AT, "visitor_id": "v2", "event_id": "e1", "from": "v1", "nonce": "n",
        "made_at": AT,
    },
    "mail": {"site": "shop", "at": AT, "visitor_id": "v1", "event_id": "e1", "email": "ann@acme.com"},
    "split": {"site": "shop", "at": AT, "a": "visitor:v1", "b": "email:ann@acme.com"},
    "same": {"site": "shop", "at": AT, "a": "visitor:v1", "b": "email:ann@acme.com"},
    "status": {"site": "shop", "at": AT, "lead_id": "1f0c", "status": "qualified"},
    "erase": {"at": AT, "email": "ann@acme.com"},
}  # fmt: skip

LEAD = {"fact": "lead", **SMALLEST["lead"]}
KEYS = {
    "identify": None, "lead": "desk\x1f7", "contact": "crm\x1f7\x1f2026-03-01T10:00:00.000Z",
    "lease": "+44\x1f2026-03-01T10:00:00.000Z", "deal": "crm\x1f7\x1f2026-03-01T10:00:00.000Z",
    "refund": "crm\x1f7", "activity": "crm\x1f7", "cost": "2026-03-01\x1fgoogle\x1fcpc\x1f\x1f",
    "rate": "2026-03-01\x1fGBP\x1fUSD", "consent": "v1\x1f2026-03-01T10:00:00.000Z",
    "link": "e1", "mail": "e1", "status": "1f0c\x1f2026-03-01T10:00:00.000Z",
    "split": "visitor:v1\x1femail:ann@acme.com\x1f2026-03-01T10:00:00.000Z",
    "same": "visitor:v1\x1femail:ann@acme.com\x1f2026-03-01T10:00:00.000Z", "erase": None,
}  # fmt: skip


def test_every_fact_has_an_example_here() -> None:
    """A new fact comes with its smallest example."""
    assert SMALLEST.keys() == KEYS.keys() == SHAPES.keys()


@pytest.mark.parametrize("kind", SMALLEST)
def test_a_fact_has_the_key_that_its_shape_names(kind: str) -> None:
    """The natural key comes from the named fields; where there are none, it is the fact's own hash."""
    fact = read_fact({"fact": kind, **SMALLEST[kind]})
    assert (fact.kind, fact.key) == (kind, KEYS[kind] or fact.digest.hex())


@pytest.mark.parametrize("kind", SMALLEST)
def test_each_required_field_is_missed_by_its_name(kind: str) -> None:
    """Left out, null or blank: the message says which field it is."""
    for name in SHAPES[kind].required:
        for blank in ({}, {name: None}, {name: ""}, {name: "  "}):
            raw = {
                "fact": kind,
                **{key: each for key, each in SMALLEST[kind].items() if key != name},
                **blank,
            }
            with pytest.raises(BadFact) as refused:
                read_fact(raw)
            assert refused.value.place == name


REFUSED = {
    "a fact that nobody knows": ({"fact": "leed"}, "fact"),
    "no fact at all": ({"site": "shop"}, "fact"),
    "a fact that is a list": ({"fact": ["lead"]}, "fact"),
    "a kind of lead that nobody knows": (LEAD | {"kind": "fax"}, "kind"),
    "a time without an offset": (LEAD | {"at": "2026-03-01T10:00:00"}, "at"),
    "a version's time that is none": (LEAD | {"version_at": "soon"}, "version_at"),
    "a list for a text": (LEAD | {"name": ["Ann"]}, "name"),
    "true for a text": (LEAD | {"name": True}, "name"),
    "a word for a truth": (LEAD | {"answered": "maybe"}, "answered"),
    "less than nothing": (LEAD | {"duration_s": -1}, "duration_s"),
    "a word for a number": (LEAD | {"duration_s": "long"}, "duration_s"),
    "a word for an amount": (LEAD | {"value": "much"}, "value"),
    "an amount without end": (LEAD | {"value": "1e99"}, "value"),
    "an amount next to nothing": (LEAD | {"value": "1e-99999999"}, "value"),
    "a nought of endless places": (LEAD | {"value": "0e-99999999"}, "value"),
    "not a number": (LEAD | {"value": "NaN"}, "value"),
    "a key without end": (LEAD | {"provider_id": "7" * KEY_LIMIT}, "provider_id"),
    "a key that would move its own border": (LEAD | {"provider": "de\x1fsk"}, "provider"),
    "a text without end": (LEAD | {"name": "x" * (TEXT_LIMIT + 1)}, ""),
    "an identify that names nobody": (
        {"fact": "identify", "site": "shop", "at": AT, "visitor_id": "v1", "email": ""}, "email",
    ),
    "an identify whose at is a month": (
        {"fact": "identify", **SMALLEST["identify"], "at": "2026-03"}, "at",
    ),
    "a link that was made at no time": ({"fact": "link", **SMALLEST["link"], "made_at": "now"}, "made_at"),
    "a day that does not exist": ({"fact": "cost", **SMALLEST["cost"], "on": "2026-02-30"}, "on"),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "place"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(raw: dict[str, Any], place: str) -> None:
    """The sender is told which field to change."""
    with pytest.raises(BadFact) as refused:
        read_fact(raw)
    assert refused.value.place == place


KEPT = {
    "a number for a text is its spelling": ({"phone": 442079460001}, "phone", "442079460001"),
    "spaces around a text go": ({"email": " ann@acme.com "}, "email", "ann@acme.com"),
    "a mistyped address is kept as it is": ({"email": "ann@@acme"}, "email", "ann@@acme"),
    "a word for true": ({"answered": "Yes"}, "answered", True),
    "a nought for false": ({"answered": 0}, "answered", False),
    "half a second is cut": ({"duration_s": "61.5"}, "duration_s", 61),
    "an amount keeps its digits": ({"value": "1200.50"}, "value", "1200.50"),
    "an amount may be a number": ({"value": 1200.5}, "value", "1200.5"),
    "an amount without a power of ten": ({"value": "1.2E+3"}, "value", "1200"),
    "a NUL becomes the sign for what cannot be shown": ({"name": "A\0nn"}, "name", "A\ufffdnn"),
    "half a surrogate pair becomes a question mark": ({"name": "A\ud800"}, "name", "A?"),
    "a field that nobody knows goes under extra": ({"colour": "red"}, "extra", {"colour": "red"}),
    "fields under extra stay there": (
        {"extra": {"a": 1}, "colour": "red"}, "extra", {"a": 1, "colour": "red"},
    ),
    "an extra that is no object is held by one": ({"extra": [1]}, "extra", {"extra": [1]}),
    "an unknown field's name is made safe, too": ({"a\0": 1}, "extra", {"a\ufffd": 1}),
}  # fmt: skip


@pytest.mark.parametrize(("given_", "name", "value"), KEPT.values(), ids=KEPT)
def test_values_are_read_as_their_names_ask(given_: dict[str, Any], name: str, value: object) -> None:
    """Wire spellings differ; what is kept does not, and a bad contact detail refuses no lead."""
    assert read_fact(LEAD | given_).content[name] == value


@pytest.mark.parametrize("blank", [None, "", " \t"], ids=["null", "no text", "spaces"])
def test_a_blank_is_not_there(blank: str | None) -> None:
    """A blank says nothing whatever the field's type, so a fact with it is the fact without it."""
    names = ("email", "answered", "duration_s", "value", "fields", "is_test", "version_at", "gclid", "extra")
    assert read_fact(LEAD | dict.fromkeys(names, blank)) == read_fact(LEAD)


@pytest.mark.parametrize("name", ["amount", "on", "currency"])
def test_a_blank_for_what_is_required_is_missing(name: str) -> None:
    """The sender is told that the field is missing, not what its blank fails to be."""
    with pytest.raises(BadFact, match="is required and missing"):
        read_fact({"fact": "cost", **SMALLEST["cost"], name: " "})


@pytest.mark.parametrize("event_id", [None, "", " "], ids=["null", "empty", "blank"])
def test_an_identify_without_an_event_id_is_named_by_its_hash(event_id: str | None) -> None:
    """Two identifies that say different things are two facts, however they leave the id out."""
    raw = {"fact": "identify", **SMALLEST["identify"], "event_id": event_id}
    one, two = read_fact(raw), read_fact(raw | {"email": "bob@beta.io"})
    assert one.key == one.digest.hex() != two.key


def test_an_identify_with_an_event_id_is_named_by_it() -> None:
    """The same id with other content is another version."""
    raw = {"fact": "identify", **SMALLEST["identify"], "event_id": "e1"}
    one, two = read_fact(raw), read_fact(raw | {"email": "bob@beta.io"})
    assert one.key == two.key == "e1"
    assert one.digest != two.digest


def test_one_instant_in_two_spellings_is_one_key() -> None:
    """A lease that is told again with another offset is the same lease."""
    lease = {"fact": "lease", **SMALLEST["lease"]}
    assert read_fact(lease).key == read_fact(lease | {"from": "2026-03-01T12:00:00.000+02:00"}).key


VERSIONED = {
    "its version_at": ({"version_at": "2026-03-02T00:00:00Z"}, "2026-03-02T00:00:00Z"),
    "else its at": ({}, AT),
    "a space for the T is an instant, too": ({"at": "2026-03-01 10:00:00Z"}, AT),
}


@pytest.mark.parametrize(("given_", "instant"), VERSIONED.values(), ids=VERSIONED)
def test_a_versions_time_is(given_: dict[str, Any], instant: str) -> None:
    """Newest is by version_at, else at."""
    assert read_fact(LEAD | given_).version_ms == parse_instant(instant)


def test_a_lease_is_as_old_as_its_beginning_and_a_cost_as_its_day() -> None:
    """Facts without an at have another time of their own."""
    assert read_fact({"fact": "lease", **SMALLEST["lease"]}).version_ms == parse_instant(AT)
    cost = read_fact({"fact": "cost", **SMALLEST["cost"]})
    assert cost.version_ms == parse_instant("2026-03-01T00:00:00Z")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(st.sampled_from(sorted(SMALLEST)), st.data())
def test_anything_in_any_field_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    """No value of any type in any field raises anything but a refusal, and what is read can be kept."""
    shape = SHAPES[kind]
    names = st.sampled_from([*shape.required, *shape.optional, "version_at", "extra", "colour"])
    raw = {"fact": kind, **SMALLEST[kind], **data.draw(st.dictionaries(names, json_values, max_size=3))}
    try:
        fact = read_fact(raw)
    except BadFact:
        return
    assert fact.key.encode() and repr(fact.content).encode()
    assert isinstance(fact.content.get("extra", {}), dict)
    assert read_fact(raw) == fact


@given(json_values)
def test_tidying_again_changes_nothing(value: object) -> None:
    """What has been made safe is safe."""
    assert tidy(tidy(value)) == tidy(value)


def test_bottomless_nesting_is_refused() -> None:
    """A sender cannot make us climb down for ever."""
    value: object = "bottom"
    for _ in range(DEPTH_LIMIT + 1):
        value = [value]
    with pytest.raises(BadFact, match="deeper"):
        tidy(value)


def test_a_number_too_large_for_the_store_is_kept_as_text() -> None:
    """64 bits are what the store can hold."""
    assert tidy([2**63, -(2**63), 2**63 - 1]) == [str(2**63), str(-(2**63)), 2**63 - 1]
