"""The law of the house: the views depend on the set of facts alone.

Random histories of several visitors on two sites are told in any order, in any batches, twice over and
with drains in between; what comes out must be the same, `verify` must find nothing, and `rebuild` must
change nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import short_folder
from tracker import config, hitlog, wire
from tracker.core.times import DAY_MS, MINUTE_MS, format_instant
from tracker.model import Site, SiteKey
from tracker.store import exports
from tracker.store.db import open_store
from tracker.store.sites import StaticNumber, add_site, put_static_number
from worker import drain, rebuild

Fact = dict[str, Any]

KEY = b"k" * 32
START_MS = 1_772_355_600_000
STEPS = (0, 1, 5, 29, 30, 31, 45, 90, 600, 1_440, 1_441, 3_000)  # minutes: around every limit
URLS = (
    "https://shop.test/", "https://shop.test/pricing?utm_source=news&utm_medium=email",
    "https://shop.test/?utm_source=google&utm_medium=cpc&utm_campaign=a&gclid=G1",
    "https://shop.test/?gclid=G1", "https://shop.test/?gclid=G2", "https://shop.test/?fbclid=F1",
)  # fmt: skip
REFERRERS = (
    None, "https://www.google.com/", "https://www.facebook.com/", "https://news.example/",
    "https://shop.test/x", "https://checkout.stripe.com/pay",
)  # fmt: skip
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    None,
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
)  # fmt: skip
VISITORS = ("v1", "v2", "v3")
EMAILS = ("ann@acme.com", "Ann@Acme.com", "bob@beta.io", None)

times = st.lists(st.sampled_from(STEPS), min_size=1, max_size=4).map(
    lambda steps: format_instant(START_MS + sum(steps) * MINUTE_MS)
)
hits = st.builds(
    lambda **fields: {"fact": "hit", **fields},
    site=st.sampled_from(["shop", "blog"]),
    event_id=st.integers(0, 11).map(lambda number: f"e{number}"),
    at=times,
    visitor_id=st.sampled_from(VISITORS),
    url=st.sampled_from(URLS),
    referrer=st.sampled_from(REFERRERS),
    type=st.sampled_from(["page", "page", "event", "engagement"]),
    seq=st.sampled_from([None, 0, 1]),
    user_agent=st.sampled_from((AGENTS[0], *AGENTS)),
)
leads = st.builds(
    lambda **fields: {"fact": "lead", "provider": "desk", **fields},
    site=st.sampled_from(["shop", "blog"]),
    kind=st.sampled_from(["form", "call"]),
    provider_id=st.integers(0, 4).map(str),
    at=times,
    visitor_id=st.sampled_from([None, *VISITORS]),
    email=st.sampled_from(EMAILS),
    phone=st.sampled_from([None, "+442079460001"]),
    tracking_number=st.sampled_from([None, "+442079460000"]),
    utm_source=st.sampled_from([None, "partner"]),
    is_test=st.sampled_from([None, None, None, True]),
)
identifies = st.builds(
    lambda **fields: {"fact": "identify", **fields},
    site=st.just("shop"),
    at=times,
    visitor_id=st.sampled_from(VISITORS),
    email=st.sampled_from(EMAILS[:3]),
)
companies = st.sampled_from([
    None, {"domain": "acme.com", "name": "Acme"}, {"domain": "acme.com", "crm_id": "77"},
    {"domain": "beta.io", "crm_id": "77", "name": "Acme Ltd"}, {"domain": "www.acme.com", "crm_id": "78"},
    {"domain": "gmail.com", "crm_id": "79"},
])  # fmt: skip
contacts = st.builds(
    lambda **fields: {"fact": "contact", "site": "shop", **fields},
    provider=st.sampled_from(["hub", "hub", "desk"]),
    provider_id=st.sampled_from(["1", "2"]),
    at=times,
    emails=st.lists(st.sampled_from(["ann@acme.com", "bob@beta.io", "zoe@gmail.com"]), max_size=2),
    account=companies,
)
deals = st.builds(
    lambda **fields: {"fact": "deal", "provider": "hub", "stage": "new", **fields},
    site=st.sampled_from(["shop", "blog"]),
    provider_id=st.sampled_from(["d1", "d2"]),
    at=times,
    contacts=st.lists(
        st.sampled_from([{"email": "ann@acme.com"}, {"crm_id": "2"}, {"email": "zoe@gmail.com"}]), max_size=2
    ),
    account=companies,
)
histories = st.lists(
    st.one_of(hits, hits, hits, leads, leads, identifies, contacts, deals), min_size=1, max_size=25
)


@contextmanager
def workspace() -> Iterator[config.Settings]:
    """Give a data directory with two sites and a static number."""
    folder = short_folder()
    db = open_store(folder, write=True)
    for key in ("shop", "blog"):
        add_site(db, Site(SiteKey(key), ("shop.test",), region="GB"))
    put_static_number(db, StaticNumber("+442079460000", "leaflet", "print"), site=SiteKey("shop"))
    db.close()
    yield config.load({}, data=folder)
    shutil.rmtree(folder)


def tell(settings: config.Settings, client: redis.Redis, batches: list[list[Fact]]) -> None:
    """Append each batch and drain it."""
    for batch in batches:
        entry = wire.FactsEntry(received_ms=START_MS + 30 * DAY_MS, origin="test", facts=batch)
        hitlog.append(client, [wire.encode(entry)])
        drain.run(settings, client, key=KEY)


def exported(settings: config.Settings) -> dict[str, list[dict[str, Any]]]:
    """Read every export but the log of changes, which tells how things came to be."""
    db = open_store(settings.data)
    try:
        views = [what for what, export in exports.EXPORTS.items() if not export.is_log]
        return {what: list(exports.rows(db, what, pii=True)) for what in views}
    finally:
        db.close()


def outcome(client: redis.Redis, batches: list[list[Fact]]) -> dict[str, list[dict[str, Any]]]:
    """Tell a history to a store of its own, check the store against itself, and read it out."""
    with workspace() as own:
        tell(own, client, batches)
        told: list[str] = []
        assert rebuild.verify(own, key=KEY, tell=lambda each: told.append(str(each))) == 0, told
        return exported(own)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories, data=st.data())
def test_any_order_batching_and_repetition_gives_the_same_exports(
    client: redis.Redis, history: list[Fact], data: st.DataObject
) -> None:
    """Shuffled, split, repeated and drained in between, the same facts give the same views."""
    shuffled = data.draw(st.permutations(history))
    repeated = shuffled + data.draw(st.lists(st.sampled_from(history), max_size=4))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(repeated)), max_size=4)))
    batches = [repeated[a:b] for a, b in zip([0, *cuts], [*cuts, len(repeated)], strict=True)]
    once = outcome(client, [history])
    again = outcome(client, batches)
    for what, rows in once.items():
        assert again[what] == rows, what
