"""After an erasure no byte of the person is left: a person who came by every road, and every file and key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from tests.integration.collector.conftest import Shop, hit, now_ms, open_shop
from tests.integration.collector.test_hooks import signed, typeform
from tests.receivers import Receiver, http_receiver
from tracker import config, embedded
from tracker.cli import main
from tracker.core.times import format_instant

ANN, BOB = "very.rare.name@acme.com", "bob@beta.io"
SECRET = "sign-me"
LINE, SPELT = "+447700900123", "07700 900 123"
NUMBER, FALLBACK = "+442079460001", "+442079460000"


@dataclass
class Place:
    """A data directory with its own server, a collector over it, and a receiver of alerts."""

    shop: Shop
    receiver: Receiver
    data: Path

    def run(self, *words: str, told: list[dict[str, Any]] | None = None) -> Result:
        """Run a verb that must succeed."""
        lines = None if told is None else b"".join(json.dumps(each).encode() + b"\n" for each in told)
        done = CliRunner().invoke(main, ["--data", str(self.data), *words], input=lines)
        assert done.exit_code == 0, done.output
        return done

    def traces(self, *words: str) -> list[str]:
        """Say which files and which keys of the server hold one of these words, in whatever case."""
        held = {str(path.relative_to(self.data)): path.read_bytes() for path in _files(self.data)}
        held |= {f"key {key.decode()}": key + _value(self.shop.log, key) for key in self.shop.log.scan_iter()}
        wanted = [each.lower().encode() for each in words]
        return sorted(name for name, each in held.items() if any(word in each.lower() for word in wanted))


def _files(data: Path) -> list[Path]:
    return [path for path in data.rglob("*") if path.is_file()]


def _value(client: redis.Redis, key: bytes) -> bytes:
    """Read a key whole: its parts in clear, for what the server packs would hide a word."""
    kind = client.type(key)
    read = {
        b"string": client.get, b"hash": client.hgetall, b"stream": client.xrange, b"set": client.smembers,
        b"list": lambda own: client.lrange(own, 0, -1),
        b"zset": lambda own: client.zrange(own, 0, -1, withscores=True),
    }  # fmt: skip
    return repr(read[kind](key)).encode() + (client.dump(key) or b"")


@pytest.fixture
def place(data: Path) -> Iterator[Place]:
    """Give a place with a site, a pool of one number, a provider's hook and an alert."""
    (data / "touchline.toml").write_text("allow_private_destinations = true\n")
    settings = config.load({}, data=data)
    with embedded.hold(settings) as url, http_receiver() as receiver:
        client = embedded.connect(url, blocking=False)
        words = ["--data", str(data), "site", "add", "shop", "--domain", "example.com", "--region", "GB"]
        assert CliRunner().invoke(main, words).exit_code == 0
        shop = open_shop(replace(settings, redis_url=url), client)
        place = Place(shop, receiver, data)
        place.run("pool", "add", "shop", "main", "--number", NUMBER, "--fallback", FALLBACK)
        place.run("alert", "add", "shop", "--to", receiver.url(), "--pii")
        yield place
        shop.app.extensions["touchline"].close()
        client.close()
    embedded.dismiss(settings)


def come(place: Place) -> str:
    """Have somebody visit, see a number, send forms, call, be refused and talked to; gives the visitor."""
    hook = place.run("source", "add", "shop", "typeform", "--secret", SECRET, "--format", "json")
    path = "/hooks/" + json.loads(hook.stdout)["url"].partition("/hooks/")[2]
    place.shop.app.extensions["touchline"].sitebook.look_again()
    first = place.shop.post(hit("e1", title="Rare title"), said={"pools": ["main"]}).get_json()
    assert first["numbers"] == {"main": NUMBER}
    cookie = {"Cookie": f"_tl={first['visitor']}"}
    props = {"email": ANN, "phone": SPELT, "name": "Rare Name", "fields": {"note": f"write to {ANN}"}}
    form = hit("e2", type="event", name="form_submit", props=props)
    assert place.shop.post(form, **cookie).get_json()["accepted"] == 1
    assert place.shop.post(hit("e3", at=f"at {ANN}"), **cookie).get_json()["accepted"] == 0
    for body in (
        typeform("rare-token", ANN),
        b'{"event_type": "form_response", "x": "' + ANN.encode() + b'"}',
    ):
        place.shop.ask(path, "POST", data=body, **signed(body))
    place.shop.ask(path, "POST", data=b"{" + ANN.encode(), **signed(b"{" + ANN.encode()))
    named = {"email": ANN, "name": "Rare Name"}
    usual = {"site": "shop", "provider": "hub", "at": format_instant(now_ms())}
    place.run("load", "-", "--drain", told=[
        {**usual, "fact": "lead", "kind": "call", "provider_id": "call-1", "phone": LINE,
         "tracking_number": NUMBER, "transcript": "Rare Name speaking"},
        {**usual, "fact": "lead", "kind": "fax", "provider_id": "rare-bad", "email": ANN.upper()},
        {**usual, "fact": "status", "provider": "tracker", "provider_id": "e2", "status": "SQL"},
        {**usual, "fact": "activity", "provider_id": "a1", "kind": "call_made", **named},
        {**usual, "fact": "contact", "provider_id": "c1", **named, "emails": [ANN], "phones": [LINE]},
        {**usual, "fact": "deal", "provider_id": "d1", "stage": "new", "contacts": [named]},
        {**usual, "fact": "lead", "kind": "form", "provider_id": "L9", "email": BOB},
    ])  # fmt: skip
    place.receiver.answer(500, body=f"no room for {ANN}".encode())
    place.run("deliver")
    return str(first["visitor"]).partition(".")[0]


@pytest.mark.slow
@pytest.mark.parametrize("by", ["email", "phone", "visitor"])
def test_no_file_and_no_key_names_them(place: Place, by: str) -> None:
    """By whichever of their names it was asked: store, journal, stream, server's keys, spools, deliveries."""
    visitor = come(place)
    words = (ANN, LINE[1:], SPELT, re.sub(r"\D", "", SPELT), visitor, "Rare Name", "Rare title", "rare-token")
    for word in (ANN, visitor, LINE[1:]):
        assert place.traces(word) != []
    given = {"email": ANN, "phone": LINE, "visitor": visitor}[by]
    done = place.run("erase", f"--{by}", given, "--yes")
    assert json.loads(done.stdout)["found_afterwards"] is False
    assert place.traces(*words) == []
    place.run("verify")
    assert place.traces(BOB) != []
