"""The script in a real Chromium: how hits leave, what waits, and what is tried again."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.script.pages import STORAGE_DENIED, run_until, set_hidden, stop_clock, stored
from tests.browser.script.recorder import Recorder
from tests.waiting import wait_for

pytestmark = pytest.mark.browser

QUIET_S = 0.6


def ids(hits: list[dict[str, Any]]) -> list[str]:
    """List the ids of hits."""
    return [hit["event_id"] for hit in hits]


def queue(page: Page) -> dict[str, Any]:
    """Read what the browser's storage says of the hits that wait, and of the tries so far."""
    return json.loads(stored(page).get("_tl.shop.queue", '{"hits": [], "tries": 0}'))


def waiting(page: Page) -> list[dict[str, Any]]:
    """Read the hits that wait in the browser's storage, but engagement, which comes by itself."""
    return [hit for hit in queue(page)["hits"] if hit["type"] != "engagement"]


def refused(recorder: Recorder, name: str) -> list[dict[str, Any]]:
    """List the refused hits of a name, repeats included."""
    return [hit for batch in list(recorder.refused) for hit in batch.hits if hit.get("name") == name]


def open_page(recorder: Recorder, page: Page) -> None:
    """Open a page whose view has arrived."""
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    page.evaluate('touchline("visitor")')


def burst(page: Page, count: int, chars: int = 10) -> None:
    """Make so many events at once."""
    page.evaluate(
        """([count, chars]) => {
          for (let n = 0; n < count; n++) touchline("event", "burst", { n, text: "é".repeat(chars) });
        }""",
        [count, chars],
    )


def test_events_of_a_moment_leave_together(recorder: Recorder, page: Page) -> None:
    """Hits are batched, at most 50 together, in the order in which they were made."""
    open_page(recorder, page)
    burst(page, 70)
    recorder.wait("burst", 70)
    bursts = [[hit["props"]["n"] for hit in batch.hits if "props" in hit and "n" in hit["props"]]
              for batch in recorder.batches]  # fmt: skip
    assert [numbers for numbers in bursts if numbers] == [[*range(50)], [*range(50, 70)]]
    assert max(len(batch.hits) for batch in recorder.batches) == 50
    wait_for(lambda: waiting(page) == [])
    hits = recorder.hits
    assert [hit["seq"] for hit in hits] == [*range(1, len(hits) + 1)]


def test_a_request_stays_under_the_browsers_limit(recorder: Recorder, page: Page) -> None:
    """No request is over 51 KB, counted in bytes and not in characters."""
    open_page(recorder, page)
    burst(page, 30, 2000)
    recorder.wait("burst", 30)
    assert max(batch.size for batch in recorder.batches) < 51_000
    assert len({id(batch) for batch in recorder.brought("burst")}) > 2


def test_what_is_left_goes_when_the_page_does(recorder: Recorder, page: Page) -> None:
    """Hits made right before leaving are handed over as the page goes, and are not sent again by the next."""
    open_page(recorder, page)
    recorder.add("/b")
    page.evaluate('touchline("event", "last"); location.href = "/b"')
    recorder.wait("last")
    recorder.wait("page", 2)
    time.sleep(QUIET_S)
    assert len(recorder.find("last")) == 1


def test_hiding_the_page_flushes(recorder: Recorder, page: Page) -> None:
    """A tab that goes to the background hands over what is left, even under a request without an answer."""
    open_page(recorder, page)
    wait_for(lambda: waiting(page) == [])
    set_hidden(page, True, after='touchline("identify", { user_id: 7 }); touchline("event", "one")')
    recorder.wait("identify")
    recorder.wait("one")
    under_way, handed_over = recorder.brought("identify")[0], recorder.brought("one")[0]
    assert under_way is not handed_over
    assert handed_over.body["site"] == "shop"


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        pytest.param("drop", True, id="the network failed"),
        pytest.param(408, True, id="408"),
        pytest.param((429, {"Retry-After": "4"}), True, id="429"),
        pytest.param(500, True, id="500"),
        pytest.param(503, True, id="503"),
        pytest.param(400, False, id="400"),
        pytest.param(403, False, id="403"),
        pytest.param(413, False, id="413"),
    ],
)
def test_what_may_succeed_later_is_tried_again(
    recorder: Recorder, page: Page, answer: object, again: bool
) -> None:
    """Network failures, 408, 429 and 5xx are repeated with the same ids, other refusals are dropped."""
    open_page(recorder, page)
    recorder.down = answer
    page.evaluate('touchline("event", "one")')
    wait_for(lambda: refused(recorder, "one"))
    wait_for(lambda: len(waiting(page)) == int(again) and bool(queue(page)["tries"]) == again)
    recorder.down = None
    page.evaluate('dispatchEvent(new Event("online")); touchline("event", "two")')
    recorder.wait("two")
    assert bool(recorder.find("one")) == again
    assert set(ids(recorder.find("one"))) <= set(ids(refused(recorder, "one")))


