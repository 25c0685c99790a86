"""The script's files: short-lived under its name, for ever under its version, packed where that is taken."""

from __future__ import annotations

import gzip

import pytest

from tracker.web.answers import Answer
from tracker.web.script import ScriptFiles

BUILDS = {"2": b"new();" * 100, "1": b"old();" * 100}
FILES = ScriptFiles(BUILDS.get, "2")


def fetch(path: str, method: str = "GET", **headers: str) -> Answer:
    """Ask for a file."""
    answer = FILES.answer(path, {"REQUEST_METHOD": method, **headers})
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("path", "body", "caching"),
    [
        ("/tracker.js", BUILDS["2"], "public, max-age=3600"),
        ("/v2/tracker.js", BUILDS["2"], "public, max-age=31536000, immutable"),
        ("/v1/tracker.js", BUILDS["1"], "public, max-age=31536000, immutable"),
        ("/v1/linker.js", BUILDS["1"], "public, max-age=31536000, immutable"),
    ],
)
def test_each_address_has_its_build_and_its_life(path: str, body: bytes, caching: str) -> None:
    """A page that pins a version goes on working after an upgrade."""
    answer = fetch(path)
    headers = dict(answer.headers)
    assert (answer.status, answer.body, headers["Cache-Control"]) == ("200 OK", body, caching)
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Content-Length"] == str(len(body))


@pytest.mark.parametrize(
    "path",
    ["/linker.js", "/v3/tracker.js", "/v/tracker.js", "/a/tracker.js", "/v1/x/tracker.js", "/v../tracker.js"],
)
def test_other_addresses_are_not_files(path: str) -> None:
    """A version that never was has no file."""
    assert FILES.answer(path, {"REQUEST_METHOD": "GET"}) is None


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [("gzip, br", True), ("br;q=1, GZIP;q=0.5", True), ("gzip;q=0", False), ("br", False), ("", False)],
)
def test_packed_where_it_is_taken(accepted: str, is_packed: bool) -> None:
    """Gzip for who takes it, with an ETag of its own."""
    answer = fetch("/tracker.js", HTTP_ACCEPT_ENCODING=accepted)
    headers = dict(answer.headers)
    assert (headers.get("Content-Encoding") == "gzip") is is_packed
    assert (gzip.decompress(answer.body) if is_packed else answer.body) == BUILDS["2"]
    assert headers["ETag"].endswith('-gzip"') is is_packed
    assert headers["Vary"] == "Accept-Encoding"


def test_what_is_there_already_is_not_sent_again() -> None:
    """A matching ETag is answered 304 without a body, weak or among others."""
    etag = dict(fetch("/tracker.js").headers)["ETag"]
    for header in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = fetch("/tracker.js", HTTP_IF_NONE_MATCH=header)
        assert (answer.status, answer.body) == ("304 Not Modified", b"")
    assert fetch("/tracker.js", HTTP_IF_NONE_MATCH='"x"').status == "200 OK"


def test_methods() -> None:
    """HEAD has the headers alone; nothing else is for reading."""
    assert fetch("/tracker.js", "HEAD").body == b""
    assert dict(fetch("/tracker.js", "HEAD").headers)["Content-Length"] == str(len(BUILDS["2"]))
    assert fetch("/tracker.js", "POST").status == "405 Method Not Allowed"
