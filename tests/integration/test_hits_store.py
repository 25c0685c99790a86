"""Hits in the store: one row each for ever, whatever is told again, differently, or in another order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.laws import tried
from tests.tables import holds
from tracker.core.ids import event_id_of
from tracker.model import Site, SiteKey
from tracker.store.db import atomic, open_store
from tracker.store.hits import Inserted, insert_hits
from tracker.store.sites import add_site, site_numbers
from tracker.store.strings import Registry
from tracker.wire import HitOnLog, HitsEntry
from worker.arrivals import Proofs
from worker.clients import note_clients
from worker.draft import Draft
from worker.enrich import enrich, pack

KEY = b"k" * 32
TEN_MS = 1_772_359_200_000
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"  # noqa: E501


class Store:
    """A store of two sites, told hits one batch at a time."""

    def __init__(self, data: Path) -> None:
        self.db = open_store(data, write=True)
        for key in ("shop", "blog"):
            add_site(self.db, Site(SiteKey(key), ("shop.test",)))

    def tell(self, *told: dict[str, Any]) -> Inserted:
        """Insert a batch, each hit by the fields that differ from the usual."""
        with atomic(self.db):
            names = Registry(self.db, KEY)
            rows = pack([self._draft(dict(each)) for each in told], names, ip_storage="masked")
            inserted = insert_hits(self.db, rows, names)
            note_clients(self.db, {row.client_no for row in rows if row.client_no}, names.texts)
            note_clients(self.db, inserted.clients, names.texts)
        return inserted

    def _draft(self, fields: dict[str, Any]) -> Draft:
        entry = {name: fields.pop(name) for name in ("user_agent", "ip", "browser") if name in fields}
        site, visitor = fields.pop("site", "shop"), fields.pop("visitor_id", "v1")
        at_ms = TEN_MS + fields.pop("minute", 0) * 60_000
        hit = HitOnLog(**{"event_id": "e1", "at_ms": at_ms, "url": "https://shop.test/"} | fields)
        whole = HitsEntry(site=site, received_ms=0, visitor_id=visitor, hits=[hit], **entry)
        return enrich(hit, whole, site_no=site_numbers(self.db)[SiteKey(site)], proofs=Proofs(KEY))

    def rows(self) -> list[dict[str, Any]]:
        """Read the hits as people do, without what depends on their arrival."""
        cursor = self.db.execute("SELECT * FROM hits ORDER BY site, event_id")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
        return [{name: row[name] for name in names if name not in ("hit_no", "received_at")} for row in rows]

    def touched(self, inserted: Inserted) -> list[str]:
        """Name the visitors that a batch touched, and by which event."""
        ids = dict(self.db.execute("SELECT visitor_no, visitor_id FROM visitor").fetchall())
        return sorted(f"{ids[number]} {event_id_of(key)}" for number, key in inserted.touched.items())


@pytest.fixture
def store(data: Path) -> Iterator[Store]:
    """Give an empty store of two sites."""
    own = Store(data)
    yield own
    own.db.close()


def counts(inserted: Inserted) -> tuple[int, int]:
    """Give what was new and what was not."""
    return inserted.added, inserted.repeated


def test_a_hit_is_inserted_once_for_ever(store: Store) -> None:
    """The same hit again, alone, beside new ones or twice in one batch, has no effect."""
    assert counts(store.tell({})) == (1, 0)
    again = store.tell({})
    assert (counts(again), store.touched(again)) == ((0, 1), [])
    mixed = store.tell({"event_id": "e2"}, {}, {"event_id": "e2"}, {"event_id": "e3", "visitor_id": "v2"})
    assert (counts(mixed), store.touched(mixed)) == ((2, 2), ["v1 e2", "v2 e3"])
    holds(store.rows(), """
        site  event_id  visitor_id  at
        shop  e1        v1          2026-03-01T10:00:00.000Z
        shop  e2        v1          2026-03-01T10:00:00.000Z
        shop  e3        v2          2026-03-01T10:00:00.000Z
    """)  # fmt: skip


def test_event_ids_are_unique_in_their_site_alone(store: Store) -> None:
    """Two sites may use the same id for two hits."""
    assert counts(store.tell({"site": "shop"}, {"site": "blog", "visitor_id": "v2"})) == (2, 0)
    holds(store.rows(), """
        site  event_id  visitor_id
        blog  e1        v2
        shop  e1        v1
    """)  # fmt: skip


def test_two_spellings_of_a_uuid_are_two_hits(store: Store) -> None:
    """An id is what its sender wrote."""
    lower = "0190a1b2-0000-7000-8000-00000000000a"
    store.tell({"event_id": lower}, {"event_id": lower.upper()}, {"event_id": lower.replace("-", "")})
    assert [row["event_id"] for row in store.rows()] == sorted([lower, lower.upper(), lower.replace("-", "")])


def test_another_version_fills_and_corrects_and_touches_both_visitors(store: Store) -> None:
    """The newest version that has a value counts for each field; a moved hit touches whom it leaves."""
    store.tell({"title": "Home", "referrer": "https://news.example/"})
    moved = store.tell({"minute": 1, "visitor_id": "v2", "referrer": "https://press.example/"})
    assert (counts(moved), store.touched(moved)) == ((1, 0), ["v1 e1", "v2 e1"])
    holds(store.rows(), """
        event_id  visitor_id  at                        title  referrer
        e1        v2          2026-03-01T10:01:00.000Z  Home   https://press.example/
    """)  # fmt: skip


VERSIONS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a newer address brings its own tags, or none": (
        [{"url": "https://shop.test/a?utm_source=x"}, {"minute": 1, "url": "https://shop.test/b"}],
        """
        url                  tags
        https://shop.test/b  -
        """,
    ),
    "version_at is newer than at": (
        [{"minute": 5, "title": "old"}, {"title": "new", "extra": {"version_at": "2026-03-02T00:00:00Z"}}],
        """
        at                        title
        2026-03-01T10:00:00.000Z  new
        """,
    ),
    "a version_at that is none is no reason to stop": (
        [{"minute": 5, "title": "new"}, {"title": "old", "extra": {"version_at": "soon"}}],
        """
        title
        new
        """,
    ),
    "what a version leaves out about the browser stays": (
        [{"user_agent": CHROME, "language": "en"}, {"minute": 1, "language": "de"}],
        """
        browser  os       device   dropped_because
        Chrome   Windows  desktop  -
        """,
    ),
    "a version that knows it for a bot's makes it one": (
        [{"user_agent": CHROME}, {"minute": 1, "user_agent": "Googlebot/2.1"}],
        """
        is_dropped
        1
        """,
    ),
    "a sender's word that it is a bot's stays": (
        [{"flags": 1}, {"minute": 1}],
        """
        dropped_because
        bot:said_so
        """,
    ),
    "until the sender takes it back": (
        [{"flags": 1}, {"minute": 1, "extra": {"is_bot": False}}],
        """
        is_dropped
        0
        """,
    ),
    "each unknown field has versions of its own": (
        [{"extra": {"a": 1, "b": 1}}, {"minute": 1, "extra": {"b": 2}}],
        """
        extra
        {"a": 1, "b": 2}
        """,
    ),
    "props are one field, with what was measured in them": (
        [
            {"type": "engagement", "props": {"engaged_s": 5, "scroll_pct": 50, "x": 1}},
            {"minute": 1, "type": "engagement", "props": {"engaged_s": 8}},
        ],
        """
        type        engaged_s  scroll_pct  extra
        engagement  8.0        -           -
        """,
    ),
    "three versions": (
        [
            {"title": "one", "name": "n"},
            {"minute": 2, "referrer": "https://press.example/"},
            {"minute": 1, "title": "two", "seq": 3},
        ],
        """
        at                        title  name  referrer                seq
        2026-03-01T10:02:00.000Z  two    n     https://press.example/  3
        """,
    ),
}


@pytest.mark.parametrize(("told", "expected"), VERSIONS.values(), ids=VERSIONS)
def test_versions_of_a_hit(store: Store, told: list[dict[str, Any]], expected: str) -> None:
    """Field by field, the newest version that has a value counts."""
    for each in told:
        store.tell(each)
    holds(store.rows(), expected)


@pytest.mark.parametrize("told", [told for told, _ in VERSIONS.values()], ids=VERSIONS)
def test_versions_may_come_in_any_order_and_batch(tmp_path: Path, told: list[dict[str, Any]]) -> None:
    """One after the other, all at once, backwards or twice: the same row."""
    outcomes = []
    for number, order in enumerate(permutations(told)):
        for how, batches in (("one by one", [[each] for each in order]), ("at once", [[*order, *order]])):
            own = Store(tmp_path / f"{number}{how}")
            for batch in batches:
                own.tell(*batch)
            outcomes.append(own.rows())
            own.db.close()
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_a_version_that_says_what_all_say_together_still_counts(data: Path, tmp_path: Path) -> None:
    """Equal to the merged row is not the same as told before: a later arrival shows the difference."""
    one = {"title": "old"}
    two = {"minute": 2, "name": "n"}
    both = {"minute": 2, "name": "n", "title": "old"}
    between = {"minute": 1, "title": "new"}
    outcomes = []
    for number, order in enumerate(permutations([one, two, both, between])):
        own = Store(tmp_path / str(number))
        for each in order:
            own.tell(each)
        outcomes.append(own.rows())
        own.db.close()
    assert {row["title"] for (row,) in outcomes} == {"old"}
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_a_hit_that_changed_is_new_to_whoever_reads_on_from_a_cursor(store: Store) -> None:
    """Its number moves to the end, as an arrival's does; a repeat moves nothing."""
    store.tell({}, {"event_id": "e2"})
    before = store.db.execute("SELECT max(hit_no) FROM hit").fetchone()[0]
    store.tell({}, {"event_id": "e2"})
    store.tell({"title": "Home"})
    moved = store.db.execute("SELECT event_key FROM hit WHERE hit_no > ?", [before]).fetchall()
    assert moved == [("e1",)]


