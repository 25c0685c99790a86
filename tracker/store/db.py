"""The workspace's SQLite file: where it is, how it is opened, how a write is wrapped.

One writer at a time: facts and views are written under `writer_lock`, a lock of the operating system
that a killed process gives back. Configuration is written in short transactions of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import sqlite_utils

from tracker.errors import Permanent, Retryable

FILE = "touchline.db"
LOCK = "writer.lock"
STATEMENTS = 256
"""So many stay prepared on a connection; facts of every kind in one drain take half as many."""

_PRAGMAS = (
    "busy_timeout = 5000", "foreign_keys = ON", "synchronous = NORMAL", "cache_size = -8000",
    "wal_autocheckpoint = 4000", "secure_delete = ON",
)  # fmt: skip


def open_store(data: Path, *, write: bool = False) -> sqlite3.Connection:
    """Open the store of a data directory, with the newest schema.

    Args:
        data: the data directory; created when missing.
        write: whether this connection may write; one that may not refuses to.

    Raises:
        Permanent: the file is no store of ours, or was written by a newer version.
    """
    from tracker.store.migrations import migrate

    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = data / FILE
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        db = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS
        )
    except sqlite3.Error as error:
        raise Permanent(f"{path} cannot be opened: {error}") from error
    try:
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        migrate(db, path)
    except BaseException as error:
        db.close()
        if isinstance(error, sqlite3.Error):
            raise Permanent(f"{path} cannot be opened as Touchline's store: {error}") from error
        raise
    if not write:
        db.execute("PRAGMA query_only = ON")
    return db


def key_list(keys: Iterable[object]) -> str:
    """Spell keys as the list that `json_each` reads; a tenth of the time of `json.dumps`."""
    return msgspec.json.encode(list(keys)).decode()


def wrapped(db: sqlite3.Connection) -> sqlite_utils.Database:
    """Give the same connection its sqlite-utils face, for schema and small tables."""
    return sqlite_utils.Database(db)


@contextmanager
def atomic(db: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing; takes the write lock at once, so that two writers queue up."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.execute("COMMIT")


def give_back(db: sqlite3.Connection) -> None:
    """Give the memory of the connection's cache back, once long messages have gone through it."""
    db.execute("PRAGMA shrink_memory")


class Others:
    """Tells whether another connection has committed since it was last asked.

    What was read before then, such as the number of a text, may no longer be so.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._version: int | None = None

    def have_written(self) -> bool:
        """Ask; the first answer is yes."""
        before, self._version = self._version, self._db.execute("PRAGMA data_version").fetchone()[0]
        return before != self._version


@contextmanager
def writer_lock(data: Path, *, wait_s: float = 600.0) -> Iterator[None]:
    """Hold the one writer's place; a process that dies gives it back.

    Raises:
        Retryable: another process wrote for longer than `wait_s`.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(data / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        _take(handle, deadline=time.monotonic() + wait_s)
        yield
    finally:
        os.close(handle)


def _take(handle: int, *, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Retryable("another process has been writing for too long; try again later") from None
            time.sleep(0.005)
