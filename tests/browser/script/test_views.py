"""The script in a real Chromium: what a page view says, and when there is one."""

from __future__ import annotations

import json
import re
import time

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.script.pages import OpenPage, run_until, set_hidden, settle, stop_clock
from tests.browser.script.recorder import Recorder
from tests.waiting import wait_for
from tracker.web.intake import HIT_BYTES
from tracker.web.snippet import STUB

pytestmark = pytest.mark.browser

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
QUIET_S = 0.6
PREPARE = """() => { touchline("event", "early"); fetch("/prepared" + location.pathname); }"""
FOLLOW = """async () => {
  let answer;
  while (!answer?.ok) {
    await new Promise((next) => setTimeout(next, 50));
    answer = await fetch("/go");
  }
  location.href = await answer.text();
}"""
REPORT_ACTIVATION = """async () => {
  while (!window.touchline || document.prerendering) await new Promise((next) => setTimeout(next, 50));
  const { activationStart } = performance.getEntriesByType("navigation")[0];
  touchline("event", "prepared", { start_ms: activationStart });
}"""


def stub_tag() -> str:
    """Write the queue for early calls as a page would paste it."""
    return f"<script>{STUB}</script>"


def test_a_page_view_says_what_the_collector_needs(recorder: Recorder, page: Page) -> None:
    """Site, id, time, address with its parameters, referrer, title and the browser's own facts."""
    recorder.add("/landing")
    referrer = "https://www.google.com/"
    stop_clock(page)  # the script waits for the browser's hints, but not for long
    before = time.time()
    page.goto(recorder.url("/landing?utm_source=news&gclid=abc#part"), referer=referrer)
    run_until(page, lambda: recorder.find("page"), step_ms=1)
    (hit,) = recorder.find("page")
    (batch,) = recorder.brought("page")
    assert batch.body["site"] == "shop"
    assert batch.headers["content-type"].startswith("text/plain")
    assert UUID7.fullmatch(hit["event_id"])
    assert before - 2 < int(hit["event_id"].replace("-", "")[:12], 16) / 1000 < time.time() + 2
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", hit["at"])
    assert hit["url"] == recorder.url("/landing?utm_source=news&gclid=abc#part")
    assert (hit["referrer"], hit["title"]) == (referrer, "Page /landing")
    assert (hit["language"], hit["zone"]) == ("en-GB", "Europe/London")
    assert (hit["screen"], hit["viewport"]) == ("1280x720", "1280x720")
    assert hit["seq"] == 1
    hints = hit["client_hints"]
    assert hints["platform"] and hints["fullVersionList"] and "model" in hints
    assert (hints["maxTouchPoints"], hints["webdriver"], hints["mobile"]) == (0, True, False)


def urls(recorder: Recorder) -> list[str]:
    """List the page views' paths, queries and fragments in order."""
    return [hit["url"].split(str(recorder.port), 1)[1] for hit in recorder.find("page")]


CHANGES = [
    pytest.param('history.pushState({}, "", "/b")', ["/b"], id="pushState to another path"),
    pytest.param('history.replaceState({}, "", "/a?q=1")', ["/a?q=1"], id="replaceState to another query"),
    pytest.param('history.pushState({}, "", "/a")', [], id="the same address again"),
    pytest.param('history.pushState({}, "", "/a#part")', [], id="only the fragment"),
    pytest.param(
        'history.pushState({}, "", "/x"); history.replaceState({}, "", "/y")',
        ["/y"],
        id="twice in one tick",
    ),
    pytest.param(
        'history.pushState({}, "", "/x"); history.pushState({}, "", "/a")',
        [],
        id="there and back in one tick",
    ),
    pytest.param('location.hash = "/route"', [], id="a hash route that was not asked for"),
]


@pytest.fixture(scope="module")
def changed(server: Recorder, browser: Browser) -> dict[str, list[str]]:
    """Open a page for every change of the table and make it; returns the views that it made."""
    server.clear()
    server.add("/a")
    views = {}
    for change in (case.values[0] for case in CHANGES):
        with browser.new_context() as context:  # what one page could not send, the next would send again
            page = context.new_page()
            page.goto(server.url("/a"))
            server.wait("page")
            page.evaluate(change)
            settle(page, server)
            views[change] = urls(server)[1:]
        server.batches.clear()
    return views


@pytest.mark.parametrize(("change", "seen"), CHANGES)
def test_a_route_is_a_view_when_its_path_or_query_changed(
    changed: dict[str, list[str]], change: str, seen: list[str]
) -> None:
    """One view per changed address and tick, whoever changes it."""
    assert changed[change] == seen


