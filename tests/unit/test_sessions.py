"""Sessions: when one ends, which source is news, and what must hold of any history.

Histories are written as `minute:source`, such as `0:google 30:-`. `-` is direct; `~` before the source
is an engagement ping, `!` an event; `@2` gives a seq. Sessions come out as `reason source minutes`, with
a star where the source is a click id that was used before.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit import oracles
from tracker.core.ids import event_key
from tracker.core.sessions import ClickKey, Limits, SessionHit, first_uses, in_order, sessionize
from tracker.model import ClickId, ClickKind, HitType, Source

MINUTE_MS = 60_000
START_MS = 1_772_359_200_000
LIMITS = Limits()
NO_LENGTH = Limits(max_ms=10**12)

DIRECT = Source("(direct)", "(none)", "Direct", "direct")
PAYMENT = replace(DIRECT, rule="not_a_source:payment", referrer_host="checkout.stripe.com")
GOOGLE = Source("google", "organic", "Organic Search", "referrer", evidence="referrer", company="google",
                referrer_host="www.google.com")  # fmt: skip
YOUTUBE = replace(GOOGLE, source="youtube", medium="video", referrer_host="www.youtube.com")
FACEBOOK = Source("facebook", "social", "Organic Social", "referrer", evidence="referrer", company="meta",
                  referrer_host="www.facebook.com")  # fmt: skip
WHATSAPP = replace(FACEBOOK, source="whatsapp", referrer_host="web.whatsapp.com")
PAPER = Source("paper.example", "referral", "Referral", "referrer", evidence="referrer",
               company="paper.example", referrer_host="www.paper.example")  # fmt: skip
PRESS = Source("press", "referral", "Referral", "referrer", evidence="referrer",
               referrer_host="press.example")  # fmt: skip


def click(
    name: str, value: str, network: str = "google", *, kind: ClickKind = "paid", per_click: bool = True
) -> ClickId:
    """Make a click id."""
    return ClickId(name, value, network, kind, per_click)


def campaign(source: str, name: str, *clicks: ClickId, company: str | None = None) -> Source:
    """Make a source that campaign parameters name."""
    key = (("campaign", name), ("source", source))
    return Source(
        source, "cpc", "Paid Search", "campaign", campaign=name, evidence="campaign", company=company,
        campaign_key=key, click=clicks[0] if clicks else None, click_ids=clicks,
    )  # fmt: skip


def ad(*clicks: ClickId) -> Source:
    """Make a source that click ids alone name."""
    return Source("google", "cpc", "Paid Search", "gclid", evidence="click", company="google",
                  click=clicks[0], click_ids=clicks)  # fmt: skip


G1, G2, F1 = click("gclid", "1"), click("gclid", "2"), click("fbclid", "1", "meta", kind="both")
SEARCH = click("gad_source", "1", per_click=False)
ARRIVALS: dict[str, tuple[Source, Source]] = {
    "-": (DIRECT, DIRECT),
    "payment": (PAYMENT, PAYMENT),
    "google": (GOOGLE, GOOGLE),
    "youtube": (YOUTUBE, YOUTUBE),
    "facebook": (FACEBOOK, FACEBOOK),
    "whatsapp": (WHATSAPP, WHATSAPP),
    "paper": (PAPER, PAPER),
    "paper-blog": (replace(PAPER, source="blog.paper.example"),) * 2,
    "press": (PRESS, PRESS),
    "g1": (ad(G1), GOOGLE),
    "g1-bookmark": (ad(G1), DIRECT),
    "g1-on-facebook": (ad(G1, F1), FACEBOOK),
    "g2": (ad(G2), GOOGLE),
    "g1+tag": (ad(G1, SEARCH), GOOGLE),
    "tag": (ad(SEARCH), GOOGLE),
    "spring": (campaign("google", "spring", company="google"), DIRECT),
    "spring+g1": (campaign("google", "spring", G1, company="google"), GOOGLE),
    "spring+g2": (campaign("google", "spring", G2, company="google"), GOOGLE),
    "summer": (campaign("google", "summer", company="google"), DIRECT),
    "summer+g1": (campaign("google", "summer", G1, company="google"), GOOGLE),
    "news": (campaign("news", "march"), DIRECT),
    "f1-bookmark": (replace(FACEBOOK, evidence="click", click=F1, click_ids=(F1,)), DIRECT),
    "f1": (replace(FACEBOOK, evidence="click", click=F1, click_ids=(F1,)), FACEBOOK),
}

_HIT = re.compile(r"(?P<minute>[\d.]+):(?P<sign>[~!]?)(?P<what>[^@\s]+)(@(?P<seq>\d+))?")
_SIGNS: dict[str, HitType] = {"": "page", "!": "event", "~": "engagement"}


def hits_of(text: str) -> list[SessionHit]:
    """Read a history."""
    found = []
    for number, word in enumerate(text.split()):
        parts = _HIT.fullmatch(word)
        assert parts, word
        source, fallback = ARRIVALS[parts["what"]]
        at_ms = START_MS + round(float(parts["minute"]) * MINUTE_MS)
        seq = int(parts["seq"]) if parts["seq"] else None
        found.append(
            SessionHit(number, at_ms, seq, f"e{number:02}", _SIGNS[parts["sign"]], source, fallback, 0)
        )
    return found


def told(text: str, foreign: frozenset[ClickKey] = frozenset()) -> list[str]:
    """Cut a history and tell its sessions."""
    lines = []
    for session in sessionize(hits_of(text), limits=LIMITS, foreign=foreign):
        star = "*" if session.is_repeat_click else ""
        minutes = " ".join(f"{(hit.at_ms - START_MS) / MINUTE_MS:g}" for hit in session.hits)
        lines.append(f"{session.opened_by} {session.source.source}{star} {minutes}")
    return lines


CUTS = {
    # Time
    "exactly 30 minutes continue": ("0:- 30:-", ["first (direct) 0 30"]),
    "a millisecond more does not": ("0:- 30.0000167:-", ["first (direct) 0", "gap (direct) 30"]),
    "the gap counts from the last hit, not from the start": (
        "0:- 25:- 50:- 75:-", ["first (direct) 0 25 50 75"],
    ),
    "exactly 24 hours continue": (
        " ".join(f"{minute}:-" for minute in range(0, 1441, 30)),
        ["first (direct) " + " ".join(str(minute) for minute in range(0, 1441, 30))],
    ),
    "a millisecond more than 24 hours does not": (
        " ".join(f"{minute}:-" for minute in range(0, 1440, 20)) + " 1440.0000167:-",
        [
            "first (direct) " + " ".join(str(minute) for minute in range(0, 1440, 20)),
            "max_length (direct) 1440",
        ],
    ),
    "after a gap of more than a day it is the gap that ends it": (
        "0:- 2000:-", ["first (direct) 0", "gap (direct) 2000"],
    ),
    "a gap with a new source is a gap": ("0:google 31:facebook", ["first google 0", "gap facebook 31"]),
    "hits may come in any order": ("30:- 0:google 15:-", ["first google 0 15 30"]),
    "seq settles equal times": (
        "0:facebook@2 0:google@1", ["first google 0", "new_source facebook 0"],
    ),
    "no seq comes first": ("0:facebook@0 0:google", ["first google 0", "new_source facebook 0"]),
    "the event id settles equal seqs": (
        "0:google@1 0:facebook@1", ["first google 0", "new_source facebook 0"],
    ),
    # Sources
    "another referrer is a new source": (
        "0:google 5:facebook", ["first google 0", "new_source facebook 5"],
    ),
    "the same referrer again is not": ("0:press 5:- 10:press", ["first press 0 5 10"]),
    "direct never splits": ("0:google 5:- 10:-", ["first google 0 5 10"]),
    "a payment provider's return never splits": ("0:google 5:payment", ["first google 0 5"]),
    "a session that is still direct takes the source that arrives": (
        "0:- 5:google 10:-", ["first google 0 5 10"],
    ),
    "it takes one source only": (
        "0:- 5:google 10:facebook", ["first google 0 5", "new_source facebook 10"],
    ),
    "direct after a gap is direct: no source is carried over": (
        "0:google 31:-", ["first google 0", "gap (direct) 31"],
    ),
    "back to the first source is a third session": (
        "0:google 5:facebook 10:google",
        ["first google 0", "new_source facebook 5", "new_source google 10"],
    ),
    "another campaign is a new source": (
        "0:spring 5:summer", ["first google 0", "new_source google 5"],
    ),
    "a campaign is news to a referrer of the same company": (
        "0:google 5:spring", ["first google 0", "new_source google 5"],
    ),
    "a referrer of the campaign's company is not news": ("0:spring 5:google", ["first google 0 5"]),
    "nor is another service of that company": ("0:spring 5:youtube", ["first google 0 5"]),
    "and to who clicked on an ad": ("0:g1 5:youtube", ["first google 0 5"]),
    "to who came by a link another service of the company is news": (
        "0:google 5:youtube", ["first google 0", "new_source youtube 5"],
    ),
    "to a free link with a click id it is, too": (
        "0:f1 5:whatsapp", ["first facebook 0", "new_source whatsapp 5"],
    ),
    "a sub-domain of the same unknown site is not": ("0:paper 5:paper-blog", ["first paper.example 0 5"]),
    "a referrer of no known company is news to a campaign of none": (
        "0:news 5:press", ["first news 0", "new_source press 5"],
    ),
    "the same campaign again is no news": ("0:spring 5:- 10:spring", ["first google 0 5 10"]),
    "its parameters without their click id are no news": ("0:spring+g1 5:spring", ["first google 0 5"]),
    "another click on the same ad is": (
        "0:spring+g1 5:spring+g2", ["first google 0", "new_source google 5"],
    ),
    "the same click id again is no news": ("0:g1 5:g1-bookmark", ["first google 0 5"]),
    "the same click id decides before other parameters beside it": (
        "0:spring+g1 5:summer+g1", ["first google 0 5"],
    ),
    "those parameters have then been seen": (
        "0:spring+g1 5:summer+g1 6:summer", ["first google 0 5 6"],
    ),
    "another click id is news": ("0:g1 5:g2", ["first google 0", "new_source google 5"]),
    "a tag of the network beside the same click is no news": ("0:g1 5:g1+tag 6:tag", ["first google 0 5 6"]),
    "a tag of the network alone is what it says": ("0:- 5:tag", ["first google 0 5"]),
    # Repeats
    "the same click id later is a direct return": (
        "0:g1 100:g1-bookmark", ["first google 0", "gap (direct)* 100"],
    ),
    "even with campaign parameters": (
        "0:spring+g1 100:spring+g1", ["first google 0", "gap (direct)* 100"],
    ),
    "even with other campaign parameters": (
        "0:spring+g1 100:summer+g1", ["first google 0", "gap (direct)* 100"],
    ),
    "those parameters are set aside with it": (
        "0:spring+g1 100:spring+g1 101:spring", ["first google 0", "gap (direct)* 100 101"],
    ),
    "the parameters alone later are a campaign": (
        "0:spring+g1 100:spring", ["first google 0", "gap google 100"],
    ),
    "a repeat never splits": (
        "0:g1 5:facebook 10:g1", ["first google 0", "new_source facebook 5 10"],
    ),
    "a repeat's session takes the source that arrives, and is a repeat no more": (
        "0:g1 100:g1-bookmark 105:g2", ["first google 0", "gap google 100 105"],
    ),
    "a repeat inside a direct session marks nothing": (
        "0:g1 100:- 105:g1-bookmark", ["first google 0", "gap (direct) 100 105"],
    ),
    "a tag that names no single click is no repeat": (
        "0:tag 100:tag", ["first google 0", "gap google 100"],
    ),
    # Pings
    "a ping extends a session": ("0:- 20:~- 50:-", ["first (direct) 0 20 50"]),
    "a ping after a gap opens none and extends none": (
        "0:- 31:~- 60:-", ["first (direct) 0", "gap (direct) 60"],
    ),
    "a ping before everything belongs to nothing": ("0:~- 5:google", ["first google 5"]),
    "a ping's own source says nothing": ("0:- 5:~google 10:-", ["first (direct) 0 5 10"]),
    "an event after a gap opens a session": ("0:- 31:!-", ["first (direct) 0", "gap (direct) 31"]),
    "an event's source counts": ("0:google 5:!facebook", ["first google 0", "new_source facebook 5"]),
    "no hits, no sessions": ("", []),
    "pings alone, no sessions": ("0:~- 5:~-", []),
}  # fmt: skip


@pytest.mark.parametrize(("text", "sessions"), CUTS.values(), ids=CUTS)
def test_a_history_is_cut(text: str, sessions: list[str]) -> None:
    """Each rule of the journeys' page by an example, borders first."""
    assert told(text) == sessions


