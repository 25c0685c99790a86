"""Who brought each click id first, and which leads came with it.

A click id of another visitor is a shared link, no paid click; one that came with a lead may tell whose the
lead is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from tracker.core.sessions import ClickKey
from tracker.store.db import key_list

Use = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Owners:
    """Who brought each click id of some visitors first; `moved` are those for whom that changed.

    `changed` are the click ids that somebody brought, or did not, other than before.
    """

    by_click: Mapping[ClickKey, int | None]
    moved: Set[int]
    changed: Set[ClickKey]

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
    return Owners(after, {no for no in moved if no is not None}, {click for _, click in changed})


def _load_uses(db: sqlite3.Connection, visitor_nos: Iterable[int]) -> dict[int, dict[ClickKey, Use]]:
    rows = db.execute(
        """SELECT visitor_no, name, click_use.value, at_ms, event_id FROM json_each(?) AS wanted
        JOIN click_use ON visitor_no = wanted.value""",
        [key_list(visitor_nos)],
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


def put_lead_clicks(db: sqlite3.Connection, lead_id: str, clicks: Iterable[ClickKey]) -> None:
    """Make these the click ids that came with a lead."""
    db.execute("DELETE FROM lead_click WHERE lead_id = ?", [lead_id])
    rows = {(value, name, lead_id) for name, value in clicks}
    db.executemany("INSERT INTO lead_click VALUES (?, ?, ?)", sorted(rows))


def lead_click_names(db: sqlite3.Connection, lead_id: str) -> tuple[str, ...]:
    """Name the click ids that came with a lead."""
    rows = db.execute("SELECT DISTINCT name FROM lead_click WHERE lead_id = ? ORDER BY name", [lead_id])
    return tuple(row[0] for row in rows)


def visitors_with(db: sqlite3.Connection, lead_id: str, *, until_ms: int) -> list[tuple[int, str]]:
    """Find who arrived with a click id of a lead up to an instant: visitor number and id."""
    rows = db.execute(
        """SELECT DISTINCT visitor_no, visitor_id FROM lead_click JOIN click_use USING (value, name)
        JOIN visitor USING (visitor_no) WHERE lead_click.lead_id = ? AND click_use.at_ms <= ?
        ORDER BY visitor_id""",
        [lead_id, until_ms],
    )
    return rows.fetchall()


def leads_with(db: sqlite3.Connection, visitors: str, changed: Iterable[ClickKey] = ()) -> list[str]:
    """Name the leads that came with a click id that these visitors brought, or with one of these.

    Args:
        visitors: their numbers, as a JSON list.
    """
    rows = db.execute(
        """SELECT lead_id FROM json_each(?1) AS wanted
        JOIN click_use ON click_use.visitor_no = wanted.value
        JOIN lead_click ON (lead_click.value, lead_click.name) = (click_use.value, click_use.name)
        UNION SELECT lead_id FROM json_each(?2) AS wanted
        JOIN lead_click ON (lead_click.value, lead_click.name) = (wanted.value ->> 1, wanted.value ->> 0)""",
        [visitors, key_list(sorted(changed))],
    )
    return [row[0] for row in rows]


def leads_with_clicks_of(db: sqlite3.Connection, visitor_id: str) -> list[str]:
    """Name the leads that came with a click id that this visitor brought, if anybody knows the visitor."""
    known = db.execute("SELECT json_group_array(visitor_no) FROM visitor WHERE visitor_id = ?", [visitor_id])
    return leads_with(db, known.fetchone()[0])
