"""The hot paths in front of Flask: raw WSGI for what every page asks, all else passed on.

Flask's routing, request object and response cost several times what a hit does, so `/e`, `/e.gif` and
the script are answered here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from tracker.web.answers import Answer
from tracker.web.prefix import mount
from tracker.web.script import ENDINGS, ScriptFiles


class Wsgi(Protocol):
    """A WSGI application."""

    def __call__(self, environ: dict[str, Any], start_response: Any, /) -> Iterable[bytes]:
        """Answer one request."""
        ...


class HotPaths(Protocol):
    """Who answers the collector's two addresses."""

    def hits(self, environ: Mapping[str, Any]) -> Answer:
        """Answer `/e`."""
        ...

    def pixel(self, environ: Mapping[str, Any]) -> Answer:
        """Answer `/e.gif`."""
        ...


class Shim:
    """Answers the hot paths and hands on the others.

    Args:
        collector: takes hits.
        script: the script's files.
        rest: the application for everything else.
        prefix: the path in front of ours where no header says it.
    """

    def __init__(self, collector: HotPaths, script: ScriptFiles, rest: Wsgi, *, prefix: str = "") -> None:
        self._roads = {"/e": collector.hits, "/e.gif": collector.pixel}
        self._script = script
        self._rest = rest
        self._prefix = prefix

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        path = mount(environ, self._prefix)
        answer: Answer | None = None
        if path in self._roads:
            answer = self._roads[path](environ)
        elif path.endswith(ENDINGS):
            answer = self._script.answer(path, environ)
        if answer is None:
            return self._rest(environ, start_response)
        start_response(answer.status, answer.headers)
        return [answer.body]
