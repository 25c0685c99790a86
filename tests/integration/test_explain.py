"""`touchline explain`: why, in words that a person can check against the facts, and as JSON."""

from __future__ import annotations

import json
import re

import pytest
import redis
from click.testing import CliRunner, Result

from tests.telling import GOOGLE, Fact, Workspace, at, hit, identify, lead
from tracker import config
from tracker.cli import main
from tracker.core.sources import RULES_VERSION
from tracker.store.sites import StaticNumber

NEWS = "https://shop.test/?utm_source=news&utm_medium=email&utm_term=x&gclid=G1"
FACTS: tuple[Fact, ...] = (
    hit("e1", 0, url=NEWS), hit("e2", 1, url="https://shop.test/pricing"),
    hit("e3", 2, type="engagement", props={"engaged_s": 3}), hit("e4", 60, type="engagement"),
    hit("e5", 1_500, url="https://shop.test/?gclid=G1"), hit("g1", 100, referrer=GOOGLE, visitor_id="v2"),
    hit("b1", 5, user_agent="Googlebot/2.1", visitor_id="v4"), hit("x1", 5, url="nonsense"),
    hit("c1", 101, type="event", name="tel_click", visitor_id="v2"),
    identify(50, email="ann@acme.com"),
    lead("L1", 120, visitor_id="v2", email="Ann@acme.com", name="Ann", company="Acme"),
    lead("L2", 2_940, email="ann@acme.com", kind="chat"),
    lead("L3", 10, kind="call", tracking_number="020 7946 0000"),
    lead("L4", 1, email="zoe@corp.io"),
)  # fmt: skip


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give a workspace with a small story in it."""
    own = Workspace(settings, client)
    own.tell(*FACTS)
    return own


def explain(workspace: Workspace, *words: str) -> Result:
    """Run `touchline explain`."""
    return CliRunner().invoke(main, ["--data", str(workspace.settings.data), "explain", *words])


def told(workspace: Workspace, noun: str, id_: str) -> str:
    """Explain in words; ids that are hashes become dots, and times of today become now."""
    result = explain(workspace, noun, id_)
    assert result.exit_code == 0, result.stderr
    text = re.sub(r"\b[0-9a-f]{20,24}\b", "...", result.stdout)
    return re.sub(r"(Moved) \S+", r"\1 now", text)


def test_a_lead_explains_its_visitor_its_source_and_its_journey(workspace: Workspace) -> None:
    """Who, by which rule, with what confidence, from where, and all that came before."""
    assert (
        told(workspace, "lead", "L1")
        == """\
Lead ...: a form by desk on shop, 2026-03-01T12:00:00.000Z
  From: Ann, Acme, Ann@acme.com
  Ann sent a form on 1 March 2026 at 12:00; a visitor's signed id came with it; that visitor came from \
Organic Search (google / organic) 20 minutes before and looked at one page, https://shop.test/.
  Matched by M1, cookie: the visitor's signed id came with the lead; confidence 1
    chosen: visitor v2 sent its signed id with the lead; last seen before it 2026-03-01T11:41:00.000Z
  Credited to Organic Search (google / organic), rule referrer:organic_search
  Its own session ... began 2026-03-01T11:40:00.000Z on https://shop.test/
  Its journey: 2 touches over 0 days
    2026-03-01T10:00:00.000Z  session from Email (news / email, term x) on https://shop.test/
    2026-03-01T11:40:00.000Z  session from Organic Search (google / organic) on https://shop.test/
  It is new, because no rule says otherwise
  No answer of sales to it is known
"""
    )


def test_a_lead_names_the_candidates_that_lost(workspace: Workspace) -> None:
    """By its e-mail address it may have been either browser; the one seen last is chosen."""
    assert (
        told(workspace, "lead", "L2")
        == """\
Lead ...: a chat by desk on shop, 2026-03-03T11:00:00.000Z
  From: ann@acme.com
  Began a chat on 3 March 2026 at 11:00; the e-mail address belongs to one person, whose browser came from \