def test_a_later_route_names_the_one_before_and_no_referrer(recorder: Recorder, page: Page) -> None:
    """The landing referrer is sent once; routes say prev_url, popstate too, with their own titles."""
    recorder.add("/a")
    page.goto(recorder.url("/a"), referer="https://duckduckgo.com/")
    page.evaluate('touchline("visitor")')
    page.evaluate('history.pushState({}, "", "/b"); setTimeout(() => document.title = "B")')
    recorder.wait("page", 2)
    page.go_back()
    first, second, third = recorder.wait("page", 3)
    assert first["referrer"] == "https://duckduckgo.com/" and "prev_url" not in first
    assert "referrer" not in second and second["prev_url"] == recorder.url("/a")
    assert "referrer" not in third and third["prev_url"] == recorder.url("/b")
    assert second["title"] == "B"
    assert [hit["seq"] for hit in recorder.made] == [*range(1, len(recorder.made) + 1)]


def test_long_addresses_do_not_cost_the_view(recorder: Recorder, page: Page) -> None:
    """However long a route and the one before are, the collector takes the hit."""
    recorder.add("/a")
    page.goto(recorder.url("/a?" + "x" * 4500))
    recorder.wait("page")
    page.evaluate("document.title = '語'.repeat(600); history.pushState({}, '', '?' + 'y'.repeat(4500))")
    for hit in recorder.wait("page", 2):
        assert len(json.dumps(hit, ensure_ascii=False).encode()) <= HIT_BYTES


def test_hash_routes_count_on_request(recorder: Recorder, page: Page) -> None:
    """With data-hash-routes the fragment is part of the route."""
    recorder.add("/a", tag="data-hash-routes")
    page.goto(recorder.url("/a#/one"))
    recorder.wait("page")
    page.evaluate('location.hash = "/two"')
    recorder.wait("page", 2)
    assert urls(recorder) == ["/a#/one", "/a#/two"]
    assert all(hit["extra"] == {"hash_routes": True} for batch in recorder.batches for hit in batch.hits)


def test_coming_back_from_the_back_forward_cache_is_a_view(recorder: Recorder, page: Page) -> None:
    """A page that is shown again from memory counts again, without a referrer."""
    recorder.add("/a", "<script>window.born = Math.random()</script>")
    recorder.add("/b")
    page.goto(recorder.url("/a?gclid=abc"), referer="https://www.google.com/")
    page.evaluate('touchline("visitor")')
    born = page.evaluate("born")
    page.goto(recorder.url("/b"))
    recorder.wait("page", 2)
    page.go_back(wait_until="commit")
    hits = recorder.wait("page", 3)
    assert page.evaluate("born") == born, "the browser did not use its back-forward cache"
    assert urls(recorder) == ["/a?gclid=abc", "/b", "/a?gclid=abc"]
    assert "referrer" not in hits[2] and "prev_url" not in hits[2]


def test_a_hidden_page_waits_until_it_is_seen(recorder: Recorder, page: Page) -> None:
    """A page opened in the background counts when it comes to the front, once."""
    page.add_init_script(
        'Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });'
    )
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    time.sleep(QUIET_S)
    assert recorder.hits == []
    set_hidden(page, False)
    recorder.wait("page")
    set_hidden(page, True)
    set_hidden(page, False)
    settle(page, recorder)
    assert urls(recorder) == ["/a"]


def test_a_prerendered_page_waits_until_it_is_seen(recorder: Recorder, chromium: OpenPage) -> None:
    """A page that the browser prepares counts when the visitor goes there, and never otherwise."""
    rules = '{"prerender": [{"source": "list", "urls": ["/b", "/c"], "eagerness": "immediate"}]}'
    recorder.add("/a", f'<script type="speculationrules">{rules}</script><script>({FOLLOW})()</script>')
    early = f'<script>addEventListener("load", {PREPARE})</script>'
    recorder.add("/b", f"{early}<script>({REPORT_ACTIVATION})()</script>")
    recorder.add("/c", early)
    with chromium(recorder.url("/a")):
        wait_for(lambda: {"/prepared/b", "/prepared/c"} <= set(recorder.asked))
        time.sleep(QUIET_S)
        recorder.pages["/go"] = "/b"
        recorder.wait("page", 2)
        (prepared,) = recorder.wait("prepared")
    assert prepared["props"]["start_ms"] > 500, "the browser did not prerender"
    assert urls(recorder) == ["/a", "/b"]
    assert [hit["url"] for hit in recorder.find("early")] == [recorder.url("/b")]
    assert "sec-purpose" not in {name for batch in recorder.batches for name in batch.headers}


def test_loaded_twice_it_runs_once(recorder: Recorder, page: Page) -> None:
    """Two tags on a page make one view a view."""
    recorder.add("/a")
    recorder.pages["/a"] += recorder.pages["/a"]
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.evaluate('history.pushState({}, "", "/b")')
    settle(page, recorder)
    assert urls(recorder) == ["/a", "/b"]


@pytest.mark.parametrize(
    ("base", "tag", "path"),
    [
        pytest.param("/", "", "/e", id="at the root"),
        pytest.param("/t", "", "/t/e", id="below a path"),
        pytest.param("http://stats.shop.test:{port}/in", "", "/in/e", id="on another sub-domain"),
        pytest.param(
            "http://cdn.test:{port}",
            'data-endpoint="http://shop.test:{port}/t/"',
            "/t/e",
            id="where data-endpoint says",
        ),
    ],
)
def test_the_collector_is_found(recorder: Recorder, page: Page, base: str, tag: str, path: str) -> None:
    """The script's own address without file name and version is the collector's base."""
    base, tag = base.replace("{port}", str(recorder.port)), tag.replace("{port}", str(recorder.port))
    recorder.add("/a", base=base, tag=tag)
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    assert recorder.batches[0].path == path


