"""The verbs of number pools: `pool add`, `pool remove`, `pool list`, `pool report`."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict

import click

from tracker.cli import Context, pass_context
from tracker.cli.workspace import opened
from tracker.core.channels import CHANNELS
from tracker.core.contacts import normalise_phone
from tracker.errors import BadRequest
from tracker.model import Pool, Site, SiteKey
from tracker.store import pools as store
from tracker.store.rules import load_rule_sets
from tracker.store.sites import find_site, site_no, site_numbers

HOLD = "20m"
LONGEST_HOLD_S = 86_400

_SPAN = re.compile(r"(\d+)\s*(s|m|min|h|)", re.IGNORECASE)
_UNITS_S = {"s": 1, "": 1, "m": 60, "min": 60, "h": 3_600}


@click.group()
def pool() -> None:
    """touchline pool add shop main --number +442079460001 --number +442079460002 --fallback +442079460000

    Number pools: numbers that the pages of a site show to one visitor each, so that a call tells whose
    visit it came from.
    """


@pool.command()
@click.argument("site")
@click.argument("name", metavar="POOL")
@click.argument("more", metavar="[N|C]...", nargs=-1)
@click.option("--number", "numbers", multiple=True, help="A number of the pool; several may follow.")
@click.option("--fallback", help="The number that stands on the page; shown where none is free.")
@click.option("--hold", help=f"How long a number is kept after its visitor was seen.  [default: {HOLD}]")
@click.option("--channel", "channels", multiple=True,
              help="Serve only sessions of this channel; several may follow.  [default: all]")  # fmt: skip
@pass_context
def add(
    context: Context, site: str, name: str, more: tuple[str, ...], numbers: tuple[str, ...],
    fallback: str | None, hold: str | None, channels: tuple[str, ...],
) -> None:  # fmt: skip
    """touchline pool add shop main --number +442079460001 +442079460002 --fallback +442079460000 --hold 20m

    Make a number pool, or extend it. Said again for the same pool, numbers are added to those it has;
    fallback, hold and channels become what is given, and stay where nothing is given. `pool remove` takes
    numbers out.
    """
    with opened(context, write=True) as db:
        own = find_site(db, site)
        known = store.find_pool(db, site, _name(name))
        served = [*channels, *(word for word in more if not _is_number(word))]
        said = [*numbers, *(word for word in more if _is_number(word))]
        if fallback is None and known is None:
            raise BadRequest("bad_fact", "say which number stands on the page", "--fallback")
        before = known or Pool(name, (), _phone(fallback or "", own))
        made = Pool(
            name,
            tuple(_phone(word, own) for word in said),
            before.fallback if fallback is None else _phone(fallback, own),
            _seconds(hold) if hold or known is None else before.hold_s,
            _channels(db, served, site) if served else before.channels,
        )
        whole = store.put_pool(db, made, site=SiteKey(site))
    click.echo(json.dumps(asdict(whole)))
    click.echo(f"paste the tag of the site anew, it names the pool: touchline snippet {site}", err=True)


@pool.command()
@click.argument("site")
@click.argument("name", metavar="POOL")
@click.argument("more", metavar="[N]...", nargs=-1)
@click.option("--number", "numbers", multiple=True, help="A number to take out; several may follow.")
@pass_context
def remove(context: Context, site: str, name: str, more: tuple[str, ...], numbers: tuple[str, ...]) -> None:
    """touchline pool remove shop main --number +442079460002

    Take numbers out of a pool, or the pool away where none is named. Calls to them are still matched by
    the leases there were.
    """
    with opened(context, write=True) as db:
        own = find_site(db, site)
        gone = [_phone(word, own) for word in (*numbers, *more)]
        store.drop_numbers(db, name, gone, site=SiteKey(site))
    click.echo(f"removed {len(gone)} numbers" if gone else "removed", err=True)


@pool.command("list")
@click.argument("site", required=False)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@pass_context
def show(context: Context, site: str | None, form: str) -> None:
    """touchline pool list

    List the number pools.
    """
    with opened(context) as db:
        if site is not None:
            site_no(db, site)
        found = store.load_pools(db)
    for key, pools in sorted(found.items()):
        for each in pools.values() if site in (None, key) else ():
            if form == "json":
                click.echo(json.dumps({"site": key, **asdict(each)}))
            else:
                served = ", ".join(each.channels) or "all channels"
                size = f"{len(each.numbers)} numbers"
                click.echo(f"{key}\t{each.name}\t{size}\t{each.fallback}\t{each.hold_s} s\t{served}")


@pool.command()
@click.argument("site")
@click.argument("name", metavar="[POOL]", required=False)
@click.option("--days", type=click.IntRange(1), default=30, show_default=True,
              help="How far back from the last that is known of a pool.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@pass_context
def report(context: Context, site: str, name: str | None, days: int, form: str) -> None:
    """touchline pool report shop main

    Tell whether a pool is large enough: numbers in use by the hour, visitors for whom none was free,
    calls that several visitors may have made or that came too late, and the size that is enough for
    99 % of the time in a busy hour.
    """
    from tracker.cli.poolwords import described, told
    from tracker.store.poolreport import load_use, pools_of

    with opened(context) as db:
        own = find_site(db, site)
        pools = pools_of(db, site)
        if name is not None and name not in pools:
            raise BadRequest("bad_fact", f"the site {site!r} has no pool {name!r}", "POOL")
        wanted = [each for each in pools.values() if name in (None, each.name)]
        found = [described(own, each, load_use(db, site, each, days=days)) for each in wanted]
    if not found:
        click.echo(f"the site {site!r} has no pool yet: touchline pool add", err=True)
    for each in found:
        click.echo(json.dumps(each) if form == "json" else told(each, own.timezone))


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", text):
        raise BadRequest("bad_fact", f"{text!r} cannot be a pool; write letters, digits, dots, dashes")
    return text


def _is_number(word: str) -> bool:
    return any(char.isdigit() for char in word)


def _phone(text: str, site: Site) -> str:
    number = normalise_phone(text, site.region)
    if number is None:
        raise BadRequest("bad_fact", f"{text!r} is no phone number; write it with its country, +44...")
    return number


def _seconds(text: str | None) -> int:
    found = _SPAN.fullmatch((text or HOLD).strip())
    seconds = int(found[1]) * _UNITS_S[found[2].lower()] if found else 0
    if not 0 < seconds <= LONGEST_HOLD_S:
        raise BadRequest("bad_fact", f"{text!r} is no time to hold; write such as 20m, at most 24h", "--hold")
    return seconds


def _channels(db: sqlite3.Connection, wanted: Iterable[str], site: str) -> tuple[str, ...]:
    """Read names of channels: Google's, or those of the site's own rules; case does not matter."""
    own = load_rule_sets(db)[site_numbers(db)[site]].own_rules
    known = {name.lower(): name for name in (*CHANNELS, *(rule.channel for rule in own))}
    names = [word.strip() for text in wanted for word in text.split(",")]
    if strangers := [name for name in names if name.lower() not in known]:
        words = ", ".join(sorted(known.values()))
        raise BadRequest("bad_fact", f"{strangers[0]!r} is no channel; write one of {words}", "--channel")
    return tuple(dict.fromkeys(known[name.lower()] for name in names))
