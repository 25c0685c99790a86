"""A workspace that tests tell facts to, by the road that all facts take, and read the outcome from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import redis

from tracker import config, hitlog, keys, wire
from tracker.core.times import DAY_MS, MINUTE_MS, format_instant
from tracker.model import Site, SiteKey
from tracker.store import exports
from tracker.store.db import FILE, open_store
from tracker.store.sites import StaticNumber, add_site, put_static_number
from worker import drain, rebuild

Fact = Mapping[str, Any]
Row = dict[str, Any]

KEY = b"k" * 32
TEN_MS = 1_772_359_200_000  # 2026-03-01T10:00:00Z
GOOGLE = "https://www.google.com/"
FACEBOOK = "https://www.facebook.com/"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
SITES = ("shop", "blog")


def at(minute: float) -> str:
    """Write the instant so many minutes after ten o'clock on the first of March."""
    return format_instant(TEN_MS + round(minute * MINUTE_MS))


def on(day: int, clock: str) -> float:
    """Count the minutes to a time of day in March, such as `on(2, "09:10")` or `on(2, "09:10:30")`."""
    hours, minutes, seconds = (*map(int, clock.split(":")), 0)[:3]
    return ((day - 1) * 24 + hours - 10) * 60 + minutes + seconds / 60


def hit(event_id: str, minute: float = 0, **fields: Any) -> Fact:
    """Write a hit fact: a page view of `v1` on the site shop, but for what is given."""
    usual = {"site": "shop", "visitor_id": "v1", "url": "https://shop.test/", "user_agent": CHROME}
    return {"fact": "hit", "event_id": event_id, "at": at(minute), **usual, **fields}


def lead(provider_id: str, minute: float = 0, **fields: Any) -> Fact:
    """Write a lead fact: a form on the site shop, but for what is given."""
    usual = {"site": "shop", "kind": "form", "provider": "desk", "provider_id": provider_id}
    return {"fact": "lead", "at": at(minute), **usual, **fields}


def identify(minute: float = 0, **fields: Any) -> Fact:
    """Write an identify fact of `v1` on the site shop, but for what is given."""
    return {"fact": "identify", "site": "shop", "visitor_id": "v1", "at": at(minute), **fields}


def call(provider_id: str, minute: float = 0, **fields: Any) -> Fact:
    """Write a call as a lead fact: `phone` called `tracking_number`."""
    return lead(provider_id, minute, **{"kind": "call", "provider": "calls", **fields})


def lease(number: str, minute: float, to: float | None = None, **fields: Any) -> Fact:
    """Write a lease fact: the pool's number was shown to `v1` from the one minute to the other."""
    usual = {"site": "shop", "pool": "main", "number": number, "visitor_id": "v1"}
    shown = {"from": at(minute), "to": at(minute if to is None else to)}
    return {"fact": "lease", **usual, **shown, **fields}


def contact(provider_id: str, minute: float = 0, **fields: Any) -> Fact:
    """Write a contact fact of the CRM `hub`, but for what is given."""
    usual = {"site": "shop", "provider": "hub", "provider_id": provider_id}
    return {"fact": "contact", "at": at(minute), **usual, **fields}


def status(provider_id: str, minute: float, word: str, **fields: Any) -> Fact:
    """Write a word on the status of the lead `provider_id` of the form `lead` writes."""
    usual = {"site": "shop", "provider": "desk", "provider_id": provider_id, "status": word}
    return {"fact": "status", "at": at(minute), **usual, **fields}


def activity(provider_id: str, minute: float, kind: str = "call_made", **fields: Any) -> Fact:
    """Write an activity fact of the CRM `hub`: sales called somebody, but for what is given."""
    usual = {"site": "shop", "provider": "hub", "provider_id": provider_id, "kind": kind}
    return {"fact": "activity", "at": at(minute), **usual, **fields}


