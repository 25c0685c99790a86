"""`/e` and `/e.gif`: what is answered, what is set, what stands on the log."""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import replace
from typing import Any

import pytest
import redis
from werkzeug.test import TestResponse

from tests.integration.collector.conftest import Shop, hit, now_ms, open_shop
from tests.waiting import wait_for
from tracker import config, hitlog, queue, wire
from tracker.core.times import DAY_MS, HOUR_MS, format_instant
from tracker.model import Site, SiteKey
from tracker.store.db import open_store
from tracker.store.sites import add_site
from tracker.web.pixel import GIF

ORIGIN = "https://www.example.com"


def cookies(answer: TestResponse) -> dict[str, str]:
    """Read the cookies that an answer sets: name to value and attributes."""
    return dict(line.split("=", 1) for line in answer.headers.getlist("Set-Cookie"))


def codes(answer: TestResponse) -> list[tuple[int, str]]:
    """Read which hits were not accepted, and why."""
    return [(refused["i"], refused["code"]) for refused in answer.get_json()["rejected"]]


def test_a_hit_is_on_the_log_before_it_is_answered(shop: Shop) -> None:
    """202 with the visitor's token, the cookie and its twin; one entry, all that was sent in it."""
    answer = shop.post(hit(seq=3, props={"a": {"b": [1]}}), Origin=ORIGIN)
    said = answer.get_json()
    assert (answer.status_code, said["accepted"], said["rejected"]) == (202, 1, [])
    (entry,) = shop.entries()
    assert isinstance(entry, wire.HitsEntry)
    assert (entry.site, entry.ip) == ("shop", "127.0.0.0")
    assert (entry.hits[0].title, entry.hits[0].seq, entry.hits[0].props) == ("Home", 3, {"a": {"b": [1]}})
    visitor = shop.signer.verify(said["visitor"])
    assert visitor is not None and visitor.visitor_id == entry.visitor_id
    assert abs(entry.received_ms - now_ms()) < 10_000


def test_the_cookie_is_first_party_and_out_of_reach(shop: Shop) -> None:
    """HttpOnly master and readable twin, Secure on https, Lax, for the registrable domain, 395 days."""
    answer = shop.post(hit())
    token = answer.get_json()["visitor"]
    rest = "; Max-Age=34128000; Domain=example.com; Path=/; SameSite=Lax; Secure"
    assert cookies(answer) == {"_tl": f"{token}{rest}; HttpOnly", "_tl_id": f"{token}{rest}"}


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        pytest.param("example.com", "example.com", id="the domain itself"),
        pytest.param("a.b.example.com:8443", "example.com", id="far below it, on a port"),
        pytest.param("t.xn--mnchen-3ya.example", "xn--mnchen-3ya.example", id="an international domain"),
        pytest.param("t.example.co.uk", None, id="another site's domain"),
        pytest.param("localhost:8000", None, id="localhost"),
        pytest.param("192.0.2.7", None, id="an address"),
        pytest.param("[2001:db8::1]:8000", None, id="an IPv6 address"),
        pytest.param("collector.test", None, id="a host of someone else's"),
    ],
)
def test_the_cookie_is_for_the_widest_domain_that_is_the_site_s(
    shop: Shop, host: str, domain: str | None
) -> None:
    """The public suffix list allows the registrable domain; elsewhere the cookie is the very host's."""
    cookie = cookies(shop.post(hit(), Host=host))["_tl"]
    assert (f"Domain={domain};" in cookie) if domain else ("Domain" not in cookie)


def test_a_site_on_a_sub_domain_shares_its_domain_s_cookie(shop: Shop) -> None:
    """The widest domain of asks.example.co.uk is example.co.uk, not co.uk."""
    agreed = hit(url="https://asks.example.co.uk/", consent="granted")
    assert "Domain=example.co.uk;" in cookies(shop.post(agreed, site="asks", Host="t.example.co.uk"))["_tl"]


def test_a_declared_cross_site_use_gets_a_cookie_for_it(shop: Shop) -> None:
    """SameSite=None; Secure only where the site says so."""
    answer = shop.post(hit(url="https://framed.example/"), site="framed", Host="t.framed.example")
    assert "SameSite=None; Secure" in cookies(answer)["_tl"]


