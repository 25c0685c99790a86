"""Exports: exact columns, cells that no spreadsheet runs, masked contacts, cursors that lose nothing."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests import histories
from tests.conftest import short_folder
from tests.laws import tried
from tests.telling import FACEBOOK, GOOGLE, Fact, Row, Workspace, activity, erase, hit, identify, lead, status
from tracker import config
from tracker.cli import main
from tracker.cli.out import as_cell
from tracker.core.times import EARLIEST_MS, LATEST_MS, format_instant
from tracker.model import SiteKey
from tracker.store import exports
from tracker.store.db import open_store
from tracker.store.sites import StaticNumber, put_static_number

SOURCE = "channel, source, medium, campaign, term, content, click_id_name, click_id"
COLUMNS = {
    "touchpoints": "touch_id, site, person_id, account_id, position, at, kind, session_id, visitor_id,"
    f" {SOURCE}, landing_page, referrer_host, device, country, rule, rules_version",
    "journeys": "journey_id, site, conversion_kind, conversion_id, at, person_id, account_id, touch_count,"
    " first_at, first_channel, first_source, first_medium, first_campaign, last_channel, last_source,"
    " last_medium, last_campaign, lead_channel, days, path, touch_ids",
    "sessions": "session_id, site, visitor_id, person_id, started_at, ended_at, hits, pages, engaged_s,"
    f" landing_page, exit_page, opened_by, {SOURCE}, referrer_host, rule, rules_version, browser, os, device,"
    " country, is_repeat_click",
    "persons": "person_id, aliases, visitors, emails, phones, crm_ids, account_id, first_seen_at,"
    " last_seen_at",
    "leads": "lead_id, site, kind, provider, provider_id, at, name, email, phone, company, tracking_number,"
    " page_url, duration_s, answered, is_junk, person_id, visitor_id, session_id, match_rule,"
    f" match_confidence, match_evidence, status, duplicate_of, {SOURCE}, landing_page, referrer_host, rule,"
    " rules_version, value, currency, status_at, status_by, status_rule, status_reason, first_response_at,"
    " response_s, response_owner",
    "statuses": "site, lead_id, step, at, status, is_junk, said_by, rule, reason",
    "activities": "activity_id, site, at, kind, provider, provider_id, person_id, owner, title",
    "decisions": "fact, rule, a, b, at, verdict, why, is_verified",
    "ownership": "visitor_id, from_at, to_at, person_id",
    "accounts": "account_id, name, domains, crm_ids, persons, first_seen_at, last_seen_at",
    "memberships": "membership_id, account_id, person_id, reason, through, from_at, last_at, is_shown",
}
COLUMNS["account_journeys"] = COLUMNS["journeys"]

LOGS = {"changes": "change_no, recorded_at, noun, id, what, before, after, because"}

FACTS: tuple[Fact, ...] = (
    hit("e1", 0, url="https://shop.test/?utm_source=news&utm_medium=email&utm_campaign=%3Dcmd()&gclid=G1"),
    hit("e2", 1, url="https://shop.test/pricing"),
    hit("e3", 100, referrer=GOOGLE, visitor_id="v2"),
    hit("e4", 200, referrer=FACEBOOK, visitor_id="v3", site="blog"),
    hit("e5", 300, user_agent="Googlebot/2.1", visitor_id="v4"),
    lead(
        "1", 2, visitor_id="v1", email="ann@acme.com", name="=HYPERLINK(1)", company="-Acme", value="1200.50",
        currency="GBP", answered=True, status="MQL",
    ),
    lead("2", 101, visitor_id="v2", email="ann@acme.com", phone="+44 20 7946 0001", duration_s=-0),
    lead("3", 5, kind="call", phone="+44 20 7946 0002", site="blog"),
    status("1", 60, "disqualified", by="=Bob", reason="+too far"),
    activity("A1", 30, email="ann@acme.com", owner="Bob"),
    identify(400, visitor_id="v3", email="bob@beta.io"),
    identify(500, visitor_id="v3", email="cat@gamma.io"),
)  # fmt: skip


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give a workspace with some of everything."""
    own = Workspace(settings, client)
    own.tell(*FACTS)
    return own


def run(workspace: Workspace, *words: str) -> Result:
    """Run `touchline export` over the workspace."""
    return CliRunner().invoke(main, ["--data", str(workspace.settings.data), "export", *words])


def rows_of(result: Result) -> list[dict[str, str]]:
    """Read a CSV export."""
    assert result.exit_code == 0, result.stderr
    return list(csv.DictReader(io.StringIO(result.stdout, newline="")))


