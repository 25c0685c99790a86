"""How a delivery is written for its receiver."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from standardwebhooks import Webhook

from tracker import config
from tracker.core.alertwords import Came, LeadNews, lead_payload
from tracker.core.times import MINUTE_MS
from tracker.store.outbox import Delivery, delivery_id
from worker.push.mail import letter
from worker.push.slack import message
from worker.push.webhook import new_secret, signed_headers

AT_MS = 1_772_359_200_000
CAME = Came("Paid Search", "google", "cpc", "spring", "2026-02-12T10:00:00.000Z")
NEWS = LeadNews(
    "L1", "shop", "form", AT_MS, "2026-03-01 10:00 (UTC)", "Ann Lee", "ann@acme.com", None, None,
    page_url="https://shop.test/contact", duration_s=None, status="new", match_rule="M1",
    match_confidence=1.0,
    came=replace(CAME, channel="Direct", source="(direct)", medium="(none)", campaign=None), first=CAME,
    last=CAME, touch_count=3, days=17, pages=["/", "/pricing"],
)  # fmt: skip


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The public vector: secret, id, time and body give this signature."""
    headers = signed_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330,
        b'{"test": 2432232314}',
    )  # fmt: skip
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_each_secret_is_one_that_libraries_take() -> None:
    """It begins with whsec_, is base64, and is never the same twice."""
    one, two = new_secret(), new_secret()
    assert one != two
    assert Webhook(one) is not None


def test_a_delivery_is_known_by_what_it_tells_to_whom() -> None:
    """The id does not depend on when the row was made."""
    assert delivery_id("d1", "lead:L1") == delivery_id("d1", "lead:L1")
    assert len({delivery_id(to, key) for to in ("d1", "d2") for key in ("lead:L1", "lead:L2")}) == 4


def test_a_lead_is_told_in_a_few_lines() -> None:
    """Who, where and when, how it came, how it began, what was seen, how it was matched."""
    payload = lead_payload(NEWS)
    assert payload["data"]["lines"] == [
        "Ann Lee · ann@acme.com",
        "Form on https://shop.test/contact, 2026-03-01 10:00 (UTC)",
        "Came by Direct",
        "First by Paid Search (google / cpc, campaign spring) on 2026-02-12; 3 touchpoints over 17 days, "
        "last by Paid Search (google / cpc, campaign spring)",
        "Pages seen: /, /pricing",
        "Match: the visitor is sure: the form carried the cookie",
        "Why: touchline explain lead L1",
    ]
    assert payload["data"]["first"]["campaign"] == "spring"
    assert "when" not in payload["data"]


def test_hostile_words_stay_on_their_line_and_within_bounds() -> None:
    """Control characters and line ends become spaces, and an endless name is cut."""
    payload = lead_payload(replace(NEWS, name="A\r\nBcc: x\x00\x1b[31m" + "y" * 9_000))
    assert "\n" not in payload["data"]["title"]
    assert all(char.isprintable() for line in payload["data"]["lines"] for char in line)
    assert len(payload["data"]["title"]) < 500
    said = message(payload)
    assert len(said["blocks"][0]["text"]["text"]) <= 150
    assert len(said["blocks"][1]["text"]["text"]) <= 3_000


def test_a_letter_says_that_a_machine_wrote_it() -> None:
    """So that no auto-reply comes back; its sender is the one of the settings."""
    settings = config.load({}, data=Path("/nowhere"), smtp_host="mail.test", smtp_user="me@shop.test")
    delivery = Delivery(1, "msg_1", "lead:L1", lead_payload(NEWS), 0, AT_MS)
    written = letter("sales@shop.test", delivery, settings, AT_MS + MINUTE_MS)
    assert written["from"] == "Touchline <me@shop.test>"
    assert written["auto-submitted"] == "auto-generated"
    assert written["date"] == "Sun, 01 Mar 2026 10:01:00 +0000"
