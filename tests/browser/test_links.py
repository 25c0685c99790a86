"""Links between domains, mailed links and identify: a real Chromium over the real collector and drain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.browser.launching import NO_ROBOT, flags, launch
from tests.browser.shop import Shop, serving
from tests.browser.test_main_job import AGENT, visitor_of
from tests.conftest import own_folder
from tests.running import Run, free_port, running
from tests.waiting import wait_for
from tracker import config
from tracker.cli import main
from tracker.model import Site, SiteKey
from tracker.store.db import open_store
from tracker.store.sites import add_site, load_sites
from tracker.web.snippet import site_snippet

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("links")]

LANDING = "/landing?a=1&b=%20two#top"
OTHER_AGENT = AGENT.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64")


@dataclass
class World:
    """All of Touchline, a site of two domains with a server each, and a browser."""

    run: Run
    here: Shop
    there: Shop
    browser: Browser

    def visitor(self, **change: str) -> BrowserContext:
        """Give a browser profile of a person's own."""
        return self.browser.new_context(**{"user_agent": AGENT, "locale": "en-GB"} | change)

    def landing(self) -> str:
        """Name the page on the other domain that all walk to."""
        return self.there.url(LANDING, "other.test")

    def facts(self, kind: str, visitor_id: str) -> list[dict[str, Any]]:
        """Read a visitor's facts of a kind."""
        return [each for each in map(json.loads, self.ask("SELECT content FROM fact WHERE kind = ?", kind))
                if each["visitor_id"] == visitor_id]  # fmt: skip

    def addresses(self) -> list[str]:
        """Read every address that is stored."""
        return self.ask("SELECT value FROM string WHERE instr(value, ?)", "://")

    def ask(self, query: str, *values: str) -> list[str]:
        """Read one column of the store."""
        with self.run.still() as db:
            return [row[0] for row in db.execute(query, values)]


@pytest.fixture(scope="module")
def world(playwright: Playwright) -> Iterator[World]:
    """Start everything once."""
    with ExitStack() as stack:
        opened = stack.enter_context
        settings = config.load({}, data=opened(own_folder()), port=free_port())
        with closing(open_store(settings.data, write=True)) as db:
            add_site(db, Site(SiteKey("shop"), ("shop.test", "other.test"), region="GB"))
            site = load_sites(db)[SiteKey("shop")]
        here, there = (
            opened(serving(site_snippet(site, f"http://{host}:{settings.port}")))
            for host in ("shop.test", "other.test")
        )
        here.bodies["/leave"] = leaving(here, there)
        run = opened(running(settings))
        origins = [here.url(""), here.url("", "www.shop.test"), there.url("", "other.test")]
        browser = opened(launch(playwright, *flags(*origins), NO_ROBOT))
        yield World(run, here, there, browser)


def leaving(here: Shop, there: Shop) -> str:
    """Write the page from which all ways lead to the other domain."""
    landing, file = there.url(LANDING, "other.test"), there.url("/a.pdf", "other.test")
    subdomain = here.url("/landing", "www.shop.test")
    return f"""
        <a id="over" href="{landing}"><b>over</b></a> <a id="tab" target="_blank" href="{landing}">tab</a>
        <a id="sub" href="{subdomain}">sub</a> <a id="file" href="{file}">file</a>
        <form id="post" method="post" action="{landing}"><input name="q"><button>Post</button></form>
        <form id="get" action="{landing}"><input name="q"><button>Get</button></form>
        <div id="tree"><template shadowrootmode="open">
          <form method="post" action="{landing}"><button>Post</button></form></template></div>
        <form id="script" action="{landing}"><input name="q"></form>"""


def leave_from(world: World, context: BrowserContext) -> Page:
    """Open the page to leave from, and wait until the visitor is known and can be carried over."""
    page = context.new_page()
    page.goto(world.here.url("/leave"))
    page.evaluate('touchline("visitor")')
    page.evaluate('(url) => touchline("link", url)', world.landing())
    return page


def arrived(page: Page) -> str:
    """Wait until the landing is known to the collector; returns its visitor."""
    page.wait_for_load_state()
    return str(page.evaluate('touchline("visitor")')).partition(".")[0]


