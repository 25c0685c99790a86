"""Alarms and news over a real store: what is wrong is told once, and what is old is no news."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
import redis

from tests.outbox_house import House
from tests.telling import KEY, TEN_MS, at, call, hit, lead
from tracker import config
from tracker.core.times import DAY_MS, HOUR_MS, MINUTE_MS, format_instant
from tracker.model import Pool, SiteKey
from tracker.store import watching
from tracker.store.db import atomic, open_store
from tracker.store.hooks import HookSource, RawMessage, Secrets, add_hook, add_raw, drop_old_raws
from tracker.store.pools import put_exhaustion, put_pool
from worker import rebuild

DAYS = 24 * 60


@pytest.fixture
def house(settings: config.Settings, client: redis.Redis) -> House:
    """Give a workspace whose outbox keeps everything and sends nothing."""
    house = House(settings, client)
    house.add("webhook", "https://example.com/in", mode="dry", made_ms=TEN_MS - 90 * DAY_MS)
    return house


def titles(house: House) -> list[str]:
    """List the titles of what was told, the oldest first."""
    return [row["title"] for row in house.rows()]


def visits(day: int, hours: range, each: int = 12) -> list[Any]:
    """Write hits of a day of March, so many in each of these hours."""
    return [
        hit(f"d{day}h{hour}n{number}", (day - 1) * DAYS + (hour - 10) * 60 + number, visitor_id=f"v{number}")
        for hour in hours
        for number in range(each)
    ]


def test_a_silent_site_is_told_once_and_again_after_it_was_well(house: House) -> None:
    """Three weeks of office hours, then nothing; the next hit ends it, and the next silence is told anew."""
    for day in range(1, 23):
        house.space.tell(*visits(day, range(9, 17)))
    house.now_ms = TEN_MS + 21 * DAY_MS + 8 * HOUR_MS
    house.run()
    assert titles(house) == []
    house.run(16 * HOUR_MS)  # the next day at ten
    house.run(3 * HOUR_MS)
    house.run(MINUTE_MS)
    assert titles(house) == ["Tracking is silent on shop"]
    house.run(DAY_MS)
    assert len(titles(house)) == 1
    house.space.tell(*visits(24, range(9, 14)))
    house.run()
    house.run(DAY_MS)
    assert titles(house) == ["Tracking is silent on shop"] * 2


def test_a_history_that_is_not_counted_yet_is_no_silence(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While old hits are being counted, a few at a time, their end is not taken for the site's."""
    for day in range(1, 23):
        house.space.tell(*visits(day, range(9, 17)))
    house.space.tell(*visits(23, range(9, 12)))
    house.now_ms = TEN_MS + 22 * DAY_MS + 2 * HOUR_MS
    monkeypatch.setattr(watching, "CHUNK", 250)
    for _ in range(12):
        house.run()
    assert titles(house) == []
    house.run(3 * HOUR_MS)
    assert titles(house) == ["Tracking is silent on shop"]


def test_a_provider_that_stops_is_told(house: House) -> None:
    """It delivered each day; after two days and an hour without, its pause is longer than any before."""
    with closing(open_store(house.settings.data, write=True)) as db:
        made, _ = add_hook(
            db, HookSource(0, SiteKey("shop"), "calendly", "UTC", ""), Secrets(""), key=KEY, now_ms=TEN_MS
        )
        with atomic(db):
            for day in range(20):
                raw = RawMessage(0, TEN_MS + day * DAY_MS, {}, b"{}")
                assert add_raw(db, made.source_no, bytes([day]), raw)
    house.now_ms = TEN_MS + 19 * DAY_MS
    for _ in range(12):
        house.run(5 * HOUR_MS)
    (row,) = house.rows()
    assert row["title"] == "calendly delivers nothing to shop"
    assert (row["object"], row["type"]) == (f"hook:source {made.source_no}", "hook.silent")


def test_deliveries_are_counted_after_those_before_were_forgotten(house: House) -> None:
    """A number that a forgotten delivery had goes to no other: what comes next is counted as well."""
    source = HookSource(0, SiteKey("shop"), "calendly", "UTC", "")
    heard = []
    with closing(open_store(house.settings.data, write=True)) as db:
        made, _ = add_hook(db, source, Secrets(""), key=KEY, now_ms=TEN_MS)
        with atomic(db):
            for day in range(3):
                raw = RawMessage(0, TEN_MS + day * DAY_MS, {}, b"{}")
                assert add_raw(db, made.source_no, bytes([day]), raw)
                assert watching.count_hours(db)
                heard.append(watching.by_hour(db, "hook", made.source_no, 0))
                drop_old_raws(db, raw.received_ms + 1)
    assert [sum(hours.values()) for hours in heard] == [1, 2, 3]


