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

from tracker.store.sql import statements

VIEW_TABLES = (
    "dirty", "source", "client", "session", "click_use", "identifier", "mention", "evidence", "lead",
    "journey",
)  # fmt: skip
_BESIDE = (*VIEW_TABLES, "change", "counter")
COMPARED = {
    "sessions": "session_id",
    "leads": "lead_id",
    "persons": "person_id",
    "journeys": "journey_id",
    "touchpoints": "touch_id",
}
_LISTS = frozenset({"aliases", "visitors", "emails", "phones", "crm_ids"})


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
        """INSERT INTO dirty SELECT DISTINCT 'fact', json_array(kind, site_no, key), 'rebuild' FROM fact
        WHERE kind IN ('lead', 'identify')"""
    )


def differences(db: sqlite3.Connection) -> Iterator[Difference]:
    """Compare the live views with those laid beside them, row for row."""
    for noun, key in COMPARED.items():
        live, rebuilt = (_rows(db, schema, noun, key) for schema in ("main", "temp"))
        yield from _merge(noun, live, rebuilt)


def take_over(db: sqlite3.Connection) -> None:
    """Put the views laid beside in the place of the live ones, inside the caller's transaction."""
    for table in VIEW_TABLES:
        db.execute(f"DELETE FROM main.{table}")
        db.execute(f"INSERT INTO main.{table} SELECT * FROM temp.{table}")
    db.execute(
        """UPDATE main.counter SET value = (SELECT value FROM temp.counter WHERE name = 'change_no')
        WHERE name = 'change_no'"""
    )


def _rows(db: sqlite3.Connection, schema: str, noun: str, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    cursor = db.execute(f"SELECT * FROM {schema}.{noun} ORDER BY {key}")
    names = [column[0] for column in cursor.description]
    for row in cursor:
        values = dict(zip(names, row, strict=True))
        for name in _LISTS & values.keys():
            values[name] = json.dumps(sorted(json.loads(values[name])))
        yield values[key], values


def _merge(
    noun: str, live: Iterator[tuple[str, dict[str, Any]]], rebuilt: Iterator[tuple[str, dict[str, Any]]]
) -> Iterator[Difference]:
    ours, theirs = next(live, None), next(rebuilt, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours[0] < theirs[0]):
            assert ours is not None
            yield Difference(noun, ours[0], ours[1], None)
            ours = next(live, None)
        elif ours is None or theirs[0] < ours[0]:
            yield Difference(noun, theirs[0], None, theirs[1])
            theirs = next(rebuilt, None)
        else:
            if ours[1] != theirs[1]:
                yield Difference(noun, ours[0], ours[1], theirs[1])
            ours, theirs = next(live, None), next(rebuilt, None)
