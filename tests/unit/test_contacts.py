"""Contacts: equal ones are spelled alike, and placeholders name nobody."""

from __future__ import annotations

from contextlib import suppress

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.contacts import (
    blocked_email,
    blocked_phone,
    email_domain_kind,
    normalise_email,
    normalise_phone,
    normalise_user_id,
    region_of,
)

EMAILS = {
    "capitals": ("J.Doe@Acme.com", "j.doe@acme.com"),
    "blanks around": ("  j.doe@acme.com\t", "j.doe@acme.com"),
    "quotes around the name": (' "j.doe"@acme.com ', "j.doe@acme.com"),
    "a person's name before it": ("Jane Doe <J.Doe@acme.com>", "j.doe@acme.com"),
    "a mail link": ("mailto:j.doe@acme.com?subject=Hi", "j.doe@acme.com"),
    "a full stop behind": ("j.doe@acme.com.", "j.doe@acme.com"),
    "wide letters": ("ｊ．ｄｏｅ＠ａｃｍｅ．ｃｏｍ", "j.doe@acme.com"),
    "a blank of no width": ("j.doe\u200b@acme.com", "j.doe@acme.com"),
    "a domain beyond ASCII": ("jane@Bücher.de", "jane@xn--bcher-kva.de"),
    "the same domain in ASCII": ("jane@xn--bcher-kva.de", "jane@xn--bcher-kva.de"),
    "dots and tag at Gmail": ("John.Doe+promo@GMail.com", "johndoe@gmail.com"),
    "Gmail's other name": ("johndoe@googlemail.com", "johndoe@gmail.com"),
    "dots and tag elsewhere": ("john.doe+promo@acme.com", "john.doe+promo@acme.com"),
    "two dots, as one provider gave out": ("a..b@docomo.ne.jp", "a..b@docomo.ne.jp"),
    "a domain for tests": ("jane@acme.test", "jane@acme.test"),
    "an apostrophe": ("o'brien@acme.ie", "o'brien@acme.ie"),
    "no at sign": ("jane.acme.com", None),
    "no domain": ("jane@", None),
    "no name": ("@acme.com", None),
    "no ending": ("jane@localhost", None),
    "two at signs": ("jane@doe@acme.com", None),
    "two addresses": ("jane@acme.com, joe@acme.com", None),
    "a blank inside": ("jane doe@acme.com", None),
    "only a tag at Gmail": ("+promo@gmail.com", None),
    "nothing": ("", None),
    "binary": ("\x00\ud800@acme.com", None),
    "endless": ("a" * 100_000 + "@acme.com", None),
}


@pytest.mark.parametrize(("text", "email"), EMAILS.values(), ids=EMAILS)
def test_an_e_mail_address_has_one_spelling(text: str, email: str | None) -> None:
    """Case, quotes and Gmail's dots do not count; what is no address is none."""
    assert normalise_email(text) == email
    assert email is None or normalise_email(email) == email


BLOCKED = {
    "test@acme.com": "test", "test123@acme.com": "test", "asdf@acme.com": "test", "xxx@acme.com": "test",
    "noreply@acme.com": "noreply", "no-reply@acme.com": "noreply", "donotreply@acme.com": "noreply",
    "noreply+a1b2@acme.com": "noreply", "mailer-daemon@acme.com": "noreply", "john@example.com": "example",
    "john@example.org": "example", "john@mail.example.co.uk": "example", "info@acme.com": "role",
    "sales@acme.com": "role", "support+uk@acme.com": "role", "john@mailinator.com": "disposable",
    "john@sub.yopmail.com": "disposable", "jane@acme.com": None, "testa@acme.com": None,
    "contest@acme.com": None, "infanta@acme.com": None, "john@examples.com": None, "john@acme.example": None,
    "johndoe@gmail.com": None, "max@acme.com": None,
}  # fmt: skip


@pytest.mark.parametrize(("email", "reason"), BLOCKED.items(), ids=BLOCKED)
def test_some_addresses_name_nobody(email: str, reason: str | None) -> None:
    """Tests, senders, examples, roles and throw-away mailboxes are told; a person's are not."""
    assert blocked_email(email) == reason


DOMAIN_KINDS = {
    "jane@gmail.com": "free", "jane@hey.com": "free", "jane@tutanota.com": "free", "jane@proton.me": "free",
    "jane@privaterelay.appleid.com": "free", "jane@mozmail.com": "free", "gmx.de": "free",
    "jane@mailinator.com": "disposable", "jane@acme.com": "company", "jane@mail.acme.co.uk": "company",
    "ACME.COM": "company", "jane@localhost": None, "": None, "jane@": None,
}  # fmt: skip


@pytest.mark.parametrize(("address", "kind"), DOMAIN_KINDS.items(), ids=DOMAIN_KINDS)
def test_only_a_company_s_domain_makes_an_account(address: str, kind: str | None) -> None:
    """A domain is anybody's, nobody's for long, or a company's."""
    assert email_domain_kind(address) == kind


