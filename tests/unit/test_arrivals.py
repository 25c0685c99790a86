"""Arrivals by signed links: what proves something, and that nothing of it stays in an address."""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_collect import CALLER, IDENTITY, NOW_MS, SITE
from tests.unit.test_enrich import AT_MS, PROOFS
from tracker.core.times import DAY_MS, SECOND_MS, format_instant
from tracker.mailtokens import Mailed, MailSeal
from tracker.web.collect import collect
from tracker.web.cookies import Signer
from tracker.web.pixel import read_query
from tracker.wire import FLAG_WEBDRIVER, HitOnLog, HitsEntry
from worker.arrivals import read_parameters
from worker.draft import Draft
from worker.enrich import enrich

KEY = b"k" * 32
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0"
LEAVER = Signer(KEY).mint("seed", AT_MS - DAY_MS)
BROWSER = {"language": "en-GB", "zone": "Europe/London", "screen": "800x600"}


def token_of(
    *, made_ms: int = AT_MS - 2_000, visitor: str = LEAVER.token, agent: str = AGENT, **browser: str
) -> str:
    """Make a link's token as the script does."""
    visitor_id, created, signature = visitor.split(".")
    said = BROWSER | browser
    text = "\n".join([agent, said["language"], said["zone"], said["screen"]])
    made = f"{made_ms:012x}"
    head = f"{visitor_id}.{created}.{made[:8]}-{made[8:]}-7abc-8def-0123456789ab"
    head += "." + hmac.digest(signature.encode(), text.encode(), "sha256").hex()[:16]
    return f"{head}.{hmac.digest(signature.encode(), head.encode(), 'sha256').hex()[:32]}"


def arrived(url: str, *, at_ms: int = AT_MS, **fields: Any) -> Draft:
    """Enrich a page view of the visitor v2 at this address."""
    hit = HitOnLog(
        "e", at_ms, url, language=BROWSER["language"], screen=BROWSER["screen"],
        extra={"zone": BROWSER["zone"]}, **fields,
    )  # fmt: skip
    return enrich(hit, HitsEntry("shop", at_ms, "v2", [hit], AGENT), site_no=1, proofs=PROOFS)


def linked(token: str, **fields: Any) -> Draft:
    """Arrive by a link."""
    return arrived(f"https://other.test/a?x=1&tl_link={token}#top", **fields)


def test_a_link_proves_the_visitor_who_was_left() -> None:
    """The hit keeps the link and its own browser's hash; the fact has both; the address is clean."""
    token = token_of()
    draft = linked(token)
    link = {
        "from": LEAVER.visitor_id, "nonce": token.split(".")[2], "browser": token.split(".")[3],
        "made_at": format_instant(AT_MS - 2_000),
    }  # fmt: skip
    assert draft.extra == {"link": link}
    assert draft.browser == link["browser"]
    assert draft.page.canonical == "https://other.test/a?x=1"
    (fact,) = draft.facts
    assert fact == link | {
        "fact": "link", "site": "shop", "at": format_instant(AT_MS), "visitor_id": "v2", "event_id": "e",
        "arrived_browser": link["browser"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"agent": "Mozilla/5.0 (iPhone)"}, id="another browser"),
        pytest.param({"language": "de-DE"}, id="another language"),
        pytest.param({"zone": "Europe/Berlin"}, id="another zone"),
        pytest.param({"screen": "390x844"}, id="another screen"),
    ],
)
def test_a_copied_link_shows_two_browsers(other: dict[str, str]) -> None:
    """The fact says that the browser which arrived is not the one that left."""
    (fact,) = linked(token_of(**other)).facts
    assert fact["browser"] != fact["arrived_browser"]


def swapped(token: str, part: int, text: str) -> str:
    """Put another text for one part of a token."""
    parts = token.split(".")
    return ".".join([*parts[:part], text, *parts[part + 1 :]])


