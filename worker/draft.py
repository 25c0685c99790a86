"""A hit between the log and the store, and the browser that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tracker.model import Page
from tracker.wire import HitOnLog, HitsEntry

_NO_PAGE = Page("", "")


class Client(msgspec.Struct, omit_defaults=True):
    """The text by which a browser is known, as it is spelled: what was not said is left out."""

    ua: str | None = None
    hints: dict[str, Any] | None = None
    language: Any = None
    screen: Any = None
    zone: Any = None
    viewport: Any = None
    browser: str | None = None


class Draft:
    """A hit on its way into the store: what came, and what the steps have put to it.

    `facts` are those that it gives beside itself. `link`, `mail` and `browser` are what a trusted sender
    said, or what the page's address proves.
    """

    __slots__ = (
        "browser", "client", "engaged_ms", "entry", "extra", "facts", "hit", "link", "mail", "page", "prev",
        "referrer", "scroll_pct", "site_no", "title",
    )  # fmt: skip

    def __init__(self, hit: HitOnLog, entry: HitsEntry, site_no: int) -> None:
        self.hit = hit
        self.entry = entry
        self.site_no = site_no
        self.link: Mapping[str, Any] | None = hit.link
        self.mail: Mapping[str, Any] | None = hit.mail
        self.browser: str | None = entry.browser
        self.page: Page = _NO_PAGE
        self.referrer: str | None = None
        self.prev: str | None = None
        self.title: str | None = None
        self.client: str | None = None
        self.engaged_ms: int | None = None
        self.scroll_pct: int | None = None
        self.extra: dict[str, Any] = {}
        self.facts: list[dict[str, Any]] = []
