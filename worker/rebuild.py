"""Rebuild and verify: every view again from the facts, beside the live ones; by other rules, too.

Both run the code of stitch over everything. Verify compares and changes nothing; rebuild puts the new
views in the place of the live ones where they differ, in one transaction.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tracker.config import Settings
from tracker.core.moves import person_moves
from tracker.store.changes import Change, log_change
from tracker.store.db import atomic, open_store, writer_lock
from tracker.store.leads import LEAD_LOGGED
from tracker.store.marks import Pass, within
from tracker.store.overlay import Difference, differences, lay_beside, mark_everything, take_over
from tracker.store.rules import RuleChange, lay_rules_beside, put_rules
from tracker.store.strings import Numbers
from worker.clients import describe_all
from worker.patience import patient_collector
from worker.stitch import Stitcher

_LOGGED = {
    "leads": ("lead", LEAD_LOGGED),
    "journeys": ("journey", ("path", "touch_ids", "account_id")),
    "sessions": ("session", ("visitor_id",)),
    "accounts": ("account", ("domains", "crm_ids")),
    "memberships": ("membership", ("reason",)),
}
_LOGGED_WHEN_GONE = ("sessions", "accounts", "memberships")

Tell = Callable[[Difference], None]


def verify(settings: Settings, *, key: bytes, tell: Tell) -> int:
    """Compare the live views with views made anew; returns how many rows differ."""
    with _beside(settings, key) as db:
        return sum(1 for _ in _told(db, tell))


def rebuild(settings: Settings, *, key: bytes, tell: Tell) -> int:
    """Make every view anew and put it in place; returns how many rows differed.

    A store whose views are right is left as it is.
    """
    with _beside(settings, key) as db:
        count = sum(1 for _ in _told(db, tell))
        if count:
            with atomic(db):
                _put_in_place(db)
        return count


def change_rules(settings: Settings, change: RuleChange, *, key: bytes, tell: Tell) -> int:
    """Give a site other rules and make the views anew by them, all or nothing.

    Returns:
        How many rows differ.

    Raises:
        BadRequest: no such site.
    """
    with _beside(settings, key, change) as db:
        count = sum(1 for _ in _told(db, tell))
        if not change.is_dry_run:
            with atomic(db):
                put_rules(db, change)
                _put_in_place(db)
        return count


@contextmanager
def _beside(settings: Settings, key: bytes, change: RuleChange | None = None) -> Iterator[sqlite3.Connection]:
    """Bring the live views up to date, then make a second set beside them."""
    with writer_lock(settings.data):
        db = open_store(settings.data, write=True)
        try:
            Stitcher(db, settings, key=key).run()
            lay_beside(db)
            if change is not None:
                lay_rules_beside(db, change)
            with atomic(db):
                describe_all(db, Numbers(db))
                mark_everything(db)
            with patient_collector():
                Stitcher(db, settings, key=key).run()
            yield db
        finally:
            db.close()


def _put_in_place(db: sqlite3.Connection) -> None:
    with within(db) as marks:
        _log_all(db, Pass(marks, int(time.time() * 1_000)))
    take_over(db)


def _log_all(db: sqlite3.Connection, run: Pass) -> None:
    """Log which rows move when the new views take the place of the live ones."""
    was: dict[str, list[str]] = {}
    now: dict[str, list[str]] = {}
    for each in differences(db):
        if each.noun == "persons":
            for part, row in ((was, each.live), (now, each.rebuilt)):
                if row is not None:
                    part[each.id] = [each.id, *json.loads(row["aliases"])]
        elif each.noun in _LOGGED:
            _log(db, each, run)
    for move in person_moves(was, now):
        log_change(db, Change.of_person(move, "rebuild"), run, table="main.change")


def _told(db: sqlite3.Connection, tell: Tell) -> Iterator[Difference]:
    for each in differences(db):
        tell(each)
        yield each


def _log(db: sqlite3.Connection, moved: Difference, run: Pass) -> None:
    if moved.noun in _LOGGED_WHEN_GONE and moved.rebuilt is not None:
        return
    noun, names = _LOGGED[moved.noun]
    before, after = (
        None if row is None else {name: row[name] for name in names} for row in (moved.live, moved.rebuilt)
    )
    log_change(db, Change(noun, moved.id, before, after, "rebuild"), run, table="main.change")