Direct ((direct) / (none)) 24 hours before and looked at one page, https://shop.test/.
  Matched by M5, person: what came with the lead is one person's, whose browsers are known; confidence 0.9
    chosen: visitor v1 was seen last before the lead; last seen before it 2026-03-02T11:00:00.000Z
    ruled out: visitor v2 is the person's too, and was seen earlier; last seen before it \
2026-03-01T11:41:00.000Z
  Credited to Direct ((direct) / (none)), rule repeat_click
  Its own session ... began 2026-03-02T11:00:00.000Z on https://shop.test/
  Its journey: 3 touches over 2 days
    2026-03-01T10:00:00.000Z  session from Email (news / email, term x) on https://shop.test/
    2026-03-01T11:40:00.000Z  session from Organic Search (google / organic) on https://shop.test/
    2026-03-02T11:00:00.000Z  session from Direct ((direct) / (none)) on https://shop.test/
  It is new, because no rule says otherwise
  No answer of sales to it is known
"""
    )


def test_a_lead_without_a_visitor_says_so(workspace: Workspace) -> None:
    """Nothing is guessed, and what is missing is named."""
    assert (
        told(workspace, "lead", "L4")
        == """\
Lead ...: a form by desk on shop, 2026-03-01T10:01:00.000Z
  From: zoe@corp.io
  Sent a form on 1 March 2026 at 10:01; no browser is known for this e-mail address.
  Matched to no visitor
  Credited to an unknown source, rule none
  Its journey has no touchpoint that is known
  It is new, because no rule says otherwise
  No answer of sales to it is known
"""
    )


def test_a_lead_tells_how_often_it_was_told_and_why_it_moved(workspace: Workspace) -> None:
    """A static number that is named later moves the call to its source; the log says because of what."""
    workspace.static_number(StaticNumber("+442079460000", "leaflet", "print"))
    workspace.tell(lead("L3", 10, kind="call", duration_s=60, version_at=at(500)))
    workspace.tell(identify(5, visitor_id="v7", phone="020 7946 0009"))
    text = told(workspace, "lead", "L3")
    assert "  Credited to Unassigned (leaflet / print), rule static_number:campaign:unassigned\n" in text
    assert "  Matched by M7, static number: the called number stands for one source; confidence 0\n" in text
    assert "  Its journey: 1 touch over 0 days\n    2026-03-01T10:10:00.000Z  lead from Unassigned" in text
    assert text.endswith(
        "  Told 2 times; each field has the newest value that was given\n"
        "  Moved now because of number +442079460000\n"
    )


def test_a_session_explains_its_source_and_shows_its_hits(workspace: Workspace) -> None:
    """What opened it, the rule and its version, the click id, and each hit with what its URL carried."""
    first, google, later = (row["session_id"] for row in workspace.export("sessions"))
    assert (
        told(workspace, "session", first)
        == f"""\
Session ... of visitor v1 on shop
  2026-03-01T10:00:00.000Z to 2026-03-01T10:02:00.000Z: 2 pages, 3 hits
  Opened because it is the visitor's first visit
  It came from Email (news / email, term x)
    by rule campaign:email of rule set {RULES_VERSION}
  Click id gclid=G1
    2026-03-01T10:00:00.000Z  page  https://shop.test/  utm_source=news utm_medium=email utm_term=x gclid=G1
    2026-03-01T10:01:00.000Z  page  https://shop.test/pricing
    2026-03-01T10:02:00.000Z  engagement  https://shop.test/
"""
    )
    assert (
        told(workspace, "session", google)
        == f"""\
