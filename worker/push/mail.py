"""E-mail by SMTP: plain text, to one address, by the server that the settings name.

The Message-ID is the delivery's, the same in every repeat, so that mail programs show a repeat once.

Source: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1 (4xx may succeed later, 5xx will not).
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

import certifi

from tracker.config import Settings
from tracker.core.outbox import Answer
from tracker.core.times import MINUTE_MS
from tracker.store.destinations import Target
from tracker.store.outbox import Delivery

TIMEOUT_S = 15.0
LONGEST_SUBJECT = 200
LOCKED_OUT_MS = 15 * MINUTE_MS
"""After a refused log-in: many tries in a row have servers lock an account."""


def send(target: Target, deliveries: Sequence[Delivery], settings: Settings, now_ms: int) -> list[Answer]:
    """Mail each delivery's words."""
    return [_send(target.address, each, settings, now_ms) for each in deliveries]


def _send(to: str, delivery: Delivery, settings: Settings, now_ms: int) -> Answer:
    if not settings.smtp_host:
        return Answer("retry", 0, "no mail server is named; set smtp_host")
    written = letter(to, delivery, settings, now_ms)
    try:
        with _line(settings) as line:
            line.send_message(written)
            return Answer("delivered", 250, "accepted")
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        return _answer(code, words)
    except smtplib.SMTPAuthenticationError as error:
        told = f"log-in refused: {_text(error.smtp_error)}"
        return Answer("retry", error.smtp_code, told, wait_ms=LOCKED_OUT_MS)
    except smtplib.SMTPResponseException as error:
        return _answer(error.smtp_code, error.smtp_error)
    except (OSError, smtplib.SMTPException) as error:
        return Answer("retry", 0, _trouble(error, settings))


_HINTS: tuple[tuple[type[Exception], str, str], ...] = (
    (ssl.SSLCertVerificationError, "", "the server's certificate is not trusted: give smtp_host the name "
     "that the certificate bears, or set smtp_verify = false if the server is your own"),
    (ssl.SSLError, "", "this port does not speak TLS from the start: for port 587 or 25 set smtp_security = "
     "starttls"),
    (smtplib.SMTPNotSupportedError, "STARTTLS", "the server offers no STARTTLS: set smtp_port = 465 and "
     "smtp_security = tls, or smtp_security = none on a line that you trust"),
    (smtplib.SMTPNotSupportedError, "AUTH", "the server takes no log-in on this line: check smtp_port and "
     "smtp_security, or leave smtp_user empty"),
    (socket.gaierror, "", "there is no such host: check smtp_host"),
    (ConnectionRefusedError, "", "no server answers there: check smtp_host and smtp_port"),
    (TimeoutError, "", "the server did not speak in time: port 465 needs smtp_security = tls, and a firewall "
     "may hold the port shut"),
    (smtplib.SMTPServerDisconnected, "", "the server hung up: port 465 needs smtp_security = tls"),
)  # fmt: skip
"""What to do about a line that does not come about: the error, a word in it, the advice; first match wins."""


def _trouble(error: Exception, settings: Settings) -> str:
    """Say what went wrong and what to do about it."""
    told = f"{type(error).__name__}: {error}"
    hint = next((said for kind, word, said in _HINTS if isinstance(error, kind) and word in told), None)
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    return told if hint is None else f"{where}: {hint} ({told})"


def letter(to: str, delivery: Delivery, settings: Settings, now_ms: int) -> EmailMessage:
    """Write a letter; what visitors typed cannot add a header to it."""
    data: Mapping[str, Any] = delivery.payload["data"]
    sender = settings.smtp_from or settings.smtp_user or f"touchline@{settings.smtp_host}"
    written = EmailMessage(policy=SMTP)
    written["From"] = Address("Touchline", addr_spec=sender)
    written["To"] = Address(addr_spec=to)
    written["Subject"] = " ".join(str(data["title"]).split())[:LONGEST_SUBJECT]
    written["Date"] = format_datetime(datetime.fromtimestamp(now_ms / 1_000, UTC))
    written["Message-ID"] = f"<{delivery.id}@{sender.rpartition('@')[2]}>"
    written["Auto-Submitted"] = "auto-generated"
    written.set_content("\n".join(data["lines"]) + "\n")
    return written


@contextmanager
def _line(settings: Settings) -> Iterator[smtplib.SMTP]:
    """Open a line to the server: encrypted from the start, after a greeting, or not at all."""
    host, port = str(settings.smtp_host), settings.smtp_port
    trusted = _trust(settings)
    if settings.smtp_security == "tls":
        opened: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=trusted)
    else:
        opened = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    try:
        if settings.smtp_security == "starttls":
            opened.starttls(context=trusted)
        if settings.smtp_user:
            opened.login(settings.smtp_user, settings.smtp_password or "")
        yield opened
    finally:
        with suppress(OSError, smtplib.SMTPException):  # what was taken is taken, whatever the goodbye
            opened.quit()
        opened.close()


def _trust(settings: Settings) -> ssl.SSLContext:
    """Say whose certificates count: those of known authorities, of this system and of the web."""
    trusted = ssl.create_default_context()
    trusted.load_verify_locations(certifi.where())
    if not settings.smtp_verify:
        trusted.check_hostname, trusted.verify_mode = False, ssl.CERT_NONE
    return trusted


def _answer(code: int, words: bytes | str) -> Answer:
    return Answer("retry" if 400 <= code < 500 else "refused", code, _text(words))


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words