def test_a_pool_that_ran_out_is_told_once_a_time(house: House) -> None:
    """The first visitor without a number tells; the next ones of the same hours do not."""
    with closing(open_store(house.settings.data, write=True)) as db:
        put_pool(db, Pool("main", ("+442071830001",), "+442071830009", 1_200, ()), site=SiteKey("shop"))
    for minute in range(3):
        with closing(open_store(house.settings.data, write=True)) as db, atomic(db):
            assert put_exhaustion(db, (1, "main", house.now_ms, minute))
        house.run(10 * MINUTE_MS)
    assert titles(house) == ["The number pool main of shop ran out"]
    house.run(2 * DAY_MS)
    with closing(open_store(house.settings.data, write=True)) as db, atomic(db):
        assert put_exhaustion(db, (1, "main", house.now_ms, 9))
    house.run()
    assert len(titles(house)) == 2


def test_a_fall_of_matches_is_told(house: House) -> None:
    """Of a hundred leads all had a visit; of the latest fifty none has."""
    house.space.tell(*(hit(f"h{each}", each, visitor_id=f"v{each}") for each in range(100)))
    house.space.tell(*(lead(f"L{each}", each + 1, visitor_id=f"v{each}") for each in range(100)))
    house.now_ms = TEN_MS + 3 * HOUR_MS
    house.run()
    assert not any("visit" in title for title in titles(house))
    house.space.tell(*(lead(f"M{each}", 130 + each) for each in range(50)))
    house.run(HOUR_MS)
    house.run(HOUR_MS)
    told = [row for row in house.rows() if row["type"] == "matching.fell"]
    assert [row["title"] for row in told] == ["More leads than before have no visit on shop"]


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        pytest.param(lead("L1", 0), 1, id="a lead of this minute is told"),
        pytest.param(lead("L1", -25 * 60), 0, id="a lead of yesterday that comes late is not told"),
        pytest.param(call("L1", 0, phone="07700 900001", duration_s=4), 0, id="a call of 4 s is junk"),
        pytest.param(call("L1", 0, phone="07700 900001", duration_s=40), 1, id="a call of forty is told"),
        pytest.param(call("L1", 0, phone="07700 900001"), 0, id="a call that goes on is not told yet"),
        pytest.param(lead("L1", 0, site="blog"), 0, id="another site's lead is not told"),
    ],
)  # fmt: skip
def test_only_what_is_news_is_told(house: House, fact: dict[str, Any], told: int) -> None:
    """Looking twice, repeating the fact and making views anew tell nothing more."""
    house.space.tell(fact)
    house.run(MINUTE_MS)
    house.space.tell(fact)
    rebuild.rebuild(house.settings, key=KEY, tell=lambda _difference: None)
    house.run(MINUTE_MS)
    assert len(house.rows()) == told
    assert house.space.verify() == []


def test_a_repeat_of_an_enquiry_is_not_told(house: House) -> None:
    """Two leads of one person are one enquiry, told once, whichever of them comes in first."""
    for person, minutes in (("ann", (0, 2)), ("bob", (2, 0))):
        for minute in minutes:
            house.space.tell(lead(f"{person}{minute}", minute, email=f"{person}@acme.com"))
            house.run(MINUTE_MS)
    assert titles(house) == ["New lead on shop: ann@acme.com", "New lead on shop: bob@acme.com"]


def test_leads_from_before_an_alert_are_not_told(house: House) -> None:
    """Whoever is added now is not flooded with the day's leads."""
    house.space.tell(lead("L1", -30))
    house.add("webhook", "https://example.com/two", mode="dry", made_ms=TEN_MS - MINUTE_MS)
    house.run()
    assert [row["destination"] for row in house.rows()] == ["to0"]


def test_a_lead_that_sales_leaves_alone_is_told(house: House) -> None:
    """Ten minutes were promised; an answer in time keeps it quiet, and it is told once."""
    house.add("webhook", "https://example.com/two", mode="dry", wants=["response"])
    house.space.tell(lead("L1", 0, email="ann@acme.com"), lead("L2", 0, email="bob@beta.io"))
    house.run(9 * MINUTE_MS)
    answer = {"fact": "activity", "site": "shop", "provider": "hub", "provider_id": "A1", "at": at(5)}
    house.space.tell({**answer, "kind": "call_made", "email": "bob@beta.io"})
    house.run(2 * MINUTE_MS)
    house.run(MINUTE_MS)
    told = [row for row in house.rows() if row["destination"] == "to1"]
    assert [row["title"] for row in told] == ["No answer yet to a lead on shop: ann@acme.com"]


def test_contacts_are_masked_unless_they_are_asked_for(house: House) -> None:
    """A name, an address and a number are told so that their owner alone would know them."""
    house.add("webhook", "https://example.com/two", mode="dry", is_pii=False)
    house.space.tell(lead("L1", 0, email="ann@acme.com", phone="07700 900001", name="Ann Lee"))
    house.run(MINUTE_MS)
    full, masked = (str(house.shown(row["delivery_id"])) for row in house.rows())
    for word in ("ann@acme.com", "07700 900001", "Ann Lee"):
        assert word in full
        assert word not in masked
    assert format_instant(TEN_MS) in masked
