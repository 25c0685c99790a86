"""Number pools as arithmetic: how a number is written, how many are held at once, how many would do.

A lease holds its number from when it began until its visitor was last seen, plus the pool's hold time. The
number of leases at once is taken as Poisson's, with the mean of arrivals per minute times the minutes that
one holds a number (Little's law; visitors come independently of each other). Who may have a number is
decided in `tracker.web.numbers` and `tracker.leases`.

Source: J. D. C. Little, "A Proof for the Queuing Formula L = lambda W", Operations Research 9 (1961)
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from tracker.core.times import HOUR_MS, MINUTE_MS

SHARE = 0.99
_EXACT_BELOW = 500.0  # above, exp(-mean) is close to the smallest number there is


@dataclass(frozen=True, slots=True)
class Span:
    """One lease: when its visitor was first and last seen with the number, in ms."""

    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of a pool: leases that began in it, the most at once, visitors without a number."""

    at_ms: int
    arrivals: int
    peak: int
    exhausted: int


@dataclass(frozen=True, slots=True)
class Sizing:
    """What a pool needs: the busiest hour's arrivals, how long one holds a number, and the size for 99 %."""

    arrivals_per_minute: float
    visit_minutes: float
    concurrent: float
    size: int


@lru_cache(1_024)
def swap_target(fallback: str) -> Mapping[str, str]:
    """Take a number apart as pages write it: `target` E.164, `country` its code, `trunk` what leads at home.

    Args:
        fallback: E.164.
    """
    parsed = phonenumbers.parse(fallback, None)
    region = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    known = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    trunk = (known and known.national_prefix) or ""
    return {"target": fallback, "country": str(parsed.country_code), "trunk": trunk}


def by_hour(spans: Iterable[Span], exhausted_ms: Iterable[int], *, hold_ms: int) -> list[Hour]:
    """Count leases and visitors without a number by the hour (UTC); hours without either are left out.

    Args:
        exhausted_ms: when a visitor got the fallback because no number was free.
    """
    arrivals: Counter[int] = Counter()
    changes: list[tuple[int, int]] = []
    for span in spans:
        arrivals[span.from_ms // HOUR_MS] += 1
        changes += [(span.from_ms, 1), (span.to_ms + hold_ms, -1)]
    without = Counter(at_ms // HOUR_MS for at_ms in exhausted_ms)
    peaks = _peaks(sorted(changes))
    return [
        Hour(hour * HOUR_MS, arrivals[hour], peaks.get(hour, 0), without[hour])
        for hour in sorted({*peaks, *without})
    ]


def size_for(mean: float, share: float = SHARE) -> int:
    """Find the fewest numbers that are enough for a share of the time.

    Args:
        mean: of the leases at once.

    Returns:
        The least n for which Poisson's P(X <= n) is at least `share`.
    """
    if mean > _EXACT_BELOW:
        return _size_of_many(mean, share)
    chance = total = math.exp(-mean)
    size = 0
    while total < share:
        size += 1
        chance *= mean / size
        total += chance
    return size


def sizing(spans: Sequence[Span], hours: Sequence[Hour], *, hold_ms: int) -> Sizing:
    """Work out a pool's size from its leases and its busiest hour; who got no number arrived, too."""
    busiest = max((hour.arrivals + hour.exhausted for hour in hours), default=0)
    visit_ms = sum(span.to_ms - span.from_ms for span in spans) / len(spans) if spans else 0.0
    rate = busiest / (HOUR_MS / MINUTE_MS)
    concurrent = rate * (visit_ms + hold_ms) / MINUTE_MS
    return Sizing(rate, visit_ms / MINUTE_MS, concurrent, size_for(concurrent))


def _peaks(changes: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Find the most leases at once in each hour; a number that is free again at an instant is free in it."""
    peaks: dict[int, int] = {}
    held, hour = 0, 0
    for at_ms, change in changes:
        here = at_ms // HOUR_MS
        if held:
            peaks |= {each: max(peaks.get(each, 0), held) for each in range(hour, here)}
            if at_ms > here * HOUR_MS:
                peaks[here] = max(peaks.get(here, 0), held)
        held, hour = held + change, here
        if change > 0:
            peaks[here] = max(peaks.get(here, 0), held)
    return peaks


def _size_of_many(mean: float, share: float) -> int:
    """Do the same in logarithms, from the mean's own neighbourhood on: below it there is next to nothing."""
    size = max(0, int(mean - 12 * math.sqrt(mean)))
    total = math.exp(size * math.log(mean) - mean - math.lgamma(size + 1))
    while total < share:
        size += 1
        total += math.exp(size * math.log(mean) - mean - math.lgamma(size + 1))
    return size
