"""The main job, end to end: a real Chromium over tagged pages, the real collector and worker, the exports."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.browser.launching import NO_ROBOT, flags, launch
from tests.browser.script.pages import STORAGE_DENIED
from tests.browser.shop import Shop, serving
from tests.conftest import own_folder
from tests.running import Run, free_port, running
from tests.waiting import wait_for
from tracker import config, embedded, hitlog, wire
from tracker.keys import workspace_key
from tracker.model import Site, SiteKey
from tracker.store.db import open_store
from tracker.store.sites import add_site, add_token
from tracker.web.cookies import Signer
from tracker.web.snippet import snippet

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("main-job")]

AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"
)


@dataclass
class World:
    """All of Touchline, a shop with its tag, and a browser."""

    run: Run
    shop: Shop
    browser: Browser
    token: str

    def visitor(self) -> BrowserContext:
        """Give a browser profile of a person's own."""
        return self.browser.new_context(user_agent=AGENT, locale="en-GB")

    def rows(self, what: str, **wanted: str) -> list[dict[str, Any]]:
        """Read an export's rows that have these values, once all is stitched."""
        return self.run.rows(what, **wanted)

    def sessions(self, visitor_id: str, *, pages: int) -> list[dict[str, Any]]:
        """Wait until a visitor's page views are in the export, and give their sessions."""
        wait_for(lambda: sum(row["pages"] for row in self.rows("sessions", visitor_id=visitor_id)) >= pages)
        return self.rows("sessions", visitor_id=visitor_id)

    def post_lead(self, **lead: Any) -> tuple[int, dict[str, Any]]:
        """Post a lead to the API."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.run.settings.port}/api/leads",
            json.dumps(lead).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def load(self, *facts: dict[str, Any]) -> None:
        """Append facts as a file would."""
        with embedded.hold(self.run.settings) as url, embedded.connect(url, blocking=True) as client:
            now_ms = int(time.time() * 1_000)
            hitlog.append(client, [wire.encode(wire.FactsEntry(now_ms, "load:test", list(facts)))])


@pytest.fixture(scope="module")
def world(playwright: Playwright) -> Iterator[World]:
    """Start everything once."""
    with ExitStack() as stack:
        opened = stack.enter_context
        settings = config.load({}, data=opened(own_folder()), port=free_port())
        with closing(open_store(settings.data, write=True)) as db:
            add_site(db, Site(SiteKey("shop"), ("shop.test",), region="GB", currency="GBP"))
            token = add_token(db, site=SiteKey("shop"), purpose="leads", now_ms=1)
        own = f"http://shop.test:{settings.port}"
        shop, run = opened(serving(snippet("shop", own))), opened(running(settings))
        yield World(run, shop, opened(launch(playwright, *flags(shop.url(""), own), NO_ROBOT)), token)


def visit(page: Page, url: str, referrer: str | None = None) -> None:
    """Open a page and wait until its view has been accepted."""
    with page.expect_response(lambda answer: answer.url.endswith("/e") and answer.status == 202):
        page.goto(url, referer=referrer) if referrer else page.goto(url)


def visitor_of(context: BrowserContext) -> str:
    """Read the visitor's id off the cookie."""
    return next(str(each["value"]) for each in context.cookies() if each["name"] == "_tl_id").partition(".")[
        0
    ]


ARRIVALS = [
    pytest.param(
        "/?utm_source=google&utm_medium=cpc&utm_campaign=spring&utm_term=blue+shoes&gclid=Cj0-main-1",
        "https://www.google.com/",
        {"channel": "Paid Search", "source": "google", "medium": "cpc", "campaign": "spring",
         "term": "blue shoes", "click_id_name": "gclid", "click_id": "Cj0-main-1"},
        id="a click on a Google ad is paid search with its campaign and gclid",
    ),
    pytest.param(
        "/", "https://www.google.com/",
        {"channel": "Organic Search", "source": "google", "medium": "organic"},
        id="a Google referrer is organic search",
    ),
    pytest.param(
        "/", "https://chatgpt.com/", {"channel": "AI Assistant"}, id="an AI assistant has its own channel",
    ),
    pytest.param(
        "/?utm_source=linkedin&utm_medium=social&utm_campaign=launch", "https://www.linkedin.com/",
        {"channel": "Organic Social", "source": "linkedin", "medium": "social", "campaign": "launch"},
        id="LinkedIn with parameters keeps them",
    ),
    pytest.param(
        "/?utm_source=newsletter&utm_medium=email&utm_campaign=march", None,
        {"channel": "Email", "source": "newsletter", "medium": "email", "campaign": "march"},
        id="a newsletter's link is e-mail",
    ),
    pytest.param(
        "/", None,
        {"channel": "Direct", "source": "(direct)", "medium": "(none)"}, id="nothing said is direct",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "referrer", "expected"), ARRIVALS)
