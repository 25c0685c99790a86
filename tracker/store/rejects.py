"""Refused messages as they are kept: read, taken again, forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from tracker.store.db import atomic


class Reject(NamedTuple):
    """A refused message: `body` is what came, or its first 4 KB; `is_let_in`: its sender may say it."""

    reject_no: int
    received_ms: int
    code: str
    origin: str
    site: str | None
    body: str
    is_let_in: int


def load_rejects(db: sqlite3.Connection) -> list[Reject]:
    """Load all refused messages in the order in which they came."""
    columns = ", ".join(Reject._fields)
    rows = db.execute(f"SELECT {columns} FROM reject ORDER BY reject_no")
    return [Reject(*row) for row in rows.fetchall()]


def drop_rejects(db: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Forget refused messages."""
    with atomic(db):
        db.executemany("DELETE FROM reject WHERE reject_no = ?", [(number,) for number in numbers])


def drop_old_rejects(db: sqlite3.Connection, before_ms: int) -> int:
    """Forget what was refused before a time; returns how many messages."""
    return db.execute("DELETE FROM reject WHERE received_ms < ?", [before_ms]).rowcount
