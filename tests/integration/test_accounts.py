"""Accounts by the road that all facts take: who belongs to which company, why, and what it touched."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import redis
from click.testing import CliRunner

from tests.conftest import short_folder
from tests.reading import name_id
from tests.tables import holds
from tests.telling import (
    FACEBOOK,
    GOOGLE,
    Fact,
    Row,
    Workspace,
    at,
    contact,
    hit,
    identify,
    lead,
    same,
    split,
)
from tracker import config
from tracker.cli import main
from worker import rebuild

ANN, BOB, ZOE = "ann@mail.acme.com", "bob@acme.com", "zoe@gmail.com"
ACME_77 = {"name": "Acme Ltd", "domain": "https://www.acme.com/", "crm_id": "77"}
ACME_78 = {"name": "Acme France", "domain": "acme.com", "crm_id": "78"}


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give an empty workspace of two sites."""
    return Workspace(settings, client)


def deal(provider_id: str, minute: float = 0, **fields: Any) -> Fact:
    """Write a step of a deal of the CRM `hub`."""
    usual = {"site": "shop", "provider": "hub", "provider_id": provider_id, "stage": "new"}
    return {"fact": "deal", "at": at(minute), **usual, **fields}


STORY: tuple[Fact, ...] = (
    hit("e1", 0, referrer=GOOGLE), identify(5, email=ANN),
    hit("e2", 10, visitor_id="v2", referrer=FACEBOOK), lead("L1", 20, visitor_id="v2", email=BOB),
    hit("e3", 100, visitor_id="v3"), lead("L2", 120, visitor_id="v3", email=ZOE, company="Acme"),
    hit("e4", 130, visitor_id="v4"), lead("L3", 135, visitor_id="v4", email="eve@yahoo.com", company="Acme"),
)  # fmt: skip
CRM: tuple[Fact, ...] = (
    contact("7", 140, emails=[ZOE], account=ACME_77),
    contact("8", 150, emails=["dan@other.io"], account=ACME_78),
    deal("d1", 160, account={"crm_id": "77"}), deal("d1", 170, contacts=[{"email": "eve@yahoo.com"}]),
    deal("d1", 180, stage="won", contacts=[{"email": "eve@yahoo.com"}, {"crm_id": "8", "role": "buyer"}]),
)  # fmt: skip


def members(workspace: Workspace) -> list[Row]:
    """List the memberships, each with an address of the person and the name of the account."""
    addresses = {row["person_id"]: ",".join(row["emails"]) for row in workspace.export("persons")}
    known = {row["account_id"]: ",".join(row["crm_ids"] + row["domains"]) for row in accounts(workspace)}
    rows = [
        {**row, "person": addresses[row["person_id"]], "account": known[row["account_id"]],
         "from": row["from_at"][11:16], "last": row["last_at"][11:16], "shown": row["is_shown"]}
        for row in workspace.export("memberships")
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["person"], row["account"], row["reason"]))


def accounts(workspace: Workspace) -> list[Row]:
    """List the accounts by what is known of them, after making sure that a rebuild says the same."""
    assert workspace.verify() == []
    rows = workspace.export("accounts")
    return sorted(rows, key=lambda row: (row["crm_ids"], row["domains"]))


def test_a_company_s_domain_is_an_account_and_a_mail_service_is_none(workspace: Workspace) -> None:
    """Sub-domains count, free mail does not, and a company's name in a form says nothing."""
    workspace.tell(*STORY)
    holds(
        members(workspace),
        """
        person             account   reason        through   from   last   shown
        ann@mail.acme.com  acme.com  email_domain  acme.com  10:05  10:05  yes
        bob@acme.com       acme.com  email_domain  acme.com  10:20  10:20  yes
        """,
    )
    (acme,) = accounts(workspace)
    assert (acme["name"], acme["persons"]) == (None, 2)
    assert (acme["first_seen_at"], acme["last_seen_at"]) == (at(0), at(20))
    assert acme["account_id"] == name_id("domain:acme.com")


