"""The script in a real Chromium: who the visitor is, what consent allows, and what is stored."""

from __future__ import annotations

import json
import threading
import time

import pytest
from playwright.sync_api import BrowserContext, Page, Route

from tests.browser.script.pages import STORAGE_DENIED, set_hidden, stored
from tests.browser.script.recorder import Recorder
from tests.waiting import wait_for

pytestmark = pytest.mark.browser

QUIET_S = 0.6
GOOGLE = "https://www.google.com/"


def seed_of(recorder: Recorder, type_or_name: str) -> str | None:
    """Give the seed of the request that brought the latest hit of a type or of a name."""
    return recorder.brought(type_or_name)[-1].body.get("seed")


def names(recorder: Recorder) -> list[str]:
    """List what was told: events by their names, the rest by their types."""
    return [hit.get("name", hit["type"]) for hit in recorder.told]


def cookies(context: BrowserContext) -> dict[str, str]:
    """Read the browser's cookies."""
    return {cookie["name"]: cookie["value"] for cookie in context.cookies()}


def test_the_seed_goes_with_every_request_until_there_is_a_cookie(recorder: Recorder, page: Page) -> None:
    """The first requests carry one random seed; once the visitor has a cookie it stays away."""
    recorder.forgetful = True
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.evaluate('touchline("event", "one")')
    recorder.wait("one")
    page.reload()
    recorder.wait("page", 2)
    (seed,) = {batch.body.get("seed") for batch in recorder.batches}
    assert seed
    recorder.forgetful = False
    page.evaluate('touchline("event", "two")')
    recorder.wait("two")
    wait_for(lambda: "_tl_id" in cookies(page.context))
    page.evaluate('touchline("event", "three")')
    recorder.wait("three")
    assert seed_of(recorder, "three") is None
    assert not [name for name in stored(page) if "seed" in name]


def test_who_refuses_cookies_is_one_visitor(recorder: Recorder, page: Page) -> None:
    """Where no cookie is taken one seed goes with every request, after the token and on the next page too."""
    recorder.cookieless = True
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    page.evaluate('touchline("visitor")')
    page.evaluate('touchline("event", "one")')
    recorder.wait("one")
    page.goto(recorder.url("/a"))
    recorder.wait("page", 2)
    (seed,) = {batch.body.get("seed") for batch in recorder.batches}
    assert seed


def test_the_visitor_is_the_cookies(recorder: Recorder, page: Page) -> None:
    """The next page's requests carry the cookies and no seed; the token can be asked for."""
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    token = page.evaluate('touchline("visitor", (token) => window.told = token)')
    assert token == page.evaluate("told") == cookies(page.context)["_tl_id"]
    page.goto(recorder.url("/a"))
    recorder.wait("page", 2)
    assert recorder.brought("page")[1].cookies == {"_tl": token, "_tl_id": token}
    assert seed_of(recorder, "page") is None
    assert page.evaluate('touchline("visitor")') == token


def test_a_wiped_twin_comes_back(recorder: Recorder, page: Page) -> None:
    """With the readable cookie gone, a new seed goes out, the master rules, and the twin is restored."""
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    token = page.evaluate('touchline("visitor")')
    first_seed = seed_of(recorder, "page")
    page.goto("about:blank")
    time.sleep(QUIET_S)  # what a page says when it is left is answered with the cookie, too
    page.context.clear_cookies(name="_tl_id")
    page.goto(recorder.url("/a"))
    recorder.wait("page", 2)
    assert seed_of(recorder, "page") not in (None, first_seed)
    assert page.evaluate('touchline("visitor")') == token
    wait_for(lambda: cookies(page.context).get("_tl_id") == token)


def test_with_storage_denied_the_cookie_does_the_job(recorder: Recorder, page: Page) -> None:
    """Where cookies and storage throw at scripts, the cookie that only the collector sees names them."""
    page.add_init_script(STORAGE_DENIED)
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    token = page.evaluate('touchline("visitor")')
    page.evaluate('touchline("event", "one")')
    recorder.wait("one")
    assert recorder.brought("one")[0].cookies["_tl"] == token
    page.goto(recorder.url("/a"))
    recorder.wait("page", 2)
    assert recorder.brought("page")[1].cookies["_tl"] == token
    assert page.evaluate('touchline("visitor")') == token


def assert_nothing(recorder: Recorder, page: Page) -> None:
    """Nothing was sent, and the browser keeps nothing."""
    time.sleep(QUIET_S)
    assert recorder.hits == [] and recorder.images == []
    assert stored(page) == {} and cookies(page.context) == {}


