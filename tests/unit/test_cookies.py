"""The visitor cookie: tokens that cannot be forged, ids from seeds, two cookies that mend each other."""

from __future__ import annotations

import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.keys import derive
from tracker.web.cookies import (
    DAY_S,
    MASTER,
    TWIN,
    Renewal,
    Signer,
    attributes,
    forget_cookies,
    set_cookies,
)

KEY = b"k" * 32
SIGNER = Signer(KEY)
SEED = "0190f3a0-1234-7abc-8def-0123456789ab"
NOW_MS = 1_760_000_000_123
NOW_S = NOW_MS // 1_000
ROLLING = Renewal(395, rolling=True)


def read(header: str, renewal: Renewal = ROLLING, now_s: int = NOW_S) -> str | None:
    """Name the visitor of a Cookie header."""
    visitor = SIGNER.read(header, renewal=renewal, now_s=now_s)
    return visitor and visitor.visitor_id


def test_a_seed_gives_one_id() -> None:
    """Parallel first hits of a page carry one seed and get one id, whenever each arrives."""
    assert SIGNER.mint(SEED, NOW_MS).visitor_id == SIGNER.mint(SEED, NOW_MS + 5_000).visitor_id
    assert SIGNER.mint(SEED, NOW_MS).visitor_id != SIGNER.mint(SEED + "x", NOW_MS).visitor_id


def test_no_seed_gives_a_new_id() -> None:
    """Without a seed every visitor is a new one."""
    assert SIGNER.mint(None, NOW_MS).visitor_id != SIGNER.mint(None, NOW_MS).visitor_id


@pytest.mark.parametrize("seed", [SEED, SEED.upper(), "any text", "\ud800", "🙂", None, ""])
def test_an_id_is_plain_and_of_one_length(seed: str | None) -> None:
    """An id is 32 lower-case hexadecimal digits, whatever the seed."""
    assert re.fullmatch(r"[0-9a-f]{32}", SIGNER.mint(seed, NOW_MS).visitor_id)


def test_ids_keep_the_order_of_time() -> None:
    """The id of a UUIDv7 seed begins with its milliseconds, and a new one with the clock's."""
    assert SIGNER.mint(SEED, NOW_MS).visitor_id.startswith("0190f3a01234")
    assert SIGNER.mint(None, NOW_MS).visitor_id.startswith(f"{NOW_MS:012x}")


def test_a_seed_of_another_kind_tells_no_time() -> None:
    """The first digits of a UUID of version 4 are chance, and say nothing of when the visitor came."""
    seed = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"
    assert not SIGNER.mint(seed, NOW_MS).visitor_id.startswith("f81d4fae7dec")


def test_another_workspace_gives_other_ids() -> None:
    """The hash of a seed is keyed: who knows the seed's rule cannot compute the id."""
    assert Signer(b"o" * 32).mint(SEED, NOW_MS).visitor_id != SIGNER.mint(SEED, NOW_MS).visitor_id


def test_the_signature_is_hmac_sha256() -> None:
    """The signature is the first 16 bytes of HMAC-SHA256 over id and creation, whatever computes it."""
    visitor = SIGNER.mint(SEED, NOW_MS)
    message, _, signature = visitor.token.rpartition(".")
    code = hmac.new(derive(KEY, "visitor"), message.encode(), hashlib.sha256).digest()[:16]
    assert len(signature) == 22
    assert signature == __import__("base64").urlsafe_b64encode(code)[:22].decode()


@given(st.text(max_size=40), st.integers(0, 2**41))
def test_what_is_signed_verifies(seed: str, now_ms: int) -> None:
    """A token verifies to the visitor that it was made for."""
    visitor = SIGNER.mint(seed, now_ms)
    assert SIGNER.verify(visitor.token) == visitor


@given(st.data())
def test_a_changed_token_does_not_verify(data: st.DataObject) -> None:
    """Any change of any character spoils a token; so does a signature's other spelling of the same bits."""
    token = SIGNER.mint(SEED, NOW_MS).token
    at = data.draw(st.integers(0, len(token) - 1))
    char = data.draw(st.characters().filter(lambda each: each != token[at]))
    assert SIGNER.verify(token[:at] + char + token[at + 1 :]) is None


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é.é.é", "x" * 10_000, "a" * 32, "\0", "a.b"])
def test_nonsense_does_not_verify(token: str) -> None:
    """What is no token is no visitor, and no error."""
    assert SIGNER.verify(token) is None