def test_every_answer_renews_the_cookie(shop: Shop) -> None:
    """The visitor stays, and their cookie's life begins anew."""
    token = shop.post(hit()).get_json()["visitor"]
    again = shop.post(hit("e2"), Cookie=f"_tl={token}; _tl_id={token}")
    assert again.get_json()["visitor"] == token
    assert cookies(again)["_tl"].startswith(f"{token}; Max-Age=34128000;")


@pytest.mark.parametrize("kept", ["_tl", "_tl_id"])
def test_one_request_restores_a_wiped_cookie(shop: Shop, kept: str) -> None:
    """If the twin is wiped the master restores it, and the reverse."""
    token = shop.post(hit()).get_json()["visitor"]
    answer = shop.post(hit("e2"), Cookie=f"{kept}={token}")
    assert {name: value.partition(";")[0] for name, value in cookies(answer).items()} == {
        "_tl": token,
        "_tl_id": token,
    }


def test_a_forged_cookie_is_ignored(shop: Shop) -> None:
    """A foreign signature is as good as none: a new id is issued."""
    token = shop.post(hit()).get_json()["visitor"]
    forged = shop.post(hit("e2"), Cookie=f"_tl={token[:-1]}{'A' if token[-1] != 'A' else 'B'}").get_json()[
        "visitor"
    ]
    assert forged.partition(".")[0] != token.partition(".")[0]


