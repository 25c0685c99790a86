"""Public lists of senders: Matomo's search-engine, social and AI lists as rows of our own table.

A list knows hosts under a name; `{}` in them is a country's ending or a language's label. What the rows
are good for beside our own table is decided in `tracker.core.rules`.

Source: https://github.com/matomo-org/searchengine-and-social-list (CC0)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from tracker.core.rules import DEFAULT_RULES, Category
from tracker.core.tables import Row
from tracker.core.urls import split_url
from tracker.core.words import fold
from tracker.errors import BadRequest

COLUMNS = ("source", "category", "company", "hosts", "apps", "names")
MOST_NAMES = 20_000

_APP = re.compile(r"(?:android-app://?)?((?:com|org|net|io)\.[a-z][\w.]*\.\w+)/?", re.IGNORECASE)
_NAME_BREAKS = re.compile(r"[^\w.+-]+")


def rows_of_list(document: object, category: Category) -> list[Row]:
    """Turn a list into rows of the table of senders.

    Args:
        document: the list as YAML gives it: names to hosts, or to groups with `urls`.
        category: what kind of site the list is about.

    Raises:
        BadRequest: it is no such list.
    """
    if not isinstance(document, Mapping) or len(document) > MOST_NAMES:
        raise BadRequest("bad_fact", "write a mapping of names to hosts, as Matomo's lists are")
    return [row for name, entry in document.items() if (row := _row(str(name), entry, category))]


def is_search_list(document: object) -> bool:
    """Tell a list of search engines, whose hosts stand in groups, from the others."""
    entries = document.values() if isinstance(document, Mapping) else ()
    return any(isinstance(each, Mapping) for entry in entries if isinstance(entry, list) for each in entry)


def _row(name: str, entry: object, category: Category) -> Row | None:
    hosts, apps = set(), set()
    for text in _urls(name, entry):
        app = _APP.fullmatch(text)
        if app is not None:
            apps.add(app[1].lower())
        elif (host := _host(text)) is not None:
            hosts.add(host)
    if not hosts and not apps:
        return None
    known = DEFAULT_RULES.names.get(fold(name.rstrip("!")))
    source = known.source if known is not None else _NAME_BREAKS.sub("-", name.lower()).strip("-")
    company = known.company if known is not None else source
    cells = (source, category, company, " ".join(sorted(hosts)), " ".join(sorted(apps)), "")
    return dict(zip(COLUMNS, cells, strict=True))


def _urls(name: str, entry: object) -> Iterator[str]:
    if not isinstance(entry, list):
        raise BadRequest("bad_fact", "write a list of hosts", name)
    for each in entry:
        urls: Iterable[object] = each.get("urls") or () if isinstance(each, Mapping) else (each,)
        yield from (str(url).strip() for url in urls)


def _host(text: str) -> str | None:
    """Spell a list's host as a pattern of ours; sub-domains are always meant."""
    plain = text.removeprefix("{}.").removeprefix("www.")
    host, slash, path = plain.partition("/")
    stem = host.removesuffix(".{}")
    parts = split_url(f"http://{stem}.com/" if stem != host else f"http://{host}/")
    if parts is None or "{" in stem or "." not in parts.host:
        return None
    name = f"{parts.host.removesuffix('.com')}.*" if stem != host else parts.host
    return f"{name}{slash}{path}".rstrip("/")
