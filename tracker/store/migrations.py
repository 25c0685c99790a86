"""The schema, as a list of steps that only grows.

Each step runs once, at start, in a transaction; the file is copied aside before the first step on a
store that already holds data. A migration that has been released is never edited.
"""

from __future__ import annotations

import fcntl
import sqlite3
from pathlib import Path

from sqlite_utils import Database, Migrations

from tracker.store.sql import run

migrations = Migrations("touchline")


@migrations()
def m001_main_job(db: Database) -> None:
    """Sites, hits and facts; sessions, persons, leads and journeys; their readable views."""
    run(db.conn, "m001_main_job")
    run(db.conn, "readable")


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring a store to the newest schema; two processes that start together take turns."""
    if not migrations.pending(Database(db)):
        return
    with open(path.with_name("migrate.lock"), "w", encoding="ascii") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not migrations.pending(Database(db)):
            return
        if Database(db)["hit"].exists():
            with sqlite3.connect(path.with_suffix(".before-upgrade.db")) as copy:
                db.backup(copy)
        db.execute("PRAGMA journal_mode = WAL")
        migrations.apply(Database(db))
