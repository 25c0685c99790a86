"""The verbs of configuration: `site`, `number`, `snippet`."""

from __future__ import annotations

import json
import re
import time
import tomllib
import zoneinfo
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli import Context, pass_context
from tracker.cli.workspace import collector_url, key_of, opened
from tracker.core.times import format_instant
from tracker.errors import BadRequest
from tracker.model import Site, SiteKey
from tracker.store import sites as store
from tracker.store.pools import check_is_free, load_pools

if TYPE_CHECKING:
    from tracker.store.rules import Column

PURPOSES = ("leads", "deals", "persons", "erase")


@click.group()
def site() -> None:
    """touchline site add shop --domain example.com --timezone Europe/London --currency GBP --region GB

    The tracked properties: each has a key, its domains, a time zone and a currency.
    """


@site.command()
@click.argument("key")
@click.option(
    "--domain", "domains", multiple=True, required=True, help="A host; what lies below it counts too."
)
@click.option("--timezone", default="UTC", show_default=True, help="IANA name, for display and day buckets.")
@click.option("--currency", default="USD", show_default=True, help="ISO 4217.")
@click.option(
    "--region", default="US", show_default=True, help="ISO 3166; how national phone numbers are read."
)
@click.option("--consent", type=click.Choice(["granted", "required"]), default="granted", show_default=True,
              help="What a hit without a word on consent means.")  # fmt: skip
@click.option("--honour-gpc/--ignore-gpc", default=True, show_default=True, help="Global Privacy Control.")
@click.option("--honour-dnt/--ignore-dnt", default=False, show_default=True, help="Do Not Track.")
@click.option("--cross-site", is_flag=True, help="The collector is on another site than the pages.")
@pass_context
def add(context: Context, /, key: str, domains: tuple[str, ...], **given: object) -> None:
    """touchline site add shop --domain example.com

    Add a site. KEY is the name that stands in its script tag.
    """
    made = Site(SiteKey(_key(key)), tuple(_host(domain) for domain in domains), **_checked(given))  # type: ignore[arg-type]
    with opened(context, write=True) as db:
        store.add_site(db, made)
    click.echo(f"added; paste its tag: touchline snippet {key}", err=True)


@site.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@pass_context
def show(context: Context, form: str) -> None:
    """touchline site list

    List the sites.
    """
    with opened(context) as db:
        found = sorted(store.load_sites(db).values(), key=lambda each: each.key)
    for each in found:
        if form == "json":
            click.echo(json.dumps(asdict(each)))
        else:
            domains = ", ".join(each.domains)
            click.echo(
                f"{each.key}\t{domains}\t{each.timezone}\t{each.currency}\t{each.region}\t{each.consent}"
            )


@site.command()
@click.argument("key")
@click.option("--purpose", type=click.Choice(PURPOSES), required=True, help="What its bearer may do.")
@pass_context
def token(context: Context, key: str, purpose: str) -> None:
    """touchline site token shop --purpose leads

    Make a token and print it once; only its hash is kept. `leads` may post leads, identifies and
    consents, `deals` a CRM's contacts and activities, either a word on a lead's status, `persons` an
    operator's word on who is who (split, same).
    """
    with opened(context, write=True) as db:
        now_ms = int(time.time() * 1_000)
        click.echo(store.add_token(db, site=SiteKey(key), purpose=purpose, now_ms=now_ms))


@site.command()
@click.argument("key")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@pass_context
def tokens(context: Context, key: str, form: str) -> None:
    """touchline site tokens shop

    List a site's tokens by the names that `site revoke` takes: what each may do, and since when.
    """
    with opened(context) as db:
        found = store.list_tokens(db, SiteKey(key))
    for each in found:
        said = {"name": each.name, "purpose": each.purpose, "created_at": format_instant(each.created_ms)}
        click.echo(json.dumps(said) if form == "json" else "\t".join(said.values()))


@site.command()
@click.argument("key")
@click.argument("token")
@pass_context
def revoke(context: Context, key: str, token: str) -> None:
    """touchline site revoke shop 5f0c9a2b1e44

    Take a token back, as when it was seen by others. TOKEN is the token itself, or its name in `site
    tokens`. What came by it stays.
    """
    with opened(context, write=True) as db:
        store.revoke_token(db, token, site=SiteKey(key), now_ms=int(time.time() * 1_000))
    click.echo("revoked; a collector that runs answers it with 401 within some seconds", err=True)


@site.command()
@click.argument("key")
@click.option(
    "--match/--no-match", "is_on", required=True, help="Match chats without a name by page and time."
)
@pass_context
def pages(context: Context, key: str, is_on: bool) -> None:
    """touchline site pages shop --match

    Match a chat that brings no address, id or number with the visitor who alone was on its page
    within two minutes (M8). It is off until you say so; the next drain matches the site's chats
    again.
    """
    with opened(context, write=True) as db:
        store.match_pages(db, key, is_on=is_on)
    click.echo(
        f"chats are {'' if is_on else 'not '}matched by page and time; run `touchline drain`", err=True
    )


