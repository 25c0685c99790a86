"""The try-out site: a small club supplier, tracked by the real script, and the roads that lead to it.

It stands in for a customer's own site, so it goes by what any site may: its pages know nothing of the
collector but the tag, its form posts to itself, and its chat hands leads to the same intake as the API.
"""

from __future__ import annotations

import secrets
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, url_for

from tracker.core.times import format_instant
from tracker.errors import BadRequest, TouchlineError
from tracker.model import SiteKey
from tracker.store.db import open_store
from tracker.store.live import last_click
from tracker.store.sites import Token
from tracker.web import cookies, policy, snippet
from tracker.web.api import Intake
from tracker.web.body import read_body
from tracker.web.caller import read_caller
from tracker.web.collector import cookie_attributes
from tracker.web.house import House
from tracker.web.intake import read_json
from tracker.web.nearby import LOCAL_NAMES, is_same_site
from tracker.web.origins import request_host

SITE = SiteKey("tryout")
CHAT_BYTES = 16_384
CHAT_TEXTS = ("email", "name", "page_url", "transcript")
MOST_FIELDS = 40
MONTHS = ("march", "june", "september", "december")

tryout = Blueprint("tryout", __name__, url_prefix="/try")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One way to arrive: its name in the address, in words, where it lands, and what the link carries.

    A parameter whose value ends in `*` gets a fresh token there, as every real click has.
    """

    name: str
    title: str
    words: str
    page: str = "home"
    tags: Mapping[str, str] | None = None


ARRIVALS = (
    Arrival(
        "google-ads", "An ad on Google", "A click id (gclid) and campaign parameters", "product",
        {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "robots-uk",
         "utm_term": "line marking robot", "gclid": "EAIaIQobChMI*"},
    ),
    Arrival("search", "A web search", "Only a referrer: the search engine’s address"),
    Arrival(
        "linkedin", "A post on LinkedIn", "Campaign parameters of a paid post", "planner",
        {"utm_source": "linkedin", "utm_medium": "paid-social", "utm_campaign": "groundskeepers",
         "utm_content": "planner-post"},
    ),
    Arrival(
        "newsletter", "The newsletter", "Campaign parameters of an e-mail", "pricing",
        {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "spring-letter"},
    ),
    Arrival(
        "assistant", "An AI assistant", "The parameter that ChatGPT adds to its links", "product",
        {"utm_source": "chatgpt.com"},
    ),
    Arrival("direct", "Typing the address", "Nothing at all: a direct visit"),
)  # fmt: skip
BOOKMARK = Arrival("bookmark", "A bookmark of that ad", "The same click id once more, a repeat", "product")


@tryout.after_request
def put_headers(response: Response) -> Response:
    """Let the first page frame the site."""
    is_search = request.endpoint == "pages.tryout.search"
    headers = policy.search_page(request.environ) if is_search else policy.tryout_page()
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response


@tryout.context_processor
def name_script() -> dict[str, str]:
    """Give the site's pages what stands in their tag."""
    path = f"{request.script_root}/v{snippet.VERSION}/tracker.js"
    return {"script": path, "integrity": snippet.INTEGRITY, "site_key": SITE}


@tryout.get("/")
def home() -> str:
    """Show the site's home page."""
    return render_template("try/home.html")


@tryout.get("/product")
def product() -> str:
    """Show the product."""
    return render_template("try/product.html")


@tryout.get("/pricing")
def pricing() -> str:
    """Show the prices."""
    return render_template("try/pricing.html")


@tryout.get("/planner", defaults={"month": MONTHS[0]})
@tryout.get("/planner/<month>")
def planner(month: str) -> str:
    """Show the planner, whose pages are routes that its script changes between."""
    if month not in MONTHS:
        abort(404)
    return render_template("try/planner.html", month=month, months=MONTHS)


@tryout.get("/contact")
def contact() -> str:
    """Show the form, the phone number and the chat."""
    return render_template("try/contact.html")


@tryout.route("/thanks", methods=["GET", "POST"])
def thanks() -> str:
    """Thank for the form, and show what the site's own server received."""
    fields = list(request.form.items())[:MOST_FIELDS]
    return render_template(
        "try/thanks.html",
        given=[(name, value) for name, value in fields if not name.startswith("tl_")],
        put_in=[(name, value) for name, value in fields if name.startswith("tl_")],
    )


