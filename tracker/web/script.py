"""The script's files: `/tracker.js`, the newest build, and those with a version, which never change.

`/v<version>/linker.js` and its like are parts that only some pages need; only a script that names their
versions asks for them.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tracker.web.answers import Answer, Header, empty_answer

SHORT_S = 3_600
LONG_S = 31_536_000

PART_NAMES = ("linker", "providers", "numbers")
"""What `tracker.js` loads apart: links between domains; forms and chats of others; numbers of pools."""

_FILES = ("tracker", *PART_NAMES)
ENDINGS = tuple(f"/{name}.js" for name in _FILES)

_PATH = re.compile(rf"/tracker\.js|/v([0-9A-Za-z.-]{{1,40}})/(?:{'|'.join(_FILES)})\.js")
_ALWAYS = (
    ("Vary", "Accept-Encoding"),
    ("Access-Control-Allow-Origin", "*"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
)
_CONTENT = (("Content-Type", "text/javascript; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    etag: str
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class _Build:
    plain: _File
    packed: _File


class ScriptFiles:
    """Answers requests for the script, plain and packed.

    Args:
        load: gives the build of a version, None where there never was one.
        current: the version of `/tracker.js`.
    """

    def __init__(self, load: Callable[[str], bytes | None], current: str) -> None:
        self._load = load
        self._current = current
        self._builds: dict[str, _Build] = {}

    def answer(self, path: str, environ: Mapping[str, Any]) -> Answer | None:
        """Answer for a path that ends in one of `ENDINGS`; None when there is no such file."""
        build = self._build(path)
        if build is None:
            return None
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return empty_answer(405, [("Allow", "GET, HEAD")])
        file = build.packed if _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")) else build.plain
        is_pinned = path != "/tracker.js"
        caching = f"public, max-age={LONG_S}, immutable" if is_pinned else f"public, max-age={SHORT_S}"
        headers = [("ETag", file.etag), ("Cache-Control", caching), *_ALWAYS]
        if _is_same(environ.get("HTTP_IF_NONE_MATCH", ""), file.etag):
            return Answer("304 Not Modified", headers)
        headers += [*_CONTENT, ("Content-Length", str(len(file.body))), *file.headers]
        return Answer("200 OK", headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else file.body)

    def _build(self, path: str) -> _Build | None:
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        version = match[1] or self._current
        if version not in self._builds:
            script = self._load(version)
            if script is None:
                return None
            self._builds[version] = _packed(script)
        return self._builds[version]


def _packed(script: bytes) -> _Build:
    tag = hashlib.sha256(script).hexdigest()[:20]
    packed = _File(gzip.compress(script, 9, mtime=0), f'"{tag}-gzip"', (("Content-Encoding", "gzip"),))
    return _Build(_File(script, f'"{tag}"'), packed)


def _takes_gzip(header: str) -> bool:
    for word in header.lower().split(","):
        name, _, weight = word.strip().partition(";")
        if name.strip() in ("gzip", "x-gzip"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _is_same(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags
