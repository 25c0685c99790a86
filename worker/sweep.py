"""Sweep: after an erasure, no byte of it in the store's files and in the log's.

The store overwrites what it deletes; its journal is cut, and the file is looked through. Where a name is
still found in it, in what an older write left behind, the whole file is written anew. The log's server is
asked to forget who holds which number of a pool, and to write its file anew, without the messages that were
worked off.
"""

from __future__ import annotations

import mmap
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import redis

from tracker import hitlog, leases
from tracker.store.db import FILE, atomic
from tracker.store.tombstones import (
    UNSWEPT_FILE,
    UNSWEPT_LOG,
    note_log_swept,
    note_swept,
    unswept,
)

SHORTEST = 6
"""Names that are shorter stand in any file by chance."""


def sweep(db: sqlite3.Connection, data: Path, client: redis.Redis, names: set[str]) -> None:
    """Leave nothing of these names in the files; what cannot be done now is done by the next drain.

    Args:
        names: emptied when it is done. Empty where an earlier process erased and did not come to sweep:
            then all is written anew.
    """
    due = unswept(db)
    if UNSWEPT_FILE in due:
        leases.forget(client, {*names} or None)
        _sweep_file(db, data, names)
    if UNSWEPT_LOG in due and hitlog.rewrite(client):
        with atomic(db):
            note_log_swept(db)


def _sweep_file(db: sqlite3.Connection, data: Path, names: set[str]) -> None:
    gone = [name for name in names if len(name) >= SHORTEST and not _is_held(db, name)]
    is_cut = _cut_journal(db)
    if not names or _is_found(data, gone):
        db.execute("VACUUM")
        is_cut = _cut_journal(db)
    if is_cut:
        with atomic(db):
            note_swept(db, is_clean=not _is_found(data, gone))
        names.clear()


def _is_held(db: sqlite3.Connection, name: str) -> bool:
    """Say whether somebody else's facts, or later ones, still tell a name."""
    query = """SELECT EXISTS (SELECT 1 FROM identifier WHERE value = ?1)
      OR EXISTS (SELECT 1 FROM visitor WHERE visitor_id = ?1)"""
    return bool(db.execute(query, [name]).fetchone()[0])


def _cut_journal(db: sqlite3.Connection) -> bool:
    """Write the journal into the file and cut it to nothing; returns whether no reader was in the way."""
    is_busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy


def _is_found(data: Path, names: Iterable[str]) -> bool:
    """Look through the bytes of the store's files."""
    wanted = [name.encode() for name in names]
    for path in (data / FILE, data / f"{FILE}-wal"):
        if wanted and path.exists() and path.stat().st_size:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                if any(content.find(each) >= 0 for each in wanted):
                    return True
    return False
