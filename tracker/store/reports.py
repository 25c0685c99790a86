"""Reports: plain SELECTs in `queries/report_<name>.sql`, asked for a site and a span of days.

A report reads the store as it is; what its rows mean is said at the head of its file. Days and hours are
those of each site's own zone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from tracker.core.times import DAY_MS, EARLIEST_MS, LATEST_MS
from tracker.store.sites import site_no
from tracker.store.sql import statements

Row = dict[str, Any]

REPORTS: Mapping[str, tuple[str, ...]] = {
    "leads": ("channel", "source", "campaign", "kind", "provider", "site"),
    "response": ("channel", "owner", "hour", "site"),
}
"""The reports there are, and by what each may be cut; the first is the default."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a report: both days count, none means from the beginning or to the end."""

    by: str
    site: str | None = None
    from_on: date | None = None
    to_on: date | None = None


def rows(db: sqlite3.Connection, name: str, question: Question) -> tuple[list[str], Iterator[Row]]:
    """Read a report row by row.

    Returns:
        The columns, of which the first is named for what the report is cut by, and the rows.

    Raises:
        BadRequest: no such site.
    """
    if question.site is not None:
        site_no(db, question.site)
    db.create_function("site_day", 2, _day, deterministic=True)
    db.create_function("site_hour", 2, _hour, deterministic=True)
    (query,) = statements(f"report_{name}")
    cursor = db.execute(query, _asked(question))
    names = [question.by, *(column[0] for column in cursor.description[1:])]
    return names, (dict(zip(names, row, strict=True)) for row in cursor)


def _asked(question: Question) -> dict[str, Any]:
    """Write a question as a statement's parameters: days, and instants that lie a day around them."""
    first, last = question.from_on, question.to_on
    return {
        "by": question.by, "site": question.site,
        "from_on": "" if first is None else first.isoformat(),
        "to_on": "9999" if last is None else last.isoformat(),
        "from_ms": EARLIEST_MS if first is None else _midnight_ms(first) - DAY_MS,
        "to_ms": LATEST_MS if last is None else _midnight_ms(last) + 2 * DAY_MS,
    }  # fmt: skip


def _midnight_ms(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1_000


def _local(at_ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at_ms // 1_000, ZoneInfo(zone))


def _day(at_ms: int, zone: str) -> str:
    return _local(at_ms, zone).date().isoformat()


def _hour(at_ms: int, zone: str) -> int:
    """Give the hour of the week, 0 on Monday at midnight."""
    moment = _local(at_ms, zone)
    return moment.weekday() * 24 + moment.hour
