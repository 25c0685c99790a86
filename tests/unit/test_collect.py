"""What becomes of a hit: accepted, rejected or dropped, and whose it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.times import DAY_MS, HOUR_MS, format_instant, parse_instant
from tracker.errors import BadFact, BadRequest
from tracker.model import Site, SiteKey
from tracker.web.caller import Caller
from tracker.web.collect import Collected, Identity, collect
from tracker.web.cookies import Renewal, Signer
from tracker.web.intake import Message, read_hit
from tracker.wire import FLAG_INTERNAL, FLAG_PREFETCH, FLAG_SAID_BOT, FLAG_WEBDRIVER

NOW_MS = 1_772_359_200_000
BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
SITE = Site(SiteKey("shop"), ("example.com",))
ASKS = replace(SITE, consent="required")
IDENTITY = Identity(Signer(b"k" * 32), Renewal())
KNOWN = IDENTITY.signer.mint("known", NOW_MS)
CALLER = Caller(NOW_MS, "example.com", True, None, BROWSER, "", "192.0.2.0")
HIT: dict[str, Any] = {"event_id": "e1", "at": format_instant(NOW_MS), "url": "https://www.example.com/"}


def run(
    *hits: dict[str, Any],
    site: Site = SITE,
    seed: str | None = "seed",
    sent_at: str | None = None,
    **said: Any,
) -> Collected:
    """Collect hits that differ from a good one as given, from a caller that differs as `said`."""
    caller = msgspec.structs.replace(CALLER, **said)
    message = Message(site.key, [read_hit(HIT | hit) for hit in hits or ({},)], sent_at, seed)
    return collect(message, caller, site=site, identity=IDENTITY)


def codes(result: Collected) -> list[str]:
    """List why hits were not accepted."""
    return [refusal.code for refusal in result.refused]


def at(change_ms: int) -> dict[str, Any]:
    """Change a hit's time by so much from now."""
    return {"at": format_instant(NOW_MS + change_ms)}


def test_a_good_hit_is_accepted_and_its_visitor_gets_the_cookie() -> None:
    """A human's hit on the site's page goes to the log under the visitor of its seed."""
    result = run()
    assert (result.accepted, result.refused, result.forget) == (1, [], False)
    assert result.entry is not None and result.visitor is not None
    assert result.entry.visitor_id == result.visitor.visitor_id == IDENTITY.signer.mint("seed", 0).visitor_id
    assert (result.entry.site, result.entry.ip, result.entry.user_agent) == ("shop", "192.0.2.0", BROWSER)
    assert (result.entry.hits[0].at_ms, result.entry.hits[0].flags) == (NOW_MS, 0)


@pytest.mark.parametrize(
    ("hit", "code"),
    [
        pytest.param({"url": "mailto:a@example.com"}, "bad_url", id="no web page"),
        pytest.param({"url": "https://example.org/"}, "origin", id="another site's page"),
        pytest.param({"url": "https://example.com.evil.test/"}, "origin", id="a look-alike's page"),
        pytest.param({"at": "yesterday"}, "bad_time", id="no instant"),
        pytest.param({"at": "2026-03-01T10:00:00"}, "bad_time", id="no offset"),
        pytest.param(at(DAY_MS + 1), "future", id="over 24 hours ahead"),
        pytest.param(at(-7 * DAY_MS - 1), "too_old", id="over 7 days back"),
        pytest.param({"event_id": "x" * 129}, "too_long", id="over a limit"),
    ],
)
def test_a_bad_hit_is_rejected_alone(hit: dict[str, Any], code: str) -> None:
    """The others of its message count, and what was rejected is kept for replay."""
    result = run({}, hit, {"event_id": "e3"})
    assert (result.accepted, [refusal.i for refusal in result.refused]) == (2, [1])
    assert codes(result) == [code]
    assert result.refused[0].is_rejected and result.refused[0].raw is not None


@pytest.mark.parametrize("change_ms", [DAY_MS, 0, -HOUR_MS, -7 * DAY_MS])
def test_up_to_seven_days_late_is_normal(change_ms: int) -> None:
    """The offline queue may be a week old; the limits themselves are inside."""
    assert run(at(change_ms)).accepted == 1


@pytest.mark.parametrize(
    ("off_ms", "corrected_ms"),
    [
        pytest.param(0, 0, id="a clock that is right"),
        pytest.param(60_000, 60_000, id="off by exactly a minute: the network's"),
        pytest.param(100_000, -20_000, id="a hundred seconds: rounded to two minutes"),
        pytest.param(-3 * HOUR_MS, 0, id="three hours slow"),
        pytest.param(400 * DAY_MS, 0, id="more than a year fast"),
    ],
)
def test_a_wrong_clock_is_put_right(off_ms: int, corrected_ms: int) -> None:
    """The client's clock error is what lies between sending and receiving, above 60 seconds."""
    result = run(at(off_ms), sent_at=format_instant(NOW_MS + off_ms))
    assert result.entry is not None
    assert result.entry.hits[0].at_ms == NOW_MS + corrected_ms