def test_a_page_can_start_it_itself(recorder: Recorder, page: Page) -> None:
    """Without data-site it waits for init; earlier calls are not lost, and come after the view."""
    tag = f'<script src="{recorder.url("/t/tracker.js")}" async></script>'
    recorder.pages["/a"] = f"""<!doctype html><title>A</title>{stub_tag()}<script>
      const kept = touchline;
      touchline("event", "early", {{ n: 1 }}).then((id) => window.early = id);
      setTimeout(() => touchline("init", {{ site: "mine", hashRoutes: true }}), 300);
    </script>{tag}"""
    page.goto(recorder.url("/a"))
    recorder.wait("early")
    assert [hit["type"] for hit in recorder.told] == ["page", "event"]
    assert recorder.batches[0].body["site"] == "mine"
    assert recorder.find("early")[0]["props"] == {"n": 1}
    assert page.evaluate("early") == recorder.find("early")[0]["event_id"]
    page.evaluate('location.hash = "two"')
    recorder.wait("page", 2)
    assert page.evaluate('kept("event", "by who kept the stub")')
    recorder.wait("by who kept the stub")


@pytest.mark.parametrize(
    ("tag", "count"),
    [pytest.param("", 0, id="silent"), pytest.param('data-frames="allow"', 1, id="allowed")],
)
def test_inside_a_frame_it_is_silent_unless_allowed(
    recorder: Recorder, page: Page, tag: str, count: int
) -> None:
    """A framed page sends nothing and answers its calls, unless data-frames allows it."""
    recorder.add("/inner", tag=tag)
    recorder.pages["/outer"] = '<iframe src="/inner"></iframe>'
    page.goto(recorder.url("/outer"))
    inner = page.frames[1]
    inner.wait_for_function("window.touchline")
    sent = inner.evaluate('touchline("event", "x")')
    recorder.wait("x", count)
    time.sleep(QUIET_S)
    assert len(recorder.find("page")) == len(recorder.find("x")) == count
    assert bool(sent) == bool(count)


def test_it_lives_under_a_strict_policy(recorder: Recorder, page: Page) -> None:
    """No eval, no inline style, no injected markup: nothing is reported under the strictest policy."""
    recorder.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    recorder.add("/a", '<form method="post" data-tl-append><input name="email"></form>')
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(recorder.url("/a?gclid=abc"))
    recorder.wait("page")
    page.wait_for_function("document.forms[0].elements.tl_visitor?.value")
    assert [text for text in refused if "favicon" not in text] == []


def test_the_page_works_when_it_is_blocked(recorder: Recorder, page: Page) -> None:
    """Blocked or served wrongly, it leaves the page and its forms alone."""
    recorder.add("/a", '<form method="post" action="/thanks"><input name="email"></form>')
    recorder.pages["/a"] = recorder.pages["/a"].replace("sha384-", "sha384-AAAA")
    page.goto(recorder.url("/a"))
    page.fill("input", "ann@example.com")
    page.press("input", "Enter")
    page.wait_for_url("**/thanks")
    assert recorder.hits == []
    assert recorder.posts == [("/thanks", {"email": "ann@example.com"})]


WRONG = [
    pytest.param("(() => { const p = {}; p.p = p; return touchline('event', 'x', p); })()", id="circular"),
    pytest.param("touchline('event')", id="an event without a name"),
    pytest.param("touchline('event', 'x', { big: 'x'.repeat(60000) })", id="too large to send"),
    pytest.param("touchline('unknown', 1)", id="an unknown call"),
    pytest.param("touchline()", id="no call at all"),
    pytest.param("touchline('toString')", id="a name that every object has"),
]


@pytest.fixture(scope="module")
def answers(server: Recorder, browser: Browser) -> dict[str, object]:
    """Make every wrong call of the table on one page; returns the answers, and what was recorded."""
    server.clear()
    server.add("/a")
    errors: list[object] = []
    with browser.new_context() as context:
        context.on("weberror", lambda error: errors.append(error.error))
        page = context.new_page()
        page.goto(server.url("/a"))
        server.wait("page")
        said = {call: page.evaluate(call) for call in (case.values[0] for case in WRONG)}
        settle(page, server)
    return said | {"errors": errors, "events": [hit["name"] for hit in server.find("event")]}


@pytest.mark.parametrize("call", WRONG)
def test_a_wrong_call_is_answered_with_nothing(answers: dict[str, object], call: str) -> None:
    """A call that cannot be served resolves to nothing."""
    assert answers[call] is None


def test_wrong_calls_spoil_nothing(answers: dict[str, object]) -> None:
    """After them the page has seen no error, and what is right is recorded."""
    assert (answers["errors"], answers["events"]) == ([], ["settled"])
