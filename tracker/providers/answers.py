"""Answers of a form: how each is spelled for keeping, and which are never kept.

An adapter turns its provider's questions into answers with a neutral type. Which of them name the sender
is decided in `tracker.providers.guess`.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

from tracker.core.redact import hide_cards
from tracker.core.tables import read_table, read_words
from tracker.providers.reading import text

Kind = Literal[
    "", "text", "long_text", "email", "phone", "name", "first_name", "last_name", "company", "message",
    "choice", "consent", "number", "date", "url", "address", "file", "hidden", "secret",
]  # fmt: skip

LONGEST = 20_000
LONGEST_LABEL = 300
MOST_ANSWERS = 500
_LONGEST_PHRASE = 4  # words

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W\d_]+")
_OPAQUE = re.compile(r"(?=.*\d)[0-9a-fA-F-]{12,}|(?=.*\d)(?=.*[A-Z])[0-9A-Za-z]{10,}")
_NAME_PARTS = ("prefix", "first", "middle", "last", "suffix")
_OF_NAMES = {*_NAME_PARTS, *(f"{each}Name" for each in _NAME_PARTS), "full", "title"}
_PHONE_PARTS = ("country", "area", "phone")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the question as people read it, what was answered, its type, the field's own name."""

    label: str
    value: Any
    kind: Kind = ""
    name: str = ""


def words_of(label: str) -> tuple[str, ...]:
    """List the words of a label or a field's name: `q3_fullName` has full, name. Opaque ids have none."""
    return _words_of(label[:LONGEST_LABEL])


@lru_cache(maxsize=8_192)
def _words_of(label: str) -> tuple[str, ...]:
    if _OPAQUE.fullmatch(label):
        return ()
    plain = unicodedata.normalize("NFKD", _CAMEL.sub(" ", label).lower())
    folded = "".join(each for each in plain if not unicodedata.combining(each)).replace("ß", "ss")
    return tuple(_WORD.findall(folded.replace("'s ", " ").replace("’s ", " ").replace("ł", "l")))


def meanings_of(label: str) -> Mapping[str, int]:
    """Say what a label may mean, and for each meaning how many of its other words say something else."""
    return _meanings_of(label[:LONGEST_LABEL])


@lru_cache(maxsize=16_384)
def _meanings_of(label: str) -> Mapping[str, int]:
    words = words_of(label)
    counted = [word not in _FILLERS for word in words]
    found: dict[str, int] = {}
    for length in range(1, _LONGEST_PHRASE + 1):
        for at in range(len(words) - length + 1):
            word = "".join(words[at : at + length])
            others = sum(counted) - sum(counted[at : at + length])
            for meaning in _means(word, is_whole=length == len(words)):
                found[meaning] = min(found.get(meaning, others), others)
    return found


def _means(word: str, *, is_whole: bool) -> Iterator[str]:
    yield from _WORDS["word"].get(word, ())
    if is_whole:
        yield from _WORDS["whole"].get(word, ())
    for start, meanings in _WORDS["start"].items():
        if word.startswith(start):
            yield from meanings


def _read_words() -> Mapping[str, Mapping[str, frozenset[str]]]:
    found: dict[str, dict[str, frozenset[str]]] = {"word": {}, "start": {}, "whole": {}}
    for row in read_table("answer_words"):
        if row["meaning"] == "filler":
            continue
        for word in row["words"].split():
            word = word if word.isascii() else "".join(words_of(word))
            known = found[row["match"]]
            known[word] = known.get(word, frozenset()) | {row["meaning"]}
    return found


_WORDS = _read_words()
_FILLERS = read_words("answer_words", "words", meaning="filler")


def is_secret(answer: Answer) -> bool:
    """Tell whether an answer is a password, a card or a token that only the form's own server needs."""
    if answer.kind == "secret":
        return True
    meanings = [meanings_of(each) for each in (answer.name, answer.label) if each]
    return any("secret" in each for each in meanings) and not any("visitor" in each for each in meanings)


def kind_of(answer: Answer) -> Kind:
    """Say an answer's type; where the provider does not say it, a value of parts may."""
    if answer.kind or not isinstance(answer.value, Mapping):
        return answer.kind
    parts = {str(each) for each in answer.value}
    if parts & {"first", "last", "firstName", "lastName"} and parts <= _OF_NAMES:
        return "name"
    if "phone" in parts and parts <= {*_PHONE_PARTS, "full"} or parts == {"full"}:
        return "phone"
    return "address" if parts & {"addr_line1", "addressLine1", "postal", "zip"} else ""


def spelled(value: Any, kind: Kind = "") -> str | None:
    """Spell an answer as one text: a name or number from its parts, choices side by side.

    Returns:
        None where nothing was answered.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _of_parts(value, kind)
    if isinstance(value, list | tuple):
        return ", ".join(said for each in value[:MOST_ANSWERS] if (said := spelled(each)))[:LONGEST] or None
    said = text(value)
    return html.unescape(said)[:LONGEST] if said and "&" in said else said and said[:LONGEST]


def _of_parts(value: Mapping[str, Any], kind: Kind) -> str | None:
    if kind in ("name", "phone") and (full := spelled(value.get("full"))):
        return full
    if kind == "name":
        return _joined((value.get(each, value.get(f"{each}Name")) for each in _NAME_PARTS), " ")
    if kind == "phone":
        country = text(value.get("country")) or ""
        parts = (f"+{country}" if country.isdecimal() else country, value.get("area"), value.get("phone"))
        return _joined(parts, " ")
    if (date := [text(value.get(each)) for each in ("year", "month", "day")]) and all(date):
        return "-".join(each.rjust(2, "0") for each in date if each)
    return _joined(value.values(), ", ")


def _joined(values: Iterable[Any], between: str) -> str | None:
    return between.join(said for each in values if (said := spelled(each)))[:LONGEST] or None


def kept_answers(answers: Iterable[Answer]) -> list[Answer]:
    """Leave out what is secret, and what nobody would answer."""
    return [each for each in islice(answers, MOST_ANSWERS) if not is_secret(each)]


def fields_of(answers: Iterable[Answer]) -> dict[str, Any]:
    """Keep every answer under its label, a second one of the same label with a number; never cards."""
    found: dict[str, Any] = {}
    for answer in answers:
        value = _kept_value(answer)
        if value is None:
            continue
        label = (answer.label or answer.name or "answer").strip()[:LONGEST_LABEL]
        at, key = 2, label
        while key in found:
            at, key = at + 1, f"{label} ({at})"
        found[key] = value
    return found


def _kept_value(answer: Answer) -> Any:
    kind = kind_of(answer)
    if isinstance(answer.value, int | float) and kind not in ("phone", "email"):
        return answer.value
    said = spelled(answer.value, kind)
    if said is None or kind in ("phone", "hidden", "url") or said.startswith("+"):
        return said
    return hide_cards(said)
