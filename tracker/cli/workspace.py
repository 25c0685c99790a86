"""What verbs open: the store, the log, and the workspace's key."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import redis

from tracker import config, embedded, keys
from tracker.cli import Context


def key_of(settings: config.Settings) -> bytes:
    """Read the workspace's key."""
    return keys.workspace_key(settings.data, os.environ)


@contextmanager
def opened(context: Context, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """Open the store for one verb."""
    from tracker.store.db import open_store

    with closing(open_store(context.settings.data, write=write)) as db:
        yield db


@contextmanager
def open_log(settings: config.Settings) -> Iterator[redis.Redis]:
    """Connect to the log, starting the embedded server for as long as it is needed."""
    with embedded.hold(settings) as url:
        client = embedded.connect(url, blocking=True)
        try:
            yield client
        finally:
            client.close()