def test_a_crm_joins_its_account_to_the_domain_and_its_people_to_both(workspace: Workspace) -> None:
    """The second account of that CRM stands alone; a deal's people are those of any of its steps."""
    workspace.tell(*STORY, *CRM)
    holds(
        members(workspace),
        """
        person             account          reason        through   from   last   shown
        ann@mail.acme.com  hub:77,acme.com  email_domain  acme.com  10:05  10:05  yes
        bob@acme.com       hub:77,acme.com  email_domain  acme.com  10:20  10:20  yes
        dan@other.io       hub:77,acme.com  deal          hub:77    13:00  13:00  no
        dan@other.io       hub:78           crm           hub:78    12:30  12:30  yes
        dan@other.io       other.io         email_domain  other.io  12:30  12:30  no
        eve@yahoo.com      hub:77,acme.com  deal          hub:77    12:50  13:00  yes
        zoe@gmail.com      hub:77,acme.com  crm           hub:77    12:20  12:20  yes
        """,
    )
    holds(
        accounts(workspace),
        """
        name         domains   crm_ids  persons
        -            other.io  []       1
        Acme Ltd     acme.com  hub:77   5
        Acme France  []        hub:78   1
        """,
    )


def test_an_account_s_journey_holds_the_touches_of_all_its_persons(workspace: Workspace) -> None:
    """Up to each lead of its persons, none after it; the lead's own journey is still its person's."""
    workspace.tell(*STORY, *CRM)
    leads = {row["lead_id"]: row["provider_id"] for row in workspace.export("leads")}
    for what, counts in (("account_journeys", [2, 3, 4]), ("journeys", [1, 1, 1])):
        rows = workspace.export(what)
        assert [(leads[row["conversion_id"]], row["touch_count"]) for row in rows] == [
            ("L1", counts[0]), ("L2", counts[1]), ("L3", counts[2]),
        ]  # fmt: skip
        assert {row["account_id"] for row in rows} == {name_id("domain:acme.com")}
    last = workspace.export("account_journeys")[-1]
    assert last["path"] == ["Organic Search", "Organic Social", "Direct", "Direct"]
    assert (last["first_channel"], last["first_source"], last["last_channel"]) == (
        "Organic Search", "google", "Direct",
    )  # fmt: skip
    assert (last["first_at"], last["at"], last["days"]) == (at(0), at(135), 0)
    touches = {row["touch_id"]: row for row in workspace.export("touchpoints")}
    assert [touches[each]["visitor_id"] for each in last["touch_ids"]] == ["v1", "v2", "v3", "v4"]
    assert {row["account_id"] for row in touches.values()} == {name_id("domain:acme.com")}
    assert {row["account_id"] for row in workspace.export("persons")} == {
        name_id("domain:acme.com"), name_id("account:hub:78"),
    }  # fmt: skip


def test_a_lead_of_nobody_s_company_has_no_account_s_journey(workspace: Workspace) -> None:
    """Whoever writes from a mail service belongs to no account, and pays nothing for it."""
    workspace.tell(hit("e1"), lead("L1", 1, visitor_id="v1", email=ZOE), hit("e2", visitor_id="v2"))
    for what in ("accounts", "memberships", "account_journeys"):
        assert workspace.export(what) == []
    assert workspace.query("SELECT * FROM account_part") == []


def test_the_order_of_arrival_decides_nothing(workspace: Workspace, client: redis.Redis) -> None:
    """Eight orders and batchings of one story give the same exports."""
    workspace.tell(*STORY, *CRM)
    whole = workspace.everything()
    for seed in range(8):
        facts = list(STORY + CRM)
        random.Random(seed).shuffle(facts)
        other = Workspace(config.load({}, data=short_folder()), client)
        size = seed % 5 + 1
        for start in range(0, len(facts), size):
            other.tell(*facts[start : start + size])
        assert other.verify() == []
        assert {what: rows for what, rows in other.everything().items() if what != "hits"} == {
            what: rows for what, rows in whole.items() if what != "hits"
        }


