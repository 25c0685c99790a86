"""Numbers of pools: from a page's text in a real Chromium to the visitor whose call it was."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route

from tests.browser.launching import FLAGS, NO_ROBOT, launch
from tests.browser.script.pages import run_until, stop_clock
from tests.browser.shop import Shop, serving
from tests.browser.test_main_job import AGENT
from tests.conftest import own_folder
from tests.running import Run, free_port, running
from tests.waiting import wait_for
from tracker import config
from tracker.core.times import format_instant
from tracker.model import Pool, Site, SiteKey
from tracker.store.db import open_store
from tracker.store.pools import exhaustions_since, put_pool
from tracker.store.sites import add_site, add_token
from tracker.web.snippet import site_snippet

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("numbers")]

FALLBACK = "+442079460000"
HOLD_S = 3
SHOWN = (
    '<p id="text">Call 020 7946 0000 now</p><a id="tel" href="tel:+442079460000"><b>(020) 7946-0000</b></a>'
)


@dataclass
class World:
    """All of Touchline, a shop with a strict security policy, and a browser."""

    run: Run
    shop: Shop
    browser: Browser
    sites: int = 0
    tokens: dict[str, str] = field(default_factory=dict)

    def site(self, body: str = SHOWN, *, tag: str = "", consent: Any = "granted", **pool: Any) -> str:
        """Make a site with a pool of its own, numbers and fallback as told; returns its page's path."""
        self.sites += 1
        key = SiteKey(f"s{self.sites}")
        made = Site(key, ("shop.test",), region="GB", consent=consent)
        usual = {"name": "main", "numbers": self.numbers(2), "fallback": FALLBACK}
        with closing(open_store(self.run.settings.data, write=True)) as db:
            add_site(db, made)
            self.tokens[f"/{key}"] = add_token(db, site=key, purpose="leads", now_ms=0)
            put_pool(db, Pool(**{**usual, **pool}), site=key)
        base = f"http://shop.test:{self.run.settings.port}"
        written = site_snippet(made, base, pools=["main"]).replace("<script async", f"<script async {tag}")
        self.shop.bodies[f"/{key}"] = written + body
        wait_for(lambda: self.is_known(key, "main"))
        return f"/{key}"

    def numbers(self, count: int) -> tuple[str, ...]:
        """Give numbers to the newest site that no other has."""
        return tuple(f"+4420794{self.sites:03}{i:02}" for i in range(1, count + 1))

    def is_known(self, key: str, pool: str) -> bool:
        """Ask the collector, as nobody does, whether it knows a site's pool by now."""
        body = json.dumps({"site": key, "hits": [], "pools": [pool]}).encode()
        address = f"http://127.0.0.1:{self.run.settings.port}/e"
        request = urllib.request.Request(address, body, {"Content-Type": "text/plain", "User-Agent": AGENT})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return "numbers" in json.load(answer)
        except OSError:
            return False

    def visitor(self) -> BrowserContext:
        """Give a browser profile of a person's own."""
        return self.browser.new_context(user_agent=AGENT, locale="en-GB")

    def open(self, path: str, context: BrowserContext | None = None) -> Page:
        """Open a page and wait until its visitor is known and the numbers are there."""
        page = (context or self.visitor()).new_page()
        page.goto(self.shop.url(path))
        wait_for(lambda: is_ready(page))
        return page

    def open_at_one_moment(self, path: str) -> Page:
        """Do so on a page whose clock stands still, so that what it shows stays, however slow the machine."""
        page = self.visitor().new_page()
        stop_clock(page)
        page.goto(self.shop.url(path))
        run_until(page, lambda: is_ready(page))
        return page

    def call(self, path: str, number: str) -> dict[str, Any]:
        """Have a call to a number come in now; returns the lead as it is stored."""
        now_ms = time.time_ns() // 1_000_000
        lead = {"kind": "call", "provider": "calls", "provider_id": str(now_ms), "tracking_number": number}
        body = json.dumps(lead | {"at": format_instant(now_ms), "phone": "+447700900123"}).encode()
        headers = {"Authorization": f"Bearer {self.tokens[path]}", "Content-Type": "application/json"}
        address = f"http://127.0.0.1:{self.run.settings.port}/api/leads"
        urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=60).close()
        query = "SELECT * FROM leads WHERE provider_id = ?"
        wait_for(lambda: self.ask(query, str(now_ms)))
        return self.ask(query, str(now_ms))[0]

    def ask(self, query: str, *values: str) -> list[dict[str, Any]]:
        """Read rows of the store, as of a moment at which nothing waits to be stitched."""
        with self.run.still() as db:
            found = db.execute(query, values)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found]


