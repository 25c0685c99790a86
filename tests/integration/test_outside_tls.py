"""The way out over TLS: the certificate must bear the name that was typed in, wherever it leads to."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest

from tests.certificates import certificate
from tests.receivers import Receiver, http_receiver
from worker.outside import Request, post

NAME = "hooks.example"


@pytest.fixture
def receiver(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Give a real HTTPS server whose certificate is trusted, and to which every name leads."""
    path = certificate(data, NAME)
    monkeypatch.setattr(certifi, "where", lambda: str(path))
    real = socket.getaddrinfo

    def lookup(host: str, *rest: Any, **more: Any) -> Any:
        return real("127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with http_receiver(context) as server:
        yield server


@pytest.mark.parametrize(
    ("host", "result"),
    [
        pytest.param(NAME, "delivered", id="the name of the certificate"),
        pytest.param("other.example", "retry", id="another name that leads to the same address"),
        pytest.param("127.0.0.1", "retry", id="the bare address"),
    ],
)
def test_a_certificate_must_bear_the_name(receiver: Receiver, host: str, result: str) -> None:
    """Nothing is sent to a server that cannot prove its name."""
    request = Request(f"https://{host}:{receiver.port}/in", b"{}")
    answer = post(request, may_be_private=True)
    assert answer.result == result
    assert len(receiver.got) == (result == "delivered")
    assert answer.result == "delivered" or "certificate" in answer.told.lower()
