"""Standard Webhooks: the public vector, several signatures, Svix's names, and what the payload becomes."""

from __future__ import annotations

import pytest

from tests.unit.providers.deliveries import delivery, facts_of
from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.signing import base64_mac
from tracker.providers.standardwebhooks import ADAPTER

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"test": 2432232314}'
SENT_AT = "2021-02-25T15:02:10.000Z"  # 1614265330
RIGHT = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"


def _post(signature: str = RIGHT, *, prefix: str = "webhook-", body: str = BODY, **more: str) -> Delivery:
    told = {"id": ID, "timestamp": "1614265330", "signature": signature, **more}
    at = told.pop("received_at", SENT_AT)
    headers = {f"{prefix}{name}": value for name, value in told.items() if value is not None}
    return delivery(body, headers, received_at=at)


def _raw(secret: bytes) -> str:
    return "v1," + base64_mac(secret, f"{ID}.1614265330.{BODY}".encode())


PROVED: dict[str, tuple[Delivery, str]] = {
    "the public vector": (_post(), SECRET),
    "a secret without its prefix": (_post(), SECRET.removeprefix("whsec_")),
    "one of several signatures": (_post(f"{OTHER} {RIGHT}"), SECRET),
    "a signature of another version beside it": (_post(f"v1a,AAAA {RIGHT}"), SECRET),
    "the headers of Svix": (_post(prefix="svix-"), SECRET),
    "a secret of another make": (_post(_raw(b"a secret, plain!")), "a secret, plain!"),
    "four minutes later": (_post(received_at="2021-02-25T15:06:10.000Z"), SECRET),
}
REFUSED: dict[str, tuple[Delivery, str]] = {
    "nothing": (delivery(BODY), SECRET),
    "another signature": (_post(OTHER), SECRET),
    "another secret": (_post(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"),
    "another body": (_post(body=BODY + "\n"), SECRET),
    "a body written anew": (_post(body='{"test":2432232314}'), SECRET),
    "another id": (_post(id="msg_other"), SECRET),
    "another time": (_post(timestamp="1614265331"), SECRET),
    "a word for a time": (_post(timestamp="now"), SECRET),
    "an empty signature": (_post(""), SECRET),
    "an empty id": (_post(id=""), SECRET),
    "no version": (_post(RIGHT.removeprefix("v1,")), SECRET),
    "another version": (_post(RIGHT.replace("v1,", "v2,")), SECRET),
    "more than five minutes later": (_post(received_at="2021-02-25T15:07:11.000Z"), SECRET),
    "more than five minutes earlier": (_post(received_at="2021-02-25T14:57:09.000Z"), SECRET),
}


@pytest.mark.parametrize(("given", "secret"), PROVED.values(), ids=PROVED)
def test_a_right_signature_proves_the_sender(given: Delivery, secret: str) -> None:
    """HMAC-SHA256 of id, time and body with the decoded key; any one of those given."""
    assert ADAPTER.verify is not None
    ADAPTER.verify(given, secret)


@pytest.mark.parametrize(("given", "secret"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_missing_or_stale_signature_is_refused(given: Delivery, secret: str) -> None:
    """Anything else proves nothing."""
    assert ADAPTER.verify is not None
    with pytest.raises(Unproved):
        ADAPTER.verify(given, secret)


def test_the_deliverys_id_names_the_lead() -> None:
    """A retry has the same id and is a repeat."""
    body = {
        "type": "lead.created",
        "timestamp": "2026-03-01T09:59:41Z",
        "data": {"id": "9", "email": "m@o.net"},
    }
    (fact,) = facts_of("standardwebhooks", delivery(body, {"webhook-id": "msg_1"}))
    assert (fact["provider_id"], fact["email"], fact["at"]) == (
        "msg_1",
        "m@o.net",
        "2026-03-01T09:59:41.000Z",
    )


def test_a_field_map_counts_here_too() -> None:
    """The payload is the sender's own."""
    given = delivery(
        {"data": {"who": "m@o.net", "ref": "R9"}}, options={"map": {"email": "data.who"}, "id": "data.ref"}
    )
    (fact,) = facts_of("standardwebhooks", given)
    assert (fact["provider_id"], fact["email"]) == ("R9", "m@o.net")
