"""What a lead's provider itself says of where the lead came from: parameters, click ids, pages, a referrer.

It decides the source of a lead that no visitor's session decides, and its click ids may tell the visitor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracker.core.click_ids import CLICK_NAMES, TELLING_NAMES, find_click_ids
from tracker.core.tags import tidy_tags
from tracker.core.urls import read_page
from tracker.errors import BadUrl

Tags = tuple[tuple[str, str], ...]

_PLAIN_WORDS = (
    ("source_name", "utm_source"), ("medium", "utm_medium"), ("campaign_name", "utm_campaign"),
    ("campaign", "utm_campaign"), ("keywords", "utm_term"), ("keyword", "utm_term"),
)  # fmt: skip
"""How providers name a source in words of their own; they count where `source_name` is among them."""
PAGES = ("landing_page", "page_url")
"""Pages that a lead names; what the first says of the arrival goes before what the second does."""


def said_tags(fields: Mapping[str, Any]) -> Tags:
    """Gather the campaign parameters and click ids that a lead brings.

    Args:
        fields: the lead's, of all versions together, with those that nobody knows under `extra`.

    Returns:
        The first value of each that says something: the provider's own, then those of the pages.
    """
    said = {**fields.get("extra", {}), **fields}
    pages = said.get("page_tags")
    of_pages = pages.items() if isinstance(pages, Mapping) else ()
    in_words = [*_named(said), *_worded(said), *of_pages]
    return tidy_tags((name, value) for name, value in in_words if isinstance(value, str))


def tags_of_pages(pages: Mapping[str, str]) -> dict[str, str]:
    """Read the campaign parameters and click ids of the pages that a lead names, by its field."""
    return dict(tidy_tags(tag for name in PAGES for tag in _tags_of(pages.get(name, ""))))


def _tags_of(url: str) -> Tags:
    """Read the tags of a page's URL, with or without its scheme; none where it is no URL."""
    try:
        return read_page(url if "://" in url else f"https://{url}").tags
    except BadUrl:
        return ()


def telling_clicks(tags: Tags) -> list[tuple[str, str]]:
    """Pick the click ids of which one value may tell a visitor from all others: official name and value."""
    return [(each.name, each.value) for each in find_click_ids(tags) if each.name in TELLING_NAMES]


def _named(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(said.items()):
        if isinstance(value, str) and (name.lower().startswith("utm_") or name.lower() in CLICK_NAMES):
            yield name, value


def _worded(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if isinstance(said.get("source_name"), str):
        for name, tag in _PLAIN_WORDS:
            if isinstance(said.get(name), str):
                yield tag, said[name]