def test_arrivals_are_exported_as_they_happened(
    world: World, path: str, referrer: str | None, expected: dict[str, str]
) -> None:
    """Each way to arrive opens one session with exactly that source."""
    context = world.visitor()
    visit(context.new_page(), world.shop.url(path), referrer)
    (session,) = world.sessions(visitor_of(context), pages=1)
    context.close()
    assert {name: session[name] for name in expected} == expected
    assert (session["opened_by"], session["device"], session["browser"]) == ("first", "desktop", "Chrome")
    assert session["landing_page"] == world.shop.url("/")


def test_a_payment_providers_return_keeps_the_session(world: World) -> None:
    """Coming back from the checkout is no new source."""
    context = world.visitor()
    page = context.new_page()
    visit(page, world.shop.url("/?gclid=Cj0-pay"), "https://www.google.com/")
    visit(page, world.shop.url("/thanks"), "https://checkout.stripe.com/")
    (session,) = world.sessions(visitor_of(context), pages=2)
    context.close()
    assert (session["channel"], session["pages"], session["exit_page"]) == (
        "Paid Search", 2, world.shop.url("/thanks"),
    )  # fmt: skip


def test_a_sub_domain_is_the_same_visitor_and_no_source(world: World) -> None:
    """The cookie spans sub-domains, and a link from one is no referral."""
    context = world.visitor()
    page = context.new_page()
    visit(page, world.shop.url("/?utm_source=newsletter&utm_medium=email", host="blog.shop.test"))
    with page.expect_response(lambda answer: answer.url.endswith("/e") and answer.status == 202):
        page.click("#shop")
    (session,) = world.sessions(visitor_of(context), pages=2)
    context.close()
    assert (session["channel"], session["pages"]) == ("Email", 2)


def test_a_bookmark_with_an_old_click_id_is_a_direct_return(world: World) -> None:
    """A click id that this visitor spent two days ago proves no second click."""
    data, before = world.run.settings.data, datetime.now(UTC) - timedelta(days=2)
    known = Signer(workspace_key(data, {})).mint(None, int(before.timestamp() * 1_000))
    world.load(
        {"fact": "hit", "site": "shop", "event_id": str(uuid.uuid4()), "at": before.isoformat(),
         "visitor_id": known.visitor_id, "url": world.shop.url("/?gclid=Cj0-old"), "user_agent": AGENT}
    )  # fmt: skip
    context = world.visitor()
    context.add_cookies([{"name": "_tl", "value": known.token, "domain": ".shop.test", "path": "/"}])
    visit(context.new_page(), world.shop.url("/?gclid=Cj0-old"))
    assert visitor_of(context) == known.visitor_id
    first, second = world.sessions(known.visitor_id, pages=2)
    context.close()
    assert (first["channel"], first["is_repeat_click"]) == ("Paid Search", False)
    assert (second["channel"], second["is_repeat_click"]) == ("Direct", True)


def test_a_prerendered_page_counts_only_when_it_is_shown(world: World) -> None:
    """A page in the background is no view until it comes to the front."""
    context = world.visitor()
    page = context.new_page()
    page.add_init_script(
        'Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });'
    )
    page.goto(world.shop.url("/"))
    page.wait_for_timeout(400)
    assert not [each for each in context.cookies() if each["name"] == "_tl_id"]
    with page.expect_response(lambda answer: answer.url.endswith("/e") and answer.status == 202):
        page.evaluate(
            """() => { Object.defineProperty(document, "visibilityState", { value: "visible" });
            document.dispatchEvent(new Event("visibilitychange")); }"""
        )
    (session,) = world.sessions(visitor_of(context), pages=1)
    context.close()
    assert session["pages"] == 1