def test_a_crm_that_comes_late_moves_what_was_there(workspace: Workspace) -> None:
    """An older contact takes the domain over; ids follow the oldest part, and former ones still resolve."""
    workspace.tell(identify(5, email=BOB), contact("7", 150, emails=[ZOE], account=ACME_77))
    workspace.tell(contact("8", -60, emails=["dan@other.io"], account=ACME_78))
    holds(
        accounts(workspace),
        """
        name         domains   crm_ids
        -            other.io  []
        Acme Ltd     []        hub:77
        Acme France  acme.com  hub:78
        """,
    )
    ours = accounts(workspace)[-1]["account_id"]
    assert ours == name_id("account:hub:78")
    for former in (name_id("domain:acme.com"), "acme.com", "www.acme.com", "hub:78", ours):
        assert json.loads(explain(workspace, former, "--format", "json"))["account_id"] == ours


def test_a_correction_takes_back_what_a_contact_said(workspace: Workspace) -> None:
    """Another version with another domain: the first is forgotten with all that rested on it."""
    workspace.tell(contact("7", 10, emails=[ZOE], account=ACME_77))
    workspace.tell(contact("7", 10, account={"crm_id": "77", "domain": "beta.io"}, version_at=at(500)))
    holds(
        accounts(workspace),
        """
        name  domains  crm_ids  persons
        -     beta.io  hub:77   1
        """,
    )
    assert workspace.query("SELECT * FROM account_part WHERE value = 'acme.com'") == []


def test_a_person_who_moves_is_shown_with_the_newest_account(workspace: Workspace) -> None:
    """The former membership stays: it is a relation with time."""
    workspace.tell(
        contact("7", 10, emails=[ZOE], account={"crm_id": "77"}),
        contact("7", 20, account={"crm_id": "80"}),
        contact("7", 30, account={"crm_id": "77"}),
        contact("7", 40, name="Zoe Roe"),
    )
    holds(
        members(workspace),
        """
        person         account  reason  through  from   last   shown
        zoe@gmail.com  hub:77   crm     hub:77   10:10  10:30  yes
        zoe@gmail.com  hub:80   crm     hub:80   10:20  10:20  no
        """,
    )


def test_persons_of_one_account_stay_persons(workspace: Workspace) -> None:
    """A company never joins two of its people, and a split person takes its memberships along."""
    workspace.tell(*STORY, *CRM)
    assert len(workspace.export("persons")) == 5
    workspace.tell(same(f"email:{BOB}", f"email:{ZOE}", 200))
    assert [row["persons"] for row in accounts(workspace)] == [1, 4, 1]
    workspace.tell(split(f"email:{BOB}", f"email:{ZOE}", 300))
    assert [row["persons"] for row in accounts(workspace)] == [1, 5, 1]


def test_a_team_s_mailbox_and_a_placeholder_make_no_account(workspace: Workspace) -> None:
    """Addresses that name nobody, and fields that hold a word, say nothing."""
    workspace.tell(
        lead("L1", 1, email="info@acme.com"), contact("7", 2, account={"name": "Acme", "crm_id": "undefined"})
    )
    assert workspace.export("accounts") == []


def test_staff_are_the_persons_of_the_site_s_own_domain(workspace: Workspace) -> None:
    """The own company is an account like any other, so that nobody takes its visits for a customer's."""
    workspace.tell(hit("e1"), identify(1, email="mia@shop.test"))
    assert [row["domains"] for row in accounts(workspace)] == [["shop.test"]]


def test_a_rebuild_gives_the_same_accounts(workspace: Workspace) -> None:
    """Nothing differs, and nothing is lost when a view was spoilt."""
    workspace.tell(*STORY, *CRM)
    whole = workspace.everything()
    told: list[str] = []
    assert rebuild.rebuild(workspace.settings, key=b"k" * 32, tell=lambda each: told.append(str(each))) == 0
    assert workspace.everything() == whole
    assert told == []


def test_one_who_joins_a_large_account_costs_by_what_joins(workspace: Workspace) -> None:
    """Of a domain's many people and of its many contacts none is read again for one more."""
    many = [
        contact(str(each), each, emails=[f"p{each}@acme.com"], account=ACME_77) for each in range(300)
    ]  # fmt: skip
    workspace.tell(*many)
    (before,) = workspace.query("SELECT max(change_no) AS last FROM change")
    workspace.tell(contact("one more", 900, emails=["new@acme.com"], account=ACME_77))
    query = "SELECT count(*) AS moved FROM {} WHERE changed_no > ?"
    moved = {
        table: workspace.query(query.format(table), [before["last"]])[0]["moved"]
        for table in ("membership", "identifier", "account_part")
    }
    assert moved == {"membership": 2, "identifier": 2, "account_part": 2}
    assert accounts(workspace)[0]["persons"] == 301


def explain(workspace: Workspace, *words: str) -> str:
    """Run `touchline explain account`."""
    result = CliRunner().invoke(main, ["--data", str(workspace.settings.data), "explain", "account", *words])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_an_account_explains_itself(workspace: Workspace) -> None:
    """What it is made of and by which facts, what was refused, who belongs to it, what it led to."""
    workspace.tell(*STORY, *CRM)
    rows = {row["provider_id"]: row["lead_id"] for row in workspace.export("leads")}
    persons = {row["emails"][0]: row["person_id"] for row in workspace.export("persons")}
    assert (
        explain(workspace, "acme.com")
        == f"""\
Account {name_id("domain:acme.com")}: Acme Ltd
  Known by the domain acme.com, the CRM's account hub:77
    contact of 2026-03-01T12:20:00.000Z says that hub:77 has the domain acme.com
    contact of 2026-03-01T12:30:00.000Z says that hub:78 has the domain acme.com
      refused: another account of that CRM had it first, and two are never one
  Seen from 2026-03-01T10:00:00.000Z to 2026-03-01T13:00:00.000Z
  5 persons belong to it
    {persons[ANN]} since 2026-03-01T10:05:00.000Z: by an e-mail address at acme.com
    {persons[BOB]} since 2026-03-01T10:20:00.000Z: by an e-mail address at acme.com
    {persons[ZOE]} since 2026-03-01T12:20:00.000Z: their contact in the CRM is with hub:77
    {persons["eve@yahoo.com"]} since 2026-03-01T12:50:00.000Z: a deal with hub:77 lists them
    {persons["dan@other.io"]} since 2026-03-01T13:00:00.000Z: a deal with hub:77 lists them, but is shown \
with another account
  2026-03-01T10:20:00.000Z  lead {rows["L1"]} after 2 touches of all its persons
  2026-03-01T12:00:00.000Z  lead {rows["L2"]} after 3 touches of all its persons
  2026-03-01T12:15:00.000Z  lead {rows["L3"]} after 4 touches of all its persons
"""
    )


def test_an_account_without_a_name_or_a_lead_says_so(workspace: Workspace) -> None:
    """Nothing is made up."""
    workspace.tell(identify(5, email=BOB))
    text = explain(workspace, "ACME.com")
    assert "a company without a name" in text
    assert "None of them has become a lead" in text


def test_an_account_that_nobody_knows_is_wrong_use(workspace: Workspace) -> None:
    """The answer says where to look."""
    words = ["--data", str(workspace.settings.data), "explain", "account", "nobody.com"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "touchline export accounts" in result.stderr


def test_deals_of_one_crm_on_two_sites_are_one(workspace: Workspace) -> None:
    """A deal is keyed by its CRM: told over another site, it is the same deal."""
    workspace.tell(
        deal("d1", 10, account={"crm_id": "77"}),
        deal("d1", 20, site="blog", contacts=[{"phone": "020 7946 0001"}]),
    )
    (row,) = workspace.export("memberships")
    assert (row["reason"], row["through"], row["from_at"]) == ("deal", "hub:77", at(20))