@site.command()
@click.argument("key")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would differ, and change nothing.")
@pass_context
def rules(context: Context, key: str, file: Path, dry_run: bool) -> None:
    """touchline site rules shop rules.toml --dry-run

    Give a site rules of its own, tried before the defaults, and make its history anew by them.
    FILE is TOML: [[rule]] with name, channel and patterns for source, medium, campaign or
    referrer_host; [[source]] with source, category and hosts; switched_off, a list of deviations
    from Google's channels. An empty file takes a site's own rules away.
    """
    _change_rules(context, key, file, "rules", is_dry_run=dry_run)


@site.command()
@click.argument("key")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would differ, and change nothing.")
@pass_context
def qualify(context: Context, key: str, file: Path, dry_run: bool) -> None:
    """touchline site qualify shop rules.toml --dry-run

    Give a site rules of its own for what leads are worth, and judge all of its leads by them.
    FILE is TOML: [[rule]] with name, status and conditions (kind, provider, channel, source, country,
    email, words, answered, duration_s, score, pages), tried in order after the default rules; blocked, a
    list of addresses, @domains and numbers; switched_off, names of default rules. An empty file takes a
    site's own rules away.
    """
    _change_rules(context, key, file, "quality", is_dry_run=dry_run)


def _change_rules(context: Context, key: str, file: Path, column: Column, *, is_dry_run: bool) -> None:
    """Read rules of a site, and make history anew by them."""
    from tracker.store.rules import RuleChange, check_quality_rules, check_rules
    from worker.rebuild import change_rules

    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRequest("bad_fact", f"{file} is no TOML: {error}") from error
    kept = check_rules(raw) if column == "rules" else check_quality_rules(raw)
    settings = context.settings
    change = RuleChange(SiteKey(key), kept, is_dry_run=is_dry_run, column=column)
    secret = key_of(settings)
    count = change_rules(settings, change, key=secret, tell=lambda each: click.echo(str(each)))
    click.echo(f"{count:,} rows {'would differ' if is_dry_run else 'differed'}", err=True)


@click.group()
def number() -> None:
    """touchline number add shop +442079460000 --source leaflet --medium print

    Static numbers: each stands for one source, such as a leaflet.
    """


@number.command("add")
@click.argument("key")
@click.argument("phone")
@click.option("--source", required=True)
@click.option("--medium", required=True)
@click.option("--campaign")
@pass_context
def add_number(
    context: Context, key: str, phone: str, source: str, medium: str, campaign: str | None
) -> None:
    """touchline number add shop "020 7946 0000" --source leaflet --medium print

    Say what a number stands for; calls to it that came in already are matched again.
    """
    from tracker.core.contacts import normalise_phone

    with opened(context, write=True) as db:
        line = normalise_phone(phone, store.find_site(db, key).region)
        if line is None:
            raise BadRequest("bad_fact", f"{phone!r} is no phone number; write it with its country, +44...")
        check_is_free(db, line)
        store.put_static_number(db, store.StaticNumber(line, source, medium, campaign), site=SiteKey(key))
    click.echo(line)


@click.command()
@click.argument("key")
@click.option("--url", help="The collector's address as the page sees it, such as https://example.com/t.")
@pass_context
def snippet(context: Context, key: str, url: str | None) -> None:
    """touchline snippet shop --url https://example.com/t

    Print the script tag to paste into every page of a site.
    """
    from tracker.web.snippet import site_snippet as tag

    with opened(context) as db:
        site = store.find_site(db, key)
        pools = load_pools(db).get(site.key, {})
    click.echo(tag(site, collector_url(context, url, caller="the page"), pools=pools))


def _key(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", text):
        raise BadRequest("no_site", f"{text!r} cannot be a key; write letters, digits, dots, dashes")
    return text


def _host(text: str) -> str:
    from tracker.core.hosts import clean_host

    bare = re.sub(r"^\w+://|[/:].*$", "", text.strip().lower()).removeprefix("*.").strip(".")
    host = clean_host(bare)
    if host is None:
        raise BadRequest("bad_url", f"{text!r} is no host; write such as example.com")
    return host


def _checked(given: dict[str, object]) -> dict[str, object]:
    """Check zone, currency and region."""
    from phonenumbers import SUPPORTED_REGIONS

    if given["timezone"] not in zoneinfo.available_timezones():
        raise BadRequest("bad_fact", f"{given['timezone']!r} is no time zone; write such as Europe/London")
    for name, length in (("currency", 3), ("region", 2)):
        given[name] = str(given[name]).upper()
        if not re.fullmatch(rf"[A-Z]{{{length}}}", str(given[name])):
            raise BadRequest("bad_fact", f"{given[name]!r} is no {name}; write {length} letters")
    if given["region"] not in SUPPORTED_REGIONS:
        words = f"numbers cannot be read as those of {given['region']!r}; write a country such as GB or US"
        raise BadRequest("bad_fact", words, "--region")
    return given
