"""A small real collector for the script's tests: serves pages and the script, records what arrives.

It speaks the collector's protocol (cookies, seed, answers) as far as the script can see it, and can be
told to answer badly. Whatever stands before the last part of a path is ignored for `/e`, `/e.gif`,
`tracker.js` and its parts, as behind a proxy's prefix.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tests.waiting import wait_for
from tracker.web import snippet
from tracker.web.script import ENDINGS

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")

GATE_S = 120.0


@dataclass(frozen=True)
class Batch:
    """One request of the script: what it said, and with which headers and cookies."""

    path: str
    host: str
    size: int
    headers: dict[str, str]
    cookies: dict[str, str]
    body: dict[str, Any]

    @property
    def hits(self) -> list[dict[str, Any]]:
        """The hits that it brought."""
        return self.body["hits"]


@dataclass
class Recorder:
    """What the server knows: its pages, what arrived, and how it answers next.

    `answers` are used up one a request, then all is well again: a status, a status with headers, or
    `"drop"` for a connection that breaks. `down` is such an answer to every request, for as long as it is
    set. `forgetful` makes it a collector whose cookies never stay, `cookieless` one whose cookies the browser
    refuses. Where there is a `gate`, no request is answered before it opens.
    """

    pages: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    answers: deque[Any] = field(default_factory=deque)
    rejections: list[dict[str, Any]] = field(default_factory=list)
    forgetful: bool = False
    cookieless: bool = False
    gate: threading.Event | None = None
    down: Any = None
    batches: list[Batch] = field(default_factory=list)
    refused: list[Batch] = field(default_factory=list)
    images: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    posts: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    port: int = 0
    life: int = 0

    def clear(self) -> None:
        """Forget everything but the port; what pages of before still send is not recorded."""
        self.__dict__.update(Recorder(port=self.port, life=self.life + 1).__dict__)

    def url(self, path: str = "/", host: str = "shop.test") -> str:
        """Name a page of the server as the browser knows it."""
        return f"http://{host}:{self.port}{path}"

    @property
    def hits(self) -> list[dict[str, Any]]:
        """Every accepted hit, in order of arrival, repeats included."""
        return [hit for batch in list(self.batches) for hit in batch.hits]

    @property
    def made(self) -> list[dict[str, Any]]:
        """Every accepted hit once, in the order of its making: requests repeat hits, and overtake others."""
        once = {hit["event_id"]: hit for hit in reversed(self.hits)}
        return sorted(once.values(), key=lambda hit: (hit["at"], hit.get("seq", 0)))

    @property
    def told(self) -> list[dict[str, Any]]:
        """The same without engagement, which comes by itself where a page stays open for seconds."""
        return [hit for hit in self.made if hit["type"] != "engagement"]

    def find(self, type_or_name: str) -> list[dict[str, Any]]:
        """List the accepted hits of a type or of a name, each once, in the order of their making."""
        return [hit for hit in self.made if type_or_name in (hit["type"], hit.get("name"))]

    def brought(self, type_or_name: str) -> list[Batch]:
        """List the requests that brought hits of a type or of a name first, one a hit."""
        wanted = [hit["event_id"] for hit in self.find(type_or_name)]
        by_id = {hit["event_id"]: batch for batch in reversed(self.batches) for hit in batch.hits}
        return [by_id[event_id] for event_id in wanted]

    def add(self, path: str, body: str = "", *, tag: str = "", base: str = "/") -> None:
        """Put a page on the server with the tag in its head.

        Args:
            body: what stands in it.
            tag: more attributes of the tag.
            base: the collector's base, a path or a URL.
        """
        script = snippet.snippet("shop", self.url(f"/life{self.life}{base}") if base[0] == "/" else base)
        script = script.replace("<script async", f"<script async {tag}")
        self.pages[path] = f"<!doctype html><title>Page {path}</title>{script}<body>{body}"

    def wait(self, type_or_name: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait for so many hits of a type or name."""
        wait_for(lambda: len(self.find(type_or_name)) >= count)
        return self.find(type_or_name)


