"""Destinations: where results leave to, each of one site, and what each is told.

An address may be a secret in itself, so it is kept sealed; `shown` is what may be read aloud.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tracker.errors import BadRequest
from tracker.sealed import Seal
from tracker.store.db import atomic

Kind = Literal["webhook", "slack", "mail"]
Mode = Literal["on", "dry", "off"]

_COLUMNS = """destination_no, destination_id, site_no, kind, shown, wants, within_s, is_pii, mode, made_ms,
  held_ms, why"""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a destination lies, and the secret by which its receiver knows us."""

    address: str
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where results leave to.

    `wants`: what it is told. `within_s`: how soon sales is to answer a lead. `is_pii`: contact details in
    full. `mode`: `dry` keeps what would leave, `off` takes nothing, and `why` tells the reason. `held_ms`:
    nothing is sent before.
    """

    number: int
    id: str
    site_no: int
    kind: Kind
    shown: str
    wants: Sequence[str]
    within_s: int
    is_pii: bool
    mode: Mode
    made_ms: int
    held_ms: int = 0
    why: str | None = None


class Targets:
    """Seals where destinations lie, and opens it again."""

    def __init__(self, key: bytes) -> None:
        """Take the workspace's key."""
        self._key = key

    def close(self, destination_id: str, target: Target) -> str:
        """Seal a target for the one destination that it belongs to."""
        return self._seal(destination_id).close(json.dumps([target.address, target.secret]))

    def open(self, db: sqlite3.Connection, destination: Destination) -> Target | None:
        """Read where a destination lies; none where another workspace sealed it."""
        query = "SELECT sealed FROM destination WHERE destination_no = ?"
        row = db.execute(query, [destination.number]).fetchone()
        text = self._seal(destination.id).open(row[0]) if row else None
        return None if text is None else Target(*json.loads(text))

    def _seal(self, destination_id: str) -> Seal:
        return Seal(self._key, f"destination {destination_id}")


def new_id() -> str:
    """Make the id of a destination: short, never given twice."""
    return secrets.token_hex(4)


def add_destination(db: sqlite3.Connection, new: Destination, sealed: str) -> None:
    """Add a destination; its number is the store's to give."""
    with atomic(db):
        db.execute(
            """INSERT INTO destination
              (destination_id, site_no, kind, shown, sealed, wants, within_s, is_pii, mode, made_ms)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [
                new.id, new.site_no, new.kind, new.shown, sealed, json.dumps(list(new.wants)),
                new.within_s, new.is_pii, new.mode, new.made_ms,
            ],
        )  # fmt: skip


def has_receivers(db: sqlite3.Connection) -> bool:
    """Tell whether anybody is to be told of leads."""
    return db.execute("SELECT 1 FROM destination LIMIT 1").fetchone() is not None


def remove_destination(db: sqlite3.Connection, destination: Destination) -> int:
    """Take a destination away with all that was to leave to it; returns how many deliveries went."""
    with atomic(db):
        query = "SELECT count(*) FROM delivery WHERE destination_no = ?"
        count = int(db.execute(query, [destination.number]).fetchone()[0])
        db.execute("DELETE FROM destination WHERE destination_no = ?", [destination.number])
    return count


def load_destinations(db: sqlite3.Connection) -> list[Destination]:
    """Load all destinations, the oldest first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM destination ORDER BY destination_no")
    return [_from_row(row) for row in rows]


def find_destination(db: sqlite3.Connection, text: str) -> Destination:
    """Find a destination by its id.

    Raises:
        BadRequest: there is none; the text lists those there are.
    """
    found = load_destinations(db)
    for each in found:
        if each.id == text:
            return each
    known = ", ".join(each.id for each in found) or "none yet; add one with `touchline alert add`"
    raise BadRequest("no_destination", f"there is no destination {text!r}; known: {known}")


def hold(db: sqlite3.Connection, number: int, until_ms: int) -> None:
    """Leave a destination alone for a while, inside the caller's transaction."""
    db.execute(
        "UPDATE destination SET held_ms = max(held_ms, ?) WHERE destination_no = ?", [until_ms, number]
    )


def switch_off(db: sqlite3.Connection, number: int, why: str) -> None:
    """Send nothing to a destination any more, inside the caller's transaction."""
    db.execute("UPDATE destination SET mode = 'off', why = ? WHERE destination_no = ?", [why, number])


def switch_on(db: sqlite3.Connection, number: int) -> None:
    """Send to a destination again, and at once, inside the caller's transaction."""
    query = "UPDATE destination SET mode = 'on', why = NULL, held_ms = 0 WHERE destination_no = ?"
    db.execute(query, [number])


def _from_row(row: tuple[Any, ...]) -> Destination:
    values = [*row]
    values[5], values[7] = json.loads(row[5]), bool(row[7])
    return Destination(*values)
