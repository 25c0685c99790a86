"""A small shop of the tests' own: its pages carry the real tag, its forms say what they were sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

FORM = """<form method="post" action="/thanks"><input name="email" type="email"><input name="name">
<input type="hidden" name="tl_visitor"><input type="hidden" name="tl_source">
<input type="hidden" name="tl_medium"><input type="hidden" name="tl_campaign">
<input type="hidden" name="tl_click_id"><input type="hidden" name="tl_landing">
<input type="hidden" name="tl_first_source"><button>Send</button></form>"""
SPA = """<button id="go" type="button">Next</button><script>
document.getElementById("go").onclick = () => history.pushState({}, "", "/app/two");
</script>"""
BODIES = {"/contact": FORM, "/app/one": SPA, "/": '<a href="tel:+442079460000">020 7946 0000</a>'}


@dataclass
class Shop:
    """The shop's server; `posted` holds what its forms were sent, `bodies` what stands on which page."""

    tag: str
    bodies: dict[str, str] = field(default_factory=lambda: dict(BODIES))
    port: int = 0
    posted: list[dict[str, str]] = field(default_factory=list)

    def url(self, path: str, host: str = "shop.test") -> str:
        """Give a page's address."""
        return f"http://{host}:{self.port}{path}"

    def page(self, path: str) -> bytes:
        """Write a page."""
        title = path.strip("/") or "home"
        links = '<a id="home" href="/">home</a> <a id="contact" href="/contact">contact</a>'
        sub = f'<a id="shop" href="{self.url("/pricing")}">shop</a>'
        body = f"<title>{title}</title>{self.tag}<h1>{title}</h1>{links} {sub} {self.bodies.get(path, '')}"
        return f"<!doctype html>{body}".encode()


@contextmanager
def serving(tag: str) -> Iterator[Shop]:
    """Open a shop on a free port until the block ends."""
    shop = Shop(tag)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(shop.page(urlsplit(self.path).path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            shop.posted.append(dict(parse_qsl(body, keep_blank_values=True)))
            self._answer(shop.page("/thanks"))

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    shop.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
