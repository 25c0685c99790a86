"""The first page as a newcomer meets it: the real `touchline up`, a real Chromium, one's own journey."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FrameLocator,
    Page,
    Playwright,
    expect,
)

from tests.browser.launching import FLAGS, NO_ROBOT, launch
from tests.conftest import own_folder
from tests.integration.collector.behind import serving
from tests.running import Run, free_port, running
from tracker import config, processes
from tracker.config import Settings
from worker.up import make_tryout

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("first-page")]

AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"
)
MS = 90_000
LISTEN = """() => {
  window.said = [];
  const voice = document.getElementById("say");
  new MutationObserver(() => said.push(voice.textContent)).observe(voice, { childList: true });
}"""


@dataclass
class Newcomer:
    """A person at the first page: the page, the try-out site in its frame, and what went wrong."""

    page: Page
    faults: list[str] = field(default_factory=list)

    @property
    def site(self) -> FrameLocator:
        """The try-out site."""
        return self.page.frame_locator("#frame")

    def arrive(self, way: str) -> None:
        """Choose a way to arrive."""
        if not self.site.locator(f"[data-arrival={way}]").is_visible():
            self.page.get_by_role("button", name="Ways to arrive").click()
        self.site.locator(f"[data-arrival={way}]").click()

    def send_form(self, name: str, email: str) -> None:
        """Fill in the site's form and send it."""
        self.site.get_by_role("link", name="Contact").click()
        self.site.get_by_label("Name").fill(name)
        self.site.get_by_label("E-mail").fill(email)
        self.site.get_by_role("button", name="Ask for a demonstration").click()

    def sees(self, number: int, *words: str) -> None:
        """Wait until a point of the line, counted from 1, says all of this."""
        for each in words:
            expect(self.page.locator("#line > li").nth(number - 1)).to_contain_text(each, timeout=MS)

    def count(self, points: int) -> None:
        """Wait until the line has so many points."""
        expect(self.page.locator("#line > li")).to_have_count(points, timeout=MS)

    def note(self, message: ConsoleMessage) -> None:
        """Keep what the browser complains of."""
        if message.type in ("error", "warning"):
            self.faults.append(message.text)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Start all of Touchline once."""
    with own_folder() as data, running(config.load({}, data=data, port=free_port())) as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Start a Chromium that is no self-declared robot."""
    with launch(playwright, *FLAGS, NO_ROBOT) as launched:
        yield launched


def visit(context: BrowserContext, port: int, host: str = "localhost") -> Newcomer:
    """Open the first page."""
    newcomer = Newcomer(context.new_page())
    newcomer.page.on("console", newcomer.note)
    newcomer.page.on("pageerror", lambda error: newcomer.faults.append(str(error)))
    newcomer.page.goto(f"http://{host}:{port}/")
    newcomer.page.evaluate(LISTEN)
    return newcomer


def profile(browser: Browser, **options: Any) -> BrowserContext:
    """Give a browser profile of a person's own."""
    return browser.new_context(
        user_agent=AGENT, locale="en-GB", viewport={"width": 1440, "height": 900}, **options
    )


@pytest.fixture
def newcomer(run: Run, browser: Browser) -> Iterator[Newcomer]:
    """Put a person with a fresh browser before the first page; nothing may go wrong there."""
    with profile(browser) as context:
        found = visit(context, run.settings.port)
        yield found
    assert found.faults == []