variants = st.fixed_dictionaries(
    {"event_id": st.sampled_from(["e1", "e2"]), "minute": st.integers(0, 2)},
    optional={
        "site": st.sampled_from(["shop", "blog"]),
        "visitor_id": st.sampled_from(["v1", "v2"]),
        "url": st.sampled_from(["https://shop.test/a", "https://shop.test/?gclid=1"]),
        "title": st.sampled_from(["A", "B"]),
        "user_agent": st.sampled_from([CHROME, "Googlebot/2.1"]),
        "extra": st.sampled_from([{"a": 1}, {"a": 2, "b": 1}, {"version_at": "2026-03-03T00:00:00Z"}]),
    },
)


@tried(30)
@given(told=st.lists(variants, min_size=1, max_size=6), drawn=st.data())
def test_any_order_of_any_versions_gives_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, told: list[dict[str, Any]], drawn: st.DataObject
) -> None:
    """Order, batches and repeats leave no trace."""
    outcomes = []
    for order in (told, drawn.draw(st.permutations(told)), [*reversed(told), told[0]]):
        own = Store(tmp_path_factory.mktemp("store"))
        cut = drawn.draw(st.integers(0, len(order)))
        for batch in (order[:cut], order[cut:]):
            own.tell(*batch)
        outcomes.append(own.rows())
        own.db.close()
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_a_batch_that_fails_leaves_nothing(store: Store) -> None:
    """A batch is written whole or not at all."""
    with pytest.raises(sqlite3.IntegrityError), atomic(store.db):
        names = Registry(store.db, KEY)
        insert_hits(store.db, pack([store._draft({})], names, ip_storage="masked"), names)
        store.db.execute("INSERT INTO hit (hit_no) VALUES (99)")
    assert store.rows() == []
