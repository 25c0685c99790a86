"""Columns of a spreadsheet of leads: which field of a lead each fills, by its heading or by its values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from tracker.core.cells import fold, read_truth
from tracker.core.click_ids import CLICK_NAMES
from tracker.core.contacts import normalise_email
from tracker.core.tables import read_table
from tracker.errors import BadRequest

Columns = Mapping[int, str]

_WORDS = {
    word: (field, rank)
    for row in read_table("lead_columns")
    for rank, word in enumerate(row["words"].split("|"))
    for field in [row["field"]]
}
FIELDS = frozenset(row["field"] for row in read_table("lead_columns")) | CLICK_NAMES | {
    "crm_id", "chat_id", "page_title",
}  # fmt: skip
"""What a column may be said to fill, by name."""
ANSWER, DROPPED = "fields", "-"
"""What a column may be said to be besides: an answer that is kept under its heading, or nothing."""

_ENOUGH = 0.8
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b.*")
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_PHONE = re.compile(r"\+?[\d\s().-]{7,20}")


def guess_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """Guess which field each column fills; a field is filled once, by the column that says so best.

    Args:
        rows: the first lines, by whose values columns are told whose headings say nothing.
    """
    ranked = sorted(
        (rank, number, field) for number, name in enumerate(header) for field, rank in _named(name)
    )
    found: dict[int, str] = {}
    for _, number, field in ranked:
        if number not in found and field not in found.values():
            found[number] = field
    for number in range(len(header)):
        values = [row[number].strip() for row in rows if number < len(row) and row[number].strip()]
        seen = None if number in found else _by_values(values)
        if seen is not None and seen not in found.values():
            found[number] = seen
    return _without_parts(_with_day(found, rows))


def _with_day(found: dict[int, str], rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """Take a column headed as times of day for the time where it holds the days too, and no other does."""
    number = next((number for number, field in found.items() if field == "time"), None)
    if number is None or "at" in found.values():
        return found
    values = [row[number].strip() for row in rows if number < len(row) and row[number].strip()]
    return {**found, number: "at"} if _by_values(values) == "at" else found


def _without_parts(found: dict[int, str]) -> dict[int, str]:
    """Keep the parts of a name only where no column has the whole."""
    if "name" not in found.values():
        return found
    return {number: field for number, field in found.items() if field not in ("first_name", "last_name")}


def map_columns(header: Sequence[str], guessed: Columns, told: Sequence[str]) -> dict[int, str]:
    """Lay what the operator said over what was guessed.

    Args:
        told: `Column=field` each; the field may be `fields` for an answer, or `-` for nothing.

    Raises:
        BadRequest: there is no such column or field.
    """
    mapped = dict(guessed)
    for each in told:
        name, _, field = (part.strip() for part in each.rpartition("="))
        numbers = [number for number, heading in enumerate(header) if fold(heading.strip()) == fold(name)]
        if not numbers:
            known = ", ".join(repr(heading) for heading in header)
            raise BadRequest("bad_fact", f"--map {each!r}: there is no column {name!r}; there are {known}")
        if field not in FIELDS | {ANSWER, DROPPED}:
            known = ", ".join(sorted(FIELDS))
            words = f"--map {each!r}: {field!r} is no field; write {ANSWER}, {DROPPED} or one of {known}"
            raise BadRequest("bad_fact", words)
        mapped = {
            number: kept for number, kept in mapped.items() if kept != field or field in (ANSWER, DROPPED)
        }
        mapped[numbers[0]] = field
    return mapped


def _named(heading: str) -> list[tuple[str, int]]:
    """Name the fields that a heading may mean, the best with the least rank."""
    plain = " ".join(re.findall(r"[^\W_]+", fold(heading)))
    if "_".join(plain.split()) in CLICK_NAMES or plain.replace(" ", "") in CLICK_NAMES:
        return [
            ("_".join(plain.split()) if "_".join(plain.split()) in CLICK_NAMES else plain.replace(" ", ""), 0)
        ]
    if plain in _WORDS:
        return [_WORDS[plain]]
    inside = [
        (_WORDS[word][0], 100 - len(word)) for word in _WORDS if len(word) > 3 and f" {word} " in f" {plain} "
    ]
    return sorted(inside, key=lambda each: each[1])[:1]


_BY_VALUES: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("email", lambda text: "@" in text and normalise_email(text)),
    ("at", _DATE.fullmatch),
    ("page_url", _URL.fullmatch),
    ("phone", lambda text: _PHONE.fullmatch(text) and len(re.sub(r"\D", "", text)) > 8),
    ("answered", lambda text: len(text) > 1 and read_truth(text) is not None),
)


def _by_values(values: Sequence[str]) -> str | None:
    if not values:
        return None
    return next(
        (
            field
            for field, fits in _BY_VALUES
            if sum(bool(fits(text)) for text in values) >= _ENOUGH * len(values)
        ),
        None,
    )