@pytest.mark.parametrize("state", ["required", "denied"])
def test_without_consent_nothing_is_sent_or_stored(recorder: Recorder, page: Page, state: str) -> None:
    """No request, no cookie, no storage, no filled form, whatever the visitor does."""
    form = '<form data-tl-append action="/x"><input name="email" value="a@b.de"><button>go</button></form>'
    recorder.add("/a", form + '<a href="tel:1">call</a>', tag=f'data-consent="{state}"')
    page.goto(recorder.url("/a?gclid=abc"), referer=GOOGLE)
    page.wait_for_function("window.touchline")
    assert page.evaluate('touchline("event", "x")') is None
    page.evaluate('history.pushState({}, "", "/b"); document.forms[0].onsubmit = () => false')
    page.evaluate("document.forms[0].requestSubmit()")
    set_hidden(page, True)
    assert_nothing(recorder, page)
    assert page.evaluate("document.forms[0].elements.length") == 2


@pytest.mark.parametrize("state", ["required", "denied"])
def test_consent_sends_what_was_read_before(recorder: Recorder, page: Page, state: str) -> None:
    """The first hit after consent has the landing's parameters and referrer, and there is no second view."""
    recorder.add("/a", tag=f'data-consent="{state}"')
    page.goto(recorder.url("/a?utm_source=news&gclid=abc"), referer=GOOGLE)
    page.wait_for_function("window.touchline")
    assert_nothing(recorder, page)
    page.evaluate('touchline("consent", "granted")')
    page.evaluate('touchline("consent", "granted")')
    (hit,) = recorder.wait("page")
    assert hit["url"] == recorder.url("/a?utm_source=news&gclid=abc")
    assert (hit["referrer"], hit["consent"]) == (GOOGLE, "granted")
    assert page.evaluate('touchline("visitor")')
    page.evaluate('touchline("event", "after")')
    recorder.wait("after")
    assert names(recorder) == ["page", "after"]
    assert {hit["consent"] for hit in recorder.hits} == {"granted"}


def test_routes_before_consent_are_not_told(recorder: Recorder, page: Page) -> None:
    """After consent come the landing, with its source, and the present route; those between are forgotten."""
    recorder.add("/a", tag='data-consent="required"')
    page.goto(recorder.url("/a?gclid=abc"))
    page.wait_for_function("window.touchline")
    for route in ("/between", "/now"):
        page.evaluate(
            """(route) => {
              history.pushState({}, "", route);
              return new Promise((seen) => setTimeout(seen, 50));
            }""",
            route,
        )
    page.evaluate('touchline("consent", "granted")')
    landing, now = recorder.wait("page", 2)
    assert landing["url"] == recorder.url("/a?gclid=abc")
    assert now["url"] == recorder.url("/now")
    time.sleep(QUIET_S)
    assert names(recorder) == ["page", "page"]


def test_the_tag_can_say_that_consent_was_given(recorder: Recorder, page: Page) -> None:
    """data-consent="granted" sends at once, and every hit says so."""
    recorder.add("/a", tag='data-consent="granted"')
    page.goto(recorder.url("/a"))
    assert recorder.wait("page")[0]["consent"] == "granted"


def test_an_unknown_state_is_no_consent(recorder: Recorder, page: Page) -> None:
    """A misspelt attribute or call keeps the script silent."""
    recorder.add("/a", tag='data-consent="yes"')
    page.goto(recorder.url("/a"))
    page.wait_for_function("window.touchline")
    page.evaluate('touchline("consent", true)')
    assert_nothing(recorder, page)


def fail_to_send_what_is_kept(route: Route) -> None:
    """Break the connection of the requests that bring the event `kept`."""
    route.abort() if '"kept"' in (route.request.post_data or "") else route.continue_()


def test_a_refusal_while_the_answer_is_on_its_way_leaves_nothing(recorder: Recorder, page: Page) -> None:
    """The cookies of an answer to what was sent before the refusal go again."""
    recorder.gate = threading.Event()
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.evaluate('touchline("consent", "denied")')
    recorder.gate.set()
    (refusal,) = recorder.wait("consent")
    assert refusal["consent"] == "denied"
    wait_for(lambda: not cookies(page.context))
    assert stored(page) == {}


def test_a_withdrawal_wipes_where_there_are_no_beacons(recorder: Recorder, page: Page) -> None:
    """A browser without sendBeacon is cleaned like any other."""
    page.add_init_script("navigator.sendBeacon = undefined")
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    page.evaluate('touchline("visitor")')
    assert cookies(page.context) and stored(page)
    page.evaluate('touchline("consent", "denied")')
    wait_for(lambda: not cookies(page.context))
    assert stored(page) == {}


