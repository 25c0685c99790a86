"""What a page saw and what the provider delivered are one lead: a real Chromium, collector, hooks and worker.

The frames stand under the providers' real origins and post what those document; the deliveries are signed as
the providers sign theirs. Nothing leaves the machine.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import urllib.request
from collections.abc import Iterator, Mapping
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
from tracker.store.sites import add_site
from tracker.web.snippet import snippet

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("pages-and-hooks")]

FORM = "https://form.typeform.com/to/f1"
CALENDAR = "https://calendly.com/acme/call"
SECRET = "a signing secret"
CHAT = """<script>window.handed = {};
window.Intercom = (command, given) => command === "update" && Object.assign(handed, given);</script>"""


@dataclass
class World:
    """All of Touchline, a site with three hooks, and a browser."""

    run: Run
    shop: Shop
    browser: Browser
    hooks: dict[str, str]

    def visitor(self) -> BrowserContext:
        """Give a browser profile of a person's own, in which the providers' frames stand."""
        context = self.browser.new_context(user_agent=AGENT)
        context.route("https://**", lambda route: route.fulfill(content_type="text/html", body="<p>form</p>"))
        return context

    def deliver(self, provider: str, body: Mapping[str, Any]) -> None:
        """Post a delivery as the provider does."""
        raw = json.dumps(body).encode()
        code = hmac.new(SECRET.encode(), raw, hashlib.sha256)
        signed = {
            "typeform": ("Typeform-Signature", "sha256=" + base64.b64encode(code.digest()).decode()),
            "intercom": (
                "X-Hub-Signature", "sha1=" + hmac.new(SECRET.encode(), raw, hashlib.sha1).hexdigest()
            ),
        }  # fmt: skip
        request = urllib.request.Request(self.hooks[provider], raw, {"Content-Type": "application/json"})
        request.add_header(*signed[provider])
        with urllib.request.urlopen(request) as answer:
            assert answer.status in (200, 202, 204)

    def versions(self, words: str) -> int:
        """Count the versions of leads that have these words in their keys."""
        query = "SELECT count(*) FROM fact WHERE kind = 'lead' AND instr(key, ?)"
        with self.run.still() as db:
            return int(db.execute(query, [words]).fetchone()[0])

    def leads(self, provider: str, provider_id: str) -> list[dict[str, Any]]:
        """Read the leads of a provider's id, once all that is stored has been stitched."""
        return self.run.rows("leads", provider=provider, provider_id=provider_id)


@pytest.fixture(scope="module")
def world(playwright: Playwright) -> Iterator[World]:
    """Start everything once."""
    with ExitStack() as stack:
        opened = stack.enter_context
        settings = config.load({}, data=opened(own_folder()), port=free_port())
        with closing(open_store(settings.data, write=True)) as db:
            add_site(db, Site(SiteKey("shop"), ("shop.test",), region="GB"))
        base, own = f"http://127.0.0.1:{settings.port}", f"http://shop.test:{settings.port}"
        hooks = {provider: add_hook(settings, provider, base) for provider in ("typeform", "intercom")}
        shop = opened(serving(snippet("shop", own)))
        shop.bodies["/form"] = f'<iframe id="it" src="{FORM}"></iframe>'
        shop.bodies["/book"] = f'<iframe id="it" src="{CALENDAR}"></iframe>'
        shop.bodies["/chat"] = CHAT
        run = opened(running(settings))
        yield World(run, shop, opened(launch(playwright, *flags(shop.url(""), own), NO_ROBOT)), hooks)


