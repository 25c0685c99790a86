"""Random histories: hypothesis strategies of facts about a few people, close enough together to meet.

Times lie around every limit: of a session, a call, a link, a crowd's window and a line's freshness. Keys
recur, so that the same fact is told in several versions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from tests.telling import CHROME, Fact, at
from tracker.core.times import DAY_MS, MINUTE_MS

DAY = DAY_MS // MINUTE_MS
MINUTES = (0, 1, 2, 4, 5, 6, 10, 11, 29, 30, 31, 45, 60)
DAYS = (0, 0, 0, 0, 1, 1, 2, 30, 31, 89, 90, 91, 179, 180, 181)

VISITORS = ("v1", "v2", "v3", "v4")
EMAILS = ("ann@acme.com", "Ann@Acme.com", "bob@beta.io", "cat@gamma.io")
PHONES = ("+447700900001", "07700 900001", "+447700900002", "+442071830002")
POOLED = ("+442071830001", "+442071830002")
STATIC = "+442079460000"
STATUSES = ("new", "MQL", "sales_qualified", "disqualified", "customer", "junk")
NAMES = ("Ann Lee", "ann  lee", "Bob Roy", "Ann")
USERS = ("u1", "u2")
CONTACTS = ("c1", "c2", "c3")
ACCOUNTS = (
    {"crm_id": "a1"},
    {"crm_id": "a1", "domain": "acme.com"},
    {"crm_id": "a2", "domain": "beta.io"},
    {"domain": "gamma.io"},
)
CHATS = ("desk:x1", "desk:x2", "hub:x1")
AGENTS = (CHROME, CHROME, CHROME, None, "Googlebot/2.1 (+http://www.google.com/bot.html)")
PAGE = "https://shop.test/"
URLS = (
    PAGE, "https://shop.test/pricing?utm_source=news&utm_medium=email",
    "https://shop.test/?utm_source=google&utm_medium=cpc&utm_campaign=a&gclid=G1",
    "https://shop.test/?gclid=G1", "https://shop.test/?gclid=G2", "https://shop.test/?fbclid=F1",
)  # fmt: skip
REFERRERS = (
    "https://www.google.com/", "https://www.facebook.com/", "https://news.example/", "https://shop.test/x",
    "https://checkout.stripe.com/pay",
)  # fmt: skip
KNOWN = (
    *(f"visitor:{each}" for each in VISITORS), *(f"email:{each}" for each in EMAILS if each.islower()),
    "phone:+447700900001", "phone:+447700900002", "user:u1", "user:u2", "crm:hub:c1", "crm:hub:c2",
    "crm:deals:c1", "chat:desk:x1",
)  # fmt: skip

minutes = st.builds(lambda day, minute: day * DAY + minute, st.sampled_from(DAYS), st.sampled_from(MINUTES))
times = minutes.map(at)
visitors = st.sampled_from(VISITORS)
sites = st.sampled_from(("shop", "shop", "shop", "blog"))
versions = st.one_of(st.none(), times)


def maybe(values: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Draw one of these, or nothing."""
    return st.one_of(st.none(), st.sampled_from(values))


