"""Deliver: real servers receive what leaves, and every answer is given its due."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pytest
import redis
from standardwebhooks import Webhook

from tests.outbox_house import House
from tests.receivers import Mailbox, Receiver, http_receiver, mail_receiver
from tests.telling import KEY, TEN_MS, hit, lead
from tests.waiting import LIMIT_S, wait_for
from tracker import config, processes
from tracker.core.times import DAY_MS, HOUR_MS, MINUTE_MS
from tracker.store.db import atomic, open_store, writer_lock
from tracker.store.destinations import load_destinations, switch_off, switch_on
from tracker.store.outbox import retry
from tracker.store.outboxlists import numbers_of
from worker import outside, rebuild
from worker.deliver import preview


@pytest.fixture
def house(settings: config.Settings, client: redis.Redis) -> House:
    """Give a workspace with the sites shop and blog."""
    return House(settings, client)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a real HTTP server."""
    with http_receiver() as server:
        yield server


@pytest.fixture
def mailbox(house: House) -> Iterator[Mailbox]:
    """Give a real mail server that the settings name."""
    with mail_receiver() as box:
        house.settings = replace(
            house.settings, smtp_host="127.0.0.1", smtp_port=box.port, smtp_security="none",
            smtp_from="touchline@shop.test",
        )  # fmt: skip
        yield box


def test_a_webhook_is_signed_so_that_anybodys_library_believes_it(house: House, receiver: Receiver) -> None:
    """The signature of Standard Webhooks holds over the raw bytes; a changed body does not pass."""
    own = house.add("webhook", receiver.url())
    house.tell("Grüße")
    house.now_ms = time.time_ns() // 1_000_000
    assert house.run() == {"delivered": 1}
    (got,) = receiver.got
    believer = Webhook(house.secrets[own])
    assert believer.verify(got.body, got.headers)["data"]["title"] == "Grüße"
    with pytest.raises(Exception, match="signature"):
        believer.verify(got.body + b"\n", got.headers)
    assert got.headers["content-type"] == "application/json"
    assert house.states() == ["delivered"]


def test_a_new_lead_reaches_sales_once_with_its_journey(house: House, receiver: Receiver) -> None:
    """The lead's contacts, channel, pages and match; looking again, a rebuild and a repeat tell nothing."""
    house.add("webhook", receiver.url())
    house.space.tell(
        hit("h1", 0, url="https://shop.test/?utm_source=google&utm_medium=cpc&utm_campaign=spring&gclid=G1"),
        hit("h2", 3, url="https://shop.test/pricing"),
        lead("L1", 5, visitor_id="v1", email="ann@acme.com", name="Ann Lee", page_url="https://shop.test/c"),
    )
    house.run(6 * MINUTE_MS)
    (got,) = receiver.got
    data = got.json["data"]
    assert got.json["type"] == "lead.new"
    assert data["title"] == "New lead on shop: Ann Lee"
    assert (data["email"], data["match_rule"], data["came"]["channel"]) == (
        "ann@acme.com",
        "M1",
        "Paid Search",
    )
    assert data["pages"][-1] == "https://shop.test/pricing"
    assert any("campaign spring" in line for line in data["lines"])
    house.space.tell(lead("L1", 5, visitor_id="v1", email="ann@acme.com", company="Acme"))
    rebuild.rebuild(house.settings, key=KEY, tell=lambda _difference: None)
    house.run(MINUTE_MS)
    assert len(receiver.got) == 1


def test_what_is_not_taken_is_tried_again_later_and_later(house: House, receiver: Receiver) -> None:
    """After a 500 it waits for twice a growing pause, keeps its id, and arrives once the receiver is well."""
    house.add("webhook", receiver.url())
    receiver.answer(500, 502, 204, body=b"out of order")
    house.tell("a")
    assert house.run() == {"retry": 1}
    assert house.run() == {}
    assert house.run(2_500) == {"retry": 1}
    assert house.run(2_500) == {}
    assert house.run(8_000) == {"delivered": 1}
    assert len({each.headers["webhook-id"] for each in receiver.got}) == 1
    found = house.shown(receiver.got[0].headers["webhook-id"])
    receipts = [(each["result"], each["code"], each["answer"]) for each in found["receipts"]]
    assert receipts[0] == ("retry", 500, "out of order")
    assert [result for result, _, _ in receipts] == ["retry", "retry", "delivered"]


