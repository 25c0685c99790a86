"""The verbs of what leads are worth, end to end: `lead`, `site qualify`, `report`, `explain lead`."""

from __future__ import annotations

import csv
import io
import json
from contextlib import closing

import pytest
import redis
from click.testing import CliRunner, Result

from tests.integration.conftest import Touchline
from tests.telling import GOOGLE, Fact, Workspace, activity, call, hit, lead, status
from tracker import config
from tracker.cli import main
from tracker.core.ids import lead_id
from tracker.store.db import open_store

ANN, BOB, LINE = "ann@acme.com", "bob@beta.io", "+447700900001"
DAY = 24 * 60
FACTS: tuple[Fact, ...] = (
    hit("h1", 0, referrer=GOOGLE), lead("F1", 5, visitor_id="v1", email=ANN, name="Ann Lee"),
    lead("F2", DAY, email=ANN), call("C1", 60, phone=LINE, duration_s=4),
    lead("F3", 14 * 60, email=BOB), activity("A1", 35, email=ANN, owner="Sue"),
    activity("A2", 20 * 60, "email_sent", email=BOB, owner="Tim"), status("F1", 50, "SQL", by="Sue"),
)  # fmt: skip


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give a workspace with two leads that count, a repeat and a short call."""
    own = Workspace(settings, client)
    own.tell(*FACTS)
    return own


def rows(result: Result) -> list[dict[str, str]]:
    """Read CSV off stdout."""
    assert result.exit_code == 0, result.stderr
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_what_a_visitor_typed_gives_a_terminal_no_orders(touchline: Touchline, workspace: Workspace) -> None:
    """A name's escape sequences and line ends are spaces in what is printed for people."""
    workspace.tell(lead("F9", 20, name="Eve\x1b[2J\r\nMallory\x9b1m"))
    for said in (touchline("lead", "list", "--pii"), touchline("explain", "lead", "F9")):
        assert said.exit_code == 0, said.stderr
        assert not {"\x1b", "\x9b", "\r"} & set(said.stdout)
    assert "[2J  Mallory" in touchline("lead", "list", "--pii").stdout


def test_a_status_is_said_by_hand(touchline: Touchline, workspace: Workspace) -> None:
    """The lead is named by its provider's id or its own; the answer is the lead as it is then."""
    said = touchline("lead", "status", "F3", "mql", "--by", "Sue", "--reason", "met at the fair")
    assert said.exit_code == 0, said.stderr
    told = json.loads(said.stdout)
    assert (told["status"], told["status_by"], told["status_reason"]) == (
        "qualified",
        "Sue",
        "met at the fair",
    )
    assert told["email"] == "b***@beta.io"
    again = touchline("lead", "status", lead_id("shop", "desk", "F3"), "disqualified", "--pii")
    assert json.loads(again.stdout)["email"] == BOB
    steps = [row["status"] for row in workspace.export("statuses") if row["lead_id"] == told["lead_id"]]
    assert steps == ["new", "qualified", "disqualified"]
    assert workspace.verify() == []


