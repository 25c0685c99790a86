"""The key that a store was first written with: no other knows its ids, secrets and tombstones again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tracker.errors import Permanent
from tracker.keys import derive
from tracker.store.db import open_store

CHECK_BYTES = 6


def check_key(data: Path, key: bytes) -> None:
    """Hold the store of a data directory to the workspace's key.

    Raises:
        Permanent: it was written with another, or cannot be opened.
    """
    with closing(open_store(data, write=True)) as db:
        hold_to_key(db, key)


def hold_to_key(db: sqlite3.Connection, key: bytes) -> None:
    """Note the workspace's key in a store that has none yet, by a hash; hold any other store to its own.

    Raises:
        Permanent: the store was written with another key.
    """
    check = int.from_bytes(derive(key, "store")[:CHECK_BYTES], "big")
    query = "SELECT value FROM counter WHERE name = 'key_check'"
    known = db.execute(query).fetchone()
    if known is None:
        db.execute("INSERT OR IGNORE INTO counter VALUES ('key_check', ?)", [check])
        known = db.execute(query).fetchone()
    if known[0] != check:
        raise Permanent(
            "This store was written with another key. Restore workspace.key, or the variable TOUCHLINE_KEY,"
            " as it was: without it nobody's cookie, id or erasure is known again."
        )
