"""Spreadsheets of leads and calls, saved as CSV: the file into rows, and rows into facts.

What a column means is guessed in `tracker.core.columns`, how a cell is written in `tracker.core.cells`.
A row that cannot be read is told with its line and the reason; the others go on.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tracker.core.cells import (
    DateOrder,
    date_order,
    decimal_mark,
    headed_unit_s,
    headed_zone,
    is_outgoing,
    read_duration,
    read_money,
    read_time,
    read_truth,
)
from tracker.core.columns import ANSWER, DROPPED, Columns
from tracker.core.facts import read_fact
from tracker.core.times import format_instant
from tracker.errors import BadFact, BadRequest
from tracker.model import Site

MARKS = ",;\t|"
CELL_LIMIT = 1_000_000
SAMPLE_ROWS = 50
_SAVE_AS = "open it, choose Save As, and the type 'CSV UTF-8 (comma delimited)'"
_PACKED = {
    b"PK\x03\x04": f"a workbook; {_SAVE_AS}",
    b"\xd0\xcf\x11\xe0": f"an old workbook; {_SAVE_AS}",
    b"%PDF-": "a PDF, which has no columns; export the list as CSV where it was made",
}
_END = "\ue000the end\ue000"  # a line of our own below the last, which an open quotation mark would swallow
_NOT_FORMULA = re.compile(r"'(?=[=+\-@])")
_QUOTED = re.compile(r'="(.*)"')
_TEXTS = frozenset({
    "at", "time", "first_name", "last_name", "duration_s", "answered", "value", "currency", "direction",
})  # fmt: skip
"""Fields whose cells are read otherwise than as they stand."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's headings, and its lines by number."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def column(self, number: int) -> list[str]:
        """List the cells of a column that say something."""
        return [row[number] for _, row in self.rows if number < len(row) and row[number]]


@dataclass(frozen=True, slots=True)
class Import:
    """What an operator says of a file of leads."""

    site: Site
    kind: str
    provider: str
    columns: Columns
    order: DateOrder | None = None


@dataclass(slots=True)
class Read:
    """What became of a file: facts, and lines that could not be read, with the reason."""

    facts: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[tuple[int, tuple[str, ...], str]] = field(default_factory=list)


def read_sheet(path: Path) -> Sheet:
    """Read a file of comma-separated values, whatever its marks and its encoding.

    Raises:
        BadRequest: there is none, it is a workbook or a PDF, or it has no line but headings.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadRequest("bad_fact", f"{path} cannot be read: {error.strerror}") from None
    packed = next((words for sign, words in _PACKED.items() if raw.startswith(sign)), None)
    if packed:
        raise BadRequest("bad_fact", f"{path} is {packed}")
    text = _decoded(raw)
    told = re.match(r'sep=([^"\r\n])\r?\n', text)
    csv.field_size_limit(CELL_LIMIT)
    try:
        lines = _lines(text[told.end() :] if told else text, told[1] if told else None)
    except BadFact as error:
        raise BadRequest("bad_fact", f"{path}, {error}") from None
    if len(lines) < 2:
        raise BadRequest("bad_fact", f"{path} has no line below its headings")
    return Sheet(lines[0][1], tuple((number + bool(told), row) for number, row in lines[1:]))


def _lines(text: str, mark: str | None) -> list[tuple[int, tuple[str, ...]]]:
    """Read the lines that say something, each with its number.

    Raises:
        BadFact: a quotation mark is never closed, so that what follows it would be one cell, or a cell is
            too long.
    """
    reader = csv.reader(io.StringIO(f"{text}\n{_END}", newline=""), delimiter=mark or _mark(text))
    lines: list[tuple[int, tuple[str, ...]]] = []
    begin = 1
    try:
        for row in reader:
            if row and row[-1].endswith(_END) and row != [_END]:
                words = "a quotation mark is not closed; is the file cut short?"
                raise BadFact("bad_fact", f"line {begin}: {words}")
            if row != [_END] and any(map(str.strip, row)):
                lines.append((reader.line_num, tuple(map(_cell, row))))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise BadFact("bad_fact", f"line {begin}: {error}; is a quotation mark not closed?") from None
    return lines


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    if raw[:200].count(0) > len(raw[:200]) // 4:
        return raw.decode("utf-16-be" if raw[:1] == b"\0" else "utf-16-le", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _mark(text: str) -> str:
    """Pick the mark that parts most lines into as many cells as the headings."""

    def worth(mark: str) -> tuple[int, int]:
        rows = list(_first_rows(text, mark))
        width = len(rows[0]) if rows else 0
        return (sum(len(row) == width for row in rows) if width > 1 else 0, width)

    return max(MARKS, key=worth)


def _first_rows(text: str, mark: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    with suppress(csv.Error):  # told once, by whoever reads the whole file
        for _, row in zip(range(SAMPLE_ROWS), reader, strict=False):
            if row:
                yield row


def _cell(text: str) -> str:
    """Take off a cell what spreadsheets put around what they would run or round."""
    plain = _NOT_FORMULA.sub("", text.replace("\0", "").strip(), count=1)
    quoted = _QUOTED.fullmatch(plain)
    return quoted[1] if quoted else plain


def read_leads(sheet: Sheet, told: Import) -> Read:
    """Make facts of a sheet's lines.

    Raises:
        BadRequest: no column holds the time, or the dates may be read in two ways.
    """
    at_no = _number(told.columns, "at")
    if at_no is None:
        known = ", ".join(repr(heading) for heading in sheet.header)
        words = f"no column is known to hold the time; say which: --map 'COLUMN=at', of {known}"
        raise BadRequest("bad_fact", words)
    order = told.order or date_order(sheet.column(at_no))
    value_no = _number(told.columns, "value")
    reader = _Reader(
        sheet.header, told, order, "." if value_no is None else decimal_mark(sheet.column(value_no))
    )
    found = Read()
    for line, row in sheet.rows:
        try:
            if len(row) > len(sheet.header) and any(row[len(sheet.header) :]):
                raise BadFact("bad_fact", f"has {len(row)} cells, and there are {len(sheet.header)} headings")
            fact = reader.fact(row)
            read_fact(fact)
            found.facts.append(fact)
        except BadFact as error:
            found.rejects.append((line, row, str(error)))
    return found


def zone_of(header: Sequence[str], told: Import) -> tzinfo:
    """Give the zone of times without an offset: the one that their heading names, else the site's."""
    return headed_zone(_headings(header, told, "at", "time")) or ZoneInfo(told.site.timezone)