def add_hook(settings: config.Settings, provider: str, base: str) -> str:
    """Give a provider an address of the collector to post to."""
    told = CliRunner().invoke(
        main,
        ["--data", str(settings.data), "source", "add", "shop", provider, "--secret", SECRET,
         "--url", base, "--format", "json"],
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    return str(json.loads(told.stdout)["url"])


def open_page(world: World, context: BrowserContext, path: str) -> Page:
    """Open a page, and wait until its part for other companies runs and its visitor is known."""
    page = context.new_page()
    with page.expect_response("**/providers.js"):
        page.goto(world.shop.url(path))
    page.evaluate("touchline('visitor')")
    page.wait_for_load_state("networkidle")
    return page


def send_frame(page: Page, address: str, message: object) -> None:
    """Have the page's frame say that it was sent, and wait until the collector has heard."""
    script = f"<script>parent.postMessage({json.dumps(message)}, '*')</script>"
    page.route(address, lambda route: route.fulfill(content_type="text/html", body=script))
    with page.expect_response(lambda answer: answer.url.endswith("/e") and answer.status == 202):
        page.evaluate("it.src = it.src")


def answered(response_id: str, **hidden: str) -> dict[str, Any]:
    """Write Typeform's delivery of a response."""
    return {
        "event_id": f"event-{response_id}",
        "event_type": "form_response",
        "form_response": {
            "form_id": "f1",
            "token": response_id,
            "landed_at": "2026-03-01T10:00:00Z",
            "submitted_at": "2026-03-01T10:01:00Z",
            "hidden": hidden,
            "definition": {"id": "f1", "fields": [{"id": "q1", "type": "email", "title": "Your mail"}]},
            "answers": [
                {"type": "email", "email": "ann@acme-mail.com", "field": {"id": "q1", "type": "email"}}
            ],
        },
    }


@pytest.mark.parametrize("is_page_first", [True, False], ids=["the page first", "the delivery first"])
def test_a_frames_submission_and_its_delivery_are_one_lead(world: World, is_page_first: bool) -> None:
    """The delivery has the address and the time, the page the visitor, whichever comes first."""
    context = world.visitor()
    response_id = f"r4nd0mresp0nse{int(is_page_first)}"
    page = open_page(world, context, "/form")
    message = {"type": "form-submit", "formId": "f1", "responseId": response_id}
    steps = [
        lambda: send_frame(page, FORM, message),
        lambda: world.deliver("typeform", answered(response_id)),
    ]
    for step in steps if is_page_first else reversed(steps):
        step()
        wait_for(lambda: world.leads("typeform", response_id))
    visitor = visitor_of(context)
    wanted = {"email": "ann@acme-mail.com", "visitor_id": visitor, "match_rule": "M1", "kind": "form"}
    wait_for(lambda: world.versions(response_id) == 2)
    (lead,) = world.leads("typeform", response_id)
    assert {name: lead[name] for name in wanted} == wanted
    assert lead["at"].startswith("2026-03-01T10:01:00")
    context.close()


def test_a_booking_without_a_delivery_is_a_lead_without_contact(world: World) -> None:
    """Somebody booked, and the page knows who came: the journey counts, though the details are elsewhere."""
    context = world.visitor()
    uri = "https://api.calendly.com/scheduled_events/E1/invitees/I1"
    page = open_page(world, context, "/book")
    payload = {"event": {"uri": uri.partition("/invitees")[0]}, "invitee": {"uri": uri}}
    send_frame(page, CALENDAR, {"event": "calendly.event_scheduled", "payload": payload})
    wait_for(lambda: world.leads("calendly", uri))
    (lead,) = world.leads("calendly", uri)
    told = [lead[name] for name in ("kind", "email", "visitor_id", "match_rule")]
    assert told == ["booking", None, visitor_of(context), "M1"]
    context.close()


def test_a_lead_that_two_visitors_claim_is_neithers(world: World) -> None:
    """A page's word is hearsay: whoever learns an id can repeat it, and takes no lead by that."""
    message = {"type": "form-submit", "formId": "f1", "responseId": "leaked-response"}
    for _ in range(2):
        context = world.visitor()
        send_frame(open_page(world, context, "/form"), FORM, message)
        context.close()
    wait_for(lambda: world.versions("leaked-response") == 2)
    (lead,) = world.leads("typeform", "leaked-response")
    assert lead["visitor_id"] is None


def test_who_is_proved_in_the_delivery_stands_against_a_page(world: World) -> None:
    """The signed token of the hidden field counts more than what any page says."""
    owner, thief = world.visitor(), world.visitor()
    token = open_page(world, owner, "/form").evaluate("touchline('visitor')")
    world.deliver("typeform", answered("proved-response", tl_visitor=token))
    message = {"type": "form-submit", "formId": "f1", "responseId": "proved-response"}
    send_frame(open_page(world, thief, "/form"), FORM, message)
    wait_for(lambda: world.versions("proved-response") == 2)
    (lead,) = world.leads("typeform", "proved-response")
    assert (lead["visitor_id"], lead["match_rule"]) == (visitor_of(owner), "M1")
    owner.close()
    thief.close()


def test_a_chat_brings_the_visitor_back_by_what_it_was_given(world: World) -> None:
    """The token that the page handed to the chat comes with its delivery, and names the visitor."""
    context = world.visitor()
    page = open_page(world, context, "/chat")
    page.wait_for_function("handed.tl_visitor")
    handed = page.evaluate("handed")
    contact = {"type": "contact", "id": "c1", "role": "lead", "custom_attributes": handed}
    item = {
        "type": "conversation",
        "id": "77",
        "created_at": 1772359200,
        "source": {
            "type": "conversation",
            "delivered_as": "customer_initiated",
            "body": "<p>Hello</p>",
            "author": {"type": "lead", "id": "c1", "email": "bo@acme-mail.com"},
        },
        "contacts": {"type": "contact.list", "contacts": [contact]},
    }
    notice = {"type": "notification_event", "topic": "conversation.user.created", "id": "notif_1"}
    world.deliver("intercom", {**notice, "created_at": 1772359201, "data": {"item": item}})
    wait_for(lambda: world.leads("intercom", "77"))
    (lead,) = world.leads("intercom", "77")
    assert (lead["kind"], lead["visitor_id"], lead["match_rule"]) == ("chat", visitor_of(context), "M1")
    context.close()


def test_views_are_those_that_the_facts_make(world: World) -> None:
    """After all of it, a rebuild makes the same."""
    told = CliRunner().invoke(main, ["--data", str(world.run.settings.data), "verify"])
    assert told.exit_code == 0, told.output
