"""Whatever is sent to whichever address: an answer of ours, never a 500 and never a traceback."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import short_folder
from tests.integration.collector.conftest import Shop, hit, open_shop, prepare
from tests.laws import tried
from tracker import config, hitlog, wire
from tracker.core.facts import SHAPES
from tracker.keys import workspace_key
from tracker.model import SiteKey
from tracker.providers import NAMES
from tracker.store.db import open_store
from tracker.store.hooks import HookSource, Secrets, add_hook
from worker import drain

CODES = {
    "bot", "prefetch", "origin", "consent", "future", "too_old", "too_long", "bad_url", "bad_time", "no_site",
    "internal", "rate",
}  # fmt: skip
EXAMPLES = tried(40)

ODD = st.sampled_from(
    ["", "\0", "\ud800", "\ud83d", "\udc00x", "'\";--", "<script>", "\u202e", "é" * 300, "x" * 9_000]
)
TEXT = st.text(max_size=30) | ODD
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
HIT = st.fixed_dictionaries(
    {}, optional=dict.fromkeys([*wire.HitOnLog.__struct_fields__, "at", "ip", "x"], VALUE)
)
GOOD = st.builds(lambda change: hit() | change, HIT)
HEADER = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40)


@pytest.fixture(scope="module")
def fuzzed(redis_url: str) -> Iterator[Shop]:
    """Give one collector for all examples."""
    given = config.load({}, data=short_folder())
    prepare(given)
    log: redis.Redis = redis.Redis.from_url(redis_url)
    shop = open_shop(replace(given, redis_url=redis_url, proxies=1), log)
    yield shop
    shop.app.extensions["touchline"].close()
    log.flushall()
    log.close()


@pytest.fixture(scope="module")
def token(fuzzed: Shop) -> str:
    """Give one token for all examples."""
    return fuzzed.token()


def written(value: object) -> bytes:
    """Write JSON as scripts do: half surrogates escaped, no NaN guard."""
    return json.dumps(value).encode()


def check_hits(shop: Shop, body: bytes, **headers: str) -> None:
    """Send a body to `/e`; the answer is documented, its codes of the closed set, the log readable."""
    answer = shop.ask("/e", "POST", data=body, **headers)
    assert answer.status_code in (202, 400, 403, 413, 415), answer.status_code
    said = answer.get_json()
    assert {refused["code"] for refused in said["rejected"]} <= CODES
    if answer.status_code == 202:
        assert said["accepted"] + len(said["rejected"]) == len(json.loads(body)["hits"])
    shop.entries()
    shop.log.delete(hitlog.STREAM)


@EXAMPLES
@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_as_hits(fuzzed: Shop, body: bytes, is_packed: bool) -> None:
    """Bytes that are nothing."""
    check_hits(
        fuzzed, gzip.compress(body) if is_packed else body, Content_Encoding="gzip" if is_packed else ""
    )


@EXAMPLES
@given(VALUE)
def test_any_json_as_hits(fuzzed: Shop, value: Any) -> None:
    """JSON that is no message."""
    check_hits(fuzzed, written(value))


@EXAMPLES
@given(
    st.lists(GOOD | VALUE, min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(["sent_at", "seed", "pools"]), VALUE),
)
def test_any_values_in_hits(fuzzed: Shop, hits: list[Any], said: dict[str, Any]) -> None:
    """Messages whose fields hold anything; what is accepted can be read from the log."""
    body = written({"site": "shop", "hits": hits} | said)
    try:
        json.loads(body, parse_constant=lambda name: 1 / 0)
    except ZeroDivisionError:
        body = body.replace(b"NaN", b"1").replace(b"-Infinity", b"1").replace(b"Infinity", b"1")
    check_hits(fuzzed, body)


@tried(25)
@given(st.lists(GOOD, min_size=1, max_size=3))
def test_what_is_accepted_is_stored(fuzzed: Shop, hits: list[Any]) -> None:
    """Drain takes each accepted hit, or says why not by a code of its own; none is poison."""
    fuzzed.log.delete(hitlog.STREAM)
    answer = fuzzed.ask("/e", "POST", data=written({"site": "shop", "hits": hits}), Content_Type="text/plain")
    totals = drain.run(fuzzed.settings, fuzzed.log, key=workspace_key(fuzzed.settings.data, os.environ))
    rejected = len(answer.get_json()["rejected"])
    assert totals.added + totals.repeated <= answer.get_json()["accepted"] + rejected
    db = open_store(fuzzed.settings.data)
    found = {code for (code,) in db.execute("SELECT DISTINCT code FROM reject")}
    db.close()
    assert found <= CODES | {"bad_body", "bad_fact"}


@EXAMPLES
@given(st.lists(GOOD, min_size=1, max_size=3), st.lists(HEADER, min_size=10, max_size=10))
def test_any_headers(fuzzed: Shop, hits: list[Any], said: list[str]) -> None:
    """Headers that hold anything."""
    names = (
        "Cookie", "User_Agent", "X_Forwarded_For", "X_Forwarded_Proto", "X_Forwarded_Host",
        "X_Forwarded_Prefix", "Sec_Purpose", "Content_Encoding", "Accept_Language", "Content_Type",
    )  # fmt: skip
    body = written({"site": "shop", "hits": []})
    answer = fuzzed.ask("/e", "POST", data=body, **dict(zip(names, said, strict=True)))
    assert answer.status_code in (400, 404, 415)
    given = dict(zip(names, said, strict=True)) | {"Content_Type": "text/plain", "Content_Encoding": ""}
    answer = fuzzed.ask("/e", "POST", data=written({"site": "shop", "hits": [hit()]}), **given)
    assert answer.status_code in (202, 404)
    assert fuzzed.ask("/e", "OPTIONS", Origin=said[0]).status_code in (204, 403)


@EXAMPLES
@given(
    st.binary(max_size=200), st.dictionaries(st.sampled_from(["url", "title", "event_id", "referrer"]), TEXT)
)
def test_any_query_for_the_picture(fuzzed: Shop, query: bytes, fields: dict[str, str]) -> None:
    """The picture, always."""
    said = "&".join(
        f"{name}={quote_from_bytes(value.encode('utf-8', 'surrogatepass'))}" for name, value in fields.items()
    )
    for asked in (quote_from_bytes(query, safe="&=%+"), f"site=shop&url=https://example.com/&{said}"):
        assert fuzzed.ask(f"/e.gif?{asked}").status_code == 200


@EXAMPLES
@given(
    st.lists(
        st.dictionaries(st.sampled_from([*SHAPES["lead"].required, *SHAPES["lead"].optional, "x"]), VALUE)
    )
    | VALUE
)
def test_any_values_in_leads(fuzzed: Shop, token: str, body: Any) -> None:
    """Taken or refused with a reason, one by one."""
    bearer = {"Authorization": f"Bearer {token}"}
    for path in ("/api/leads", "/api/facts"):
        answer = fuzzed.ask(path, "POST", data=written(body), Content_Type="application/json", **bearer)
        assert answer.status_code in (202, 400, 413)
        said = answer.get_json()
        assert said.get("accepted") or said["message"]


@pytest.fixture(scope="module")
def hooks(fuzzed: Shop) -> list[str]:
    """Give the paths of one hook of each provider, without a secret, so that all goes through."""
    key = workspace_key(fuzzed.settings.data, os.environ)
    paths = []
    with closing(open_store(fuzzed.settings.data, write=True)) as db:
        for name in NAMES:
            source = HookSource(0, SiteKey("shop"), name, "UTC", "")
            _, secrets = add_hook(db, source, Secrets(""), key=key, now_ms=0)
            paths.append(f"/hooks/{secrets.token}/{name}")
    return paths


BODY = (
    st.binary(max_size=300)
    | VALUE.map(written)
    | st.dictionaries(TEXT, TEXT).map(lambda fields: urlencode(fields, errors="replace").encode())
    | st.text(max_size=60).map(lambda text: f"<a><b>{text}</b></a>".encode("utf-8", "replace"))
)
KINDS = st.sampled_from([
    "", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "text/xml",
])  # fmt: skip
DELIVERIES = st.tuples(BODY, KINDS, HEADER, st.sampled_from(["POST", "GET", "PUT"]))


@tried(100)
@given(st.integers(0, 2**16), DELIVERIES)
def test_any_delivery(fuzzed: Shop, hooks: list[str], which: int, sent: tuple[bytes, str, str, str]) -> None:
    """Taken, greeted or refused with words; what was taken harms no drain."""
    path, (body, kind, said, method) = hooks[which % len(hooks)], sent
    headers = {"Content_Type": kind, "Signature": said, "Authorization": said, "Validation_Token": said}
    answer = fuzzed.ask(path, method, data=body, **headers)
    assert answer.status_code in (200, 202, 204, 400, 401, 403, 405), answer.get_data()
    drain.run(fuzzed.settings, fuzzed.log, key=workspace_key(fuzzed.settings.data, os.environ))
    with closing(open_store(fuzzed.settings.data)) as db:
        assert db.execute("SELECT body FROM reject WHERE code = 'poison'").fetchall() == []


@EXAMPLES
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(["GET", "POST", "PUT", "HEAD"]),
)
def test_any_path(fuzzed: Shop, path: str, method: str) -> None:
    """Addresses that are nothing."""
    assert fuzzed.ask("/" + path.replace("?", ""), method).status_code < 500
