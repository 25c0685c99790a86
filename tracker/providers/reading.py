"""Liberal reading of other people's JSON: types lie, fields are missing, one object may be a list.

Every reader gives None for what it cannot use, so that an adapter is a table of names.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any

from tracker.core.times import EARLIEST_MS, LATEST_MS, format_instant

_POWER = re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d{1,3}", re.ASCII)
_PARTS = re.compile(r"[^.\[\]]+")
_NOTHING = frozenset({"", "null", "none", "undefined", "n/a", "nil"})
_YES = frozenset({"true", "1", "yes", "y", "t", "on"})
_NO = frozenset({"false", "0", "no", "n", "f", "off"})
_ODD = re.compile(r"[^a-z]")
_TAG = re.compile(r"tl[_-]?visitor\s*[:=]\s*(\S+)", re.IGNORECASE)
_LONGEST_TAG = 300
_OF_BROWSERS = re.compile(
    r"^(?:[A-Za-z]{3} )?([A-Za-z]{3} \d{1,2} \d{4} [\d:]{8}) (?:GMT|UTC)([+-]\d{4})?(?: \(.*\))?$"
)
_ENTRY_NAMES = (
    "name",
    "key",
    "id",
    "field",
    "label",
    "question",
    "title",
    "slug",
    "column_name",
    "column_id",
)
_ENTRY_VALUES = ("value", "answer", "string_value", "values", "text")
_LONGEST_TIME = 100
MOST_MONEY = 10**15  # no fact holds more
FARTHEST_POWER = 100
"""Of ten, up or down: a number of a few characters that lies beyond takes hours or gigabytes to spell out."""
_EPOCH_MS_FROM = 100_000_000_000  # seconds of the year 5138, milliseconds of 1973


def dig(value: Any, path: str) -> Any:
    """Follow a path such as `data.contact.emails.0.value`; a list that is asked by name gives its first.

    Returns:
        What stands there, or None.
    """
    for part in _PARTS.findall(path):
        if isinstance(value, list):
            index = int(part) if part.isdecimal() else 0
            value = value[index] if index < len(value) else None
            if part.isdecimal():
                continue
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def first(value: Any, *paths: str) -> Any:
    """Give the first of several paths where something stands that is not blank."""
    for path in paths:
        found = dig(value, path)
        if found not in (None, "", [], {}):
            return found
    return None


def text(value: Any) -> str | None:
    """Read a text; a number as its digits, the first of a list; None for blank and for words such as null."""
    if isinstance(value, list):
        value = next((each for each in map(text, value) if each is not None), None)
    if isinstance(value, bool) or value is None or isinstance(value, Mapping):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    said = str(value).strip()
    return None if said.lower() in _NOTHING else said


def first_text(value: Any, *paths: str) -> str | None:
    """Read the first of several paths that holds a text."""
    return next((said for path in paths if (said := text(dig(value, path))) is not None), None)


def full_name(*parts: Any) -> str | None:
    """Put a name together from its parts."""
    return " ".join(said for each in parts if (said := text(each))) or None


def number(value: Any) -> int | None:
    """Read a whole number of zero or more, such as seconds; a fraction is cut."""
    amount = decimal(value)
    return int(amount) if amount is not None and 0 <= amount < 2**53 else None


def decimal(value: Any) -> Decimal | None:
    """Read a number as it is written, without the noise of binary fractions."""
    said = text(value)
    try:
        amount = Decimal(said.replace("\u00a0", "").replace(" ", "")) if said else None
    except InvalidOperation:
        return None
    if amount is None or not amount.is_finite() or abs(amount.adjusted()) > FARTHEST_POWER:
        return None
    return amount


def money(value: Any) -> str | None:
    """Read an amount of money in major units: `1200.5`, `"1,200.50"`, `"£1.200,50"`, `"$120"`, `1.2E7`."""
    said = text(value)
    if said is None:
        return None
    bare = said if _POWER.fullmatch(said) else re.sub(r"[^\d.,\-]", "", said)
    if "," in bare and "." in bare:
        is_comma_last = bare.rindex(",") > bare.rindex(".")
        bare = bare.replace("." if is_comma_last else ",", "")
    if "," in bare:
        is_group = bare.count(",") > 1 or len(bare.rpartition(",")[2]) == 3
        bare = bare.replace(",", "" if is_group else ".")
    amount = decimal(bare)
    return None if amount is None or abs(amount) >= MOST_MONEY else format(amount, "f")


def truth(value: Any) -> bool | None:
    """Read yes or no."""
    if isinstance(value, bool):
        return value
    said = (text(value) or "").lower()
    return True if said in _YES else False if said in _NO else None


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Give the objects of a list, or of a single object that should have been one."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, Mapping):
            yield each


def mapping(value: Any) -> Mapping[str, Any]:
    """Give an object as it is, and anything else as an empty one."""
    return value if isinstance(value, Mapping) else {}


def instant(value: Any, zone: str = "UTC") -> str | None:
    """Read a time: seconds or milliseconds since 1970, ISO 8601, RFC 2822, words of JavaScript or SQL.

    Args:
        zone: IANA name; where a time without an offset was written.

    Returns:
        ISO 8601 in UTC, as facts want it.
    """
    instant_ms = instant_ms_of(value, zone)
    return None if instant_ms is None else format_instant(instant_ms)


def instant_ms_of(value: Any, zone: str = "UTC") -> int | None:
    """Read a time as `instant` does, in ms."""
    amount = decimal(value)
    if amount is not None:
        seconds_ms = amount * 1_000 if abs(amount) < _EPOCH_MS_FROM else amount
        return _sane(int(seconds_ms))
    moment = _moment(text(value) or "")
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone(zone))
    try:
        delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    except (OverflowError, ValueError):
        return None
    return _sane((delta.days * 86_400 + delta.seconds) * 1_000 + delta.microseconds // 1_000)


def visitor_token(value: Any) -> str | None:
    """Find our signed visitor token in what a site handed to its provider.

    It stands under `tl_visitor`, however that is spelled: as a name of an object, as an entry of a list that
    has a name and a value, or as a tag `tl_visitor:...`.
    """
    if isinstance(value, Mapping):
        return _token_of_entry(value) or _first_token(value.values())
    if isinstance(value, list):
        return _first_token(value)
    tagged = _TAG.fullmatch(value.strip()) if isinstance(value, str) and len(value) < _LONGEST_TAG else None
    return tagged[1] if tagged else None


def _token_of_entry(entry: Mapping[str, Any]) -> str | None:
    for name, value in entry.items():
        if _is_token_name(name):
            found = first_text(value, "value", "answer", "0") if isinstance(value, Mapping) else text(value)
            if found is not None:
                return found
    if any(_is_token_name(entry.get(name)) for name in _ENTRY_NAMES):
        return first_text(entry, *_ENTRY_VALUES)
    return None


def _is_token_name(name: object) -> bool:
    return isinstance(name, str) and len(name) < 40 and _ODD.sub("", name.lower()) == "tlvisitor"


def _first_token(values: Iterable[Any]) -> str | None:
    return next((found for each in values if (found := visitor_token(each)) is not None), None)


def counted_instant(instant_ms: int) -> str | None:
    """Write a time that was counted from others; None where a length without end took it out of all time."""
    sane = _sane(instant_ms)
    return None if sane is None else format_instant(sane)


def without_blanks(fact: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing."""
    return {name: value for name, value in fact.items() if value not in (None, "", [], {})}


_SPELLINGS = (
    "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M", "%Y-%m-%d %I:%M %p %z",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f%z", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p",
    "%b %d, %Y %I:%M %p", "%B %d, %Y %I:%M %p", "%b %d %Y %H:%M:%S %z",
)  # fmt: skip


def _moment(said: str) -> datetime | None:
    if not said or len(said) > _LONGEST_TIME:
        return None
    if written := _OF_BROWSERS.match(said):
        said = f"{written[1]} {written[2] or '+0000'}"
    try:
        return datetime.fromisoformat(said)
    except ValueError:
        pass
    for spelling in _SPELLINGS:
        try:
            moment = datetime.strptime(said, spelling)
            return moment.replace(tzinfo=UTC) if spelling.endswith("UTC") else moment
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(said)
    except (ValueError, TypeError, IndexError):
        return None


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")


def _sane(instant_ms: int) -> int | None:
    return instant_ms if EARLIEST_MS <= instant_ms < LATEST_MS else None
