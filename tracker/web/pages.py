"""The first page and what belongs to it: what is running, the tag to paste, the visitor's own journey.

It is for whoever has just started Touchline, in a browser on the same machine; anybody else gets a
short word that the collector runs. The live journey is that of the caller's own signed cookie, so no
login stands in front of it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, abort, current_app, jsonify, render_template, request, url_for

from tracker import __version__
from tracker.core.bots import bot_reason
from tracker.errors import Retryable, TouchlineError
from tracker.model import Site, SiteKey, VisitorId
from tracker.store.db import open_store
from tracker.store.live import load_visitor
from tracker.web import policy
from tracker.web.assetfiles import answer_asset, asset_url
from tracker.web.caller import Caller, read_caller
from tracker.web.house import House
from tracker.web.manual import load_chapters
from tracker.web.nearby import is_nearby, is_same_site
from tracker.web.running import describe_parts, program
from tracker.web.snippet import site_snippet
from tracker.web.tryout import SITE, tryout

EXAMPLE = Site(SiteKey("shop"), ("example.com",))
MOST_TAGS = 20

pages = Blueprint("pages", __name__)
pages.register_blueprint(tryout)


@pages.before_request
def keep_strangers_out() -> tuple[str, int] | None:
    """Answer strangers that the collector runs, and nothing else."""
    if request.endpoint == "pages.asset" or (_house().settings.tryout and is_nearby(request.environ)):
        return None
    return render_template("closed.html"), 404


@pages.after_request
def put_headers(response: Response) -> Response:
    """Say what the page may load and who may frame it."""
    for name, value in policy.first_page(request.environ).items():
        response.headers.setdefault(name, value)
    return response


@pages.context_processor
def name_helpers() -> dict[str, Any]:
    """Give templates the addresses of assets, and the version."""
    return {"asset": asset_url, "version": __version__}


@pages.get("/")
def first() -> str:
    """Show the first page."""
    house = _house()
    return render_template(
        "first.html",
        parts=describe_parts(house),
        tags=_tags(),
        program=program(house.settings),
        search=policy.search_origin(request.environ),
        recipes=_recipes(),
    )


@pages.get("/live.json")
def live() -> Response:
    """Tell what is running, and the caller's own journey so far."""
    if not is_same_site(request.environ):
        abort(403)
    house = _house()
    caller = read_caller(request.environ, house.settings)
    who = house.identity.known(caller)
    response = jsonify(
        parts=[asdict(part) for part in describe_parts(house)],
        tags=_tags(),
        unseen=_why_unseen(caller),
        is_known=who is not None,
        journey=None if who is None else _journey(house, who.visitor_id),
    )
    response.add_etag()
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response


@pages.get("/help/")
def manual() -> str:
    """List the pages of the manual."""
    return render_template("manual.html", chapters=load_chapters().values())


@pages.get("/help/<name>")
def chapter(name: str) -> str:
    """Show one page of the manual."""
    chapters = load_chapters()
    if name not in chapters:
        abort(404)
    return render_template("chapter.html", chapter=chapters[name], chapters=chapters.values())


@pages.get("/assets/<version>/<name>")
def asset(version: str, name: str) -> Response:
    """Give a style sheet, a script or a picture."""
    return answer_asset(version, name) or abort(404)


def _house() -> House:
    house: House = current_app.extensions["touchline"]
    return house


def _recipes() -> str:
    """Find the page of the manual that says how to install it behind one's own domain."""
    return (
        url_for("pages.chapter", name="install") if "install" in load_chapters() else url_for("pages.manual")
    )


def _tags() -> list[dict[str, str]]:
    """Write the script tag of every site of the operator's own, or of an example."""
    house, book = _house(), _house().sitebook
    try:
        sites = book.sites()
    except Retryable:
        sites = {}
    base = house.settings.public_url or request.url_root
    own = [site for key, site in sorted(sites.items()) if key != SITE][:MOST_TAGS]
    tags = [{"site": site.key, "tag": site_snippet(site, base, pools=book.pools(site.key))} for site in own]
    return tags or [{"site": EXAMPLE.key, "tag": site_snippet(EXAMPLE, base)}]


def _journey(house: House, visitor_id: VisitorId) -> dict[str, Any] | None:
    try:
        db = open_store(house.settings.data)
        try:
            return load_visitor(db, visitor_id)
        finally:
            db.close()
    except (sqlite3.Error, OSError, TouchlineError):
        return None  # the part "Store" says why


def _why_unseen(caller: Caller) -> str | None:
    """Say why this browser leaves no trace, where its own request tells."""
    if caller.wants_gpc:
        return (
            "Your browser asks not to be tracked (Global Privacy Control), and the try-out site honours it."
        )
    if reason := bot_reason(caller.user_agent):
        return f"Your browser counts as a bot ({reason}): its hits are kept apart and open no session."
    if caller.is_internal:
        return "Your address is one of internal_ips: its hits are kept apart and open no session."
    return None
