"""Hooks: a provider's delivery is proved over its raw bytes, kept, and answered in the provider's way.

Nothing is parsed here beyond seeing that the body can be read at all: facts are made of it in the worker.
A delivery that is refused leaves nothing behind but a count. Each source has an address of its own; its
token says which site and provider it is, and the provider's name stands in it for people to read.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from flask import Blueprint, Response, current_app, request

from tracker.errors import BadRequest, Permanent, Retryable
from tracker.providers import load_adapter, own_name
from tracker.providers.adapter import Adapter, Delivery, Reply, Unproved
from tracker.store.hooks import HookSource, Secrets, open_secrets
from tracker.web.answers import describe
from tracker.web.body import read_bytes
from tracker.web.caller import is_prefetch
from tracker.web.house import House
from tracker.wire import HookEntry, encode

BODY_BYTES = 2_097_152

hooks = Blueprint("hooks", __name__, url_prefix="/hooks")

_log = structlog.get_logger("touchline.web")


@hooks.route("/<token>/<provider>", methods=["GET", "POST", "PUT"], strict_slashes=False)
def take_delivery(token: str, provider: str) -> Response:
    """Take one delivery, or answer a handshake."""
    house: House = current_app.extensions["touchline"]
    source = house.sitebook.hook_source(token)
    if source is None or own_name(provider) != source.provider:
        raise BadRequest("not_found", "there is no such hook; `touchline source list` shows the addresses")
    adapter = load_adapter(source.provider)
    try:
        reply, result = _take(house, source, adapter)
    except BadRequest as error:
        house.counters.count((("hooks", adapter.name, error.code), 1))
        return _refused(adapter, error)
    except Retryable:
        house.counters.count((("hooks", adapter.name, "unavailable"), 1))
        raise
    house.counters.count((("hooks", adapter.name, result), 1))
    return _answer(reply)


def _take(house: House, source: HookSource, adapter: Adapter) -> tuple[Reply, str]:
    secrets = _secrets(house, source)
    delivery = _delivery(source, secrets, house)
    if adapter.greet is not None:
        greeting = adapter.greet(delivery, secrets.valid(delivery.received_ms))
        if greeting is not None:
            return greeting, "greeted"
    delivery = _with_fields(adapter, delivery)
    _prove(adapter, delivery, secrets)
    _ = delivery.document  # what cannot be read is refused here, while the sender listens
    wanted = ("content-type", *adapter.headers)
    kept = {name: delivery.headers[name] for name in wanted if name in delivery.headers}
    body = delivery.body if adapter.hush is None else adapter.hush(delivery)
    house.log.commit([encode(HookEntry(delivery.received_ms, source.source_no, body, kept))])
    return adapter.accepted, "accepted"


def _with_fields(adapter: Adapter, delivery: Delivery) -> Delivery:
    """Take the fields of a delivery out of its address, where it has none in its body.

    Whoever only looks at the address is told what it is for: somebody who opens it, a preview of a link, a
    prefetch.

    Raises:
        BadRequest: `bad_method`, it delivers nothing.
    """
    is_look = delivery.method in ("GET", "HEAD")
    may_tell = adapter.takes_query and not (
        is_look and (delivery.method == "HEAD" or is_prefetch(request.environ))
    )
    told = delivery.of_query if may_tell and (is_look or not delivery.body.strip()) else None
    if is_look and told is None:
        ways = "sends, by POST or by GET with its fields in the address" if adapter.takes_query else "posts"
        raise BadRequest("bad_method", f"this address takes what {adapter.label} {ways}")
    return told or delivery


def _secrets(house: House, source: HookSource) -> Secrets:
    """Open a source's secrets; until the operator puts the right key back, senders are told to try again."""
    try:
        return open_secrets(source, key=house.key)
    except Permanent as error:
        _log.error("hook_unreadable", source=source.source_no, provider=source.provider, error=str(error))
        raise Retryable("this hook cannot prove its senders at present; try again later") from error


def _prove(adapter: Adapter, delivery: Delivery, secrets: Secrets) -> None:
    """Check the proof with each valid secret; a source without a secret trusts its address alone."""
    valid = secrets.valid(delivery.received_ms)
    if adapter.verify is None or not valid:
        return
    refusals = []
    for secret in valid:
        try:
            adapter.verify(delivery, secret)
            return
        except Unproved as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _delivery(source: HookSource, secrets: Secrets, house: House) -> Delivery:
    body = read_bytes(request.environ, BODY_BYTES)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Delivery(
        body=body, received_ms=time.time_ns() // 1_000_000, headers=headers, method=request.method,
        urls=signed_urls(request.environ, source.public_url, house.settings.public_url),
        query=request.environ.get("QUERY_STRING", ""), zone=source.zone,
        options={**source.options, "verify_token": secrets.verify_token},
    )  # fmt: skip


def signed_urls(environ: Mapping[str, Any], *known: str | None) -> tuple[str, ...]:
    """List the addresses that a sender may have signed: as it is known from outside, and as it came.

    Args:
        known: addresses the operator knows the hook by, whole or up to our own path.
    """
    own = quote(environ.get("PATH_INFO", ""), safe="/-._~!$&'()*+,;=:@")
    path = quote(environ.get("SCRIPT_NAME", ""), safe="/-._~") + own
    query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
    found = [f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}{path}{query}"]
    for url in known:
        if url:
            bare = url.partition("?")[0].rstrip("/")
            found += [url, f"{bare}{query}", f"{bare}{own}{query}", f"{_root(url)}{path}{query}"]
    return tuple(dict.fromkeys(found))


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _refused(adapter: Adapter, error: BadRequest) -> Response:
    status, said, headers = describe(error)
    if adapter.refused is not None:
        return _answer(adapter.refused(status, error.message))
    return _answer(Reply(status, current_app.json.dumps(said).encode(), headers=tuple(headers)))


def _answer(reply: Reply) -> Response:
    response = Response(reply.body, reply.status, content_type=reply.content_type)
    response.headers["Cache-Control"] = "no-store"
    response.headers.extend(list(reply.headers))
    return response
