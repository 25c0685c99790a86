"""The log of changes: which row moved, from what to what, because of which fact.

Nouns are `lead`, `journey` and `person` for every move, `session` for those that are gone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracker.store.marks import Pass


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the log: what moved, from what to what, because of which fact.

    `before` is none for what is new, `after` for what is gone.
    """

    noun: str
    id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    because: str


def log_change(db: sqlite3.Connection, change: Change, run: Pass, *, table: str = "change") -> None:
    """Write one line of the log; a second one of the same pass and row joins the first."""
    before, after = (
        None if value is None else json.dumps(value, sort_keys=True)
        for value in (change.before, change.after)
    )
    db.execute(
        f"""INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (change_no, noun, id)
        DO UPDATE SET after = excluded.after""",
        [run.number, change.noun, change.id, before, after, change.because, run.now_ms],
    )