@pytest.fixture(scope="module")
def world(playwright: Playwright) -> Iterator[World]:
    """Start everything once; every page forbids inline scripts, inline styles and eval."""
    with ExitStack() as stack:
        opened = stack.enter_context
        settings = config.load({}, data=opened(own_folder()), port=free_port())
        own = f"http://shop.test:{settings.port}"
        policy = f"default-src 'none'; script-src {own}; connect-src {own}; img-src {own}; base-uri 'none'"
        shop = opened(serving(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'))
        yield World(opened(running(settings)), shop, opened(launch(playwright, *FLAGS, NO_ROBOT)))


def is_ready(page: Page) -> bool:
    """Ask whether the collector has answered and the part is there, without eval, as the policy wants."""
    return bool(page.evaluate("Boolean(window.touchline?.parts.changed.length && touchline.parts.said)"))


def id_of(page: Page) -> str:
    """Name the page's visitor."""
    return str(page.evaluate('touchline("visitor")')).partition(".")[0]


def number_on(page: Page) -> str:
    """Read the number that the link of a page dials."""
    return str(page.get_attribute("#tel", "href")).removeprefix("tel:")


def national(number: str) -> str:
    """Spell a number of London as the pages do."""
    return f"020 {number[5:9]} {number[9:]}"


def expect_text(page: Page, selector: str, text: str) -> None:
    """Wait until an element says this."""
    wait_for(lambda: page.inner_text(selector) == text)


def test_each_visitor_sees_a_number_of_their_own_until_none_is_free(world: World) -> None:
    """Two numbers: two visitors see one each, in the page's own spelling; the third sees the page's."""
    path = world.site()
    first, second = world.numbers(2)
    pages = [world.open(path) for _ in range(3)]
    for page, number in zip(pages, (first, second, FALLBACK), strict=True):
        expect_text(page, "#text", f"Call {national(number)} now")
        assert number_on(page) == number
        assert page.inner_text("#tel b") == f"(020) {number[5:9]}-{number[9:]}"
    with closing(open_store(world.run.settings.data)) as db:
        wait_for(lambda: [each.count for each in exhaustions_since(db, 0) if each.site == path[1:]] == [1])


def test_a_call_ends_in_the_journey_of_the_visitor_who_saw_its_number(world: World) -> None:
    """By the lease alone: the caller is not known, the browser is."""
    path = world.site()
    here, _ = world.open(path), world.open(path)
    expect_text(here, "#text", f"Call {national(world.numbers(1)[0])} now")
    lead = world.call(path, number_on(here))
    assert (lead["match_rule"], lead["visitor_id"]) == ("M2", id_of(here))
    assert lead["match_confidence"] > 0.9
    (session,) = world.ask("SELECT * FROM sessions WHERE visitor_id = ?", id_of(here))
    assert lead["session_id"] == session["session_id"]


def share(world: World, path: str) -> tuple[Page, Page, str]:
    """Have two visitors see the one number of a pool one after the other, both of late."""
    first = world.open_at_one_moment(path)
    (number,) = world.numbers(1)
    expect_text(first, "#text", f"Call {national(number)} now")
    time.sleep(HOLD_S + 0.5)
    first.clock.run_for(1_000 * HOLD_S)
    expect_text(first, "#text", "Call 020 7946 0000 now")
    second = world.open_at_one_moment(path)
    expect_text(second, "#text", f"Call {national(number)} now")
    return first, second, number


def test_a_call_that_two_may_have_made_is_ambiguous(world: World) -> None:
    """The number went to another a moment after the first had left: both are named, none is chosen."""
    path = world.site(numbers=(f"+4420794{world.sites + 1:03}01",), hold_s=HOLD_S)
    first, second, number = share(world, path)
    lead = world.call(path, number)
    assert (lead["match_rule"], lead["visitor_id"], lead["match_confidence"]) == ("ambiguous", None, 0)
    assert {id_of(first), id_of(second)} == named_in(lead)


def named_in(lead: dict[str, Any]) -> set[str]:
    """Find the visitors that a lead's evidence names."""
    evidence = json.loads(lead["match_evidence"])
    return {each["visitor_id"] for each in evidence["candidates"]}


def test_a_click_on_the_number_decides_between_them(world: World) -> None:
    """Who tapped the link right before the call made it."""
    path = world.site(numbers=(f"+4420794{world.sites + 1:03}01",), hold_s=HOLD_S)
    first, second, number = share(world, path)
    second.reload()
    run_until(second, lambda: is_ready(second))
    expect_text(second, "#text", f"Call {national(number)} now")
    second.evaluate("document.addEventListener('click', (event) => event.preventDefault())")
    second.click("#tel")
    second.clock.run_for(300)
    clicks = (
        "SELECT extra FROM hit JOIN visitor USING (visitor_no) WHERE visitor_id = ? AND extra LIKE '%number%'"
    )
    wait_for(lambda: world.ask(clicks, id_of(second)))
    lead = world.call(path, number)
    assert (lead["match_rule"], lead["visitor_id"]) == ("M3", id_of(second))
    assert named_in(lead) == {id_of(first), id_of(second)}


FORMS = {
    "020 7946 0000": "020 7947 1234",
    "(020) 7946-0000": "(020) 7947-1234",
    "02079460000": "02079471234",
    "+44 20 7946 0000": "+44 20 7947 1234",
    "+44 (0)20 7946 0000": "+44 (0)20 7947 1234",
    "0044-20-7946-0000": "0044-20-7947-1234",
    "020.7946.0000": "020.7947.1234",
    "020\u00a07946\u00a00000": "020\u00a07947\u00a01234",
    "020 7946 0000 or 020 7946 0000.": "020 7947 1234 or 020 7947 1234.",
    "9020 7946 0000": "9020 7946 0000",
    "020 7946 00001": "020 7946 00001",
    "020 7946 0001": "020 7946 0001",
}


def test_every_spelling_keeps_its_form(world: World) -> None:
    """Spaces, brackets, dashes, national and international; other numbers stay as they are."""
    number = "+442079471234"
    body = "".join(f'<p class="form">{text}</p>' for text in FORMS)
    links = (
        '<a id="tel" href="tel:020%207946%200000">x</a><a id="far" href="tel:+44-20-7946-0000;ext=5">y</a>'
    )
    page = world.open(world.site(body + links, numbers=(number,)))
    wait_for(lambda: page.inner_text(".form >> nth=0") == "020 7947 1234")
    assert page.eval_on_selector_all(".form", "all => all.map(one => one.textContent)") == [*FORMS.values()]
    assert page.get_attribute("#tel", "href") == "tel:020%207947%201234"
    assert page.get_attribute("#far", "href") == "tel:+44-20-7947-1234;ext=5"


def test_a_number_of_america_keeps_its_form(world: World) -> None:
    """Brackets around the area code, with and without the 1; another country's number is written out."""
    body = '<p id="text">(555) 123-4567</p><p id="long">+1 555-123-4567</p><p id="one">1-555-123-4567</p>'
    page = world.open(world.site(body, numbers=("+15559876543",), fallback="+15551234567"))
    expect_text(page, "#text", "(555) 987-6543")
    assert [page.inner_text(each) for each in ("#long", "#one")] == ["+1 555-987-6543", "1-555-987-6543"]
    far = world.open(world.site(SHOWN, numbers=("+4930123456",)))
    expect_text(far, "#text", "Call +4930123456 now")
    assert (far.inner_text("#tel b"), number_on(far)) == ("+4930123456", "+4930123456")


MARKED = """<p id="text">020 7946 0000</p>
<p id="left" data-tl-noswap>020 7946 0000 <a href="tel:+442079460000">x</a></p>
<p id="own" data-tl-pool="main">Sales: 0161 496 0000</p><p id="other" data-tl-pool="nothing">020 7946 0000</p>
<textarea id="area">020 7946 0000</textarea><p id="edit" contenteditable>020 7946 0000</p>"""


def test_the_page_says_where_numbers_stay_and_which_pool_is_meant(world: World) -> None:
    """data-tl-noswap is respected, data-tl-pool swaps any number, what people type in is left alone."""
    page = world.open(world.site(MARKED, numbers=("+442079471235",)))
    expect_text(page, "#text", "020 7947 1235")
    assert page.inner_text("#left") == "020 7946 0000 x"
    assert page.get_attribute("#left a", "href") == "tel:+442079460000"
    assert page.inner_text("#own") == "Sales: 0207 947 1235"
    assert (
        page.inner_text("#other") == page.input_value("#area") == page.inner_text("#edit") == "020 7946 0000"
    )
    page.evaluate("document.querySelector('#text').dataset.tlNoswap = ''")
    expect_text(page, "#text", "020 7946 0000")


INSERT = """() => new Promise((resolve) => {
  const box = document.createElement("div");
  box.innerHTML = '<span>020 7946 0000</span> <a href="tel:02079460000">call</a>';
  document.body.append(box);
  const seen = [];
  requestAnimationFrame(() => {
    seen.push(box.querySelector("span").textContent, box.querySelector("a").getAttribute("href"));
    box.querySelector("span").firstChild.data = "Ring 020 7946 0000";
    box.querySelector("a").setAttribute("href", "tel:+442079460000");
    requestAnimationFrame(() => {
      seen.push(box.querySelector("span").textContent, box.querySelector("a").getAttribute("href"));
      resolve(seen);
    });
  });
})"""


def test_what_comes_later_is_swapped_before_it_is_painted(world: World) -> None:
    """Elements inserted, texts and links rewritten: the page's own number is in no frame."""
    page = world.open(world.site(numbers=("+442079471236",)))
    expect_text(page, "#text", "Call 020 7947 1236 now")
    assert page.evaluate(INSERT) == [
        "020 7947 1236", "tel:02079471236", "Ring 020 7947 1236", "tel:+442079471236",
    ]  # fmt: skip


def test_the_next_page_shows_the_number_without_waiting_for_an_answer(world: World) -> None:
    """It is kept while it is confirmed; and it is the same one."""
    path = world.site()
    context = world.visitor()
    number = number_on_once(world.open(path, context))
    page = context.new_page()
    page.route("**/e", lambda route: route.abort())
    page.goto(world.shop.url(path))
    expect_text(page, "#text", f"Call {national(number)} now")


def number_on_once(page: Page) -> str:
    """Wait for a swap, and read the number."""
    wait_for(lambda: number_on(page) != FALLBACK)
    return number_on(page)


def test_the_number_goes_when_nobody_confirms_it(world: World) -> None:
    """Once the hold time is over the number may be another's: the page's own is back."""
    page = world.open_at_one_moment(world.site(hold_s=HOLD_S))
    assert number_on_once(page) in world.numbers(2)
    page.route("**/e", lambda route: route.abort())
    page.clock.run_for(1_000 * HOLD_S)
    expect_text(page, "#text", "Call 020 7946 0000 now")
    assert (number_on(page), page.inner_text("#tel b")) == (FALLBACK, "(020) 7946-0000")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.endsWith('.numbers'))") == []


def test_a_refusal_puts_the_page_s_number_back(world: World) -> None:
    """And none is shown before consent, nor on the next page after a refusal."""
    path = world.site(consent="required")
    context = world.visitor()
    page = context.new_page()
    page.goto(world.shop.url(path))
    wait_for(lambda: page.evaluate("Boolean(window.touchline)"))
    assert number_on(page) == FALLBACK
    page.evaluate('touchline("consent", "granted")')
    wait_for(lambda: number_on(page) != FALLBACK)
    page.evaluate('touchline("consent", "denied")')
    expect_text(page, "#text", "Call 020 7946 0000 now")
    assert number_on(page) == FALLBACK
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.endsWith('.numbers'))") == []


