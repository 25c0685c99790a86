"""`scripts/bench`: measure, print the table, and fail nothing by time."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from tests.bench import collecting, draining, hooks, identity, machine, over, road
from tests.bench.table import Row, Target, as_text
from tests.conftest import short_folder
from tests.running import free_port
from tracker import config, embedded

GROUPS = ("collect", "hooks", "drain", "road", "identity")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: seconds of load, sizes of the store, slices and single hits at each size."""

    load_s: float
    sizes: tuple[int, ...]
    slices: int
    singles: int
    road: road.Plan
    identity: identity.Plan


QUICK = Plan(
    2, (10_000, 50_000), 4, 50, road.Plan(waits=5, hits=5_000, steady=200),
    identity.Plan(visitors=20_000, evidence=5_000, crowd=1_000, singles=30, identifiers=15_000),
)  # fmt: skip
USUAL = Plan(
    5, (100_000, 2_000_000), 10, 200, road.Plan(waits=20, hits=30_000, steady=1_000),
    identity.Plan(visitors=1_000_000, evidence=100_000, crowd=10_000, singles=200, identifiers=300_000),
)  # fmt: skip
FULL = Plan(
    10, (100_000, 2_000_000, 10_000_000), 20, 500, road.Plan(waits=50, hits=100_000, steady=3_000),
    replace(USUAL.identity, identifiers=1_000_000),
)  # fmt: skip


@click.command()
@click.argument("groups", nargs=-1, type=click.Choice(GROUPS))
@click.option("--quick", "plan", flag_value="quick", help="In two minutes, on small stores.")
@click.option("--full", "plan", flag_value="full", help="At 10 million hits too; takes most of an hour.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write JSON to a file, too.")
def main(groups: tuple[str, ...], plan: str | None, out: Path | None) -> None:
    """scripts/bench collect --quick

    Measure what Touchline costs, as ratios to yardsticks of the same run. Linux only.
    """
    chosen = {"quick": QUICK, "full": FULL}.get(plan or "", USUAL)
    before = machine.describe()
    rows = []
    for row in _rows(groups or GROUPS, chosen):
        click.echo(f"{row.group}: {row.what}: {row.value:,.4g} {row.unit}", err=True)
        rows.append(row)
    click.echo(as_text(before, rows))
    if out:
        out.write_text(json.dumps({"machine": before, "rows": [asdict(row) for row in rows]}, indent=2))


def _rows(groups: tuple[str, ...], plan: Plan) -> Iterator[Row]:
    if "collect" in groups:
        with _settings(fsync="always") as settings:
            yield from collecting.measure(settings, plan.load_s)
    if "hooks" in groups:
        with _settings(fsync="always") as settings:
            yield from hooks.measure(settings, plan.load_s)
        with _settings() as settings:
            yield from hooks.measure_long(settings)
    if "road" in groups:
        with _settings() as settings:
            yield from road.measure(settings, plan.road, "empty store")
    if "drain" in groups:
        with _settings() as settings:
            yield from _growing(settings, plan)
            if "road" in groups:
                yield from road.measure(settings, plan.road, f"{plan.sizes[-1]:,} hits")
    if "identity" in groups:
        with _settings() as settings:
            yield from identity.measure(settings, plan.identity)
        with _settings() as settings:
            yield from identity.measure_rebuild(settings, plan.identity.identifiers)


def _growing(settings: config.Settings, plan: Plan) -> Iterator[Row]:
    """Measure one store at each size."""
    costs = []
    with (
        embedded.hold(settings) as url,
        embedded.connect(url, blocking=True) as log,
        draining.filling(settings, log) as filled,
    ):
        for size in plan.sizes:
            rows = list(draining.measure(filled, size, slices=plan.slices, singles=plan.singles))
            yield from rows
            costs.append(rows[0].value)
            yield draining.measure_size(filled)
            if size == plan.sizes[0] or plan is FULL:
                yield from over.measure(settings, filled.hits, filled.mean_cpu_us)
        growth = Row(draining.GROUP, f"batches, at {plan.sizes[-1]:,} hits", costs[-1], "us CPU/hit")
        yield growth.against(f"at {plan.sizes[0]:,}", costs[0], Target(most=1.5))
    embedded.dismiss(settings)


class _settings:
    """Settings over a data directory of its own with the traffic's site, removed afterwards."""

    def __init__(self, **given: object) -> None:
        self._settings = config.load({}, data=short_folder(), port=free_port(), **given)

    def __enter__(self) -> config.Settings:
        collecting.make_site(self._settings)
        return self._settings

    def __exit__(self, *_error: object) -> None:
        shutil.rmtree(self._settings.data)


if __name__ == "__main__":
    sys.exit(main())
