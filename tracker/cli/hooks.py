"""The verbs of providers' webhooks: `source` connects them, `replay` parses again what they delivered."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from tracker.cli import Context, Failed, pass_context
from tracker.cli.out import printable
from tracker.cli.workspace import collector_url, key_of, open_log, opened, read_secret
from tracker.core.times import HOUR_MS, format_instant
from tracker.errors import BadRequest
from tracker.model import SiteKey
from tracker.providers import NAMES, load_adapter
from tracker.providers.adapter import Adapter, Delivery
from tracker.providers.complete import complete
from tracker.store import hooks as store
from tracker.store.hooks import HookSource, Secrets
from tracker.store.sites import find_site, site_no

FORMATS = click.Choice(["text", "json"])


@click.group()
def source() -> None:
    """touchline source add shop callrail --secret SIGNING-KEY

    Providers that post webhooks: call tracking, chats, forms, bookings, CRMs.
    """


@source.command()
@click.argument("site")
@click.argument("provider")
@click.option("--secret", callback=read_secret, help="What the provider signs with, or sends along; "
              "`touchline source steps` says what. `-` asks for it, or reads a line of stdin.")  # fmt: skip
@click.option("--verify-token", help="What a handshake must say (Meta).")
@click.option("--public-url", help="The hook's address as the provider knows it, where a proxy changes it.")
@click.option(
    "--url", help="The collector's address as the provider reaches it, such as https://example.com/t."
)
@click.option("--map", "mapped", multiple=True, metavar="FIELD=PATH", help="Where a field stands (generic).")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="kind, id, at ... (generic); won, lost, open (CRMs).",
)
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@pass_context
def add(context: Context, /, site: str, provider: str, form: str, **given: Any) -> None:
    """touchline source add shop callrail --secret SIGNING-KEY

    Give a provider an address to post to, and print it with what to enter where.
    """
    adapter = load_adapter(provider)
    secret = _checked(adapter, given["secret"])
    wanted = HookSource(
        0, SiteKey(site), adapter.name, "UTC", "", given["public_url"],
        _options(adapter, given["mapped"], given["options"]),
    )  # fmt: skip
    key = key_of(context.settings)
    with opened(context, write=True) as db:
        secrets = Secrets("", secret, verify_token=given["verify_token"])
        made, kept = store.add_hook(db, wanted, secrets, key=key, now_ms=_now_ms())
    _show(context, made, kept, form, base=given["url"])
    if secret is None and adapter.secret:
        click.echo(
            "without a secret this address alone is what proves a sender; to add it later, to this same "
            f"address: touchline source rotate {made.source_no} --secret -",
            err=True,
        )
    if secret is not None and adapter.verify is None:
        words = f"{adapter.label} proves nothing, so the secret is not asked for: keep the address secret"
        click.echo(words, err=True)


@source.command("list")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@pass_context
def show_all(context: Context, form: str) -> None:
    """touchline source list

    List the sources, with what they delivered.
    """
    with opened(context) as db:
        found = sorted(store.load_hooks(db).values(), key=lambda each: each.source_no)
        counts = store.deliveries(db)
    for each in found:
        messages, problems, last_ms = counts.get(each.source_no, (0, 0, None))
        last_at = None if last_ms is None else format_instant(last_ms)
        row = {"source": each.source_no, "site": each.site, "provider": each.provider,
               "deliveries": messages, "problems": problems, "last_at": last_at}  # fmt: skip
        click.echo(
            json.dumps(row) if form == "json" else "\t".join(str(value or "-") for value in row.values())
        )


@source.command("show")
@click.argument("number", type=int)
@click.option("--url", help="The collector's address as the provider reaches it.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@pass_context
def show_one(context: Context, number: int, url: str | None, form: str) -> None:
    """touchline source show 1

    Print a source's address again, what to enter where, and what could not be parsed.
    """
    with opened(context) as db:
        found = store.find_hook(db, number)
        problems = store.problems_of(db, number)
    secrets = store.open_secrets(found, key=key_of(context.settings))
    _show(context, found, secrets, form, base=url)
    for at, problem in problems:
        click.echo(f"{format_instant(at)}: {printable(problem)}", err=True)


@source.command()
@click.argument("number", type=int)
@click.option("--secret", required=True, callback=read_secret,
              help="The new secret; `-` asks for it, or reads a line of stdin.")  # fmt: skip
@click.option("--keep", "keep_h", type=click.IntRange(0, 720), default=72, show_default=True,
              help="Hours for which the one before is still valid.")  # fmt: skip
@pass_context
def rotate(context: Context, number: int, secret: str, keep_h: int) -> None:
    """touchline source rotate 1 --secret NEW --keep 72

    Change a source's secret; for a while both are valid, so that nothing is refused meanwhile.
    """
    key = key_of(context.settings)
    with opened(context, write=True) as db:
        found = store.find_hook(db, number)
        old = store.open_secrets(found, key=key)
        fresh = _checked(load_adapter(found.provider), secret)
        until_ms = _now_ms() + keep_h * HOUR_MS
        made = replace(old, secret=fresh, before=old.secret, before_until_ms=until_ms)
        store.put_secrets(db, number, made, key=key)
    if old.secret is None:
        click.echo("from now on a delivery is proved by this secret", err=True)
    else:
        click.echo(f"the secret before is valid until {format_instant(until_ms)}", err=True)


@source.command()
@click.argument("number", type=int)
@pass_context
def remove(context: Context, number: int) -> None:
    """touchline source remove 1

    Close a source's address. What it delivered stays.
    """
    with opened(context, write=True) as db:
        store.remove_hook(db, store.find_hook(db, number).source_no, _now_ms())
    click.echo("closed; the provider is answered 404 from now on", err=True)


@source.command()
@click.argument("provider", required=False)
def steps(provider: str | None) -> None:
    """touchline source steps callrail

    Say how a provider is connected, what its secret is, and what was checked; without a name, list them.
    """
    for name in [provider] if provider else NAMES:
        adapter = load_adapter(name)
        click.echo(f"{adapter.name}\t{adapter.label}")
        if provider:
            click.echo(_words(adapter, "URL"))
            click.echo(f"Checked against: {adapter.verified}")


@source.command("try")
@click.argument("provider")
@click.argument("file", type=click.File("rb"))
@click.option("--site", help="Whose time zone counts.")
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="A header of the delivery.")
@click.option("--map", "mapped", multiple=True, metavar="FIELD=PATH", help="As of `source add`.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="As of `source add`.")
@pass_context
def try_out(context: Context, /, provider: str, file: Any, site: str | None, **given: Any) -> None:
    """touchline source try generic pasted.json --map email=contact.mail

    Show the facts that a pasted payload would become, one a line; nothing is kept. `-` reads stdin.
    """
    adapter = load_adapter(provider)
    pairs = [each.partition(":") for each in given["headers"]]
    if bare := [name for name, colon, _ in pairs if not colon]:
        raise BadRequest("bad_fact", f"{bare[0]!r}: write NAME:VALUE", "--header")
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    zone = "UTC"
    if site:
        with opened(context) as db:
            zone = find_site(db, site).timezone
    options = _options(adapter, given["mapped"], given["options"])
    delivery = Delivery(file.read(), _now_ms(), headers, zone=zone, options=options)
    count = 0
    for fact in adapter.parse(delivery):
        click.echo(json.dumps(complete(fact, adapter, delivery, site=site or "SITE"), ensure_ascii=False))
        count += 1
    click.echo(f"{count} fact{'' if count == 1 else 's'}", err=True)
    if not count:
        click.echo("nothing: a test delivery, or an event that Touchline has no use for", err=True)


@click.group()
def replay() -> None:
    """touchline replay hooks --provider callrail

    Take again what was kept.
    """


@replay.command("hooks")
@click.option("--site", help="Of this site only.")
@click.option("--provider", help="Of this provider only.")
@pass_context
def replay_hooks(context: Context, site: str | None, provider: str | None) -> None:
    """touchline replay hooks --provider callrail

    Parse again what providers delivered, after an adapter was mended or a field map set.
    """
    from worker.hooks import replay as parse_again

    name = None if provider is None else load_adapter(provider).name
    key = key_of(context.settings)
    if site is not None:
        with opened(context) as db:
            site_no(db, site)
    outcome = parse_again(context.settings, key=key, site=site, provider=name)
    click.echo(
        f"{outcome.added:,} facts new, {outcome.repeated:,} as before, {outcome.gone:,} gone, "
        f"{outcome.problems:,} deliveries with a problem", err=True,
    )  # fmt: skip
    if outcome.problems:
        raise Failed("`touchline source show` says which deliveries could not be parsed, and why.")


@replay.command("rejects")
@pass_context
def replay_rejects(context: Context) -> None:
    """touchline replay rejects

    Take refused messages once more, after a site was added or after an upgrade. What is refused again
    comes back with the new reason.
    """
    from tracker.cli.facts import drain_now
    from worker.again import replay_rejects as take_again

    with open_log(context.settings) as client:
        replayed = take_again(context.settings, client)
        told = {"again": replayed.again, "left": replayed.left, **drain_now(context.settings, client)}
    click.echo(json.dumps(told))


def _show(context: Context, found: HookSource, secrets: Secrets, form: str, *, base: str | None) -> None:
    adapter = load_adapter(found.provider)
    root = collector_url(context, base, caller="the provider")
    url = f"{root}/hooks/{secrets.token}/{found.provider}"
    if form == "json":
        said = {
            "source": found.source_no, "site": found.site, "provider": found.provider, "url": url,
            "has_secret": bool(secrets.secret),
            "steps": [step.replace("{url}", url) for step in adapter.steps],
        }  # fmt: skip
        click.echo(json.dumps(said, ensure_ascii=False))
    else:
        click.echo(url)
        click.echo(f"Source {found.source_no}: {adapter.label} for {found.site}", err=True)
        click.echo(_words(adapter, url), err=True)


def _words(adapter: Adapter, url: str) -> str:
    lines = [f"{number}. {step.replace('{url}', url)}" for number, step in enumerate(adapter.steps, 1)]
    return "\n".join([*lines, f"Secret: {adapter.secret}" if adapter.secret else "It signs nothing."])


def _checked(adapter: Adapter, secret: str | None) -> str | None:
    """Check that a secret is written as the provider's is."""
    if secret is not None and not secret.strip():
        raise BadRequest("bad_fact", "the secret is empty")
    if secret and adapter.wants_user and ":" not in secret:
        raise BadRequest(
            "bad_fact", f"{adapter.label} sends a user and a password; write --secret USER:PASSWORD"
        )
    return secret.strip() if secret else None


def _options(adapter: Adapter, mapped: tuple[str, ...], options: tuple[str, ...]) -> Mapping[str, Any]:
    """Read NAME=VALUE pairs, of names that the adapter knows."""
    for each in (*mapped, *options):
        if not each.partition("=")[0] or "=" not in each:
            raise BadRequest("bad_fact", f"{each!r}: write NAME=VALUE")
    if mapped and "map" not in adapter.options:
        words = f"{adapter.label} needs no field map; --map is for generic and standardwebhooks"
        raise BadRequest("bad_fact", words, "--map")
    known = [name for name in adapter.options if name != "map"]
    for each in options:
        if each.partition("=")[0] not in known:
            words = f"write one of {', '.join(known)}" if known else f"{adapter.label} takes none"
            raise BadRequest("bad_fact", f"{words}, not {each!r}", "--option")
    fields = dict(each.split("=", 1) for each in mapped)
    return dict(each.split("=", 1) for each in options) | ({"map": fields} if fields else {})


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
