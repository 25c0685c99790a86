"""Leases on a real server: the script against a twin in Python, many at once, and through a crash."""

from __future__ import annotations

import json
import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from tests.laws import tried
from tests.waiting import wait_for
from tracker import config, embedded, hitlog, keeper, leases, wire
from tracker.core.times import MINUTE_MS
from tracker.leases import MOST_PAST, PAST_MS, TELL_MS, Ask, Leased
from tracker.model import Pool, SiteKey

SITE = SiteKey("shop")
NOW = 1_790_000_000_000
HOLD_MS = 20 * MINUTE_MS
TWO = Pool("main", ("+441", "+442"), "+440")


@dataclass
class Desk:
    """Asks the server for numbers, and reads what it wrote to the log."""

    client: redis.Redis
    pool: Pool = TWO
    pipe: hitlog.Pipe = field(init=False)

    def __post_init__(self) -> None:
        self.pipe = hitlog.Pipe(self.client)

    def ask(self, visitor: str, minute: float | None = 0.0, **more: Any) -> Leased:
        """Ask at a minute of the test's clock; none: at the server's own time."""
        at_ms = None if minute is None else NOW + round(minute * MINUTE_MS)
        command = leases.packed_lease(SITE, self.pool, Ask(visitor, now_ms=at_ms, **more))
        return leases.read_reply(self.pipe.run([command])[0])

    def told(self, kind: type = wire.LeaseEntry) -> list[Any]:
        """Read the entries of a kind."""
        rows = [wire.decode(fields[b"m"]) for _, fields in self.client.xrange(hitlog.STREAM)]
        return [entry for entry in rows if isinstance(entry, kind)]

    def close(self) -> None:
        """Give the connection back."""
        self.pipe.close()


@pytest.fixture
def desk(client: redis.Redis) -> Iterator[Desk]:
    """Give a desk over the session's server, emptied."""
    desk = Desk(client)
    yield desk
    desk.close()


def test_each_visitor_gets_a_number_of_their_own_until_none_is_free(desk: Desk) -> None:
    """Two numbers, three visitors: the third gets none, and that is counted once."""
    assert [desk.ask("a"), desk.ask("b"), desk.ask("c"), desk.ask("c", 1)] == [
        ("+441", "new"), ("+442", "new"), (None, "exhausted"), (None, "waiting"),
    ]  # fmt: skip
    (counted,) = desk.told(wire.ExhaustedEntry)
    assert counted == wire.ExhaustedEntry("shop", "main", NOW, 1)


def test_a_lease_lasts_while_its_visitor_is_seen_and_the_hold_time_more(desk: Desk) -> None:
    """Free at the very instant that the hold time is over, not before."""
    desk.ask("a")
    desk.ask("b")
    assert desk.ask("a", 15) == ("+441", "kept")
    assert desk.ask("c", 34.99)[0] == "+442"
    assert desk.ask("d", 34.999).why == "exhausted"
    assert desk.ask("d", 35) == ("+441", "new")


def test_a_visitor_gets_the_number_of_before_where_it_is_free(desk: Desk) -> None:
    """Though another was unused for longer; of several the latest that is free."""
    desk.ask("a")
    desk.ask("b", 1)
    assert desk.ask("b", 50) == ("+442", "again")
    desk.ask("c", 80)
    assert desk.ask("b", 81) == ("+442", "again")
    desk.ask("d", 110)
    desk.ask("d", 120)
    assert desk.ask("c", 125) == ("+442", "new")


def test_of_free_numbers_the_one_unused_for_longest_is_given(desk: Desk) -> None:
    """Numbers that were never given come first, in their order."""
    desk.pool = Pool("main", ("+441", "+442", "+443"), "+440")
    for visitor, minute in (("a", 0.0), ("b", 1.0), ("a", 5.0), ("c", 2.0)):
        desk.ask(visitor, minute)
    assert desk.ask("d", 60)[0] == "+442"
    assert desk.ask("e", 60)[0] == "+443"
    assert desk.ask("f", 60)[0] == "+441"


def test_a_lease_s_fact_is_told_at_its_start_now_and_then_and_at_its_end(desk: Desk) -> None:
    """A beat each minute: every other is told, so a minute is lost at most; the end is told exactly."""
    desk.pool = Pool("main", ("+441",), "+440")
    desk.ask("a", session_hint="e1")
    for minute in (1, 2, 3, 4, 4.5):
        desk.ask("a", minute)
    desk.ask("b", 30)
    start = wire.LeaseEntry("shop", "main", "+441", "a", NOW, NOW, "e1")
    ends = [start.to_ms, *(NOW + int(m * MINUTE_MS) for m in (2, 4, 4.5))]
    told = desk.told()
    assert told[0] == start and told[-1].visitor_id == "b"
    assert [each.to_ms for each in told[:-1]] == ends
    assert {(each.from_ms, each.visitor_id) for each in told[:-1]} == {(NOW, "a")}


