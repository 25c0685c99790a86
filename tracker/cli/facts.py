"""The verbs that bring facts in and views up to date: `load`, `drain`, `rebuild`, `verify`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
import redis

from tracker import config
from tracker.cli import Context, Failed, pass_context
from tracker.cli.workspace import key_of, open_log
from tracker.store.overlay import Difference

if TYPE_CHECKING:
    from worker.load import Loaded

SHOWN_COMPLAINTS = 20
DRAIN_EVERY = 200_000


class _Complaints:
    """Tells of the first bad lines one by one, and of the rest by number."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, text: str) -> None:
        self.count += 1
        if self.count <= SHOWN_COMPLAINTS:
            click.echo(text, err=True)

    def close(self) -> None:
        """Say how many were not shown."""
        if self.count > SHOWN_COMPLAINTS:
            click.echo(f"... and {self.count - SHOWN_COMPLAINTS:,} more", err=True)


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--drain", "also_drain", is_flag=True, help="Process what was loaded, and count what was new.")
@pass_context
def load(context: Context, files: tuple[str, ...], also_drain: bool) -> None:
    """touchline load facts.jsonl --drain

    Append facts, one JSON object a line, by the same road as everything else. FILES may end in
    .gz or .zst; `-` is stdin. Loading a file twice has no effect the second time. Lines that
    cannot be used are kept as rejects, with the reason.
    """
    from worker import load as loading

    settings, complaints = context.settings, _Complaints()
    with open_log(settings) as client:
        drained = 0

        def appended(loaded: loading.Loaded) -> None:
            nonlocal drained
            click.echo(f"\r{loaded.facts:,} facts", err=True, nl=False)
            if also_drain and loaded.facts - drained >= DRAIN_EVERY:
                drained = loaded.facts
                drain_now(settings, client)

        now_ms = int(time.time() * 1_000)
        with loading.opened(files) as streams:
            loaded = loading.load(client, streams, received_ms=now_ms, appended=appended, complain=complaints)
        click.echo("\r" + " " * 30 + "\r", err=True, nl=False)
        told: dict[str, int] = {"read": loaded.lines}
        if also_drain:
            drain_now(settings, client)
            told |= load_counts(settings, loaded, complaints)
        else:
            told |= {"appended": loaded.facts, "rejected": loaded.unreadable}
    complaints.close()
    click.echo(json.dumps(told))


def drain_now(settings: config.Settings, client: redis.Redis) -> dict[str, int]:
    """Process all that is on the log, and count what became of it."""
    from worker import drain as draining

    totals = draining.run(settings, client, key=key_of(settings))
    return {"new": totals.added, "repeated": totals.repeated, "rejected": totals.rejected}


def load_counts(
    settings: config.Settings, loaded: Loaded, complaints: Callable[[str], None]
) -> dict[str, int]:
    """Read what became of a load, and tell why facts were rejected; of bad lines it was told already."""
    from tracker.store.db import open_store

    db = open_store(settings.data)
    try:
        query = "SELECT added, repeated, rejected FROM load_count WHERE origin = ?"
        added, repeated, rejected = db.execute(query, [loaded.origin]).fetchone() or (0, 0, 0)
        query = "SELECT message, body FROM reject WHERE origin = ? ORDER BY reject_no"
        for message, body in db.execute(query, [loaded.origin]):
            complaints(f"{message}: {body[:120]}")
    finally:
        db.close()
    return {"new": added, "repeated": repeated, "rejected": rejected + loaded.unreadable}


@click.command()
@pass_context
def drain(context: Context) -> None:
    """touchline drain

    Process all that is pending now, then return: the log into the store, and the views that it
    made stale.
    """
    settings = context.settings
    with open_log(settings) as client:
        click.echo(json.dumps(drain_now(settings, client)))


@click.command()
@pass_context
def rebuild(context: Context) -> None:
    """touchline rebuild

    Make every view anew from the facts, and put the new ones in place. Prints each row that
    differed; with views that were right it changes nothing.
    """
    from worker import rebuild as rebuilding

    count = rebuilding.rebuild(context.settings, key=key_of(context.settings), tell=_tell)
    click.echo(f"rebuilt; {_rows(count)} differed", err=True)


@click.command()
@pass_context
def verify(context: Context) -> None:
    """touchline verify

    Make every view anew beside the live ones, compare, and print each difference. Exit code 1
    when there is any. Changes nothing.
    """
    from worker import rebuild as rebuilding

    count = rebuilding.verify(context.settings, key=key_of(context.settings), tell=_tell)
    if count:
        raise Failed(f"{_rows(count)} differ; `touchline rebuild` puts them right")
    click.echo("verified: no difference", err=True)


def _tell(difference: Difference) -> None:
    click.echo(str(difference))


def _rows(count: int) -> str:
    return "no row" if not count else "1 row" if count == 1 else f"{count:,} rows"
