"""What chats have in common: who said what, plain words out of markup, and names that nobody bears.

Which events of a provider are a chat, and who began it, is decided in its own adapter.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tracker.providers.reading import text

_BREAK = re.compile(r"<(?:br|/p|/div|/li|/tr|/h\d)\b[^<>]*>", re.IGNORECASE)
_SILENT = re.compile(r"<(script|style)\b(?:(?!<\1\b).)*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z!][^<>]*>")
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")

_COLOURS = (
    "aqua|aquamarine|azure|beige|blue|bronze|burgundy|charcoal|chartreuse|copper|crimson|cyan|fuchsia|golden"
    "|ivory|khaki|lavender|lilac|lime|magenta|maroon|mauve|mint|navy|ochre|orange|peach|periwinkle|pink|plum"
    "|purple|red|salmon|silver|tan|taupe|teal|turquoise|yellow"
)
_COLOURS_THAT_NAME_PEOPLE = (
    "amber|black|brown|coral|emerald|gold|gray|green|grey|hazel|indigo|jade|olive|pearl|rose|ruby|scarlet"
    "|violet|white"
)
_MADE_UP = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"v\d{6,}",  # tawk.to
        r"(?:visitor|guest|client)[\s#:_-]*(?:[0-9a-f-]*\d[0-9a-f-]*)?",  # Crisp, Zendesk, LiveChat
        r"(?:unnamed |anonymous |unknown |website |new )?"
        r"(?:customer|visitor|contact|user|lead|guest|anonymous|unknown|unnamed)",
        rf"(?:{_COLOURS}|{_COLOURS_THAT_NAME_PEOPLE}) [a-z]+ from \S.*",  # Intercom
        rf"(?:{_COLOURS}) [a-z]+",  # Intercom, Freshchat
        r"[a-z]+-[a-z]+-\d+",  # Chatwoot
        r".+ #\d+",  # Olark: a place and a number
        r"\S+@\S+|\+?[\d\s().-]{5,}",  # an address, a number
    )
)
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said in a chat, by whom as a reader should see it."""

    by: str
    said: str | None


def plain(value: Any) -> str | None:
    """Read a message as plain text: markup is dropped, a paragraph is a line."""
    said = text(value)
    if said is None:
        return None
    if "<" in said:
        said = _TAG.sub("", _BREAK.sub("\n", _SILENT.sub("", said)))
    said = _SPACES.sub(" ", html.unescape(said))
    return _LINES.sub("\n", said).strip() or None


def transcript(lines: Iterable[Line]) -> str | None:
    """Write a chat down, a line each."""
    return "\n".join(f"{each.by}: {each.said}" for each in lines if each.said) or None


def real_name(value: Any) -> str | None:
    """Read a name; one that the provider made up for a stranger is none."""
    said = text(value)
    if said is None or len(said) > _LONGEST_NAME:
        return None
    return None if any(each.fullmatch(said) for each in _MADE_UP) else said
