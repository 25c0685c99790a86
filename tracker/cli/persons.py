"""The verbs with which an operator says who is who: `split`, `same`."""

from __future__ import annotations

import json
import shlex
import sqlite3
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import click

from tracker.cli import Context, pass_context
from tracker.cli.facts import drain_now
from tracker.cli.workspace import open_log, opened
from tracker.core.whys import WHYS, Why
from tracker.errors import BadRequest

if TYPE_CHECKING:
    from worker.operator import Word

Kind = Literal["split", "same"]


def _options(verb: Callable[..., None]) -> click.Command:
    """Give a verb the arguments that both take."""
    for add in (
        click.option("--at", metavar="ISO", help="When it was said; now."),
        click.option("--site", metavar="KEY", help="The site under which it is kept; the oldest."),
        click.option("--undo", is_flag=True, help="Take the same word back."),
        click.argument("b"),
        click.argument("a"),
    ):
        verb = add(verb)
    return click.command()(pass_context(verb))


@_options
def split(context: Context, /, a: str, b: str, **given: Any) -> None:
    """touchline split email:ann@acme.com visitor:3f6c...

    Say that two identifiers are not one person's: it beats all other evidence until `--undo`. A and
    B are KIND:VALUE (visitor, email, phone, user, crm, chat) or any id; the id of a person stands
    for the identifier that it is the id of, a lead's for the one that names its person. Prints the
    persons that changed, as `export changes` does.
    """
    _say(context, "split", (a, b), given)


@_options
def same(context: Context, /, a: str, b: str, **given: Any) -> None:
    """touchline same email:ann@acme.com email:ann@home.example

    Say that two identifiers are one person's, whatever the guards say, unless a split stands
    between them. A and B are as in `split`; `--undo` takes it back.
    """
    _say(context, "same", (a, b), given)


def _say(context: Context, kind: Kind, ends: tuple[str, str], given: dict[str, Any]) -> None:
    from tracker.store.marks import last_change
    from worker import operator

    with opened(context) as db:
        word = _read(db, kind, ends, given)
        since = last_change(db)
    with open_log(context.settings) as client:
        operator.append_word(client, word)
        drain_now(context.settings, client)
    with opened(context) as db:
        moved, why = operator.outcome(db, word, since)
    for row in moved:
        click.echo(json.dumps(row, ensure_ascii=False))
    _talk(word, len(moved), why)


def _read(db: sqlite3.Connection, kind: Kind, ends: tuple[str, str], given: dict[str, Any]) -> Word:
    """Read what the command line says; ids become the identifiers that they name."""
    from tracker.core.times import parse_instant
    from worker.operator import Word, name_identifier, pick_site

    site = pick_site(db, given["site"])
    a, b = (name_identifier(db, text, site=site) for text in ends)
    if a == b:
        raise BadRequest("bad_fact", f"{ends[0]} and {ends[1]} are the same identifier")
    now_ms = int(time.time() * 1_000)
    at_ms = now_ms if given["at"] is None else parse_instant(given["at"], place="--at")
    return Word(kind, a, b, site, at_ms, now_ms, is_undo=given["undo"])


def _talk(word: Word, moved: int, why: Why | None) -> None:
    """Say on stderr what was understood, what came of it, and how to take it back."""
    said = f"{word.kind}{' undone' if word.is_undo else ''}: {word.a} and {word.b}"
    if why is not None and not word.is_undo:
        click.echo(f"{said}; refused: {WHYS[why]}", err=True)
        return
    persons = "1 person" if moved == 1 else f"{moved} persons"
    click.echo(f"{said}; {persons if moved else 'nobody'} changed", err=True)
    if not word.is_undo:
        ends = shlex.join([str(word.a), str(word.b)])
        click.echo(f"to take it back: touchline {word.kind} {ends} --undo", err=True)
