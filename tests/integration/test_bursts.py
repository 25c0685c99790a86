"""Bursts of one-hit visitors: kept apart with the reason, and given back when one turns out a person."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import short_folder
from tests.laws import orders, tried
from tests.tables import holds
from tests.telling import KEY, Fact, Workspace, hit, identify, lead
from tracker import config
from tracker.cli import main
from tracker.store import marks
from tracker.store.bursts import Bursts, Crowd, replace_lone
from tracker.store.db import atomic, open_store
from worker import rebuild

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def opened(data: Path, client: redis.Redis, **settings: object) -> Workspace:
    """Open a workspace in which three one-hit visitors are a burst, but for what is given."""
    return Workspace(config.load({}, data=data, **{"burst_visitors": 3, **settings}), client)


@pytest.fixture
def workspace(data: Path, client: redis.Redis) -> Workspace:
    """Give a workspace in which three one-hit visitors are a burst."""
    return opened(data, client)


def one(number: int, minute: float = 0, **fields: Any) -> Fact:
    """Write the hit `e<number>` of the visitor `v<number>`, all from one network."""
    usual = {"visitor_id": f"v{number}", "ip": f"203.0.113.{number}"}
    return hit(f"e{number}", minute, **{**usual, **fields})


def reasons(workspace: Workspace) -> dict[str, str | None]:
    """Tell why each hit was dropped, and check that the views are those that a rebuild makes."""
    assert workspace.verify() == []
    rows = workspace.export("hits")
    visited = {row["visitor_id"] for row in workspace.export("sessions")}
    assert not visited & {row["visitor_id"] for row in rows if row["dropped_because"] == "bot:burst"}
    assert all(row["is_dropped"] == (row["dropped_because"] is not None) for row in rows)
    return {row["event_id"]: row["dropped_because"] for row in rows}


def test_a_burst_is_kept_apart_with_the_reason_and_never_deleted(workspace: Workspace) -> None:
    """From the limit on nobody of the crowd has a session; who is not of the crowd keeps theirs."""
    workspace.tell(one(1), one(2, 20), one(4, 30, user_agent=FIREFOX))
    assert set(reasons(workspace).values()) == {None}
    workspace.tell(one(3, 59))
    assert reasons(workspace) == dict.fromkeys(["e1", "e2", "e3"], "bot:burst") | {"e4": None}
    assert [row["visitors"] for row in workspace.export("persons")] == [["v4"]]
    holds(workspace.export("sessions"), """
        visitor_id  hits
        v4          1
    """)  # fmt: skip


OTHERS = {
    "another network": {"ip": "203.0.114.3"},
    "another browser": {"user_agent": FIREFOX},
    "another language": {"language": "de"},
    "another screen": {"screen": "390x844"},
    "another site": {"site": "blog"},
    "another hour of the clock": {"minute": 60},
    "no address": {"ip": None},
    "no user agent": {"user_agent": None},
    "an event instead of a page view": {"type": "event", "name": "call"},
    "a bot that is known by its name": {"user_agent": "Googlebot/2.1"},
}


@pytest.mark.parametrize("fields", OTHERS.values(), ids=OTHERS)
def test_only_the_alike_are_counted(workspace: Workspace, fields: dict[str, Any]) -> None:
    """Two visitors and a third of another crowd are no burst."""
    workspace.tell(one(1), one(2), one(3, **fields))
    assert "bot:burst" not in reasons(workspace).values()


@pytest.mark.parametrize("missing", [{"ip": None}, {"user_agent": None}], ids=["no address", "no user agent"])
def test_what_does_not_say_where_it_came_from_is_never_a_burst(
    workspace: Workspace, missing: dict[str, None]
) -> None:
    """Hits of files and servers may lack the address or the browser, all of them alike."""
    workspace.tell(*(one(number, **missing) for number in range(1, 9)))
    assert set(reasons(workspace).values()) == {None}


AWAKE = {
    "comes back on another day": one(9, 2_000, visitor_id="v1"),
    "comes back on another site": one(9, 5, visitor_id="v1", site="blog"),
    "stays to read": one(9, 1, visitor_id="v1", type="engagement", props={"engaged_s": 9}),
    "does something": one(9, 1, visitor_id="v1", type="event", name="download"),
    "leaves contact details": lead("1", 3_000, visitor_id="v1", email="ann@acme.com"),
    "logs in": identify(3_000, visitor_id="v1", email="ann@acme.com"),
}


@pytest.mark.parametrize("sign", AWAKE.values(), ids=AWAKE)
def test_a_person_in_the_crowd_takes_the_others_out_with_them(workspace: Workspace, sign: Fact) -> None:
    """One of three has turned out a person: it has its session, and two others are no burst."""
    workspace.tell(one(1), one(2), one(3))
    workspace.tell(sign)
    assert set(reasons(workspace).values()) == {None}
    assert {row["visitor_id"] for row in workspace.export("sessions")} == {"v1", "v2", "v3"}


@pytest.mark.parametrize("sign", AWAKE.values(), ids=AWAKE)
def test_a_crowd_that_is_still_large_stays_a_burst(workspace: Workspace, sign: Fact) -> None:
    """The person has a session; the three others are as many as it takes, in either order of arrival."""
    crowd = [one(number) for number in range(1, 5)]
    workspace.tell(*crowd)
    workspace.tell(sign)
    after = reasons(workspace)
    assert {after.pop(each) for each in ("e2", "e3", "e4")} == {"bot:burst"}
    assert set(after.values()) == {None}
    own = opened(short_folder(), workspace.client)
    own.tell(sign)
    own.tell(*crowd)
    assert own.everything() == workspace.everything()


def test_a_contact_taken_back_leaves_a_visitor_alone_again(workspace: Workspace) -> None:
    """A lead that turns out to be a test names nobody: its visitor is of the crowd as before."""
    workspace.tell(one(1), one(2), one(3), lead("1", 5, visitor_id="v1", email="ann@acme.com"))
    assert set(reasons(workspace).values()) == {None}
    workspace.tell(lead("1", 6, visitor_id="v1", email="ann@acme.com", is_test=True))
    assert set(reasons(workspace).values()) == {"bot:burst"}


def test_a_lead_is_matched_to_its_visitor_out_of_the_burst(workspace: Workspace) -> None:
    """The lead has the session and the source of the one hit that had been kept apart."""
    google = {"referrer": "https://www.google.com/"}
    workspace.tell(*(one(number, **google) for number in range(1, 6)))
    workspace.tell(lead("1", 5, visitor_id="v3"))
    assert reasons(workspace)["e3"] is None
    holds(workspace.export("leads"), """
        provider_id  match_rule  visitor_id  source
        1            M1          v3          google
    """)  # fmt: skip
    assert [row["path"] for row in workspace.export("journeys")] == [["Organic Search"]]


def test_a_click_id_in_a_burst_is_nobodys(workspace: Workspace) -> None:
    """As with every bot: the first person who brings it has clicked, until the burst is none."""
    url = "https://shop.test/?gclid=G1"
    workspace.tell(one(1, url=url), one(2), one(3), one(7, 9, url=url, ip="198.51.100.7"))
    holds(workspace.export("sessions"), """
        visitor_id  source  medium
        v7          google  cpc
    """)  # fmt: skip
    workspace.tell(one(8, 5, visitor_id="v1"))
    assert reasons(workspace)["e1"] is None
    clicked = {row["visitor_id"]: row["medium"] for row in workspace.export("sessions")}
    assert clicked == {"v1": "cpc", "v2": "(none)", "v3": "(none)", "v7": "(none)"}


def test_a_corrected_hit_changes_its_crowd(workspace: Workspace) -> None:
    """A newer version that names another browser takes the visitor out, and a third one back in."""
    workspace.tell(one(1), one(2), one(3))
    workspace.tell(one(3, 1, user_agent=FIREFOX))
    assert set(reasons(workspace).values()) == {None}
    workspace.tell(one(3, 2))
    assert set(reasons(workspace).values()) == {"bot:burst"}


def test_the_order_of_arrival_does_not_matter(client: redis.Redis) -> None:
    """A crowd, one who comes back and one who writes: all the same whoever is heard of first."""
    facts = [one(1), one(2), one(3), one(4), one(9, 90, visitor_id="v2")]
    outcomes = []
    for order in orders(facts, 12):
        own = opened(short_folder(), client)
        for fact in order:
            own.tell(fact)
        assert reasons(own)["e1"] == "bot:burst"
        outcomes.append(own.everything())
    assert all(each == outcomes[0] for each in outcomes)


def test_full_addresses_are_of_one_network_too(data: Path, client: redis.Redis) -> None:
    """Whether addresses are kept masked or in full, the network is what counts; none kept, no burst."""
    for storage, reason in (("full", "bot:burst"), ("masked", "bot:burst"), ("none", None)):
        own = opened(data / storage, client, ip_storage=storage)
        own.tell(one(1), one(2), one(3))
        assert set(reasons(own).values()) == {reason}


def test_networks_of_data_centres_need_a_fifth(data: Path, client: redis.Redis, tmp_path: Path) -> None:
    """There the limit is lower; fewer are dropped nowhere, and other networks have the whole limit."""
    file = tmp_path / "centres.txt"
    file.write_text(
        "# rented machines\n203.0.113.0/25\n203.0.113.128/25  # neighbours are one\n2001:db8::/32\n"
    )
    own = opened(data, client, burst_visitors=10, datacenter_file=str(file))
    own.tell(one(1), one(2, ip="198.51.100.2"), one(3, ip="198.51.100.3"), one(4, ip="2001:db8::4"))
    assert set(reasons(own).values()) == {None}
    own.tell(one(5), one(6, ip="2001:db8::6"))
    assert {name for name, why in reasons(own).items() if why} == {"e1", "e4", "e5", "e6"}


def test_a_limit_of_none_turns_it_off_and_a_rebuild_follows_the_setting(workspace: Workspace) -> None:
    """Who is in which crowd is known all the same: other settings need nothing but a rebuild."""
    workspace.tell(one(1), one(2), one(3))
    for limit, why in ((0, None), (3, "bot:burst"), (4, None), (2, "bot:burst")):
        workspace.settings = config.load({}, data=workspace.settings.data, burst_visitors=limit)
        rebuild.rebuild(workspace.settings, key=KEY, tell=lambda each: None)
        assert set(reasons(workspace).values()) == {why}


def test_explain_says_it_in_words(workspace: Workspace) -> None:
    """The reason, how large the crowd is, and what would give the hit back."""
    workspace.tell(one(1), one(2), one(3), one(4))
    told = CliRunner().invoke(main, ["--data", str(workspace.settings.data), "explain", "hit", "e1"])
    assert "Dropped: bot:burst; it opens no session" in told.stdout
    assert (
        "One of 4 visitors of one network and browser who left one hit each in the same hour" in told.stdout
    )


def test_a_great_burst_is_not_gone_through_at_every_hit(workspace: Workspace) -> None:
    """Only the hit that reaches the limit marks others, and no more than the limit of them."""
    db = open_store(workspace.settings.data, write=True)
    marked = []
    crowd = Crowd(1, 2, 3, 4)
    with closing(db), atomic(db):
        for number in range(2_000):
            found = replace_lone(db, {number: crowd}, lambda _: 50)
            marked.append(len(found.moved))
            assert (number in found.visitor_nos) == (number >= 49)
        assert [count for count in marked if count] == [49]
        assert replace_lone(db, dict.fromkeys(range(1_950)), lambda _: 50) == Bursts(set(), set())
        assert len(replace_lone(db, {1_950: None}, lambda _: 50).moved) == 49
        assert marks.Marks(db).take(["visitor"], 1) == ("", [])


hits = st.builds(
    one,
    st.integers(1, 12),
    st.sampled_from([0, 1, 30, 59, 60, 61]),
    visitor_id=st.sampled_from([f"v{number}" for number in range(1, 7)]),
    ip=st.sampled_from(["203.0.113.7", "203.0.113.8", "203.0.113.9", "198.51.100.7", None]),
    site=st.sampled_from(["shop", "shop", "blog"]),
    type=st.sampled_from(["page", "page", "page", "engagement", "event"]),
    url=st.sampled_from(["https://shop.test/", "https://shop.test/?gclid=G1"]),
    user_agent=st.sampled_from([FIREFOX, FIREFOX, FIREFOX, "Googlebot/2.1", None]),
)
named = st.builds(
    lambda number, minute, **fields: lead(str(number), minute, visitor_id=f"v{number}", **fields),
    st.integers(1, 6),
    st.sampled_from([5, 90]),
    email=st.sampled_from(["ann@acme.com", None]),
    is_test=st.sampled_from([None, None, True]),
)


@pytest.mark.slow
@tried(20)
@given(history=st.lists(st.one_of(hits, hits, hits, hits, named), min_size=1, max_size=25), data=st.data())
def test_bursts_rest_on_the_set_of_facts_alone(
    client: redis.Redis, history: list[Fact], data: st.DataObject
) -> None:
    """Shuffled, split and repeated, the same crowds are bursts; they are those that counting finds."""
    told = data.draw(st.permutations(history)) + data.draw(st.lists(st.sampled_from(history), max_size=4))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(told)), max_size=4)))
    once, again = opened(short_folder(), client), opened(short_folder(), client)
    once.tell(*history)
    for first, last in zip([0, *cuts], [*cuts, len(told)], strict=True):
        again.tell(*told[first:last])
    assert again.verify() == once.verify() == []
    assert again.everything() == once.everything()
    crowded = [row for row in once.export("hits") if row["dropped_because"] == "bot:burst"]
    assert {(row["site"], row["event_id"]) for row in crowded} == counted(once)


def counted(workspace: Workspace) -> set[tuple[str, str]]:
    """Name the hits of bursts by going through all human hits, the slow way: site and event id."""
    human = workspace.query(
        """SELECT hits.event_id, hits.visitor_id, hits.site, substr(hits.at, 1, 13) AS hour, hits.type,
          ip.value AS ip, client.value AS client
        FROM hits JOIN hit USING (hit_no) LEFT JOIN string AS ip ON ip.string_no = hit.ip_no
        LEFT JOIN string AS client ON client.string_no = hit.client_no
        WHERE dropped_because IS NULL OR dropped_because = 'bot:burst'"""
    )
    busy = [row["visitor_id"] for row in human]
    known = {row["visitor_id"] for row in workspace.export("leads")}
    crowds: dict[tuple[str, ...], set[tuple[str, str]]] = {}
    for row in human:
        is_alone = busy.count(row["visitor_id"]) == 1 and row["visitor_id"] not in known
        if is_alone and row["type"] == "page" and row["ip"] and '"ua"' in row["client"]:
            crowd = (row["site"], row["hour"], row["ip"], row["client"])
            crowds.setdefault(crowd, set()).add((row["site"], row["event_id"]))
    return set().union(*(crowd for crowd in crowds.values() if len(crowd) >= 3))