def test_a_withdrawal_wipes_and_stops(recorder: Recorder, page: Page) -> None:
    """After a denial storage and fields are empty, the cookies go, and nothing more is sent."""
    recorder.add("/a", '<form data-tl-append method="post"></form>', tag='data-consent="granted"')
    page.goto(recorder.url("/a"))
    page.evaluate('touchline("visitor")')
    page.route("**/e", fail_to_send_what_is_kept)
    page.evaluate('touchline("event", "kept")')
    wait_for(lambda: json.loads(stored(page)["_tl.shop.queue"])["tries"])
    assert page.evaluate("document.forms[0].elements.tl_visitor.value")
    page.evaluate('touchline("consent", "denied")')
    page.unroute("**/e")
    page.evaluate(
        'touchline("event", "x"); history.pushState({}, "", "/b"); dispatchEvent(new Event("online"))'
    )
    wait_for(lambda: not cookies(page.context))
    time.sleep(QUIET_S)
    assert stored(page) == {}
    assert page.evaluate("[...document.forms[0].elements].every((field) => !field.value)")
    assert names(recorder) == ["page", "consent"]
    told = recorder.told[1]
    assert (told["consent"], told["url"]) == ("denied", recorder.url(""))


def test_a_denial_of_somebody_unknown_is_not_told(recorder: Recorder, page: Page) -> None:
    """Who had no cookie has nothing to be forgotten, and sends nothing at all."""
    recorder.add("/a", tag='data-consent="required"')
    page.goto(recorder.url("/a"))
    page.wait_for_function("window.touchline")
    page.evaluate('touchline("consent", "denied")')
    assert_nothing(recorder, page)


def test_a_denial_is_told_once(recorder: Recorder, page: Page) -> None:
    """A page that opens after a denial has the cookies removed that an earlier page left."""
    recorder.add("/a")
    recorder.add("/b", tag='data-consent="denied"')
    page.goto(recorder.url("/a"))
    page.evaluate('touchline("visitor")')
    page.goto(recorder.url("/b"))
    wait_for(lambda: not cookies(page.context))
    page.goto(recorder.url("/b"))
    time.sleep(QUIET_S)
    assert names(recorder) == ["page", "consent"]
    assert stored(page) == {}


def test_a_collector_that_asks_for_consent_is_obeyed(recorder: Recorder, page: Page) -> None:
    """When the site requires consent and the tag does not say so, all is wiped, and the view waits for it."""
    recorder.rejections = [{"i": 0, "code": "consent"}]
    recorder.add("/a")
    page.goto(recorder.url("/a?gclid=abc"), referer=GOOGLE)
    recorder.wait("page")
    wait_for(lambda: not stored(page))
    page.evaluate('touchline("event", "x")')
    time.sleep(QUIET_S)
    assert names(recorder) == ["page"]
    recorder.rejections = []
    page.evaluate('touchline("consent", "granted")')
    refused, sent = recorder.wait("page", 2)
    assert (sent["url"], sent["referrer"]) == (refused["url"], GOOGLE)
    assert json.loads(stored(page)["_tl.shop.source"])["from"]["click_id"] == "abc"


SIGNALS = {
    "gpc": 'Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true });',
    "dnt": 'Object.defineProperty(Navigator.prototype, "doNotTrack", { get: () => "1" });',
}


@pytest.mark.parametrize(
    ("signal", "tag", "sent"),
    [
        pytest.param("gpc", "", 0, id="Global Privacy Control is honoured"),
        pytest.param("gpc", 'data-gpc="ignore"', 1, id="unless the site says otherwise"),
        pytest.param("dnt", "", 1, id="Do Not Track is not looked at"),
        pytest.param("dnt", 'data-dnt="honour"', 0, id="unless the site honours it"),
    ],
)
def test_the_browsers_own_signals(recorder: Recorder, page: Page, signal: str, tag: str, sent: int) -> None:
    """A signal that the site honours silences the script, consent or not."""
    page.add_init_script(SIGNALS[signal])
    recorder.add("/a", tag=f'{tag} data-consent="granted"')
    page.goto(recorder.url("/a"))
    recorder.wait("page", sent)
    time.sleep(QUIET_S)
    assert names(recorder) == ["page"] * sent
    assert bool(stored(page)) == bool(sent)


def test_an_opt_out_is_remembered_and_can_be_undone(recorder: Recorder, page: Page) -> None:
    """After optout this browser is silent on every page of the host, until it is taken back."""
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    wait_for(lambda: "_tl_id" in cookies(page.context) and "_tl.shop.queue" not in stored(page))
    page.evaluate('touchline("optout", true)')
    wait_for(lambda: not cookies(page.context))  # a page that finds them asks once more that they go
    page.goto(recorder.url("/a"))
    page.wait_for_function("window.touchline")
    assert page.evaluate('touchline("event", "x")') is None
    time.sleep(QUIET_S)
    assert names(recorder) == ["page", "consent"]
    assert stored(page) == {"_tl.shop.optout": "true"} and cookies(page.context) == {}
    page.evaluate('touchline("optout", false)')
    page.evaluate('touchline("event", "y")')
    recorder.wait("y")
    assert "_tl.shop.optout" not in stored(page)