Session ... of visitor v2 on shop
  2026-03-01T11:40:00.000Z to 2026-03-01T11:41:00.000Z: 1 page, 2 hits
  Opened because it is the visitor's first visit
  It came from Organic Search (google / organic)
    by rule referrer:organic_search of rule set {RULES_VERSION}
  Referrer www.google.com
    2026-03-01T11:40:00.000Z  page  https://shop.test/
    2026-03-01T11:41:00.000Z  tel_click  https://shop.test/
  It led to the form lead ... at 2026-03-01T12:00:00.000Z
"""
    )
    text = told(workspace, "session", later)
    assert "  Opened because the visitor had been away for longer than the limit\n" in text
    assert "  It came with a click id that had been used before: a bookmark or a shared link, no new" in text


HITS = {
    "a hit in a session": ("e2", """\
Hit e2: a page view on shop
  2026-03-01T10:01:00.000Z (received 2027-03-01T10:00:00.000Z) on https://shop.test/pricing
  Visitor v1, person ...
  In session ..., which came from Email (news / email, term x), rule campaign:email
"""),
    "an event": ("c1", """\
Hit c1: an event tel_click on shop
  2026-03-01T11:41:00.000Z (received 2027-03-01T10:00:00.000Z) on https://shop.test/
  Visitor v2, person ...
  In session ..., which came from Organic Search (google / organic), rule referrer:organic_search
"""),
    "a ping that came too late": ("e4", """\
Hit e4: an engagement ping on shop
  2026-03-01T11:00:00.000Z (received 2027-03-01T10:00:00.000Z) on https://shop.test/
  Visitor v1, person ...
  In no session: an engagement ping that came after the visit had ended
"""),
}  # fmt: skip


@pytest.mark.parametrize(("event_id", "text"), HITS.values(), ids=HITS)
def test_a_hit_explains_what_became_of_it(workspace: Workspace, event_id: str, text: str) -> None:
    """Every hit that ever came can be asked for, also one that opened nothing or was refused."""
    assert told(workspace, "hit", event_id) == text


def test_a_refused_hit_says_why(workspace: Workspace) -> None:
    """It is no hit, but it came: the reject's code and words stand for it."""
    assert told(workspace, "hit", "x1").startswith("Hit x1 was rejected: bad_url, url: ")


def test_a_bots_hit_says_what_gave_it_away(workspace: Workspace) -> None:
    """Dropped is not deleted: the reason stands beside it."""
    text = told(workspace, "hit", "b1")
    assert re.search(r"^  Dropped: bot:\w+; it opens no session and matches no lead$", text, re.MULTILINE)


def test_the_same_leaves_as_json(workspace: Workspace) -> None:
    """Truths, lists and objects as such; a lead by its own id and by its provider's."""
    own = next(row for row in workspace.export("leads") if row["provider_id"] == "L1")
    by_provider = json.loads(explain(workspace, "lead", "L1", "--format", "json").stdout)
    by_id = json.loads(explain(workspace, "lead", own["lead_id"], "--format", "json").stdout)
    assert by_id == by_provider
    assert {name: by_id[name] for name in own} == own
    assert by_id["journey"]["touch_ids"] == [touch["touch_id"] for touch in by_id["touches"]]
    assert by_id["changes"][0]["after"]["match_rule"] == "M1"
    assert by_id["changes"][0]["because"] == "lead desk L1"
    hit_ = json.loads(explain(workspace, "hit", "b1", "--format", "json").stdout)
    assert (hit_["is_dropped"], hit_["session"]) == (True, None)
    session = json.loads(explain(workspace, "session", own["session_id"], "--format", "json").stdout)
    assert session["is_repeat_click"] is False
    assert [each["lead_id"] for each in session["leads"]] == [own["lead_id"]]


@pytest.mark.parametrize("noun", ["lead", "person", "session", "hit"])
def test_what_is_not_there_is_wrong_use(workspace: Workspace, noun: str) -> None:
    """Exit code 2, a message that says where ids are listed, and nothing on stdout."""
    result = explain(workspace, noun, "nobody")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"there is no {noun} 'nobody'; `touchline export {noun}s` lists them" in result.stderr