def test_parallel_first_hits_are_one_visitor(shop: Shop) -> None:
    """Requests at the same time with one seed and no cookie get one id."""
    said = {"seed": "0190f3a0-1234-7abc-8def-0123456789ab"}
    threads = [threading.Thread(target=lambda i=i: shop.post(hit(f"e{i}"), said=said)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = [entry for entry in shop.entries() if isinstance(entry, wire.HitsEntry)]
    assert len(entries) == 20
    assert len({entry.visitor_id for entry in entries}) == 1


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        pytest.param(
            {"User_Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}, {}, "bot", id="a crawler"
        ),
        pytest.param({"User_Agent": ""}, {}, "bot", id="an empty user agent"),
        pytest.param({}, {"client_hints": {"webdriver": True}}, "bot", id="a driven browser"),
        pytest.param({"Sec_Purpose": "prefetch;prerender"}, {}, "prefetch", id="a prerender"),
        pytest.param({"Purpose": "prefetch"}, {}, "prefetch", id="a prefetch of old"),
        pytest.param({"X_Moz": "prefetch"}, {}, "prefetch", id="Mozilla's"),
        pytest.param({"X_Purpose": "preview"}, {}, "prefetch", id="a preview"),
    ],
)
def test_what_is_no_person_gets_no_cookie(
    shop: Shop, headers: dict[str, str], body: dict[str, Any], reason: str
) -> None:
    """202 with the reason, no cookie and no id; the hit is logged apart."""
    answer = shop.post(hit(**body), **headers)
    assert (answer.status_code, answer.headers["X-Touchline"]) == (202, reason)
    assert (answer.get_json()["accepted"], answer.get_json()["visitor"], codes(answer)) == (
        0,
        None,
        [(0, reason)],
    )
    assert cookies(answer) == {}
    assert len(shop.hits()) == 1
    assert shop.metric("touchline_hits_total", result="dropped", reason=reason) == 1


@pytest.mark.parametrize(
    ("site", "change", "headers"),
    [
        pytest.param("asks", {}, {}, id="required and missing"),
        pytest.param("asks", {"consent": "denied"}, {}, id="required and denied"),
        pytest.param("shop", {"consent": "denied"}, {}, id="denied"),
        pytest.param("shop", {}, {"Sec_GPC": "1"}, id="Global Privacy Control"),
        pytest.param("framed", {}, {"DNT": "1"}, id="Do Not Track where it is honoured"),
    ],
)
def test_without_consent_nothing_is_kept(
    shop: Shop, site: str, change: dict[str, Any], headers: dict[str, str]
) -> None:
    """202 consent, no cookie, no id, nothing on the log, only a count."""
    pages = {
        "asks": "https://asks.example.co.uk/",
        "shop": "https://example.com/",
        "framed": "https://framed.example/",
    }
    answer = shop.post(hit(url=pages[site], **change), site=site, **headers)
    assert (answer.status_code, answer.headers["X-Touchline"]) == (202, "consent")
    assert answer.get_json() == {"accepted": 0, "rejected": [{"i": 0, "code": "consent"}], "visitor": None}
    assert (cookies(answer), shop.entries()) == ({}, [])
    assert shop.metric("touchline_hits_total", result="dropped", reason="consent") == 1


@pytest.mark.parametrize("headers", [{"DNT": "1"}, {"Sec_GPC": "0"}, {"DNT": "0"}])
def test_signals_that_are_not_honoured_change_nothing(shop: Shop, headers: dict[str, str]) -> None:
    """By default GPC is honoured and DNT is not."""
    assert shop.post(hit(), **headers).get_json()["accepted"] == 1


def test_withdrawn_consent_takes_the_cookie_back(shop: Shop) -> None:
    """Who says no has both cookies removed at once."""
    token = shop.post(hit()).get_json()["visitor"]
    answer = shop.post(hit("e2", consent="denied"), Cookie=f"_tl={token}")
    assert {name: value.partition(";")[0] for name, value in cookies(answer).items()} == {
        "_tl": "",
        "_tl_id": "",
    }
    assert all("Max-Age=0" in value for value in cookies(answer).values())


def test_withdrawn_consent_is_on_the_log_before_the_cookie_goes(shop: Shop) -> None:
    """The fact outlives the cookie; where it cannot be written, nothing is taken back."""
    token = shop.post(hit()).get_json()["visitor"]
    denial = hit("e2", consent="denied", type="event", name="consent")
    shop.log.config_set("maxmemory", "1")
    try:
        failed = shop.post(denial, Cookie=f"_tl={token}")
    finally:
        shop.log.config_set("maxmemory", "0")
    assert (failed.status_code, cookies(failed)) == (503, {})
    assert shop.post(denial, Cookie=f"_tl={token}").status_code == 202
    _, entry = shop.entries()
    assert isinstance(entry, wire.FactsEntry)
    (fact,) = entry.facts
    wanted = {"fact": "consent", "site": "shop", "visitor_id": token.partition(".")[0], "state": "denied"}
    assert fact == wanted | {"at": denial["at"]}


def test_internal_addresses_are_marked(shop_settings: config.Settings, client: redis.Redis) -> None:
    """The operator's own hits are dropped with their reason; the address is the last proxy's word."""
    inside = config.load({"TOUCHLINE_INTERNAL_IPS": "198.51.100.0/24"}, data=shop_settings.data).internal_ips
    shop = open_shop(replace(shop_settings, internal_ips=inside, proxies=1), client)
    answer = shop.post(hit(), X_Forwarded_For="203.0.113.9, 198.51.100.7")
    shop.app.extensions["touchline"].close()
    assert (answer.headers["X-Touchline"], answer.get_json()["accepted"]) == ("internal", 0)
    (entry,) = shop.entries()
    assert isinstance(entry, wire.HitsEntry)
    assert (entry.ip, entry.hits[0].flags) == ("198.51.100.0", wire.FLAG_INTERNAL)


@pytest.mark.parametrize(
    ("storage", "stored"), [("none", None), ("masked", "198.51.100.0"), ("full", "198.51.100.7")]
)
def test_addresses_are_masked_before_they_leave_memory(
    shop_settings: config.Settings, client: redis.Redis, storage: Any, stored: str | None
) -> None:
    """What the setting does not allow does not even reach the log."""
    shop = open_shop(replace(shop_settings, ip_storage=storage, proxies=1), client)
    shop.post(hit(), X_Forwarded_For="198.51.100.7")
    shop.app.extensions["touchline"].close()
    (entry,) = shop.entries()
    assert isinstance(entry, wire.HitsEntry) and entry.ip == stored


def test_forwarded_headers_are_nobody_s_word_without_proxies(shop: Shop) -> None:
    """With no proxy of ours in front, address, scheme and host are the connection's."""
    answer = shop.post(
        hit(),
        X_Forwarded_For="198.51.100.7",
        X_Forwarded_Host="example.com",
        Host="localhost",
        X_Forwarded_Proto="http",
    )
    (entry,) = shop.entries()
    assert isinstance(entry, wire.HitsEntry) and entry.ip == "127.0.0.0"
    assert "Domain" not in cookies(answer)["_tl"] and "Secure" in cookies(answer)["_tl"]


def test_what_the_client_says_of_itself_is_ignored(shop: Shop) -> None:
    """Address, user agent and visitor come from the request."""
    shop.post(hit(ip="6.6.6.6", user_agent="liar", visitor_id="someone", site="asks"))
    (entry,) = shop.entries()
    assert isinstance(entry, wire.HitsEntry)
    assert (entry.site, entry.ip, entry.hits[0].extra) == ("shop", "127.0.0.0", None)
    assert entry.user_agent != "liar" and entry.visitor_id != "someone"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"at": format_instant(now_ms() + 2 * DAY_MS)}, "future"),
        ({"at": format_instant(now_ms() - 8 * DAY_MS)}, "too_old"),
        ({"at": "soon"}, "bad_time"),
        ({"url": "javascript:alert(1)"}, "bad_url"),
        ({"url": "https://other.test/"}, "origin"),
        ({"title": "x" * 9_000}, "too_long"),
        ({"event_id": None}, "too_long"),
    ],
)
def test_one_bad_hit_is_rejected_alone(shop: Shop, change: dict[str, Any], code: str) -> None:
    """The rest of the batch is accepted, and the bad one is kept as it would be sent again."""
    answer = shop.post(hit("e1"), hit("bad") | change, hit("e3"))
    assert (answer.status_code, answer.get_json()["accepted"], codes(answer)) == (202, 2, [(1, code)])
    assert answer.headers["X-Touchline"] == code
    assert [each.event_id for each in shop.hits()] == ["e1", "e3"]
    (reject,) = shop.rejects()
    assert (reject.code, reject.site, reject.ip, reject.origin) == (code, "shop", "127.0.0.0", "collect")
    assert len(reject.body) <= 4_096 and len(reject.hash) == 64
    if len(reject.body) < 4_096:
        assert json.loads(reject.body)["hits"][0]["referrer"] == "https://www.google.com/"
    assert shop.metric("touchline_hits_total", result="rejected", reason=code) == 1


def test_a_queue_from_a_wrong_clock_is_put_right(shop: Shop) -> None:
    """Hits of two hours ago from a clock that is a day fast are two hours old."""
    fast_ms = now_ms() + DAY_MS
    said = {"sent_at": format_instant(fast_ms)}
    shop.post(hit(at=format_instant(fast_ms - 2 * HOUR_MS)), said=said)
    assert abs(shop.hits()[0].at_ms - (now_ms() - 2 * HOUR_MS)) <= 60_000


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://www.example.com", 202),
        ("http://example.com:8080", 202),
        ("https://other.test", 403),
        ("https://example.com.other.test", 403),
        ("null", 403),
        ("https://asks.example.co.uk", 403),
        ("x", 403),
    ],
)
def test_only_the_site_s_pages_may_send(shop: Shop, origin: str, status: int) -> None:
    """CORS with credentials for the site's domains; others are refused without a word for their script."""
    answer = shop.post(hit(), Origin=origin)
    assert (answer.status_code, answer.headers["Vary"]) == (status, "Origin")
    if status == 202:
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    else:
        assert answer.get_json()["code"] == "origin"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert (cookies(answer), shop.hits()) == ({}, [])


def test_a_page_of_another_host_is_refused_the_same_way(shop: Shop) -> None:
    """403 when no hit's page is the site's, with or without an Origin."""
    for headers in ({}, {"Origin": ORIGIN}):
        answer = shop.post(hit(url="https://other.test/"), hit("e2", url="https://other.test/"), **headers)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "origin")
        assert codes(answer) == [(0, "origin"), (1, "origin")]