def test_it_waits_longer_each_time(recorder: Recorder, page: Page) -> None:
    """The wait starts at 3 s and doubles, with some chance in it; Retry-After is obeyed when it is longer."""
    stop_clock(page)
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    run_until(page, lambda: recorder.find("page"))
    page.evaluate('touchline("visitor")')
    page.clock.run_for(5000)  # by then the script has looked for what earlier pages left, which does not wait
    recorder.answers.extend([503, 503, (429, {"Retry-After": "100"})])
    page.evaluate('touchline("event", "one")')
    for tries, (least_ms, most_ms) in enumerate([(3000, 3750), (6000, 7500), (100_000, 100_000)], start=1):
        run_until(page, lambda tries=tries: queue(page)["tries"] == tries)
        left_ms = queue(page)["retryAt"] - page.evaluate("Date.now()")
        assert least_ms - 100 <= left_ms <= most_ms  # a few steps of the clock may have passed since
        page.clock.run_for(left_ms - 20)
        time.sleep(0.1)
        assert len(recorder.refused) == tries and not recorder.find("one")
    run_until(page, lambda: recorder.find("one"))
    wait_for(lambda: waiting(page) == [])


def is_refused_again(recorder: Recorder, page: Page, tries: int) -> bool:
    """Let the pause before a try pass; twice where the page sets its clock for it only after that."""
    page.clock.fast_forward(2_000_000)
    with contextlib.suppress(AssertionError):
        wait_for(lambda: len(recorder.refused) >= tries, 3)
    page.wait_for_timeout(100)
    return len(recorder.refused) >= tries


def test_it_gives_up_after_ten_tries(recorder: Recorder, page: Page) -> None:
    """A batch that never succeeds is dropped after ten tries, and later hits go on."""
    page.clock.install()
    open_page(recorder, page)
    recorder.answers.extend([500] * 10)
    page.evaluate('touchline("event", "doomed")')
    for tries in range(1, 11):
        wait_for(lambda tries=tries: is_refused_again(recorder, page, tries))
    wait_for(lambda: waiting(page) == [])
    page.evaluate('touchline("event", "next")')
    page.clock.run_for(300)
    recorder.wait("next")
    assert recorder.find("doomed") == []


def test_the_next_page_sends_what_was_left(recorder: Recorder, page: Page) -> None:
    """Hits that were not acknowledged wait in storage, and go out from a later page with the same ids."""
    open_page(recorder, page)
    recorder.down = "drop"
    page.evaluate('touchline("event", "one")')
    wait_for(lambda: refused(recorder, "one"))
    page.goto("about:blank")
    time.sleep(2)
    recorder.down = None
    page.goto(recorder.url("/a"))
    recorder.wait("one")
    assert set(ids(recorder.find("one"))) == set(ids(refused(recorder, "one")))
    wait_for(lambda: waiting(page) == [])


def test_a_first_view_that_failed_keeps_its_seed(recorder: Recorder, page: Page) -> None:
    """A visitor whose first page never reached the collector is the same one on the next page."""
    recorder.down = "drop"
    recorder.add("/a")
    page.goto(recorder.url("/a?gclid=abc"))
    wait_for(lambda: recorder.refused)
    page.wait_for_timeout(100)
    recorder.down = None
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    assert recorder.batches[0].body["seed"] == recorder.refused[0].body["seed"]


def is_silent(recorder: Recorder) -> bool:
    """Say whether nothing more comes for a while."""
    count = len(recorder.hits)
    time.sleep(QUIET_S)
    return len(recorder.hits) == count


def test_two_tabs_lose_nothing(recorder: Recorder, context: BrowserContext) -> None:
    """Tabs that share the storage through an outage deliver every hit, and repeat none for ever."""
    tabs = [context.new_page(), context.new_page()]
    for tab in tabs:
        open_page(recorder, tab)
    recorder.down = "drop"
    for number, tab in enumerate(tabs):
        tab.evaluate("(n) => { for (const x of [1, 2, 3]) touchline('event', `tab-${n}-${x}`); }", number)
    wait_for(lambda: len(recorder.refused) >= 2)
    time.sleep(2.2)
    recorder.down = None
    for tab in tabs:
        tab.evaluate('dispatchEvent(new Event("online"))')
    wait_for(lambda: len(set(ids(recorder.find("event")))) == 6)
    wait_for(lambda: waiting(tabs[0]) == [] == waiting(tabs[1]))
    wait_for(lambda: is_silent(recorder))


