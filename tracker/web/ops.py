"""What an operator's machines ask: is it alive, is it ready, what has it counted, may robots come."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

import redis
from flask import Blueprint, Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST

from tracker import hitlog
from tracker.errors import TouchlineError
from tracker.store.db import open_store
from tracker.store.sites import config_version
from tracker.web.house import House
from tracker.web.metrics import render_metrics

ops = Blueprint("ops", __name__)


@ops.get("/health")
def health() -> Response:
    """Say that the process is alive."""
    return jsonify({"status": "ok"})


@ops.get("/ready")
def ready() -> tuple[Response, int]:
    """Say whether a hit could be taken now: the log can be written and the store can be read."""
    house: House = current_app.extensions["touchline"]
    checks: Mapping[str, Callable[[House], None]] = {"log": _write_log, "store": _read_store}
    found = {name: _problem(check, house) for name, check in checks.items()}
    is_ready = not any(found.values())
    said = {name: problem or "ok" for name, problem in found.items()}
    return jsonify({"status": "ready" if is_ready else "not ready", **said}), 200 if is_ready else 503


@ops.get("/metrics")
def metrics() -> Response:
    """Write the counts in Prometheus's text format."""
    house: House = current_app.extensions["touchline"]
    return Response(render_metrics(house), content_type=CONTENT_TYPE_LATEST)


@ops.get("/robots.txt")
def robots() -> Response:
    """Ask all robots to stay away."""
    return Response("User-agent: *\nDisallow: /\n", mimetype="text/plain")


def _problem(check: Callable[[House], None], house: House) -> str:
    try:
        check(house)
    except (redis.RedisError, sqlite3.Error, OSError, TouchlineError) as error:
        return str(error) or type(error).__name__
    return ""


def _write_log(house: House) -> None:
    """Ask for the log's reading group: a write that a full or read-only server refuses."""
    hitlog.prepare(house.client)


def _read_store(house: House) -> None:
    db = open_store(house.settings.data)
    try:
        config_version(db)
    finally:
        db.close()
    house.sitebook.sites()
