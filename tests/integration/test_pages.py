"""The first page, its try-out site and the manual: who may see them, what they load, what they take."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
import redis
from flask import Flask

from tests.conftest import short_folder
from tests.local_browser import HOST, LocalBrowser, browser_of
from tests.waiting import wait_for
from tracker import config, hitlog, wire
from tracker.config import Settings
from tracker.model import Site, SiteKey
from tracker.store.db import open_store
from tracker.store.sites import add_site
from tracker.web.app import create_app
from tracker.web.assetfiles import load_assets
from tracker.web.manual import load_chapters

PAGES = [
    "/", "/help/", "/try/", "/try/product", "/try/pricing", "/try/planner", "/try/planner/june",
    "/try/contact", "/try/thanks", "/try/start",
]  # fmt: skip


def prepared(settings: Settings, redis_url: str) -> Settings:
    """Make the try-out's site, as `up` does."""
    db = open_store(settings.data, write=True)
    add_site(db, Site(SiteKey("tryout"), ("localhost", "127.0.0.1")))
    db.close()
    return replace(settings, redis_url=redis_url)


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Flask]:
    """Make an application, and close its parts afterwards."""
    app = create_app(settings)
    try:
        yield app
    finally:
        app.extensions["touchline"].close()


@pytest.fixture(scope="module")
def app(redis_url: str) -> Iterator[Flask]:
    """Give an application that no test changes."""
    folder = short_folder()
    with opened(prepared(config.load({}, data=folder), redis_url)) as app:
        yield app
    shutil.rmtree(folder)


@pytest.fixture
def browser(app: Flask, client: redis.Redis) -> LocalBrowser:
    """Give a browser on this machine, and an empty log."""
    hitlog.prepare(client)
    return browser_of(app)


class Links(HTMLParser):
    """Reads what a page loads or leads to, and what it carries inline."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: set[str] = set()
        self.inline: list[str] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note addresses, and attributes that a strict policy forbids."""
        names = dict(attrs)
        self._open = tag
        self.inline += [f"{tag} {name}" for name in names if name == "style" or name.startswith("on")]
        for name in ("href", "src", "action"):
            if names.get(name):
                self.addresses.add(str(names[name]))

    def handle_endtag(self, tag: str) -> None:
        """Forget the element."""
        self._open = ""

    def handle_data(self, data: str) -> None:
        """Note scripts and styles in the page itself."""
        if self._open in ("script", "style") and data.strip():
            self.inline.append(data)


@pytest.mark.parametrize(
    "host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST", "shop.localhost:8000"]
)
def test_the_first_page_answers_on_this_machine(browser: LocalBrowser, host: str) -> None:
    """Whoever asks by a name of this machine sees what runs and the tag to paste."""
    answer = browser.get("/", base_url=f"http://{host}")
    assert answer.status_code == 200
    for words in ("Collector", "Log", "Worker", "Store", "site add shop", "data-site=&#34;shop&#34;"):
        assert words in answer.text


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"HTTP_HOST": "example.com"}, id="another host is somebody else's page"),
        pytest.param({"HTTP_HOST": "localhost.example.com"}, id="a host that only begins with localhost"),
        pytest.param({"HTTP_HOST": "notlocalhost"}, id="a host that only ends in localhost"),
        pytest.param({"HTTP_HOST": ""}, id="a request without a host is nobody's"),
        pytest.param({"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, id="a proxy passed it on, whatever it says"),
        pytest.param({"HTTP_X_FORWARDED_PREFIX": "/t"}, id="a path of the customer's domain is public"),
        pytest.param({"HTTP_FORWARDED": "for=192.0.2.1"}, id="the standard header counts"),
        pytest.param({"HTTP_VIA": "1.1 example"}, id="a cache passed it on"),
        pytest.param({"HTTP_CF_RAY": "1"}, id="a content network passed it on"),
        pytest.param({"SERVER_PROTOCOL": "HTTP/1.0"}, id="nginx speaks like this when it is told nothing"),
        pytest.param({"REMOTE_ADDR": "8.8.8.8"}, id="the open internet is not this machine"),
    ],
)  # fmt: skip
def test_strangers_learn_only_that_the_collector_runs(browser: LocalBrowser, given: dict[str, str]) -> None:
    """A request from elsewhere, or through a proxy, gets a short word and nothing private."""
    for path in ("/", "/live.json", "/help/", "/help/privacy", "/try/", "/try/start"):
        answer = browser.get(path, environ_overrides=given)
        assert answer.status_code == 404
        assert "collector is running" in answer.text
        assert "session" not in answer.text and "tryout" not in answer.text