def test_a_number_that_was_taken_out_of_its_pool_is_not_kept(desk: Desk) -> None:
    """Its visitor gets another one at once."""
    desk.ask("a")
    desk.pool = Pool("main", ("+442",), "+440")
    assert desk.ask("a", 1) == ("+442", "new")


CHOOSY = Pool("ads", ("+441", "+442"), "+440", channels=("Paid Search",))


def test_a_pool_for_some_channels_serves_their_sessions_alone(desk: Desk) -> None:
    """A hit that names no source goes on with the session's; a session without any is direct."""
    desk.pool = CHOOSY
    assert desk.ask("a", has_hits=True).why == "elsewhere"
    assert desk.ask("b", channel="Paid Search", has_hits=True).why == "new"
    assert desk.ask("c", channel="Email", has_hits=True).why == "elsewhere"
    assert desk.ask("c", has_hits=True).why == "elsewhere"
    assert desk.ask("c", channel="Paid Search", has_hits=True).why == "new"
    assert desk.ask("b", 1, channel="Email", has_hits=True) == ("+441", "kept")
    assert desk.ask("d", channel="Paid Search", has_hits=True).why == "exhausted"
    assert desk.ask("d", 25, has_hits=True).why == "new"
    assert desk.ask("stranger", 25).why == "elsewhere"


def test_a_session_ends_by_the_setting_s_gap(desk: Desk) -> None:
    """Its channel is forgotten then; a later hit without a source is direct."""
    desk.pool = CHOOSY
    desk.ask("a"), desk.ask("b")
    desk.ask("late", channel="Paid Search", has_hits=True, gap_ms=1)
    wait_for(lambda: not desk.client.exists("touchline:came:shop:late"))
    assert desk.ask("late", 60, has_hits=True).why == "elsewhere"


def test_whoever_is_forgotten_leaves_no_trace_and_their_number_stays_held(desk: Desk) -> None:
    """Nobody gets the number before the hold time is over, and no later fact names them."""
    desk.pool = Pool("main", ("+441",), "+440")
    desk.ask("gone")
    desk.ask("gone", 1)
    leases.forget(desk.client, {"gone"})
    desk.client.delete(hitlog.STREAM)
    assert b"gone" not in b"".join(desk.client.dump(key) or b"" for key in desk.client.scan_iter())
    assert desk.ask("b", 10).why == "exhausted"
    assert desk.ask("b", 21) == ("+441", "new")
    assert [entry.visitor_id for entry in desk.told()] == ["b"]
    leases.forget(desk.client, None)
    desk.client.delete(hitlog.STREAM)
    assert list(desk.client.scan_iter(match="touchline:past:*")) == []


@dataclass
class Twin:
    """The rules of leasing, said in Python as they are said in words."""

    pool: Pool
    held: dict[str, tuple[str, int, int, int]] = field(default_factory=dict)  # visitor, from, seen, told
    past: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    wanting: dict[str, int] = field(default_factory=dict)
    told: list[tuple[str, str, int, int]] = field(default_factory=list)

    def ask(self, visitor: str, now: int) -> Leased:
        """Give or keep a number."""
        hold_ms = self.pool.hold_s * 1_000
        live = {number for number, lease in self.held.items() if lease[2] + hold_ms > now}
        for number in live:
            if self.held[number][0] == visitor:
                return self._keep(number, now)
        free = [number for number in self.pool.numbers if number not in live]
        before = [number for number in self.past[visitor] if number in free]
        if not free:
            if now < self.wanting.get(visitor, 0):
                return Leased(None, "waiting")
            self.wanting[visitor] = now + hold_ms
            return Leased(None, "exhausted")
        number = before[0] if before else min(free, key=lambda each: self.held.get(each, ("", 0, -1, 0))[2])
        if number in self.held:
            whose, from_ms, seen, told = self.held[number]
            if told < seen:
                self.told.append((number, whose, from_ms, seen))
        self.held[number] = (visitor, now, now, now)
        self.told.append((number, visitor, now, now))
        self.wanting.pop(visitor, None)
        self.past[visitor] = [number, *(each for each in self.past[visitor] if each != number)][:MOST_PAST]
        return Leased(number, "again" if before else "new")

    def _keep(self, number: str, now: int) -> Leased:
        whose, from_ms, _, told = self.held[number]
        if now - told >= TELL_MS:
            told = now
            self.told.append((number, whose, from_ms, now))
        self.held[number] = (whose, from_ms, now, told)
        return Leased(number, "kept")