def test_the_limits_hold_for_the_corrected_time() -> None:
    """A hit of ten days ago is too old, also from a clock that is ten days slow and a message sent late."""
    slow_ms = -10 * DAY_MS
    assert codes(run(at(slow_ms - 8 * DAY_MS), sent_at=format_instant(NOW_MS + slow_ms))) == ["too_old"]
    assert run(at(slow_ms - 6 * DAY_MS), sent_at=format_instant(NOW_MS + slow_ms)).accepted == 1


def test_a_time_of_sending_that_is_none_refuses_the_message() -> None:
    """Without it no time of the message means anything."""
    with pytest.raises(BadRequest) as refused:
        run(sent_at="now")
    assert (refused.value.code, refused.value.place) == ("bad_time", "sent_at")


def test_a_page_cannot_claim_a_link_or_a_mail() -> None:
    """Only what is signed proves an arrival; what a page says of it is not even logged."""
    claims = {"link": {"from": "v0", "nonce": "n"}, "mail": {"email": "ann@acme.com"}}
    result = run(claims)
    assert result.entry is not None and result.accepted == 1
    assert (result.entry.hits[0].link, result.entry.hits[0].mail) == (None, None)


@pytest.mark.parametrize(
    ("site", "consent", "is_kept"),
    [
        (SITE, None, True),
        (SITE, "granted", True),
        (SITE, "denied", False),
        (SITE, "perhaps", False),
        (ASKS, None, False),
        (ASKS, "granted", True),
        (ASKS, "denied", False),
        (ASKS, "perhaps", False),
    ],
)
def test_consent(site: Site, consent: str | None, is_kept: bool) -> None:
    """What a site means by silence is its setting; anything but `granted` is no consent."""
    result = run({"consent": consent}, site=site)
    assert (result.accepted == 1, result.visitor is not None, result.entry is not None) == (is_kept,) * 3
    assert codes(result) == ([] if is_kept else ["consent"])


@pytest.mark.parametrize(
    ("site", "said", "is_kept"),
    [
        pytest.param(SITE, {"wants_gpc": True}, False, id="GPC is honoured by default"),
        pytest.param(
            replace(SITE, honour_gpc=False), {"wants_gpc": True}, True, id="a site that ignores GPC"
        ),
        pytest.param(SITE, {"wants_dnt": True}, True, id="DNT is ignored by default"),
        pytest.param(
            replace(SITE, honour_dnt=True), {"wants_dnt": True}, False, id="a site that honours DNT"
        ),
    ],
)
def test_opting_out(site: Site, said: dict[str, Any], is_kept: bool) -> None:
    """Where the site honours the signal, nothing is logged and no cookie is set, consent or not."""
    for hit in ({}, {"consent": "granted"}):
        result = run(hit, site=site, **said)
        assert (result.accepted == 1, result.visitor is not None, result.entry is not None) == (is_kept,) * 3


@pytest.mark.parametrize(
    ("hit", "said", "site", "forgets"),
    [
        pytest.param({"consent": "denied"}, {}, SITE, True, id="the visitor said no"),
        pytest.param({}, {"wants_gpc": True}, SITE, True, id="the browser says no"),
        pytest.param({}, {}, ASKS, False, id="nobody has asked yet: the cookie may be from an earlier yes"),
    ],
)
def test_saying_no_takes_the_cookie_back(
    hit: dict[str, Any], said: dict[str, Any], site: Site, forgets: bool
) -> None:
    """A refusal removes a cookie that is there; silence leaves it."""
    assert run(hit, site=site, cookies=f"_tl={KNOWN.token}", **said).forget is forgets
    assert not run(hit, site=site, **said).forget


