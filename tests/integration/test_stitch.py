"""Stitch under attack: late, moved and corrected facts, ties, shared clicks, identifiers that vanish.

Each history is told in the order in which it is hardest; after every batch the views must be those that
a rebuild makes.
"""

from __future__ import annotations

from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.tables import holds
from tests.telling import CHROME, FACEBOOK, GOOGLE, Fact, Workspace, at, hit, identify, lead
from tracker import config, hitlog
from tracker.model import Site, SiteKey
from tracker.store.db import open_store
from tracker.store.sites import StaticNumber, add_site
from tracker.wire import HitOnLog, HitsEntry
from worker import drain
from worker.draft import Draft
from worker.enrich import enrich
from worker.leads import LeadStitcher

GCLID = "https://shop.test/?gclid=G1"


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give an empty workspace of two sites."""
    return Workspace(settings, client)


def tell_one_by_one(workspace: Workspace, *facts: Fact) -> None:
    """Tell facts one batch each; the views must be right after every one of them."""
    for fact in facts:
        workspace.tell(fact)
        assert workspace.verify() == [], fact


def test_a_late_hit_opens_the_session_that_others_had_opened(workspace: Workspace) -> None:
    """A hit that happened earlier and came later gives the session its start, source and id."""
    tell_one_by_one(workspace, hit("e2", 20), hit("e3", 60), hit("e1", 0, referrer=GOOGLE), hit("e4", 45))
    holds(workspace.export("sessions"), """
        started_at                ended_at                  hits  source  opened_by
        2026-03-01T10:00:00.000Z  2026-03-01T11:00:00.000Z  4     google  first
    """)  # fmt: skip


def test_a_hit_that_moves_leaves_no_session_behind(workspace: Workspace) -> None:
    """A newer version of a hit that names another visitor takes its session along."""
    tell_one_by_one(
        workspace, hit("e1", 0, referrer=GOOGLE), lead("1", 5, visitor_id="v1", email="ann@acme.com"),
        hit("e1", 1, visitor_id="v2"), lead("2", 6, visitor_id="v2"),
    )  # fmt: skip
    holds(workspace.export("sessions"), """
        visitor_id  started_at                source
        v2          2026-03-01T10:01:00.000Z  google
    """)  # fmt: skip
    holds(workspace.export("leads"), """
        provider_id  match_rule  visitor_id  source
        1            M1          v1          -
        2            M1          v2          google
    """)  # fmt: skip


def test_the_first_visitor_with_a_click_id_owns_it_whatever_the_order(
    client: redis.Redis, tmp_path: Path
) -> None:
    """Two visitors with one click id: the earlier is paid, the later a shared link, in any order."""
    facts = [
        hit("e1", 10, url=GCLID, visitor_id="v1"),
        hit("e2", 20, url=GCLID, visitor_id="v2"),
        hit("e3", 30, url=GCLID, visitor_id="v3", referrer=FACEBOOK),
    ]
    for number, order in enumerate(permutations(facts)):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        tell_one_by_one(own, *order)
        holds(sorted(own.export("sessions"), key=lambda row: row["visitor_id"]), """
            visitor_id  source    medium  click_id  is_repeat_click
            v1          google    cpc     G1        no
            v2          (direct)  (none)  -         yes
            v3          facebook  social  -         yes
        """)  # fmt: skip


def test_a_click_id_changes_hands_when_its_owners_hit_goes(workspace: Workspace) -> None:
    """Once the first use turns out to be a bot's, the next visitor's click was the click."""
    tell_one_by_one(
        workspace, hit("e1", 0, url=GCLID, visitor_id="v1"), hit("e2", 9, url=GCLID, visitor_id="v2"),
        lead("1", 10, visitor_id="v2"), hit("e1", 1, url=GCLID, visitor_id="v1", is_bot=True),
    )  # fmt: skip
    holds(workspace.export("leads"), """
        visitor_id  source  click_id
        v2          google  G1
    """)  # fmt: skip


def test_one_event_id_and_instant_on_two_sites_is_settled_by_the_visitors_id(
    client: redis.Redis, tmp_path: Path
) -> None:
    """Where time and event id tie, the order of arrival must not decide who clicked."""
    facts = [hit("e1", 0, url=GCLID, visitor_id="v2"), hit("e1", 0, url=GCLID, visitor_id="v1", site="blog")]
    for number, order in enumerate(permutations(facts)):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        tell_one_by_one(own, *order)
        holds(sorted(own.export("sessions"), key=lambda row: row["visitor_id"]), """
            visitor_id  site  source
            v1          blog  google
            v2          shop  (direct)
        """)  # fmt: skip


def test_a_hit_that_moves_within_its_session_may_change_whom_a_lead_belongs_to(workspace: Workspace) -> None:
    """The session stays as it was; which browser was seen last before the lead does not."""
    tell_one_by_one(
        workspace, lead("1", 0, visitor_id="v1", email="ann@acme.com"),
        lead("2", 0, visitor_id="v2", email="ann@acme.com"),
        hit("a1", 0), hit("a2", 8), hit("a3", 20), hit("b1", 0, visitor_id="v2"),
        hit("b2", 5, visitor_id="v2"), lead("3", 10, email="ann@acme.com"),
    )  # fmt: skip
    assert workspace.export("leads")[-1]["visitor_id"] == "v1"
    tell_one_by_one(workspace, hit("a2", 15))
    assert workspace.export("leads")[-1]["visitor_id"] == "v2"


def test_a_bots_hit_is_no_sighting(workspace: Workspace) -> None:
    """A prefetch or a bot between a visitor's hits does not make that browser the last one seen."""
    tell_one_by_one(
        workspace, identify(0, email="ann@acme.com"), identify(0, visitor_id="v2", email="ann@acme.com"),
        hit("a1", 0), hit("a2", 6, user_agent="Googlebot/2.1"), hit("a3", 20), hit("b1", 5, visitor_id="v2"),
        lead("1", 10, email="ann@acme.com"),
    )  # fmt: skip
    holds(workspace.export("leads"), """
        match_rule  match_confidence  visitor_id
        M5          0.9               v2
    """)  # fmt: skip


