"""`touchline pool report`: from leases, wants and calls as they are stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from tests.telling import Fact, Workspace, at, call, hit, lease
from tracker import config, wire
from tracker.cli import main
from tracker.core.numbers import size_for
from tracker.core.times import parse_instant

ONE, TWO, FALLBACK = "+442079460001", "+442079460002", "+442079460000"
FACTS: tuple[Fact, ...] = (
    hit("h1"), lease(ONE, 0, 4), lease(TWO, 2, 6, visitor_id="v2"),
    lease(ONE, 30, 34, visitor_id="v3"),
    call("sure", 3, tracking_number=ONE), call("either", 32, tracking_number=ONE),
    call("late", 90, tracking_number=TWO), call("other", 90, tracking_number="+442079469999"),
)  # fmt: skip


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give a workspace whose pool had a busy hour."""
    workspace = Workspace(settings, client)
    run(workspace, "add", "shop", "main", "--number", ONE, TWO, "--fallback", FALLBACK)
    workspace.tell(*FACTS)
    wants = [wire.ExhaustedEntry("shop", "main", parse_instant(at(3)), serial) for serial in (1, 2, 3)]
    workspace.append(*map(wire.encode, (*wants, *wants)))
    return workspace


def run(workspace: Workspace, *words: str) -> Result:
    """Run a verb of pools."""
    return CliRunner().invoke(main, ["--data", str(workspace.settings.data), "pool", *words])


def report(workspace: Workspace, *words: str) -> dict[str, Any]:
    """Read the report as JSON."""
    (line,) = run(workspace, "report", "shop", *words, "--format", "json").stdout.splitlines()
    return dict(json.loads(line))


def test_the_report_counts_what_happened(workspace: Workspace) -> None:
    """Leases, wants once each however often they were told, and calls by what became of them."""
    said = report(workspace)
    counts = {name: said[name] for name in ("numbers", "leases", "exhausted", "peak")}
    assert counts == {"numbers": 2, "leases": 3, "exhausted": 3, "peak": 2}
    calls = {name: said[f"calls{name}"] for name in ("", "_matched", "_ambiguous", "_after_grace")}
    assert calls == {"": 3, "_matched": 1, "_ambiguous": 1, "_after_grace": 1}
    assert said["hours"] == [
        {"at": "2026-03-01T10:00:00.000Z", "arrivals": 3, "concurrent": 2, "exhausted": 3}
    ]


def test_the_size_follows_from_arrivals_and_time(workspace: Workspace) -> None:
    """Six came in an hour and stay for 4 minutes and the hold time."""
    said = report(workspace, "main")
    assert (said["arrivals_per_minute"], said["visit_minutes"], said["concurrent"]) == (0.1, 4.0, 2.4)
    assert said["size"] == size_for(2.4) == 7


def test_the_report_says_it_in_words(workspace: Workspace) -> None:
    """With the hours in the site's zone."""
    text = run(workspace, "report", "shop").stdout
    assert "3 leases; 3 visitors found no number free" in text
    assert "7 numbers would be enough for 99% of the time" in text
    assert "2026-03-01 10:00" in text


def test_a_pool_that_nobody_asked_has_little_to_report(workspace: Workspace) -> None:
    """It says so, and is no error."""
    run(workspace, "add", "shop", "new", "--number", "+442079460003", "--fallback", FALLBACK)
    assert "nobody has been shown one of them yet" in run(workspace, "report", "shop", "new").stdout
    assert report(workspace, "new")["hours"] == []


def test_a_pool_that_is_gone_can_still_be_looked_at(workspace: Workspace) -> None:
    """Its leases stay; one that never was is refused."""
    run(workspace, "remove", "shop", "main")
    assert report(workspace, "main")["leases"] == 3
    assert run(workspace, "report", "shop", "other").exit_code == 2


def test_old_days_can_be_left_out(workspace: Workspace) -> None:
    """Counted back from the last that is known."""
    workspace.tell(lease(ONE, 3 * 1_440, visitor_id="v4"))
    assert (report(workspace)["leases"], report(workspace, "--days", "1")["leases"]) == (4, 1)
