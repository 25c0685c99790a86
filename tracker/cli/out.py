"""The verbs that give results out: `export`, `explain`."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from tracker.cli import Context, Failed, pass_context
from tracker.cli.workspace import opened
from tracker.store import exports
from tracker.store.sites import site_no

NOUNS = ("person", "lead", "journey", "session", "account", "membership")

Rows = Iterable[dict[str, Any]]

# What spreadsheets run, wide letters too; spaces before it do not stop all of them.
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@|\uff1d\uff0b\uff0d\uff20]")
_CONTROLS = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # what moves a terminal's cursor, or worse
_LAST_CURSOR = 2**63 - 1  # the largest number of SQLite
_PLAIN_NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?$")


@click.command()
@click.argument("what", type=click.Choice(sorted(exports.EXPORTS)))
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option(
    "--since",
    type=click.IntRange(0, _LAST_CURSOR),
    metavar="CURSOR",
    help="Only what changed since an earlier export's cursor.",
)
@click.option("--site", help="Only this site's rows.")
@click.option("--noun", type=click.Choice(NOUNS), help="Only changes of these.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file, whole or not at all."
)
@click.option("--pii", is_flag=True, help="Contact details in full; masked otherwise.")
@pass_context
def export(
    context: Context, /, what: str, form: str, since: int | None, out: Path | None, **chosen: Any
) -> None:
    """touchline export touchpoints --format csv --out touchpoints.csv

    Write rows to stdout or a file. The cursor to give to the next `--since` is told on stderr;
    rows that were there at the cursor and are no more come last, marked `removed`. `changes` tells
    which lead, journey, person or session became what, and because of which fact.
    """
    with opened(context) as db:
        db.execute("BEGIN")
        if chosen["site"] is not None:
            site_no(db, chosen["site"])
        cursor = exports.cursor_now(db, what)
        only = {name: chosen[name] for name in ("site", "noun") if chosen[name] is not None}
        found = exports.rows(db, what, only=only, since=since, pii=chosen["pii"])
        names = exports.columns(db, what)
        if since is not None and not exports.EXPORTS[what].is_log:
            names, found = [*names, "removed"], _with_gone(db, what, since, found)
        with target(out) as file:
            WRITERS[form](file, names, found)
    click.echo(f"cursor: {cursor}", err=True)


def _with_gone(db: sqlite3.Connection, what: str, since: int, found: Rows) -> Iterator[dict[str, Any]]:
    """Add the rows that were there at a cursor and are no more."""
    for row in found:
        yield row | {"removed": False}
    for gone in exports.gone(db, what, since):
        yield {exports.EXPORTS[what].key: gone, "removed": True}


@contextmanager
def target(out: Path | None) -> Iterator[IO[str]]:
    """Open what is written to; a file appears under its name only when it is whole."""
    if out is None:
        if isinstance(sys.stdout, IO) or hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        yield sys.stdout
        return
    if out.exists() and not out.is_file():  # a device or a pipe, in whose place nothing may be put
        with out.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    out = out.resolve()  # a link stays one
    part = out.with_name(out.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(out)
    except OSError as error:
        raise Failed(f"{out} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _write_csv(target: IO[str], names: list[str], found: Rows) -> None:
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(names)
    for row in found:
        writer.writerow([as_cell(row.get(name)) for name in names])


def _write_jsonl(target: IO[str], names: list[str], found: Rows) -> None:
    for row in found:
        target.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_table(target: IO[str], names: list[str], found: Rows) -> None:
    """Write columns that stand under one another: texts to the left, numbers to the right."""
    lines = [{name: name for name in names}, *found]
    cells = [[printable(str(as_cell(line.get(name)))).replace("\n", " ") for name in names] for line in lines]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    for row in cells:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        target.write("  ".join([first.strip().ljust(widths[0]), *rest]) + "\n")


def printable(text: str) -> str:
    """Put spaces for what a terminal would obey: visitors choose what stands in a lead."""
    return _CONTROLS.sub(" ", text)


WRITERS = {"csv": _write_csv, "jsonl": _write_jsonl, "text": _write_table}


def as_cell(value: Any) -> Any:
    """Write a value as a cell; text that a spreadsheet would run gets a quote before it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and _FORMULA.match(value) and not _PLAIN_NUMBER.match(value):
        return "'" + value
    return value


@click.command()
@click.argument("noun", type=click.Choice(["lead", "person", "session", "hit", "account"]))
@click.argument("id_", metavar="ID")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--pii", is_flag=True, help="A person's contact details in full; masked otherwise.")
@pass_context
def explain(context: Context, noun: str, id_: str, form: str, pii: bool) -> None:
    """touchline explain lead 1f0c9a...

    Say why: for a lead its visitor and source, for a person the evidence that holds it together and
    what would be without each piece, for a session its source and what opened it, for a hit what
    became of it, for an account what it is made of and who belongs to it. A lead is named by its id
    or by its provider's, a hit by its event id, a person by any id it ever had, a visitor's, a
    lead's, or KIND:VALUE such as email:ann@acme.com, an account by any id it ever had, by a domain,
    or by a CRM's id as SYSTEM:ID.
    """
    from tracker.cli.leadwords import lead_sentence
    from tracker.cli.words import told
    from tracker.store.explain import explain as find
    from worker.explain import explain_person

    with opened(context) as db:
        if noun == "person":
            found = explain_person(db, context.settings, id_, pii=pii)
        else:
            found = find(db, noun, id_)
    if noun == "lead":
        found["sentence"] = lead_sentence(found)
    click.echo(
        json.dumps(found, ensure_ascii=False, indent=2) if form == "json" else printable(told(noun, found))
    )
