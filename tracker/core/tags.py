"""Tags: the campaign parameters and click ids that a URL carries, and what else its parameters are.

A tag's name is in lower case, its value what was meant: decoded, at most 500 characters, no personal
data, never an unexpanded macro. What the tags mean is decided in `tracker.core.sources`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from urllib.parse import unquote

from tracker.core.click_ids import CLICK_NAMES, PERSONAL_NAMES
from tracker.core.redact import REDACTED, clean_text, is_denied
from tracker.core.tables import read_table, read_words

VALUE_LIMIT = 500
_CACHED_LENGTH = 128

CAMPAIGN_FIELDS = {row["name"]: (row["field"], int(row["rank"])) for row in read_table("campaign_params")}
"""The field that each campaign parameter fills, and its rank among those that fill it (1 wins)."""

BARE_RANK = 4
"""From this rank on a name is an everyday word, which a page may use for itself."""

TAG_NAMES = frozenset(CAMPAIGN_FIELDS) | CLICK_NAMES

_CAMPAIGN_PREFIXES = ("utm_", "mtm_", "matomo_", "pk_", "piwik_", "hsa_")
_NOISE = read_words("url_noise", "names")
_NUMBERED = CLICK_NAMES | {"utm_id", "mtm_cid", "matomo_cid", "pk_cid", "piwik_cid", "hsa_cam", "hsa_ad"}

_NOTHING = frozenset({"null", "undefined", "nan", "(not set)", "(not provided)", "[object object]"})
_LONGEST_NOTHING = max(map(len, _NOTHING))
_MACRO_SIGNS = frozenset("{$#%_*<[")
_MACRO = re.compile(
    r"\{.*\}|\$\{.*\}|#\{.*\}|\$\(.*\)|%%.*%%|%[a-z_]+%|__[a-z0-9_.-]+__|\*\|.*\|\*|%e[a-z]+!|<[^<>]*>"
    r"|\[\[.*\]\]|\[(?!redacted\])[^\[\]]*\]",
    re.IGNORECASE | re.DOTALL,
)
_TOKEN = re.compile(r"[\w.~-]+", re.ASCII)


class Role(Enum):
    """What a URL's parameter is to us."""

    TAG = "tells the source; kept beside the URL, not in it"
    NOISE = "tells nothing; dropped"
    DENIED = "may name a person or open a door; its value is hidden"
    PLAIN = "part of the page's address"


def role(name: str) -> Role:
    """Say what a parameter of this name is; case does not matter."""
    lower = name.lower()
    if lower in TAG_NAMES:
        return Role.TAG
    if lower in _NOISE or lower.startswith(_CAMPAIGN_PREFIXES):
        return Role.NOISE
    return Role.DENIED if is_denied(name) else Role.PLAIN


def read_value(name: str, raw: str, *, keep_personal: bool = False) -> str | None:
    """Read the value of a tag as it stands in a URL.

    Args:
        name: the tag's name in lower case.
        raw: percent-encoded, with `+` for a space.
        keep_personal: also what names a person, for an answer that is not stored.

    Returns:
        The value, or none where it says nothing.
    """
    if name not in CLICK_NAMES and len(raw) <= _CACHED_LENGTH:
        return _read_cached(name, raw, keep_personal)
    return _read(name, raw, keep_personal)


def _read(name: str, raw: str, keep_personal: bool) -> str | None:
    if raw.startswith("%e") and _MACRO.fullmatch(raw):
        return None  # Campaign Manager's `%ebuy!` would be read as an escape
    text = raw.replace("+", " ") if "+" in raw and name not in CLICK_NAMES else raw
    return tidy_value(name, unquote(text) if "%" in text else text, keep_personal=keep_personal)


_read_cached = lru_cache(maxsize=4_096)(_read)


def tidy_value(name: str, text: str, *, keep_personal: bool = False) -> str | None:
    """Make a tag's value fit to be stored.

    Numbers that ad networks give out are no card numbers, whatever their check digit says.

    Returns:
        At most 500 characters without personal data; none for an empty value and for a macro that the
        sender forgot to expand (`{gclid}`, `{{ad.name}}`, `__CID__`, `null`).
    """
    value = text.strip()
    if not value or _says_nothing(value):
        return None
    if keep_personal:
        return value[:VALUE_LIMIT]
    if name in PERSONAL_NAMES:
        return REDACTED
    if name not in _NUMBERED or not _TOKEN.fullmatch(value):
        value = clean_text(value)
    return value[:VALUE_LIMIT]


def _says_nothing(value: str) -> bool:
    if len(value) <= _LONGEST_NOTHING and value.lower() in _NOTHING:
        return True
    return value[0] in _MACRO_SIGNS and _MACRO.fullmatch(value) is not None


def tidy_tags(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Take the first value of each tag that says something.

    Args:
        pairs: names in any case and plain values, such as a provider's own report of a click.

    Returns:
        Names in lower case, in order of appearance.
    """
    found: dict[str, str] = {}
    for name, text in pairs:
        lower = name.lower()
        if lower in TAG_NAMES and lower not in found:
            value = tidy_value(lower, text)
            if value is not None:
                found[lower] = value
    return tuple(found.items())