def fact(kind: str, /, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a fact of this kind; fields that are none are left out."""
    return st.fixed_dictionaries({"fact": st.just(kind), **fields}).map(
        lambda told: {name: value for name, value in told.items() if value is not None}
    )


def _lease(told: dict[str, Any]) -> dict[str, Any]:
    minute, length = told.pop("minute"), told.pop("length")
    return {**told, "from": at(minute), "to": at(minute + length)}


def _arrival(told: dict[str, Any]) -> dict[str, Any]:
    minute, age = told.pop("minute"), told.pop("age")
    told["at"] = at(minute)
    if "link" in told:
        told["link"] = {"from": told["link"][0], "nonce": told["link"][1], "made_at": at(minute - age),
                        "browser": "b1"}  # fmt: skip
    if "mail" in told:
        told["mail"] = {"email": told["mail"][0], "send_id": told["mail"][1]}
    return told


hits = fact(
    "hit", site=sites, event_id=st.integers(0, 9).map(lambda number: f"e{number}"), at=times,
    visitor_id=visitors, url=st.sampled_from(URLS), referrer=maybe(REFERRERS), seq=maybe((0, 1)),
    type=st.sampled_from(("page", "page", "event", "engagement")), user_agent=st.sampled_from(AGENTS),
    version_at=versions, name=st.just("tel_click"), props=maybe(tuple({"number": each} for each in POOLED)),
)  # fmt: skip
arrivals = fact(
    "hit", site=sites, event_id=st.integers(10, 14).map(lambda number: f"e{number}"), minute=minutes,
    age=st.sampled_from((0, 1, 3)), visitor_id=visitors, url=st.just(PAGE),
    user_agent=st.sampled_from(AGENTS), browser=st.sampled_from(("b1", "b1", "b2")), version_at=versions,
    link=st.one_of(st.none(), st.tuples(visitors, st.sampled_from(("n1", "n2")))),
    mail=st.one_of(st.none(), st.tuples(st.sampled_from(EMAILS), st.sampled_from(("m1", "m2")))),
).map(_arrival)  # fmt: skip
leads = fact(
    "lead", site=sites, kind=st.sampled_from(("form", "form", "call", "chat")), provider=st.just("desk"),
    provider_id=st.integers(0, 4).map(str), at=times, visitor_id=maybe(VISITORS), email=maybe(EMAILS),
    phone=maybe(PHONES), name=maybe(NAMES), tracking_number=maybe((*POOLED, STATIC)),
    user_id=maybe((None, None, *USERS)), crm_id=maybe((None, None, *(f"hub:{each}" for each in CONTACTS))),
    chat_id=maybe((None, None, *CHATS)), gclid=maybe((None, None, "G1", "G2")),
    landing_page=maybe((None, None, *URLS)), page_url=maybe((PAGE,)),
    utm_source=maybe(("partner",)), status=maybe((*STATUSES, "open")),
    is_test=st.sampled_from((None, None, None, None, True, False)), version_at=versions,
)  # fmt: skip
calls = fact(
    "lead", site=sites, kind=st.just("call"), provider=st.just("calls"),
    provider_id=st.integers(0, 3).map(str), at=times, phone=maybe(PHONES), name=maybe(NAMES),
    tracking_number=st.sampled_from((*POOLED, STATIC)), version_at=versions,
    duration_s=maybe((9, 10)), answered=maybe((True, False)),
)  # fmt: skip
statuses = fact(
    "status", site=sites, at=times, status=st.sampled_from(STATUSES), version_at=versions,
    provider=st.sampled_from(("desk", "calls")), provider_id=st.integers(0, 4).map(str),
    by=maybe(("Sue", "Tim")),
)  # fmt: skip
activities = fact(
    "activity", site=sites, at=times, provider=st.sampled_from(("hub", "deals")),
    provider_id=st.integers(0, 3).map(str), email=maybe(EMAILS), phone=maybe(PHONES), crm_id=maybe(CONTACTS),
    kind=st.sampled_from(("call_made", "email_sent", "meeting", "demo", "email_opened")),
    owner=maybe(("Sue", "Tim")), version_at=versions,
)  # fmt: skip
identifies = fact(
    "identify", site=sites, at=times, visitor_id=visitors, email=maybe(EMAILS), phone=maybe(PHONES),
    user_id=maybe(USERS), crm_id=maybe(tuple(f"hub:{each}" for each in CONTACTS)), chat_id=maybe(CHATS),
    name=maybe(NAMES), event_id=maybe(("i1", "i2")), version_at=versions,
).filter(lambda told: told.keys() & {"email", "phone", "user_id", "crm_id", "chat_id"})  # fmt: skip
contacts = fact(
    "contact", site=sites, provider=st.sampled_from(("hub", "hub", "deals")),
    provider_id=st.sampled_from(CONTACTS), at=times,
    emails=st.lists(st.sampled_from(EMAILS), max_size=2),
    phones=st.lists(st.sampled_from(PHONES), max_size=2), user_id=maybe(USERS), name=maybe(NAMES),
    account=maybe(ACCOUNTS), merged_into=maybe((None, None, *CONTACTS)), version_at=versions,
)  # fmt: skip
leases = fact(
    "lease", site=sites, pool=st.just("main"), number=st.sampled_from(POOLED), visitor_id=visitors,
    minute=minutes, length=st.sampled_from((0, 1, 5, 30)), version_at=versions,
).map(_lease)  # fmt: skip
consents = fact(
    "consent", site=sites, at=times, visitor_id=visitors, state=st.sampled_from(("granted", "denied")),
    version_at=versions,
)  # fmt: skip
deals = fact(
    "deal", site=sites, provider=st.sampled_from(("hub", "deals")), provider_id=st.sampled_from(("d1", "d2")),
    at=times, stage=st.just("open"), account=maybe(ACCOUNTS), version_at=versions,
    contacts=st.lists(st.sampled_from([
        *({"crm_id": each} for each in CONTACTS), *({"email": each} for each in EMAILS)
    ]), max_size=2),
)  # fmt: skip
words = st.one_of(*(
    fact(rule, site=sites, at=times, a=st.sampled_from(KNOWN), b=st.sampled_from(KNOWN), undo=maybe((True,)))
    for rule in ("split", "same")
))  # fmt: skip

anything = st.one_of(
    hits, hits, arrivals, leads, leads, calls, identifies, contacts, leases, consents, deals, words,
    statuses, activities,
)  # fmt: skip
histories: st.SearchStrategy[list[Fact]] = st.lists(anything, max_size=25)


def said_by(visitor_id: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draw what a visitor may say of themselves, in facts whose keys nobody else's have."""
    own = {"visitor_id": visitor_id, "event_id": f"e of {visitor_id}", "provider": f"desk of {visitor_id}"}
    spoken = st.one_of(identifies, leads, leases, arrivals)
    return spoken.map(lambda told: {**told, **{name: own[name] for name in own.keys() & _keys(told)}})


def _keys(told: Mapping[str, Any]) -> set[str]:
    return {"visitor_id", "provider"} if told["fact"] == "lead" else {*told, "visitor_id"}


def batches(history: Sequence[Fact]) -> st.SearchStrategy[list[list[Fact]]]:
    """Draw another order of these facts, some of them told again, cut into batches."""
    again = st.lists(st.sampled_from(history), max_size=4) if history else st.just([])
    return st.tuples(st.permutations(history), again).flatmap(lambda told: _cut([*told[0], *told[1]]))


def _cut(told: list[Fact]) -> st.SearchStrategy[list[list[Fact]]]:
    cuts = st.lists(st.integers(0, len(told)), max_size=4)
    return cuts.map(lambda ends: [told[a:b] for a, b in pairwise([0, *sorted(ends), len(told)]) if a < b])
