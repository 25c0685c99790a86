"""Cells of a spreadsheet: dates, lengths of time, money and truths, as people write them.

What one cell leaves open, its column decides: whether the day or the month stands first, and which mark
parts the cents. A column that leaves it open too is refused, for the reader to say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Literal, NamedTuple

from tracker.core.times import parse_instant
from tracker.errors import BadFact

DateOrder = Literal["dmy", "mdy"]
Mark = Literal[".", ","]

_MONTHS = {
    month: number
    for number, words in enumerate((
        "jan januar january janvier enero gennaio januari janeiro stycznia ene gen janv",
        "feb februar february fevrier febrero febbraio februari fevereiro lutego fevr",
        "mar marz march mars marzo maart marco marca mrz maerz",
        "apr april avril abril aprile kwietnia avr abr",
        "may mai mayo maggio mei maio maj maja mag",
        "jun juni june juin junio giugno junho czerwca giu",
        "jul juli july juillet julio luglio julho lipca lug juil",
        "aug august aout agosto augustus augusti sierpnia ago",
        "sep sept september septembre septiembre settembre setembro wrzesnia set",
        "oct okt october oktober octobre octubre ottobre outubro pazdziernika ott out",
        "nov november novembre noviembre novembro listopada",
        "dec dez december dezember decembre diciembre dicembre dezembro grudnia dic",
    ), 1)
    for month in words.split()
}  # fmt: skip
_NUMERIC = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)[,\s]*(.*)")
_YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})(?!\d)[T,\s]*(.*)")
_DAY_MONTH = re.compile(
    r"(?:[^\W\d]+\.?,?\s+)?(\d{1,2})(?:st|nd|rd|th|\.|er)?[\s-]+(?:de\s+)?([^\W\d]+)\.?,?[\s-]+(?:de\s+)?(\d{4})"
    r"[,\s]*(?:at\s+|um\s+)?(.*)"
)
_MONTH_DAY = re.compile(
    r"(?:[^\W\d]+,?\s+)?([^\W\d]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})[,\s]*(?:at\s+)?(.*)"
)
_CLOCK = re.compile(
    r"(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?\s*(uhr)?\s*([ap])?\.?m?\.?\s*"
    r"(z|utc|gmt|[+-]\d{2}:?\d{2})?"
)
_HOUR = re.compile(r"(\d{1,2})\s*([ap])\.?m\.?")
_UNITS = re.compile(
    r"(\d+(?:[.,]\d+)?)\s*(h|hours?|hrs?|std|m|min|mins|minutes?|minuten?|s|sec|secs|seconds?|sek)\b\.?"
)
_SECONDS = {"h": 3_600, "m": 60, "s": 1}
_SYMBOLS = {"£": "GBP", "€": "EUR", "$": "USD", "¥": "JPY", "zł": "PLN", "₹": "INR", "₺": "TRY", "₴": "UAH"}
_HEADED_UNITS = {
    **dict.fromkeys(("ms", "msec", "milliseconds"), 0.001),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "minuten", "minuti", "minutos", "minuty"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "std", "stunden", "heures", "horas", "ore"), 3_600),
}
_POWER = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d{1,2}")  # a wide number, as spreadsheets save it
_BRACKETED = re.compile(r"\s*\([^()]*\)\s*")  # less than nothing, as bookkeepers write it
_WORD_WITHIN = re.compile(r"\d[^\d.,]*[^\W\d_][^\d]*\d")
_HEADED_ZONE = re.compile(r"\b(?:utc|gmt)\b ?(?:([+-]) ?(\d{1,2}):?(\d{2})?)?")
_FARTHEST_OFFSET = timedelta(hours=14)
_LONGEST_CELL = 40
_CLOCK_WORDS = re.compile(r"\w+:\w+(?::\w+)?")
_YES = frozenset({
    "yes", "y", "true", "1", "x", "answered", "completed", "connected", "ja", "oui", "si", "sim", "tak",
    "angenommen", "beantwortet", "repondu", "contestada", "risposto", "atendida",
})  # fmt: skip
_NO = frozenset({
    "no", "n", "false", "0", "missed", "abandoned", "voicemail", "unanswered", "busy", "failed", "nein",
    "non", "nie", "nee", "verpasst", "entgangen", "manque", "perdida", "persa", "gemist", "no answer",
    "not answered", "missed call", "canceled", "cancelled",
})  # fmt: skip


_OUTGOING = ("outbound", "outgoing", "ausgehend", "sortant", "salient", "uscita", "uitgaand", "utgaende",
             "wychodzac")  # fmt: skip


class Money(NamedTuple):
    """An amount in major units, and its currency where the cell names one."""

    amount: str
    currency: str | None


def date_order(cells: Iterable[str]) -> DateOrder | None:
    """Decide for a whole column whether the day or the month stands first.

    Returns:
        The order; none where no cell depends on it.

    Raises:
        BadFact: nothing tells, or some cells tell this and others that.
    """
    pairs = {
        (int(found[1]), int(found[3]), found[2]) for cell in cells if (found := _NUMERIC.match(cell.strip()))
    }
    day_first = any(one > 12 or mark == "." for one, _, mark in pairs)
    month_first = any(two > 12 for _, two, _ in pairs)
    if day_first and month_first:
        raise BadFact("bad_fact", "some dates have the day first and others the month", "dates")
    if day_first or month_first:
        return "dmy" if day_first else "mdy"
    if all(one == two for one, two, _ in pairs):
        return None
    one, two, mark = min(pairs)
    words = f"{one:02}{mark}{two:02} may begin with the day or with the month; say --dates dmy or --dates mdy"
    raise BadFact("bad_fact", words, "dates")


def read_time(text: str, *, order: DateOrder | None, zone: tzinfo) -> int:
    """Read an instant in ms; one without an offset is of the zone.

    Args:
        text: date and time of day; midnight where the time is missing.
        order: what stands first in dates such as 03/04/2026.

    Raises:
        BadFact: it is none.
    """
    plain = " ".join(text.replace("\u202f", " ").split())
    year, month, day, rest = _date(plain, order)
    hour, minute, second, offset = _clock(rest)
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=offset or zone)
        return parse_instant(local.astimezone(UTC).isoformat())
    except (ValueError, OverflowError):
        raise BadFact("bad_fact", f"{text!r} is no day or time that there is", "at") from None


def _date(text: str, order: DateOrder | None) -> tuple[int, int, int, str]:
    if found := _YEAR_FIRST.fullmatch(text):
        return int(found[1]), int(found[2]), int(found[3]), found[4]
    if found := _NUMERIC.fullmatch(text):
        one, two, year = int(found[1]), int(found[3]), int(found[4])
        day, month = (two, one) if order == "mdy" else (one, two)
        return year + 2_000 if year < 100 else year, month, day, found[5]
    folded = fold(text)
    if (found := _DAY_MONTH.fullmatch(folded)) and found[2] in _MONTHS:
        return int(found[3]), _MONTHS[found[2]], int(found[1]), found[4]
    if (found := _MONTH_DAY.fullmatch(folded)) and found[1] in _MONTHS:
        return int(found[3]), _MONTHS[found[1]], int(found[2]), found[4]
    raise BadFact("bad_fact", f"{text!r} is no date", "at")


def _clock(text: str) -> tuple[int, int, int, timezone | None]:
    plain = fold(text).strip()
    if not plain:
        return 0, 0, 0, None
    found = _CLOCK.fullmatch(plain)
    if found is None:
        half = _HOUR.fullmatch(plain)
        if half is None:
            raise BadFact("bad_fact", f"{text!r} is no time of day", "at")
        return int(half[1]) % 12 + 12 * (half[2] == "p"), 0, 0, None
    hour = int(found[1])
    if found[5]:
        hour = hour % 12 + 12 * (found[5] == "p")
    return hour, int(found[2]), int(found[3] or 0), _offset(found[6])


def _offset(text: str | None) -> timezone | None:
    if not text:
        return None
    if text[0] not in "+-":
        return UTC
    span = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    if span > _FARTHEST_OFFSET:
        raise BadFact("bad_fact", f"{text!r} is farther from UTC than any clock", "at")
    return timezone(-span if text[0] == "-" else span)


def headed_zone(heading: str) -> timezone | None:
    """Read which zone a heading says that its column's times are of, such as `Created (UTC+2)`."""
    found = _HEADED_ZONE.search(fold(heading).replace("_", " "))
    return _offset(_spelled(found)) if found else None


