"""A request's body: read up to a limit, unpacked up to the same limit."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tracker.errors import BadRequest

JSON_TYPES = frozenset({"application/json", "text/plain"})
CODINGS = frozenset({"", "identity", "gzip", "x-gzip"})

_GZIP = 31  # zlib's window bits for gzip
_CHUNK = 65_536
_LONGEST_TYPE = 200
_POLITE = 16_777_216  # bytes of a body too large that are read all the same, so that the sender hears why


def read_body(environ: Mapping[str, Any], limit: int) -> bytes:
    """Read a JSON body.

    Args:
        limit: the most bytes, as sent and unpacked.

    Raises:
        BadRequest: `bad_media`, `too_large`, or `bad_body` when it does not unpack.
    """
    if not _may_be_json(environ.get("CONTENT_TYPE", "")[:_LONGEST_TYPE]):
        raise BadRequest("bad_media", "send JSON as text/plain or application/json", "Content-Type")
    return read_bytes(environ, limit)


def read_bytes(environ: Mapping[str, Any], limit: int) -> bytes:
    """Read a body of any kind.

    Args:
        limit: the most bytes, as sent and unpacked.

    Raises:
        BadRequest: `too_large`, or `bad_media` and `bad_body` when it does not unpack.
    """
    coding = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if coding not in CODINGS:
        raise BadRequest("bad_media", "send the body plain or as gzip", "Content-Encoding")
    body = _read(environ, limit)
    return _unpack(body, limit) if coding.endswith("gzip") else body


@lru_cache(256)
def _may_be_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return not kind or kind in JSON_TYPES


def _read(environ: Mapping[str, Any], limit: int) -> bytes:
    stream, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH", "")
    if length.isdecimal():
        if int(length) > limit:
            _skip(stream, min(int(length), _POLITE))
            raise _too_large(limit)
        return bytes(stream.read(int(length)))
    if not environ.get("wsgi.input_terminated"):
        return b""  # without a length the server cannot tell where the body ends
    body = bytearray()
    while chunk := stream.read(_CHUNK):
        body += chunk
        if len(body) > limit:
            _skip(stream, _POLITE)
            raise _too_large(limit)
    return bytes(body)


def _skip(stream: Any, count: int) -> None:
    while count > 0 and (chunk := stream.read(min(count, _CHUNK))):
        count -= len(chunk)


def _unpack(body: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadRequest("bad_body", f"this is no gzip: {error}") from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise BadRequest("bad_body", "the gzip is cut short, or followed by something else")
    return plain


def _too_large(limit: int) -> BadRequest:
    return BadRequest("too_large", f"send at most {limit} bytes, packed and unpacked; split what is more")