def test_a_long_outage_keeps_the_views(recorder: Recorder, page: Page) -> None:
    """At most 100 hits and 200 KB wait; clicks and events give way before page views and forms."""
    open_page(recorder, page)
    recorder.down = "drop"
    page.evaluate('history.pushState({}, "", "/b")')
    wait_for(lambda: recorder.refused)
    burst(page, 130, 20)
    kept = waiting(page)
    assert len(kept) == 100
    assert kept[0]["type"] == "page" and kept[0]["url"].endswith("/b")
    assert kept[-1]["props"]["n"] == 129
    burst(page, 90, 2000)
    assert 150_000 < len(stored(page)["_tl.shop.queue"].encode()) < 201_000


def test_with_storage_denied_the_page_itself_tries_again(recorder: Recorder, page: Page) -> None:
    """Without storage the queue lives in memory."""
    page.add_init_script(STORAGE_DENIED)
    open_page(recorder, page)
    recorder.answers.append(503)
    page.evaluate('touchline("event", "one")')
    wait_for(lambda: recorder.refused)
    page.wait_for_timeout(100)
    page.evaluate('dispatchEvent(new Event("online"))')
    recorder.wait("one")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("delete window.fetch", id="no fetch"),
        pytest.param('window.fetch = () => { throw new Error("no"); }', id="a fetch that throws"),
        pytest.param(
            'window.fetch = () => Promise.reject(new TypeError("no"))', id="a fetch that is forbidden"
        ),
    ],
)
def test_an_image_is_the_last_resort(recorder: Recorder, page: Page, damage: str) -> None:
    """Where nothing can be posted, the page view goes as an image after the second failure."""
    stop_clock(page)
    page.add_init_script(damage)
    recorder.add("/a", tag='data-consent="granted"')
    page.goto(recorder.url("/a?gclid=abc"), referer="https://www.google.com/")
    (kept,) = waiting(page)
    assert recorder.images == []
    run_until(page, lambda: recorder.images, step_ms=500)
    assert recorder.images == [
        {
            "site": "shop",
            "event_id": kept["event_id"],
            "url": recorder.url("/a?gclid=abc"),
            "referrer": "https://www.google.com/",
            "title": "Page /a",
            "consent": "granted",
        }
    ]
    wait_for(lambda: waiting(page) == [])


@pytest.mark.parametrize(
    "library",
    [
        pytest.param(
            """Array.prototype.toJSON = function () { return "[" + this.join(", ") + "]"; };""",
            id="arrays write themselves as JSON",
        ),
        pytest.param(
            "Array.from = (list) => { const all = []; for (const one of list) all.push(one); return all; };",
            id="Array.from takes no function",
        ),
    ],
)
def test_an_old_library_spoils_nothing(recorder: Recorder, page: Page, library: str) -> None:
    """Hits arrive whole, with ids of the right form, and the library goes on as it was."""
    page.add_init_script(library + "window.before = JSON.stringify([[1]]) + Array.from([1], (n) => n + 1);")
    form = '<form method="post" action="/thanks"><input name="email" value="a@b.de">'
    recorder.add(
        "/a", form + "<select data-tl-field=size multiple><option selected>S<option selected>L</select>"
    )
    page.goto(recorder.url("/a"))
    (view,) = recorder.wait("page")
    assert uuid.UUID(view["event_id"]).version == 7
    page.evaluate("touchline('event', 'list', { list: [1, [2]] })")
    assert recorder.wait("list")[0]["props"] == {"list": [1, [2]]}
    assert page.evaluate("JSON.stringify([[1]]) + Array.from([1], (n) => n + 1) === before")
    page.evaluate("document.forms[0].submit()")
    assert recorder.wait("form_submit")[0]["props"]["fields"] == {"size": "S, L"}


def test_success_in_another_language_is_no_success(recorder: Recorder, page: Page) -> None:
    """A portal's or proxy's page with status 200 is not taken for the collector's answer."""
    open_page(recorder, page)
    page.route("**/e", lambda route: route.fulfill(status=200, body="<html>Log in</html>"))
    page.evaluate('touchline("event", "one")')
    wait_for(lambda: len(waiting(page)) == 1 and queue(page)["tries"] > 0)
    page.unroute("**/e")
    page.evaluate('dispatchEvent(new Event("online"))')
    recorder.wait("one")