@pytest.mark.parametrize("what", {**COLUMNS, **LOGS})
def test_an_export_has_exactly_the_columns_that_are_promised(workspace: Workspace, what: str) -> None:
    """Names and order are the same in CSV and JSON Lines, and stable."""
    promised = {**COLUMNS, **LOGS}[what].split(", ")
    text = run(workspace, what).stdout
    assert text.splitlines()[0].split(",") == promised
    lines = run(workspace, what, "--format", "jsonl").stdout.splitlines()
    assert [list(json.loads(line)) for line in lines] == [promised] * len(workspace.export(what))


def test_what_can_be_exported_is_known(workspace: Workspace) -> None:
    """Every export is named here, and another is wrong use."""
    assert exports.EXPORTS.keys() == {*COLUMNS, *LOGS, "hits"}
    assert run(workspace, "everything").exit_code == 2


@pytest.mark.parametrize("what", sorted(exports.EXPORTS))
def test_both_formats_say_the_same(workspace: Workspace, what: str) -> None:
    """CSV is text; behind it stand the same values as in JSON Lines."""
    lines = [
        json.loads(line) for line in run(workspace, what, "--format", "jsonl", "--pii").stdout.splitlines()
    ]
    rows = rows_of(run(workspace, what, "--pii"))
    assert len(rows) == len(lines) > 0
    for row, line in zip(rows, lines, strict=True):
        for name, value in line.items():
            assert row[name].removeprefix("'") == _text(value), name


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def test_lists_are_lists_and_truths_are_truths_in_json(workspace: Workspace) -> None:
    """Whoever reads JSON Lines need not parse a text again."""
    journeys = [
        json.loads(line) for line in run(workspace, "journeys", "--format", "jsonl").stdout.splitlines()
    ]
    journey = journeys[-1]
    assert journey["path"] == ["Email", "Organic Search"]
    assert len(journey["touch_ids"]) == journey["touch_count"] == 2
    person = json.loads(run(workspace, "persons", "--format", "jsonl").stdout.splitlines()[0])
    assert all(
        isinstance(person[name], list) for name in ("aliases", "visitors", "emails", "phones", "crm_ids")
    )
    leads = [json.loads(line) for line in run(workspace, "leads", "--format", "jsonl").stdout.splitlines()]
    assert [row["answered"] for row in leads] == [True, None, None]
    assert [row["is_junk"] for row in leads] == [False] * 3
    assert {type(row["match_evidence"]) for row in leads} == {dict}


def test_amounts_are_decimal_strings_with_their_currency(workspace: Workspace) -> None:
    """An amount keeps its digits; a float would not."""
    row = workspace.export("leads")[0]
    assert (row["value"], row["currency"]) == ("1200.50", "GBP")


FORMULAS = {
    "an equals sign": ("=1+1", "'=1+1"),
    "a plus": ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
    "a minus": ("-2+3", "'-2+3"),
    "an at sign": ("@SUM(1)", "'@SUM(1)"),
    "a bar": ("|calc", "'|calc"),
    "a tab before it": ("\t=1", "'\t=1"),
    "a line's end before it": ("\r=1", "'\r=1"),
    "spaces before it": ("  =1", "'  =1"),
    "a wide equals sign": ("\uff1d1+1", "'\uff1d1+1"),
    "a number below zero is a number": ("-12.50", "-12.50"),
    "a phone is a number": ("+442079460001", "+442079460001"),
    "a sign inside is a text's own": ("a=1", "a=1"),
    "an empty text": ("", ""),
}