def test_retry_after_holds_for_everything_that_goes_there(house: House, receiver: Receiver) -> None:
    """A 429 that asks for ten minutes gets them, for other messages too; a date counts as seconds do."""
    house.add("webhook", receiver.url())
    receiver.answer(429, 204, Retry_After="600")
    house.tell("a")
    assert house.run() == {"retry": 1}
    house.tell("b", about="y")
    assert house.run(599_000) == {}
    assert house.run(1_000) == {"delivered": 2}
    assert sorted(receiver.titles) == ["a", "a", "b"]


@pytest.mark.parametrize("status", [400, 401, 404, 422, 301, 307])
def test_a_refusal_is_final_and_kept(house: House, receiver: Receiver, status: int) -> None:
    """What the receiver refuses is not sent again; the answer is kept, a redirect is not followed."""
    house.add("webhook", receiver.url())
    receiver.answer(status, body=b"no such hook", location=receiver.url("/elsewhere"))
    house.tell("a")
    assert house.run() == {"refused": 1}
    assert house.run(DAY_MS) == {}
    assert [each.path for each in receiver.got] == ["/in"]
    (row,) = house.rows()
    assert (row["state"], row["tries"]) == ("dead", 1)
    assert ("points on to" if status in (301, 307) else "no such hook") in row["answer"]


def test_a_410_switches_the_destination_off(house: House, receiver: Receiver) -> None:
    """Who answers 410 Gone wants nothing any more: what waits stays there until an operator retries."""
    own = house.add("webhook", receiver.url())
    receiver.answer(410, 204)
    house.tell("a")
    house.tell("b", about="y")
    assert house.run() == {"gone": 1}
    assert house.run(HOUR_MS) == {}
    assert house.states() == ["dead", "waiting"]
    with closing(open_store(house.settings.data, write=True)) as db:
        (destination,) = load_destinations(db)
        assert (destination.id, destination.mode) == (own, "off")
        with atomic(db):
            assert retry(db, numbers_of(db, ids=[], destination=own, is_all=True), house.now_ms) == 1
            switch_on(db, destination.number)
    assert house.run() == {"delivered": 2}
    assert sorted(receiver.titles) == ["a", "a", "b"]


def test_what_never_succeeds_is_given_up_within_a_day(house: House, receiver: Receiver) -> None:
    """After the destination's limit of tries or time it is dead, with the last answer kept."""
    house.add("webhook", receiver.url())
    receiver.answer(503, body=b"still down")
    house.tell("a")
    tries = 0
    while house.states() == ["waiting"]:
        tries += sum(house.run(10 * MINUTE_MS).values())
    assert house.states() == ["dead"]
    assert 6 <= tries <= 12
    assert house.now_ms - TEN_MS <= DAY_MS + 10 * MINUTE_MS
    assert house.rows()[0]["answer"] == "still down"


def test_nobody_there_is_tried_again(house: House, receiver: Receiver) -> None:
    """A line that breaks without an answer is no refusal, and holds the other messages back with it."""
    house.add("webhook", receiver.url())
    receiver.answer(0, 204)
    house.tell("a")
    house.tell("b", about="y")
    assert house.run() == {"retry": 1}
    assert house.run(5_000) == {"delivered": 2}


def test_a_receiver_that_is_broken_is_not_hammered(house: House, receiver: Receiver) -> None:
    """After three failures in a row, whatever they are about, all that goes there rests a minute."""
    house.add("webhook", receiver.url())
    receiver.answer(500)
    for number in range(5):
        house.tell(f"m{number}", about=f"o{number}")
    assert house.run() == {"retry": 3}
    assert house.run(59_000) == {}
    receiver.answer(204)
    assert house.run(1_000) == {"delivered": 5}


