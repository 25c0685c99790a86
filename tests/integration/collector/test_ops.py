"""What an operator's machines ask: health, readiness, metrics, robots; and the headers of all pages."""

from __future__ import annotations

import re
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import redis

from tests.integration.collector.conftest import Shop, hit, open_shop
from tracker import config
from tracker.core.outbox import Answer, Verdict
from tracker.store.db import FILE, atomic, open_store
from tracker.store.destinations import Destination, add_destination, load_destinations
from tracker.store.outbox import Post, due, put_delivery, put_receipt
from tracker.web.counters import Counters, Shelf, Tally


def test_health_is_the_process_alone(shop: Shop) -> None:
    """Alive is alive, whatever the rest does."""
    answer = shop.ask("/health")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_ready_when_a_hit_could_be_taken(shop: Shop) -> None:
    """The log takes writes and the store can be read."""
    answer = shop.ask("/ready")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ready", "log": "ok", "store": "ok"})


def test_not_ready_while_the_log_is_full(shop: Shop) -> None:
    """A server that reads but refuses writes is not ready."""
    shop.log.config_set("maxmemory", "1")
    try:
        answer = shop.ask("/ready")
    finally:
        shop.log.config_set("maxmemory", "0")
    said = answer.get_json()
    assert (answer.status_code, said["status"], said["store"]) == (503, "not ready", "ok")
    assert said["log"] != "ok"


def test_not_ready_while_the_store_cannot_be_read(shop: Shop) -> None:
    """A store that is no store is said; hits are still taken by what is in memory."""
    (shop.settings.data / FILE).rename(shop.settings.data / "kept.db")
    (shop.settings.data / FILE).write_bytes(b"no database" * 1_000)
    answer = shop.ask("/ready")
    assert (answer.status_code, answer.get_json()["log"]) == (503, "ok")
    assert shop.post(hit()).status_code == 202


def test_before_the_sites_are_known_nothing_is_refused(
    shop_settings: config.Settings, client: redis.Redis
) -> None:
    """503 rather than `no_site`: the script keeps its events."""
    (shop_settings.data / FILE).write_bytes(b"no database" * 1_000)
    shop = open_shop(shop_settings, client)
    answer = shop.post(hit())
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert shop.ask("/e.gif?site=shop").status_code == 200
    shop.app.extensions["touchline"].close()


def test_metrics_are_prometheus_s(shop: Shop) -> None:
    """Every line is a comment or a figure; counts, groups, the log and the store are there."""
    shop.post(hit("e1"), hit("e2"), hit("e3", at="x"))
    answer = shop.ask("/metrics")
    text = answer.get_data(as_text=True)
    assert answer.headers["Content-Type"].startswith("text/plain")
    line = re.compile(r'(# (HELP|TYPE) .+|[a-z_]+(\{([a-z_]+="[^"]*",?)*\})? [-+0-9.einfNaN]+)')
    assert [each for each in text.splitlines() if not line.fullmatch(each)] == []
    figures = {
        ("touchline_hits_total", "result", "accepted"): 2,
        ("touchline_requests_total", "status", "202"): 1,
        ("touchline_commit_entries_sum", "", ""): 2,
        ("touchline_log_entries", "", ""): 2,
        ("touchline_log_up", "", ""): 1,
    }
    for (name, label, value), figure in figures.items():
        assert shop.metric(name, **({label: value} if label else {})) == figure, name
    assert shop.metric("touchline_store_bytes") > 10_000
    assert shop.metric("touchline_redis_bytes") > 10_000


def test_what_leaves_is_counted_by_address_and_result(shop: Shop) -> None:
    """Tries by what came of them, and what is kept by how it is; an address is named by its id alone."""
    new = Destination(0, "d1", 1, "webhook", "https://example.com/...", ["lead"], 60, False, "on", 0)
    with closing(open_store(shop.settings.data, write=True)) as db:
        add_destination(db, new, "sealed")
        (own,) = load_destinations(db)
        with atomic(db):
            put_delivery(db, own, Post("a", "x", {}), 0)
            put_delivery(db, own, Post("b", "y", {}), 0)
            (first, _) = due(db, own, 0, 2)
            put_receipt(db, first, Answer("retry", 500, "no"), Verdict("waiting", 9), 1)
            put_receipt(db, first, Answer("delivered", 204, ""), Verdict("delivered"), 10)
    labels = {"destination": "d1", "site": "shop", "kind": "webhook"}
    for result in ("retry", "delivered"):
        assert shop.metric("touchline_deliveries_total", **labels, result=result) == 1
    for state in ("waiting", "delivered"):
        assert shop.metric("touchline_outbox", **labels, result=state) == 1
    assert "example.com" not in shop.ask("/metrics").get_data(as_text=True)


def test_the_age_of_the_oldest_entry_is_the_drain_s_lag(shop: Shop) -> None:
    """Nothing waits: no lag; else the time since the oldest was appended."""
    assert shop.metric("touchline_log_oldest_seconds") == 0
    began = time.monotonic()
    shop.post(hit())
    time.sleep(0.05)
    assert 0.03 < shop.metric("touchline_log_oldest_seconds") < time.monotonic() - began + 1


def test_metrics_are_there_while_the_log_is_not(shop_settings: config.Settings, client: redis.Redis) -> None:
    """What cannot be measured is left out; that it cannot is a figure."""
    shop = open_shop(replace(shop_settings, redis_url="redis://127.0.0.1:1"), client)
    assert shop.metric("touchline_log_up") == 0
    assert shop.metric("touchline_sites") == 3
    assert "touchline_log_entries" not in shop.ask("/metrics").get_data(as_text=True)
    assert shop.post(hit()).status_code == 503
    assert shop.ask("/ready").status_code == 503
    shop.app.extensions["touchline"].close()


def test_robots_stay_away(shop: Shop) -> None:
    """Nothing here is for a search engine."""
    assert shop.ask("/robots.txt").get_data(as_text=True) == "User-agent: *\nDisallow: /\n"


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/robots.txt", "/nothing", "/api/leads"])
def test_every_page_has_security_headers(shop: Shop, path: str) -> None:
    """A strict policy, no sniffing, no framing, also on errors."""
    headers = shop.ask(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


def test_counts_of_several_processes_are_one(data: Path) -> None:
    """Each process leaves its counts for the others; the dead ones' stay until the next start."""
    shelf, mine = Shelf(data / "collectors"), Counters()
    shelf.clear()
    mine.count((("hits", "accepted", ""), 2))
    mine.committed(3, 0.004)
    other = Tally({"hits\taccepted\t": 5, "hits\tdropped\tbot": 1}, commit_entries_sum=7)
    (data / "collectors" / "1.json").write_bytes(msgspec.json.encode(other))
    shelf.leave(mine)
    total = shelf.sum(mine)
    assert total.counts == {"hits\taccepted\t": 7, "hits\tdropped\tbot": 1}
    assert (total.commit_entries_sum, sum(total.commit_s)) == (10, 1)
    shelf.clear()
    assert shelf.sum(mine).counts == {"hits\taccepted\t": 2}
