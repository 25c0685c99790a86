"""`touchline import`: leads and calls from a spreadsheet, by the road of everything else."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from tests.tables import holds
from tests.telling import Workspace, hit, lease
from tracker import config
from tracker.cli import main
from tracker.store.db import open_store

POOLED = "+442071830001"
CALLS = """\
Start Time;Caller Number;Tracking Number;Duration (s);Name;Call Status;Source;Medium;GCLID;Value;Was it good?
25/12/2025 10:04;020 7946 0001;020 7183 0001;1:05;"Müller; Ann";answered;Google;cpc;G1;£1.200,50;yes
03/04/2026 9:05 pm;07700 900001;;00:01:05;;missed;;;;;
31/02/2026 10:00;020 7946 0002;;;;;;;;;
Total;;;2:10;;;;;;1.200,50;
"""


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give a workspace whose site is in London."""
    own = Workspace(settings, client)
    with closing(open_store(settings.data, write=True)) as db:
        db.execute("UPDATE site SET timezone = 'Europe/London', currency = 'GBP'")
        db.commit()
    return own


def run(workspace: Workspace, file: Path, *words: str) -> Result:
    """Run `touchline import` on the site shop."""
    given = ["--data", str(workspace.settings.data), "import", "shop", str(file), *words]
    return CliRunner().invoke(main, given)


def written(folder: Path, text: str = CALLS, *, encoding: str = "utf-8", name: str = "calls.csv") -> Path:
    """Write a file."""
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_calls_come_in_whatever_the_encoding(workspace: Workspace, tmp_path: Path, encoding: str) -> None:
    """Marks, encoding, dates, money and headings are found out; what cannot be read is told and kept."""
    file = written(tmp_path, encoding=encoding)
    result = run(workspace, file, "--kind", "call")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"read": 4, "new": 2, "repeated": 0, "rejected": 2}
    holds(workspace.export("leads"), """
        at                        provider  name         phone          duration_s  answered  value
        2025-12-25T10:04:00.000Z  import    Müller; Ann  020 7946 0001  65          yes       1200.50
        2026-04-03T20:05:00.000Z  import    -            07700 900001   65          no        -
    """)  # fmt: skip
    assert [(row["channel"], row["currency"]) for row in workspace.export("leads")] == [
        ("Paid Search", "GBP"), (None, None),
    ]  # fmt: skip
    told = (tmp_path / "calls.csv.rejects.csv").read_text("utf-8-sig").splitlines()
    assert told[0].startswith("line,reason,Start Time,Caller Number")
    assert told[1].startswith("4,at: '31/02/2026 10:00' is no day or time that there is,31/02/2026 10:00")
    assert told[2].startswith("5,at: 'Total' is no date,Total")
    assert "line 5: at: 'Total' is no date" in result.stderr
    assert CliRunner().invoke(main, ["--data", str(workspace.settings.data), "verify"]).exit_code == 0


def test_the_columns_are_shown_and_a_preview_appends_nothing(workspace: Workspace, tmp_path: Path) -> None:
    """What each column is taken for, on stderr; the facts themselves on stdout."""
    result = run(workspace, written(tmp_path), "--kind", "call", "--dry-run")
    assert "  Start Time       at                  25/12/2025 10:04\n" in result.stderr
    assert "  Was it good?     fields (an answer)  yes\n" in result.stderr
    facts = [json.loads(line) for line in result.stdout.splitlines()]
    assert [fact["at"] for fact in facts] == ["2025-12-25T10:04:00.000Z", "2026-04-03T20:05:00.000Z"]
    assert facts[0]["fields"] == {"Was it good?": "yes"}
    assert workspace.export("leads") == []
    assert not (tmp_path / "calls.csv.rejects.csv").exists()


