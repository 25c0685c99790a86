"""E-mail over TLS, by a real mail server with a certificate that vouches for itself."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import certifi
import pytest
import redis

from tests.certificates import certificate
from tests.outbox_house import House
from tests.receivers import Mailbox, mail_receiver
from tests.running import free_port
from tracker import config

HOST = "localhost"
LINES = {
    "starttls": "encrypted after a greeting (587)",
    "tls": "encrypted from the start (465)",
}


@pytest.fixture
def house(settings: config.Settings, client: redis.Redis) -> House:
    """Give a store with a site and an outbox."""
    return House(settings, client)


@contextmanager
def served(house: House, data: Path, security: str, *, host: str = HOST) -> Iterator[Mailbox]:
    """Run a mail server of that security, and name it in the settings."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(data, host))
    with mail_receiver(security, context) as box:
        house.settings = replace(
            house.settings, smtp_host=HOST, smtp_port=box.port, smtp_security=security,
            smtp_from="touchline@shop.test",
        )  # fmt: skip
        house.add("mail", "sales@shop.test")
        house.tell("a")
        yield box


def answer(house: House) -> str:
    """Deliver, and read what became of it."""
    house.run()
    return str(house.rows()[0]["answer"])


@pytest.mark.parametrize("security", LINES, ids=LINES.values())
def test_mail_leaves_by_an_encrypted_line(
    security: str, house: House, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server takes letters and passwords over TLS alone, and its certificate is one that is trusted."""
    monkeypatch.setattr(certifi, "where", lambda: str(data / "server.pem"))
    with served(house, data, security) as box:
        house.settings = replace(house.settings, smtp_user="me@shop.test", smtp_password="s3cret")
        assert answer(house) == "accepted"
    assert [letter["Subject"] for letter in box.letters] == ["a"]


@pytest.mark.parametrize("security", LINES, ids=LINES.values())
@pytest.mark.parametrize("host", [HOST, "mail.example"], ids=["unknown to all", "of another name"])
def test_no_mail_leaves_to_a_certificate_that_is_not_trusted(
    security: str, host: str, house: House, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The letter waits, and the answer says what to set."""
    if host != HOST:
        monkeypatch.setattr(certifi, "where", lambda: str(data / "server.pem"))
    with served(house, data, security, host=host) as box:
        told = answer(house)
    assert "certificate is not trusted" in told
    assert "smtp_verify" in told
    assert (box.letters, house.states()) == ([], ["waiting"])


@pytest.mark.parametrize("security", LINES, ids=LINES.values())
def test_a_server_of_ones_own_may_vouch_for_itself(security: str, house: House, data: Path) -> None:
    """With smtp_verify = false the line is encrypted, whoever is at its end."""
    with served(house, data, security) as box:
        house.settings = replace(house.settings, smtp_verify=False)
        assert answer(house) == "accepted"
    assert len(box.letters) == 1


WRONG_LINES: dict[str, tuple[str, str, str]] = {
    "no STARTTLS there": ("none", "starttls", "smtp_security = tls"),
    "no TLS from the start there": ("none", "tls", "smtp_security = starttls"),
    "no log-in without TLS there": ("starttls", "none", "smtp_security"),
}


@pytest.mark.parametrize(("served_as", "wanted", "advice"), WRONG_LINES.values(), ids=WRONG_LINES)
def test_a_wrong_line_is_told_with_what_to_set(
    served_as: str, wanted: str, advice: str, house: House, data: Path
) -> None:
    """Nothing is sent in the clear that was to be encrypted."""
    with served(house, data, served_as) as box:
        house.settings = replace(
            house.settings, smtp_security=wanted, smtp_user="me@shop.test", smtp_password="s3cret"
        )
        told = answer(house)
    assert advice in told
    assert "s3cret" not in told
    assert (box.letters, house.states()) == ([], ["waiting"])


def test_a_server_that_is_not_there_is_told_with_what_to_check(house: House, data: Path) -> None:
    """Host and port stand in the answer."""
    with served(house, data, "none"):
        port = free_port()
        house.settings = replace(house.settings, smtp_port=port)
        told = answer(house)
    assert told.startswith(f"{HOST}:{port}: no server answers there: check smtp_host and smtp_port")