def link(nonce: str, minute: float, source: str = "v1", **fields: Any) -> dict[str, Any]:
    """Write a hit's `link`: made at this minute on the browser `b1` of the visitor `source`."""
    return {"from": source, "nonce": nonce, "made_at": at(minute), "browser": "b1", **fields}


def consent(state: str, minute: float, visitor_id: str = "v1") -> Fact:
    """Write a consent fact: a visitor says `granted` or `denied`."""
    return {"fact": "consent", "site": "shop", "at": at(minute), "visitor_id": visitor_id, "state": state}


def split(a: str, b: str, minute: float, **fields: Any) -> Fact:
    """Write an operator's word that two identifiers are not one person's; `undo=True` takes it back."""
    return {"fact": "split", "site": "shop", "at": at(minute), "a": a, "b": b, **fields}


def same(a: str, b: str, minute: float, **fields: Any) -> Fact:
    """Write an operator's word that two identifiers are one person's; `undo=True` takes it back."""
    return {"fact": "same", "site": "shop", "at": at(minute), "a": a, "b": b, **fields}


def erase(minute: float, **who: str) -> Fact:
    """Write that somebody's data must go, all that is of this minute or before."""
    return {"fact": "erase", "at": at(minute), **who}


@cache
def blank_store() -> bytes:
    """Make a store of the two sites; once, since tests begin with thousands of them."""
    with TemporaryDirectory(prefix="tl-", dir="/tmp") as folder:
        with closing(open_store(Path(folder), write=True)) as db:
            for key in SITES:
                add_site(db, Site(SiteKey(key), ("shop.test",), region="GB"))
        return (Path(folder) / FILE).read_bytes()


class Workspace:
    """Two sites in a data directory with a known key: facts go in batch by batch, exports come out."""

    def __init__(self, settings: config.Settings, client: redis.Redis) -> None:
        self.settings = settings
        self.client = client
        if not (settings.data / FILE).exists():
            settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            for file, content in ((FILE, blank_store()), (keys.FILE, KEY.hex().encode())):
                (settings.data / file).write_bytes(content)
                (settings.data / file).chmod(0o600)

    def fork(self, data: Path) -> Self:
        """Copy the workspace as it is now to another directory."""
        shutil.copytree(self.settings.data, data)
        twin = object.__new__(type(self))
        twin.settings, twin.client = replace(self.settings, data=data), self.client
        return twin

    def tell(self, *facts: Fact, origin: str = "test") -> drain.DrainTotals:
        """Append a batch and drain it."""
        entry = wire.FactsEntry(TEN_MS + 365 * DAY_MS, origin, [dict(each) for each in facts])
        return self.append(wire.encode(entry))

    def append(self, *entries: bytes) -> drain.DrainTotals:
        """Append entries as they are and drain them."""
        hitlog.append(self.client, entries)
        return drain.run(self.settings, self.client, key=KEY)

    def static_number(self, number: StaticNumber) -> None:
        """Say what a number stands for on the site shop, and stitch."""
        with closing(open_store(self.settings.data, write=True)) as db:
            put_static_number(db, number, site=SiteKey("shop"))
        drain.run(self.settings, self.client, key=KEY)

    def export(self, what: str, **options: Any) -> list[Row]:
        """Read an export with contacts in full."""
        with closing(open_store(self.settings.data)) as db:
            return list(exports.rows(db, what, **{"pii": True, **options}))

    def query(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """Ask the store itself."""
        with closing(open_store(self.settings.data)) as db:
            cursor = db.execute(query, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def everything(self) -> dict[str, list[Row]]:
        """Read every export but the log of changes, which tells how things came to be."""
        with closing(open_store(self.settings.data)) as db:
            told = [what for what, each in exports.EXPORTS.items() if not each.is_log]
            return {what: list(exports.rows(db, what, pii=True)) for what in told}

    def verify(self) -> list[str]:
        """Compare the views with views made anew, and tell the differences."""
        told: list[str] = []
        count = rebuild.verify(self.settings, key=KEY, tell=lambda each: told.append(str(each)))
        assert count == len(told)
        return told
