"""Number pools in the store: what they are (configuration), and how often one ran out (facts).

Who holds which number now is `tracker.leases`; what was shown to whom and when is in `tracker.store.leases`.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tracker.errors import BadRequest
from tracker.model import Pool, SiteKey
from tracker.store.db import atomic
from tracker.store.sites import raise_version, site_no

MOST_NUMBERS = 2_000
"""Of one pool; each request that asks for a number names them all."""


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """How often a pool had no number for a visitor, and when last."""

    site: SiteKey
    pool: str
    count: int
    last_ms: int


def load_pools(db: sqlite3.Connection) -> dict[SiteKey, dict[str, Pool]]:
    """Load all pools by site and name; sites without one are not among them."""
    numbers: dict[tuple[int, str], list[str]] = defaultdict(list)
    for site, pool, number in db.execute("SELECT site_no, pool, number FROM pool_number ORDER BY number"):
        numbers[site, pool].append(number)
    pools: dict[SiteKey, dict[str, Pool]] = defaultdict(dict)
    rows = db.execute(
        """SELECT key, site_no, name, fallback, hold_s, pool.channels FROM pool JOIN site USING (site_no)
        ORDER BY key, name"""
    )
    for key, number, name, fallback, hold_s, channels in rows:
        held = tuple(numbers[number, name])
        pools[SiteKey(key)][name] = Pool(name, held, fallback, hold_s, tuple(json.loads(channels)))
    return dict(pools)


def find_pool(db: sqlite3.Connection, site: str, name: str) -> Pool | None:
    """Find a pool.

    Raises:
        BadRequest: no such site.
    """
    site_no(db, site)
    return load_pools(db).get(SiteKey(site), {}).get(name)


def put_pool(db: sqlite3.Connection, pool: Pool, *, site: SiteKey) -> Pool:
    """Make or extend a pool: its numbers are added to those it has, all else is as given.

    Returns:
        The pool as it is now.

    Raises:
        BadRequest: no such site, a number that has another use, or too many of them.
    """
    with atomic(db):
        own_no = site_no(db, site)
        known = find_pool(db, site, pool.name)
        numbers = {*pool.numbers, *(known.numbers if known else ())}
        whole = replace(pool, numbers=tuple(sorted(numbers)))
        _check_uses(db, whole, own_no)
        db.execute(
            """INSERT INTO pool VALUES (?, ?, ?, ?, ?) ON CONFLICT (site_no, name) DO UPDATE SET
            fallback = excluded.fallback, hold_s = excluded.hold_s, channels = excluded.channels""",
            [own_no, whole.name, whole.fallback, whole.hold_s, json.dumps(whole.channels)],
        )
        rows = [(number, own_no, whole.name) for number in whole.numbers]
        db.executemany("INSERT OR IGNORE INTO pool_number VALUES (?, ?, ?)", rows)
        raise_version(db)
    return whole


def drop_numbers(db: sqlite3.Connection, pool: str, numbers: Iterable[str] = (), *, site: SiteKey) -> None:
    """Take numbers out of a pool, or the whole pool away where none is named.

    Raises:
        BadRequest: no such site or pool, a number that is not the pool's, or the last one of it.
    """
    with atomic(db):
        own_no, known = site_no(db, site), find_pool(db, site, pool)
        if known is None:
            raise BadRequest("bad_fact", f"the site {site!r} has no pool {pool!r}")
        gone = set(numbers)
        if strangers := gone.difference(known.numbers):
            raise BadRequest("bad_fact", f"{min(strangers)} is not among the numbers of {pool!r}")
        if gone and len(gone) == len(known.numbers):
            raise BadRequest("bad_fact", "these are all of its numbers; name none to take the pool away")
        db.executemany("DELETE FROM pool_number WHERE number = ?", [[number] for number in gone])
        if not gone:
            db.execute("DELETE FROM pool WHERE site_no = ? AND name = ?", [own_no, pool])
        raise_version(db)


def check_is_free(db: sqlite3.Connection, number: str) -> None:
    """Refuse a number that belongs to a pool: it cannot stand for a source as well.

    Raises:
        BadRequest: it does.
    """
    row = db.execute("SELECT pool FROM pool_number WHERE number = ?", [number]).fetchone()
    if row is not None:
        raise BadRequest("bad_fact", f"{number} belongs to the pool {row[0]!r}; choose another number")


def put_exhaustion(db: sqlite3.Connection, row: tuple[int, str, int, int]) -> bool:
    """Keep that a pool had no number for a visitor; returns whether that is news.

    Args:
        row: as in the table `exhaustion`.
    """
    return bool(db.execute("INSERT OR IGNORE INTO exhaustion VALUES (?, ?, ?, ?)", row).rowcount)


def exhaustions_since(db: sqlite3.Connection, since_ms: int) -> list[Exhaustion]:
    """Count how often each pool had no number for a visitor, from an instant on."""
    rows = db.execute(
        """SELECT site.key, pool.name, count(*), max(at_ms) FROM pool JOIN site USING (site_no)
        CROSS JOIN exhaustion ON exhaustion.site_no = pool.site_no AND exhaustion.pool = pool.name
          AND at_ms >= ?
        GROUP BY site.key, pool.name ORDER BY 1, 2""",
        [since_ms],
    )
    return [Exhaustion(SiteKey(row[0]), *row[1:]) for row in rows]


def _check_uses(db: sqlite3.Connection, pool: Pool, own_no: int) -> None:
    """See that each number is this pool's alone: else a call to it says nothing of who called."""
    if not pool.numbers:
        raise BadRequest("bad_fact", "a pool needs numbers", "number")
    if len(pool.numbers) > MOST_NUMBERS:
        raise BadRequest("bad_fact", f"{len(pool.numbers)} numbers; a pool has {MOST_NUMBERS} at most")
    if pool.fallback in pool.numbers:
        raise BadRequest("bad_fact", f"{pool.fallback} cannot be a number and the fallback", "number")
    clash = _other_use(db, pool, own_no)
    if clash is not None:
        raise BadRequest("bad_fact", f"{clash[0]} {clash[1]}", "number")


def _other_use(db: sqlite3.Connection, pool: Pool, own_no: int) -> tuple[str, str] | None:
    """Find a number of a pool that is used for something else, and say for what."""
    rows: Iterator[tuple[str, str]]
    rows = db.execute(
        """SELECT number, 'belongs to the pool ' || pool || ' already' FROM pool_number
        JOIN json_each(?1) ON value = number WHERE (site_no, pool) <> (?2, ?3)
        UNION ALL SELECT number, 'stands for the source ' || source FROM static_number
        JOIN json_each(?1) ON value = number
        UNION ALL SELECT fallback, 'is the fallback of the pool ' || name FROM pool
        JOIN json_each(?1) ON value = fallback WHERE (site_no, name) <> (?2, ?3)
        UNION ALL SELECT number, 'is a number of the pool ' || pool || ', and cannot be the fallback'
        FROM pool_number WHERE number = ?4""",
        [json.dumps(pool.numbers), own_no, pool.name, pool.fallback],
    )
    return next(rows, None)