def test_hits_on_all_sites_tell_when_a_browser_was_seen_last(workspace: Workspace) -> None:
    """A session that began later may have ended earlier; the latest hit counts."""
    tell_one_by_one(
        workspace, identify(0, email="ann@acme.com"), identify(0, visitor_id="v2", email="ann@acme.com"),
        hit("a1", 0), hit("a2", 15), hit("a3", 5, site="blog"), hit("b1", 10, visitor_id="v2"),
        lead("1", 20, email="ann@acme.com"),
    )  # fmt: skip
    assert workspace.export("leads")[0]["visitor_id"] == "v1"


def test_a_leads_later_version_may_change_who_when_and_whether(workspace: Workspace) -> None:
    """E-mail, visitor, time and test mark of a lead may all be corrected; nothing of before stays."""
    tell_one_by_one(
        workspace, hit("a1", 0, referrer=GOOGLE), hit("b1", 0, visitor_id="v2", referrer=FACEBOOK),
        lead("1", 1, visitor_id="v1", email="ann@acme.com"), lead("2", 9, email="ann@acme.com"),
        lead("1", 1, email="bob@beta.io", version_at=at(2)),
    )  # fmt: skip
    holds(workspace.export("leads"), """
        provider_id  visitor_id  match_rule  source
        1            v1          M1          google
        2            -           unmatched   -
    """)  # fmt: skip
    tell_one_by_one(workspace, lead("1", 1, visitor_id="v2", version_at=at(3)))
    tell_one_by_one(workspace, lead("2", 9, email="bob@beta.io", version_at=at(10)))
    holds(workspace.export("leads"), """
        provider_id  visitor_id  match_rule  source
        1            v2          M1          facebook
        2            v2          M5          facebook
    """)  # fmt: skip
    tell_one_by_one(workspace, lead("1", 1, is_test=True, version_at=at(4)))
    holds(workspace.export("leads"), """
        provider_id  visitor_id  match_rule
        2            -           unmatched
    """)  # fmt: skip
    holds(workspace.export("journeys"), """
        touch_count  path
        0            []
    """)  # fmt: skip
    tell_one_by_one(workspace, lead("1", 1, is_test=False, version_at=at(5)))
    assert [row["visitor_id"] for row in workspace.export("leads")] == ["v2", "v2"]