def test_without_the_tryout_there_are_no_pages(settings: Settings, redis_url: str) -> None:
    """`tryout = false` closes the pages to everybody."""
    with opened(replace(prepared(settings, redis_url), tryout=False)) as app:
        found = [browser_of(app).get(path).status_code for path in ("/", "/live.json", "/try/", "/help/")]
    assert found == [404] * 4


@pytest.mark.parametrize("path", [*PAGES, *(f"/help/{name}" for name in load_chapters())])
def test_every_page_obeys_its_own_policy_and_every_link_leads_somewhere(
    browser: LocalBrowser, path: str
) -> None:
    """No inline script, style or handler; nothing from elsewhere; each address of ours answers."""
    answer = browser.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    links = Links(answer.text)
    assert links.inline == []
    for address in links.addresses:
        if address.startswith("/"):
            assert browser.open(address, method="HEAD").status_code in (200, 302, 405), address


def test_only_the_first_page_frames_the_site(browser: LocalBrowser) -> None:
    """The first page may not be framed at all; the try-out site by its own origin; nothing by others."""
    policy = browser.get("/").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "frame-src 'self' http://search.localhost:8000" in policy
    assert browser.get("/try/").headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    assert browser.get("/try/").headers["Referrer-Policy"] == "strict-origin-when-cross-origin"


def test_pages_work_below_a_path(settings: Settings, redis_url: str) -> None:
    """With url_prefix every address on a page begins with it, the tag's too."""
    with opened(replace(prepared(settings, redis_url), url_prefix="/t")) as app:
        browser = browser_of(app)
        for path in PAGES:
            answer = browser.get(f"/t{path}")
            ours = {each for each in Links(answer.text).addresses if each.startswith("/")}
            assert answer.status_code == 200
            assert [each for each in ours if not each.startswith("/t/")] == []
        assert "http://localhost:8000/t/v" in browser.get("/t/").text


def test_the_tag_of_ones_own_site_is_offered_once_it_is_there(settings: Settings, redis_url: str) -> None:
    """The example gives way to the operator's sites; the try-out's own is not offered."""
    with opened(prepared(settings, redis_url)) as app:
        browser = browser_of(app)
        assert [each["site"] for each in browser.get("/live.json").json["tags"]] == ["shop"]
        db = open_store(settings.data, write=True)
        add_site(db, Site(SiteKey("depot"), ("example.com",)))
        db.close()
        wait_for(lambda: browser.get("/live.json").json["tags"][0]["site"] == "depot")
        (tag,) = browser.get("/live.json").json["tags"]
    assert re.search(r'src="http://localhost:8000/v\w{12}/tracker.js" data-site="depot"', tag["tag"])


def test_files_are_kept_for_ever_under_their_version(browser: LocalBrowser) -> None:
    """The address changes with the content, so the answer never does; another version is no file."""
    version = load_assets().version
    answer = browser.get(f"/assets/{version}/house.css")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.content_type == "text/css; charset=utf-8"
    assert browser.get("/assets/000000000000/house.css").status_code == 404
    assert browser.get(f"/assets/{version}/../pages.py").status_code == 404


def test_the_manual_has_what_a_newcomer_asks(browser: LocalBrowser) -> None:
    """Journeys, persons, exports, the file and privacy each have a page; another name is none."""
    contents = browser.get("/help/").text
    for name in ("journey", "identity", "exports", "datasette", "privacy"):
        assert f'href="/help/{name}"' in contents
    assert "<table>" in browser.get("/help/exports").text
    assert '<a href="datasette">' in browser.get("/help/exports").text
    assert "datasette data/touchline.db" in browser.get("/help/datasette").text
    assert browser.get("/help/nothing").status_code == 404


def test_what_a_form_sends_is_shown_as_text(browser: LocalBrowser) -> None:
    """The thank-you page escapes names and values, and sets the hidden fields apart."""
    given = {"name": "<script>alert(1)</script>", "tl_source": "google", "<b>": "x"}
    text = browser.post("/try/thanks", data=given).text
    assert "&lt;script&gt;" in text and "<script>alert" not in text and "<b>" not in text
    assert text.index('class="received put-in"') < text.index("tl_source")


@pytest.mark.parametrize(
    ("name", "lands", "carries"),
    [
        ("google-ads", "/try/product", ("gclid=", "utm_campaign=robots-uk", "utm_term=line+marking+robot")),
        ("linkedin", "/try/planner", ("utm_source=linkedin", "utm_medium=paid-social")),
        ("newsletter", "/try/pricing", ("utm_medium=email",)),
        ("assistant", "/try/product", ("utm_source=chatgpt.com",)),
        ("direct", "/try/", ()),
        ("search", "http://search.localhost:8000/try/search", ("from=localhost",)),
    ],
)
def test_each_way_in_lands_as_such_a_link_does(
    browser: LocalBrowser, name: str, lands: str, carries: tuple[str, ...]
) -> None:
    """The address carries what that kind of link carries, and no referrer of ours."""
    answer = browser.get(f"/try/arrive/{name}")
    path, _, query = answer.location.partition("?")
    assert (answer.status_code, path) == (302, lands)
    assert all(each in query for each in carries)
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_every_click_on_the_ad_is_a_click_of_its_own(browser: LocalBrowser) -> None:
    """An ad platform never gives one click id twice."""
    landings = {browser.get("/try/arrive/google-ads").location for _ in range(5)}
    assert len(landings) == 5


@pytest.mark.parametrize(
    ("given", "leads_to"),
    [
        ("localhost", "http://localhost:8000/try/product"),
        ("127.0.0.1", "http://127.0.0.1:8000/try/product"),
        ("evil.example", "http://localhost:8000/try/product"),
        ("localhost:1/@evil.example", "http://localhost:8000/try/product"),
    ],
)
def test_the_search_engine_leads_back_here_alone(browser: LocalBrowser, given: str, leads_to: str) -> None:
    """Its results point to the host that the visitor came from, and to no other machine."""
    answer = browser.get("/try/search", query_string={"from": given}, base_url="http://search.localhost:8000")
    assert leads_to in Links(answer.text).addresses
    assert "frame-ancestors 'self' http://localhost:8000" in answer.headers["Content-Security-Policy"]


def test_the_search_engine_stands_under_its_own_name(browser: LocalBrowser) -> None:
    """On the site's own host its links would be no referrer from outside."""
    assert browser.get("/try/search").status_code == 404


def posted(client: redis.Redis) -> list[dict[str, Any]]:
    """Read the facts that are on the log."""
    entries = (wire.decode(entry.body) for entry in hitlog.read(client, 100, again=False))
    return [fact for entry in entries if isinstance(entry, wire.FactsEntry) for fact in entry.facts]


def test_a_chat_becomes_a_lead_of_the_signed_visitor(
    app: Flask, browser: LocalBrowser, client: redis.Redis
) -> None:
    """The chat's message takes the API's road; the signed token names the visitor."""
    visitor = app.extensions["touchline"].identity.signer.mint(None, 1_700_000_000_000)
    said = {"conversation": "c1", "email": "ann@example.org", "transcript": "Hello", "visitor": visitor.token}
    answer = browser.post("/try/chat", json=said, headers={"Origin": f"http://{HOST}"})
    assert answer.status_code == 202
    (fact,) = posted(client)
    wanted = {
        "fact": "lead",
        "site": "tryout",
        "kind": "chat",
        "provider_id": "c1",
        "email": "ann@example.org",
    }
    assert wanted.items() <= fact.items()
    assert fact["visitor_id"] == visitor.visitor_id


def test_a_chat_that_only_claims_to_be_a_visitor_is_nobodys(
    browser: LocalBrowser, client: redis.Redis
) -> None:
    """A bare id, or a token with another signature, proves nothing."""
    for claim in ("0" * 32, f"{'0' * 32}.abc.forged", ""):
        assert browser.post("/try/chat", json={"email": "a@b.example", "visitor": claim}).status_code == 202
    assert [fact.get("visitor_id") for fact in posted(client)] == [None, None, None]


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        pytest.param({"Origin": "https://evil.example"}, "{}", 403, id="another page may not post leads"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, "{}", 403, id="the browser's own word counts"),
        pytest.param({"Content-Type": "text/plain"}, "{}", 403, id="a form of another page cannot send JSON"),
        pytest.param({}, "[1]", 400, id="a list is no message"),
        pytest.param({}, "{", 400, id="broken JSON is refused"),
        pytest.param({}, '{"transcript": "' + "x" * 20_000 + '"}', 413, id="a long message is refused"),
    ],
)
def test_the_chat_takes_messages_of_its_own_page_alone(
    browser: LocalBrowser, headers: dict[str, str], content: str, status: int
) -> None:
    """What comes from elsewhere, or is no message, is refused with words."""
    answer = browser.post("/try/chat", data=content, headers={"Content-Type": "application/json", **headers})
    assert answer.status_code == status


def test_beginning_anew_takes_both_cookies_back(browser: LocalBrowser) -> None:
    """The visitor's cookie and its twin are removed; a page of others cannot ask for it."""
    answer = browser.post("/try/forget", headers={"Origin": f"http://{HOST}"})
    removed = answer.headers.getlist("Set-Cookie")
    assert [each.partition("=")[0] for each in removed] == ["_tl", "_tl_id"]
    assert all("Max-Age=0" in each for each in removed)
    assert browser.post("/try/forget", headers={"Origin": "https://evil.example"}).status_code == 403