def test_another_workspace_s_token_does_not_verify() -> None:
    """A token of another key is a forgery."""
    assert SIGNER.verify(Signer(b"o" * 32).mint(SEED, NOW_MS).token) is None


A, B = SIGNER.mint("a", NOW_MS), SIGNER.mint("b", NOW_MS)


@pytest.mark.parametrize(
    ("header", "who"),
    [
        pytest.param(f"{MASTER}={A.token}; {TWIN}={A.token}", A, id="both agree"),
        pytest.param(f"{MASTER}={A.token}", A, id="the twin was wiped"),
        pytest.param(f"{TWIN}={A.token}", A, id="the master was wiped"),
        pytest.param(
            f"{TWIN}={B.token}; {MASTER}={A.token}", A, id="both are valid and differ: the master wins"
        ),
        pytest.param(f"{MASTER}=forged; {TWIN}={B.token}", B, id="a forged master leaves the twin"),
        pytest.param(f"{MASTER}={A.token}x; {TWIN}=y", None, id="both are forged"),
        pytest.param(
            f"{MASTER}=bad; {MASTER}={A.token}", A, id="a bad cookie of another path stands in front"
        ),
        pytest.param(f"a=1;{MASTER}={A.token};b=2", A, id="no space between the cookies"),
        pytest.param(f"x{MASTER}={A.token}", None, id="another cookie's name ends like ours"),
        pytest.param("", None, id="no cookies"),
        pytest.param(f"{MASTER}; {MASTER}=; =; ;", None, id="broken cookies"),
        pytest.param("; ".join([f"{MASTER}=bad"] * 500), None, id="hundreds of forgeries"),
    ],
)
def test_either_cookie_restores_the_other(header: str, who: object) -> None:
    """The first valid master counts, else the first valid twin; a forgery is as good as nothing."""
    assert SIGNER.read(header, renewal=ROLLING, now_s=NOW_S) == who


def test_rolling_renewal_counts_from_each_answer() -> None:
    """A rolling cookie lives its days from now, however old the visitor is."""
    assert ROLLING.max_age_s(A, NOW_S + 300 * DAY_S) == 395 * DAY_S
    assert read(f"{MASTER}={A.token}", now_s=NOW_S + 3_000 * DAY_S) == A.visitor_id


def test_fixed_renewal_counts_from_creation() -> None:
    """A fixed cookie's life is what is left since its creation; afterwards its visitor is a new one."""
    fixed = Renewal(395, rolling=False)
    assert fixed.max_age_s(A, NOW_S + 300 * DAY_S) == 95 * DAY_S
    assert read(f"{MASTER}={A.token}", fixed, NOW_S + 395 * DAY_S - 1) == A.visitor_id
    assert read(f"{MASTER}={A.token}", fixed, NOW_S + 395 * DAY_S) is None


@pytest.mark.parametrize(
    ("given", "written"),
    [
        pytest.param(
            {"domain": "example.com", "secure": True},
            "; Domain=example.com; Path=/; SameSite=Lax; Secure",
            id="https on a registered domain",
        ),
        pytest.param({"domain": None, "secure": False}, "; Path=/; SameSite=Lax", id="http on localhost"),
        pytest.param(
            {"domain": None, "secure": True, "cross_site": True},
            "; Path=/; SameSite=None; Secure",
            id="declared cross-site use",
        ),
        pytest.param(
            {"domain": None, "secure": False, "cross_site": True},
            "; Path=/; SameSite=None; Secure",
            id="cross-site is never without Secure",
        ),
    ],
)
def test_attributes(given: dict[str, object], written: str) -> None:
    """Lax for everyone, None only where the site declared it, Secure on https."""
    assert attributes(**given) == written  # type: ignore[arg-type]


def test_only_the_master_is_out_of_reach_of_scripts() -> None:
    """`_tl` is HttpOnly, its twin is readable; both carry the same token and life."""
    master, twin = (value for _, value in set_cookies(A, "; Path=/", 60))
    assert master == f"_tl={A.token}; Max-Age=60; Path=/; HttpOnly"
    assert twin == f"_tl_id={A.token}; Max-Age=60; Path=/"
    assert all("Max-Age=0" in value for _, value in forget_cookies("; Path=/"))