def test_importing_twice_has_no_effect(workspace: Workspace, tmp_path: Path) -> None:
    """A line without an id is known again by all that it says; a line twice in a file is one lead."""
    file = written(tmp_path)
    run(workspace, file, "--kind", "call")
    before = workspace.everything()
    again = run(workspace, file, "--kind", "call")
    assert json.loads(again.stdout) == {"read": 4, "new": 0, "repeated": 2, "rejected": 2}
    assert workspace.everything() == before


def test_an_id_column_names_the_lead_whatever_else_changes(workspace: Workspace, tmp_path: Path) -> None:
    """A later export of the same service fills in what was not known yet."""
    for cells in ("L1,2026-04-03 10:00,", "L1,2026-04-03 10:00,ann@acme.com"):
        run(
            workspace,
            written(tmp_path, f"Lead ID,Date,Email\n{cells}\n"),
            "--kind",
            "form",
            "--provider",
            "forms",
        )
    holds(workspace.export("leads"), """
        provider  provider_id  email
        forms     L1           ann@acme.com
    """)  # fmt: skip


def test_an_imported_call_is_matched_like_any_other(workspace: Workspace, tmp_path: Path) -> None:
    """It finds the visitor to whom the number was shown."""
    workspace.tell(hit("e1", 0), lease(POOLED, 0, 5))
    text = "Call time,From,To,Direction\n2026-03-01 10:02,07700900001,020 7183 0001,Inbound\n" \
           "2026-03-01 10:03,020 7183 0001,07700900001,Outbound\n"  # fmt: skip
    result = run(workspace, written(tmp_path, text), "--kind", "call")
    assert "line 3: direction: is an outgoing call, which is no lead" in result.stderr
    holds(workspace.export("leads"), """
        match_rule  visitor_id
        M2          v1
    """)  # fmt: skip


def test_a_column_goes_where_the_operator_says(workspace: Workspace, tmp_path: Path) -> None:
    """`--map` beats the guess; `-` leaves a column out."""
    file = written(tmp_path, "When,Who,Secret\n2026-04-03 10:00,Ann Lee,x\n")
    said = [word for each in ("When=at", "Who=name", "Secret=-") for word in ("--map", each)]
    result = run(workspace, file, "--kind", "form", "--dry-run", *said)
    (fact,) = (json.loads(line) for line in result.stdout.splitlines())
    assert (fact["name"], "fields" in fact) == ("Ann Lee", False)


