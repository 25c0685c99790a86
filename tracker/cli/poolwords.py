"""The report on a number pool: as an object, and in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tracker.core.numbers import SHARE, by_hour, sizing
from tracker.core.times import format_instant
from tracker.model import Pool, Site
from tracker.store.poolreport import Use

_HEAD = ("hour", "arrivals", "at once", "without a number")


def described(site: Site, pool: Pool, use: Use | None) -> dict[str, Any]:
    """Put together what is known of a pool; of one that nobody asked for a number, what it is."""
    said: dict[str, Any] = {
        "site": site.key, "pool": pool.name, "numbers": len(pool.numbers), "fallback": pool.fallback or None,
        "hold_s": pool.hold_s, "channels": list(pool.channels),
    }  # fmt: skip
    if use is None:
        return said | {"leases": 0, "exhausted": 0, "hours": []}
    hold_ms = pool.hold_s * 1_000
    hours = by_hour(use.spans, use.exhausted_ms, hold_ms=hold_ms)
    need = sizing(use.spans, hours, hold_ms=hold_ms)
    calls = use.calls
    return said | {
        "from": format_instant(use.from_ms), "to": format_instant(use.to_ms), "leases": len(use.spans),
        "exhausted": len(use.exhausted_ms), "calls": calls.count, "calls_matched": calls.matched,
        "calls_ambiguous": calls.ambiguous, "calls_after_grace": calls.after_grace,
        "arrivals_per_minute": round(need.arrivals_per_minute, 4),
        "visit_minutes": round(need.visit_minutes, 4), "concurrent": round(need.concurrent, 4),
        "peak": max((hour.peak for hour in hours), default=0), "share": SHARE, "size": need.size,
        "hours": [
            {"at": format_instant(each.at_ms), "arrivals": each.arrivals, "concurrent": each.peak,
             "exhausted": each.exhausted}
            for each in hours
        ],
    }  # fmt: skip


def told(said: dict[str, Any], timezone: str) -> str:
    """Say a report in words, and its hours as a table in the site's zone."""
    hold = f"{said['hold_s'] / 60:g} min"
    lines = [f"{said['site']} {said['pool']}: {said['numbers']} numbers, each held {hold} after a visit"]
    if not said["leases"] and not said["exhausted"]:
        return f"{lines[0]}\n  nobody has been shown one of them yet"
    lines += [
        f"  {said['leases']} leases; {said['exhausted']} visitors found no number free",
        f"  {said['calls']} calls: {said['calls_matched']} with a visitor, "
        f"{said['calls_ambiguous']} ambiguous, {said['calls_after_grace']} too long after the last lease",
        f"  busiest hour: {said['arrivals_per_minute']:.2f} visitors a minute x "
        f"({said['visit_minutes']:.1f} min visit + {hold}) = {said['concurrent']:.1f} numbers in use",
        f"  {said['size']} numbers would be enough for {said['share']:.0%} of the time in such an hour",
        "", _row(_HEAD),
    ]  # fmt: skip
    for hour in said["hours"]:
        local = datetime.fromisoformat(hour["at"]).astimezone(ZoneInfo(timezone))
        cells = (f"{local:%Y-%m-%d %H:%M}", hour["arrivals"], hour["concurrent"], hour["exhausted"])
        lines.append(_row(cells))
    return "\n".join([*lines, ""])


def _row(cells: tuple[object, ...]) -> str:
    first, *rest = cells
    return "  ".join([f"  {first!s:16}", *(f"{cell!s:>16}" for cell in rest)])
