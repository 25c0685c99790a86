"""Numbers of pools at `/e`: who gets one, who gets the fallback, and what stands on the log."""

from __future__ import annotations

import ipaddress
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
import redis
from werkzeug.test import TestResponse

from tests.integration.collector.conftest import Shop, hit
from tests.waiting import wait_for
from tracker import hitlog, wire
from tracker.model import Pool, SiteKey
from tracker.store.db import open_store
from tracker.store.pools import exhaustions_since, put_pool
from worker import drain, rebuild

FALLBACK = "+442079460000"
NUMBERS = ("+442079460001", "+442079460002")
MAIN = Pool("main", NUMBERS, FALLBACK)
ASKS = {"pools": ["main"]}
SAID = {"target": FALLBACK, "country": "44", "trunk": "0", "hold_s": 1200}


def add_pool(shop: Shop, pool: Pool = MAIN, site: str = "shop") -> None:
    """Add a pool, and wait until the collector knows of it."""
    with closing(open_store(shop.settings.data, write=True)) as db:
        made = put_pool(db, pool, site=SiteKey(site))
    book = shop.app.extensions["touchline"].sitebook
    wait_for(lambda: book.look_again() and book.pools(SiteKey(site)).get(pool.name) == made)


@pytest.fixture
def pooled(shop: Shop) -> Shop:
    """Give a collector whose site has a pool of two."""
    add_pool(shop)
    return shop


def leases(shop: Shop) -> list[wire.LeaseEntry]:
    """Read the leases on the log."""
    return [entry for entry in shop.entries() if isinstance(entry, wire.LeaseEntry)]


def number(answer: TestResponse, pool: str = "main") -> str:
    """Read the number that an answer gives."""
    return str(answer.get_json()["numbers"][pool])


def ask(shop: Shop, event_id: str, **headers: str) -> TestResponse:
    """Send a page view that asks for a number."""
    return shop.post(hit(event_id), said=ASKS, **headers)


def test_a_first_page_view_gets_a_number_and_its_lease_is_on_the_log(pooled: Shop) -> None:
    """In the one round trip that writes the hit; the answer says what to swap it for."""
    answer = ask(pooled, "e1")
    said = answer.get_json()
    assert (said["accepted"], said["numbers"], said["pools"]) == (1, {"main": NUMBERS[0]}, {"main": SAID})
    (lease,) = leases(pooled)
    assert (lease.site, lease.pool, lease.number, lease.session_hint) == ("shop", "main", NUMBERS[0], "e1")
    assert lease.visitor_id == said["visitor"].partition(".")[0]
    assert lease.from_ms == lease.to_ms
    assert pooled.metric("touchline_numbers_total", pool="main", result="new") == 1


def test_a_heartbeat_keeps_the_number_and_renews_the_cookie(pooled: Shop) -> None:
    """No hits, or no word of any: both are heartbeats of who has a cookie."""
    token = ask(pooled, "e1").get_json()["visitor"]
    for body in ({"hits": [], **ASKS}, {"hits": None, **ASKS}):
        beat = pooled.post(said=body, Cookie=f"_tl={token}")
        assert (beat.status_code, number(beat), beat.get_json()["visitor"]) == (202, NUMBERS[0], token)
        assert beat.headers["Set-Cookie"].startswith(f"_tl={token}")
    assert pooled.metric("touchline_numbers_total", result="kept") == 2
    assert len(leases(pooled)) == 1


def test_a_second_visitor_gets_another_and_a_third_the_fallback(pooled: Shop) -> None:
    """Two numbers, three visitors; the want is counted once, on the log and in the metrics."""
    assert [number(ask(pooled, f"e{i}")) for i in range(3)] == [*NUMBERS, FALLBACK]
    assert pooled.metric("touchline_numbers_total", pool="main", result="exhausted") == 1
    (want,) = [entry for entry in pooled.entries() if isinstance(entry, wire.ExhaustedEntry)]
    assert (want.site, want.pool) == ("shop", "main")


NO_NUMBER: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a bot": ({}, {"User_Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}),
    "a driven browser": ({"client_hints": {"webdriver": True}}, {}),
    "a prefetch": ({}, {"Sec_Purpose": "prefetch"}),
    "a refusal of consent": ({"consent": "denied"}, {}),
    "Global Privacy Control": ({}, {"Sec_GPC": "1"}),
    "a hit that cannot be used": ({"at": "yesterday"}, {}),
}


@pytest.mark.parametrize(("change", "headers"), NO_NUMBER.values(), ids=NO_NUMBER)
@pytest.mark.parametrize("has_cookie", [False, True], ids=["a stranger", "with a cookie"])
def test_who_may_hold_none_gets_the_fallback(
    pooled: Shop, change: dict[str, Any], headers: dict[str, str], has_cookie: bool
) -> None:
    """And takes none away from others; a known visitor whose hit was bad may still hold theirs."""
    if has_cookie:
        headers = headers | {"Cookie": f"_tl={pooled.post(hit('e0')).get_json()['visitor']}"}
    answer = pooled.post(hit("e1", **change), said=ASKS, **headers)
    may = has_cookie and change.get("at") == "yesterday"
    assert (number(answer), len(leases(pooled))) == ((NUMBERS[0], 1) if may else (FALLBACK, 0))