SHARED = {
    "a shared link is direct, and marked": ("0:g1-bookmark", ["first (direct)* 0"]),
    "a referrer of the same network is no click either": ("0:g1", ["first (direct)* 0"]),
    "where it was shared is the source": ("0:g1-on-facebook", ["first facebook* 0"]),
    "that source is news like another": (
        "0:news 5:g1-on-facebook", ["first news 0", "new_source facebook* 5"],
    ),
    "an id that free links carry too leaves its network the source": ("0:f1", ["first facebook* 0"]),
    "such an id without a referrer is direct": ("0:f1-bookmark", ["first (direct)* 0"]),
    "the visitor's own click beside it counts": (
        "0:g2 100:g1-bookmark", ["first google 0", "gap (direct)* 100"],
    ),
    "reloading it is a repeat of one's own": ("0:g1-on-facebook 5:g1-on-facebook", ["first facebook* 0 5"]),
    "a new click in its session takes over": ("0:g1-bookmark 5:g2", ["first google 0 5"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "sessions"), SHARED.values(), ids=SHARED)
def test_a_click_that_another_visitor_brought_first_is_no_paid_click(text: str, sessions: list[str]) -> None:
    """Another visitor's click id is a shared link: marked, and never paid for twice."""
    assert told(text, frozenset({("gclid", "1"), ("fbclid", "1")})) == sessions


def test_a_session_counts_its_pages_its_time_and_its_way_out() -> None:
    """Pages are page views alone; engagement adds up; the exit is the last page seen."""
    texts = hits_of("0:google 1:!- 2:- 3:~- 4:!-")
    hits = [hit._replace(engaged_ms=1_500) if hit.type == "engagement" else hit for hit in texts]
    (session,) = sessionize(hits, limits=LIMITS)
    assert (session.started_ms, session.ended_ms) == (START_MS, START_MS + 4 * MINUTE_MS)
    assert (len(session.hits), session.pages, session.engaged_ms) == (5, 2, 1_500)
    assert session.exit.at_ms == START_MS + 2 * MINUTE_MS


def test_a_session_without_pages_is_left_by_its_last_hit() -> None:
    """There is always a way out."""
    (session,) = sessionize(hits_of("0:!- 1:!-"), limits=LIMITS)
    assert session.exit.at_ms == START_MS + MINUTE_MS


def test_the_first_use_of_a_click_is_its_earliest_hit_but_never_a_ping() -> None:
    """By time, then event id; a ping brings nothing."""
    uses = first_uses(hits_of("5:g1 3:g1 3:spring+g1 1:~g1 9:g2 9:tag"))
    assert uses == {
        ("gclid", "1"): (START_MS + 3 * MINUTE_MS, "e01"),
        ("gclid", "2"): (START_MS + 9 * MINUTE_MS, "e04"),
    }


MINUTES = (0, 1, 29, 30, 31, 45, 60, 61, 90, 720, 1_439, 1_440, 1_441, 1_470, 3_000)
times = st.builds(
    lambda a, b, ms: START_MS + (a + b) * MINUTE_MS + ms,
    st.sampled_from(MINUTES), st.sampled_from(MINUTES), st.sampled_from((0, 0, 1, -1)),
)  # fmt: skip
event_ids = st.integers(0, 10**6).map(lambda n: f"e{n}") | st.integers(0, 10**6).map(
    lambda n: str(uuid.UUID(int=n << 96))
)
drafts = st.tuples(
    times, st.sampled_from([None, None, 0, 1]), event_ids, st.sampled_from(["page", "event", "engagement"]),
    st.sampled_from(sorted(ARRIVALS)),
)  # fmt: skip


def _hits(drawn: list[tuple[int, int | None, str, HitType, str]]) -> list[SessionHit]:
    return [
        SessionHit(number, at_ms, seq, event_key(event_id), kind, *ARRIVALS[what])
        for number, (at_ms, seq, event_id, kind, what) in enumerate(drawn)
    ]


histories = st.lists(drafts, max_size=14, unique_by=lambda draft: draft[2]).map(_hits)
foreign_sets = st.frozensets(st.sampled_from([("gclid", "1"), ("gclid", "2"), ("fbclid", "1")]))


@given(histories, foreign_sets)
def test_sessions_agree_with_their_brute_force_twin(hits: list[SessionHit], foreign: set[ClickKey]) -> None:
    """The walk and the twin cut every history alike."""
    walked = [
        oracles.Visit(each.opened_by, each.source, each.is_repeat_click, tuple(h.hit_no for h in each.hits))
        for each in sessionize(hits, limits=LIMITS, foreign=foreign)
    ]
    assert walked == oracles.visits(hits, gap_ms=LIMITS.gap_ms, max_ms=LIMITS.max_ms, foreign=foreign)


@given(histories, foreign_sets, st.data())
def test_any_order_of_arrival_gives_the_same_sessions(
    hits: list[SessionHit], foreign: set[ClickKey], data: st.DataObject
) -> None:
    """What counts is when it happened."""
    shuffled = data.draw(st.permutations(hits))
    assert sessionize(shuffled, limits=LIMITS, foreign=foreign) == sessionize(
        hits, limits=LIMITS, foreign=foreign
    )


@given(histories, foreign_sets)
def test_sessions_partition_the_hits_and_do_not_overlap(
    hits: list[SessionHit], foreign: set[ClickKey]
) -> None:
    """Every hit but a late ping is in exactly one session, and sessions follow one another."""
    sessions = sessionize(hits, limits=LIMITS, foreign=foreign)
    held = [hit for session in sessions for hit in session.hits]
    order = [hit.hit_no for hit in in_order(hits)]
    assert [hit.hit_no for hit in held] == [number for number in order if number in {h.hit_no for h in held}]
    assert {hit.hit_no for hit in hits if hit.type != "engagement"} <= {hit.hit_no for hit in held}
    assert all(one.ended_ms <= two.started_ms for one, two in zip(sessions, sessions[1:], strict=False))
    for session in sessions:
        gaps = [two.at_ms - one.at_ms for one, two in zip(session.hits, session.hits[1:], strict=False)]
        assert max(gaps, default=0) <= LIMITS.gap_ms
        assert session.ended_ms - session.started_ms <= LIMITS.max_ms
        assert session.hits[0].type != "engagement"


def _bridges(at_ms: int, hits: list[SessionHit]) -> bool:
    """Tell whether a hit at this instant would join what a gap parts."""
    before = max((hit.at_ms for hit in hits if hit.at_ms <= at_ms), default=None)
    after = min((hit.at_ms for hit in hits if hit.at_ms > at_ms), default=None)
    if before is None or after is None or after - before <= LIMITS.gap_ms:
        return False
    return at_ms - before <= LIMITS.gap_ms and after - at_ms <= LIMITS.gap_ms


@given(histories, foreign_sets, times, st.sampled_from(["-", "payment"]))
def test_a_direct_hit_that_bridges_no_gap_changes_no_sessions_source(
    hits: list[SessionHit], foreign: set[ClickKey], at_ms: int, what: str
) -> None:
    """Direct says nothing, so it takes nothing away from what the others said."""
    assume(not _bridges(at_ms, hits))
    extra = SessionHit(99, at_ms, None, "direct", "page", *ARRIVALS[what])

    def sources(history: list[SessionHit]) -> dict[int, tuple[object, ...]]:
        found = {}
        for session in sessionize(history, limits=NO_LENGTH, foreign=foreign):
            own = session.source
            for hit in session.hits:
                if hit.type != "engagement":
                    found[hit.hit_no] = (own.source, own.medium, own.campaign, own.click)
        return found

    after = sources([*hits, extra])
    assert {number: after[number] for number in after if number != 99} == sources(hits)


@given(histories)
def test_a_click_is_paid_for_once(hits: list[SessionHit]) -> None:
    """However often a visitor comes back with a click id, one session has it."""
    sessions = sessionize(hits, limits=LIMITS)
    paid = [
        session.source.click
        for session in sessions
        if session.source.click is not None and session.source.click.per_click
    ]
    assert len(paid) == len(set(paid))
    assert not any(session.is_repeat_click and session.source.evidence != "none" for session in sessions)
