"""Instants: how they are read and written, and how a wrong clock is put right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.times import EARLIEST_MS, LATEST_MS, corrected_ms, format_instant, parse_instant
from tracker.errors import BadFact

TEN_MS = 1_772_359_200_000  # 2026-03-01T10:00:00Z

READ = {
    "Z means UTC": ("2026-03-01T10:00:00Z", TEN_MS),
    "a small z does too": ("2026-03-01T10:00:00z", TEN_MS),
    "milliseconds count": ("2026-03-01T10:00:00.007Z", TEN_MS + 7),
    "what is finer than a millisecond is cut": ("2026-03-01T10:00:00.007999Z", TEN_MS + 7),
    "an offset is taken off": ("2026-03-01T12:30:00+02:30", TEN_MS),
    "an offset may stand without a colon": ("2026-03-01T05:00:00-0500", TEN_MS),
    "an offset may be whole hours": ("2026-03-01T11:00:00+01", TEN_MS),
    "whole hours as PostgreSQL writes them": ("2026-03-01 05:00:00.000-05", TEN_MS),
    "a space may part date and time": ("2026-03-01 10:00:00Z", TEN_MS),
    "seconds may be left out": ("2026-03-01T10:00Z", TEN_MS),
    "the short form is read": ("20260301T100000Z", TEN_MS),
    "1995 is the earliest year": ("1995-01-01T00:00:00Z", EARLIEST_MS),
    "2099 is the latest year": ("2099-12-31T23:59:59.999Z", LATEST_MS - 1),
}


@pytest.mark.parametrize(("text", "instant_ms"), READ.values(), ids=READ)
def test_an_instant_is_read_to_the_millisecond(text: str, instant_ms: int) -> None:
    """ISO 8601 with an offset or Z gives milliseconds since 1970, UTC."""
    assert parse_instant(text) == instant_ms


REFUSED = {
    "no offset: nobody knows when that was": "2026-03-01T10:00:00",
    "a date and an offset: the offset is no time of day": "2026-03-01-05:00",
    "a date and a plus: neither": "2026-03-01+05:00",
    "a date and a plus with hours alone": "2026-03-01+05",
    "a date and an hour": "2026-03-01T10",
    "a date alone": "2026-03-01",
    "a date with Z": "2026-03-01Z",
    "a day that does not exist": "2026-02-30T10:00:00Z",
    "words": "yesterday",
    "nothing": "",
    "a number": 1_772_359_200_000,
    "null": None,
    "a year before the web": "1994-12-31T23:59:59Z",
    "a year that cannot be meant": "2100-01-01T00:00:00Z",
    "a year that overflows with its offset": "0001-01-01T00:00:00+14:00",
    "binary": "\x00\xff\ud800Z",
    "a text without end": "2026-03-01T10:00:00." + "0" * 1_000 + "Z",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_no_instant_is_refused_with_its_place(text: object) -> None:
    """Bad times are the sender's error: one code, and the field that holds it."""
    with pytest.raises(BadFact) as refused:
        parse_instant(text, place="version_at")
    assert (refused.value.code, refused.value.place) == ("bad_time", "version_at")


@given(st.integers(EARLIEST_MS, LATEST_MS - 1))
def test_writing_and_reading_are_each_others_inverse(instant_ms: int) -> None:
    """Every instant survives its own spelling, which always has the same length."""
    text = format_instant(instant_ms)
    assert (parse_instant(text), len(text)) == (instant_ms, 24)


MINUTE = 60_000
CORRECTED = {
    "no sending time: nothing is known of the clock": (None, 0),
    "a clock that is right": (0, 0),
    "60 seconds are the network's": (60_000, 0),
    "60 seconds the other way too": (-60_000, 0),
    "a millisecond more is the clock's, a minute in round figures": (60_001, MINUTE),
    "a clock ahead is set back": (-3_600_123, -3_600_000),
    "89 seconds are one minute": (89_000, MINUTE),
    "90 seconds are two minutes": (90_000, 2 * MINUTE),
    "150 seconds are three minutes: half a minute goes up, always": (150_000, 3 * MINUTE),
    "a clock behind by a year": (365 * 86_400_000, 365 * 86_400_000),
}


@pytest.mark.parametrize(("error_ms", "correction_ms"), CORRECTED.values(), ids=CORRECTED)
def test_a_clock_that_errs_by_more_than_a_minute_is_put_right(
    error_ms: int | None, correction_ms: int
) -> None:
    """The correction is received less sent, rounded to the minute, and none at all up to 60 seconds."""
    sent_ms = None if error_ms is None else TEN_MS - error_ms
    assert corrected_ms(TEN_MS - 5_000, sent_ms=sent_ms, received_ms=TEN_MS) == TEN_MS - 5_000 + correction_ms
