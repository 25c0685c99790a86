"""The way out: one HTTP request to an address that somebody typed in.

The name is resolved here and each address is looked at before it is connected to, so that no name can
lead into the own network; the connection goes to the very address that was looked at. Redirects are not
followed, proxies and passwords of the environment are not used, and only the start of an answer is read.

Source: https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from tracker.core.addresses import is_public
from tracker.core.outbox import Answer, read_status

TIMEOUT_S = 10.0
LONGEST_S = 3 * TIMEOUT_S
"""From the first look for a line until an answer has begun; each single wait ends after `TIMEOUT_S`."""
LONGEST_ANSWER = 16_384
_JSON = {"content-type": "application/json"}
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Request:
    """What is posted where."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: _JSON)


class Private(Exception):
    """The address lies in the own network."""


def post(request: Request, *, may_be_private: bool) -> Answer:
    """Post once and say what came of it.

    Args:
        may_be_private: addresses of the own network count too.
    """
    try:
        return _post(request, may_be_private=may_be_private)
    except Private as error:
        return Answer("refused", 0, str(error))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
        return Answer("refused", 0, f"the address cannot be used: {error}")
    except (httpx.HTTPError, OSError) as error:
        return Answer("retry", 0, f"{type(error).__name__}: {error}")


def _post(request: Request, *, may_be_private: bool) -> Answer:
    url = httpx.URL(request.url)
    if url.scheme not in _PORTS or not url.host:
        raise httpx.UnsupportedProtocol("write https://")
    host = url.raw_host.decode("ascii")
    addresses = resolve(host, url.port or _PORTS[url.scheme], may_be_private=may_be_private)
    with httpx.Client(trust_env=False, follow_redirects=False, timeout=TIMEOUT_S) as client:
        for address in addresses[:-1]:
            try:
                return _post_to(client, request, url, address)
            except httpx.ConnectError:
                continue  # such as IPv6 on a machine that has none
        return _post_to(client, request, url, addresses[-1])


def resolve(host: str, port: int, *, may_be_private: bool) -> list[str]:
    """Find the addresses of a host, in the order in which they are to be tried.

    Raises:
        Private: one of them lies in the own network.
        OSError: there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    private = [each for each in addresses if not is_public(each)]
    if private and not may_be_private:
        raise Private(
            f"{host} is {private[0]}, an address of the own network; where that is meant, set "
            "allow_private_destinations = true"
        )
    return addresses


def _post_to(client: httpx.Client, request: Request, url: httpx.URL, address: str) -> Answer:
    """Post to one address, under the name that the certificate must bear."""
    headers = {**request.headers, "host": url.netloc.decode("ascii").rpartition("@")[2]}
    there = url.copy_with(host=address)
    with _within(LONGEST_S) as trace:
        extensions = {"sni_hostname": url.raw_host.decode("ascii"), "trace": trace}
        asked = client.build_request(
            "POST", there, content=request.body, headers=headers, extensions=extensions
        )
        answer = client.send(asked, stream=True)
    with closing(answer):
        told = _start_of(answer)
        wait_ms = retry_after_ms(answer.headers.get("retry-after", ""), time.time())
        if answer.is_redirect:
            told = f"it points on{_whither(url, answer)}; redirects are not followed"
        return Answer(read_status(answer.status_code), answer.status_code, told, wait_ms)


@contextmanager
def _within(seconds: float) -> Iterator[Callable[[str, Mapping[str, Any]], None]]:
    """Cut the line to a receiver who takes too long as a whole, though each byte comes in time.

    Yields:
        What is to be told of the line's events.
    """
    lines: list[socket.socket] = []

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            lines.append(info["return_value"].get_extra_info("socket"))

    def cut() -> None:
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield trace
    finally:
        timer.cancel()


def _whither(url: httpx.URL, answer: httpx.Response) -> str:
    """Name the host that an answer points on to; what stands behind it may be as secret as our address."""
    try:
        host = url.join(answer.headers.get("location", "")).host
    except httpx.InvalidURL:
        return ""
    return f" to {host}"


def _start_of(answer: httpx.Response) -> str:
    """Read the start of an answer, for no longer than a request may take.

    Its status has decided already: a receiver that took the message and then breaks off has taken it.
    """
    read, end = b"", time.monotonic() + TIMEOUT_S
    with suppress(httpx.HTTPError, OSError):
        for part in answer.iter_raw(chunk_size=None):
            read += part
            if len(read) >= LONGEST_ANSWER or time.monotonic() > end:
                break
    return read[:LONGEST_ANSWER].decode("utf-8", "replace").replace("\0", "")


def retry_after_ms(text: str, now_s: float) -> int:
    """Read how long a receiver asks to be left alone: seconds, or a date; 0 where it does not say.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    text = text.strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text) * 1_000
    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0, int((until - datetime.fromtimestamp(now_s, UTC)).total_seconds() * 1_000))