def test_a_leads_time_decides_what_is_in_its_journey(workspace: Workspace) -> None:
    """A touch after the lead is never in its journey; when the lead moves, the journey follows."""
    tell_one_by_one(
        workspace, hit("a1", 0, referrer=GOOGLE), hit("a2", 100, referrer=FACEBOOK),
        lead("1", 50, visitor_id="v1", email="ann@acme.com"),
    )  # fmt: skip
    assert workspace.export("journeys")[0]["path"] == ["Organic Search"]
    tell_one_by_one(workspace, lead("1", 100, version_at=at(200)))
    assert workspace.export("journeys")[0]["path"] == ["Organic Search", "Organic Social"]
    tell_one_by_one(workspace, lead("1", 99, version_at=at(300)))
    assert workspace.export("journeys")[0]["path"] == ["Organic Search"]


def test_a_static_number_changes_the_journeys_of_all_that_person_did(workspace: Workspace) -> None:
    """An earlier call becomes a touch of the same person's later journeys."""
    tell_one_by_one(
        workspace, lead("1", 0, kind="call", email="ann@acme.com", tracking_number="020 7946 0000"),
        lead("2", 60, email="ann@acme.com"),
    )  # fmt: skip
    assert [row["touch_count"] for row in workspace.export("journeys")] == [0, 0]
    workspace.static_number(StaticNumber("+442079460000", "leaflet", "print", "spring"))
    assert workspace.verify() == []
    assert [row["touch_count"] for row in workspace.export("journeys")] == [1, 1]
    holds(workspace.export("leads"), """
        provider_id  match_rule  match_confidence  source   medium  campaign
        1            M7          0.0               leaflet  print   spring
        2            unmatched   0.0               -        -       -
    """)  # fmt: skip
    workspace.static_number(StaticNumber("+442079460000", "poster", "print"))
    assert workspace.verify() == []
    assert {row["last_source"] for row in workspace.export("journeys")} == {"poster"}


def test_a_phone_belongs_to_the_address_that_gave_it(workspace: Workspace) -> None:
    """Given beside an address a phone is that person's; given alone it stands for whoever called."""
    tell_one_by_one(
        workspace, lead("1", 0, visitor_id="v1", email="ann@acme.com", phone="020 7946 0001"),
        lead("2", 1, kind="call", phone="020 7946 0002"),
    )  # fmt: skip
    holds(sorted(workspace.export("persons"), key=lambda row: row["phones"]), """
        visitors  emails        phones
        v1        ann@acme.com  +442079460001
        []        []            +442079460002
    """)  # fmt: skip


def test_sites_share_visitors_but_not_sessions(workspace: Workspace) -> None:
    """One browser on two sites is one person with sessions on each, and one journey."""
    tell_one_by_one(
        workspace, hit("e1", 0, referrer=GOOGLE), hit("e1", 5, site="blog", referrer=FACEBOOK), hit("e2", 10),
        lead("1", 12, visitor_id="v1"), lead("1", 12, visitor_id="v1", site="blog"),
    )  # fmt: skip
    holds(workspace.export("touchpoints"), """
        site  kind     position  source    at
        shop  session  1         google    2026-03-01T10:00:00.000Z
        blog  session  2         facebook  2026-03-01T10:05:00.000Z
    """ + "".join(
        f"{row['site']}  lead  {row['position']}  {row['source']}  {row['at']}\n"
        for row in workspace.export("touchpoints")[2:]
    ))  # fmt: skip
    assert {(row["site"], row["source"]) for row in workspace.export("leads")} == {
        ("shop", "google"), ("blog", "facebook"),
    }  # fmt: skip
    assert {tuple(row["path"]) for row in workspace.export("journeys")} == {
        ("Organic Search", "Organic Social")
    }


OWN = {
    "the session that covers the lead": (12, "shop", "google"),
    "on the lead's own site where sessions on two cover it": (7, "blog", "facebook"),
    "on another site where only one there covers it": (12, "blog", "google"),
    "the latest on the lead's own site where none covers it": (40, "blog", "facebook"),
    "the latest to begin on another site where there is none": (40, "third", "facebook"),
}


@pytest.mark.parametrize(("minute", "site", "source"), OWN.values(), ids=OWN)
def test_a_leads_own_session_is(workspace: Workspace, minute: int, site: str, source: str) -> None:
    """Covering goes before ended, the lead's own site before others, the latest before earlier ones."""
    with closing(open_store(workspace.settings.data, write=True)) as db:
        add_site(db, Site(SiteKey("third"), ("third.test",)))
    workspace.tell(
        hit("e1", 0, referrer=GOOGLE), hit("e2", 20), hit("b1", 5, site="blog", referrer=FACEBOOK),
        hit("b2", 9, site="blog"), lead("1", minute, site=site, visitor_id="v1"),
    )  # fmt: skip
    assert [row["source"] for row in workspace.export("leads")] == [source]


def test_the_lookback_ends_ninety_days_before_the_lead(workspace: Workspace) -> None:
    """A session may be a lead's own if it began within the lookback, to the millisecond."""
    days = 90 * 24 * 60
    tell_one_by_one(
        workspace, hit("e1", 0, referrer=GOOGLE), lead("1", days, visitor_id="v1"),
        lead("2", days + 0.001, visitor_id="v1"),
    )  # fmt: skip
    holds(workspace.export("leads"), """
        provider_id  match_rule  visitor_id  source
        1            M1          v1          google
        2            M1          v1          -
    """)  # fmt: skip


def test_equal_instants_are_told_apart_by_seq_and_event_id(workspace: Workspace) -> None:
    """Hits of one millisecond fall into their own sessions, also where their ids are spelled differently."""
    uuid = "0190a1b2-0000-7000-8000-00000000000a"
    tell_one_by_one(
        workspace, hit("zz", 0, referrer=FACEBOOK), hit(uuid, 0, referrer=GOOGLE), hit("zzz", 0), hit("b", 0),
    )  # fmt: skip
    sessions = {row["session_id"]: row["source"] for row in workspace.export("sessions")}
    by_event = {row["event_id"]: sessions[row["session_id"]] for row in workspace.export("hits")}
    assert by_event == {uuid: "google", "b": "google", "zz": "facebook", "zzz": "facebook"}


def test_a_late_ping_is_kept_and_counted_nowhere(workspace: Workspace) -> None:
    """A ping past the gap is a hit without a session; one at the border extends its session."""
    engaged = {"type": "engagement", "props": {"engaged_s": 4}}
    tell_one_by_one(
        workspace, hit("e1", 0), hit("e2", 30, **engaged), hit("e3", 60.001, **engaged),
    )  # fmt: skip
    holds(workspace.export("sessions"), """
        hits  engaged_s  ended_at
        2     4.0        2026-03-01T10:30:00.000Z
    """)  # fmt: skip
    assert [row["session_id"] is None for row in workspace.export("hits")] == [False, False, True]


def test_a_person_is_named_by_its_oldest_identifier_whatever_came_first(workspace: Workspace) -> None:
    """A late, older sighting renames the person; the former name stays an alias."""
    tell_one_by_one(
        workspace, hit("e1", 50), lead("1", 60, visitor_id="v1", email="ann@acme.com"),
    )  # fmt: skip
    first = workspace.export("persons")[0]
    tell_one_by_one(workspace, lead("2", 10, email="ann@acme.com"))
    renamed = workspace.export("persons")[0]
    assert renamed["person_id"] in first["aliases"]
    assert renamed["aliases"] == [first["person_id"]]
    tell_one_by_one(workspace, hit("e0", 0))
    assert workspace.export("persons")[0]["person_id"] == first["person_id"]


def test_bad_facts_take_nobody_else_down(workspace: Workspace) -> None:
    """In one batch, what cannot be used is rejected with its reason and the rest is kept."""
    totals = workspace.tell(
        hit("e1"), hit("e2", site="nowhere"), lead("1", kind="fax"), {"fact": "leed"},
        hit("e3", url="nothing"), hit("e4", 600_000), lead("2", extra="text", utm_source=["a"]),
        lead("3", visitor_id="v1", extra=[1]), identify(email="x" * 30_000), hit("e5"),
    )  # fmt: skip
    assert (totals.added, totals.rejected) == (3, 7)
    assert [row["event_id"] for row in workspace.export("hits")] == ["e1", "e5"]
    assert workspace.verify() == []
    holds(workspace.query("SELECT code, origin FROM reject ORDER BY reject_no"), """
        code      origin
        no_site   test
        bad_fact  test
        bad_fact  test
        bad_url   test
        future    test
        bad_fact  test
        too_long  test
    """)  # fmt: skip