class _Handler(BaseHTTPRequestHandler):
    recorder: Recorder
    protocol_version = "HTTP/1.1"

    def parse_request(self) -> bool:
        """Take the life of the recorder that the page belongs to off the path."""
        is_readable = super().parse_request()
        self.life = self.recorder.life
        if is_readable and (found := re.match(r"/life(\d+)(/.*)", self.path)):
            self.life, self.path = int(found[1]), found[2]
        return is_readable

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def answer(
        self, status: int, body: bytes = b"", kind: str = "text/html; charset=utf-8", **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        for name, value in headers.items():
            for one in value.split("\n"):
                self.send_header(name.replace("_", "-"), one)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        name = url.path.rsplit("/", 1)[-1]
        if f"/{name}" in ENDINGS:
            pinned = re.search(r"/v([0-9a-f]{12})/", url.path)
            code = snippet.script(pinned[1]) if pinned else snippet.SCRIPT
            self.answer(200 if code else 404, code or b"", "text/javascript", Access_Control_Allow_Origin="*")
        elif name == "e.gif":
            if self.life == self.recorder.life:
                self.recorder.images.append(dict(parse_qsl(url.query)))
            self.answer(200, GIF, "image/gif")
        else:
            self.recorder.asked.append(url.path)
            page = self.recorder.pages.get(url.path)
            headers = {} if page is None else self.recorder.headers
            self.answer(404 if page is None else 200, (page or "").encode(), **headers)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if urlsplit(self.path).path.rsplit("/", 1)[-1] == "e":
            self.collect(raw)
            return
        fields = {name: values[-1] for name, values in parse_qs(raw.decode(), keep_blank_values=True).items()}
        self.recorder.posts.append((self.path, fields))
        self.answer(200, b"<!doctype html><title>Thanks</title>")

    def collect(self, raw: bytes) -> None:
        # A page of before gets a recorder of its own, which nobody reads.
        recorder = self.recorder if self.life == self.recorder.life else Recorder()
        cookies = {name: morsel.value for name, morsel in SimpleCookie(self.headers["Cookie"] or "").items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        batch = Batch(self.path, headers["host"], len(raw), headers, cookies, json.loads(raw))
        planned = recorder.answers.popleft() if recorder.answers else recorder.down or 202
        if planned == "drop":
            recorder.refused.append(batch)
            self.close_connection = True
            self.connection.close()
            return
        status, extra = planned if isinstance(planned, tuple) else (planned, {})
        origin = self.headers["Origin"]
        if origin:
            extra |= {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
        if status != 202:
            recorder.refused.append(batch)
            self.answer(status, b'{"error": "as told"}', "application/json", **extra)
            return
        recorder.batches.append(batch)
        if recorder.gate is not None:
            recorder.gate.wait(GATE_S)
        self.welcome(recorder, batch, extra)

    def welcome(self, recorder: Recorder, batch: Batch, headers: dict[str, str]) -> None:
        token = batch.cookies.get("_tl") or f"signed.{batch.body.get('seed', 'none')}"
        said = {"accepted": len(batch.hits), "rejected": recorder.rejections}
        is_refusal = any(hit.get("consent") == "denied" for hit in batch.hits)
        if not recorder.forgetful and not recorder.rejections:
            said["visitor"] = "" if is_refusal else token
            keep = f"; Path=/; Max-Age={0 if is_refusal else 34_128_000}; SameSite=Lax"
            if not recorder.cookieless:
                headers["Set-Cookie"] = f"_tl={token}{keep}; HttpOnly\n_tl_id={token}{keep}"
        self.answer(202, json.dumps(said).encode(), "application/json", **headers)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that was closed before its answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def serve() -> tuple[Recorder, Callable[[], None]]:
    """Start a recorder on a free port; returns it and how to stop it."""
    recorder = Recorder()
    handler = type("Handler", (_Handler,), {"recorder": recorder})
    server = _Server(("127.0.0.1", 0), handler)
    recorder.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return recorder, stop