WRONG: dict[str, tuple[str, list[str], str]] = {
    "dates that may be read in two ways": (
        "Date,Email\n03/04/2026,ann@acme.com\n", [], "say --dates dmy or --dates mdy",
    ),
    "no column with a time": ("Email\nann@acme.com\n", [], "--map 'COLUMN=at', of 'Email'"),
    "no such column": ("Date\n2026-01-01\n", ["--map", "Nope=at"], "there is no column 'Nope'; there are"),
    "no such field": ("Date\n2026-01-01\n", ["--map", "Date=nonsense"], "'nonsense' is no field"),
    "nothing below the headings": ("Date,Email\n", [], "has no line below its headings"),
    "a quotation mark that is never closed": (
        'Date,Name\n2026-01-01,Ann\n2026-01-02,"Bob\n2026-01-03,Cy\n', [],
        "line 3: a quotation mark is not closed; is the file cut short?",
    ),
    "a cell without end": ("Date,Name\n2026-01-01," + "x" * 1_000_001, [], "line 2: field larger than"),
    "a heading of a zone that there is not": (
        "Date (UTC+99)\n2026-01-01 10:00\n", [], "farther from UTC than any clock",
    ),
    "a PDF": ("%PDF-1.7\n1 0 obj", [], "export the list as CSV where it was made"),
    "a workbook": ("PK\x03\x04...", [], "choose Save As, and the type 'CSV UTF-8 (comma delimited)'"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_imported_says_what_to_do(
    workspace: Workspace, tmp_path: Path, text: str, words: list[str], message: str
) -> None:
    """Exit code 2, nothing on stdout, nothing appended."""
    result = run(workspace, written(tmp_path, text), "--kind", "form", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_lines_that_cannot_be_read_are_written_for_a_spreadsheet_to_open(
    workspace: Workspace, tmp_path: Path
) -> None:
    """What a visitor typed is run by no spreadsheet, and reads the same when it is imported again."""
    told = """-2+3,=1+1\n"""
    file = written(tmp_path, f"Date,Name,Note\n2026-01-01,Ann,\nsoon,{told}")
    assert run(workspace, file, "--kind", "form").exit_code == 0
    kept = file.with_name("calls.csv.rejects.csv")
    assert kept.read_text(encoding="utf-8-sig").splitlines()[1].endswith("soon,'-2+3,'=1+1")
    result = run(workspace, written(tmp_path, kept.read_text("utf-8-sig").replace("soon", "2026-01-02")),
                 "--kind", "form", "--dry-run")  # fmt: skip
    fact = json.loads(result.stdout)
    assert (fact["name"], fact["fields"]["Note"]) == ("-2+3", "=1+1")


MARKS: dict[str, Any] = {"commas": ",", "semicolons": ";", "tabs": "\t", "bars": "|"}


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
def test_any_common_mark_parts_the_cells(workspace: Workspace, tmp_path: Path, mark: str) -> None:
    """The one that parts most lines as the headings are parted; cells may hold the others."""
    text = (
        mark.join(("Date", "Name", "Message"))
        + "\n"
        + mark.join(("2026-04-03", "Ann Lee", '"a, b; c | d"'))
        + "\n"
    )
    (line,) = run(workspace, written(tmp_path, text), "--kind", "form", "--dry-run").stdout.splitlines()
    assert json.loads(line)["transcript"] == "a, b; c | d"


TWILIO = """\
Call Sid,Start Time (UTC),From,To,Direction,Talk time (min),Status,Lead Status,Remark,Remark
CA1,2026-07-01 10:00,07700900001,020 7183 0001,inbound,2,completed,MQL,first,second
CA2,2026-07-01 10:00,020 7183 0001,07700900002,outbound-api,2,no-answer,,,
CA3,2026-07-01 10:00,07700900003,020 7183 0001,inbound,0,no-answer,spam,,
"""


def test_headings_say_units_and_zones_and_no_call_that_went_out_is_a_lead(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Two minutes are no junk, UTC is not the site's summer time, and two columns of one name are kept."""
    file = written(tmp_path, TWILIO)
    result = run(workspace, file, "--kind", "call", "--provider", "twilio")
    assert "line 3: direction: is an outgoing call, which is no lead" in result.stderr
    assert "3 lines; times are of UTC" in result.stderr
    holds(sorted(workspace.export("leads"), key=lambda row: str(row["provider_id"])), """
        provider_id  at                        duration_s  answered  status        is_junk
        CA1          2026-07-01T10:00:00.000Z  120         yes       qualified     no
        CA3          2026-07-01T10:00:00.000Z  0           no        disqualified  yes
    """)  # fmt: skip
    (fact, _) = run(workspace, file, "--kind", "call", "--dry-run").stdout.splitlines()
    assert json.loads(fact)["fields"] == {"Remark": "first", "Remark (column 10)": "second"}


def test_an_order_that_was_said_decides(workspace: Workspace, tmp_path: Path) -> None:
    """`--dates mdy` reads 03/04 as the fourth of March."""
    file = written(tmp_path, "sep=;\nDate;Email\n03/04/2026;ann@acme.com\n")
    result = run(workspace, file, "--kind", "form", "--dates", "mdy", "--dry-run")
    assert json.loads(result.stdout)["at"] == "2026-03-04T00:00:00.000Z"


def test_where_nothing_can_be_read_nothing_is_appended(workspace: Workspace, tmp_path: Path) -> None:
    """Exit code 1: it was tried and failed."""
    result = run(workspace, written(tmp_path, "Date,Email\nsoon,ann@acme.com\n"), "--kind", "form")
    assert (result.exit_code, result.stdout) == (1, "")
