"""The sites, tokens and number pools that the collector knows: a copy in memory, refreshed in the background.

The request path never opens the store. One thread polls the configuration's version and loads anew
when it has moved. Before a request is refused because of what the copy says, the thread is asked to
look again at once, so that a site added a moment ago is known.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from tracker.core.rules import RuleSet
from tracker.errors import Retryable, TouchlineError
from tracker.model import Pool, Site, SiteKey
from tracker.store.db import open_store
from tracker.store.hooks import HookSource, load_hooks
from tracker.store.lists import load_overlay
from tracker.store.pools import load_pools
from tracker.store.rules import load_rule_sets
from tracker.store.sites import Token, config_version, load_sites, load_tokens, site_numbers, token_hash

POLL_S = 1.0
LOOK_LIMIT_S = 1.0

Found = TypeVar("Found")

_log = structlog.get_logger("touchline.web")


@dataclass(frozen=True, slots=True)
class Book:
    """One state of the configuration; `rules` of the sites that have a pool for some channels only."""

    version: int
    sites: Mapping[SiteKey, Site]
    tokens: Mapping[str, Token]
    hooks: Mapping[str, HookSource]
    pools: Mapping[SiteKey, Mapping[str, Pool]]
    rules: Mapping[SiteKey, RuleSet]


class Sitebook:
    """Answers which sites and tokens there are.

    Args:
        data: the data directory.
        on_round: called by the thread after each look, for other work that is due about once a second.
    """

    def __init__(self, data: Path, *, on_round: Callable[[], None] | None = None) -> None:
        self._data = data
        self._on_round = on_round
        self._book: Book | None = None
        self._looked_at = float("-inf")
        self._turned = threading.Condition()
        self._wanted = threading.Event()
        self._is_closed = False
        self._is_readable = True
        self._thread: threading.Thread | None = None
        self._pid = 0  # of the process in which the thread runs

    def site(self, key: str) -> Site | None:
        """Find a site by its key.

        Raises:
            Retryable: the configuration has not been loaded yet.
        """
        return self._find(lambda book: book.sites.get(SiteKey(key)))

    def token(self, text: str) -> Token | None:
        """Find what a token allows.

        Raises:
            Retryable: the configuration has not been loaded yet.
        """
        hashed = token_hash(text)
        return self._find(lambda book: book.tokens.get(hashed))

    def hook_source(self, token: str) -> HookSource | None:
        """Find the source whose address holds a token.

        Raises:
            Retryable: the configuration has not been loaded yet.
        """
        hashed = token_hash(token)
        return self._find(lambda book: book.hooks.get(hashed))

    def sites(self) -> Mapping[SiteKey, Site]:
        """Give all sites by key.

        Raises:
            Retryable: the configuration has not been loaded yet.
        """
        return self._loaded().sites

    def pools(self, key: SiteKey) -> Mapping[str, Pool]:
        """Give a site's number pools by name.

        Raises:
            Retryable: the configuration has not been loaded yet.
        """
        return self._loaded().pools.get(key, {})

    def rules(self, key: SiteKey) -> RuleSet:
        """Give the rules by which the channels of a site are decided that has pools for some only.

        Raises:
            Retryable: the configuration has not been loaded yet.
        """
        return self._loaded().rules[key]

    def look_again(self) -> bool:
        """Have the store looked at now; requests that ask at the same time share a look.

        Returns:
            Whether it was looked at.
        """
        asked_at = time.monotonic()
        self._keep_looking()
        with self._turned:
            self._wanted.set()
            return self._turned.wait_for(lambda: self._looked_at >= asked_at or self._is_closed, LOOK_LIMIT_S)

    def close(self) -> None:
        """Stop the thread."""
        self._is_closed = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(LOOK_LIMIT_S)

    def _find(self, find: Callable[[Book], Found | None]) -> Found | None:
        """Find something; where it is not there, look whether it is by now."""
        found = find(self._loaded())
        return find(self._loaded()) if found is None and self.look_again() else found

    def _loaded(self) -> Book:
        if self._book is None:
            self.look_again()
        if self._book is None:
            raise Retryable("the store cannot be read yet; try again later")
        if self._pid != os.getpid():
            self._keep_looking()
        return self._book

    def _keep_looking(self) -> None:
        """Start the thread where it does not run: at first, and in a process that was forked."""
        with self._turned:
            if self._is_closed or (self._thread is not None and self._thread.is_alive()):
                return
            self._pid = os.getpid()
            self._thread = threading.Thread(target=self._run, name="sitebook", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        db: sqlite3.Connection | None = None
        while not self._is_closed:
            self._wanted.clear()
            looks_at = time.monotonic()
            try:
                db = db or open_store(self._data)
                self._look(db)
                self._is_readable = True
            except (sqlite3.Error, OSError, TouchlineError) as error:
                if self._is_readable:
                    _log.warning("store_unreadable", error=str(error))
                self._is_readable = False
                _close(db)
                db = None
            with self._turned:
                self._looked_at = looks_at
                self._turned.notify_all()
            if self._on_round is not None:
                self._on_round()
            self._wanted.wait(POLL_S)
        _close(db)

    def _look(self, db: sqlite3.Connection) -> None:
        version = config_version(db)
        if self._book is None or version != self._book.version:
            db.execute("BEGIN")
            try:
                self._book = self._read(db)
            finally:
                db.execute("ROLLBACK")

    def _read(self, db: sqlite3.Connection) -> Book:
        pools, numbers = load_pools(db), site_numbers(db)
        choosy = [key for key, own in pools.items() if any(pool.channels for pool in own.values())]
        sets = load_rule_sets(db, load_overlay(self._data)) if choosy else {}
        rules = {key: sets[numbers[key]] for key in choosy}
        return Book(config_version(db), load_sites(db), load_tokens(db), load_hooks(db), pools, rules)


def _close(db: sqlite3.Connection | None) -> None:
    """Close a connection, whatever state it is in."""
    if db is not None:
        with contextlib.suppress(sqlite3.Error):
            db.close()
