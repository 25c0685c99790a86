"""What adapters of telephone systems share: lines that name nobody, transcripts, tags, sources, all the rest.

Which call is a lead is decided in each adapter by the provider's own words for its direction.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from tracker.core.contacts import is_withheld
from tracker.core.facts import TAGS
from tracker.providers.reading import first_text, mapping, number, objects, text

_FEWEST_DIGITS = 3
_EXTENSION = re.compile(r"(?:extension|ext|x)[.:= ]*\d+$", re.IGNORECASE)
_NOBODY = frozenset({
    "anonymous", "anonymous caller", "blocked", "blocked caller", "caller id unavailable", "caller unknown",
    "cell phone", "cellular call", "cellular caller", "incoming call", "no caller id", "no name",
    "not provided", "out of area", "payphone", "private", "private caller", "private name",
    "private number", "restricted",
    "restricted caller", "toll free call", "toll free caller", "unavailable", "unknown", "unknown caller",
    "unknown name", "unknown number", "wireless caller", "withheld",
})  # fmt: skip
_NOWHERE = frozenset({"", "direct", "none", "offline", "unknown"})
_PAID = frozenset({"paid", "ads", "ad", "adwords", "ppc", "cpc"})
_EARNED = frozenset({"organic", "maps", "local", "business"})
_SELLERS = {
    **{name: name for name in ("google", "bing", "yahoo", "duckduckgo", "facebook", "instagram", "linkedin",
                               "yelp", "youtube", "tiktok", "nextdoor")},
    "microsoft": "bing", "adwords": "google",
}  # fmt: skip
_WORDS = ("text", "phrase", "content", "words", "transcript", "message", "sentence")
_SPEAKERS = ("speaker", "name", "participant_type", "role", "contact", "identifier", "channel")


def line(value: Any) -> str | None:
    """Read the number of a caller or of the called line.

    Returns:
        The number as it was given; None where it was withheld, or is the address of a softphone.
    """
    said = (text(value) or "").removeprefix("tel:")
    if said.lower().startswith(("sip:", "sips:")):
        said = said.partition(":")[2].partition("@")[0].partition(";")[0]
    is_number = sum(char.isdigit() for char in said) >= _FEWEST_DIGITS
    is_name = any(char.isalpha() for char in _EXTENSION.sub("", said))
    return said if is_number and not is_name and not is_withheld(said) else None


def caller_name(*values: Any) -> str | None:
    """Read the name that a line is known by: none that a network gives to many, nor the number again."""
    for value in values:
        said = text(value)
        if said and any(char.isalpha() for char in said) and _plain(said) not in _NOBODY:
            return said
    return None


def _plain(said: str) -> str:
    return " ".join(said.lower().replace("-", " ").replace("_", " ").split())


def spoken(value: Any) -> str | None:
    """Put a transcript together: a text as it is, turns of a talk as lines of `speaker: words`."""
    if not isinstance(value, list):
        return text(value)
    turns = [_turn(each) for each in value]
    return "\n".join(turn for turn in turns if turn) or None


def _turn(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return text(value)
    words, speaker = first_text(value, *_WORDS), first_text(value, *_SPEAKERS)
    return f"{speaker}: {words}" if words and speaker else words


def tags(value: Any) -> dict[str, str]:
    """Read the utm parameters and click ids that stand in an object by their own names."""
    return {name: said for name in TAGS if (said := text(mapping(value).get(name))) is not None}


def rest(value: Any, used: Collection[str] = ()) -> dict[str, Any]:
    """Give what else an object tells: all that is not blank, less its tags and the names that were used."""
    return {
        str(name): each
        for name, each in mapping(value).items()
        if name not in used and name not in TAGS and each not in (None, "", [], {})
    }


def length_s(value: Any) -> int | None:
    """Read a length: seconds, or `0:42`, `1:02:03`."""
    counted_s = 0
    for part in (text(value) or "").split(":", 2):
        counted = number(part)
        if counted is None:
            return None
        counted_s = counted_s * 60 + counted
    return counted_s


def named_source(
    source: str | None, medium: str | None, campaign: str | None, *, keyword: str | None
) -> dict[str, str]:
    """Read where a tracker of calls says that a caller came from, in its words: `Google Ads`, `bing_organic`.

    Returns:
        Campaign parameters; none for somebody who came directly, or for a line that it knows nothing of.
    """
    words = re.split(r"[^a-z]+", (source or "").lower())
    way = (medium or "").strip("() ").lower()
    if source is None or words[0] in _NOWHERE or way in _NOWHERE - {""}:
        return {}
    if not way:
        way = "cpc" if _PAID & set(words) else "organic" if _EARNED & set(words) else ""
    name = _SELLERS.get(words[0], source.lower())
    told = {"utm_source": name, "utm_medium": way, "utm_campaign": campaign, "utm_term": keyword}
    return {key: each for key, each in told.items() if each}


def is_seller(name: str | None) -> bool:
    """Tell whether a name begins with that of a search engine or network: a tracker may be named after it."""
    return re.split(r"[^a-z]+", (name or "").lower())[0] in _SELLERS


def names_of(value: Any) -> list[str]:
    """Read a list of labels: texts, or objects that have a name."""
    found = [first_text(each, "name", "label") if isinstance(each, Mapping) else text(each) for each in
             (value if isinstance(value, list) else [value])]  # fmt: skip
    return [each for each in found if each is not None]


def only(value: Any) -> Mapping[str, Any]:
    """Give the object that a body is, or the first of a list."""
    return next(objects(value), {})