@tryout.get("/start")
def start() -> str:
    """Show the ways to arrive, as an empty tab; this page is not tracked."""
    known = () if _last_gclid() is None else (BOOKMARK,)
    return render_template("try/start.html", arrivals=(*ARRIVALS, *known))


@tryout.get("/arrive/<name>")
def arrive(name: str) -> Response:
    """Send the visitor on to where a link of this kind lands."""
    arrival = next((each for each in (*ARRIVALS, BOOKMARK) if each.name == name), None)
    if arrival is None:
        abort(404)
    response = redirect(_landing(arrival))
    response.headers["Referrer-Policy"] = "no-referrer"
    return response  # type: ignore[return-value]


@tryout.get("/search")
def search() -> str | Response:
    """Show a page of search results, under a name that is not the site's."""
    home = request.args.get("from", "")
    home = home if home in LOCAL_NAMES else "localhost"
    if request_host(request.host) != policy.SEARCH_HOST:
        abort(404)
    port = policy.port_of(request.environ)
    query = request.args.get("q", "")[:100]
    return render_template("try/search.html", base=f"http://{home}{port}", home=home, query=query)


@tryout.post("/chat")
def chat() -> tuple[Response, int]:
    """Take a chat as a lead, as a chat service's message to the API would be."""
    if not is_same_site(request.environ) or request.mimetype != "application/json":
        abort(403)
    house = _house()
    caller = read_caller(request.environ, house.settings)
    said = read_json(read_body(request.environ, CHAT_BYTES))
    if not isinstance(said, dict):
        raise BadRequest("bad_body", "send a JSON object")
    fact = {name: str(said[name]) for name in CHAT_TEXTS if said.get(name)} | {
        "kind": "chat",
        "provider": "tryout-chat",
        "provider_id": str(said.get("conversation") or uuid.uuid4()),
        "at": format_instant(caller.received_ms),
    }
    # The chat is a page and not a sender with a token: only a signed visitor is one.
    if visitor := house.identity.signer.verify(str(said.get("visitor", ""))):
        fact["visitor_id"] = visitor.visitor_id
    intake = Intake(house, Token(SITE, "leads"), caller, "lead")
    intake.take(0, fact)
    intake.write()
    return intake.answer(is_list=False)


@tryout.post("/forget")
def forget() -> tuple[str, int, list[cookies.Header]]:
    """Take the visitor's cookies back, to begin as a new visitor."""
    if not is_same_site(request.environ):
        abort(403)
    house = _house()
    caller = read_caller(request.environ, house.settings)
    site = house.sitebook.site(SITE)
    where = cookie_attributes(
        request_host(caller.host),
        site.domains if site else (),
        caller.is_https,
        bool(site and site.cross_site),
    )
    return "", 204, cookies.forget_cookies(where)


def _house() -> House:
    house: House = current_app.extensions["touchline"]
    return house


def _landing(arrival: Arrival) -> str:
    """Write the address that a link of this kind leads to."""
    if arrival.name == "search":
        words = urlencode({"q": "line marking robot", "from": request_host(request.host)})
        return f"{policy.search_origin(request.environ)}{url_for('pages.tryout.search')}?{words}"
    tags = {name: _fresh(value) for name, value in (arrival.tags or {}).items()}
    if arrival is BOOKMARK:
        tags = {"gclid": _last_gclid() or ""}
    query = urlencode({name: value for name, value in tags.items() if value})
    return url_for(f"pages.tryout.{arrival.page}") + (f"?{query}" if query else "")


def _fresh(value: str) -> str:
    return value[:-1] + secrets.token_urlsafe(18) if value.endswith("*") else value


def _last_gclid() -> str | None:
    """Find the click id of the caller's latest ad click, if one is stored."""
    house = _house()
    who = house.identity.known(read_caller(request.environ, house.settings))
    if who is None:
        return None
    try:
        db = open_store(house.settings.data)
        try:
            return last_click(db, who.visitor_id, "gclid")
        finally:
            db.close()
    except (sqlite3.Error, OSError, TouchlineError):
        return None