def test_a_form_that_cannot_be_read_costs_its_lead_alone(workspace: Workspace) -> None:
    """The hits of a message stay, whatever was typed into a form on the page."""
    form = {"type": "event", "name": "form_submit"}
    workspace.tell(
        hit("e1"), hit("e\x1f2", 1, **form, props={"email": "ann@acme.com"}),
        hit("e3", 2, **form, props={"email": "bob@beta.io", "fields": {"message": "Hi"}}),
    )  # fmt: skip
    assert len(workspace.export("hits")) == 3
    holds(workspace.export("leads"), """
        provider_id  provider  email        visitor_id  page_url
        e3           tracker   bob@beta.io  v1          https://shop.test/
    """)  # fmt: skip
    assert workspace.query("SELECT code FROM reject") == [{"code": "bad_fact"}]


def test_what_nobody_foresaw_takes_nobody_else_down(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hit on which the code itself fails is rejected whole; its neighbours in the message are kept."""

    def enrich_or_fail(hit: HitOnLog, entry: HitsEntry, **given: Any) -> Draft:
        if hit.event_id == "e2":
            raise RuntimeError("nobody foresaw this")
        return enrich(hit, entry, **given)

    monkeypatch.setattr(drain, "enrich", enrich_or_fail)
    totals = workspace.tell(hit("e1"), hit("e2", 1), hit("e3", 2), lead("1", 3, visitor_id="v1"))
    assert (totals.added, totals.rejected) == (3, 1)
    assert [row["event_id"] for row in workspace.export("hits")] == ["e1", "e3"]
    (kept,) = workspace.query("SELECT code, message, body FROM reject")
    assert kept["code"] == "poison"
    assert "nobody foresaw this" in kept["message"]
    assert '"e2"' in kept["body"]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(b'{"k":"reject","code":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"k":"facts","facts":[{"a":' + b"[" * 5_000, id="nested without end"),
        pytest.param(b'{"k":"news"}', id="of no kind that there is"),
    ],
)
def test_what_is_no_entry_holds_up_nothing_behind_it(
    workspace: Workspace, client: redis.Redis, entry: bytes
) -> None:
    """Bytes on the log that nobody of ours wrote go to the rejects, and the drain goes on."""
    hitlog.append(client, [entry])
    workspace.tell(hit("e1"))
    assert [row["event_id"] for row in workspace.export("hits")] == ["e1"]
    assert workspace.query("SELECT code FROM reject") == [{"code": "unreadable"}]
    assert hitlog.length(client) == 0


def test_a_floor_that_fails_holds_up_nothing_below_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions and persons are there although a lead cannot be matched, and the lead once it can."""

    def fail(self: LeadStitcher, dirty: object, run: object) -> None:
        raise RuntimeError("nobody foresaw this")

    with monkeypatch.context() as patch:
        patch.setattr(LeadStitcher, "match", fail)
        with pytest.raises(RuntimeError, match="foresaw"):
            workspace.tell(hit("e1"), lead("1", 1, visitor_id="v1", email="ann@acme.com"))
    assert len(workspace.export("sessions")) == len(workspace.export("persons")) == 1
    assert workspace.query("SELECT noun FROM dirty") == [{"noun": "match"}]
    workspace.tell()
    assert [row["match_rule"] for row in workspace.export("leads")] == ["M1"]
    assert workspace.verify() == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"is_bot": True}, "bot:said_so"), ({"user_agent": ""}, "bot:empty_user_agent")],
    ids=["the sender knows it for a bot's", "an empty user agent"],
)
def test_a_bots_form_makes_no_lead(workspace: Workspace, fields: dict[str, object], reason: str) -> None:
    """Bots open no session and no match; what they sent is kept with the reason."""
    form = {"type": "event", "name": "form_submit", "props": {"email": "ann@acme.com"}}
    workspace.tell(hit("e1", **form, **fields))
    assert [row["dropped_because"] for row in workspace.export("hits")] == [reason]
    assert workspace.export("leads") == workspace.export("sessions") == []


def test_the_browser_of_a_bot_is_told_by_its_newest_word(workspace: Workspace) -> None:
    """A hit that turns out to be a bot's takes its session with it, and gives it back."""
    tell_one_by_one(workspace, hit("e1"), hit("e1", 1, user_agent="Googlebot/2.1"))
    assert workspace.export("sessions") == []
    tell_one_by_one(workspace, hit("e1", 2, user_agent=CHROME))
    assert len(workspace.export("sessions")) == 1
