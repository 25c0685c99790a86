"""Stitch: for what is stale, the views again from the facts.

Work goes from ground to roof: sessions, then what other facts say, then who saw a called number, then
persons, then accounts, then matches, then journeys, then what leads are worth. Each pass takes some marks
of the lowest floor that has any, recomputes, and leaves marks for the floors above, in the same
transaction; a crash leaves the rest marked.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from tracker.config import Settings
from tracker.keys import derive
from tracker.store.db import Others, atomic
from tracker.store.marks import Mark, Marks, Pass, within
from tracker.store.ownkey import hold_to_key
from worker.accounts import AccountStitcher
from worker.erase import NOUN as ERASE
from worker.erase import Eraser, Heard
from worker.facts import FactReader
from worker.leads import LeadStitcher
from worker.persons import PersonStitcher
from worker.quality import QualityStitcher
from worker.sessions import SessionStitcher
from worker.subjects import Asked
from worker.traces import TraceStitcher

CHUNK = 1_000
FEW = 100
NEWS = frozenset({"journey", "quality", "enquiry"})
"""Floors whose work may give something to tell."""

Floor = Callable[[Sequence[Mark], Pass], None]


class Stitcher:
    """Works off all marks, over one connection that holds the writer's lock.

    `heard`: names that the marks and proofs of erasures do not tell. `has_news`: a lead
    was judged, so there may be something to tell.
    """

    def __init__(self, db: sqlite3.Connection, settings: Settings, *, key: bytes) -> None:
        hold_to_key(db, key)
        self._db = db
        self._settings = settings
        self._key = key
        self._others = Others(db)
        self._floors: dict[str, Floor] = {}
        self.heard = Heard()
        self.has_news = False

    def run(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Recompute all that is stale; `stop` is asked between passes.

        Returns:
            How many marks were worked off.
        """
        if self._others.have_written():
            self._floors = {}
        try:
            return self._work_off(stop, FEW)
        except sqlite3.OperationalError:
            raise
        except Exception:
            return self._work_off(stop, 1)  # so that what stands below the one that fails is kept

    def _work_off(self, stop: Callable[[], bool], together: int) -> int:
        if not self._floors:
            self._lay_floors()
        done, is_more = 0, True
        try:
            while is_more and not stop():
                count, is_more = self._transact(together)
                done += count
        except BaseException:
            self._floors = {}  # what they learnt inside a transaction that was rolled back is void
            raise
        return done

    def _transact(self, together: int) -> tuple[int, bool]:
        """Work off marks in one transaction; those who asked to be erased come last, one by one.

        Args:
            together: so many marks are enough for a transaction; all views of a single lead cost one.

        Returns:
            How many marks were worked off, and whether there may be more.
        """
        done = 0
        with atomic(self._db), within(self._db) as self._marks:
            while count := self._pass(self._floors, CHUNK):
                done += count
                if done >= together:
                    return done, True
            erased = self._pass({ERASE: self._eraser.erase}, 1)
        if erased:
            self._lay_floors()  # texts and sources that they know may be gone
        return done + erased, bool(erased)

    def _pass(self, floors: Mapping[str, Floor], most: int) -> int:
        """Work off some marks of the lowest floor that has any."""
        noun, taken = self._marks.take(floors, most)
        if taken:
            self.has_news |= noun in NEWS
            floors[noun](taken, Pass(self._marks, int(time.time() * 1_000)))
        return len(taken)

    def _settle(self) -> None:
        """Work off all marks but erasures."""
        while self._pass(self._floors, CHUNK):
            pass

    def preview(self, asked: Asked) -> Counter[str]:
        """Erase somebody and take it back: how many rows of what would go."""
        self.run()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._marks = Marks(self._db)
            return self._eraser.forget(asked, "", Pass(self._marks, asked.until_ms))
        finally:
            self._db.rollback()
            self._floors = {}

    def _lay_floors(self) -> None:
        sessions = SessionStitcher(self._db, self._settings)
        secret = derive(self._key, "identifiers")
        traces = TraceStitcher(self._db, key=secret)
        leads = LeadStitcher(self._db, self._settings, traces)
        quality = QualityStitcher(self._db, self._settings)
        self._eraser = Eraser(self._db, self._settings, self.heard, key=secret, settle=self._settle)
        self._floors = {
            "visitor": sessions.stitch,
            "fact": FactReader(self._db, key=secret).read,
            "trace": traces.stitch,
            "identifier": PersonStitcher(self._db, self._settings).resolve,
            "account": AccountStitcher(self._db, key=secret).resolve,
            "match": leads.match,
            "journey": leads.journeys,
            "quality": quality.judge,
            "enquiry": quality.enquire,
        }
