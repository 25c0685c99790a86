"""The script in a real Chromium: identify, consent as a choice, and addresses that prove an arrival."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.script.pages import settle
from tests.browser.script.recorder import Recorder

pytestmark = pytest.mark.browser

QUIET_S = 0.4
NO_WEBCRYPTO = "Object.defineProperty(window.crypto, 'subtle', { value: undefined })"


def test_identify_is_an_event_of_its_own(recorder: Recorder, page: Page) -> None:
    """What names somebody goes out at once, blanks left out; the promise gives the event's id."""
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    said = '{email: "ann@acme.com", phone: "", user_id: 17, crm_id: null, traits: {plan: "pro"}}'
    event_id = page.evaluate(f'touchline("identify", {said})')
    (hit,) = recorder.wait("identify")
    assert (hit["type"], hit["event_id"]) == ("event", event_id)
    assert hit["props"] == {"email": "ann@acme.com", "user_id": 17, "traits": {"plan": "pro"}}


@pytest.mark.parametrize(
    "said",
    [
        "null", "undefined", '"undefined"', "{}", '{email: ""}', '{email: "undefined", user_id: null}',
        '{user_id: " "}', '{name: "Ann"}', '{user_id: "[object Object]"}', '{email: "{{ email }}"}', "7",
    ],
)  # fmt: skip
def test_what_names_nobody_is_not_sent(recorder: Recorder, page: Page, said: str) -> None:
    """The promise gives null, and the console says so where it is asked to."""
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    recorder.add("/a", tag="data-debug")
    page.goto(recorder.url("/a"))
    assert page.evaluate(f'touchline("identify", {said})') is None
    settle(page, recorder)
    assert recorder.find("identify") == []
    assert [text for text in told if "identify" in text]


@pytest.mark.parametrize("call", ['touchline("consent", "denied")', 'touchline("optout", true)'])
def test_who_said_no_is_not_named(recorder: Recorder, page: Page, call: str) -> None:
    """Without consent the promise gives null."""
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.evaluate(call)
    assert page.evaluate('touchline("identify", {email: "ann@acme.com"})') is None
    time.sleep(QUIET_S)
    assert recorder.find("identify") == []


def test_identify_before_the_load_waits_for_the_view(recorder: Recorder, page: Page) -> None:
    """The stub takes it, and it follows the first page view."""
    recorder.add("/a")
    stub = "window.touchline = function () { (touchline.q = touchline.q || []).push([arguments, () => {}]) }"
    page.add_init_script(f"{stub}; touchline('identify', {{email: 'ann@acme.com'}})")
    page.goto(recorder.url("/a"))
    recorder.wait("identify")
    assert [hit.get("name", hit["type"]) for hit in recorder.told] == ["page", "identify"]


def agreed(recorder: Recorder) -> list[bool]:
    """Tell of each hit in turn whether it says that the visitor has just agreed."""
    return [bool(hit.get("extra", {}).get("agreed")) for hit in recorder.told]


def test_the_first_hit_after_an_agreement_says_so(recorder: Recorder, page: Page) -> None:
    """Once per choice, not on every page where a consent manager repeats it; anew after a refusal."""
    recorder.add("/a", tag='data-consent="required"')
    page.goto(recorder.url("/a"))
    page.evaluate('touchline("consent", "granted")')
    recorder.wait("page")
    page.evaluate('touchline("event", "one")')
    recorder.wait("one")
    page.goto(recorder.url("/a"))
    page.evaluate('touchline("consent", "granted")')
    recorder.wait("page", 2)
    assert agreed(recorder) == [True, False, False]
    page.evaluate('touchline("consent", "denied")')
    page.evaluate('touchline("consent", "granted"); touchline("event", "two")')
    (hit,) = recorder.wait("two")
    assert hit["extra"] == {"agreed": True}


