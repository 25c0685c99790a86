"""The verb `classify`: the rules of sources, channels, devices and bots over lines of JSON.

No server and no data directory is needed, unless a line names a site.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from functools import cached_property
from typing import Any

import click
import msgspec

from tracker.cli import Context, pass_context
from tracker.core.bots import bot_reason
from tracker.core.click_ids import find_click_ids
from tracker.core.devices import describe_device
from tracker.core.hosts import clean_host, registrable_domain
from tracker.core.rules import DEFAULT_RULES, RuleSet
from tracker.core.sources import decide_source
from tracker.core.urls import read_page, read_tags, split_url
from tracker.errors import BadFact, TouchlineError
from tracker.model import Page

_TEXTS = ("url", "referrer", "user_agent", "site")
_BOM = b"\xef\xbb\xbf"


@click.command()
@pass_context
def classify(context: Context) -> None:
    """echo '{"url": "https://shop.example/?gclid=x"}' | touchline classify

    Read JSON Lines with url, referrer, user_agent, client_hints, site_domains or site, and write the same
    lines with source, medium, campaign, channel, rule, click ids, bot, browser, os, device and the
    canonical URL. A line that cannot be read gives {"error": ...} in its place.
    """
    for answer in classify_lines(sys.stdin.buffer, Sites(context)):
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


class Sites:
    """The sites of the data directory, opened when the first line names one."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def find(self, key: str) -> tuple[tuple[str, ...], RuleSet]:
        """Give a site's domains and its rules.

        Raises:
            BadFact: no such site.
        """
        if key not in self._known:
            raise BadFact("no_site", f"there is no site {key!r} in {self._context.settings.data}", "site")
        return self._known[key]

    @cached_property
    def _known(self) -> dict[str, tuple[tuple[str, ...], RuleSet]]:
        from tracker.store.db import FILE, open_store
        from tracker.store.lists import load_overlay
        from tracker.store.rules import load_rule_sets
        from tracker.store.sites import numbered_sites

        data = self._context.settings.data
        if not (data / FILE).exists():
            return {}
        overlay = load_overlay(data)
        with closing(open_store(data)) as db:
            rules = load_rule_sets(db, overlay)
            return {site.key: (site.domains, rules[no]) for no, site in numbered_sites(db).items()}


def classify_lines(lines: Iterable[bytes], sites: Sites) -> Iterator[dict[str, Any]]:
    """Classify lines of JSON; a blank line has no answer, a line that cannot be read has its error."""
    for line in lines:
        text = line.removeprefix(_BOM).strip()
        if text:
            yield _answer(text, sites)


def _answer(text: bytes, sites: Sites) -> dict[str, Any]:
    try:
        given = _check(msgspec.json.decode(text))
        return given | classify_one(given, sites)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        return {"error": f"not a JSON object: {error}"}
    except TouchlineError as error:
        return {"error": str(error)}


def classify_one(given: Mapping[str, Any], sites: Sites) -> dict[str, Any]:
    """Classify one arrival.

    Raises:
        BadFact: no such site.
        BadUrl: the URL cannot be read.
    """
    url, user_agent, hints = given.get("url"), given.get("user_agent"), given.get("client_hints")
    page = read_page(url) if url is not None else None
    own_domains, rules = _own(given, page, sites)
    source = decide_source(page.tags if page else (), given.get("referrer"), own_domains, rules)
    device = describe_device(user_agent, hints)
    return {
        "source": source.source, "medium": source.medium, "campaign": source.campaign, "term": source.term,
        "content": source.content, "channel": source.channel, "rule": source.rule,
        "click_ids": [
            {"name": click.name, "value": click.value, "network": click.network, "kind": click.kind}
            for click in find_click_ids(read_tags(url) if url is not None else ())
        ],
        **_bot(user_agent, hints),
        "browser": device.browser, "browser_version": device.browser_version, "os": device.os,
        "os_version": device.os_version, "device": device.device,
        "canonical_url": page.canonical if page else None,
    }  # fmt: skip


def _check(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise BadFact("bad_json", "write a JSON object on every line")
    for name in _TEXTS:
        if not isinstance(given.get(name), str | None):
            raise BadFact("bad_fact", "write a text", name)
    if not isinstance(given.get("client_hints"), Mapping | None):
        raise BadFact("bad_fact", "write an object", "client_hints")
    domains = given.get("site_domains")
    if domains is not None and not (
        isinstance(domains, list) and all(isinstance(each, str) for each in domains)
    ):
        raise BadFact("bad_fact", "write a list of host names", "site_domains")
    if all(given.get(name) is None for name in ("url", "referrer", "user_agent", "client_hints")):
        raise BadFact("bad_fact", "write the page's URL", "url")
    return given


def _own(given: Mapping[str, Any], page: Page | None, sites: Sites) -> tuple[tuple[str, ...], RuleSet]:
    """Say which domains are one's own: as given, else the site's, else the URL's own."""
    domains, rules = sites.find(given["site"]) if given.get("site") is not None else ((), DEFAULT_RULES)
    listed = given.get("site_domains")
    if listed is not None:
        return tuple(_domain(each) for each in listed), rules
    if not domains and page is not None:
        domains = (registrable_domain(page.host) or page.host,)
    return domains, rules


def _domain(text: str) -> str:
    parts = split_url(text)
    return parts.host if parts is not None else clean_host(text.strip().lower()) or ""


def _bot(user_agent: str | None, hints: Mapping[str, Any] | None) -> dict[str, Any]:
    """Say whether a bot came; nothing is known where no user agent was given."""
    driven = "webdriver" if hints is not None and hints.get("webdriver") is True else None
    reason = bot_reason(user_agent) or driven
    return {
        "is_bot": None if user_agent is None and reason is None else reason is not None,
        "bot_reason": reason,
    }