def assert_carried_over(world: World, page: Page, left: str, address: str) -> dict[str, Any]:
    """The address is clean, and one fact tells who came from where, by one browser."""
    came = arrived(page)
    assert page.url == address
    wait_for(lambda: world.facts("link", came))
    (fact,) = world.facts("link", came)
    assert came != left == fact["from"]
    assert fact["browser"] == fact["arrived_browser"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", fact["nonce"])
    assert fact["made_at"] <= fact["at"]
    assert not [url for url in world.addresses() if "tl_" in url]
    return fact


def click(page: Page) -> None:
    """Follow the link with the mouse."""
    page.click("#over b")


def press(page: Page) -> None:
    """Follow the link with the keyboard."""
    page.focus("#over")
    page.keyboard.press("Enter")


def tap(page: Page) -> None:
    """Follow the link by a script's click, which moves no pointer."""
    page.evaluate("document.getElementById('over').click()")


def post(page: Page) -> None:
    """Send a form with its button."""
    page.click("#post button")


def post_from_a_shadow_tree(page: Page) -> None:
    """Send a form of a web component, whose submit leaves its tree by no event."""
    page.click("#tree button")


def ask_for(page: Page) -> None:
    """Go where a script of the page wants to."""
    page.evaluate("touchline('link', document.getElementById('over').href).then((url) => location = url)")


@pytest.mark.parametrize(
    "way", [click, press, tap, post, post_from_a_shadow_tree, ask_for], ids=lambda way: way.__name__
)
def test_a_visitor_is_carried_over(world: World, way: Any) -> None:
    """Whichever way leads to the other domain, a fact says who came, and nothing shows."""
    context = world.visitor()
    page = leave_from(world, context)
    left = visitor_of(context)
    way(page)
    page.wait_for_url("**/landing**")
    assert_carried_over(world, page, left, world.landing())
    context.close()


@pytest.mark.parametrize("way", ["#get button", "document.getElementById('script').submit()"])
def test_a_form_that_asks_carries_over_by_a_field(world: World, way: str) -> None:
    """A query takes the place of the action's own, so the link goes with the fields; by script, too."""
    context = world.visitor()
    page = leave_from(world, context)
    left = visitor_of(context)
    page.click(way) if way.startswith("#") else page.evaluate(way)
    page.wait_for_url("**/landing**")
    assert_carried_over(world, page, left, world.there.url("/landing?q=#top", "other.test"))
    context.close()


def test_a_new_tab_is_carried_over_and_the_link_is_as_before(world: World) -> None:
    """Each click has a link of its own; what stood in the page stands there again."""
    context = world.visitor()
    page = leave_from(world, context)
    left = visitor_of(context)
    nonces = set()
    for _ in range(2):
        with context.expect_page() as opened:
            page.click("#tab")
        came = arrived(opened.value)
        assert opened.value.url == world.landing()
        nonces |= {fact["nonce"] for fact in world.facts("link", came)}
        page.wait_for_function(f"document.getElementById('tab').getAttribute('href') === '{world.landing()}'")
    wait_for(lambda: len(world.facts("link", came)) == 2)
    assert {fact["from"] for fact in world.facts("link", came)} == {left}
    assert len({fact["nonce"] for fact in world.facts("link", came)}) == 2
    context.close()


@pytest.mark.parametrize("link", ["#sub", "#file"])
def test_what_needs_no_link_gets_none(world: World, link: str) -> None:
    """A sub-domain shares the cookie; a file has no script to read the link."""
    context = world.visitor()
    page = leave_from(world, context)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.click(link)
    page.wait_for_url(re.compile("landing|pdf"))
    assert asked and not [url for url in asked if "tl_link" in url]
    context.close()


def decorated(world: World, context: BrowserContext) -> str:
    """Give an address that carries a profile's visitor over."""
    page = leave_from(world, context)
    url = str(page.evaluate("(url) => touchline('link', url)", world.landing()))
    assert "tl_link=" in url and visitor_of(context) in url
    token = next(str(each["value"]) for each in context.cookies() if each["name"] == "_tl_id")
    assert token.rpartition(".")[2] not in url
    return url


@pytest.mark.parametrize("change", [{"user_agent": OTHER_AGENT}, {"locale": "de-DE"}], ids=str)
def test_a_copied_link_shows_that_the_browser_is_another(world: World, change: dict[str, str]) -> None:
    """Who opens a link that somebody else was given is not taken for them: the fact has both browsers."""
    giver, taker = world.visitor(), world.visitor(**change)
    url = decorated(world, giver)
    page = taker.new_page()
    page.goto(url)
    came = arrived(page)
    assert page.url == world.landing()
    wait_for(lambda: world.facts("link", came))
    (fact,) = world.facts("link", came)
    assert fact["from"] == visitor_of(giver)
    assert fact["browser"] != fact["arrived_browser"]
    giver.close()
    taker.close()


def test_a_forged_link_is_ignored_and_the_view_counts(world: World) -> None:
    """Another visitor's id in a link proves nothing; the address is clean all the same."""
    context, stranger = world.visitor(), world.visitor()
    url = decorated(world, context).replace(visitor_of(context), "0" * 32)
    page = stranger.new_page()
    page.goto(url)
    came = arrived(page)
    assert page.url == world.landing()
    wait_for(lambda: world.ask("SELECT visitor_id FROM hits WHERE visitor_id = ?", came))
    assert world.facts("link", came) == []
    context.close()
    stranger.close()


def test_a_mailed_link_tells_to_whom_the_mail_went(world: World) -> None:
    """The token leaves the address bar and proves the address; no stored address holds either."""
    told = CliRunner().invoke(
        main, ["--data", str(world.run.settings.data), "mail-token", "ann@acme.com", "--send-id", "spring"]
    )
    context = world.visitor()
    page = context.new_page()
    page.goto(world.here.url(f"/news?a=1&tl_mail={told.stdout.strip()}&b=2"))
    came = arrived(page)
    assert page.url == world.here.url("/news?a=1&b=2")
    wait_for(lambda: world.facts("mail", came))
    (fact,) = world.facts("mail", came)
    assert (fact["email"], fact["send_id"]) == ("ann@acme.com", "spring")
    assert not [url for url in world.addresses() if "tl_" in url or "acme" in url]
    context.close()


def test_identify_says_who_the_visitor_is(world: World) -> None:
    """The fact is of the cookie's visitor; a promise gives the event's id; nothing stays on the hit."""
    context = world.visitor()
    page = leave_from(world, context)
    said = '{email: "ann@acme.com", user_id: 17, phone: "undefined", traits: {plan: "pro"}}'
    event_id = page.evaluate(f"touchline('identify', {said})")
    visitor = visitor_of(context)
    wait_for(lambda: world.facts("identify", visitor))
    (fact,) = world.facts("identify", visitor)
    wanted = {"event_id": event_id, "email": "ann@acme.com", "user_id": "17", "traits": {"plan": "pro"}}
    assert {name: fact.get(name) for name in (*wanted, "phone")} == wanted | {"phone": None}
    assert world.ask("SELECT extra FROM hit WHERE instr(extra, ?)", "acme") == []
    context.close()


def test_a_refusal_outlives_the_cookie(world: World) -> None:
    """The visitor's no is a fact, and the browser keeps nothing."""
    context = world.visitor()
    page = leave_from(world, context)
    visitor = visitor_of(context)
    page.evaluate("touchline('consent', 'denied')")
    wait_for(lambda: world.facts("consent", visitor))
    assert [fact["state"] for fact in world.facts("consent", visitor)] == ["denied"]
    wait_for(lambda: not [each for each in context.cookies() if each["name"].startswith("_tl")])
    assert page.evaluate("(url) => touchline('link', url)", world.landing()) == world.landing()
    context.close()


def test_views_are_those_that_the_facts_make(world: World) -> None:
    """After all of it, a rebuild makes the same."""
    told = CliRunner().invoke(main, ["--data", str(world.run.settings.data), "verify"])
    assert told.exit_code == 0, told.output
