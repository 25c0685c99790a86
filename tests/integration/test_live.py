"""The live panel: what is running, in words, and the caller's own journey, theirs alone."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis
from flask import Flask
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from tests.local_browser import AGENT, LocalBrowser, browser_of
from tracker import hitlog, queue, wire
from tracker.config import Settings
from tracker.core.sources import decide_source
from tracker.core.times import format_instant
from tracker.keys import workspace_key
from tracker.model import Site, SiteKey
from tracker.queue import Failures, Hand
from tracker.store import live
from tracker.store.db import open_store
from tracker.store.outboxlists import OutboxState
from tracker.store.sites import add_site
from tracker.web import running
from tracker.web.app import create_app
from tracker.web.cookies import Visitor
from worker import drain

NOW_MS = 1_790_000_000_000
HERE = socket.gethostname()
MINE = Hand(HERE, os.getpid(), False, NOW_MS)
NBSP = "\N{NO-BREAK SPACE}"
RESTED = f"Ready. Last drain 3{NBSP}s ago."
IDLE = running.LogState(0, None, 3_000, [MINE], Failures())


@pytest.fixture
def settings(settings: Settings, redis_url: str, client: redis.Redis) -> Settings:
    """Give settings over the session's server, with the try-out site made."""
    db = open_store(settings.data, write=True)
    add_site(db, Site(SiteKey("tryout"), ("localhost", "127.0.0.1")))
    db.close()
    return replace(settings, redis_url=redis_url)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """Give the application, and close its parts afterwards."""
    found = create_app(settings)
    yield found
    found.extensions["touchline"].close()


@pytest.fixture
def browser(app: Flask) -> LocalBrowser:
    """Give a browser on this machine."""
    return browser_of(app)


def visitor(app: Flask) -> Visitor:
    """Sign a visitor."""
    found: Visitor = app.extensions["touchline"].identity.signer.mint(None, int(time.time() * 1_000))
    return found


def live_of(browser: LocalBrowser, who: str | None = None, **headers: str) -> dict[str, Any]:
    """Ask for the live page's news with this token as the cookie."""
    cookie = {"Cookie": f"_tl={who}"} if who else {}
    answer = browser.get("/live.json", headers={**cookie, **headers})
    assert answer.status_code == 200
    return dict(answer.json)


class Past:
    """Puts facts on the log and into the store."""

    def __init__(self, settings: Settings, client: redis.Redis) -> None:
        self._settings = settings
        self._client = client
        self.now_ms = int(time.time() * 1_000) - 60_000

    def hit(self, who: Visitor, url: str, *, after_s: int = 0, **fields: Any) -> None:
        """Append a hit of a visitor."""
        at_ms = self.now_ms + after_s * 1_000
        hit = wire.HitOnLog(f"{who.visitor_id}{at_ms}{url}", at_ms, f"http://localhost:8000{url}", **fields)
        self._append(wire.HitsEntry("tryout", at_ms, who.visitor_id, [hit], AGENT))

    def lead(self, *, after_s: int, **fields: Any) -> None:
        """Append a lead."""
        at = format_instant(self.now_ms + after_s * 1_000)
        fact = {"fact": "lead", "site": "tryout", "provider": "test", "provider_id": at, "at": at, **fields}
        self._append(wire.FactsEntry(self.now_ms, "api", [fact]))

    def drain(self) -> None:
        """Drain and stitch."""
        drain.run(self._settings, self._client, key=workspace_key(self._settings.data, os.environ))

    def _append(self, entry: wire.Entry) -> None:
        hitlog.append(self._client, [wire.encode(entry)])


@pytest.fixture
def past(settings: Settings, client: redis.Redis) -> Past:
    """Give a way to make history."""
    return Past(settings, client)