FORGED = {
    "another visitor": swapped(token_of(), 0, "0" * 32),
    "another time of birth": swapped(token_of(), 1, "abc"),
    "a later nonce": swapped(token_of(), 2, "019cb3b0-1234-7abc-8def-0123456789ab"),
    "another browser": swapped(token_of(), 3, "0" * 16),
    "another mac": swapped(token_of(), 4, "0" * 32),
    "a workspace of others": token_of(visitor=Signer(b"x" * 32).mint("seed", AT_MS).token),
    "a nonce without a time": swapped(token_of(), 2, "019cb3b0-1234-4abc-8def-0123456789ab"),
    "a part too few": token_of().rpartition(".")[0],
    "the visitor's own token": LEAVER.token,
    "nothing": "",
    "no ASCII": "ü" * 40,
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_a_forged_link_proves_nothing(token: str) -> None:
    """The hit is kept without it, and its address is clean all the same."""
    draft = linked(token)
    assert (draft.facts, draft.extra, draft.browser) == ([], {}, None)
    assert draft.page.canonical == "https://other.test/a?x=1"


@pytest.mark.parametrize(
    ("age_s", "skew_ms", "is_good"),
    [
        pytest.param(120, 0, True, id="120 seconds are inside"),
        pytest.param(120.001, 0, False, id="a millisecond more is not"),
        pytest.param(-60, 0, True, id="a minute ahead is a clock's error"),
        pytest.param(-60.001, 0, False, id="more is none"),
        pytest.param(3_602, 3_600_000, True, id="a slow clock was slow when the link was made, too"),
    ],
)
def test_a_link_lives_120_seconds_by_the_hits_own_time(age_s: float, skew_ms: int, is_good: bool) -> None:
    """Not by the time of arrival at the collector: a hit that was queued counts as of when it happened."""
    token = token_of(made_ms=AT_MS - round(age_s * 1_000))
    assert bool(linked(token, skew_ms=skew_ms).facts) is is_good


def test_a_robot_that_follows_a_link_gives_no_fact() -> None:
    """What it brought is on its hit alone."""
    assert linked(token_of(), flags=FLAG_WEBDRIVER).facts == []


def mail_token(made_ms: int = AT_MS - DAY_MS, key: bytes = KEY) -> str:
    """Make a mailed link's token."""
    return MailSeal(key).seal(Mailed("ann@acme.com", "s1", made_ms // SECOND_MS))


def test_a_mailed_link_proves_to_whom_the_mail_went() -> None:
    """The fact has the address; the hit has the send, and its address and referrer have nothing."""
    url = f"https://shop.test/?utm_source=news&amp;tl_mail={mail_token()}"
    draft = arrived(url, referrer=url)
    (fact,) = draft.facts
    assert (fact["fact"], fact["email"], fact["send_id"]) == ("mail", "ann@acme.com", "s1")
    assert draft.extra == {"mail": {"send_id": "s1"}}
    assert (draft.page.canonical, draft.referrer) == ("https://shop.test/", "https://shop.test/")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(mail_token(AT_MS - 30 * DAY_MS - 1_000), id="over thirty days"),
        pytest.param(mail_token(AT_MS + 61_000), id="clicked before it was made"),
        pytest.param(mail_token(key=b"x" * 32), id="a workspace of others"),
        pytest.param("AAAA", id="no token"),
    ],
)
def test_a_mailed_link_that_proves_nothing_is_ignored(token: str) -> None:
    """The hit is kept, and nothing of the token with it."""
    draft = arrived(f"https://shop.test/?tl_mail={token}")
    assert (draft.facts, draft.extra, draft.page.canonical) == ([], {}, "https://shop.test/")


def test_thirty_days_are_inside() -> None:
    """A mail is read late; the limit itself counts."""
    assert arrived(f"https://shop.test/?tl_mail={mail_token(AT_MS - 30 * DAY_MS)}").facts


def test_a_trusted_senders_word_comes_before_the_address() -> None:
    """A file says itself how the hit arrived."""
    draft = arrived(f"https://shop.test/?tl_mail={mail_token()}", mail={"email": "bob@beta.io"})
    assert [fact["email"] for fact in draft.facts] == ["bob@beta.io"]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://a.test/?tl_link=x", {"tl_link": "x"}),
        ("https://a.test/?tl_link=x%2Ey&tl_link=z&tl_mail=m#f", {"tl_link": "x.y", "tl_mail": "m"}),
        ("https://a.test/#/route?tl_mail=m", {"tl_mail": "m"}),
        ("https://a.test/?not_tl_link=x&tl_link=", {}),
        ("https://a.test/tl_link=x", {}),
    ],
)
def test_where_the_parameters_stand(url: str, found: dict[str, str]) -> None:
    """In the query or in the fragment's; the first that says something counts."""
    assert read_parameters(url) == found


@given(st.text(max_size=300))
def test_no_address_breaks_the_reading(text: str) -> None:
    """Anything may stand in an address."""
    for name in ("tl_link", "tl_mail"):
        assert arrived(f"https://a.test/?{name}={text}").facts == []


@pytest.mark.parametrize("where", ["QUERY_STRING", "HTTP_REFERER"])
def test_a_picture_proves_an_arrival_where_no_script_ran(where: str) -> None:
    """The address that a picture names is read and cleaned as the script's own."""
    page = f"https://www.example.com/a?tl_mail={mail_token(NOW_MS)}&x=1"
    query = {"site": "shop"} | ({"url": page} if where == "QUERY_STRING" else {})
    environ = {"HTTP_REFERER": page, "QUERY_STRING": urlencode(query)}
    entry = collect(read_query(environ, CALLER), CALLER, site=SITE, identity=IDENTITY).entry
    assert entry is not None
    draft = enrich(entry.hits[0], entry, site_no=1, proofs=PROOFS)
    assert [(fact["fact"], fact["email"]) for fact in draft.facts] == [("mail", "ann@acme.com")]
    assert draft.page.canonical == "https://www.example.com/a?x=1"