def test_a_wiped_twin_is_restored_and_the_visitor_stays(world: World) -> None:
    """The HttpOnly cookie restores the readable one."""
    context = world.visitor()
    page = context.new_page()
    visit(page, world.shop.url("/"))
    visitor_id = visitor_of(context)
    context.clear_cookies(name="_tl_id")
    visit(page, world.shop.url("/pricing"))
    assert visitor_of(context) == visitor_id
    (session,) = world.sessions(visitor_id, pages=2)
    context.close()
    assert session["pages"] == 2


def test_denied_storage_still_tracks_by_the_collectors_cookie(world: World) -> None:
    """Where scripts may store nothing, the HttpOnly cookie does the job."""
    context = world.visitor()
    context.add_init_script(STORAGE_DENIED)
    page = context.new_page()
    visit(page, world.shop.url("/?utm_source=newsletter&utm_medium=email"))
    visit(page, world.shop.url("/pricing"))
    (session,) = world.sessions(visitor_of(context), pages=2)
    context.close()
    assert (session["channel"], session["pages"]) == ("Email", 2)


def test_a_journey_from_ad_to_form_chat_and_call(world: World) -> None:
    """An ad click, a route change, a form, a chat by token and a call by e-mail are one person's journey."""
    context = world.visitor()
    page = context.new_page()
    visit(page, world.shop.url("/app/one?utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=Cj0-form"))
    with page.expect_response(lambda answer: answer.url.endswith("/e") and answer.status == 202):
        page.click("#go")
    visit(page, world.shop.url("/contact"))
    page.fill("[name=email]", "Ann.Lee@acme-shoes.com")
    page.fill("[name=name]", "Ann Lee")
    page.click("button")
    page.wait_for_load_state()
    visitor_id = visitor_of(context)
    sent = world.shop.posted[-1]
    assert sent["tl_visitor"].partition(".")[0] == visitor_id
    assert (sent["tl_source"], sent["tl_medium"], sent["tl_campaign"]) == ("google", "cpc", "brand")
    assert "Cj0-form" in sent["tl_click_id"] and "/app/one" in sent["tl_landing"]
    assert sent["tl_first_source"] == "google"

    wait_for(lambda: world.rows("leads", visitor_id=visitor_id))
    now = datetime.now(UTC).isoformat()
    chat = {"kind": "chat", "provider": "desk", "provider_id": "chat-1", "at": now}
    assert world.post_lead(**chat, visitor_id=sent["tl_visitor"])[0] == 202
    call = {"kind": "call", "provider": "desk", "provider_id": "call-1", "at": now}
    assert world.post_lead(**call, email="ann.lee@ACME-shoes.com", duration_s=65)[0] == 202
    assert world.post_lead(**call, email="ann.lee@ACME-shoes.com", duration_s=65)[0] == 202
    wait_for(lambda: len(world.rows("leads", visitor_id=visitor_id)) == 3)
    context.close()

    leads = {row["kind"]: row for row in world.rows("leads", visitor_id=visitor_id)}
    assert {kind: row["match_rule"] for kind, row in leads.items()} == {
        "form": "M1",
        "chat": "M1",
        "call": "M5",
    }
    assert leads["form"]["email"] == "Ann.Lee@acme-shoes.com" and leads["form"]["name"] == "Ann Lee"
    assert len({row["person_id"] for row in leads.values()}) == 1
    (session,) = world.rows("sessions", visitor_id=visitor_id)
    for lead in leads.values():
        assert (lead["channel"], lead["campaign"], lead["click_id"]) == ("Paid Search", "brand", "Cj0-form")
        (journey,) = world.rows("journeys", conversion_id=lead["lead_id"])
        assert (journey["path"], journey["touch_ids"]) == (["Paid Search"], [session["session_id"]])
    routes = [row["url"] for row in world.rows("hits", visitor_id=visitor_id, type="page")]
    assert world.shop.url("/app/two") in routes


def test_the_store_agrees_with_its_facts_after_all_that(world: World) -> None:
    """`verify` finds no difference."""
    from tracker.cli import main

    main(["--data", str(world.run.settings.data), "verify"], standalone_mode=False)