def test_a_journey_shows_sessions_hits_and_the_lead_with_its_reason(
    app: Flask, browser: LocalBrowser, past: Past
) -> None:
    """Each session has its source and the rule, each lead its match, reason and path."""
    who = visitor(app)
    past.hit(
        who, "/try/product?utm_source=google&utm_medium=cpc&utm_campaign=robots&gclid=abc123", title="Robot"
    )
    past.hit(who, "/try/pricing?utm_source=newsletter&utm_medium=email", after_s=20)
    past.hit(who, "/try/contact", after_s=30, type="event", name="tel_click", props={"number": "+4420"})
    past.lead(after_s=40, kind="form", visitor_id=who.visitor_id, email="ann@northfield-fc.co.uk", name="Ann")
    past.drain()
    journey = live_of(browser, who.token)["journey"]
    first, second = journey["sessions"]
    assert (first["channel"], first["campaign"], first["opened_by"]) == ("Paid Search", "robots", "first")
    assert (first["click_id_name"], first["click_id"]) == ("gclid", "abc123")
    assert (second["channel"], second["opened_by"], second["hits"]) == ("Email", "new_source", 2)
    assert [hit["session_id"] for hit in journey["hits"]] == [
        first["session_id"],
        *[second["session_id"]] * 2,
    ]
    assert journey["hits"][2]["props"] == {"number": "+4420"}
    (lead,) = journey["leads"]
    assert (lead["match_rule"], lead["match_confidence"], lead["name"]) == ("M1", 1.0, "Ann")
    assert lead["why"]
    assert (lead["status"], lead["is_junk"], lead["is_repeat"]) == ("new", False, False)
    assert [step["channel"] for step in lead["journey"]["touches"]] == ["Paid Search", "Email"]


def test_a_lead_that_tries_the_form_out_is_told_why_it_does_not_count(
    app: Flask, browser: LocalBrowser, past: Past
) -> None:
    """The rule's reason is shown; what an operator wrote of a lead is not."""
    who = visitor(app)
    past.hit(who, "/try/")
    past.lead(after_s=4, kind="form", visitor_id=who.visitor_id, email="ann@acme.com", name="Test")
    past.drain()
    (lead,) = live_of(browser, who.token)["journey"]["leads"]
    assert lead["is_junk"] and "placeholder" in lead["status_reason"]


def test_nobody_sees_anothers_journey(app: Flask, browser: LocalBrowser, past: Past) -> None:
    """Without the signed cookie of a visitor there is no journey; with one, only that visitor's."""
    mine, theirs = visitor(app), visitor(app)
    past.hit(mine, "/try/")
    past.hit(theirs, "/try/pricing")
    past.drain()
    assert live_of(browser)["journey"] is None
    assert live_of(browser, theirs.token[:-3] + "abc")["journey"] is None
    assert live_of(browser, visitor(app).token)["journey"] is None
    journey = live_of(browser, mine.token)["journey"]
    assert journey["visitor_id"] == mine.visitor_id
    assert [hit["url"] for hit in journey["hits"]] == ["http://localhost:8000/try"]


def test_another_browser_of_the_same_person_is_counted_and_not_shown(
    app: Flask, browser: LocalBrowser, past: Past
) -> None:
    """An equal address joins two browsers; whoever typed it sees of the other only the channel."""
    mine, theirs = visitor(app), visitor(app)
    past.hit(theirs, "/try/?utm_source=newsletter&utm_medium=email&utm_campaign=secret-campaign")
    past.lead(
        after_s=5,
        kind="form",
        visitor_id=theirs.visitor_id,
        email="ann@northfield-fc.co.uk",
        name="Ann Secret",
    )
    past.hit(mine, "/try/pricing", after_s=10)
    past.lead(after_s=20, kind="form", visitor_id=mine.visitor_id, email="ann@northfield-fc.co.uk", name="Me")
    past.lead(
        after_s=30, kind="call", email="ann@northfield-fc.co.uk", name="Ann Secret", phone="+442079460018"
    )
    past.drain()
    answer = live_of(browser, mine.token)
    journey = answer["journey"]
    assert journey["browsers"] == 2
    assert [(lead["match_rule"], lead["name"]) for lead in journey["leads"]] == [("M1", "Me"), ("M5", "A***")]
    assert [lead["is_repeat"] for lead in journey["leads"]] == [True, True]
    touches = journey["leads"][0]["journey"]["touches"]
    assert [(touch["channel"], touch["is_own"]) for touch in touches] == [("Email", False), ("Direct", True)]
    assert "secret" not in str(answer).lower()


def test_the_bookmark_of_an_ad_brings_its_click_id_again(
    app: Flask, browser: LocalBrowser, past: Past
) -> None:
    """The try-out offers the repeat once there was a click, and the session says that it is one."""
    who = visitor(app)
    cookie = {"Cookie": f"_tl={who.token}"}
    assert "bookmark" not in browser.get("/try/start", headers=cookie).text
    past.hit(who, "/try/product?gclid=abc123")
    past.drain()
    assert "bookmark" in browser.get("/try/start", headers=cookie).text
    assert browser.get("/try/arrive/bookmark", headers=cookie).location == "/try/product?gclid=abc123"


