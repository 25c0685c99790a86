"""The collector's counts: cheap to raise on the hot path, summed over processes when they are read.

Each process counts in memory. With several processes each one also leaves its counts in a file of the
data directory about once a second, and whoever is asked for metrics adds the others' files to its own.
"""

from __future__ import annotations

import contextlib
import os
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
ENTRIES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

Key = tuple[str, ...]


class Tally(msgspec.Struct):
    """Counts by name and labels, and the two histograms: buckets as counted, not accumulated."""

    counts: dict[str, int] = msgspec.field(default_factory=dict)
    commit_s: list[int] = msgspec.field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    commit_s_sum: float = 0.0
    commit_entries: list[int] = msgspec.field(default_factory=lambda: [0] * (len(ENTRIES) + 1))
    commit_entries_sum: int = 0

    def add(self, other: Tally) -> None:
        """Add another's counts to these."""
        self.counts = dict(Counter(self.counts) + Counter(other.counts))
        self.commit_s = [a + b for a, b in zip(self.commit_s, other.commit_s, strict=True)]
        self.commit_s_sum += other.commit_s_sum
        self.commit_entries = [a + b for a, b in zip(self.commit_entries, other.commit_entries, strict=True)]
        self.commit_entries_sum += other.commit_entries_sum


class Counters:
    """The counts of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Key, int] = {}
        self._tally = Tally()

    def count(self, *raised: tuple[Key, int]) -> None:
        """Raise counts; a key is a metric's name and the values of its labels."""
        counts = self._counts
        with self._lock:
            for key, by in raised:
                counts[key] = counts.get(key, 0) + by

    def committed(self, entries: int, seconds: float) -> None:
        """Count one group that was written to the log; called by one thread at a time."""
        tally = self._tally
        tally.commit_entries[bisect_left(ENTRIES, entries)] += 1
        tally.commit_entries_sum += entries
        tally.commit_s[bisect_left(SECONDS, seconds)] += 1
        tally.commit_s_sum += seconds

    def tally(self) -> Tally:
        """Copy the counts."""
        with self._lock:
            counts = {"\t".join(key): number for key, number in self._counts.items()}
        return msgspec.structs.replace(self._tally, counts=counts)


class Shelf:
    """A folder in which processes leave their counts for each other; `None`: there is one process."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def leave(self, counters: Counters) -> None:
        """Leave this process's counts, whole or not at all."""
        if self._folder is None:
            return
        part = self._folder / f".{os.getpid()}.part"
        with contextlib.suppress(OSError):  # a full disk: the next second may be better
            part.write_bytes(msgspec.json.encode(counters.tally()))
            part.replace(self._folder / f"{os.getpid()}.json")

    def sum(self, counters: Counters) -> Tally:
        """Add what all processes counted, those that have died included."""
        total = counters.tally()
        for path in self._others():
            total.add(msgspec.json.decode(path.read_bytes(), type=Tally))
        return total

    def clear(self) -> None:
        """Begin anew: the first act of the process that starts the others."""
        if self._folder is None:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.glob("*.json"):
            path.unlink(missing_ok=True)

    def _others(self) -> Iterable[Path]:
        if self._folder is None:
            return ()
        return (path for path in self._folder.glob("*.json") if path.stem != str(os.getpid()))
