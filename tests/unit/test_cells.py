"""Cells of a spreadsheet: what people write for a time, a length of time, money, yes and no."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

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
from tracker.core.times import format_instant
from tracker.errors import BadFact

LONDON = ZoneInfo("Europe/London")
TEN = "2026-04-03T09:04:00.000Z"

TIMES: dict[str, tuple[str, DateOrder | None, str]] = {
    "day first": ("03/04/2026 10:04", "dmy", TEN),
    "month first": ("4/3/2026 10:04 AM", "mdy", TEN),
    "month first, two digits of a year": ("4/3/26 10:04", "mdy", TEN),
    "with dots": ("03.04.2026, 10:04 Uhr", "dmy", TEN),
    "with dots in the time of day": ("03.04.2026 10.04", "dmy", TEN),
    "ISO": ("2026-04-03T10:04:00", None, TEN),
    "ISO with Z": ("2026-04-03T09:04:00.000Z", None, TEN),
    "ISO with an offset": ("2026-04-03 05:04:00 -0400", None, TEN),
    "UTC by name": ("2026-04-03 09:04:00 UTC", None, TEN),
    "year first with slashes": ("2026/04/03 10:04", None, TEN),
    "a month's name": ("3 April 2026 10:04", None, TEN),
    "a month's short name, in the afternoon": ("Apr 3, 2026 2:04 PM", None, "2026-04-03T13:04:00.000Z"),
    "a day of the week before it": ("Fri, 3 Apr 2026 10:04", None, TEN),
    "at": ("April 3rd, 2026 at 10:04am", None, TEN),
    "German": ("3. April 2026 um 10:04 Uhr", None, TEN),
    "French": ("3 avril 2026 10h04", None, TEN),
    "Spanish": ("3 de abril de 2026 10:04", None, TEN),
    "midnight in words of twelve": ("4/3/2026 12:04 AM", "mdy", "2026-04-02T23:04:00.000Z"),
    "noon in words of twelve": ("4/3/2026 12:04 pm", "mdy", "2026-04-03T11:04:00.000Z"),
    "a whole hour": ("4/3/2026 10 am", "mdy", "2026-04-03T09:00:00.000Z"),
    "no time of day": ("2026-04-03", None, "2026-04-02T23:00:00.000Z"),
    "winter": ("25/12/2025 10:04", "dmy", "2025-12-25T10:04:00.000Z"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "order", "instant"), TIMES.values(), ids=TIMES)
def test_a_time_without_an_offset_is_of_the_sites_zone(
    text: str, order: DateOrder | None, instant: str
) -> None:
    """Common forms of many countries, in the site's zone where they do not name another."""
    assert format_instant(read_time(text, order=order, zone=LONDON)) == instant


@pytest.mark.parametrize(
    "text",
    [
        "31/02/2026",
        "yesterday",
        "",
        "10:04",
        "2026-04-03 25:00",
        "Total",
        "3 Foo 2026",
        "2026-04-03 10:00 +99:00",
        "2026-04-03 10:00 +24:00",
        "2026-04-03 10:00 -14:01",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """A line with such a cell is told, not guessed at."""
    with pytest.raises(BadFact):
        read_time(text, order="dmy", zone=LONDON)


ORDERS: dict[str, tuple[list[str], DateOrder | None]] = {
    "a day beyond twelve stands first": (["03/04/2026", "25/04/2026"], "dmy"),
    "a day beyond twelve stands second": (["03/04/2026", "04/25/2026"], "mdy"),
    "dots": (["03.04.2026"], "dmy"),
    "day and month are equal everywhere": (["03/03/2026", "4/4/2026"], None),
    "nothing depends on it": (["2026-04-03", "3 April 2026"], None),
}


@pytest.mark.parametrize(("cells", "order"), ORDERS.values(), ids=ORDERS)
def test_a_column_decides_what_stands_first(cells: list[str], order: DateOrder | None) -> None:
    """One cell that can be read in one way alone decides for all."""
    assert date_order(cells) == order


@pytest.mark.parametrize("cells", [["03/04/2026"], ["25/04/2026", "04/25/2026"]])
def test_a_column_that_leaves_it_open_is_refused(cells: list[str]) -> None:
    """Nothing is guessed: the operator says which."""
    with pytest.raises(BadFact):
        date_order(cells)


DURATIONS = {"65": 65, "1:05": 65, "00:01:05": 65, "1m 5s": 65, "1 min, 5 sec": 65, "1h": 3_600, "65.4": 65,
             "2 minutes": 120, "1 Std 1 Min": 3_660, "0": 0}  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), DURATIONS.items())