def test_a_known_visitors_no_is_a_fact() -> None:
    """Who had a cookie and says no leaves a consent fact, dated by when it was said, and no hit."""
    result = run({"consent": "denied"} | at(-5_000), cookies=f"_tl={KNOWN.token}")
    assert (result.entry, result.forget) == (None, True)
    assert result.withdrawal is not None and result.withdrawal.origin == "script"
    assert result.withdrawal.facts == [
        {"fact": "consent", "site": "shop", "at": format_instant(NOW_MS - 5_000),
         "visitor_id": KNOWN.visitor_id, "state": "denied"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("hit", "said"),
    [
        pytest.param({"consent": "denied"}, {}, id="a visitor who was never known"),
        pytest.param({}, {"wants_gpc": True, "cookies": f"_tl={KNOWN.token}"}, id="a browser's wish"),
        pytest.param({"consent": "perhaps"}, {"cookies": f"_tl={KNOWN.token}"}, id="no word that is known"),
        pytest.param(
            {"consent": "denied"} | at(-8 * DAY_MS), {"cookies": f"_tl={KNOWN.token}"}, id="too old a word"
        ),
    ],
)
def test_only_a_known_visitors_no_is_a_fact(hit: dict[str, Any], said: dict[str, Any]) -> None:
    """All else leaves no trace."""
    assert run(hit, **said).withdrawal is None


@pytest.mark.parametrize(
    ("hit", "said", "reason", "flags"),
    [
        pytest.param({}, {"user_agent": "Googlebot/2.1"}, "bot", 0, id="a crawler"),
        pytest.param({}, {"user_agent": ""}, "bot", 0, id="an empty user agent"),
        pytest.param({"client_hints": {"webdriver": True}}, {}, "bot", FLAG_WEBDRIVER, id="a driven browser"),
        pytest.param({"is_bot": True}, {}, "bot", FLAG_SAID_BOT, id="the sender says so"),
        pytest.param({}, {"is_prefetch": True}, "prefetch", FLAG_PREFETCH, id="fetched ahead"),
        pytest.param({}, {"is_internal": True}, "internal", FLAG_INTERNAL, id="the operator's own address"),
        pytest.param(
            {}, {"is_internal": True, "user_agent": "curl/8"}, "bot", FLAG_INTERNAL, id="two reasons"
        ),
    ],
)
def test_what_is_dropped_by_rule_is_logged_with_a_mark(
    hit: dict[str, Any], said: dict[str, Any], reason: str, flags: int
) -> None:
    """Bots, prefetches and internal hits are not accepted, but kept apart with their flags."""
    result = run(hit, **said)
    assert (result.accepted, codes(result)) == (0, [reason])
    assert not result.refused[0].is_rejected
    assert result.entry is not None
    assert [logged.flags for logged in result.entry.hits] == [flags]
    assert (result.visitor is None) is (reason != "internal")


def test_a_webdriver_of_false_is_a_person() -> None:
    """Only `true` is a driven browser."""
    assert run({"client_hints": {"webdriver": False}}).accepted == 1


def test_consent_comes_before_all_marks() -> None:
    """A bot's hit without consent leaves no trace either."""
    result = run(site=ASKS, user_agent="Googlebot/2.1")
    assert (codes(result), result.entry) == (["consent"], None)


def test_a_known_visitor_stays() -> None:
    """The cookie's visitor counts, whatever the seed; its first creation is kept."""
    result = run(cookies=f"_tl={KNOWN.token}", seed="another")
    assert result.visitor == KNOWN
    assert result.entry is not None and result.entry.visitor_id == KNOWN.visitor_id


def test_a_bot_with_a_cookie_is_logged_under_it_and_gets_no_new_one() -> None:
    """No cookie for bots, not even a renewal."""
    result = run(cookies=f"_tl={KNOWN.token}", user_agent="Googlebot/2.1")
    assert result.entry is not None and result.entry.visitor_id == KNOWN.visitor_id
    assert result.visitor is None


def test_a_heartbeat_renews_and_makes_nobody() -> None:
    """A message without hits renews the cookie that is there, and makes no visitor."""
    empty = Message("shop", [], None, "seed")
    known = msgspec.structs.replace(CALLER, cookies=f"_tl={KNOWN.token}")
    assert collect(empty, known, site=SITE, identity=IDENTITY).visitor == KNOWN
    assert collect(empty, CALLER, site=SITE, identity=IDENTITY) == Collected()


def test_what_rides_on_a_hit_is_kept_as_extra() -> None:
    """The page's zone and viewport have no field of their own on the log."""
    result = run({"zone": "Europe/London", "viewport": "800x600", "colour": "red"})
    assert result.entry is not None
    assert result.entry.hits[0].extra == {"zone": "Europe/London", "viewport": "800x600", "colour": "red"}


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2101, 1, 1)).map(
        lambda at: at.isoformat(timespec="milliseconds") + "Z"
    )
    | st.from_regex(r"2026-0[1-3]-[0-3]\dT[0-2]\d:[0-6]\d[:.][0-7]\d[.:]\d{3}[Zz+]", fullmatch=True)
    | st.text(min_size=24, max_size=24)
)
def test_the_browsers_form_of_time_reads_the_same_by_its_minute(text: str) -> None:
    """The shortcut for what toISOString writes gives what the full reading gives, or the same refusal."""
    try:
        instant_ms: int | None = parse_instant(text)
    except BadFact:
        instant_ms = None
    result = run({"at": text}, received_ms=instant_ms or NOW_MS)
    assert (result.accepted == 1) is (instant_ms is not None)
    if result.entry is not None:
        assert result.entry.hits[0].at_ms == instant_ms