def test_a_preflight_is_allowed_for_any_site_s_page(shop: Shop) -> None:
    """application/json works too; a stranger's page is refused before it sends anything."""
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "content-type"}
    answer = shop.ask("/e", "OPTIONS", Origin=ORIGIN, **asked)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    refused = shop.ask("/e", "OPTIONS", Origin="https://other.test", **asked)
    assert refused.status_code == 403 and "Access-Control-Allow-Origin" not in refused.headers
    assert shop.ask("/e", "OPTIONS").status_code == 403


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        pytest.param({"data": b"{"}, 400, "bad_body", id="malformed JSON"),
        pytest.param({"data": b"\xff\x00\xfe"}, 400, "bad_body", id="binary"),
        pytest.param({"data": b'{"site":"shop","hits":[]}'}, 400, "bad_body", id="no hits"),
        pytest.param({"data": b'{"site":"nobody","hits":[{}]}'}, 400, "no_site", id="an unknown site"),
        pytest.param({"data": b"x" * 65_537}, 413, "too_large", id="a byte over 64 KB"),
        pytest.param(
            {"data": gzip.compress(b" " * 70_000), "Content_Encoding": "gzip"},
            413,
            "too_large",
            id="over 64 KB when unpacked",
        ),
        pytest.param({"data": b"no gzip", "Content_Encoding": "gzip"}, 400, "bad_body", id="bad gzip"),
        pytest.param({"data": b"{}", "Content_Encoding": "br"}, 415, "bad_media", id="another coding"),
        pytest.param({"data": b"<a/>", "Content_Type": "text/xml"}, 415, "bad_media", id="another type"),
        pytest.param({"method": "GET"}, 405, "bad_method", id="another method"),
    ],
)
def test_bad_requests_get_the_documented_answer(
    shop: Shop, asked: dict[str, Any], status: int, code: str
) -> None:
    """A status, a code and what to send instead; the page of a known site may read it."""
    given = {"method": "POST", "Content_Type": "text/plain", "Origin": ORIGIN} | asked
    answer = shop.ask("/e", **given)
    said = answer.get_json()
    assert (answer.status_code, said["code"], said["accepted"]) == (status, code, 0)
    assert said["message"] and answer.headers["X-Touchline"] == code
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert (cookies(answer), shop.hits()) == ({}, [])
    assert shop.metric("touchline_requests_total", path="/e", status=str(status)) == 1


def test_refused_messages_are_kept_up_to_a_measure(shop: Shop) -> None:
    """What could not be understood is kept for replay, a few a second; all are counted."""
    for number in range(40):
        shop.ask("/e", "POST", data=b"{ %d" % number, Content_Type="text/plain")
    kept = shop.rejects()
    assert 1 <= len(kept) <= 30
    assert (kept[0].code, kept[0].body) == ("bad_body", "{ 0")
    assert shop.metric("touchline_requests_total", path="/e", status="400") == 40


def test_gzip_is_taken(shop: Shop) -> None:
    """A packed message is the same message."""
    body = gzip.compress(json.dumps({"site": "shop", "hits": [hit()]}).encode())
    answer = shop.ask("/e", "POST", data=body, Content_Type="application/json", Content_Encoding="gzip")
    assert answer.get_json()["accepted"] == 1


def test_pools_are_not_an_error(shop: Shop) -> None:
    """A message that asks for numbers may have no hits; it renews the cookie and makes no visitor."""
    answer = shop.post(said={"pools": ["main"]})
    assert answer.get_json() == {"accepted": 0, "rejected": [], "visitor": None}
    token = shop.post(hit()).get_json()["visitor"]
    renewed = shop.post(said={"pools": ["main"]}, Cookie=f"_tl={token}")
    assert renewed.get_json()["visitor"] == token and "_tl" in cookies(renewed)


def test_a_site_added_a_moment_ago_is_known(shop: Shop) -> None:
    """Before a refusal the store is looked at again, so nobody waits for the next poll."""
    assert shop.post(hit(url="https://new.test/"), site="new").status_code == 400
    db = open_store(shop.settings.data, write=True)
    add_site(db, Site(SiteKey("new"), ("new.test",)))
    db.close()
    answer = shop.post(hit(url="https://new.test/"), site="new", Origin="https://new.test")
    assert (answer.status_code, answer.get_json()["accepted"]) == (202, 1)


def test_a_hit_asks_for_one_drain(shop: Shop) -> None:
    """The guard lets one asker through; its job is on the queue."""
    shop.post(hit("e1"))
    shop.post(hit("e2"))
    house = shop.app.extensions["touchline"]
    wait_for(lambda: queue.pending(house.client))
    assert (queue.pending(house.client), shop.log.exists(queue.WAKE_KEY)) == (1, 1)


def test_text_of_every_kind_arrives(shop: Shop) -> None:
    """Half surrogates and NULs are made storable, all else is kept letter by letter."""
    title = "Grüße 🙂 \u202e \x07 <script> ' \" \\"
    shop.post(hit("e1", title=title), hit("e2", title="half \ud83d"), hit("e3", title="a\0b"))
    assert [each.title for each in shop.hits()] == [title, "half \ufffd", "a\ufffdb"]


def gif(shop: Shop, query: str, **headers: str) -> TestResponse:
    """Ask for the picture."""
    answer = shop.ask(f"/e.gif?{query}", **headers)
    assert (answer.status_code, answer.data, len(GIF)) == (200, GIF, 43)
    assert answer.headers["Content-Type"] == "image/gif"
    assert answer.headers["Cache-Control"] == "no-store"
    return answer


