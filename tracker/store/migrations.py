"""The schema, as a list of steps that only grows.

Each step runs once, at start, in a transaction; the file is copied aside before the first step on a
store that already holds data. A migration that has been released is never edited.
"""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from sqlite_utils import Database, Migrations

from tracker.errors import Permanent
from tracker.store.sql import run

migrations = Migrations("touchline")


@migrations()
def m001_main_job(db: Database) -> None:
    """Sites, hits and facts; sessions, persons, leads and journeys; their readable views."""
    run(db.conn, "m001_main_job")
    run(db.conn, "readable")


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring a store to the newest schema; two processes that start together take turns.

    Raises:
        Permanent: a newer version has been at it.
    """
    applied = {each.name for each in migrations.applied(Database(db))}
    if unknown := applied - _ours():
        steps = ", ".join(sorted(unknown))
        raise Permanent(
            f"{path} was written by a newer version of Touchline (it has {steps}); install that one"
        )
    if applied == _ours():
        return
    with open(path.with_name("migrate.lock"), "w", encoding="ascii") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not migrations.pending(Database(db)):
            return
        if Database(db)["hit"].exists():
            with closing(sqlite3.connect(path.with_suffix(".before-upgrade.db"))) as copy:
                db.backup(copy)
        db.execute("PRAGMA journal_mode = WAL")
        migrations.apply(Database(db))


@cache
def _ours() -> frozenset[str]:
    """Name the steps that this version knows."""
    with closing(sqlite3.connect(":memory:")) as empty:
        return frozenset(each.name for each in migrations.pending(Database(empty)))