def test_a_newcomer_watches_their_own_journey_to_a_lead(newcomer: Newcomer, run: Run) -> None:
    """Ad, a look around, a search, the form: two sessions and a lead, each with its reason, as exported."""
    expect(newcomer.page.locator("#hint")).to_have_text(
        "No hit from this browser yet. Choose a way to arrive."
    )
    newcomer.arrive("google-ads")
    newcomer.sees(1, "Paid Search", "google / cpc", "robots-uk", "“line marking robot”", "with a gclid")
    newcomer.site.get_by_role("link", name="What it costs").click()
    newcomer.sees(1, "hits", "The line marking robot", "Prices")
    newcomer.arrive("search")
    newcomer.site.get_by_role("link", name="Chalk & Cord: straight lines").click()
    newcomer.sees(2, "Organic Search", "lookabout / organic", "A new source", "referrer:organic_search")
    newcomer.send_form("Ada Field", "ada@northfield-fc.co.uk")
    newcomer.sees(3, "Form lead", "Ada Field", "ada@northfield-fc.co.uk", "M1", "confidence 1.0")
    path = newcomer.page.locator(".lead .path li")
    expect(path).to_have_text(["Paid Search", "Organic Search", "Form"])
    expect(newcomer.site.locator(".put-in")).to_contain_text("tl_visitor")
    said = newcomer.page.evaluate("said")
    assert "New session: Organic Search. lookabout / organic" in said
    assert any(words.startswith("Form lead. Ada Field") for words in said)
    (lead,) = run.rows("leads", email="ada@northfield-fc.co.uk")
    (journey,) = run.rows("journeys", conversion_id=lead["lead_id"])
    assert journey["path"] == ["Paid Search", "Organic Search"]
    assert (lead["kind"], lead["channel"], lead["match_rule"]) == ("form", "Organic Search", "M1")


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("linkedin", ("Paid Social", "linkedin / paid-social", "groundskeepers")),
        ("newsletter", ("Email", "newsletter / email", "spring-letter")),
        ("assistant", ("AI Assistant", "chatgpt")),
        ("direct", ("Direct", "(direct) / (none)", "Rule direct")),
    ],
)
def test_each_way_in_is_what_it_is(newcomer: Newcomer, way: str, words: tuple[str, ...]) -> None:
    """The panel names channel, source and rule of each kind of arrival."""
    newcomer.arrive(way)
    newcomer.sees(1, *words)
    newcomer.count(1)


def test_routes_of_the_planner_are_page_views(newcomer: Newcomer) -> None:
    """An address changed by script counts once; going back counts too."""
    newcomer.arrive("linkedin")
    newcomer.sees(1, "March")
    for month in ("June", "September"):
        newcomer.site.get_by_role("link", name=month).click()
        newcomer.sees(1, month)
    newcomer.site.locator("body").evaluate("history.back()")
    expect(newcomer.page.locator(".hit:not(.quiet) span")).to_have_text(
        ["March", "June", "September", "June"], timeout=MS
    )


def test_a_chat_and_a_click_on_the_number_join_the_journey(newcomer: Newcomer) -> None:
    """The chat hands over the signed token, so its lead is matched by M1."""
    newcomer.arrive("newsletter")
    newcomer.sees(1, "Email")
    # The browser has no telephone: the click counts, the call does not take place.
    newcomer.site.locator(".call").evaluate(
        "link => link.addEventListener('click', event => event.preventDefault())"
    )
    newcomer.site.locator(".call").click()
    newcomer.sees(1, "Clicked the phone number (+442079460018)")
    newcomer.site.get_by_role("button", name="Chat with us").click()
    newcomer.site.get_by_label("Your question").fill("Does it like clay?")
    newcomer.site.get_by_role("button", name="Send").click()
    newcomer.site.get_by_label("Your e-mail address").fill("bea@northfield-fc.co.uk")
    newcomer.site.get_by_role("button", name="Send").click()
    expect(newcomer.site.locator("#chat-talk")).to_contain_text("You will hear from us.", timeout=MS)
    newcomer.sees(2, "Chat lead", "bea@northfield-fc.co.uk", "M1")


def test_a_bookmark_of_an_ad_is_a_direct_return(newcomer: Newcomer) -> None:
    """The same click id, after another session, opens none and is no second click on the ad."""
    newcomer.arrive("google-ads")
    newcomer.sees(1, "Paid Search")
    newcomer.arrive("newsletter")
    newcomer.sees(2, "Email")
    newcomer.page.get_by_role("button", name="Ways to arrive").click()
    newcomer.arrive("bookmark")
    newcomer.sees(2, "The line marking robot")
    newcomer.count(2)


def test_a_new_visitor_begins_with_an_empty_line(newcomer: Newcomer) -> None:
    """Beginning anew drops cookies and storage; what comes after is somebody else's."""
    newcomer.arrive("google-ads")
    newcomer.sees(1, "Paid Search")
    former = newcomer.page.locator("#who code").get_attribute("title")
    newcomer.page.get_by_role("button", name="Begin as a new visitor").click()
    newcomer.count(0)
    newcomer.arrive("newsletter")
    newcomer.sees(1, "Email", "The first hit of this browser")
    newcomer.count(1)
    assert newcomer.page.locator("#who code").get_attribute("title") != former