def test_an_answer_that_did_not_change_is_an_empty_one(browser: LocalBrowser) -> None:
    """Polling costs a tag; a page of another site learns nothing."""
    answer = browser.get("/live.json")
    again = browser.get("/live.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert browser.get("/live.json", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser.get("/live.json", headers={"Referer": "http://example.com/"}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        pytest.param({"Sec-GPC": "1"}, "Global Privacy Control", id="a browser that asks not to be tracked"),
        pytest.param({"User-Agent": "curl/8.0"}, "counts as a bot", id="a program"),
    ],
)
def test_a_browser_that_leaves_no_trace_is_told_why(
    browser: LocalBrowser, headers: dict[str, str], words: str
) -> None:
    """The panel says in words why nothing shows."""
    assert words in live_of(browser, **headers)["unseen"]
    assert live_of(browser)["unseen"] is None


@pytest.mark.parametrize(
    ("log", "name", "state", "words"),
    [
        pytest.param(IDLE, "log", "ok", "Empty: all is in the store.", id="nothing waits"),
        pytest.param(IDLE, "worker", "ok", RESTED, id="a worker at rest"),
        pytest.param(
            replace(IDLE, idle_ms=None), "worker", "ok", "Ready.", id="a worker that never drained"
        ),
        pytest.param(
            replace(IDLE, waiting=2, oldest_ms=NOW_MS - 1_000), "log", "busy", "2 messages waiting.",
            id="what waits is counted",
        ),
        pytest.param(
            replace(IDLE, waiting=1, oldest_ms=NOW_MS - 240_000), "log", "busy",
            f"1 message waiting, the oldest 4{NBSP}min.", id="what waits for long is dated",
        ),
        pytest.param(
            replace(IDLE, waiting=1), "worker", "busy", "Draining the log into the store.", id="a busy worker"
        ),
        pytest.param(
            replace(IDLE, hands=[], waiting=3), "worker", "down",
            "Not running. Hits are safe on the log, waiting.", id="no worker, and hits that wait for one",
        ),
        pytest.param(
            replace(IDLE, hands=[]), "worker", "down", "Not running. Nothing waits for it.", id="no worker"
        ),
        pytest.param(
            replace(IDLE, hands=[replace(MINE, host="elsewhere", beat_ms=NOW_MS - 60_000)]), "worker", "down",
            "Not running. Nothing waits for it.", id="another machine's worker that fell silent",
        ),
        pytest.param(
            replace(IDLE, hands=[replace(MINE, host="elsewhere", beat_ms=NOW_MS - 5_000)]), "worker", "ok",
            RESTED, id="another machine's worker that spoke lately",
        ),
        pytest.param(
            replace(IDLE, waiting=9, failures=Failures(count=2, error="OSError: full")), "worker", "down",
            "The drain failed 2 times in a row (OSError: full). Hits are safe on the log; it tries again.",
            id="a drain that fails says with what",
        ),
        pytest.param(
            None, "log", "down", "Its server does not answer. Browsers keep their hits and send them later.",
            id="the log's server is away",
        ),
        pytest.param(None, "worker", "down", "Waits for the log's server.", id="a worker without a log"),
    ],
)  # fmt: skip
def test_each_part_says_in_words_how_it_is(
    log: running.LogState | None, name: str, state: str, words: str
) -> None:
    """A state for the eye, and a sentence that says it without one."""
    part = {"log": running.log_part, "worker": running.worker_part}[name](log, NOW_MS)
    assert (part.state, part.words) == (state, words)


@pytest.mark.parametrize(
    ("outbox", "state", "words"),
    [
        (OutboxState(), "ok", "Nobody is told of anything yet."),
        (OutboxState(1), "ok", "All is sent."),
        (OutboxState(2, waiting=1), "busy", "1 message about to leave."),
        (OutboxState(2, waiting=3, failing=2), "busy", "2 messages not taken yet; it tries again."),
        (OutboxState(2, dead=1), "down", "1 message given up: touchline outbox list."),
        (
            OutboxState(2, off=2, dead=4), "down",
            "2 addresses switched off and 4 messages given up: touchline outbox list.",
        ),
        (None, "down", "Cannot be read."),
    ],
)  # fmt: skip
def test_the_outbox_says_in_words_how_it_is(outbox: OutboxState | None, state: str, words: str) -> None:
    """What does not arrive is said; without a worker that sends, that is."""
    part = running.outbox_part(outbox, replace(IDLE, senders=[MINE]), NOW_MS)
    assert (part.state, part.words) == (state, words)
    alone = running.outbox_part(OutboxState(1), IDLE, NOW_MS)
    assert (alone.state, "touchline work deliver" in alone.words) == ("down", True)
    failing = replace(IDLE, senders=[MINE], unsent=Failures(count=1, error="OSError: full"))
    broken = running.outbox_part(OutboxState(1), failing, NOW_MS)
    assert (broken.state, broken.words) == ("down", "Sending failed (OSError: full). It tries again.")


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 0), "Listening: no hit yet."),
        ((1, 0), "Listening: 1 hit."),
        ((1_200, 3), "Listening: 1,200 hits, 3 dropped by rule."),
        ((0, 3), "Listening: no hits, 3 dropped by rule."),
    ],
)
def test_the_collector_counts_in_words(counts: tuple[int, int], words: str) -> None:
    """Accepted and dropped hits of all processes since the start."""
    assert running.collector_part(*counts).words == words


