"""The outbox as people look at it: lists, one delivery with its receipts, and counts."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from tracker.core.times import format_instant

Row = dict[str, Any]

_LISTED = """SELECT delivery_id, destination_id, shown, site.key AS site, delivery.object, delivery.state,
  tries, delivery.made_ms, due_ms, payload, (
    SELECT answer FROM receipt WHERE receipt.delivery_no = delivery.delivery_no
    ORDER BY receipt_no DESC LIMIT 1
  ) AS answer
FROM delivery JOIN destination USING (destination_no) JOIN site USING (site_no)"""


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How the outbox stands: addresses and those switched off, deliveries by how they are.

    `failing`: waiting, and not taken so far. `dead`: given up.
    """

    destinations: int = 0
    off: int = 0
    waiting: int = 0
    failing: int = 0
    dead: int = 0


def load_state(db: sqlite3.Connection) -> OutboxState:
    """Count what stands in the outbox."""
    destinations = db.execute("SELECT count(*), coalesce(sum(mode = 'off'), 0) FROM destination").fetchone()
    deliveries = db.execute(
        """SELECT coalesce(sum(state = 'waiting'), 0), coalesce(sum(state = 'waiting' AND tries > 0), 0),
          coalesce(sum(state = 'dead'), 0) FROM delivery WHERE state IN ('waiting', 'dead')"""
    ).fetchone()
    return OutboxState(*destinations, *deliveries)


def outcomes(db: sqlite3.Connection) -> dict[int, dict[str, int]]:
    """Count each destination's tries by result, since it was added."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for number, result, count in db.execute("SELECT destination_no, result, count FROM outcome"):
        found[number][result] = count
    return dict(found)


def states(db: sqlite3.Connection) -> dict[int, dict[str, int]]:
    """Count each destination's deliveries by state, as they are kept."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    query = "SELECT destination_no, state, count(*) FROM delivery GROUP BY 1, 2"
    for number, state, count in db.execute(query):
        found[number][state] = count
    return dict(found)


def listed(
    db: sqlite3.Connection,
    *,
    state: str | None = None,
    destination: str | None = None,
    most: int | None = 100,
) -> list[Row]:
    """List deliveries, the latest first.

    Args:
        most: so many at most; none: all.
    """
    rows = _all(
        db,
        f"""{_LISTED} WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR destination_id = ?2)
        ORDER BY delivery_no DESC LIMIT ?3""",
        state, destination, -1 if most is None else most,
    )  # fmt: skip
    return [_told(row) for row in rows]


def shown(db: sqlite3.Connection, delivery_id: str) -> Row | None:
    """Load one delivery with what it carries and what came of each try; none when there is none."""
    rows = _all(db, f"{_LISTED} WHERE delivery_id = ?", delivery_id)
    if not rows:
        return None
    tries = _all(
        db,
        """SELECT at_ms, result, code, answer FROM receipt JOIN delivery USING (delivery_no)
        WHERE delivery_id = ? ORDER BY receipt_no""",
        delivery_id,
    )
    receipts = [{"at": format_instant(each.pop("at_ms")), **each} for each in tries]
    return {**_told(rows[0]), "payload": json.loads(rows[0]["payload"]), "receipts": receipts}


def numbers_of(db: sqlite3.Connection, *, ids: list[str], destination: str | None, is_all: bool) -> list[int]:
    """Find deliveries that may be tried anew: these, or all that were given up or kept back.

    Args:
        destination: only those to it.
        is_all: not only those that are named.
    """
    rows = db.execute(
        """SELECT delivery_no FROM delivery JOIN destination USING (destination_no)
        WHERE state <> 'delivered' AND (?2 IS NULL OR destination_id = ?2)
          AND (?3 AND state = 'dead' OR delivery_id IN (SELECT value FROM json_each(?1)))""",
        [json.dumps(ids), destination, is_all],
    )
    return [row[0] for row in rows]


def _told(row: Row) -> Row:
    told = {name: row[name] for name in ("delivery_id", "site", "object", "state", "tries", "answer")}
    payload = json.loads(row["payload"])
    return {
        **told, "destination": row["destination_id"], "to": row["shown"], "type": payload.get("type"),
        "title": payload.get("data", {}).get("title"), "at": format_instant(row["made_ms"]),
        "due_at": format_instant(row["due_ms"]) if row["state"] == "waiting" else None,
    }  # fmt: skip


def _all(db: sqlite3.Connection, query: str, *values: Any) -> list[Row]:
    cursor = db.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