def test_what_is_about_one_object_leaves_in_order(house: House, receiver: Receiver) -> None:
    """While the first message about x waits, the second waits too; what is about y goes on."""
    house.add("webhook", receiver.url())
    receiver.answer(500, 204)
    for key, about in (("x1", "x"), ("x2", "x"), ("y1", "y")):
        house.tell(key, about)
    assert house.run() == {"retry": 1, "delivered": 1}
    assert receiver.titles == ["x1", "y1"]
    assert house.run(HOUR_MS) == {"delivered": 2}
    assert receiver.titles == ["x1", "y1", "x1", "x2"]


def test_a_key_is_told_once_per_destination(house: House, receiver: Receiver) -> None:
    """Telling twice makes one row; another destination is told the same under an id of its own."""
    house.add("webhook", receiver.url("/one"))
    house.add("webhook", receiver.url("/two"))
    assert [house.tell("a"), house.tell("a"), house.tell("a", own=1)] == [True, False, True]
    house.run()
    house.run(HOUR_MS)
    assert sorted(each.path for each in receiver.got) == ["/one", "/two"]
    assert len({each.headers["webhook-id"] for each in receiver.got}) == 2


def test_one_that_does_not_answer_holds_up_no_other(house: House, receiver: Receiver) -> None:
    """Each destination has a lane of its own."""
    house.add("webhook", "http://127.0.0.1:9/closed")
    house.add("webhook", receiver.url())
    house.tell("a")
    house.tell("a", own=1)
    assert house.run() == {"retry": 1, "delivered": 1}
    assert house.states() == ["waiting", "delivered"]


def test_sending_holds_up_no_draining(house: House, receiver: Receiver) -> None:
    """While a message is on its way, hits are drained into the store: nobody holds the writer's place."""
    drained: list[int] = []
    receiver.before_answer = lambda: drained.append(house.space.tell(hit("h1")).added)
    house.add("webhook", receiver.url())
    house.tell("a")
    assert house.run() == {"delivered": 1}
    assert drained == [1]


def test_two_senders_at_once_send_once(house: House, receiver: Receiver) -> None:
    """Whoever comes second while the first sends, leaves it to the first."""
    second: list[dict[str, int]] = []
    receiver.before_answer = lambda: second.append(house.run())
    house.add("webhook", receiver.url())
    house.tell("a")
    assert house.run() == {"delivered": 1}
    assert (second, len(receiver.got)) == ([{}], 1)


def test_a_dry_run_keeps_everything_and_sends_nothing(house: House, receiver: Receiver) -> None:
    """What would leave can be looked at in the outbox."""
    house.add("webhook", receiver.url(), mode="dry")
    house.tell("a")
    assert house.run() == {}
    assert (receiver.got, house.states()) == ([], ["dry"])


def test_a_preview_lists_all_that_would_be_sent_now_and_nothing_else(
    house: House, receiver: Receiver
) -> None:
    """Every delivery that is due is in it, and the news; none to an address that takes nothing now."""
    house.add("webhook", receiver.url(), made_ms=0)
    house.add("webhook", receiver.url(), mode="dry", made_ms=0)
    house.add("webhook", receiver.url(), mode="on", made_ms=0)
    for number in range(101):
        house.tell(f"a{number}", f"x{number}")
    house.tell("kept back", own=2)
    with closing(open_store(house.settings.data, write=True)) as db, atomic(db):
        switch_off(db, load_destinations(db)[2].number, "it answered 410 Gone")
    house.space.tell(lead("L1", 5, email="ann@acme.com"))
    house.now_ms += 6 * MINUTE_MS
    waiting, news = (
        [row["to"] for row in preview(house.post) if ("delivery_id" in row) is is_waiting]
        for is_waiting in (True, False)
    )
    assert (len(waiting), len(news)) == (101, 1)
    assert receiver.got == []