WRONG = {
    "a lead that is not there": ("nobody", "MQL"),
    "a status that is none": ("F1", "hot"),
    "a time without an offset": ("F1", "MQL", "--at", "2026-03-01T10:00:00"),
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_a_status_is_refused_when(touchline: Touchline, words: tuple[str, ...]) -> None:
    """Wrong use: exit code 2, and nothing is said."""
    result = touchline("lead", "status", *words)
    assert (result.exit_code, result.stdout) == (2, "")


def test_leads_are_listed_without_junk_and_repeats(touchline: Touchline) -> None:
    """What counts, newest first; the rest where it is asked for."""
    counted = rows(touchline("lead", "list", "--format", "csv"))
    assert [(row["status"], row["email"]) for row in counted] == [
        ("new", "b***@beta.io"), ("sales_qualified", "a***@acme.com"),
    ]  # fmt: skip
    assert len(rows(touchline("lead", "list", "--all", "--format", "csv"))) == 4
    assert len(rows(touchline("lead", "list", "--status", "new", "--format", "csv"))) == 1
    assert "sales_qualified" in touchline("lead", "list").stdout


RULES = """
switched_off = ["short_call"]

[[rule]]
name = "from a search"
status = "MQL"
channel = "Organic*"
"""


def test_a_sites_rules_judge_its_history(touchline: Touchline, workspace: Workspace) -> None:
    """A dry run tells what would differ; then old leads follow the rules, and a word still beats them."""
    file = workspace.settings.data / "rules.toml"
    file.write_text(RULES)
    shown = touchline("site", "qualify", "shop", str(file), "--dry-run")
    assert shown.exit_code == 0, shown.stderr
    assert "short_call" in shown.stdout and "would differ" in shown.stderr
    assert touchline("site", "qualify", "shop", str(file)).exit_code == 0
    found = {row["provider_id"]: row["status"] for row in workspace.export("leads")}
    assert found == {"F1": "sales_qualified", "F2": "qualified", "F3": "new", "C1": "new"}
    assert workspace.verify() == []
    file.write_text("")
    touchline("site", "qualify", "shop", str(file))
    assert {row["status"] for row in workspace.export("leads")} == {"sales_qualified", "new", "disqualified"}
    file.write_text("[[rule]]\nname = 'x'")
    wrong = touchline("site", "qualify", "shop", str(file))
    assert wrong.exit_code == 2 and "rule[0].status" in wrong.stderr


def test_the_report_of_leads_counts_by_channel(touchline: Touchline) -> None:
    """What came in is what counts, repeats and junk together."""
    found = rows(touchline("report", "leads", "--format", "csv"))
    names = (
        "channel",
        "received",
        "leads",
        "duplicates",
        "junk",
        "qualified",
        "sales_qualified",
        "unmatched",
    )
    assert [tuple(row[name] for name in names) for row in found] == [
        ("(unknown)", "2", "1", "0", "1", "0", "0", "1"),
        ("Organic Search", "2", "1", "1", "0", "1", "1", "0"),
    ]
    for row in found:
        assert int(row["received"]) == int(row["leads"]) + int(row["duplicates"]) + int(row["junk"])


def test_what_was_erased_is_counted_still(touchline: Touchline, workspace: Workspace) -> None:
    """Totals stay, as numbers of nobody."""
    assert touchline("erase", "--email", BOB, "--yes").exit_code == 0
    found = rows(touchline("report", "leads", "--format", "csv", "--by", "kind"))
    assert {row["kind"]: row["received"] for row in found} == {"form": "2", "call": "1", "(erased)": "1"}


SPANS = {
    "all": ((), "2"),
    "the first day": (("--to", "2026-03-01"), "1"),
    "the second day": (("--from", "2026-03-02"), "1"),
    "another site": (("--site", "blog"), None),
}


@pytest.mark.parametrize(("words", "leads"), SPANS.values(), ids=SPANS)
def test_days_are_those_of_the_sites_zone(
    touchline: Touchline, workspace: Workspace, words: tuple[str, ...], leads: str | None
) -> None:
    """A lead of midnight in London is of the next day in Tokyo, whatever it is in UTC."""
    with closing(open_store(workspace.settings.data, write=True)) as db:
        db.execute("UPDATE site SET timezone = 'Asia/Tokyo'")
        db.commit()
    found = rows(touchline("report", "response", "--by", "site", "--format", "csv", *words))
    assert (found[0]["leads"] if found else None) == leads


def test_the_report_of_responses(touchline: Touchline) -> None:
    """By who answered, by channel, and by the hour of the week."""
    owners = rows(touchline("report", "response", "--by", "owner", "--format", "csv"))
    assert [(row["owner"], row["leads"], row["median_s"]) for row in owners] == [
        ("Sue", "1", "1800.0"), ("Tim", "1", "21600.0"),
    ]  # fmt: skip
    hours = rows(touchline("report", "response", "--by", "hour", "--format", "csv"))
    assert [(row["hour"], row["answered"]) for row in hours] == [("Mon 00:00", "1"), ("Sun 10:00", "1")]
    text = touchline("report", "response").stdout.splitlines()
    assert text[0].split()[:3] == ["channel", "leads", "answered"]
    assert touchline("report", "response", "--by", "colour").exit_code == 2
    assert touchline("report", "response", "--site", "nobody").exit_code == 2


WAITS = {
    "one": ([60], ("60.0", "60.0", "60.0", "60.0")),
    "two": ([0, 100], ("25.0", "50.0", "75.0", "90.0")),
    "an odd number, one of them slow": ([10, 20, 3000], ("15.0", "20.0", "1510.0", "2404.0")),
    "some still wait": ([40, None, 20, None], ("25.0", "30.0", "35.0", "38.0")),
    "all still wait": ([None], ("", "", "", "")),
}


@pytest.mark.parametrize(("waits", "expected"), WAITS.values(), ids=WAITS)
def test_percentiles_lie_between_their_neighbours(
    settings: config.Settings, client: redis.Redis, waits: list[int | None], expected: tuple[str, ...]
) -> None:
    """Over those that were answered; who still waits is counted beside them."""
    own = Workspace(settings, client)
    for number, wait in enumerate(waits):
        own.tell(lead(f"F{number}", 0, email=f"{chr(97 + number)}.lee@acme.com"))
        if wait is not None:
            own.tell(activity(f"A{number}", wait / 60, email=f"{chr(97 + number)}.lee@acme.com"))
    words = ["--data", str(settings.data), "report", "response", "--format", "csv"]
    (row,) = rows(CliRunner().invoke(main, words))
    assert tuple(row[name] for name in ("p25_s", "median_s", "p75_s", "p90_s")) == expected
    assert int(row["waiting"]) == waits.count(None)


def test_a_lead_explains_what_it_is_worth(touchline: Touchline) -> None:
    """Status with its history, why it is junk, what it repeats, who answered when."""
    words = touchline("explain", "lead", "F1").stdout
    assert "  It is sales-qualified (SQL), because Sue said so\n" in words
    assert "    before, from 2026-03-01T10:05:00.000Z: new, because no rule says otherwise\n" in words
    assert (
        f"  The form lead {lead_id('shop', 'desk', 'F2')} of 2026-03-02T10:00:00.000Z repeats it\n" in words
    )
    assert "  Sales first answered by Sue after 30 minutes, at 2026-03-01T10:35:00.000Z\n" in words
    assert (
        f"  It repeats the form lead {lead_id('shop', 'desk', 'F1')}"
        in touchline("explain", "lead", "F2").stdout
    )
    assert "Moved" not in words + touchline("explain", "lead", "F2").stdout
    junk = touchline("explain", "lead", "C1").stdout
    assert "  It is junk, because the call lasted less than 10 seconds\n" in junk
    assert "  As junk it counts as no lead" in junk


def test_whoever_asks_is_given_what_was_said_of_their_leads(touchline: Touchline) -> None:
    """Words on their statuses and what sales did with them are theirs to see; others' are not."""
    told = touchline("access", "--email", ANN)
    assert told.exit_code == 0, told.stderr
    found = [each for each in json.loads(told.stdout)["facts"] if each["fact"] in ("status", "activity")]
    assert sorted(each["fact"] for each in found) == ["activity", "status"]
    assert {each["versions"][0]["told"].get("owner") for each in found} == {"Sue", None}