PHONES = {
    "national": ("07700 900001", "GB", "+447700900001"),
    "international": ("+44 7700 900001", "US", "+447700900001"),
    "with the access code": ("0044 7700 900001", "GB", "+447700900001"),
    "without the plus": ("447700900001", "GB", "+447700900001"),
    "brackets and hyphens": ("(020) 7946-0000", "GB", "+442079460000"),
    "the zero in brackets": ("+44 (0)20 7946 0000", "GB", "+442079460000"),
    "a telephone link": ("tel:+44-20-7946-0000", "GB", "+442079460000"),
    "an extension": ("020 7946 0000 ext. 12", "GB", "+442079460000"),
    "a number of a drama is possible": ("+1 212 555 0199", "GB", "+12125550199"),
    "wide digits": ("０７７００ ９００００１", "GB", "+447700900001"),
    "no region, international": ("+442079460000", "", "+442079460000"),
    "an unknown region, international": ("+442079460000", "XX", "+442079460000"),
    "an unknown region, national": ("020 7946 0000", "XX", None),
    "without its area code": ("555 0199", "US", None),
    "too short": ("123", "GB", None),
    "too long": ("+44" + "7" * 20, "GB", None),
    "anonymous": ("Anonymous", "GB", None),
    "anonymous in digits": ("+266696687", "GB", None),
    "restricted in digits": ("+7378742833", "GB", None),
    "withheld": ("withheld", "GB", None),
    "a private number": ("Private Number", "GB", None),
    "an anonymous SIP caller": ("sip:anonymous@anonymous.invalid", "GB", None),
    "masked to its end": ("***3312", "DE", None),
    "masked within": ("+49151***5678", "DE", None),
    "masked by letters": ("xxx-xxx-1234", "DE", None),
    "noughts": ("0000000000", "GB", None),
    "noughts with a country": ("+1-000-000-0000", "GB", None),
    "noughts at the end alone": ("+44 20 0000 0000", "GB", "+442000000000"),
    "nothing": ("", "GB", None),
    "words": ("call me", "GB", None),
    "binary": ("\x00\ud800", "GB", None),
    "endless": ("1" * 100_000, "GB", None),
}


@pytest.mark.parametrize(("text", "region", "number"), PHONES.values(), ids=PHONES)
def test_a_phone_number_has_one_spelling(text: str, region: str, number: str | None) -> None:
    """What can be a number is E.164 by the site's region; a withheld one is none."""
    assert normalise_phone(text, region) == number
    assert number is None or normalise_phone(number, region) == number


def test_extension_and_validity_stand_apart() -> None:
    """An extension is no part of the number, and a number of a drama is possible, though of no country."""
    assert normalise_phone("020 7946 0000 x12", "GB") == "+442079460000"
    assert region_of("+442079460000") == "GB"
    assert normalise_phone("07700 900001", "GB") == "+447700900001"
    assert region_of("+447700900001") is None


def test_premium_numbers_are_nobody_s_own() -> None:
    """A number that callers pay for is a service's."""
    assert blocked_phone("+449098790000") == "premium"
    assert blocked_phone("+447700900001") is None
    assert blocked_phone("nonsense") is None


NO_USERS = "null undefined anonymous guest 0 -1 true false NaN none 0000 None UNDEFINED"


@pytest.mark.parametrize("text", [*NO_USERS.split(), "[object Object]", "", "  ", "x" * 1_000])
def test_placeholders_are_no_user_ids(text: str) -> None:
    """What programs write where there is no user names nobody."""
    assert normalise_user_id(text) is None


@pytest.mark.parametrize("text", ["u42", "007", "Ann", " 7 ", "nullius", "guest-17", "10", "a@b"])
def test_a_user_id_is_taken_as_given(text: str) -> None:
    """An id is the sender's own; nothing in it is changed."""
    assert normalise_user_id(text) == text


TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=100)


@given(TEXT | st.emails())
def test_any_text_is_read_as_a_contact(text: str) -> None:
    """Whatever is typed, nothing fails, and what comes out stays as it is."""
    email = normalise_email(text)
    if email is not None:
        assert normalise_email(email) == email == email.lower()
        blocked_email(email)
        email_domain_kind(email)
    phone = normalise_phone(text, "GB")
    assert phone is None or normalise_phone(phone, "GB") == phone
    normalise_user_id(text)
    blocked_email(text)
    email_domain_kind(text)


@given(st.from_regex(r"[a-z0-9.+_-]{1,12}@([a-z0-9-]{1,8}\.){1,3}[a-z]{2,6}", fullmatch=True) | st.emails())
def test_a_plain_address_is_spelled_as_the_standards_spell_it(text: str) -> None:
    """What is taken at first sight is what a thorough reading would have given."""
    found = normalise_email(text)
    plain = text.lower()
    if found == plain and plain.isascii():
        with suppress(EmailNotValidError):
            thorough = validate_email(plain, check_deliverability=False)
            assert found == f"{thorough.local_part}@{thorough.ascii_domain}"


@given(st.emails())
def test_an_address_is_kept(text: str) -> None:
    """No lead is refused for its address: what the standards allow is spelled, never lost."""
    local = text.rpartition("@")[0]
    if not set(local) & set("?'\"`") and local.strip(",;.") == local:
        assert normalise_email(text) is not None
