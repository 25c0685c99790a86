"""A second set of views beside the live ones, made from the same facts.

The tables of the views are laid down again as temporary tables of the same names. SQLite finds those
first, so the very code that keeps the live views fills them, on this connection alone.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tracker.store.facts import SAYING
from tracker.store.sql import statements

VIEW_TABLES = (
    "dirty", "source", "client", "lone", "session", "click_use", "presence", "identifier", "mention",
    "evidence", "ownership", "account_part", "account_word", "account_people", "membership", "lease",
    "lead", "lead_click", "lead_status", "activity", "activity_name", "journey",
)  # fmt: skip
_BESIDE = (*VIEW_TABLES, "change", "counter")
COMPARED = {
    "sessions": "session_id",
    "leads": "lead_id",
    "statuses": "status_id",
    "activities": "activity_id",
    "persons": "person_id",
    "accounts": "account_id",
    "memberships": "membership_id",
    "journeys": "journey_id",
    "account_journeys": "journey_id",
    "touchpoints": "touch_id",
    "decisions": "evidence_id",
    "ownerships": "ownership_id",
}
Row = tuple[Any, ...]
_LISTS = frozenset({"aliases", "visitors", "emails", "phones", "crm_ids", "domains"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not the same in both sets; `live` or `rebuilt` is none where it is missing."""

    noun: str
    id: str
    live: dict[str, Any] | None
    rebuilt: dict[str, Any] | None

    def __str__(self) -> str:
        if self.live is None or self.rebuilt is None:
            return f"{self.noun} {self.id}: only in the {'rebuilt' if self.live is None else 'live'} views"
        moved = (
            f"{name} is {value!r} live and {self.rebuilt[name]!r} rebuilt"
            for name, value in self.live.items()
            if value != self.rebuilt[name]
        )
        return f"{self.noun} {self.id}: {'; '.join(moved)}"


def lay_beside(db: sqlite3.Connection) -> None:
    """Lay empty view tables over the live ones, on this connection alone."""
    marks = ", ".join("?" * len(_BESIDE))
    schema = db.execute(
        f"""SELECT type, sql FROM main.sqlite_schema
        WHERE tbl_name IN ({marks}) AND sql IS NOT NULL ORDER BY rowid""",
        _BESIDE,
    ).fetchall()
    for kind, sql in schema:
        if kind == "table":
            db.execute(re.sub(r"^CREATE TABLE", "CREATE TEMP TABLE", sql, count=1))
        else:
            db.execute(re.sub(r"^(CREATE (?:UNIQUE )?INDEX) ", r"\1 temp.", sql, count=1))
    for sql in statements("readable"):
        db.execute(re.sub(r"^CREATE VIEW", "CREATE TEMP VIEW", sql, count=1))
    db.execute("INSERT INTO temp.counter SELECT * FROM main.counter")


def mark_everything(db: sqlite3.Connection) -> None:
    """Mark every view as stale."""
    db.execute("INSERT INTO dirty SELECT DISTINCT 'visitor', visitor_no, 'rebuild' FROM hit")
    db.execute(
        f"""INSERT INTO dirty SELECT DISTINCT 'fact', json_array(kind, site_no, key), 'rebuild' FROM fact
        WHERE kind IN {SAYING}"""
    )


def differences(db: sqlite3.Connection) -> Iterator[Difference]:
    """Compare the live views with those laid beside them, row for row."""
    for noun, key in COMPARED.items():
        names = [column[0] for column in db.execute(f"SELECT * FROM {noun} LIMIT 0").description]
        live, rebuilt = (
            db.execute(f"SELECT {key}, {', '.join(names)} FROM {schema}.{noun} ORDER BY {key}")
            for schema in ("main", "temp")
        )
        for ours, theirs in _pairs(live, rebuilt):
            if ours != theirs and (before := _spelled(names, ours)) != (after := _spelled(names, theirs)):
                yield Difference(noun, (ours or theirs or ("",))[0], before, after)


def take_over(db: sqlite3.Connection) -> None:
    """Put the views laid beside in the place of the live ones, inside the caller's transaction."""
    for table in VIEW_TABLES:
        db.execute(f"DELETE FROM main.{table}")
        db.execute(f"INSERT INTO main.{table} SELECT * FROM temp.{table}")
    db.execute(
        """UPDATE main.counter SET value = (SELECT value FROM temp.counter WHERE name = 'change_no')
        WHERE name = 'change_no'"""
    )


def _pairs(live: Iterator[Row], rebuilt: Iterator[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Lay rows of equal keys side by side; both come in the order of their first column, the key."""
    ours, theirs = next(live, None), next(rebuilt, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours[0] < theirs[0]):
            yield ours, None
            ours = next(live, None)
        elif ours is None or theirs[0] < ours[0]:
            yield None, theirs
            theirs = next(rebuilt, None)
        else:
            yield ours, theirs
            ours, theirs = next(live, None), next(rebuilt, None)


def _spelled(names: list[str], row: Row | None) -> dict[str, Any] | None:
    """Name a row's values; the order of a list's members means nothing."""
    if row is None:
        return None
    values = dict(zip(names, row[1:], strict=True))
    for name in _LISTS & values.keys():
        values[name] = json.dumps(sorted(json.loads(values[name])))
    return values