@pytest.mark.parametrize(
    ("totals", "words"),
    [
        (live.Totals(0, 0), "No sessions, no leads so far."),
        (live.Totals(1, 2_000), "1 session, 2,000 leads so far."),
        (None, "Cannot be read. Hits are safe on the log, waiting."),
    ],
)
def test_the_store_counts_in_words(totals: live.Totals | None, words: str) -> None:
    """How much there is, or that it cannot be read."""
    assert running.store_part(totals).words == words


def test_the_page_stands_when_the_store_cannot_be_read(
    browser: LocalBrowser, settings: Settings, app: Flask
) -> None:
    """A store that is no store is said in words; the page does not fail."""
    who = visitor(app)
    for suffix in ("", "-wal", "-shm"):
        path = settings.data / f"touchline.db{suffix}"
        path.write_bytes(b"no database" * 100)
    answer = live_of(browser, who.token)
    assert answer["journey"] is None
    assert answer["parts"][3]["words"] == "Cannot be read. Hits are safe on the log, waiting."


def test_a_worker_is_known_while_its_process_runs(client: redis.Redis) -> None:
    """A registered worker counts; one that was killed does not, though its registration stays."""
    child = subprocess.Popen(["sleep", "60"])
    hand = SimpleWorker([queue.QUEUE], connection=client, serializer=JSONSerializer, name="test-hand")
    hand.pid = child.pid
    hand.register_birth()
    (found,) = queue.hands(client)
    now_ms = int(time.time() * 1_000)
    assert running.is_alive(found, now_ms)
    child.kill()
    child.wait()
    assert queue.hands(client) == [found]
    assert not running.is_alive(found, now_ms)
    hand.register_death()
    assert queue.hands(client) == []


def test_the_log_tells_when_it_was_last_drained(client: redis.Redis) -> None:
    """Never before the first look; the time since the latest one after it."""
    assert hitlog.idle_ms(client) is None
    hitlog.prepare(client)
    hitlog.read(client, 1, again=False)
    began = time.monotonic()
    time.sleep(0.05)
    idle_ms = hitlog.idle_ms(client)
    assert idle_ms is not None and 50 <= idle_ms < 1_000 * (time.monotonic() - began) + 5_000


@pytest.mark.parametrize("query", [live._SESSIONS, live._HITS, live._LEADS, live._PERSON, live._LAST_CLICK])
def test_a_look_never_reads_a_whole_table(settings: Settings, query: str) -> None:
    """Every query goes by an index, whatever the size of the store."""
    db = open_store(settings.data)
    values: Any = {"visitor_id": "x", "limit": 1} if ":" in query else ["x", "gclid"][: query.count("?")]
    plan = [row[3] for row in explained(db, query, values)]
    db.close()
    assert [step for step in plan if step.startswith("SCAN")] == []


def explained(db: sqlite3.Connection, query: str, values: Any) -> list[tuple[Any, ...]]:
    """Ask how a query would be run."""
    return db.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()


@pytest.mark.parametrize(
    ("referrer", "channel", "rule"),
    [
        ("http://search.localhost:8000/", "Organic Search", "referrer:organic_search"),
        ("http://shop.localhost:8000/", "Direct", "not_a_source:own_domain"),
        ("http://localhost:8000/try/", "Direct", "not_a_source:own_domain"),
    ],
)
def test_the_tryouts_search_engine_is_a_stranger(referrer: str, channel: str, rule: str) -> None:
    """Below localhost all is one's own but for what the table of senders lists."""
    source = decide_source((), referrer, ("localhost", "127.0.0.1"))
    assert (source.channel, source.rule) == (channel, rule)