def test_a_length_of_time_is_read_in_seconds(text: str, seconds: int) -> None:
    """Seconds, a clock, or units."""
    assert read_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "long", "1:2:3:4", "5 apples", "9" * 400 + " s", "9" * 5_000, "9" * 5_000 + ":00"]
)
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    """A line with such a cell is told."""
    with pytest.raises(BadFact):
        read_duration(text)


UNITS = {"Duration": ("65", 65), "Talk time (min)": ("2", 120), "Call duration, minutes": ("1.5", 90),
         "Dauer in Minuten": ("1,5", 90), "duration_ms": ("65000", 65), "Length (hours)": ("1", 3_600),
         "Duration (min)": ("1:05", 65), "Length (h:mm:ss)": ("65", 65),
         "Duration (seconds)": ("65", 65)}  # fmt: skip


@pytest.mark.parametrize(("heading", "cell"), UNITS.items())
def test_a_heading_says_what_plain_numbers_count(heading: str, cell: tuple[str, int]) -> None:
    """Two minutes are no call of two seconds, which would be junk; a clock says it by itself."""
    assert read_duration(cell[0], unit_s=headed_unit_s(heading)) == cell[1]


ZONES = {"Created (UTC)": 0, "created_at_utc": 0, "Start, GMT": 0, "Start (UTC+2)": 120,
         "Start (GMT-05:30)": -330, "Start UTC +0530": 330, "Start": None, "Outcome": None}  # fmt: skip


@pytest.mark.parametrize(("heading", "minutes"), ZONES.items())
def test_a_heading_says_of_which_zone_its_times_are(heading: str, minutes: int | None) -> None:
    """By name or with an offset; none where it names none."""
    zone = headed_zone(heading)
    assert (zone and zone.utcoffset(None)) == (None if minutes is None else timedelta(minutes=minutes))


def test_a_heading_of_a_zone_that_there_is_not_is_refused() -> None:
    """What is no clock's is told, and no time is read by it."""
    with pytest.raises(BadFact):
        headed_zone("Created (UTC+99)")


WAYS = {"Outbound": True, "outbound-api": True, "Outbound Dial": True, "Outgoing call": True, "out": True,
        "ausgehender Anruf": True, "Appel sortant": True, "Inbound": False, "Incoming": False,
        "trunking-terminating": False, "Out of hours": False, "": False}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WAYS.items())
def test_which_way_a_call_went(text: str, expected: bool) -> None:
    """Outgoing in whatever words: Twilio has several."""
    assert is_outgoing(text) is expected


AMOUNTS = {
    "pounds": (["£1,200.50"], "1200.50", "GBP"), "euros": (["1.200,50 €"], "1200.50", "EUR"),
    "a code": (["USD 99"], "99", "USD"), "plain": (["1200.5"], "1200.5", None),
    "groups alone": (["1,200"], "1200", None), "groups with dots alone": (["1.200"], "1200", None),
    "groups and cents in another line": (["1.200", "5,50"], "1200", None),
    "a refund": (["-5.00"], "-5.00", None), "a bookkeeper's": (["(£5.00)"], "-5.00", "GBP"),
    "a wide one": (["1.2E+07"], "12000000", None), "a wide one with a comma": (["1,25E+5"], "125000", None),
    "many groups": (["1,200,300"], "1200300", None), "a Swiss one": (["CHF 1'200.50"], "1200.50", "CHF"),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "amount", "currency"), AMOUNTS.values(), ids=AMOUNTS)
def test_a_column_decides_which_mark_parts_the_cents(
    cells: list[str], amount: str, currency: str | None
) -> None:
    """As exact decimals, never as floats, with the currency that the cell names."""
    assert read_money(cells[0], mark=decimal_mark(cells)) == (amount, currency)


@pytest.mark.parametrize("text", ["", "much", "12-34", "5 EUR 50", "2 x 50", "1e5 EUR", "5-"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    """Digits on both sides of a word are not one number."""
    with pytest.raises(BadFact):
        read_money(text, mark=".")


TRUTHS = {"Yes": True, "answered": True, "Missed": False, "Verpasst": False, "Répondu": True, "maybe": None,
          "no-answer": False, "No Answer": False, "canceled": False, "not_answered": False}  # fmt: skip


@pytest.mark.parametrize(("text", "truth"), TRUTHS.items())
def test_what_became_of_a_call_is_yes_or_no(text: str, truth: bool | None) -> None:
    """Words of several languages; none where it says neither."""
    assert read_truth(text) is truth