def test_an_answer_that_never_begins_is_not_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that sends headers without end, each in time, is left after a while and tried again."""
    monkeypatch.setattr(outside, "LONGEST_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:
        dripping = pool.submit(drip, server)
        house.add("webhook", f"http://127.0.0.1:{server.getsockname()[1]}/in")
        house.tell("a")
        assert house.run() == {"retry": 1}
        assert dripping.result(LIMIT_S) < 1_000


def drip(server: socket.socket) -> int:
    """Answer one request with a header every twentieth of a second; returns how many went through."""
    line, _ = server.accept()
    with line:
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        for count in range(1_000):
            try:
                line.sendall(b"x: y\r\n")
            except OSError:
                return count
            time.sleep(0.05)
    return 1_000


def test_what_was_taken_is_taken_though_the_answers_body_breaks_off(house: House) -> None:
    """The status says it: whoever answered 200 and then hung up would only get the same alert again."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:
        answering = pool.submit(break_off, server)
        house.add("webhook", f"http://127.0.0.1:{server.getsockname()[1]}/in")
        house.tell("a")
        assert house.run() == {"delivered": 1}
        answering.result(LIMIT_S)
    assert house.rows()[0]["answer"] == "taken"


def break_off(server: socket.socket) -> None:
    """Answer one request with the first half of what was announced."""
    line, _ = server.accept()
    with line, line.makefile("rb") as asked:
        length = 0
        while head := asked.readline().strip():
            name, _, value = head.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        asked.read(length)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ntaken")


def test_a_redirect_is_not_followed_and_its_path_is_told_to_nobody(house: House, receiver: Receiver) -> None:
    """What stands behind the host may be the address's own secret; the host says enough."""
    house.add("webhook", receiver.url())
    receiver.answer(308, location="https://elsewhere.example/services/T0/B0/secret")
    house.tell("a")
    assert house.run() == {"refused": 1}
    assert house.rows()[0]["answer"] == "it points on to elsewhere.example; redirects are not followed"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.7"],
)
def test_nothing_leaves_into_the_own_network(house: House, receiver: Receiver, host: str) -> None:
    """A name or an address of the own network is refused before anything is sent, and the answer says why."""
    house.add("webhook", f"http://{host}:{receiver.port}/in")
    house.settings = replace(house.settings, allow_private_destinations=False)
    house.tell("a")
    assert house.run() == {"refused": 1}
    assert receiver.got == []
    assert "allow_private_destinations" in house.rows()[0]["answer"]


