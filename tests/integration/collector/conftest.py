"""A collector over a real store and a real log, asked through WSGI; and the same one behind granian."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from tracker import config, hitlog, wire
from tracker.core.times import format_instant
from tracker.keys import workspace_key
from tracker.model import Site, SiteKey
from tracker.store.db import open_store
from tracker.store.sites import add_site, add_token
from tracker.web.app import create_app
from tracker.web.cookies import Signer

BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
SITES = (
    Site(SiteKey("shop"), ("example.com", "xn--mnchen-3ya.example")),
    Site(SiteKey("asks"), ("asks.example.co.uk",), consent="required"),
    Site(SiteKey("framed"), ("framed.example",), cross_site=True, honour_gpc=False, honour_dnt=True),
)


def now_ms() -> int:
    """Read the clock."""
    return time.time_ns() // 1_000_000


def hit(event_id: str = "e1", **change: Any) -> dict[str, Any]:
    """Make a hit that is good but for what is changed."""
    made = {"event_id": event_id, "at": format_instant(now_ms()), "url": "https://www.example.com/"}
    return made | {"referrer": "https://www.google.com/", "title": "Home"} | change


@dataclass
class Shop:
    """One collector, asked as a browser on the site's pages asks."""

    app: Flask
    log: redis.Redis
    settings: config.Settings
    signer: Signer
    headers: dict[str, str] = field(default_factory=lambda: {"User-Agent": BROWSER})

    def ask(self, path: str, method: str = "GET", *, data: bytes = b"", **headers: str) -> TestResponse:
        """Send a request; `Content_Type="..."` is a header."""
        given = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        base = "https://t.example.com" if "Host" not in given else f"https://{given['Host']}"
        client = self.app.test_client(use_cookies=False)
        return client.open(path, base_url=base, method=method, data=data, headers=given)

    def post(
        self, *hits: object, site: str = "shop", said: dict[str, Any] | None = None, **headers: str
    ) -> TestResponse:
        """Send hits."""
        body = json.dumps({"site": site, "hits": hits} | (said or {})).encode()
        return self.ask("/e", "POST", data=body, **({"Content_Type": "text/plain;charset=UTF-8"} | headers))

    def entries(self) -> list[wire.Entry]:
        """Read what stands on the log, without taking anything off it."""
        return [wire.decode(fields[hitlog.FIELD.encode()]) for _, fields in self.log.xrange(hitlog.STREAM)]

    def hits(self) -> list[wire.HitOnLog]:
        """Read the hits on the log."""
        return [hit for entry in self.entries() if isinstance(entry, wire.HitsEntry) for hit in entry.hits]

    def rejects(self) -> list[wire.RejectEntry]:
        """Read the rejects on the log."""
        return [entry for entry in self.entries() if isinstance(entry, wire.RejectEntry)]

    def token(self, site: str = "shop", purpose: str = "leads") -> str:
        """Make a token for the API."""
        db = open_store(self.settings.data, write=True)
        try:
            return add_token(db, site=SiteKey(site), purpose=purpose, now_ms=now_ms())
        finally:
            db.close()

    def metric(self, name: str, **labels: str) -> float:
        """Read one figure of /metrics; 0 where it is not there yet."""
        for line in self.ask("/metrics").get_data(as_text=True).splitlines():
            start, _, value = line.rpartition(" ")
            if start.partition("{")[0] == name and all(
                f'{key}="{said}"' in start for key, said in labels.items()
            ):
                return float(value)
        return 0.0


def prepare(settings: config.Settings) -> None:
    """Add the sites."""
    db = open_store(settings.data, write=True)
    for site in SITES:
        add_site(db, site)
    db.close()


def open_shop(settings: config.Settings, log: redis.Redis) -> Shop:
    """Make a collector over settings whose sites are there."""
    app = create_app(settings)
    return Shop(app, log, settings, Signer(workspace_key(settings.data, os.environ)))


@pytest.fixture
def shop_settings(settings: config.Settings, redis_url: str) -> config.Settings:
    """Give settings with the sites added and the session's server."""
    prepare(settings)
    return replace(settings, redis_url=redis_url)


@pytest.fixture
def shop(shop_settings: config.Settings, client: redis.Redis) -> Iterator[Shop]:
    """Give a collector with an empty log."""
    shop = open_shop(shop_settings, client)
    yield shop
    shop.app.extensions["touchline"].close()
