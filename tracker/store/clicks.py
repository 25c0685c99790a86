"""Who brought each click id first: a click id of another visitor is a shared link, no paid click."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from tracker.core.sessions import ClickKey

Use = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Owners:
    """Who brought each click id of some visitors first; `moved` are those for whom that changed."""

    by_click: Mapping[ClickKey, int | None]
    moved: Set[int]

    def foreign(self, visitor_no: int, used: Iterable[ClickKey]) -> frozenset[ClickKey]:
        """Pick the click ids that another visitor brought first."""
        return frozenset(click for click in used if self.by_click[click] != visitor_no)


def replace_uses(db: sqlite3.Connection, uses: Mapping[int, Mapping[ClickKey, Use]]) -> Owners:
    """Make these the first uses of click ids by these visitors."""
    old = _load_uses(db, uses)
    changed = [
        (number, click)
        for number, now in uses.items()
        for click in {*old.get(number, {}), *now}
        if old.get(number, {}).get(click) != now.get(click)
    ]
    before = {click: _owner(db, click) for _, click in changed}
    gone = [(value, name, no) for no, (name, value) in changed if (name, value) in old.get(no, {})]
    db.executemany("DELETE FROM click_use WHERE value = ? AND name = ? AND visitor_no = ?", gone)
    new = [(*click, no, *uses[no][click]) for no, click in changed if click in uses[no]]
    db.executemany("INSERT INTO click_use VALUES (?, ?, ?, ?, ?)", new)
    after = {
        click: _owner(db, click) for click in before.keys() | {each for now in uses.values() for each in now}
    }
    moved = {no for click in before if before[click] != after[click] for no in (before[click], after[click])}
    return Owners(after, {no for no in moved if no is not None})


def _load_uses(db: sqlite3.Connection, visitor_nos: Iterable[int]) -> dict[int, dict[ClickKey, Use]]:
    rows = db.execute(
        """SELECT visitor_no, name, click_use.value, at_ms, event_id FROM json_each(?) AS wanted
        JOIN click_use ON visitor_no = wanted.value""",
        [json.dumps(list(visitor_nos))],
    )
    uses: dict[int, dict[ClickKey, Use]] = {}
    for number, name, value, at_ms, event_id in rows:
        uses.setdefault(number, {})[name, value] = (at_ms, event_id)
    return uses


def _owner(db: sqlite3.Connection, click: ClickKey) -> int | None:
    row = db.execute(
        """SELECT visitor_no FROM click_use JOIN visitor USING (visitor_no) WHERE value = ? AND name = ?
        ORDER BY at_ms, event_id, visitor_id LIMIT 1""",
        [click[1], click[0]],
    ).fetchone()
    return None if row is None else int(row[0])
