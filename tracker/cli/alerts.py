"""The verb `alert`: who is told at once of new leads and of what is wrong with a site."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from tracker.cli import Context, pass_context
from tracker.cli.workspace import key_of, opened
from tracker.core.alerts import USUAL, WANTS
from tracker.core.contacts import normalise_email
from tracker.errors import BadRequest

if TYPE_CHECKING:
    from tracker.store.destinations import Destination, Kind, Target


_WANTS_TOLD = "; ".join(f"{name}: {words}" for name, words in WANTS.items())


@click.group()
def alert() -> None:
    """touchline alert add shop --to mailto:sales@example.com

    Who is told at once of new leads, and of what is wrong with a site: by e-mail, in a Slack
    channel, or by a signed webhook.
    """


@alert.command()
@click.argument("site")
@click.option("--to", "address", required=True, metavar="ADDRESS",
              help="https://..., mailto:..., or slack:https://... for an incoming webhook.")  # fmt: skip
@click.option("--on", "wanted", default=",".join(USUAL), show_default=True, metavar="LIST",
              help=f"What to tell of: {_WANTS_TOLD}.")  # fmt: skip
@click.option("--within", "minutes", default=60, show_default=True, type=click.IntRange(1, 10_080),
              metavar="MINUTES", help="How soon sales is to answer a lead, for `response`.")  # fmt: skip
@click.option("--pii", is_flag=True, help="Contact details in full; masked otherwise.")
@click.option("--dry-run", is_flag=True, help="Keep what would be sent in the outbox, and send nothing.")
@pass_context
def add(context: Context, /, site: str, address: str, wanted: str, **given: Any) -> None:
    """touchline alert add shop --to slack:https://hooks.example.com/T0/B0/x --on lead,silent

    Have somebody told. Prints the alert's id; for a webhook also the secret that its messages are
    signed with, which is shown this once. Leads that came before are not told of.
    """
    from tracker.store.destinations import Destination, Targets, add_destination, new_id
    from tracker.store.sites import site_no

    kind, target, shown = read_address(address)
    wants = _wants(wanted)
    now_ms, own = int(time.time() * 1_000), new_id()
    with opened(context, write=True) as db:
        number = site_no(db, site)
        new = Destination(
            0, own, number, kind, shown, wants, given["minutes"] * 60, given["pii"],
            "dry" if given["dry_run"] else "on", now_ms,
        )  # fmt: skip
        add_destination(db, new, Targets(key_of(context.settings)).close(own, target))
    click.echo(json.dumps({"id": own, "site": site, "to": shown, "on": wants} | _shown_once(target)))
    if kind == "mail" and not context.settings.smtp_host:
        click.echo("No mail server is named yet: set smtp_host, smtp_user and smtp_password.", err=True)
    click.echo(f"Try it: touchline alert test {own}", err=True)


def read_address(text: str) -> tuple[Kind, Target, str]:
    """Read where alerts are to go: the kind, the target with a secret of its own, and what may be shown.

    Raises:
        BadRequest: it is none of the kinds.
    """
    from tracker.store.destinations import Target
    from worker.push.webhook import new_secret

    if text.startswith("mailto:"):
        plain = text.removeprefix("mailto:").partition("?")[0].strip()
        if normalise_email(plain) is None:
            raise BadRequest("bad_fact", f"{plain!r} is no e-mail address", "--to")
        return "mail", Target(plain), plain
    url = text.removeprefix("slack:")
    shown = _shown(url)
    return ("webhook", Target(url, new_secret()), shown) if url == text else ("slack", Target(url), shown)


def _shown(url: str) -> str:
    """Write as much of an address as may be read aloud: its host, for the rest may be a secret."""
    words = "write https://..., mailto:sales@example.com, or slack:https://..., without a password"
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # no port, or a bracket that does not close
        raise BadRequest("bad_url", words, "--to") from None
    if parts.scheme not in ("https", "http") or not has_host or parts.username or parts.password:
        raise BadRequest("bad_url", words, "--to")
    return f"{parts.scheme}://{parts.netloc}/..."


def _wants(text: str) -> list[str]:
    wants = [each.strip() for each in text.split(",") if each.strip()]
    unknown = [each for each in wants if each not in WANTS]
    if unknown or not wants:
        raise BadRequest("bad_fact", f"write some of {', '.join(WANTS)}, not {text!r}", "--on")
    return wants


def _shown_once(target: Target) -> dict[str, str]:
    return {"secret": target.secret} if target.secret else {}


@alert.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@pass_context
def show(context: Context, form: str) -> None:
    """touchline alert list

    List who is told of what, and how many tries ended how.
    """
    from tracker.store.destinations import load_destinations
    from tracker.store.outboxlists import outcomes
    from tracker.store.sites import numbered_sites

    with opened(context) as db:
        sites, counts = numbered_sites(db), outcomes(db)
        rows = [
            _row(each, sites[each.site_no].key, counts.get(each.number, {})) for each in load_destinations(db)
        ]
    for row in rows:
        click.echo(json.dumps(row) if form == "json" else _line(row))


def _row(each: Destination, site: str, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": each.id, "site": site, "kind": each.kind, "to": each.shown, "on": list(each.wants),
        "pii": each.is_pii, "mode": each.mode, "why": each.why, "tries": dict(counts),
    }  # fmt: skip


def _line(row: Mapping[str, Any]) -> str:
    tried = ", ".join(f"{count} {result}" for result, count in sorted(row["tries"].items())) or "nothing sent"
    why = f" ({row['why']})" if row["why"] else ""
    return f"{row['id']}\t{row['site']}\t{row['to']}\t{','.join(row['on'])}\t{row['mode']}{why}\t{tried}"


@alert.command()
@click.argument("id_", metavar="ID")
@pass_context
def test(context: Context, id_: str) -> None:
    """touchline alert test 1f0c9a2b

    Send a test now and print the answer. Exit code 1 when it was not taken.
    """
    from tracker.cli import Failed
    from tracker.store.destinations import find_destination
    from worker.deliver import Post, send_test

    with opened(context) as db:
        destination = find_destination(db, id_)
    answer = send_test(Post(context.settings, key_of(context.settings)), destination)
    click.echo(json.dumps({"result": answer.result, "code": answer.code, "answer": answer.told}))
    if answer.result != "delivered":
        raise Failed("the test was not taken; the answer above says why")


@alert.command()
@click.argument("id_", metavar="ID")
@pass_context
def remove(context: Context, id_: str) -> None:
    """touchline alert remove 1f0c9a2b

    Tell somebody no more; what waits for them in the outbox goes too.
    """
    from tracker.store.destinations import find_destination, remove_destination

    with opened(context, write=True) as db:
        count = remove_destination(db, find_destination(db, id_))
    click.echo(f"removed, with {count} deliveries of its outbox", err=True)