def _spelled(found: re.Match[str]) -> str:
    sign, hours, minutes = found.groups()
    return f"{sign}{hours:0>2}{minutes or '00'}" if sign else "utc"


def headed_unit_s(heading: str) -> float:
    """Read what the plain numbers under a heading such as `Duration (min)` count, in seconds."""
    words = re.findall(r"[^\W\d_]+", _CLOCK_WORDS.sub("", fold(heading)))
    return next((_HEADED_UNITS[word] for word in words if word in _HEADED_UNITS), 1.0)


def read_duration(text: str, *, unit_s: float = 1.0) -> int:
    """Read a length of time in seconds: `65`, `1:05`, `00:01:05`, `1m 5s`.

    Args:
        unit_s: what a plain number counts, in seconds.

    Raises:
        BadFact: it is none.
    """
    plain = text.strip().lower() if len(text) <= _LONGEST_CELL else ""
    if re.fullmatch(r"\d+([.,]\d{1,2})?|\d+\.\d+", plain):
        return int(Decimal(plain.replace(",", ".")) * Decimal(str(unit_s)))
    if re.fullmatch(r"\d+(:\d{1,2}){1,2}", plain):
        seconds = 0
        for part in plain.split(":"):
            seconds = seconds * 60 + int(part)
        return seconds
    found = _UNITS.findall(plain)
    if found and not _UNITS.sub("", plain).strip(" ,"):
        return round(sum(float(count.replace(",", ".")) * _SECONDS[_unit(name)] for count, name in found))
    raise BadFact(
        "bad_fact", f"{text!r} is no length of time; write such as 65, 1:05 or 00:01:05", "duration_s"
    )


