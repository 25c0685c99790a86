"""The outbox in the store: deliveries, a receipt of every try, and counts that only grow.

A delivery is named by its destination and a key of what it tells, so telling twice makes one row; its id
is a hash of both, so a receiver knows a repeat even when the row was made anew.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tracker.core.outbox import Answer, Verdict
from tracker.store.db import key_list
from tracker.store.destinations import Destination

KEPT_CHARS = 2_000
"""Characters of an answer that are kept."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to be told to one destination.

    `id`: by which a receiver knows a repeat. `tries`: so far. `since_ms`: when it was first to leave.
    """

    number: int
    id: str
    object: str
    payload: Mapping[str, Any]
    tries: int
    since_ms: int


@dataclass(frozen=True, slots=True)
class Post:
    """What is to be told: once per `key` and destination, after all that was told before of `object`."""

    key: str
    object: str
    payload: Mapping[str, Any]


def put_delivery(db: sqlite3.Connection, destination: Destination, post: Post, now_ms: int) -> bool:
    """Put something into the outbox, inside the caller's transaction; returns whether it is new."""
    state = "dry" if destination.mode == "dry" else "waiting"
    cursor = db.execute(
        """INSERT INTO delivery
          (delivery_id, destination_no, key, object, payload, state, made_ms, since_ms, due_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (destination_no, key) DO NOTHING""",
        [
            delivery_id(destination.id, post.key), destination.number, post.key, post.object,
            json.dumps(post.payload, ensure_ascii=False), state, now_ms, now_ms, now_ms,
        ],
    )  # fmt: skip
    return cursor.rowcount > 0


def delivery_id(destination_id: str, key: str) -> str:
    """Name a delivery: the same for the same thing told to the same destination."""
    return "msg_" + hashlib.blake2b(f"{destination_id}\t{key}".encode(), digest_size=16).hexdigest()


def due(db: sqlite3.Connection, destination: Destination, now_ms: int, most: int) -> list[Delivery]:
    """Load what is due at a destination: of each object the oldest that waits."""
    rows = db.execute(
        """SELECT delivery_no, delivery_id, object, payload, tries, since_ms FROM delivery AS own
        WHERE destination_no = ?1 AND state = 'waiting' AND due_ms <= ?2 AND NOT EXISTS (
          SELECT 1 FROM delivery AS earlier WHERE earlier.destination_no = ?1
            AND earlier.object = own.object AND earlier.state = 'waiting'
            AND earlier.delivery_no < own.delivery_no
        ) ORDER BY due_ms, delivery_no LIMIT ?3""",
        [destination.number, now_ms, most],
    )
    return [_from_row(row) for row in rows]


def load_delivery(db: sqlite3.Connection, destination: Destination, key: str) -> Delivery | None:
    """Load one delivery by what it tells."""
    row = db.execute(
        """SELECT delivery_no, delivery_id, object, payload, tries, since_ms FROM delivery
        WHERE destination_no = ? AND key = ?""",
        [destination.number, key],
    ).fetchone()
    return None if row is None else _from_row(row)


def next_due_ms(db: sqlite3.Connection) -> int | None:
    """Tell when the next delivery falls due; none when nothing waits."""
    row = db.execute(
        """SELECT min(max(due_ms, held_ms)) FROM delivery JOIN destination USING (destination_no)
        WHERE state = 'waiting' AND mode = 'on'"""
    ).fetchone()
    return None if row[0] is None else int(row[0])


def put_receipt(
    db: sqlite3.Connection, delivery: Delivery, answer: Answer, verdict: Verdict, now_ms: int
) -> None:
    """Keep what came of a try, inside the caller's transaction; nothing where the delivery was erased."""
    row = db.execute(
        """UPDATE delivery SET state = ?, tries = tries + 1, due_ms = coalesce(?, due_ms)
        WHERE delivery_no = ? AND delivery_id = ? RETURNING destination_no""",
        [verdict.state, verdict.due_ms, delivery.number, delivery.id],
    ).fetchone()
    if row is None:
        return
    db.execute(
        """INSERT INTO receipt SELECT ?1, coalesce(max(receipt_no), 0) + 1, ?2, ?3, ?4, ?5
        FROM receipt WHERE delivery_no = ?1""",
        [delivery.number, now_ms, answer.result, answer.code, answer.told[:KEPT_CHARS]],
    )
    db.execute(
        """INSERT INTO outcome VALUES (?, ?, 1)
        ON CONFLICT (destination_no, result) DO UPDATE SET count = count + 1""",
        [row[0], answer.result],
    )


def retry(db: sqlite3.Connection, numbers: Iterable[int], now_ms: int) -> int:
    """Have deliveries tried anew and at once, inside the caller's transaction; returns how many."""
    return db.execute(
        """UPDATE delivery SET state = 'waiting', tries = 0, since_ms = ?, due_ms = ?
        WHERE state <> 'delivered' AND delivery_no IN (SELECT value FROM json_each(?))""",
        [now_ms, now_ms, key_list(numbers)],
    ).rowcount


def naming_objects(db: sqlite3.Connection, objects: Iterable[str]) -> set[int]:
    """Number the deliveries that are about these objects."""
    query = "SELECT delivery_no FROM delivery WHERE object IN (SELECT value FROM json_each(?))"
    return {row[0] for row in db.execute(query, [key_list(objects)])}


def payloads(db: sqlite3.Connection, until_ms: int) -> Iterator[tuple[int, str, str]]:
    """List what deliveries up to a time carry: number, site's key, JSON."""
    rows = db.execute(
        """SELECT delivery_no, site.key, payload FROM delivery JOIN destination USING (destination_no)
        JOIN site USING (site_no) WHERE delivery.made_ms <= ?""",
        [until_ms],
    )
    return ((row[0], row[1], row[2]) for row in rows)


def answers(db: sqlite3.Connection, until_ms: int) -> Iterator[tuple[tuple[int, int], str, str]]:
    """List what was answered up to a time: the receipt's key, site's key, words."""
    rows = db.execute(
        """SELECT delivery_no, receipt_no, site.key, answer FROM receipt JOIN delivery USING (delivery_no)
        JOIN destination USING (destination_no) JOIN site USING (site_no)
        WHERE at_ms <= ? AND answer <> ''""",
        [until_ms],
    )
    return (((row[0], row[1]), row[2], row[3]) for row in rows)


def blank_answers(db: sqlite3.Connection, receipts: Iterable[tuple[int, int]]) -> None:
    """Forget the words of answers, inside the caller's transaction."""
    db.executemany("UPDATE receipt SET answer = '' WHERE delivery_no = ? AND receipt_no = ?", receipts)


def drop_deliveries(db: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Forget deliveries with their receipts, inside the caller's transaction."""
    db.executemany("DELETE FROM delivery WHERE delivery_no = ?", [(number,) for number in numbers])


def drop_old(db: sqlite3.Connection, before_ms: int) -> int:
    """Drop what is long settled, inside the caller's transaction; returns how many deliveries."""
    query = "DELETE FROM delivery WHERE state <> 'waiting' AND made_ms < ?"
    return db.execute(query, [before_ms]).rowcount


def _from_row(row: tuple[int, str, str, str, int, int]) -> Delivery:
    number, own, object_, payload, tries, since_ms = row
    return Delivery(number, own, object_, json.loads(payload), tries, since_ms)
