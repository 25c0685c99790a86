"""Who brought each click id first: a click id of another visitor is a shared link, no paid click."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping

from tracker.core.sessions import ClickKey

Use = tuple[int, str]


def replace_uses(db: sqlite3.Connection, uses: Mapping[int, Mapping[ClickKey, Use]]) -> set[int]:
    """Make these the first uses of click ids by these visitors.

    Returns:
        The visitors for whom a click id became their own or ceased to be.
    """
    wanted = json.dumps(list(uses))
    old: dict[int, dict[ClickKey, Use]] = {}
    for number, name, value, at_ms, event_id in db.execute(
        """SELECT visitor_no, name, click_use.value, at_ms, event_id FROM json_each(?) AS wanted
        JOIN click_use ON visitor_no = wanted.value""",
        [wanted],
    ):
        old.setdefault(number, {})[name, value] = (at_ms, event_id)
    moved = [
        (number, click)
        for number, now in uses.items()
        for click in {*old.get(number, {}), *now}
        if old.get(number, {}).get(click) != now.get(click)
    ]
    before = {click: _owner(db, click) for _, click in moved}
    where = "WHERE value = ? AND name = ? AND visitor_no = ?"
    gone = [(value, name, number) for number, (name, value) in moved if (name, value) in old.get(number, {})]
    db.executemany(f"DELETE FROM click_use {where}", gone)
    new = [(*click, number, *uses[number][click]) for number, click in moved if click in uses[number]]
    db.executemany("INSERT INTO click_use VALUES (?, ?, ?, ?, ?)", new)
    after = {click: _owner(db, click) for click in before}
    changed = [click for click in before if before[click] != after[click]]
    return {owner for click in changed for owner in (before[click], after[click]) if owner is not None}


def foreign(db: sqlite3.Connection, visitor_no: int, used: Collection[ClickKey]) -> frozenset[ClickKey]:
    """Pick the click ids that another visitor brought first."""
    return frozenset(click for click in used if _owner(db, click) != visitor_no)


def _owner(db: sqlite3.Connection, click: ClickKey) -> int | None:
    row = db.execute(
        """SELECT visitor_no FROM click_use JOIN visitor USING (visitor_no) WHERE value = ? AND name = ?
        ORDER BY at_ms, event_id, visitor_id LIMIT 1""",
        [click[1], click[0]],
    ).fetchone()
    return None if row is None else int(row[0])
