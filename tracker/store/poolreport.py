"""What a pool's report counts: its leases, the visitors without a number, and the calls to its numbers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tracker.core.candidates import EARLY_MS, GRACE_MS
from tracker.core.numbers import Span
from tracker.core.times import DAY_MS
from tracker.model import Pool, SiteKey
from tracker.store.pools import load_pools
from tracker.store.sites import site_no


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls to a pool's numbers: all; those with a visitor; those that several visitors may have made.

    `after_grace`: the number had not been shown for too long; nobody was meant by it any more.
    """

    count: int
    matched: int
    ambiguous: int
    after_grace: int


class Use(NamedTuple):
    """What happened to a pool within a time, in ms."""

    from_ms: int
    to_ms: int
    spans: Sequence[Span]
    exhausted_ms: Sequence[int]
    calls: Calls


def pools_of(db: sqlite3.Connection, site: str) -> dict[str, Pool]:
    """Find a site's pools by name, those too that are gone but had leases.

    Raises:
        BadRequest: no such site.
    """
    rows = db.execute(
        "SELECT pool, json_group_array(DISTINCT number) FROM lease WHERE site_no = ? GROUP BY pool",
        [site_no(db, site)],
    )
    former = {name: Pool(name, tuple(sorted(json.loads(numbers))), "") for name, numbers in rows}
    return former | load_pools(db).get(SiteKey(site), {})


def load_use(db: sqlite3.Connection, site: str, pool: Pool, *, days: int) -> Use | None:
    """Load what happened to a pool in the days up to the last that is known of it; none: nothing ever did."""
    number = site_no(db, site)
    whose = {"site_no": number, "pool": pool.name, "numbers": json.dumps(_numbers(db, number, pool))}
    latest = db.execute(
        """SELECT max(last_ms) FROM (
          SELECT max(to_ms) AS last_ms FROM lease WHERE site_no = :site_no AND pool = :pool
          UNION ALL SELECT max(at_ms) FROM exhaustion WHERE site_no = :site_no AND pool = :pool
          UNION ALL SELECT max(at_ms) FROM lead JOIN json_each(:numbers) AS own ON called = own.value
          WHERE site_no = :site_no)""",
        whose,
    ).fetchone()[0]
    if latest is None:
        return None
    span = {"since_ms": latest - days * DAY_MS, "grace_ms": GRACE_MS, "early_ms": EARLY_MS}
    spans = db.execute(
        """SELECT from_ms, to_ms FROM lease WHERE site_no = :site_no AND pool = :pool AND to_ms > :since_ms
        ORDER BY 1, 2""",
        whose | span,
    )
    wants = db.execute(
        """SELECT at_ms FROM exhaustion WHERE site_no = :site_no AND pool = :pool AND at_ms > :since_ms
        ORDER BY 1""",
        whose | span,
    )
    return Use(
        span["since_ms"], latest, [Span(*row) for row in spans], [row[0] for row in wants],
        _calls(db, whose | span),
    )  # fmt: skip


def _numbers(db: sqlite3.Connection, number: int, pool: Pool) -> list[str]:
    """Find every number that is the pool's or was."""
    rows: Iterable[tuple[str]] = db.execute(
        "SELECT DISTINCT number FROM lease WHERE site_no = ? AND pool = ?", [number, pool.name]
    )
    return sorted({*pool.numbers, *(row[0] for row in rows)})


def _calls(db: sqlite3.Connection, asked: dict[str, object]) -> Calls:
    row = db.execute(
        """WITH call AS (
          SELECT lead.*, EXISTS (
            SELECT 1 FROM lease WHERE lease.number = called AND lease.site_no = lead.site_no
              AND from_ms <= at_ms + :early_ms AND to_ms >= at_ms - :grace_ms) AS is_covered, EXISTS (
            SELECT 1 FROM lease WHERE lease.number = called AND lease.site_no = lead.site_no
              AND to_ms < at_ms - :grace_ms) AS was_leased
          FROM json_each(:numbers) AS own JOIN lead ON called = own.value
          WHERE kind = 'call' AND lead.site_no = :site_no AND at_ms > :since_ms
        )
        SELECT count(*), count(visitor_no), coalesce(sum(match_rule = 'ambiguous'), 0),
          coalesce(sum(was_leased AND NOT is_covered), 0) FROM call""",
        asked,
    ).fetchone()
    return Calls(*row)
