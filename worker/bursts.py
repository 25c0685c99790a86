"""Bursts: many visitors of one network and browser who each leave one page view and are not heard of again.

Who is alone with one hit, and how many such make a burst, is decided here; who is in which crowd is kept
by `tracker.store.bursts`. Hits are counted over all sites: who comes to a second one has come back.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path

from tracker.config import Settings, read_networks
from tracker.core.addresses import Networks, masked_ip
from tracker.core.times import HOUR_MS
from tracker.store.bursts import Bursts, Crowd, named_visitors, replace_lone
from tracker.store.hits import VisitorHit
from tracker.store.strings import Numbers

PAGE = 0
CACHE_SIZE = 5_000
SUSPECT_SHARE = 5  # of the limit is enough in a data centre's network
FEWEST = 2


class BurstWatch:
    """Tells which visitors are in a burst, over one connection that holds the writer's lock."""

    def __init__(self, db: sqlite3.Connection, settings: Settings, texts: Numbers) -> None:
        self._db = db
        self._texts = texts
        self._limit = settings.burst_visitors
        self._suspects = _read(settings.datacenter_file)

    def note(self, visitor_nos: Iterable[int], rows: Sequence[VisitorHit]) -> Bursts:
        """Put these visitors into their crowds, and tell which crowds are bursts.

        Args:
            rows: all human hits of these visitors.
        """
        only: dict[int, VisitorHit | None] = {}
        for row in rows:
            only[row.visitor_no] = None if row.visitor_no in only else row
        alone = [row for row in only.values() if row is not None and row.kind == PAGE]
        self._texts.read({number for row in alone for number in (row.ip_no, row.client_no)})
        crowds = dict.fromkeys(visitor_nos) | {row.visitor_no: self._crowd(row) for row in alone}
        if alone:
            crowds |= dict.fromkeys(named_visitors(self._db, [row.visitor_no for row in alone]))
        return replace_lone(self._db, crowds, self._limit_of)

    def _crowd(self, row: VisitorHit) -> Crowd | None:
        """Name the crowd of a one-hit visitor; none where network or browser are not known."""
        ip, client = self._texts.text(row.ip_no), self._texts.text(row.client_no)
        prefix = masked_ip(ip, "masked")
        if row.client_no is None or prefix is None or client is None or not _names_agent(client):
            return None
        prefix_no = row.ip_no if prefix == ip else self._texts.number(prefix)
        assert prefix_no is not None
        return Crowd(row.client_no, prefix_no, row.at_ms // HOUR_MS, row.site_no)

    def _limit_of(self, crowd: Crowd) -> int:
        prefix = self._texts.text(crowd.prefix_no)
        if prefix is None or not self._suspects.hold(prefix):
            return self._limit
        return min(self._limit, max(FEWEST, self._limit // SUSPECT_SHARE))


@lru_cache(maxsize=CACHE_SIZE)
def _names_agent(client: str) -> bool:
    return bool(json.loads(client).get("ua"))


@cache
def _read(file: Path | None) -> Networks:
    """Read the operator's networks, once a process as every setting."""
    return Networks(read_networks(file) if file else ())
