"""Bodies: limits hold for what is sent and for what it unpacks to, and each refusal says what to send."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import BadRequest
from tracker.web.body import read_body

LIMIT = 1_000
PLAIN = b'{"a":1}'


def read(body: bytes, *, length: str | None = "", **headers: str) -> bytes:
    """Read a request's body; `length` None: sent in chunks."""
    environ: dict[str, Any] = {"wsgi.input": io.BytesIO(body), "CONTENT_TYPE": "text/plain", **headers}
    if length is None:
        environ["wsgi.input_terminated"] = True
    else:
        environ["CONTENT_LENGTH"] = length or str(len(body))
    return read_body(environ, LIMIT)


def refused(body: bytes, **given: Any) -> str:
    """Read a body that is refused; its code."""
    with pytest.raises(BadRequest) as error:
        read(body, **given)
    return error.value.code


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "text/plain;charset=UTF-8", "application/json", "Application/JSON ; charset=utf-8", ""],
)
def test_json_comes_as_either_type(kind: str) -> None:
    """text/plain needs no preflight; a beacon of a typeless blob has no type at all."""
    assert read(PLAIN, CONTENT_TYPE=kind) == PLAIN


@pytest.mark.parametrize(
    "kind", ["text/html", "multipart/form-data", "application/x-www-form-urlencoded", "x"]
)
def test_other_types_are_refused(kind: str) -> None:
    """415: the body is something else."""
    assert refused(PLAIN, CONTENT_TYPE=kind) == "bad_media"


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "xgzip"])
def test_other_codings_are_refused(coding: str) -> None:
    """415: gzip or nothing."""
    assert refused(PLAIN, HTTP_CONTENT_ENCODING=coding) == "bad_media"


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_gzip_is_unpacked(coding: str) -> None:
    """A packed body is the same body."""
    assert read(gzip.compress(PLAIN), HTTP_CONTENT_ENCODING=coding) == PLAIN


@pytest.mark.parametrize("length", ["", None])
def test_the_limit_is_inside(length: str | None) -> None:
    """Exactly the limit is taken, a byte more is not, with a length or in chunks."""
    assert read(b"x" * LIMIT, length=length) == b"x" * LIMIT
    assert refused(b"x" * (LIMIT + 1), length=length) == "too_large"


def test_a_bomb_is_refused() -> None:
    """What unpacks to more than the limit is refused without being unpacked to its end."""
    bomb = gzip.compress(b"0" * 500_000)
    assert len(bomb) < LIMIT
    assert refused(bomb, HTTP_CONTENT_ENCODING="gzip") == "too_large"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(PLAIN, id="not packed"),
        pytest.param(gzip.compress(PLAIN)[:-3], id="cut short"),
        pytest.param(gzip.compress(PLAIN) + b"more", id="with something behind it"),
        pytest.param(zlib.compress(PLAIN), id="packed otherwise"),
        pytest.param(gzip.compress(PLAIN)[:-8] + b"\0" * 8, id="with a wrong checksum"),
    ],
)
def test_bad_gzip_is_refused(body: bytes) -> None:
    """400: it does not unpack."""
    assert refused(body, HTTP_CONTENT_ENCODING="gzip") == "bad_body"


@given(
    st.binary(max_size=300), st.sampled_from(["", "gzip"]), st.sampled_from(["", "0", "5", "x", "-1", "99"])
)
def test_any_bytes_are_a_body_or_a_refusal(body: bytes, coding: str, length: str) -> None:
    """No body is an error of ours."""
    try:
        read(body, length=length, HTTP_CONTENT_ENCODING=coding)
    except BadRequest as error:
        assert error.code in ("bad_body", "too_large")
