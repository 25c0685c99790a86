"""The script in a real Chromium: clicks that say something, and engagement."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.script.pages import run_until, set_hidden, stop_clock
from tests.browser.script.recorder import Recorder
from tests.waiting import wait_for

pytestmark = pytest.mark.browser

QUIET_S = 0.6


def clicks(recorder: Recorder) -> list[tuple[str, dict[str, Any]]]:
    """List the events' names and props."""
    return [(hit["name"], hit.get("props", {})) for hit in recorder.find("event")]


MEANINGS = [
    pytest.param(
        '<a href="https://partner.example/x?y=1">out</a>',
        [("outbound_click", {"href": "https://partner.example/x?y=1"})],
        id="a link to another site",
    ),
    pytest.param('<a href="/inside">in</a>', [], id="a link to the site itself"),
    pytest.param('<a href="http://blog.shop.test/x">in</a>', [], id="a link to a sub-domain"),
    pytest.param('<a href="http://www.shop.test/x">in</a>', [], id="a link to www"),
    pytest.param('<a href="http://shop.example/x">in</a>', [], id="a link to a domain of data-domains"),
    pytest.param(
        '<a href="http://workshop.test/">out</a>',
        [("outbound_click", {"href": "http://workshop.test/"})],
        id="a link to a host that only ends alike",
    ),
    pytest.param('<a href="#top">in</a>', [], id="a link inside the page"),
    pytest.param('<a href="javascript:void 0">in</a>', [], id="a link that is a script"),
    pytest.param(
        '<a href="/files/Price%20list.PDF?v=2">pdf</a>',
        [("download", {"href": "{base}/files/Price%20list.PDF?v=2"})],
        id="a document",
    ),
    pytest.param(
        '<a href="/export" download>csv</a>', [("download", {"href": "{base}/export"})], id="a download"
    ),
    pytest.param(
        '<a href="tel:+44%2020%207946%200000">call</a>',
        [("tel_click", {"number": "+44 20 7946 0000"})],
        id="a number",
    ),
    pytest.param('<a href="mailto:info@shop.test">write</a>', [("mailto_click", {})], id="an address"),
    pytest.param(
        '<a href="https://wa.me/442079460000">chat</a>',
        [("chat_open", {"vendor": "whatsapp"})],
        id="a messenger",
    ),
    pytest.param(
        '<button data-tl-chat="own">chat</button>', [("chat_open", {"vendor": "own"})], id="a chat opener"
    ),
    pytest.param(
        '<div class="intercom-launcher">chat</div>',
        [("chat_open", {"vendor": "intercom"})],
        id="a vendor's chat opener",
    ),
    pytest.param(
        '<p data-tl-event="cta" data-tl-prop-plan="pro" data-tl-prop-seat-count="3"><b>buy</b></p>',
        [("cta", {"plan": "pro", "seatCount": "3"})],
        id="an element with a name, clicked inside",
    ),
    pytest.param(
        '<a href="tel:1" data-tl-event="call"><i>x</i></a>',
        [("call", {}), ("tel_click", {"number": "1"})],
        id="a named link is both",
    ),
    pytest.param("<p>nothing</p>", [], id="plain text"),
]
CASES: list[tuple[str, Any]] = [case.values for case in MEANINGS]


