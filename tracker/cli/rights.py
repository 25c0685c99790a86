"""The verbs of a person's rights: `erase` has everything forgotten, `access` hands everything over."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from tracker import config
from tracker.cli import Context, pass_context
from tracker.cli.facts import drain_now
from tracker.cli.out import target
from tracker.cli.workspace import key_of, open_log
from tracker.core.times import format_instant

if TYPE_CHECKING:
    from worker.rights import Section, Wanted

_NOT_REACHED = (
    "backups and copies of the data directory",
    "exports, answers to `access` and messages to other systems that have left",
    "replicas and snapshots of a server that REDIS_URL names",
)
_FIELDS = {
    "email": "email", "phone": "phone", "visitor": "visitor_id", "lead": "lead_id", "person": "person_id",
    "crm": "crm_id",
}  # fmt: skip


def _whose(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options by which somebody is named."""
    options = (
        click.option("--email", help="By an e-mail address, in any spelling."),
        click.option("--phone", help="By a phone number."),
        click.option("--visitor", help="By a visitor's id or signed cookie."),
        click.option("--lead", help="By a lead's id: the person who left it."),
        click.option("--person", help="By a person's id, also a former one."),
        click.option("--crm", metavar="SYSTEM:ID", help="By a contact of a CRM."),
        click.option("--site", help="Read a national phone number by this site's region."),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


@click.command()
@_whose
@click.option("--yes", is_flag=True, help="Do not ask on a terminal.")
@pass_context
def erase(context: Context, /, site: str | None, yes: bool, **whose: str | None) -> None:
    """touchline erase --email ann@acme.com

    Forget a person: all that they did until now, with their browsers, sessions, hits, leads and
    contacts, wherever it is kept. Shows what will go and asks on a terminal. What comes late does
    not bring them back; what they do from now on is a new life. Prints the proof, which is kept.
    """
    settings = context.settings
    key = key_of(settings)
    wanted = _read(settings, whose, site, key)
    now_ms = int(time.time() * 1_000)
    fact = {"fact": "erase", "at": format_instant(now_ms), wanted.field: wanted.value}
    with open_log(settings) as client:
        from tracker.hitlog import append
        from tracker.wire import FactsEntry, encode

        drain_now(settings, client)
        _ask(settings, {wanted.field: wanted.value}, key=key, now_ms=now_ms, is_sure=yes)
        append(client, [encode(FactsEntry(now_ms, "erase", [fact]))])
        drain_now(settings, client)
    click.echo(json.dumps(_proof(settings, fact, key), indent=2))


def _read(settings: config.Settings, whose: Mapping[str, str | None], site: str | None, key: bytes) -> Wanted:
    from tracker.store.db import open_store
    from worker.prove import prove_visitor
    from worker.rights import wanted

    given = {_FIELDS[name]: value for name, value in whose.items() if value}
    with closing(open_store(settings.data)) as db:
        return wanted(db, {name: str(value) for name, value in prove_visitor(given, key).items()}, site=site)


def _ask(
    settings: config.Settings, fact: Mapping[str, str], *, key: bytes, now_ms: int, is_sure: bool
) -> None:
    """Show what will go, and ask where somebody sits at a terminal."""
    from worker.rights import preview

    counts = preview(settings, fact, key=key, until_ms=now_ms)
    told = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()) if count)
    told = told or "nothing is known of them; what comes late will not be kept"
    click.echo(f"to be erased: {told}", err=True)
    if not is_sure and sys.stdin.isatty():
        click.confirm("This cannot be undone. Erase?", abort=True, err=True)


def _proof(settings: config.Settings, fact: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """Read the proof of an erasure; it names nobody."""
    from tracker.store.db import open_store
    from tracker.store.tombstones import load_proofs
    from worker.buried import fact_key

    with closing(open_store(settings.data)) as db:
        (proof, *_) = load_proofs(db, fact_key(db, fact, key))
    return {**proof, "not_reached": _NOT_REACHED}


@click.command()
@_whose
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file, whole or not at all."
)
@pass_context
def access(context: Context, /, site: str | None, out: Path | None, **whose: str | None) -> None:
    """touchline access --email ann@acme.com --out ann.json

    Give everything that is held about a person as JSON: identifiers, visitors, sessions, hits,
    leads with all their versions, other facts, evidence and refused messages. Other people's
    names are left out of it.
    """
    from tracker.store.db import open_store
    from worker.rights import Dossier

    settings = context.settings
    key = key_of(settings)
    with open_log(settings) as client:
        drain_now(settings, client)
    wanted = _read(settings, whose, site, key)
    with closing(open_store(settings.data)) as db:
        db.execute("BEGIN")
        sections = Dossier(db, settings, key=key).sections({wanted.field: wanted.value})
        with target(out) as file:
            _write(file, {"asked_for": {wanted.field: wanted.value}}, sections)


def _write(file: IO[str], head: Mapping[str, Any], sections: Iterator[Section]) -> None:
    """Write one document of JSON, a row a line, however many there are."""
    head = {**head, "at": format_instant(int(time.time() * 1_000))}
    file.write("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(each)}" for name, each in head.items()))
    for name, rows in sections:
        file.write(f",\n{json.dumps(name)}: [")
        for number, row in enumerate(rows):
            file.write(("," if number else "") + "\n" + json.dumps(row, ensure_ascii=False))
        file.write("]")
    file.write("\n}\n")
