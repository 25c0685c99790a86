"""The verb `import`: leads and calls from a spreadsheet, for services without webhooks."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli import Context, Failed, pass_context
from tracker.cli.facts import drain_now, load_counts
from tracker.cli.out import as_cell, printable
from tracker.cli.workspace import open_log, opened
from tracker.model import Site
from tracker.store.sites import find_site

if TYPE_CHECKING:
    from worker.sheet import Import, Read, Sheet

KINDS = ("call", "form", "chat", "booking")
SHOWN_REJECTS = 20
SHOWN_CHARS = 40


@click.command("import")
@click.argument("site")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What the lines are.")
@click.option("--map", "told", multiple=True, metavar="COLUMN=FIELD",
              help="What a column holds; `fields` keeps it as an answer, `-` leaves it out.")  # fmt: skip
@click.option("--provider", default="import", show_default=True, help="Who the leads are said to be from.")
@click.option(
    "--dates", type=click.Choice(["dmy", "mdy"]), help="What stands first in dates such as 03/04/2026."
)
@click.option("--dry-run", "--preview", "is_dry", is_flag=True, help="Print the facts, and append nothing.")
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path),
              help="Where lines go that cannot be read; FILE.rejects.csv otherwise.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask before appending.")
@pass_context
def import_(context: Context, /, site: str, file: Path, **given: Any) -> None:
    """touchline import shop calls.csv --kind call --dry-run

    Append leads or calls from a spreadsheet saved as CSV, with whatever marks and encoding. Which
    column holds what is guessed from headings in several languages and from values, and shown
    before anything is appended. Times without an offset are of the site's zone. Importing a file
    twice has no effect the second time: a lead goes by the column that holds its id, else by all
    that its line says. Lines that cannot be read are told, and written to a file of their own.
    """
    from worker import sheet as sheets

    found = sheets.read_sheet(file)
    with opened(context) as db:
        told = _told(find_site(db, site), found, given)
    _show(found, told)
    read = sheets.read_leads(found, told)
    _tell_rejects(
        found, read, given["rejects"] or file.with_name(file.name + ".rejects.csv"), is_dry=given["is_dry"]
    )
    if given["is_dry"]:
        for fact in read.facts:
            click.echo(json.dumps(fact, ensure_ascii=False))
        return
    if not read.facts:
        raise Failed("no line could be read; nothing was appended")
    if sys.stdin.isatty() and not given["yes"]:
        click.confirm(f"Append {len(read.facts):,} leads to {site}?", abort=True, err=True)
    click.echo(json.dumps(_append(context, read)))


def _told(site: Site, found: Sheet, given: dict[str, Any]) -> Import:
    from tracker.core.columns import guess_columns, map_columns
    from worker.sheet import SAMPLE_ROWS, Import

    rows = [row for _, row in found.rows[:SAMPLE_ROWS]]
    columns = map_columns(found.header, guess_columns(found.header, rows), given["told"])
    return Import(site, given["kind"], given["provider"], columns, given["dates"])


def _show(found: Sheet, told: Import) -> None:
    """Tell what each column is taken for, with the first value in it."""
    from worker.sheet import zone_of

    rows = [("column", "is taken for", "first value")]
    for number, heading in enumerate(found.header):
        value = next(iter(found.column(number)), "")
        rows.append((heading, told.columns.get(number, "fields (an answer)"), value))
    cut = [[" ".join(printable(cell).split())[:SHOWN_CHARS] for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in cut) for place in range(2)]
    for row in cut:
        click.echo(f"  {row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}".rstrip(), err=True)
    click.echo(f"{len(found.rows):,} lines; times are of {zone_of(found.header, told)}", err=True)


def _tell_rejects(found: Sheet, read: Read, path: Path, *, is_dry: bool) -> None:
    """Tell which lines cannot be read, and write them down with the reason."""
    for line, _, reason in read.rejects[:SHOWN_REJECTS]:
        click.echo(f"line {line}: {reason}", err=True)
    if len(read.rejects) > SHOWN_REJECTS:
        click.echo(f"... and {len(read.rejects) - SHOWN_REJECTS:,} more", err=True)
    if not read.rejects or is_dry:
        return
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["line", "reason", *map(as_cell, found.header)])
            writer.writerows([line, reason, *map(as_cell, row)] for line, row, reason in read.rejects)
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}") from error
    click.echo(f"what cannot be read is in {path}", err=True)


def _append(context: Context, read: Read) -> dict[str, int]:
    """Append the facts by the road of `load`, and count what became of them."""
    from worker import load as loading

    lines = b"".join(json.dumps(fact, ensure_ascii=False).encode() + b"\n" for fact in read.facts)
    with open_log(context.settings) as client:
        now_ms = int(time.time() * 1_000)
        loaded = loading.load(
            client, [io.BytesIO(lines)], received_ms=now_ms, appended=lambda _: None,
            complain=lambda text: click.echo(text, err=True),
        )  # fmt: skip
        drain_now(context.settings, client)
        counts = load_counts(context.settings, loaded, lambda text: click.echo(text, err=True))
    told = {"read": len(read.facts) + len(read.rejects), **counts}
    return {**told, "rejected": told["rejected"] + len(read.rejects)}