@pytest.fixture(scope="module")
def meanings(server: Recorder, browser: Browser) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Click everything of the table on one page; returns the events by what was clicked."""
    server.clear()
    mains = "".join(f'<main onclick="event.stopPropagation()">{html}</main>' for html, _ in CASES)
    server.add("/a", mains, tag='data-domains="shop.example, x.example"')
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(server.url("/a"))
        page.evaluate("""() => document.querySelectorAll("main").forEach((main, n) => {
          main.addEventListener("click", (event) => event.preventDefault());
          (main.querySelector("b,i") || main.firstElementChild).click();
          touchline("event", "end");
        })""")
        server.wait("end", len(CASES))
    found = iter(clicks(server))
    return {html: list(iter(lambda: next(found), ("end", {}))) for html, _ in CASES}


@pytest.mark.parametrize(("html", "expected"), MEANINGS)
def test_a_click_says_what_it_means(
    meanings: dict[str, list[tuple[str, dict[str, Any]]]],
    server: Recorder,
    html: str,
    expected: list[tuple[str, dict[str, str]]],
) -> None:
    """Each kind of link and marked element is one event with its props; the rest is none."""
    base = server.url("")
    wanted = [
        (name, {key: value.replace("{base}", base) for key, value in props.items()})
        for name, props in expected
    ]
    assert meanings[html] == wanted


def test_the_middle_button_counts_and_the_right_one_does_not(recorder: Recorder, page: Page) -> None:
    """A link opened in a new tab by the middle button is followed; a context menu follows nothing."""
    recorder.add("/a", '<a href="http://out.test/1">one</a> <a href="http://out.test/2">two</a>')
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.click("text=two", button="right")
    page.click("text=one", button="middle")
    recorder.wait("outbound_click")
    time.sleep(QUIET_S)
    assert clicks(recorder) == [("outbound_click", {"href": "http://out.test/1"})]


def test_a_click_in_a_shadow_tree_counts(recorder: Recorder, page: Page) -> None:
    """Links of web components are found too."""
    fill = 'host.attachShadow({mode: "open"}).innerHTML = `<a href="tel:7">x</a>`'
    recorder.add("/a", f'<div id="host"></div><script>{fill}</script>')
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.click("a")
    assert recorder.wait("tel_click")[0]["props"] == {"number": "7"}


def test_a_click_that_leaves_is_not_lost(recorder: Recorder, page: Page) -> None:
    """A link followed at once is recorded as the page goes, and nothing holds it back."""
    recorder.add("/a", '<a href="http://out.test/away">out</a>')
    recorder.pages["/away"] = "<title>Away</title>"
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.evaluate("(href) => document.links[0].href = href", recorder.url("/away", "out.test"))
    page.click("a")
    page.wait_for_url("**/away")
    recorder.wait("outbound_click")


def open_with_stopped_clock(recorder: Recorder, page: Page, body: str = "") -> None:
    """Open a page on which time passes as the test lets it, and whose view has arrived."""
    stop_clock(page)
    recorder.add("/a", body)
    page.goto(recorder.url("/a"))
    run_until(page, lambda: recorder.find("page"))


def test_engagement_is_the_seconds_that_are_new(recorder: Recorder, page: Page) -> None:
    """Visible, focused seconds go out when at least 3 are new, each second once, with the deepest scroll."""
    open_with_stopped_clock(recorder, page, '<div style="height: 2880px; margin: -8px"></div>')
    page.evaluate(
        """() => new Promise((scrolled) => {
          document.body.style.margin = 0;
          addEventListener("scroll", () => scrolled(scrollTo(0, 0)), { once: true });
          scrollTo(0, 1000);
        })"""
    )
    page.clock.run_for(2000)
    set_hidden(page, True)
    assert recorder.find("engagement") == []
    page.clock.run_for(60_000)
    set_hidden(page, False)
    page.clock.run_for(3000)
    set_hidden(page, True)
    (first,) = recorder.wait("engagement")
    assert 5 <= first["props"]["engaged_s"] <= 8
    assert first["url"] == recorder.url("/a")
    assert 55 <= first["props"]["scroll_pct"] <= 65
    set_hidden(page, False)
    page.clock.run_for(2000)
    set_hidden(page, True)
    page.clock.run_for(300)
    assert len(recorder.find("engagement")) == 1


def test_engagement_belongs_to_the_view_that_was_read(recorder: Recorder, page: Page) -> None:
    """A change of route closes the view before it."""
    open_with_stopped_clock(recorder, page)
    page.clock.run_for(5000)
    page.evaluate('history.pushState({}, "", "/b")')
    page.clock.run_for(4500)
    set_hidden(page, True)
    first, second = recorder.wait("engagement", 2)
    assert (first["url"], second["url"]) == (recorder.url("/a"), recorder.url("/b"))
    kinds = [hit["type"] for hit in recorder.made]
    assert kinds == ["page", "engagement", "page", "engagement"]


def test_a_long_read_keeps_its_session(recorder: Recorder, page: Page) -> None:
    """A page that is only read says so every few minutes; a machine that slept was not reading."""
    open_with_stopped_clock(recorder, page)
    page.clock.run_for(320_000)
    ping = recorder.wait("engagement")[0]
    assert 295 <= ping["props"]["engaged_s"] <= 320
    page.clock.fast_forward(8 * 3600 * 1000)
    set_hidden(page, True)
    wait_for(lambda: recorder.find("engagement")[-1]["event_id"] != ping["event_id"])
    assert recorder.find("engagement")[-1]["props"]["engaged_s"] <= 75


def test_without_focus_nobody_reads(recorder: Recorder, page: Page) -> None:
    """A page beside another window, visible but without focus, is not being read."""
    page.clock.install()
    page.add_init_script("Document.prototype.hasFocus = () => false")
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.clock.run_for(10_000)
    set_hidden(page, True)
    page.clock.run_for(300)
    time.sleep(QUIET_S)
    assert recorder.find("engagement") == []