def _unit(name: str) -> str:
    return "h" if name == "std" else name[0]


def decimal_mark(cells: Iterable[str]) -> Mark:
    """Decide for a whole column which mark parts the cents."""
    votes = [mark for cell in cells if (mark := _vote(re.sub(r"[^\d.,]", "", cell)))]
    return "," if votes.count(",") > votes.count(".") else "."


def _vote(digits: str) -> Mark | None:
    """Say what one amount tells of the mark: the last of two kinds, one before other than three digits."""
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return None
    mark: Mark = "," if digits[last] == "," else "."
    is_grouping = len(digits) - last == 4 and ("." not in digits or "," not in digits)
    if is_grouping or digits.count(mark) > 1:
        return "," if mark == "." else "."
    return mark


def read_money(text: str, *, mark: Mark) -> Money:
    """Read an amount such as `£1,200.50` or `1.200,50 EUR`.

    Args:
        mark: what parts the cents in this column.

    Raises:
        BadFact: it is none.
    """
    currency = next((code for symbol, code in _SYMBOLS.items() if symbol in text), None)
    code = re.search(r"\b([A-Z]{3})\b", text)
    digits = re.sub(r"[^\d.,-]", "", f"-{text}" if _BRACKETED.fullmatch(text) else text)
    plain = digits.replace("," if mark == "." else ".", "").replace(mark, ".")
    if _POWER.fullmatch(text.strip()):
        plain = text.strip().replace(",", ".")
    elif _WORD_WITHIN.search(text):
        plain = text
    try:
        return Money(format(Decimal(plain), "f"), code[1] if code else currency)
    except InvalidOperation:
        raise BadFact("bad_fact", f"{text!r} is no amount", "value") from None


def is_outgoing(text: str) -> bool:
    """Tell whether a cell says of a call that it went out: `Outbound`, `outbound-api`, `Outgoing call`."""
    words = re.findall(r"[^\W_]+", fold(text))
    return words == ["out"] or any(word.startswith(_OUTGOING) for word in words)


def read_truth(text: str) -> bool | None:
    """Read a yes or a no, or what became of a call; none where it says neither."""
    word = " ".join(re.findall(r"[^\W_]+", fold(text)))
    return True if word in _YES else False if word in _NO else None


def fold(text: str) -> str:
    """Spell text in lower case without accents."""
    bare = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l"))
    return "".join(char for char in bare if not unicodedata.combining(char))
