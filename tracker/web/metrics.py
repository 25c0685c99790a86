"""The collector's counts and the state of what it leans on, for Prometheus.

Counters are summed over the collector's processes; the log, the queue and the store are measured when
asked. What cannot be measured is left out rather than shown as zero.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import redis
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from tracker import __version__, hitlog, queue
from tracker.errors import Retryable, TouchlineError
from tracker.store.db import FILE, open_store
from tracker.store.destinations import load_destinations
from tracker.store.outboxlists import outcomes, states
from tracker.store.sites import numbered_sites
from tracker.web.counters import ENTRIES, SECONDS, Tally
from tracker.web.house import House

# A counter's name in the counts, its name outside, its help, its labels.
COUNTERS = (
    ("requests", "touchline_requests", "Requests of the hot paths.", ("path", "status")),
    ("hits", "touchline_hits", "Hits by what became of them.", ("result", "reason")),
    ("hooks", "touchline_hooks", "Deliveries of providers by what became of them.", ("provider", "result")),
    (
        "numbers",
        "touchline_numbers",
        "Numbers of pools that pages asked for, by what was shown and why; exhausted: none was free.",
        ("site", "pool", "result"),
    ),
    ("facts", "touchline_facts", "Facts that came over the API.", ("kind", "result")),
)

TO = ("destination", "site", "kind", "result")
"""Labels of what leaves."""


def render_metrics(house: House) -> bytes:
    """Write all metrics in the text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Now(house))
    return generate_latest(registry)


class _Now:
    """All metrics as they stand at this moment."""

    def __init__(self, house: House) -> None:
        self._house = house

    def describe(self) -> Iterable[Metric]:
        """Declare nothing ahead."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Measure."""
        tally = self._house.shelf.sum(self._house.counters)
        yield from _counted(tally)
        yield _gauge("touchline_build", "Always 1; the version is a label.", 1, version=__version__)
        with contextlib.suppress(Retryable):
            yield _gauge(
                "touchline_sites", "Sites that this collector knows.", len(self._house.sitebook.sites())
            )
        with contextlib.suppress(OSError):
            size = (self._house.settings.data / FILE).stat().st_size
            yield _gauge("touchline_store_bytes", "Size of the store's file.", size)
        yield from self._outbox()
        yield from self._log()

    def _outbox(self) -> Iterator[Metric]:
        """Count what is to leave and what came of it; nothing where the store cannot be read."""
        tries = CounterMetricFamily("touchline_deliveries", "Tries to send, by what came of them.", labels=TO)
        held = GaugeMetricFamily("touchline_outbox", "Deliveries that are kept, by how they are.", labels=TO)
        broken = contextlib.suppress(sqlite3.Error, OSError, TouchlineError)
        with broken, contextlib.closing(open_store(self._house.settings.data)) as db:
            for family, counts in ((tries, outcomes(db)), (held, states(db))):
                for labels, count in _by_destination(db, counts):
                    family.add_metric(labels, count)
        yield from (tries, held)

    def _log(self) -> Iterator[Metric]:
        """Measure the log and the queue; a server that is away is one number."""
        client, measured = self._house.client, []
        try:
            oldest_ms = hitlog.oldest_ms(client)
            age_s = max(0.0, time.time() - oldest_ms / 1_000) if oldest_ms is not None else 0.0
            failures, unsent = queue.failures(client), queue.failures(client, queue.DELIVER)
            measured = [
                _gauge("touchline_log_entries", "Entries that wait on the log.", hitlog.length(client)),
                _gauge("touchline_log_oldest_seconds", "Age of the oldest entry that waits.", age_s),
                _gauge("touchline_queue_jobs", "Jobs that wait for a worker.", queue.pending(client)),
                _gauge("touchline_drain_failing", "Drains that failed, one after the other.", failures.count),
                _gauge("touchline_deliver_failing", "The same of the job that sends.", unsent.count),
                _gauge(
                    "touchline_redis_bytes", "Memory of the server.", client.info("memory")["used_memory"]
                ),
            ]
        except redis.RedisError:
            measured.clear()
        yield _gauge("touchline_log_up", "Whether the log's server answers.", int(bool(measured)))
        yield from measured


def _by_destination(
    db: sqlite3.Connection, counts: Mapping[int, Mapping[str, int]]
) -> Iterator[tuple[list[str], int]]:
    """Label what was counted for each destination, which is named by its id alone."""
    sites = numbered_sites(db)
    for each in load_destinations(db):
        for name, count in sorted(counts.get(each.number, {}).items()):
            yield [each.id, sites[each.site_no].key, each.kind, name], count


def _counted(tally: Tally) -> Iterator[Metric]:
    for name, outside, text, labels in COUNTERS:
        family = CounterMetricFamily(outside, text, labels=labels)
        for key, number in sorted(tally.counts.items()):
            first, *values = key.split("\t")
            if first == name:
                family.add_metric(values, number)
        yield family
    yield _histogram(
        "touchline_commit_seconds",
        "Time to write one group to the log.",
        SECONDS,
        tally.commit_s,
        tally.commit_s_sum,
    )
    yield _histogram(
        "touchline_commit_entries",
        "Entries of one group.",
        ENTRIES,
        tally.commit_entries,
        tally.commit_entries_sum,
    )


def _histogram(name: str, text: str, limits: Sequence[float], counts: Sequence[int], total: float) -> Metric:
    buckets, sum_so_far = [], 0
    for limit, count in zip([*map(str, limits), "+Inf"], counts, strict=True):
        sum_so_far += count
        buckets.append((limit, sum_so_far))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=total)


def _gauge(name: str, text: str, value: float, **labels: str) -> Metric:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family