def _headings(header: Sequence[str], told: Import, *names: str) -> str:
    """Give the headings of the columns that fill these fields, in a line."""
    return ", ".join(header[number] for number, name in told.columns.items() if name in names)


def _number(columns: Columns, name: str) -> int | None:
    return next((number for number, each in columns.items() if each == name), None)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the lines of one sheet."""

    header: Sequence[str]
    told: Import
    order: DateOrder | None
    mark: Any

    def fact(self, row: Sequence[str]) -> dict[str, Any]:
        """Make a fact of a line.

        Raises:
            BadFact: a cell cannot be read.
        """
        told = self.told
        said = {
            name: row[number] for number, name in told.columns.items() if number < len(row) and row[number]
        }
        if "at" not in said:
            raise BadFact("bad_fact", "has no time", "at")
        if is_outgoing(said.get("direction", "")):
            raise BadFact("bad_fact", "is an outgoing call, which is no lead", "direction")
        when = " ".join(said[name] for name in ("at", "time") if name in said)
        at_ms = read_time(when, order=self.order, zone=zone_of(self.header, told))
        fact = {name: text for name, text in said.items() if name not in _TEXTS | {ANSWER, DROPPED}}
        fact = {"provider_id": _row_id(told.kind, self.header, row), **fact, **self._read(said)}
        answers = self._answers(row)
        return {
            "fact": "lead", "site": told.site.key, "kind": told.kind, "provider": told.provider,
            "at": format_instant(at_ms), **fact, **({"fields": answers} if answers else {}),
        }  # fmt: skip

    def _read(self, said: Mapping[str, str]) -> dict[str, Any]:
        """Read the cells that are no plain text."""
        found: dict[str, Any] = {}
        name = " ".join(said[part] for part in ("first_name", "last_name") if part in said)
        if name and "name" not in said:
            found["name"] = name
        if "duration_s" in said:
            heading = _headings(self.header, self.told, "duration_s")
            found["duration_s"] = read_duration(said["duration_s"], unit_s=headed_unit_s(heading))
        if "answered" in said and (answered := read_truth(said["answered"])) is not None:
            found["answered"] = answered
        if "value" in said:
            money = read_money(said["value"], mark=self.mark)
            currency = said.get("currency") or money.currency or self.told.site.currency
            found |= {"value": money.amount, "currency": currency}
        return found

    def _answers(self, row: Sequence[str]) -> dict[str, str]:
        """Keep what fills no field under its heading."""
        columns = self.told.columns
        found: dict[str, str] = {}
        for number, heading in enumerate(self.header):
            if columns.get(number, ANSWER) == ANSWER and number < len(row) and row[number]:
                place = f"column {number + 1}"
                name = f"{heading} ({place})" if heading in found else heading or place
                found[name] = row[number]
        return found


def _row_id(kind: str, header: Sequence[str], row: Sequence[str]) -> str:
    """Name a line by what it says, so that it is the same lead when the file is read again."""
    said = "\x1f".join(f"{heading}\x1e{cell}" for heading, cell in zip(header, row, strict=False) if cell)
    return hashlib.sha256(f"{kind}\x1f{said}".encode()).hexdigest()[:24]