@pytest.mark.parametrize(("text", "cell"), FORMULAS.values(), ids=FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(text: str, cell: str) -> None:
    """A quote before it makes it a text; numbers stay numbers."""
    assert as_cell(text) == cell


def test_formulas_from_visitors_and_providers_leave_as_text(workspace: Workspace) -> None:
    """Whatever a stranger typed or put into a link, in CSV and in CSV alone."""
    leads = rows_of(run(workspace, "leads", "--pii"))
    assert (leads[0]["name"], leads[0]["company"], leads[0]["status_by"]) == (
        "'=HYPERLINK(1)",
        "'-Acme",
        "'=Bob",
    )
    assert rows_of(run(workspace, "sessions"))[0]["campaign"] == "'=cmd()"
    line = json.loads(run(workspace, "leads", "--pii", "--format", "jsonl").stdout.splitlines()[0])
    assert line["name"] == "=HYPERLINK(1)"


def test_contacts_are_masked_unless_asked_for(workspace: Workspace) -> None:
    """Name, e-mail, phone and company: enough for their owner to know them, too little for anybody else."""
    leads = rows_of(run(workspace, "leads"))
    assert {row["email"] for row in leads} == {"a***@acme.com", ""}
    assert {row["phone"] for row in leads} == {"***001", "***002", ""}
    assert (leads[0]["name"], leads[0]["company"]) == ("'=***", "'-***")
    persons = run(workspace, "persons").stdout
    assert "ann@acme.com" not in persons
    assert "a***@acme.com" in persons
    assert "ann@acme.com" in run(workspace, "persons", "--pii").stdout
    assert "acme" not in run(workspace, "touchpoints").stdout + run(workspace, "journeys").stdout


def test_only_one_sites_rows_on_request(workspace: Workspace) -> None:
    """`--site` keeps that site's rows; persons belong to no one site, and a site must be there."""
    assert {row["site"] for row in rows_of(run(workspace, "sessions", "--site", "blog"))} == {"blog"}
    assert len(rows_of(run(workspace, "touchpoints", "--site", "shop"))) == 4
    unknown = run(workspace, "leads", "--site", "nowhere")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    refused = run(workspace, "persons", "--site", "shop")
    assert (refused.exit_code, refused.stdout) == (2, "")


def test_a_file_appears_whole_or_not_at_all(workspace: Workspace, tmp_path: Path) -> None:
    """The target is replaced at the end; a failure leaves what was there and no trace beside it."""
    target = tmp_path / "leads.csv"
    target.write_text("old")
    refused = run(workspace, "persons", "--site", "shop", "--out", str(target))
    assert (refused.exit_code, target.read_text()) == (2, "old")
    done = run(workspace, "leads", "--out", str(target))
    assert (done.exit_code, done.stdout) == (0, "")
    assert target.read_text() == run(workspace, "leads").stdout
    assert [path.name for path in tmp_path.iterdir()] == ["leads.csv"]
    lost = run(workspace, "leads", "--out", str(tmp_path / "nowhere" / "leads.csv"))
    assert lost.exit_code == 1
    assert "cannot be written" in lost.stderr


def test_stdout_carries_data_alone(workspace: Workspace) -> None:
    """The cursor is told on stderr, so that a pipe gets rows and nothing else."""
    result = run(workspace, "leads")
    assert result.stderr.startswith("cursor: ")
    assert "cursor" not in result.stdout


def cursor_of(result: Result) -> str:
    """Read the cursor off an export's stderr."""
    assert result.exit_code == 0, result.stderr
    return result.stderr.removeprefix("cursor: ").strip()


def test_a_cursor_gives_what_is_new_changed_and_gone(workspace: Workspace) -> None:
    """Nothing changed: no row. Then a late hit and a moved one: exactly what they touch."""
    whole = run(workspace, "sessions")
    none = run(workspace, "sessions", "--since", cursor_of(whole))
    assert rows_of(none) == []
    workspace.tell(
        hit("e6", 3), hit("e4", 400, visitor_id="v5", site="blog", version_at="2026-04-01T00:00:00Z")
    )
    news = rows_of(run(workspace, "sessions", "--since", cursor_of(whole)))
    assert [(row["visitor_id"], row["hits"], row["removed"]) for row in news] == [
        ("v1", "3", "false"), ("v5", "1", "false"), ("", "", "true"),
    ]  # fmt: skip
    (old,) = (row for row in rows_of(whole) if row["visitor_id"] == "v3")
    assert news[-1]["session_id"] == old["session_id"]


def test_a_lead_that_is_none_any_more_is_gone_with_its_journey(workspace: Workspace) -> None:
    """Removed rows are named in leads, journeys and touchpoints, also when they had changed before."""
    cursors = {what: cursor_of(run(workspace, what)) for what in ("leads", "journeys", "touchpoints")}
    (own,) = (row for row in workspace.export("leads") if row["provider_id"] == "2")
    workspace.tell(lead("2", 102, status="seen", version_at="2026-03-02T00:00:00Z"))
    workspace.tell(lead("2", 102, is_test=True, version_at="2026-03-03T00:00:00Z"))
    for what, key in (("leads", "lead_id"), ("touchpoints", "touch_id")):
        news = rows_of(run(workspace, what, "--since", cursors[what]))
        assert own["lead_id"] in [row[key] for row in news if row["removed"] == "true"]
    journeys = rows_of(run(workspace, "journeys", "--since", cursors["journeys"]))
    assert [row["journey_id"] for row in journeys if row["removed"] == "true"]


def test_hits_go_on_from_a_cursor_with_those_that_were_corrected(workspace: Workspace) -> None:
    """New hits and hits told differently; repeats are no news."""
    cursor = cursor_of(run(workspace, "hits"))
    workspace.tell(FACTS[0], hit("e9", 7), hit("e2", 1, url="https://shop.test/pricing", title="Prices"))
    news = rows_of(run(workspace, "hits", "--since", cursor))
    assert [(row["event_id"], row["title"]) for row in news] == [("e2", "Prices"), ("e9", "")]


class Copy:
    """An analyst's copy of an export, kept up to date from cursor to cursor."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.cursor: int | None = None
        self.rows: dict[str, Row] = {}

    def update(self, db: sqlite3.Connection) -> None:
        """Take in what is new, changed and gone since the last time."""
        key = exports.EXPORTS[self.what].key
        since = 0 if self.cursor is None else self.cursor
        self.cursor = exports.cursor_now(db, self.what)
        for gone in exports.gone(db, self.what, since):
            self.rows.pop(gone, None)
        self.rows |= {row[key]: row for row in exports.rows(db, self.what, since=since, pii=True)}

    def check(self, db: sqlite3.Connection) -> None:
        """Compare the copy with a fresh export."""
        key = exports.EXPORTS[self.what].key
        assert self.rows == {row[key]: row for row in exports.rows(db, self.what, pii=True)}, self.what


def follow(copies: list[Copy], workspace: Workspace) -> None:
    """Bring copies up to date, and compare each with a fresh export."""
    with closing(open_store(workspace.settings.data)) as db:
        for copy in copies:
            copy.update(db)
            copy.check(db)


@pytest.mark.slow
@tried(20)
@given(
    batches=st.lists(
        st.lists(
            st.one_of(
                histories.hits, histories.leads, histories.identifies, histories.contacts, histories.deals
            ),
            max_size=5,
        ),
        max_size=6,
    )
)
def test_a_copy_kept_by_cursors_equals_a_fresh_export(client: redis.Redis, batches: list[list[Fact]]) -> None:
    """Whatever comes, moves, merges, splits or goes: whoever applies the news has what is there."""
    own = Workspace(config.load({}, data=short_folder()), client)
    with closing(open_store(own.settings.data, write=True)) as db:
        put_static_number(db, StaticNumber("+442079460000", "leaflet", "print"), site=SiteKey("shop"))
    copies = [Copy(what) for what in COLUMNS if exports.EXPORTS[what].since]
    for batch in batches:
        own.tell(*batch)
        follow(copies, own)


def test_a_copy_of_persons_follows_merges_splits_and_those_who_vanish(workspace: Workspace) -> None:
    """Two browsers become one person, part again, and one is forgotten."""
    copies = [Copy(what) for what in COLUMNS if exports.EXPORTS[what].since]
    steps: list[tuple[Fact, ...]] = [
        (),
        (identify(400, visitor_id="v3", email="carl@corp.io", event_id="i1"),),
        (identify(500, visitor_id="v1", email="carl@corp.io", event_id="i2"),),
        (
            identify(
                500, visitor_id="v1", email="dora@corp.io", event_id="i2", version_at="2026-04-01T00:00:00Z"
            ),
        ),
        (identify(600, visitor_id="v3", email="carl@corp.io", event_id="i3"),),
        (lead("1", 2, is_test=True, version_at="2026-04-01T00:00:00Z"),),
        (hit("e4", 200, visitor_id="v9", site="blog", version_at="2026-04-01T00:00:00Z"),),
        (
            identify(
                500, visitor_id="v9", email="zoe@corp.io", event_id="i2", version_at="2026-04-02T00:00:00Z"
            ),
        ),
        (lead("9", 700, visitor_id="v8"),),
        (lead("9", 700, is_test=True, version_at="2026-04-01T00:00:00Z"),),
    ]
    for step in steps:
        workspace.tell(*step)
        follow(copies, workspace)


def test_a_hits_consent_is_told_in_the_words_of_the_wire(workspace: Workspace) -> None:
    """What an export gives can be loaded again as it was said."""
    workspace.tell(hit("c1", 900, consent="granted"), hit("c2", 901, consent="denied", visitor_id="v77"))
    told = {row["event_id"]: row["consent"] for row in workspace.export("hits")}
    assert (told["c1"], told["c2"], told["e1"]) == ("granted", "denied", None)


def test_a_copy_forgets_who_is_erased(workspace: Workspace) -> None:
    """Whatever is gone is told, though nothing of it is kept; also where an account goes with its people."""
    copies = [Copy(what) for what in COLUMNS if exports.EXPORTS[what].since]
    steps: list[tuple[Fact, ...]] = [
        (lead("7", 800, visitor_id="v8", email="carl@corp.io"), lead("8", 801, email="dora@corp.io")),
        (erase(900, email="carl@corp.io"),),
        (erase(900, email="dora@corp.io"),),
    ]
    for step in steps:
        workspace.tell(*step)
        follow(copies, workspace)


@given(st.integers(EARLIEST_MS, LATEST_MS - 1))
def test_the_store_writes_instants_as_the_core_does(instant_ms: int) -> None:
    """A view's ISO time is the instant to the millisecond."""
    with closing(sqlite3.connect(":memory:")) as db:
        query = "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ? / 1000.0, 'unixepoch')"
        assert db.execute(query, [instant_ms]).fetchone()[0] == format_instant(instant_ms)