STEP = st.tuples(st.sampled_from("abcdefg"), st.sampled_from([0, 1, 60_000, 300_000, 1_200_000, 1_199_999]))


@tried(60)
@given(st.lists(STEP, max_size=60), st.integers(1, 5))
def test_the_script_does_what_its_twin_does(redis_url: str, steps: list[tuple[str, int]], size: int) -> None:
    """Whoever asks when: the same numbers for the same reasons, and the same facts."""
    numbers = tuple(f"+44{i}" for i in range(size))
    twin = Twin(Pool("main", numbers, "+449", hold_s=HOLD_MS // 1_000))
    with embedded.connect(redis_url, blocking=False) as client:
        client.flushall()
        desk, now = Desk(client, twin.pool), 0
        for visitor, wait_ms in steps:
            now += wait_ms
            assert desk.ask(visitor, now / MINUTE_MS) == twin.ask(visitor, NOW + now)
        told = [(each.number, each.visitor_id, each.from_ms, each.to_ms) for each in desk.told()]
        assert told == twin.told
        desk.close()
        client.flushall()


def overlaps(entries: list[wire.LeaseEntry], hold_ms: int) -> list[tuple[str, str]]:
    """Find pairs of visitors who held one number at once, by what was told of the leases."""
    spans: dict[tuple[str, int, str], int] = {}
    for each in entries:
        key = (each.number, each.from_ms, each.visitor_id)
        spans[key] = max(spans.get(key, 0), each.to_ms)
    found = []
    for (number, from_ms, visitor), to_ms in spans.items():
        for other, other_from, other_visitor in spans:
            if other == number and other_visitor != visitor and from_ms <= other_from < to_ms + hold_ms:
                found.append((visitor, other_visitor))
    return found


def test_of_two_hundred_visitors_at_once_no_two_ever_hold_one_number(desk: Desk, redis_url: str) -> None:
    """Twenty numbers: each is held by one, the others get none; then, when all is over, by others."""
    numbers = tuple(f"+4420794600{i:02}" for i in range(20))
    pool = Pool("main", numbers, "+442079469999", hold_s=1)

    def visit(name: int) -> None:
        with embedded.connect(redis_url, blocking=True) as client:
            own = Desk(client, pool)
            for _ in range(12):
                own.ask(f"v{name}", None)
            own.close()

    with ThreadPoolExecutor(200) as crowd:
        list(crowd.map(visit, range(200)))
    entries = desk.told()
    assert len({each.number for each in entries}) == 20
    assert len(desk.told(wire.ExhaustedEntry)) >= 100
    assert overlaps(entries, pool.hold_s * 1_000) == []


def test_an_overlap_would_be_seen() -> None:
    """The test above would see it."""
    first = wire.LeaseEntry("shop", "main", "+441", "a", 0, 5_000)
    assert overlaps([first, wire.LeaseEntry("shop", "main", "+441", "b", 5_500, 5_500)], 1_000)
    assert not overlaps([first, wire.LeaseEntry("shop", "main", "+441", "b", 6_000, 6_000)], 1_000)


@pytest.mark.fault
def test_leases_outlive_their_server(settings: config.Settings) -> None:
    """Killed and started again: everybody keeps their number, and nobody gets another's."""
    with embedded.hold(settings) as url:
        pid = int(keeper.Place.of(settings.data).file("server.lock").read_text())
        with embedded.connect(url, blocking=False) as client:
            desk = Desk(client)
            held = [desk.ask("a", None).number, desk.ask("b", None).number]
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: is_back(desk))
            assert [desk.ask("a", None), desk.ask("b", None)] == [(held[0], "kept"), (held[1], "kept")]
            assert desk.ask("c", None).number is None
            assert {entry.visitor_id for entry in desk.told()} == {"a", "b"}
            desk.close()
    embedded.dismiss(settings)


def is_back(desk: Desk) -> bool:
    """Ask until the server answers again."""
    try:
        return desk.ask("a", None).why == "kept"
    except redis.RedisError:
        return False


def test_what_the_script_tells_is_what_the_log_s_readers_know(desk: Desk) -> None:
    """Every character that a page may send as an event's id comes through."""
    desk.ask("a", session_hint='e "1" \\ é\n')
    assert [entry.session_hint for entry in desk.told()] == ['e "1" \\ é\n']
    assert json.loads(wire.encode(desk.told()[0]))["k"] == "lease"
    assert PAST_MS > HOLD_MS