def test_one_of_the_operator_s_own_addresses_takes_no_number(pooled: Shop) -> None:
    """Internal hits open no session, so a call would have none to go to."""
    house = pooled.app.extensions["touchline"]
    internal = replace(house.settings, internal_ips=(ipaddress.ip_network("127.0.0.0/8"),))
    object.__setattr__(house, "settings", internal)
    assert (number(ask(pooled, "e1")), leases(pooled)) == (FALLBACK, [])


def test_where_consent_is_required_there_is_no_lease_without_it(shop: Shop) -> None:
    """The page's number stays until the visitor has agreed."""
    add_pool(shop, site="asks")
    page = {"url": "https://asks.example.co.uk/"}
    assert number(shop.post(hit("e1", **page), site="asks", said=ASKS)) == FALLBACK
    agreed = shop.post(hit("e2", consent="granted", **page), site="asks", said=ASKS)
    assert number(agreed) == NUMBERS[0]


def test_a_heartbeat_of_nobody_gets_the_fallback(pooled: Shop) -> None:
    """It makes no visitor; a forged cookie is nobody's."""
    for cookie in ("", "_tl=a.b.c"):
        answer = pooled.post(said=ASKS, Cookie=cookie)
        assert (number(answer), answer.get_json()["visitor"]) == (FALLBACK, None)
    assert leases(pooled) == []


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(["other"], id="a pool that there is not"),
        pytest.param("main", id="no list"),
        pytest.param([["main"], 1, None, {}], id="what is no name"),
        pytest.param([f"p{i}" for i in range(10)] + ["main"], id="more pools than a page has"),
    ],
)
def test_what_is_no_pool_is_left_unanswered(pooled: Shop, asked: object) -> None:
    """And is no error: the hits are taken."""
    said = pooled.post(hit("e1"), said={"pools": asked}).get_json()
    assert (said["accepted"], "numbers" in said, leases(pooled)) == (1, False, [])


def test_hits_without_pools_ask_nothing_of_the_server(pooled: Shop) -> None:
    """Their answer is what it always was."""
    assert pooled.post(hit("e1")).get_json().keys() == {"accepted", "rejected", "visitor"}
    assert pooled.metric("touchline_numbers_total") == 0


SEARCH = "https://www.example.com/?gclid=Cj0x"
INSIDE = "https://www.example.com/pricing"


def test_a_pool_for_a_channel_serves_the_sessions_that_came_through_it(shop: Shop) -> None:
    """Decided by the rules that decide the session; later pages go on with it, a new source ends it."""
    add_pool(shop, replace(MAIN, channels=("Paid Search",)))
    direct = shop.post(hit("e1", referrer=None), said=ASKS)
    assert number(direct) == FALLBACK
    cookie = {"Cookie": f"_tl={direct.get_json()['visitor']}"}
    paid = shop.post(hit("e2", url=SEARCH, referrer=None), said=ASKS, **cookie)
    assert number(paid) == NUMBERS[0]
    stranger = shop.post(hit("e3"), said=ASKS)
    assert number(stranger) == FALLBACK
    hidden = {"Cookie": f"_tl={shop.post(hit('e4', url=SEARCH.replace('0x', '1x'))).get_json()['visitor']}"}
    assert number(shop.post(hit("e5", url=INSIDE, referrer=INSIDE), said=ASKS, **hidden)) == FALLBACK


def test_a_hit_is_taken_though_the_server_cannot_lease(pooled: Shop, client: redis.Redis) -> None:
    """A pool whose key is broken costs its visitors the number, not the hit."""
    client.set("touchline:pool:shop:main", "broken")
    answer = ask(pooled, "e1")
    assert (answer.status_code, answer.get_json()["accepted"], number(answer)) == (202, 1, FALLBACK)
    assert pooled.metric("touchline_numbers_total", result="failed") == 1


def test_leases_and_wants_reach_the_store_once(pooled: Shop) -> None:
    """The log is read twice, as after a crash: the facts are there once, the want counts once."""
    for i in range(3):
        ask(pooled, f"e{i}")
    written = [fields[b"m"] for _, fields in pooled.log.xrange(hitlog.STREAM)]
    hitlog.append(pooled.log, written)
    drain.run(pooled.settings, pooled.log, key=b"k" * 32)
    with closing(open_store(pooled.settings.data)) as db:
        assert [row[0] for row in db.execute("SELECT number FROM lease ORDER BY 1")] == [*NUMBERS]
        (want,) = exhaustions_since(db, 0)
        assert (want.site, want.pool, want.count) == ("shop", "main", 1)
        assert exhaustions_since(db, want.last_ms + 1) == []
    assert rebuild.verify(pooled.settings, key=b"k" * 32, tell=print) == 0


@pytest.mark.slow
def test_two_hundred_visitors_at_once_share_twenty_numbers(shop: Shop) -> None:
    """Through the collector: twenty get a number of their own and keep it, the others the page's."""
    numbers = tuple(f"+4420794601{i:02}" for i in range(20))
    add_pool(shop, Pool("main", numbers, FALLBACK))

    def visit(name: int) -> set[str]:
        first = ask(shop, f"v{name}")
        cookie = f"_tl={first.get_json()['visitor']}"
        return {number(first), *(number(shop.post(said=ASKS, Cookie=cookie)) for _ in range(3))}

    with ThreadPoolExecutor(200) as crowd:
        shown = list(crowd.map(visit, range(200)))
    assert all(len(each) == 1 for each in shown)
    held = [each for (each,) in shown if each != FALLBACK]
    assert sorted(held) == sorted(numbers)
    assert shop.metric("touchline_numbers_total", result="exhausted") == 180
