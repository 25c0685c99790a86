"""The verb `sources`: lay the operator's own copy of public lists over the package's table of senders."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, cast

import click

from tracker.cli import Context, pass_context
from tracker.cli.workspace import opened
from tracker.core.lists import is_search_list, rows_of_list
from tracker.core.rules import Category
from tracker.errors import BadRequest
from tracker.store.db import atomic
from tracker.store.lists import load_overlay, save_overlay
from tracker.store.sites import raise_version

LISTS: tuple[Category, ...] = ("search", "social", "ai")


@click.group()
def sources() -> None:
    """touchline sources import SearchEngines.yml

    Who sends visitors: public lists laid over the table that comes with Touchline.
    """


@sources.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--category", type=click.Choice(LISTS), help="What the list is about; else its name says it.")
@pass_context
def import_lists(context: Context, files: tuple[Path, ...], category: str | None) -> None:
    """touchline sources import SearchEngines.yml Socials.yml AIAssistants.yml

    Lay Matomo's public lists (YAML, CC0) over the package's table. A list takes the place of the one
    of its kind that was imported before. `touchline rebuild` applies it to history.
    """
    rows = list(load_overlay(context.settings.data))
    for file in files:
        document = _read(file)
        kind = cast(Category, category) if category else _kind(file, document)
        listed = rows_of_list(document, kind)
        rows = [row for row in rows if row["category"] != kind] + listed
        click.echo(f"{file.name}: {len(listed)} senders ({kind})", err=True)
    names = ", ".join(file.name for file in files)
    path = save_overlay(
        context.settings.data, rows,
        origin=f"Source: matomo-org/searchengine-and-social-list (CC0), {names}. {date.today().isoformat()}",
    )  # fmt: skip
    with opened(context, write=True) as db, atomic(db):
        raise_version(db)  # collectors decide by it whom a pool of some channels serves
    click.echo(path)


def _read(file: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(file.read_bytes())
    except (yaml.YAMLError, RecursionError, UnicodeError) as error:
        raise BadRequest("bad_fact", f"{file.name} is no YAML: {' '.join(str(error).split())}") from error


def _kind(file: Path, document: Any) -> Category:
    if is_search_list(document):
        return "search"
    name = file.name.lower()
    if "social" in name:
        return "social"
    if name.startswith("ai") or "assistant" in name:
        return "ai"
    raise BadRequest("bad_fact", f"say what {file.name} lists: --category social or --category ai")
