"""Columns of a spreadsheet: which field each fills."""

from __future__ import annotations

import pytest

from tracker.core.columns import guess_columns, map_columns
from tracker.errors import BadRequest

HEADERS: dict[str, tuple[str, str]] = {
    "a call service's": (
        "Start Time, Caller Number, Tracking Number, Duration, Call Status, Source, Medium, Keywords, GCLID",
        "at, phone, tracking_number, duration_s, answered, utm_source, utm_medium, utm_term, gclid",
    ),
    "a form service's": (
        "Entry ID, Submitted At, Full Name, Email Address, Your Message, Landing Page URL, utm_campaign",
        "provider_id, at, name, email, transcript, landing_page, utm_campaign",
    ),
    "German": (
        "Datum, Uhrzeit, Vorname, Nachname, E-Mail-Adresse, Telefonnummer, Firma, Nachricht",
        "at, time, first_name, last_name, email, phone, company, transcript",
    ),
    "French": (
        "Date, Heure, Prénom, Nom, Courriel, Téléphone, Durée",
        "at, time, first_name, last_name, email, phone, duration_s",
    ),
    "Spanish": (
        "Fecha y hora, Nombre completo, Correo electrónico, Teléfono, Importe",
        "at, name, email, phone, value",
    ),
    "a click id in words": ("Date, Google Click ID, li_fat_id, Ms Clk Id", "at, gclid, li_fat_id, msclkid"),
    "a field is filled once, by the heading that says so best": (
        "Date Created, Start Time, Name",
        "-, at, name",
    ),
    "what sales said of a lead, and what a telephone service calls its calls": (
        "Call Sid, Date, Lead Status",
        "provider_id, at, status",
    ),
    "a whole name goes before its parts": ("First Name, Last Name, Full Name, Date", "-, -, name, at"),
}


@pytest.mark.parametrize(("header", "fields"), HEADERS.values(), ids=HEADERS)
def test_headings_say_what_a_column_holds(header: str, fields: str) -> None:
    """In several languages, whatever their case, accents and marks."""
    names = header.split(", ")
    found = guess_columns(names, [])
    assert [found.get(number, "-") for number in range(len(names))] == fields.split(", ")


def test_values_say_what_a_column_holds_whose_heading_does_not() -> None:
    """Addresses, dates, numbers and pages are told by their look."""
    rows = [["ann@acme.com", "03/04/2026 10:04", "020 7946 0001", "https://shop.test/", "blue"]] * 3
    assert guess_columns(list("ABCDE"), rows) == {0: "email", 1: "at", 2: "phone", 3: "page_url"}


@pytest.mark.parametrize(
    ("header", "cells", "found"),
    [
        (["Time", "Email"], ["2026-03-01 10:00", "ann@acme.com"], {0: "at", 1: "email"}),
        (["Time", "Date"], ["2026-03-01 10:00", "2026-03-01"], {0: "time", 1: "at"}),
        (["Time", "Email"], ["10:00", "ann@acme.com"], {0: "time", 1: "email"}),
    ],
    ids=["with the days in it", "beside the days", "without any day"],
)
def test_a_column_headed_time_holds_the_time_where_it_has_the_days(
    header: list[str], cells: list[str], found: dict[int, str]
) -> None:
    """`Time` is the time of day unless nothing else says the day and its cells do."""
    assert guess_columns(header, [cells]) == found


def test_the_operator_has_the_last_word() -> None:
    """A column is what it is said to be, and whatever was guessed to be that is no longer."""
    header = ["Date", "Caller", "Other Number", "Colour"]
    guessed = guess_columns(header, [])
    assert guessed == {0: "at", 1: "phone"}
    told = map_columns(header, guessed, ["other number=phone", "Colour=-"])
    assert told == {0: "at", 2: "phone", 3: "-"}


@pytest.mark.parametrize("told", ["Nope=phone", "Date=nonsense", "phone"])
def test_a_column_or_field_that_there_is_not_is_named(told: str) -> None:
    """With those that there are."""
    with pytest.raises(BadRequest, match="there is no column|is no field"):
        map_columns(["Date"], {}, [told])
