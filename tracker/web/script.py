"""The script's files: `/tracker.js` for everyone, and `/v<version>/tracker.js` that never changes."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracker.web.answers import Answer, Header, empty_answer

SHORT_S = 3_600
LONG_S = 31_536_000


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    etag: str
    headers: tuple[Header, ...] = ()


class ScriptFiles:
    """Answers requests for the script, plain and packed.

    Args:
        script: the minified build.
        version: its version, as it stands in the versioned path.
    """

    def __init__(self, script: bytes, version: str) -> None:
        tag = hashlib.sha256(script).hexdigest()[:20]
        self.versioned_path = f"/v{version}/tracker.js"
        self._plain = _File(script, f'"{tag}"')
        packed = gzip.compress(script, 9, mtime=0)
        self._packed = _File(packed, f'"{tag}-gzip"', (("Content-Encoding", "gzip"),))

    def answer(self, path: str, environ: Mapping[str, Any]) -> Answer | None:
        """Answer for a path that ends in `/tracker.js`; None when there is no such file."""
        if path not in ("/tracker.js", self.versioned_path):
            return None
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return empty_answer(405, [("Allow", "GET, HEAD")])
        file = self._packed if _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")) else self._plain
        is_versioned = path == self.versioned_path
        caching = f"public, max-age={LONG_S}, immutable" if is_versioned else f"public, max-age={SHORT_S}"
        headers = [
            ("ETag", file.etag),
            ("Cache-Control", caching),
            ("Vary", "Accept-Encoding"),
            ("Access-Control-Allow-Origin", "*"),
            ("Cross-Origin-Resource-Policy", "cross-origin"),
        ]
        if _is_same(environ.get("HTTP_IF_NONE_MATCH", ""), file.etag):
            return Answer("304 Not Modified", headers)
        headers += [
            ("Content-Type", "text/javascript; charset=utf-8"),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Length", str(len(file.body))),
            *file.headers,
        ]
        return Answer("200 OK", headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else file.body)


def _takes_gzip(header: str) -> bool:
    for word in header.lower().split(","):
        name, _, weight = word.strip().partition(";")
        if name.strip() in ("gzip", "x-gzip"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _is_same(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags
