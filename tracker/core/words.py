"""Words of sources and mediums: how marketers' spellings are compared.

Case and `-`, `_` and spaces do not count: `Paid-Social` and `paid social` are one spelling, `Newsletter-UK`
holds the word newsletter, `e-mail` the word email.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tracker.core.tables import read_words

_SEPARATORS = re.compile(r"[-_\s]+")
_BREAKS = re.compile(r"[^\w]+|_+")

PAID_MEDIUM = re.compile(r"(.*cp.*|ppc|retargeting|paid.*)", re.DOTALL)
"""Source: https://support.google.com/analytics/answer/9756891"""

SHOPPING_CAMPAIGN = re.compile(r"(.*(([^a-df-z]|^)shop|shopping).*)", re.DOTALL)
"""A campaign named for shopping, not for a workshop or a bishop. Source: the same."""


def fold(text: str) -> str:
    """Spell a word the one way: lower case, without separators."""
    return _SEPARATORS.sub("", text.lower())


@lru_cache(maxsize=4_096)
def words_of(text: str) -> frozenset[str]:
    """List the words of a text, and each pair of neighbours as one word."""
    words = [word for word in _BREAKS.split(text.lower()) if word]
    return frozenset(words) | {first + second for first, second in zip(words, words[1:], strict=False)}


_EXACT = {
    meaning: read_words("mediums", "words", meaning=meaning, match="exact")
    for meaning in (
        "display",
        "social",
        "referral",
        "organic",
        "email",
        "affiliate",
        "audio",
        "sms",
        "ai",
        "none",
    )
}
_WORDS = {
    meaning: read_words("mediums", "words", meaning=meaning, match="word")
    for meaning in ("email", "affiliate", "ads")
}


def means(text: str, meaning: str) -> bool:
    """Tell whether the whole of a medium or source means this."""
    return fold(text) in _EXACT[meaning]


def mentions(text: str, meaning: str) -> bool:
    """Tell whether any word of a medium or source means this."""
    return not _WORDS[meaning].isdisjoint(words_of(text))
