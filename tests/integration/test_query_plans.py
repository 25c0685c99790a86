"""What keeping the views asks of the store: no question may walk through a table that grows."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing

import pytest
import redis

from tests.outbox_house import House
from tests.telling import (
    GOOGLE,
    KEY,
    TEN_MS,
    Fact,
    Workspace,
    activity,
    at,
    call,
    consent,
    contact,
    hit,
    identify,
    lead,
    lease,
    same,
    split,
    status,
)
from tracker import config, hitlog, wire
from tracker.core.alerts import WANTS
from tracker.core.times import DAY_MS, HOUR_MS, MINUTE_MS
from tracker.store.db import open_store
from tracker.store.leases import leases_near
from worker.deliver import Deliverer
from worker.drain import Drain

ANN, BOB, LINE, POOLED = "ann@acme.com", "bob@beta.io", "+447700900001", "+442071830001"
WORDS = ("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")
# What an operator adds; and one row is read of what is stale.
HAND = frozenset({"hook_source", "pool", "pool_number", "dirty"})
FEW = frozenset({"site", "static_number", "page_matching", "tombstone", "destination"})  # by hand, or bounded

FACTS: dict[str, Sequence[Fact]] = {
    "hits": [
        hit("h1", 0, referrer=GOOGLE), hit("h2", 1, url="https://shop.test/?gclid=g1"),
        hit("h3", 2, visitor_id="v2", url="https://shop.test/?gclid=g1"),
    ],
    "leads": [
        lead("f1", 5, visitor_id="v1", email=ANN, phone=LINE, name="Ann Lee"), lead("f2", 6, email=ANN),
    ],
    "what is known of visitors": [
        identify(7, user_id="u1", email=ANN), identify(8, email=BOB), contact("c1", 9, emails=[ANN, BOB]),
    ],
    "calls": [
        lease(POOLED, 0, 20), call("p1", 10, phone=LINE, tracking_number=POOLED), call("p2", 11, phone=LINE),
    ],
    "what leads are worth": [
        status("f2", 20, "MQL"), activity("a1", 21, email=ANN, phone=LINE), activity("a2", 22, crm_id="c9"),
        lead("f2", 6, status="not_a_lead", version_at=at(30)), call("p1", 10, duration_s=3, answered=True),
    ],
    "operators' words": [
        split(f"email:{BOB}", "user:u1", 12), same(f"phone:{LINE}", "visitor:v2", 13),
        same(f"phone:{LINE}", "visitor:v2", 14, undo=True),
    ],
    "withdrawals and tests": [consent("denied", 15), lead("f1", 16, is_test=True)],
}  # fmt: skip


def statements(settings: config.Settings, client: redis.Redis, facts: Sequence[Fact]) -> list[str]:
    """Drain facts, and note every statement on the way."""
    asked: list[str] = []
    with closing(open_store(settings.data, write=True)) as db:
        db.set_trace_callback(asked.append)
        entry = wire.FactsEntry(TEN_MS + DAY_MS, "test", [dict(each) for each in facts])
        hitlog.append(client, [wire.encode(entry)])
        totals = Drain(db, settings, key=KEY).run(client)
    assert totals.added == len(facts)
    return [each for each in asked if each.lstrip().startswith(WORDS)]


def walked(db: sqlite3.Connection, statement: str) -> set[str]:
    """Read off SQLite's program for a statement which tables or indexes it walks from end to end."""
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    pages = dict(db.execute("SELECT rootpage, tbl_name FROM sqlite_schema WHERE rootpage > 0"))
    program = [(step[1], step[2], step[3]) for step in db.execute(f"EXPLAIN {statement}")]
    opened = {cursor: pages.get(page) for code, cursor, page in program if code in ("OpenRead", "OpenWrite")}
    first = {cursor for code, cursor, _ in program if code == "Rewind"}
    then = {cursor for code, cursor, _ in program if code == "Next"}
    return {name for cursor in first & then if (name := opened.get(cursor)) is not None}


def test_the_reading_of_programs_knows_a_walk(settings: config.Settings) -> None:
    """The test below would notice: what has no index is walked, what has one is not."""
    with closing(open_store(settings.data, write=True)) as db:
        assert walked(db, "SELECT 1 FROM session WHERE pages = 1") == {"session"}
        assert walked(db, "SELECT 1 FROM session WHERE visitor_no = 1") == set()


@pytest.mark.parametrize("kind", FACTS)
def test_no_statement_of_a_drain_walks_through_a_table_that_grows(
    settings: config.Settings, client: redis.Redis, kind: str
) -> None:
    """A drain asks by keys alone, whatever it brings and whatever is there: its cost does not grow."""
    workspace = Workspace(settings, client)
    for others, facts in FACTS.items():
        if others != kind:
            workspace.tell(*facts)
    asked = statements(settings, client, FACTS[kind])
    with closing(open_store(settings.data, write=True)) as db:
        assert {each: names for each in set(asked) if (names := walked(db, each) - FEW)} == {}


