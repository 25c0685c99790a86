"""Personal data in text: found in any spelling, replaced by `[redacted]`.

E-mail addresses, JSON web tokens and card-like numbers go from every text that is stored or logged,
however often their characters are percent-encoded; parameters whose name promises personal data lose
their value unseen. What a URL's parts are is `tracker.core.urls`' business.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tracker.core.tables import read_words

REDACTED = "[redacted]"

_MAY_HOLD = re.compile(r"[@%＠﹫]|eyJ|\d[\d +-]{11}|[?&;][\w.\[\]-]+=")

_EMAIL = re.compile(
    r"""(?:"[^"@\s]{1,64}(?:\s[^"@\s]{1,64}){0,8}"                     # "john doe"@...
        |(?<![\w.!\#$%*^_`{|}~'+-])[\w.!\#$%*^_`{|}~'+-]++)            # the local part, from its start
        (?:[@＠﹫]
            (?:[\w-]++(?:\.[\w-]++)++|\[[\dA-Fa-f:.]{3,45}\])           # a domain, or an address in brackets
        )++""",
    re.VERBOSE,
)
_JWT = re.compile(r"(?<![\w-])eyJ[A-Za-z0-9_-]{4,}+\.[A-Za-z0-9_-]{2,}+\.[A-Za-z0-9_.-]*+")
_DIGIT_RUN = re.compile(r"(?<!\d)\d{3,}+(?:[ +-]\d{3,}+)*+(?:[ +-]\d{1,2}(?!\d))?+")
_DIGITS = re.compile(r"\d+")
_ESCAPE = re.compile(rb"%(?:25)*([0-9A-Fa-f]{2})")
_NESTED = re.compile(r"(?<=[?&;])([\w.\[\]-]{1,64})=([^&#;\s]+)")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_DOUBLE = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

CARD_MIN, CARD_MAX = 13, 19
MOST_LAYERS = 8
"""Layers of percent-encoding that are peeled; a text with more is hiding something and goes whole."""


def clean_text(text: str) -> str:
    """Replace e-mail addresses, JSON web tokens and card-like numbers by `[redacted]`.

    Returns:
        The same text where there is nothing to hide; else the text with its escapes decoded and the
        personal data replaced.
    """
    if not _MAY_HOLD.search(text):
        return text
    plain = unescape(text) if "%" in text else text
    if plain is None:
        return REDACTED
    cleaned = _clean_plain(_clean_nested(plain))
    return text if cleaned == plain else cleaned


def hide_cards(text: str) -> str:
    """Replace card-like numbers by `[redacted]`."""
    return _DIGIT_RUN.sub(_hide_cards, text)


def unescape(text: str) -> str | None:
    """Decode percent-escapes until none is left.

    Returns:
        The text, bytes that are no UTF-8 as surrogate escapes; none where it is escaped more deeply
        than any honest sender would.
    """
    raw = text.encode("utf-8", "surrogatepass")
    for _ in range(MOST_LAYERS):
        peeled = _ESCAPE.sub(_byte, raw)
        if peeled == raw:
            return raw.decode("utf-8", "surrogateescape")
        raw = peeled
    return None


def _byte(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[1], 16),))


def _clean_plain(text: str) -> str:
    for _ in range(MOST_LAYERS):
        cleaned = _DIGIT_RUN.sub(_hide_cards, _JWT.sub(REDACTED, _EMAIL.sub(REDACTED, text)))
        if cleaned == text:
            return text
        text = cleaned
    return REDACTED


def _hide_cards(match: re.Match[str]) -> str:
    """Hide each stretch of whole digit groups that makes a card number, the longest first."""
    run = match[0]
    if len(run) < CARD_MIN:
        return run
    groups = [found.span() for found in _DIGITS.finditer(run)]
    parts, shown, at = [], 0, 0
    while at < len(groups):
        last = _card_end(run, groups, at)
        if last is None:
            at += 1
            continue
        parts += [run[shown : groups[at][0]], REDACTED]
        shown, at = groups[last][1], last + 1
    return "".join([*parts, run[shown:]])


def _card_end(run: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """Find the last group of the longest card number that begins with this group.

    The check digit doubles every second digit counted from the end, which moves as groups are added:
    both sums are carried on.

    Source: ISO/IEC 7812-1, annex B.
    """
    length, total, shifted = 0, 0, 0
    found = None
    for at in range(first, len(groups)):
        start, end = groups[at]
        length += end - start
        if length > CARD_MAX:
            break
        for digit in run[start:end]:
            value = int(digit)
            total, shifted = shifted + value, total + _DOUBLE[value]
        if length >= CARD_MIN and total % 10 == 0:
            found = at
    return found


def _clean_nested(text: str) -> str:
    """Empty denied parameters of a URL that stands inside this text."""
    return _NESTED.sub(lambda match: f"{match[1]}={REDACTED}" if is_denied(match[1]) else match[0], text)


def is_denied(name: str) -> bool:
    """Tell whether a parameter's name promises personal data or a secret.

    The name itself, or any word of it: `email`, `user_email`, `billing[email]`, `userEmail`.
    """
    return _is_denied(name) if len(name) <= 64 else _promises(name)


def _promises(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    pairs = ["".join(pair) for pair in zip(words, words[1:], strict=False)]
    return not _DENIED.isdisjoint({name.lower(), "".join(words), *words, *pairs})


_is_denied = lru_cache(maxsize=4_096)(_promises)

_DENIED = read_words("denied_params", "names")
