"""Receivers of what leaves: a real HTTP server and a real mail server within the test's process."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.running import free_port


@dataclass
class Got:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """What arrived, and what is answered: the first of `answers` until one is left, which stays.

    An answer is a status, headers and a body; a status of 0 breaks the line without an answer. What is to
    happen between a request and its answer, `before_answer` does.
    """

    port: int = 0
    got: list[Got] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=lambda: [(204, {}, b"")])
    before_answer: Callable[[], object] = bool
    answered: int = 0

    def url(self, path: str = "/in") -> str:
        """Give an address of this receiver."""
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, *statuses: int, body: bytes = b"", **headers: str) -> None:
        """Answer so from now on, one after the other; the last one stays."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers = [(status, named, body) for status in statuses]

    def next_answer(self) -> tuple[int, dict[str, str], bytes]:
        """Take the next answer."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def titles(self) -> list[str]:
        """The titles that arrived, in order."""
        return [each.json["data"]["title"] for each in self.got]


@contextmanager
def http_receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run an HTTP server on a free port of this machine, over TLS where a context is given."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            receiver.got.append(
                Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            )
            try:
                receiver.before_answer()
                self._answer(*receiver.next_answer())
            finally:
                receiver.answered += 1

        def _answer(self, status: int, headers: dict[str, str], words: bytes) -> None:
            if not status:
                self.connection.close()
                self.close_connection = True
                return
            with suppress(ConnectionError):
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(words))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(words)
                self.wfile.flush()

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_port
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_words: None  # type: ignore[method-assign]  # such as a line that is not trusted
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mailbox:
    """Letters that arrived, and what the server says to each: None accepts it."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    refusal: str | None = None
    goodbye: str = "221 Bye"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: LoginPassword
    ) -> AuthResult:
        """Let the one in who says `s3cret`."""
        return AuthResult(success=login.password == b"s3cret", handled=False)

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take an address, or refuse it."""
        if self.refusal is not None:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Take a letter."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        letter = message_from_bytes(raw, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.to += envelope.rcpt_tos
        return "250 OK"

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:
        """Say goodbye."""
        return self.goodbye


@contextmanager
def mail_receiver(security: str = "none", tls: ssl.SSLContext | None = None) -> Iterator[Mailbox]:
    """Run a mail server on a free port of this machine.

    Args:
        security: `starttls`, and nothing is taken before it; `tls` from the start; `none`.
        tls: its certificate.
    """
    box = Mailbox(free_port())
    controller = Controller(
        box, hostname="127.0.0.1", port=box.port, authenticator=box.authenticate,
        auth_require_tls=security == "starttls", require_starttls=security == "starttls",
        tls_context=tls if security == "starttls" else None, ssl_context=tls if security == "tls" else None,
    )  # fmt: skip
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
