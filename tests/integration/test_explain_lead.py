"""`touchline explain lead`: a sentence that a salesperson believes for each rule, and who was ruled out."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest
import redis

from tests.integration.test_explain import explain, told
from tests.telling import GOOGLE, Fact, Workspace, call, hit, identify, lead, lease
from tracker import config
from tracker.store.db import open_store
from tracker.store.sites import StaticNumber, match_pages

ANN, CALLER, POOLED = "ann@acme.com", "+447700900001", "+442071830001"
AD = "https://shop.test/?gclid=G1"
SPRING = "https://shop.test/?utm_source=google&utm_medium=cpc&utm_campaign=spring"


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give a workspace with a number that stands for a leaflet, whose chats are matched by page."""
    own = Workspace(settings, client)
    own.static_number(StaticNumber("+442079460000", "leaflet", "print"))
    with closing(open_store(settings.data, write=True)) as db:
        match_pages(db, "shop", is_on=True)
    return own


def seen(visitor_id: str, minute: float, page: str = SPRING, **fields: Any) -> Fact:
    """Write a hit of a visitor."""
    return hit(f"{visitor_id} at {minute}", minute, visitor_id=visitor_id, url=page, **fields)


TWO_SAW = (
    seen("v1", 8), seen("v2", 8), lease(POOLED, 8, 10), lease(POOLED, 7, 10, visitor_id="v2"),
)  # fmt: skip
FROM_SPRING = "came from Paid Search (google / cpc, campaign spring) 2 minutes before"
RULES: dict[str, tuple[tuple[Fact, ...], str]] = {
    "M1": (
        (seen("v1", 0), seen("v1", 2, "https://shop.test/pricing"),
         lead("L", 10, visitor_id="v1", name="Ann Lee", page_url="https://shop.test/contact")),
        "Ann Lee sent a form on https://shop.test/contact on 1 March 2026 at 10:10; a visitor's signed id "
        "came with it; that visitor came from Paid Search (google / cpc, campaign spring) 10 minutes before "
        "and looked at two pages, last https://shop.test/pricing.",
    ),
    "M2": (
        (seen("v1", 8), seen("v1", 9, "https://shop.test/pricing"), seen("v1", 10, "https://shop.test/contact"),
         lease(POOLED, 8, 10), call("L", 10, tracking_number="020 7183 0001")),
        "Called 020 7183 0001 on 1 March 2026 at 10:10; that number was shown to one visitor then, who "
        f"{FROM_SPRING} and looked at three pages, last https://shop.test/contact.",
    ),
    "M3": (
        (*TWO_SAW, call("L", 10, tracking_number=POOLED),
         seen("v1", 9, type="event", name="tel_click", props={"number": POOLED})),
        f"Called {POOLED} on 1 March 2026 at 10:10; that number was shown to two visitors then, and one "
        f"clicked on it right before; that one {FROM_SPRING} and looked at one page, https://shop.test/.",
    ),
    "M4": (
        (*TWO_SAW, identify(8, phone=CALLER), call("L", 10, tracking_number=POOLED, phone=CALLER)),
        f"Called {POOLED} on 1 March 2026 at 10:10; that number was shown to two visitors then, and one is "
        f"known by the caller's own; that one {FROM_SPRING} and looked at one page, https://shop.test/.",
    ),
    "M5": (
        (seen("v1", 8), identify(8, email=ANN), lead("L", 3_000, kind="booking", email=ANN)),
        "Booked a time on 3 March 2026 at 12:00; the e-mail address belongs to one person, whose browser "
        "came from Paid Search (google / cpc, campaign spring) 2 days before and looked at one page, "
        "https://shop.test/.",
    ),
    "M6": (
        (seen("v1", 8, AD), lead("L", 30, gclid="G1")),
        "Sent a form on 1 March 2026 at 10:30; one visitor alone had arrived with the click id that came "
        "with it, who came from Paid Search (google / cpc) 22 minutes before and looked at one page, "
        "https://shop.test/.",
    ),
    "M8": (
        (seen("v1", 8, "https://shop.test/pricing"),
         lead("L", 9, kind="chat", page_url="https://shop.test/pricing")),
        "Began a chat on https://shop.test/pricing on 1 March 2026 at 10:09; one visitor alone was on that "
        "page at the time, who came from Direct ((direct) / (none)) 60 seconds before and looked at one "
        "page, https://shop.test/pricing.",
    ),
    "M7": (
        (call("L", 10, tracking_number="020 7946 0000"),),
        "Called 020 7946 0000 on 1 March 2026 at 10:10; that number stands for Unassigned (leaflet / print), "
        "and says nothing of who called.",
    ),
    "ambiguous": (
        (*TWO_SAW, call("L", 10, tracking_number=POOLED)),
        f"Called {POOLED} on 1 March 2026 at 10:10; 2 visitors saw the called number at the time, and "
        "nothing tells them apart.",
    ),
    "unmatched, with what the provider says": (
        (lead("L", 30, kind="chat", email="zoe@corp.io", referrer=GOOGLE),),
        "Began a chat on 1 March 2026 at 10:30; no browser is known for this e-mail address; desk says that "
        "it came from Organic Search (google / organic).",
    ),
    "a visitor who was not seen before": (
        (lead("L", 30, visitor_id="v1"),),
        "Sent a form on 1 March 2026 at 10:30; a visitor's signed id came with it; that visitor was not seen "
        "before it.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "sentence"), RULES.values(), ids=RULES)
def test_each_rule_says_whose_the_lead_is_in_one_sentence(
    workspace: Workspace, facts: tuple[Fact, ...], sentence: str
) -> None:
    """What somebody did and when, by which trace they are known, whence they came and what they saw."""
    workspace.tell(*facts)
    assert f"\n  {sentence}\n" in told(workspace, "lead", "L")
    assert json.loads(explain(workspace, "lead", "L", "--format", "json").stdout)["sentence"] == sentence


REASONS: dict[str, tuple[tuple[Fact, ...], str]] = {
    "M2: who had the number earlier": (
        (seen("v1", 8), lease(POOLED, 8, 10), lease(POOLED, -60, -31, visitor_id="v2"),
         call("L", 10, phone="Restricted", tracking_number=POOLED)),
        """\
  Matched by M2, number shown to one visitor: nobody else saw the called number at the time; confidence 0.95
    chosen: visitor v1 had the number on the page at the time; last seen before it 2026-03-01T10:08:00.000Z
    ruled out: visitor v2 had the number on the page until 41 minutes before the call, too long before; \
not seen before it
    also: the number names nobody: it is withheld, or no one's own
""",
    ),
    "M3: who did not click": (
        (*TWO_SAW, call("L", 10, tracking_number=POOLED),
         seen("v1", 9, type="event", name="tel_click", props={"number": POOLED})),
        """\
  Matched by M3, click: of those who saw the called number, one clicked on it right before the call; \
confidence 0.9
    chosen: visitor v1 clicked on the number right before the call; last seen before it \
2026-03-01T10:09:00.000Z
    ruled out: visitor v2 saw the number too, and did not click on it right before the call; last seen \
before it 2026-03-01T10:08:00.000Z
""",
    ),
    "ambiguous: who may have called": (
        (*TWO_SAW, call("L", 10, tracking_number=POOLED)),
        """\
  Ambiguous between 2 visitors, and matched to none; confidence 0
    possible: visitor v1 had the number on the page at the time; last seen before it 2026-03-01T10:08:00.000Z
    possible: visitor v2 had the number on the page at the time; last seen before it 2026-03-01T10:08:00.000Z
""",
    ),
    "M5: a click id that others used too": (
        (seen("v1", 1, "https://shop.test/"), identify(1, email=ANN), seen("v2", 2, AD), seen("v3", 3, AD),
         lead("L", 9, email=ANN, gclid="G1")),
        """\
    chosen: visitor v1 was seen last before the lead; last seen before it 2026-03-01T10:01:00.000Z
    ruled out: visitor v2 arrived with the click id as others did; \
last seen before it 2026-03-01T10:02:00.000Z
    ruled out: visitor v3 arrived with the click id as others did; \
last seen before it 2026-03-01T10:03:00.000Z
    also: 2 visitors arrived with the lead's click id (gclid)
""",
    ),
    "the provider's own source is named as such": (
        (lead("L", 30, utm_source="news", utm_medium="email"),),
        """\
  Credited to Email (news / email), rule provider:campaign:email
    this is what desk itself says; no visit that we saw stands behind it
""",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "lines"), REASONS.values(), ids=REASONS)
def test_what_was_ruled_out_is_said_with_the_reason(
    workspace: Workspace, facts: tuple[Fact, ...], lines: str
) -> None:
    """Each visitor who might have been it, and each contact detail that said nothing."""
    workspace.tell(*facts)
    assert lines in told(workspace, "lead", "L")


def test_the_time_of_a_lead_is_said_in_its_sites_zone(workspace: Workspace) -> None:
    """A salesperson reads their own clock."""
    with closing(open_store(workspace.settings.data, write=True)) as db:
        db.execute("UPDATE site SET timezone = 'Australia/Sydney'")
        db.commit()
    workspace.tell(lead("L", 30))
    assert "Sent a form on 1 March 2026 at 21:30; " in told(workspace, "lead", "L")