def test_a_call_is_matched_alike_fast_after_years_of_leases(
    settings: config.Settings, client: redis.Redis
) -> None:
    """Who saw a number at the time of a call is found without reading to whom it was shown before."""
    workspace, steps = Workspace(settings, client), []
    for shown in (range(20), range(20, 400)):
        workspace.tell(*(lease(POOLED, 30 * n, 30 * n + 20, visitor_id=f"v{n}") for n in shown))
        called_ms = TEN_MS + (30 * shown[-1] + 10) * MINUTE_MS
        with closing(open_store(settings.data)) as db:
            taken: list[None] = []
            db.set_progress_handler(lambda taken=taken: taken.append(None), 1)  # type: ignore[misc]
            found = leases_near(db, site_no=1, number=POOLED, at_ms=called_ms)
        assert f"v{shown[-1]}" in {each.visitor_id for each in found}
        steps.append(len(taken))
    assert steps[1] < 2 * steps[0]


def one_of_each(n: int) -> list[Fact]:
    """Make facts of every kind around one visitor."""
    own, line, pooled = f"v{n}", f"+44770090{n:04}", f"+44207183{n:04}"
    return [
        hit(f"h{n}", n, visitor_id=own, url=f"https://shop.test/?gclid=g{n}", referrer=GOOGLE),
        lease(pooled, n, n + 20, visitor_id=own), call(f"p{n}", n + 1, phone=line, tracking_number=pooled),
        lead(f"f{n}", n + 2, visitor_id=own, email=f"ann{n}@acme.com", phone=line, name="Ann Lee"),
        identify(n + 3, visitor_id=own, user_id=f"u{n}"),
        contact(f"c{n}", n + 4, emails=[f"ann{n}@acme.com"]),
        status(f"f{n}", n + 5, "MQL"), activity(f"a{n}", n + 6, email=f"ann{n}@acme.com"),
        {**contact(f"d{n}", n + 7), "fact": "deal", "stage": "new", "contacts": [{"crm_id": f"c{n}"}]},
        split(f"email:ann{n}@acme.com", f"user:u{n}", n + 8), consent("denied", n + 9, visitor_id=own),
    ]  # fmt: skip


def test_what_is_asked_again_is_not_prepared_again(settings: config.Settings, client: redis.Redis) -> None:
    """A statement is prepared once a connection: none is thrown away, none depends on what is bound to it."""
    Workspace(settings, client).tell()
    prepared: list[str] = []
    with closing(open_store(settings.data, write=True)) as db:
        drain = Drain(db, settings, key=KEY)
        db.set_authorizer(lambda *asked: prepared.append(str(asked)) or sqlite3.SQLITE_OK)  # type: ignore[func-returns-value]
        for n in range(0, 300, 100):
            prepared.clear()
            entry = wire.FactsEntry(TEN_MS + DAY_MS, "test", [dict(each) for each in one_of_each(n)])
            hitlog.append(client, [wire.encode(entry)])
            assert drain.run(client).added == len(one_of_each(n))
    assert prepared == []


def test_looking_for_what_is_to_be_told_walks_through_no_table_that_grows(
    settings: config.Settings, client: redis.Redis
) -> None:
    """Watching and sending ask by keys and times, however many leads and deliveries there are."""
    house = House(settings, client)
    house.add("webhook", "http://127.0.0.1:9/nobody", wants=list(WANTS))
    house.space.tell(*(fact for facts in FACTS.values() for fact in facts), lead("own", 1, email="x@y.io"))
    asked: list[str] = []
    house.now_ms = TEN_MS + HOUR_MS
    with closing(open_store(settings.data, write=True)) as db:
        db.set_trace_callback(asked.append)
        Deliverer(db, house.post).run()
        assert house.states() != []
    with closing(open_store(settings.data, write=True)) as db:
        found = {each: walked(db, each) - FEW - HAND for each in asked if each.lstrip().startswith(WORDS)}
    assert {each: names for each, names in found.items() if names} == {}


def test_a_lead_asks_no_more_where_a_greater_crowd_gave_its_number(
    settings: config.Settings, client: redis.Redis
) -> None:
    """Who gives the number of a whole office moves nobody else, however many gave it before."""
    workspace, counts = Workspace(settings, client), []
    for crowd in (range(20), range(20, 60), range(60, 140)):
        workspace.tell(*(lead(f"f{n}", n, visitor_id=f"v{n}", phone=LINE) for n in crowd))
        late = lead(f"late{len(counts)}", 500 + len(counts), visitor_id=f"late{len(counts)}", phone=LINE)
        counts.append(len(statements(settings, client, [late])))
    assert len(set(counts)) == 1
