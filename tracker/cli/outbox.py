"""The verbs of what leaves: `outbox` looks into it and tries anew, `deliver` sends what is due now."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

import click

from tracker.cli import Context, Failed, pass_context
from tracker.cli.out import printable
from tracker.cli.workspace import key_of, opened
from tracker.errors import BadRequest

STATES = ("waiting", "delivered", "dead", "dry")


@click.group()
def outbox() -> None:
    """touchline outbox list --state dead

    What is to leave, what has left, and what came of each try.
    """


@outbox.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only these; dead: given up, dry: kept back.")
@click.option("--to", "destination", metavar="ID", help="Only to this alert's address.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@pass_context
def show_list(context: Context, state: str | None, destination: str | None, limit: int, form: str) -> None:
    """touchline outbox list --state dead

    List deliveries, the latest first.
    """
    from tracker.store.destinations import find_destination
    from tracker.store.outboxlists import listed

    with opened(context) as db:
        if destination is not None:
            find_destination(db, destination)
        rows = listed(db, state=state, destination=destination, most=limit)
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False) if form == "json" else _line(row))


def _line(row: dict[str, Any]) -> str:
    told = [" ".join(printable(text or "").split()) for text in (row["title"], row["answer"])]
    return "\t".join([row["delivery_id"], row["at"], row["to"], row["state"], told[0], told[1][:120]])


@outbox.command("show")
@click.argument("id_", metavar="ID")
@pass_context
def show_one(context: Context, id_: str) -> None:
    """touchline outbox show msg_0a1b...

    Print one delivery as JSON: what it carries, and the answer to each try.
    """
    with opened(context) as db:
        found = _found(db, id_)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


def _found(db: sqlite3.Connection, delivery_id: str) -> dict[str, Any]:
    from tracker.store.outboxlists import shown

    found = shown(db, delivery_id)
    if found is None:
        words = f"there is no delivery {delivery_id!r}; `touchline outbox list` names them"
        raise BadRequest("no_delivery", words)
    return found


@outbox.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--dead", is_flag=True, help="All that were given up.")
@click.option(
    "--to", "destination", metavar="ID", help="Only to this alert's address, which is switched on again."
)
@click.option("--dry-run", is_flag=True, help="Count them, and change nothing.")
@pass_context
def retry(
    context: Context, /, ids: tuple[str, ...], dead: bool, destination: str | None, dry_run: bool
) -> None:
    """touchline outbox retry --dead --to 1f0c9a2b

    Have deliveries tried anew, at once and with all their tries, under the ids that they had.
    """
    from tracker.store import destinations
    from tracker.store.db import atomic, writer_lock
    from tracker.store.outbox import retry as again
    from tracker.store.outboxlists import numbers_of

    if not ids and not dead:
        raise BadRequest("bad_fact", "name deliveries, or write --dead for all that were given up")
    with writer_lock(context.settings.data), opened(context, write=True) as db:
        for each in ids:
            _found(db, each)
        own = destinations.find_destination(db, destination) if destination else None
        numbers = numbers_of(db, ids=list(ids), destination=destination, is_all=dead)
        if not dry_run:
            with atomic(db):
                again(db, numbers, int(time.time() * 1_000))
                if own is not None and own.mode == "off":
                    destinations.switch_on(db, own.number)
    click.echo(f"{len(numbers)} {'would be' if dry_run else 'will be'} tried anew", err=True)


@click.command()
@click.option("--dry-run", is_flag=True, help="Print what would be sent, and send nothing.")
@pass_context
def deliver(context: Context, dry_run: bool) -> None:
    """touchline deliver

    Look for what is to be told, and send everything that is due now, then return: what the worker
    does by itself. Prints how many tries ended how. Exit code 1 when something was refused.
    """
    from worker import deliver as delivering

    post = delivering.Post(context.settings, key_of(context.settings))
    if dry_run:
        for row in delivering.preview(post):
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    with delivering.opened(post, wait=True) as deliverer:
        done = deliverer.run() if deliverer is not None else {}
    click.echo(json.dumps(dict(done)))
    if done.get("refused") or done.get("gone"):
        raise Failed("something was refused: touchline outbox list --state dead")