def test_the_site_works_in_a_tab_of_its_own(newcomer: Newcomer) -> None:
    """The frame is a convenience: a tab of the same browser grows the same line."""
    newcomer.arrive("newsletter")
    newcomer.sees(1, "Email")
    with newcomer.page.context.expect_page() as opened:
        newcomer.page.get_by_role("link", name="Open in a tab of its own").click()
    opened.value.get_by_role("link", name="Planner").click()
    opened.value.wait_for_url("**/try/planner")
    newcomer.sees(1, "March")
    opened.value.close()
    newcomer.count(1)


def test_the_page_opened_by_its_address_works_the_same(run: Run, browser: Browser) -> None:
    """On 127.0.0.1 the search engine leads back to 127.0.0.1."""
    with profile(browser) as context:
        newcomer = visit(context, run.settings.port, host="127.0.0.1")
        newcomer.arrive("search")
        newcomer.site.get_by_role("link", name="The line marking robot").click()
        newcomer.sees(1, "Organic Search")
        expect(newcomer.page.locator("#address")).to_have_value(f"127.0.0.1:{run.settings.port}/try/product")
        assert newcomer.faults == []


def test_a_browser_that_cannot_open_the_search_engine_is_told(run: Run, browser: Browser) -> None:
    """Not every browser knows names below localhost; the way in then says so instead of failing."""
    with profile(browser) as context:
        context.route("http://search.localhost*/**", lambda route: route.abort())
        newcomer = visit(context, run.settings.port)
        way = newcomer.site.locator("[data-arrival=search]")
        expect(way).to_contain_text("this browser does not open search.localhost", timeout=MS)


def test_what_is_to_be_pasted_can_be_copied(run: Run, browser: Browser) -> None:
    """The copy buttons put the command and the tag on the clipboard and say so."""
    with profile(browser, permissions=["clipboard-read", "clipboard-write"]) as context:
        page = visit(context, run.settings.port).page
        for what, words in (
            ("the command", "site add shop --domain example.com"),
            ("the tag", 'data-site="shop"'),
        ):
            button = page.get_by_role("button", name=f"Copy {what}")
            button.click()
            expect(page.get_by_role("button", name=f"Copied {what}")).to_be_visible()
            assert words in page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize("width", [320, 390, 860, 1280])
def test_nothing_is_wider_than_the_screen(run: Run, browser: Browser, width: int) -> None:
    """No page scrolls sideways, on a phone or between the layouts."""
    with browser.new_context(user_agent=AGENT, viewport={"width": width, "height": 700}) as context:
        page = context.new_page()
        for path in (
            "/",
            "/help/",
            "/help/exports",
            "/try/start",
            "/try/product",
            "/try/pricing",
            "/try/contact",
        ):
            page.goto(f"http://localhost:{run.settings.port}{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_every_control_has_a_name(newcomer: Newcomer) -> None:
    """Who cannot see the page hears what each button, field and frame is for."""
    nameless = newcomer.page.evaluate(
        """() => {
          const isNamed = (node) => node.getAttribute("aria-label") || node.title || node.textContent.trim()
            || document.getElementById(node.getAttribute("aria-labelledby")) || (node.labels || []).length;
          const controls = [...document.querySelectorAll("button, input, select, a, iframe, section")];
          return controls.filter((node) => !node.hidden && !isNamed(node)).map((node) => node.outerHTML);
        }"""
    )
    assert nameless == []


@pytest.fixture
def alone(browser: Browser) -> Iterator[tuple[Newcomer, Settings]]:
    """Put a person before a collector that runs without a worker."""
    with own_folder() as data:
        settings = config.load({}, data=data, port=free_port())
        make_tryout(settings)
        with serving(settings), profile(browser) as context:
            yield visit(context, settings.port), settings


def test_without_a_worker_hits_wait_and_the_page_says_so(alone: tuple[Newcomer, Settings]) -> None:
    """What was accepted is safe on the log; once it is drained, the journey is there."""
    newcomer, settings = alone
    newcomer.arrive("newsletter")
    parts = newcomer.page.locator("#parts")
    expect(parts).to_contain_text("Not running. Hits are safe on the log, waiting.", timeout=MS)
    expect(parts).to_contain_text(re.compile(r"\d messages? waiting"), timeout=MS)
    expect(newcomer.page.locator("#hint")).to_have_text(
        "Your hits are safe on the log, waiting to be stitched.", timeout=MS
    )
    command = [*processes.command("tracker"), "--data", str(settings.data), "drain"]
    subprocess.run(command, env=processes.environment(os.environ), check=True, capture_output=True)
    newcomer.sees(1, "Email")
    expect(parts).to_contain_text("Empty: all is in the store.", timeout=MS)
