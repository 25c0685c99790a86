"""The log of changes: which row moved, from what to what, because of which fact.

Nouns are `lead`, `journey` and `person` for every move, `session` for those that are gone. A visitor of
whom only hits are known is a person that the log begins to tell of when more is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tracker.core.moves import PersonMove
from tracker.store.marks import Pass


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the log: what moved, from what to what, because of which fact.

    `before` is none for what is new, `after` for what is gone without an heir. `what`, where it is more
    than that: of persons, that they were `merged`, `split` or `erased`.
    """

    noun: str
    id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    because: str
    what: str | None = None

    @classmethod
    def of_person(cls, move: PersonMove, because: str) -> Self:
        """Write down what became of a person: its identifiers, and whom they came from and went to."""
        before = None if move.before is None else {"identifiers": list(move.before)}
        after: dict[str, Any] = {} if move.after is None else {"identifiers": list(move.after)}
        after |= {"from": list(move.came_from)} if move.came_from else {}
        after |= {"to": list(move.went_to)} if move.went_to else {}
        is_erased = move.what == "gone" and because.startswith("erase ")
        return cls(
            "person", move.person_id, before, after or None, because, "erased" if is_erased else move.what
        )


def log_change(db: sqlite3.Connection, change: Change, run: Pass, *, table: str = "change") -> None:
    """Write one line of the log; a second one of the same pass and row joins the first."""
    before, after = (
        None if value is None else json.dumps(value, sort_keys=True)
        for value in (change.before, change.after)
    )
    plain = "created" if change.before is None else "gone" if change.after is None else "moved"
    what = change.what or plain
    db.execute(
        f"""INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (change_no, noun, id)
        DO UPDATE SET after = excluded.after, what = iif(before IS NULL, what, excluded.what)""",
        [run.number, change.noun, change.id, what, before, after, change.because, run.now_ms],
    )
