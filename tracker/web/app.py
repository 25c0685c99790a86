"""The web face: Flask for everything but the hot paths, with the shim in front of it."""

from __future__ import annotations

from typing import Any

import redis
import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from tracker.config import Settings
from tracker.core.bots import bot_reason
from tracker.errors import Permanent, Retryable, TouchlineError
from tracker.web import answers, snippet
from tracker.web.api import api
from tracker.web.collector import Collector, cookie_attributes
from tracker.web.hooks import hooks
from tracker.web.house import open_house
from tracker.web.ops import ops
from tracker.web.pages import pages
from tracker.web.script import ScriptFiles
from tracker.web.shim import Shim

# Every page's; a page that needs more sets its own.
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_log = structlog.get_logger("touchline.web")


def create_app(settings: Settings) -> Flask:
    """Make the application; `app.extensions["touchline"]` holds its parts, to be closed by a test.

    Raises:
        Permanent: the workspace's key or the server cannot be had.
        Retryable: the outside server does not answer.
    """
    house = open_house(settings)
    app = Flask(__name__, static_folder=None)
    app.extensions["touchline"] = house
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_blueprint(ops)
    app.register_blueprint(api)
    app.register_blueprint(hooks)
    app.register_blueprint(pages)
    app.after_request(_put_security)
    app.register_error_handler(TouchlineError, _answer_error)
    app.register_error_handler(redis.RedisError, _answer_redis)
    app.register_error_handler(HTTPException, _answer_http)
    rest: Any = app.wsgi_app
    if settings.proxies:
        trust = {"x_for": settings.proxies, "x_proto": 1, "x_host": 1}
        rest = ProxyFix(rest, **trust)
    _warm()
    files = ScriptFiles(snippet.script, snippet.VERSION)
    app.wsgi_app = Shim(Collector(house), files, rest, prefix=settings.url_prefix)  # type: ignore[method-assign]
    return app


def _warm() -> None:
    """Load the rule tables now: the first visitors would each load them at once, for seconds."""
    cookie_attributes("www.example.com", (), False, False)
    bot_reason("Mozilla/5.0")


def _put_security(response: Response) -> Response:
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    return response


def _answer_error(error: TouchlineError) -> tuple[Response, int, list[answers.Header]]:
    if isinstance(error, Permanent):
        _log.error("failed", path=request.path, error=str(error))
    status, said, headers = answers.describe(error)
    return jsonify(said), status, headers


def _answer_redis(error: redis.RedisError) -> tuple[Response, int, list[answers.Header]]:
    _log.error("server_unreachable", path=request.path, error=str(error))
    return _answer_error(Retryable("the log cannot be reached; try again later"))


def _answer_http(error: HTTPException) -> Any:
    """Answer werkzeug's own errors in the API's form where the API was asked."""
    if not request.path.startswith("/api/"):
        return error
    answer = error.get_response()
    said = {"code": (error.name or "error").lower().replace(" ", "_"), "message": error.description or ""}
    answer.data, answer.content_type = jsonify(said).data, "application/json"
    return answer