def test_a_visible_page_tells_once_a_minute(world: World) -> None:
    """A message without hits that asks for the pool; a hidden page is silent."""
    path = world.site()
    context = world.visitor()
    page = context.new_page()
    stop_clock(page)
    beats: list[dict[str, Any]] = []

    def listen(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        if not body["hits"]:
            beats.append(body)
        route.continue_()

    page.route("**/e", listen)
    page.goto(world.shop.url(path))
    run_until(page, lambda: number_on(page) != FALLBACK, step_ms=100)
    number = number_on(page)
    beats.clear()
    for count in (1, 2):  # minute by minute: a clock that runs on would give up the first before it has left
        page.clock.run_for(61_000)
        wait_for(lambda count=count: page.title() and len(beats) >= count)  # asking lets the route be served
    assert all(beat["pools"] == ["main"] for beat in beats)
    page.evaluate("Object.defineProperty(document, 'visibilityState', {value: 'hidden'})")
    told = len(beats)
    page.clock.run_for(300_000)
    page.title()
    assert (told, len(beats), number_on(page)) == (2, 2, number)


def test_of_two_pools_for_one_number_the_first_that_serves_counts(world: World) -> None:
    """A pool for paid search beside one for all: who clicked an ad sees the first one's number."""
    path = world.site(name="main")
    ads = Pool("ads", (f"+4420794{world.sites:03}99",), FALLBACK, channels=("Paid Search",))
    with closing(open_store(world.run.settings.data, write=True)) as db:
        put_pool(db, ads, site=SiteKey(path[1:]))
    world.shop.bodies[path] = world.shop.bodies[path].replace('"main"', '"ads,main"')
    wait_for(lambda: world.is_known(path[1:], "ads"))
    paid, direct = world.open(f"{path}?gclid=Cj0x"), world.open(path)
    expect_text(paid, "#text", f"Call {national(ads.numbers[0])} now")
    expect_text(direct, "#text", f"Call {national(world.numbers(2)[1])} now")


def without_cookies(route: Route) -> None:
    """Pass a request on as a browser does that takes no cookies."""
    asked = route.request
    headers = {name: asked.headers[name] for name in ("user-agent", "origin", "content-type")}
    address = asked.url.replace("shop.test", "127.0.0.1")
    request = urllib.request.Request(address, asked.post_data_buffer, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        said = {name: value for name, value in answer.headers.items() if name.lower() != "set-cookie"}
        route.fulfill(status=answer.status, headers=said, body=answer.read())


def test_who_takes_no_cookies_takes_one_number(world: World) -> None:
    """All that the page sends is one visitor's to the collector, by its seed: the number stays."""
    path = world.site()
    context = world.visitor()
    context.route("**/e", without_cookies)
    page = world.open(path, context)
    number = number_on_once(page)
    for name in ("one", "two"):
        with page.expect_response("**/e"):
            page.evaluate("(name) => touchline('event', name)", name)
    assert number_on(page) == number
    other = world.open(path)
    assert number_on_once(other) != number
    held = "SELECT DISTINCT number FROM lease JOIN site USING (site_no) WHERE key = ?"
    wait_for(lambda: len(world.ask(held, path[1:])) == 2)


def test_a_site_without_a_pool_loads_nothing_for_it(world: World) -> None:
    """The part comes only where the tag names a pool."""
    path = world.site()
    page = world.visitor().new_page()
    world.shop.bodies["/plain"] = world.shop.bodies[path].replace('data-pools="main"', "")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(world.shop.url("/plain"))
    page.evaluate('touchline("visitor")')
    assert [url for url in asked if "numbers.js" in url] == []
    assert number_on(page) == FALLBACK
