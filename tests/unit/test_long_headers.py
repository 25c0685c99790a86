"""Headers of 64 KB: what a stranger may write into them is judged, and fills no memory."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tracker import config
from tracker.errors import BadRequest
from tracker.web.body import read_body
from tracker.web.caller import Caller, read_caller
from tracker.web.collect import Identity
from tracker.web.collector import cookie_attributes
from tracker.web.cookies import Renewal, Signer
from tracker.web.origins import page_host, speaks_for

TIMES, LONG = 100, 60_000
DOMAINS = ("example.com",)
SETTINGS = config.load({})
IDENTITY = Identity(Signer(b"k" * 32), Renewal())


def caller(headers: Mapping[str, Any]) -> Caller:
    """Read a request that has these headers."""
    return read_caller({"wsgi.url_scheme": "https", "REMOTE_ADDR": "192.0.2.7", **headers}, SETTINGS)


def media(text: str) -> None:
    """Read a body of a content type."""
    with pytest.raises(BadRequest):
        read_body({"CONTENT_TYPE": text, "wsgi.input": io.BytesIO()}, 1)


JUDGED: dict[str, Callable[[str], object]] = {
    "a cookie": lambda text: IDENTITY.known(caller({"HTTP_COOKIE": f"_tl={text}.a.b"})),
    "a token": lambda text: IDENTITY.signer.verify(text),
    "an origin": lambda text: speaks_for(f"https://{text}.example.com", DOMAINS),
    "the host of a page": lambda text: page_host(f"https://{text}.example.com/"),
    "a host": lambda text: cookie_attributes(
        caller({"HTTP_HOST": f"{text}.example.com"}).host, DOMAINS, True, False
    ),
    "a content type": media,
}


@pytest.mark.parametrize("judge", JUDGED.values(), ids=JUDGED)
def test_a_header_without_end_is_not_remembered(judge: Callable[[str], object]) -> None:
    """What is judged is remembered for who comes next; what is longer than any real one is not."""
    judge("warm")
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(TIMES):
            judge(f"{number:0{LONG}}")
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < TIMES * LONG / 10
