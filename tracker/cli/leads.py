"""The verbs of leads: `lead status`, `lead list`."""

from __future__ import annotations

import getpass
import json
import sqlite3
import time
from typing import Any

import click

from tracker.cli import Context, pass_context
from tracker.cli.facts import drain_now
from tracker.cli.out import WRITERS, target
from tracker.cli.workspace import open_log, opened
from tracker.core.qualification import STATUSES
from tracker.core.times import format_instant, parse_instant
from tracker.store.quality import find_lead, list_leads
from tracker.store.sites import site_no

SHOWN = (
    "lead_id", "site", "at", "kind", "provider", "provider_id", "name", "email", "phone", "status",
    "status_at", "status_by", "status_rule", "status_reason", "is_junk", "duplicate_of", "first_response_at",
    "response_s",
)  # fmt: skip
LISTED = (
    "lead_id", "at", "kind", "status", "status_by", "is_junk", "duplicate_of", "channel", "name", "email",
)  # fmt: skip


@click.group()
def lead() -> None:
    """touchline lead status 1f0c9a... MQL --reason "asked for a quote"

    What leads are worth: say it, and list them by it.
    """


@lead.command()
@click.argument("lead_id")
@click.argument("status")
@click.option("--reason", help="Why; kept with the word.")
@click.option("--by", help="Who says so; your name on this machine.")
@click.option("--at", metavar="ISO", help="When it was said; now.")
@click.option("--pii", is_flag=True, help="Contact details in full; masked otherwise.")
@pass_context
def status(context: Context, /, lead_id: str, status: str, **given: Any) -> None:
    """touchline lead status 1f0c9a... SQL --reason "met them" --by Sue

    Say a lead's status: new, qualified (or MQL), sales_qualified (or SQL), disqualified, customer, or
    junk. LEAD_ID is the lead's id or its provider's. The newest word counts, whatever the rules say.
    Prints the lead as it is then.
    """
    from tracker.core.facts import read_fact
    from worker.operator import append_fact

    now_ms = int(time.time() * 1_000)
    said_ms = now_ms if given["at"] is None else parse_instant(given["at"], place="--at")
    with opened(context) as db:
        own = find_lead(db, lead_id)
    fact = {
        "fact": "status", "site": own["site"], "lead_id": own["lead_id"], "at": format_instant(said_ms),
        "status": status, "by": given["by"] or _whoever(), "version_at": format_instant(now_ms),
    }  # fmt: skip
    fact |= {"reason": given["reason"]} if given["reason"] else {}
    read_fact(fact)
    with open_log(context.settings) as client:
        append_fact(client, fact, said_ms=now_ms)
        drain_now(context.settings, client)
    with opened(context) as db:
        row = find_lead(db, own["lead_id"], pii=given["pii"])
    click.echo(json.dumps({name: row[name] for name in SHOWN}, ensure_ascii=False))


@lead.command("list")
@click.option("--site", metavar="KEY", help="Only this site's.")
@click.option("--status", type=click.Choice(STATUSES), help="Only those of this status.")
@click.option("--all", "with_rest", is_flag=True, help="Junk and repeats, too.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The latest so many.")
@click.option("--pii", is_flag=True, help="Contact details in full; masked otherwise.")
@click.option("--format", "form", type=click.Choice(sorted(WRITERS)), default="text", show_default=True)
@pass_context
def show(context: Context, /, form: str, **asked: Any) -> None:
    """touchline lead list --status qualified

    List the latest leads that count: neither junk nor repeats.
    """
    with opened(context) as db, target(None) as file:
        if asked["site"] is not None:
            site_no(db, asked["site"])
        found = [{name: row[name] for name in LISTED} for row in _listed(db, asked)]
        WRITERS[form](file, list(LISTED), found)


def _listed(db: sqlite3.Connection, asked: dict[str, Any]) -> list[dict[str, Any]]:
    only = {name: asked[name] for name in ("site", "status") if asked[name] is not None}
    if not asked["with_rest"]:
        only |= {"is_junk": 0, "duplicate_of": None}
    return list_leads(db, only, limit=asked["limit"], pii=asked["pii"])


def _whoever() -> str:
    """Name who is at the keyboard."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # nobody of that number on this machine
        return "operator"