def test_a_name_is_looked_up_once(house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that was looked at is the one that is connected to, whatever the name says next."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def lookup(host: str, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if host == "hooks.example" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    house.add("webhook", f"http://hooks.example:{receiver.port}/in")
    house.tell("a")
    assert house.run() == {"delivered": 1}
    assert asked.count("hooks.example") == 1
    assert receiver.got[0].headers["host"] == f"hooks.example:{receiver.port}"


@pytest.mark.fault
@pytest.mark.parametrize("is_answered", [False, True], ids=["before the answer", "before the receipt"])
def test_a_kill_repeats_a_message_under_its_id_and_doubles_nothing(
    house: House, receiver: Receiver, is_answered: bool
) -> None:
    """SIGKILL while a message is on its way: it is sent again with the same id, from the same row."""
    house.add("webhook", receiver.url())
    house.tell("a")
    over, locks = threading.Event(), ExitStack()

    def hold_up() -> None:
        locks.enter_context(writer_lock(house.settings.data))  # a receipt cannot be written
        if not is_answered:
            over.wait(LIMIT_S)

    receiver.before_answer = hold_up
    victim = subprocess.Popen(
        processes.command("tracker", "--data", str(house.settings.data), "deliver"),
        env=processes.environment(os.environ, {"TOUCHLINE_ALLOW_PRIVATE_DESTINATIONS": "true"}),
    )
    wait_for(lambda: receiver.answered == 1 if is_answered else receiver.got)
    victim.kill()
    victim.wait()
    over.set()
    receiver.before_answer = bool
    wait_for(lambda: receiver.answered == 1)
    locks.close()
    assert house.run(MINUTE_MS) == {"delivered": 1}
    assert house.run(MINUTE_MS) == {}
    assert len({each.headers["webhook-id"] for each in receiver.got}) == 1
    assert len(receiver.got) == 2
    assert house.states() == ["delivered"]


def test_slack_shows_what_visitors_typed_as_text(house: House, receiver: Receiver) -> None:
    """A hostile name makes no link and calls nobody; the lines and the heading arrive."""
    house.add("slack", receiver.url("/services/T0/B0/x"))
    house.space.tell(
        lead(
            "L1",
            5,
            email="eve@evil.test",
            name="<!channel> @here <https://evil.test|x> & co [y](https://evil.test)",
        )
    )
    house.run(6 * MINUTE_MS)
    (got,) = receiver.got
    heading, section = got.json["blocks"]
    assert heading["text"]["type"] == "plain_text"
    for text in (got.json["text"], section["text"]["text"]):
        assert "<" not in text
        assert "@here" not in text
        assert "](" not in text
        assert "&lt;https://evil.test|x&gt; &amp; co" in text
    assert "eve@evil.test" in section["text"]["text"]


def test_mail_arrives_as_plain_text(house: House, mailbox: Mailbox) -> None:
    """One letter, its subject the title, its id the delivery's; a name adds no header."""
    house.add("mail", "sales@shop.test")
    house.space.tell(lead("L1", 5, email="ann@acme.com", name="Ann\r\nBcc: eve@evil.test Lée"))
    house.run(6 * MINUTE_MS)
    (letter,) = mailbox.letters
    assert mailbox.to == ["sales@shop.test"]
    assert letter["subject"] == "New lead on shop: Ann Bcc: eve@evil.test Lée"
    assert letter["bcc"] is None
    assert letter["message-id"] == f"<{house.rows()[0]['delivery_id']}@shop.test>"
    assert "ann@acme.com" in letter.get_content()


@pytest.mark.parametrize("goodbye", ["250 OK", "421 4.3.2 closing", "500 5.5.1 what?"])
def test_a_letter_that_was_taken_is_delivered_whatever_the_goodbye(
    house: House, mailbox: Mailbox, goodbye: str
) -> None:
    """A server's answer to QUIT is about the line, not about the letter."""
    house.add("mail", "sales@shop.test")
    mailbox.goodbye = goodbye
    house.tell("a")
    assert house.run() == {"delivered": 1}
    assert len(mailbox.letters) == 1


@pytest.mark.parametrize(
    ("refusal", "state"),
    [
        pytest.param("451 4.7.1 greylisted, come back", "waiting", id="a 4xx is tried again"),
        pytest.param("550 5.1.1 no such user", "dead", id="a 5xx is final"),
    ],
)
def test_a_mail_servers_refusal_is_read(house: House, mailbox: Mailbox, refusal: str, state: str) -> None:
    """What the server says decides, and is kept."""
    house.add("mail", "sales@shop.test")
    mailbox.refusal = refusal
    house.tell("a")
    house.run()
    (row,) = house.rows()
    assert row["state"] == state
    assert row["answer"] in refusal


@pytest.mark.parametrize(
    ("password", "state"),
    [
        pytest.param("s3cret", "delivered", id="who knows the password is let in"),
        pytest.param("wrong", "waiting", id="a wrong one can be mended, so it is tried again"),
    ],
)
def test_mail_logs_in(house: House, mailbox: Mailbox, password: str, state: str) -> None:
    """The name and the password of the settings are given, and the password stands in no answer."""
    house.settings = replace(house.settings, smtp_user="me@shop.test", smtp_password=password)
    house.add("mail", "sales@shop.test")
    house.tell("a")
    house.run()
    (row,) = house.rows()
    assert row["state"] == state
    assert row["answer"].startswith("accepted" if state == "delivered" else "log-in refused")
    assert password not in str(row)
    assert len(mailbox.letters) == (state == "delivered")


def test_mail_waits_for_a_server_to_be_named(house: House) -> None:
    """Without smtp_host nothing is lost: it says what is missing and is tried again."""
    house.add("mail", "sales@shop.test")
    house.tell("a")
    assert house.run() == {"retry": 1}
    assert "smtp_host" in house.rows()[0]["answer"]