ARRIVALS = [
    pytest.param("?tl_link=x", "", id="alone"),
    pytest.param("?tl_link=x#top", "#top", id="before a fragment"),
    pytest.param("?a=%20&b=1+1&tl_mail=x", "?a=%20&b=1+1", id="at the end"),
    pytest.param("?tl_mail=x&a=ü&&b", "?a=%C3%BC&&b", id="in front"),
    pytest.param("?a=1&tl_link=x&tl_mail=y&b=2#/r?c", "?a=1&b=2#/r?c", id="two in the middle"),
    pytest.param("?tl_link=x&tl_mail=y", "", id="nothing else"),
]


@pytest.mark.parametrize(("given", "left"), ARRIVALS)
def test_what_proves_an_arrival_leaves_the_address(
    recorder: Recorder, page: Page, given: str, left: str
) -> None:
    """The rest of the address stays as it is; the first view brings all of it, and no second one follows."""
    recorder.add("/a")
    page.goto(recorder.url(f"/a{given}"))
    (view,) = recorder.wait("page")
    assert "tl_" in view["url"]
    assert page.url == recorder.url(f"/a{left}")
    page.evaluate('touchline("event", "one")')
    (event,) = recorder.wait("one")
    assert event["url"] == page.url
    settle(page, recorder)
    assert len(recorder.find("page")) == 1


@pytest.mark.parametrize("given", ["?", "?a=1&", "?xtl_link=1", "#tl_link=1", "?a=tl_mail"])
def test_another_address_is_not_touched(recorder: Recorder, page: Page, given: str) -> None:
    """Not even a sign that means nothing."""
    recorder.add("/a")
    page.goto(recorder.url(f"/a{given}"))
    recorder.wait("page")
    assert page.evaluate("location.href") == recorder.url(f"/a{given}")


@pytest.mark.parametrize(
    ("domains", "is_loaded"),
    [
        ("", False), ("shop.test", False), ("www.shop.test,shop.test", False),
        ("shop.test,other.test", True), ("other.test", True),
    ],
)  # fmt: skip
def test_the_linker_comes_only_where_it_is_needed(
    recorder: Recorder, page: Page, domains: str, is_loaded: bool
) -> None:
    """A site whose domains share the cookie pays nothing for links."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    recorder.add("/a", tag=f'data-domains="{domains}"')
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.evaluate('touchline("link", "/b")')
    assert bool([url for url in asked if url.endswith("/linker.js")]) is is_loaded


@pytest.mark.parametrize(
    ("url", "setup"),
    [
        pytest.param("/b", "", id="a page of this domain"),
        pytest.param("https://www.shop.test/b", "", id="a sub-domain"),
        pytest.param("https://elsewhere.test/", "", id="a stranger's"),
        pytest.param("mailto:ann@other.test", "", id="no page"),
        pytest.param("https://", "", id="no address"),
        pytest.param("https://other.test/", NO_WEBCRYPTO, id="without WebCrypto"),
        pytest.param("https://other.test/", "", id="with a token that has no signature"),
    ],
)
def test_an_address_that_needs_or_gets_no_link_stays(
    recorder: Recorder, page: Page, url: str, setup: str
) -> None:
    """The promise gives the address as it was, and a click follows it as it is."""
    page.add_init_script(setup)
    recorder.add("/a", f'<a href="{url}">go</a>', tag='data-domains="shop.test,other.test"')
    page.goto(recorder.url("/a"))
    page.evaluate('touchline("visitor")')
    assert page.evaluate("(url) => touchline('link', url)", url) == url
    page.evaluate("document.links[0].dispatchEvent(new MouseEvent('mousedown', {bubbles: true}))")
    assert page.get_attribute("a", "href") == url


def test_where_the_linker_cannot_be_had_the_address_stays(recorder: Recorder, page: Page) -> None:
    """A script that waits for a link is never left waiting."""
    page.route("**/linker.js", lambda route: route.abort())
    recorder.add("/a", tag='data-domains="other.test"')
    page.goto(recorder.url("/a"))
    page.evaluate('touchline("visitor")')
    given: Any = page.evaluate('touchline("link", "https://other.test/")')
    assert given == "https://other.test/"