def test_a_picture_counts_a_page_view(shop: Shop) -> None:
    """A page without scripts is one picture: the same rules, the same cookie."""
    answer = gif(
        shop, "site=shop&url=https://example.com/a%3Fb&referrer=https://x.test/&title=Caf%C3%A9&event_id=e9"
    )
    assert "_tl" in cookies(answer)
    (view,) = shop.hits()
    assert (view.event_id, view.type, view.url) == ("e9", "page", "https://example.com/a?b")
    assert (view.referrer, view.title) == ("https://x.test/", "Café")


def test_a_picture_without_a_page_is_on_the_page_that_shows_it(shop: Shop) -> None:
    """The browser names the page; each picture without an id is a view of its own."""
    for _ in range(2):
        gif(shop, "site=shop", Referer="https://example.com/page")
    first, second = shop.hits()
    assert first.url == second.url == "https://example.com/page"
    assert first.event_id != second.event_id


@pytest.mark.parametrize(
    ("query", "headers", "reason"),
    [
        ("", {}, "no_site"),
        ("site=shop", {}, "bad_url"),
        ("site=shop&url=https://other.test/", {}, "origin"),
        ("site=shop&url=https://example.com/", {"User_Agent": "Googlebot/2.1"}, "bot"),
        ("site=shop&url=https://example.com/", {"Sec_GPC": "1"}, "consent"),
        ("site=asks&url=https://asks.example.co.uk/", {}, "consent"),
        ("site=shop&url=https://example.com/&title=" + "x" * 3_000, {}, "too_long"),
        ("&".join(f"a{i}=1" for i in range(60)), {}, "too_long"),
        ("%ff%00=%fe&site=%00&url=\xff", {}, "no_site"),
    ],
)
def test_the_picture_is_the_same_whatever_is_wrong(
    shop: Shop, query: str, headers: dict[str, str], reason: str
) -> None:
    """Always the picture; the reason stands in a header."""
    answer = gif(shop, query, **headers)
    assert answer.headers["X-Touchline"] == reason
    assert cookies(answer) == {}


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_other_methods_on_the_picture_count_nothing(shop: Shop, method: str) -> None:
    """Only a GET is a view."""
    assert shop.ask("/e.gif?site=shop&url=https://example.com/", method).status_code == 200
    assert shop.entries() == []


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/e", {"X_Forwarded_Prefix": "/t"}),
        ("/t/e", {"X_Forwarded_Prefix": "/t"}),
        ("/t/e.gif", {"X_Forwarded_Prefix": "/t"}),
    ],
)
def test_everything_works_under_a_prefix(shop: Shop, path: str, headers: dict[str, str]) -> None:
    """Either style of proxy, with cookies for the whole site."""
    body = json.dumps({"site": "shop", "hits": [hit()]}).encode()
    if path.endswith(".gif"):
        answer = shop.ask(f"{path}?site=shop&url=https://example.com/", **headers)
    else:
        answer = shop.ask(path, "POST", data=body, Content_Type="text/plain", **headers)
    assert "Path=/;" in cookies(answer)["_tl"]
    assert len(shop.hits()) == 1


def test_the_prefix_may_be_a_setting(shop_settings: config.Settings, client: redis.Redis) -> None:
    """For proxies that leave the path on and send no header."""
    shop = open_shop(replace(shop_settings, url_prefix="/t"), client)
    assert shop.ask("/t/tracker.js").status_code == 200
    assert shop.ask("/t/health").get_json() == {"status": "ok"}
    assert shop.ask("/health").status_code == 200
    shop.app.extensions["touchline"].close()


def test_hits_are_not_lost_quietly(shop: Shop) -> None:
    """A server that is full refuses the write: 503, and the script keeps its events."""
    shop.log.config_set("maxmemory", "1")
    try:
        answer = shop.post(hit(), Origin=ORIGIN)
        picture = gif(shop, "site=shop&url=https://example.com/")
    finally:
        shop.log.config_set("maxmemory", "0")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert (cookies(answer), cookies(picture), shop.entries()) == ({}, {}, [])
    assert shop.post(hit()).status_code == 202


def test_the_log_s_key_is_one(shop: Shop) -> None:
    """The raw command of the collector and redis-py's write to the same stream, in the same form."""
    shop.post(hit())
    hitlog.append(shop.log, [wire.encode(shop.entries()[0])])
    first, second = shop.entries()
    assert first == second
