"""URLs: one spelling for each page, nothing personal in it, and the tags that it carried."""

from __future__ import annotations

import time
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracker.core.click_ids import CLICK_NAMES, PERSONAL_NAMES
from tracker.core.redact import REDACTED, clean_text, is_denied
from tracker.core.tags import Role, role, tidy_tags
from tracker.core.urlparts import READ_LIMIT, URL_LIMIT
from tracker.core.urls import (
    clean_referrer,
    host_within,
    is_own_host,
    read_page,
    read_tags,
    registrable_domain,
)
from tracker.errors import BadUrl

CANONICAL = {
    "scheme and host are in lower case": ("HTTPS://WWW.Example.COM/Path", "https://www.example.com/Path"),
    "a bare host has a root": ("https://example.com", "https://example.com/"),
    "the https port goes": ("https://example.com:443/a", "https://example.com/a"),
    "the http port goes": ("http://example.com:80/a", "http://example.com/a"),
    "another port stays": ("http://example.com:8080/a", "http://example.com:8080/a"),
    "the other scheme's port stays": ("https://example.com:80/a", "https://example.com:80/a"),
    "an empty port goes": ("https://example.com:/a", "https://example.com/a"),
    "user and password go": ("https://user:pw@example.com/a", "https://example.com/a"),
    "a fragment goes": ("https://example.com/a#part", "https://example.com/a"),
    "unreserved characters are decoded": (
        "https://example.com/%7Euser/%61%2Db",
        "https://example.com/~user/a-b",
    ),
    "other escapes are in upper case": ("https://example.com/a%2fb%c3%a9", "https://example.com/a%2Fb%C3%A9"),
    "letters beyond ASCII are encoded": ("https://example.com/café", "https://example.com/caf%C3%A9"),
    "a space is encoded": ("https://example.com/a b", "https://example.com/a%20b"),
    "a stray percent is encoded": ("https://example.com/100%/%zz", "https://example.com/100%25/%25zz"),
    "decoding makes no new escape": ("https://example.com/%%34%31", "https://example.com/%2541"),
    "double slashes collapse": ("https://example.com//a///b", "https://example.com/a/b"),
    "dot segments are walked": ("https://example.com/a/./b/../c", "https://example.com/a/c"),
    "dots above the root stay at the root": ("https://example.com/../../a", "https://example.com/a"),
    "backslashes are slashes": ("https:\\\\example.com\\a\\b", "https://example.com/a/b"),
    "a trailing slash goes": ("https://example.com/a/b/", "https://example.com/a/b"),
    "the root keeps its slash": ("https://example.com//", "https://example.com/"),
    "the case of the path stays": ("https://example.com/A/b", "https://example.com/A/b"),
    "parameters are sorted": ("https://example.com/?b=2&a=1&B=0", "https://example.com/?B=0&a=1&b=2"),
    "repeated parameters are sorted by value": (
        "https://example.com/?a=2&a=1",
        "https://example.com/?a=1&a=2",
    ),
    "empty pairs go": ("https://example.com/?&&a=1&", "https://example.com/?a=1"),
    "a name alone stays alone": ("https://example.com/?a&b=", "https://example.com/?a&b="),
    "an empty query goes": ("https://example.com/?", "https://example.com/"),
    "campaign parameters go": (
        "https://example.com/?utm_source=a&UTM_MEDIUM=b&pk_campaign=c&mtm_kwd=d&matomo_source=e&piwik_kwd=f&hsa_cam=1&x=1",
        "https://example.com/?x=1",
    ),
    "their aliases go": ("https://example.com/?source=a&ref=b&via=c&x=1", "https://example.com/?x=1"),
    "unknown utm parameters go": ("https://example.com/?utm_reader=feed&x=1", "https://example.com/?x=1"),
    "linker noise goes": (
        "https://example.com/?_gl=1&_ga=2&__hstc=3&__hssc=4&__hsfp=5&igshid=6&igsh=7&si=8&mibextid=9&_branch_match_id=1&x=1",
        "https://example.com/?x=1",
    ),
    "what only looks like a tag stays": (
        "https://example.com/?utmost=1&reference=2&plaid=3&resource=4",
        "https://example.com/?plaid=3&reference=2&resource=4&utmost=1",
    ),
    "an ampersand that was escaped once too often": (
        "https://example.com/?a=1&amp;utm_source=x&amp;b=2",
        "https://example.com/?a=1&b=2",
    ),
    "a host beyond ASCII is spelled in ASCII": ("https://Bücher.example/", "https://xn--bcher-kva.example/"),
    "a closing dot of the host goes": ("https://example.com./a", "https://example.com/a"),
    "an IPv6 host keeps its brackets": ("http://[::1]:8000/a", "http://[::1]:8000/a"),
    "blanks around it go": ("  https://example.com/a \n", "https://example.com/a"),
    "line breaks in it go": ("https://exam\nple.com/a\tb", "https://example.com/ab"),
}


@pytest.mark.parametrize(("url", "canonical"), CANONICAL.values(), ids=CANONICAL)
def test_a_page_has_one_spelling(url: str, canonical: str) -> None:
    """Whatever way a page's address is written, its canonical form is the same."""
    assert read_page(url).canonical == canonical


@pytest.mark.parametrize("name", sorted(CLICK_NAMES))
def test_click_ids_are_tags_and_no_part_of_the_address(name: str) -> None:
    """Every click id leaves the URL and becomes a tag, whatever its case."""
    page = read_page(f"https://example.com/?b=1&{name.upper()}=v4lue")
    value = REDACTED if name in PERSONAL_NAMES else "v4lue"
    assert (page.canonical, page.tags) == ("https://example.com/?b=1", ((name, value),))


def test_click_ids_that_name_a_person_are_stored_without_their_value() -> None:
    """The six that identify somebody leave only their name behind; an answer may show them."""
    assert {"mc_eid", "_hsenc", "mkt_tok", "_kx", "trk_contact", "oly_enc_id"} == PERSONAL_NAMES
    url = "https://example.com/?mc_eid=a1b2&gclid=x"
    assert read_page(url).tags == (("mc_eid", REDACTED), ("gclid", "x"))
    assert read_tags(url) == (("mc_eid", "a1b2"), ("gclid", "x"))


TAGS = {
    "names are in lower case, values as given": ("?UTM_Source=Google", (("utm_source", "Google"),)),
    "the first that says something counts": (
        "?utm_source=&utm_source=a&utm_source=b",
        (("utm_source", "a"),),
    ),
    "a fragment is read after the query": (
        "?utm_medium=q#utm_medium=f&utm_term=t",
        (("utm_medium", "q"), ("utm_term", "t")),
    ),
    "a route in the fragment may carry tags": ("#/shop?utm_source=a", (("utm_source", "a"),)),
    "a question mark in a fragment parts tags": (
        "#top?gclid=x&utm_source=a",
        (("gclid", "x"), ("utm_source", "a")),
    ),
    "escapes and plus signs are decoded": ("?utm_campaign=Caf%C3%A9+Bar", (("utm_campaign", "Café Bar"),)),
    "a plus sign of a click id is its own": ("?gclid=a+b", (("gclid", "a+b"),)),
    "a name may be escaped": ("?utm%5Fsource=a", (("utm_source", "a"),)),
    "blanks say nothing": ("?utm_source=%20+&utm_medium=x", (("utm_medium", "x"),)),
    "null says nothing": ("?utm_source=null", ()),
    "undefined says nothing": ("?utm_source=Undefined", ()),
    "Google's macro says nothing": ("?gclid=%7Bgclid%7D", ()),
    "a macro with a default says nothing": ("?utm_term={keyword:shoes}", ()),
    "Meta's macro says nothing": ("?utm_campaign={{campaign.name}}", ()),
    "two of Meta's macros say nothing": ("?utm_campaign={{campaign.name}}_{{ad.name}}", ()),
    "TikTok's macro says nothing": ("?utm_content=__CID_NAME__", ()),
    "Mailchimp's macro says nothing": ("?mc_cid=*%7CCAMPAIGN_UID%7C*", ()),
    "a percent macro says nothing": ("?utm_source=%25%25SITE%25%25", ()),
    "a shell macro says nothing": ("?utm_source=${SOURCE}", ()),
    "a bracket macro says nothing": ("?utm_source=[SOURCE]", ()),
    "a macro in two brackets says nothing": ("?utm_campaign=[[CAMPAIGN_ID]]", ()),
    "Campaign Manager's macro says nothing": ("?dclid=%edclid!&utm_campaign=%ebuy!&utm_content=%epid!", ()),
    "Campaign Manager's macro says nothing when escaped": ("?dclid=%25edclid%21", ()),
    "an escape at the front is none of its macros": ("?utm_term=%e2%82%ac!", (("utm_term", "€!"),)),
    "half a macro is a name": ("?utm_campaign=spring_{adgroupid}", (("utm_campaign", "spring_{adgroupid}"),)),
    "an e-mail address in a tag is hidden": ("?utm_term=ann%40example.com", (("utm_term", REDACTED),)),
    "a card number in a tag is hidden": ("?utm_term=4111111111111111", (("utm_term", REDACTED),)),
    "an ad network's number is no card": ("?yclid=4111111111111111", (("yclid", "4111111111111111"),)),
    "a parameter of the page is no tag": ("?q=shoes&page=2", ()),
    "share noise is no tag": ("?igshid=x&si=y", ()),
}


@pytest.mark.parametrize(("tail", "tags"), TAGS.values(), ids=TAGS)
def test_tags_are_what_was_meant(tail: str, tags: tuple[tuple[str, str], ...]) -> None:
    """Campaign parameters and click ids, in order of appearance, the first that says something."""
    assert read_page(f"https://example.com/{tail}").tags == tags


def test_tags_have_at_most_500_characters() -> None:
    """A value is cut at 500 characters."""
    ((_, value),) = read_page("https://example.com/?utm_campaign=" + "ä" * 700).tags
    assert value == "ä" * 500


def test_a_provider_s_own_report_makes_the_same_tags() -> None:
    """Pairs that did not come in a URL are tidied alike."""
    pairs = [
        ("UTM_Source", " google "),
        ("gclid", ""),
        ("gclid", "x"),
        ("page", "2"),
        ("utm_term", "{keyword}"),
    ]
    assert tidy_tags(pairs) == (("utm_source", "google"), ("gclid", "x"))


HIDDEN = {
    "an e-mail address in the path": ("/u/ann@example.org/x", "/u/[redacted]/x"),
    "an escaped one": ("/u/ann%40example.org", "/u/[redacted]"),
    "one escaped twice": ("/u/ann%2540example.org", "/u/[redacted]"),
    "one of which every letter is escaped": ("/u/%61%6E%6E%40%65.%6F%72%67", "/u/[redacted]"),
    "an e-mail address in a value": ("?q=ann@example.org", "?q=[redacted]"),
    "only the address goes": ("?q=mail%20ann@example.org%20now", "?q=mail%20[redacted]%20now"),
    "an e-mail address as a name": ("?ann@example.org=1", "?[redacted]=1"),
    "a token": ("?t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "?t=[redacted]"),
    "a token without signature": ("/t/eyJhbGciOiJub25lIn0.e30.", "/t/[redacted]"),
    "a card number": ("?n=4111111111111111", "?n=[redacted]"),
    "a card number in groups": ("?n=4111+1111+1111+1111", "?n=[redacted]"),
    "a card number after an escape": ("?n=%204111111111111111", "?n=%20[redacted]"),
    "a card number with hyphens": ("/p/3782-822463-10005", "/p/[redacted]"),
    "thirteen digits": ("?n=4222222222222", "?n=[redacted]"),
    "nineteen digits": ("?n=6304000000000000001"[:-1] + "0", "?n=[redacted]"),
    "a number that fails the check stays": ("?n=4111111111111112", "?n=4111111111111112"),
    "twenty digits are no card": ("?n=41111111111111111111", "?n=41111111111111111111"),
    "twelve digits are no card": ("?n=411111111111", "?n=411111111111"),
    "a denied value": ("?email=x&q=1", "?email=[redacted]&q=1"),
    "a denied value in a nested URL": (
        "?r=https%3A%2F%2Fa.example%2F%3Ftoken%3Dabc",
        "?r=https://a.example/?token=[redacted]",
    ),
    "a session in the path": ("/a;jsessionid=F00/b", "/a;jsessionid=[redacted]/b"),
    "a denied name without a value": ("?token&email=", "?email=&token"),
    "an at sign that is no address": ("/@ann/pins", "/@ann/pins"),
    "coordinates": ("/maps/@51.5,-0.12,15z", "/maps/@51.5,-0.12,15z"),
}


@pytest.mark.parametrize(("tail", "shown"), HIDDEN.values(), ids=HIDDEN)
def test_personal_data_leaves_the_url(tail: str, shown: str) -> None:
    """E-mail addresses, tokens, card numbers and denied values become `[redacted]`."""
    slash = "" if tail.startswith("/") else "/"
    assert read_page(f"https://example.com{slash}{tail}").canonical == f"https://example.com{slash}{shown}"


DENIED = (
    "email mail phone tel token key auth password pwd otp session sid jwt signature access_token first_name "
    "last_name firstname lastName dob postcode user_email userEmail billing[phone] x-api-key Email "
    "PHPSESSID session_id"
)
ALLOWED = "keyword keywords monkey author hotel telly q page product name id lang obsession passage tokens"


@pytest.mark.parametrize(
    ("name", "denied"), [*((n, True) for n in DENIED.split()), *((n, False) for n in ALLOWED.split())]
)
def test_denied_names_are_whole_words(name: str, denied: bool) -> None:
    """A name is denied for a word of it, never for letters inside a word."""
    assert is_denied(name) is denied
    assert (role(name) is Role.DENIED) is denied


TEXTS = {
    "a title with an address": ("Thanks, ann@example.org!", "Thanks, [redacted]!"),
    "an address before a full stop": ("Write to ann@example.org.", "Write to [redacted]."),
    "an address in quotes": ('"ann lee"@example.org', REDACTED),
    "an address with an apostrophe": ("o'brien@example.org", REDACTED),
    "an address with letters beyond ASCII": ("änn@bücher.example", REDACTED),
    "an address with a wide at sign": ("ann＠example.org", REDACTED),
    "an address at an IP": ("ann@[192.0.2.1]", REDACTED),
    "two addresses": ("a@b.example c@d.example", "[redacted] [redacted]"),
    "a user at a machine without a domain": ("root@localhost", "root@localhost"),
    "a card in a sentence": ("Card 4111 1111 1111 1111 declined", "Card [redacted] declined"),
    "a card beside another number": ("20240115 4111111111111111 2", "20240115 [redacted] 2"),
    "a percentage": ("100% off, 50%25", "100% off, 50%25"),
    "plain words": ("Red shoes - Example", "Red shoes - Example"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "shown"), TEXTS.values(), ids=TEXTS)
def test_personal_data_leaves_other_texts(text: str, shown: str) -> None:
    """Titles and the like are cleaned alike, and cleaning twice changes nothing more."""
    assert clean_text(text) == shown
    assert clean_text(shown) == shown


ROUTES = {
    "a slash route": ("#/shop/a", "#/shop/a"),
    "a bang route": ("#!/shop/a/", "#!/shop/a"),
    "a bang without slash": ("#!shop", "#!/shop"),
    "its parameters": ("#/shop?b=2&a=1&utm_source=x", "#/shop?a=1&b=2"),
    "personal data in it": ("#/u/ann@example.org?token=x", "#/u/[redacted]?token=[redacted]"),
    "the root route": ("#/", ""),
    "a plain fragment": ("#part", ""),
}


@pytest.mark.parametrize(("fragment", "shown"), ROUTES.values(), ids=ROUTES)
def test_routes_in_the_fragment_are_kept_on_request(fragment: str, shown: str) -> None:
    """`#/` and `#!` are part of the address only where the site says so."""
    url = f"https://example.com/{fragment}"
    assert read_page(url, hash_routes=True).canonical == f"https://example.com/{shown}"
    assert read_page(url).canonical == "https://example.com/"


UNREADABLE = (
    "", " ", "example", "example.com/a", "//example.com/a", "ftp://example.com/", "mailto:ann@example.com",
    "javascript:alert(1)", "about:blank", "file:///etc/passwd", "https://", "https://?a=1", "https://.",
    "https://a..b/", "https://exa mple.com/", "https://example.com:99999/", "https://example.com:http/",
    "https://[::1/", "https://[zz]/", "https://%00/", "https://<x>/", "https://" + "a" * 254, "\x00\ud800",
    "android-app://com.example/",
)  # fmt: skip


@pytest.mark.parametrize("url", UNREADABLE, ids=repr)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    """Only http and https addresses with a host are pages."""
    with pytest.raises(BadUrl):
        read_page(url)


LONG = {
    "a long path is cut": ("https://example.com/" + "a" * 5_000, 2_048),
    "no escape is cut in two": ("https://example.com/" + "é" * 2_000, None),
    "long parameters go, short ones stay": ("https://example.com/?a=" + "x" * 3_000 + "&b=1", None),
    "many parameters are dropped whole": (
        "https://example.com/?" + "&".join(f"p{n}=1" for n in range(2_000)),
        None,
    ),
    "a long route goes": ("https://example.com/#/" + "r" * 3_000, None),
}


@pytest.mark.parametrize(("url", "length"), LONG.values(), ids=LONG)
def test_a_canonical_url_has_at_most_2048_characters(url: str, length: int | None) -> None:
    """What is too long is shortened at a place where nothing breaks."""
    canonical = read_page(url, hash_routes=True).canonical
    assert len(canonical) <= URL_LIMIT and (length is None or len(canonical) == length)
    assert read_page(canonical, hash_routes=True).canonical == canonical
    assert not canonical.endswith(("%", "%C", "%C3"))


def test_a_cut_shows_no_half_of_an_address() -> None:
    """Where reading stops, the part that is cut in two goes whole."""
    head = "https://example.com/?a="
    url = head + "x" * (READ_LIMIT - len(head) - 12) + "&b=ann.lee@example.org"
    assert "ann" in url[:READ_LIMIT] and "example.org" not in url[:READ_LIMIT]
    assert read_page(url).canonical == "https://example.com/"


REFERRERS = {
    "a web address": ("https://www.Google.com/search?q=x#top", "https://www.google.com/search?q=x"),
    "an app": ("android-app://com.Google.Android.gm/https/x", "android-app://com.google.android.gm/"),
    "an app of the other kind": ("ios-app://544007664/x", "ios-app://544007664/"),
    "no scheme": ("//example.org/a", "http://example.org/a"),
    "a host alone": ("example.org/a?b=1", "http://example.org/a?b=1"),
    "personal data": (
        "https://mail.example.org/?to=ann@example.com",
        "https://mail.example.org/?to=[redacted]",
    ),
    "tags": ("https://example.org/?gclid=x&a=1", "https://example.org/?a=1"),
    "nothing": ("", None),
    "null": ("null", None),
    "a blank page": ("about:blank", None),
    "words": ("foo bar", None),
    "a version number": ("v1.2.3", None),
    "an extension": ("chrome-extension://abcdef/page.html", None),
    "a file": ("file:///home/ann/page.html", None),
}


@pytest.mark.parametrize(("url", "clean"), REFERRERS.values(), ids=REFERRERS)
def test_a_referrer_is_cleaned_or_nothing(url: str, clean: str | None) -> None:
    """A referrer that names a sender has a storable spelling, and cleaning it twice changes nothing."""
    assert clean_referrer(url) == clean
    assert clean is None or clean_referrer(clean) == clean


DOMAINS = {
    "a sub-domain": ("www.shop.example.com", "example.com"),
    "a suffix of two parts": ("www.example.co.uk", "example.co.uk"),
    "a shop under a private suffix": ("a.shop-one.myshopify.com", "shop-one.myshopify.com"),
    "a page under a private suffix": ("ann.github.io", "ann.github.io"),
    "capitals": ("WWW.Example.Com", "example.com"),
    "a name beyond ASCII": ("www.bücher.de", "xn--bcher-kva.de"),
    "a private network's name": ("host.internal", "host.internal"),
    "a public suffix": ("co.uk", None),
    "an address": ("192.0.2.1", None),
    "an IPv6 address": ("[2001:db8::1]", None),
    "this machine": ("localhost", None),
    "nothing": ("", None),
    "binary": ("\x00\ud800", None),
    "endless": ("a." * 5_000 + "com", None),
}


@pytest.mark.parametrize(("host", "domain"), DOMAINS.values(), ids=DOMAINS)
def test_a_host_belongs_to_one_domain(host: str, domain: str | None) -> None:
    """The public suffix list decides, private suffixes included; addresses have no domain."""
    assert registrable_domain(host) == domain


WITHIN = {
    "itself": ("example.com", "example.com", True),
    "below": ("a.b.example.com", "example.com", True),
    "capitals and a closing dot": ("WWW.Example.com.", "example.COM", True),
    "letters before it": ("notexample.com", "example.com", False),
    "above": ("example.com", "www.example.com", False),
    "an address": ("192.0.2.1", "192.0.2.1", True),
    "an address is nobody's parent": ("10.192.0.2.1", "192.0.2.1", False),
    "this machine": ("localhost", "localhost", True),
    "nothing": ("example.com", "", False),
    "beyond ASCII": ("shop.xn--bcher-kva.de", "bücher.de", True),
}


@pytest.mark.parametrize(("host", "domain", "is_within"), WITHIN.values(), ids=WITHIN)
def test_a_domain_stands_for_itself_and_below(host: str, domain: str, is_within: bool) -> None:
    """A host is within a domain when it is the domain or ends in a dot and the domain."""
    assert host_within(host, ["other.example", domain]) is is_within


def test_shops_of_one_platform_are_strangers() -> None:
    """Own is what has the same registrable domain; a private suffix parts."""
    assert is_own_host("blog.example.com", ("shop.example.com",))
    assert not is_own_host("shop-b.myshopify.com", ("shop-a.myshopify.com",))
    assert is_own_host("localhost", ("localhost",)) and not is_own_host("127.0.0.1", ("localhost",))


ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=300)
BITS = (
    "/ // .. . ? & = # #/ #! % %25 %41 %2 %C3%A9 é ; @ : a B utm_source gclid email a@b.example %40 [ ] + - "
    "_ 4111111111111111 eyJabcde.fg.h [redacted] null {x} amp; token"
)
URL_BITS = st.lists(
    st.sampled_from([*BITS.split(), " ", "\\", "\x00", "\ud800", "\udcff", '"', "1 "]), max_size=25
).map("".join)


@given(URL_BITS | ANY_TEXT, st.booleans())
@example("?amp;amp;a=1", False)
@example("?a=%", False)
@example("a@b.example@c.example", False)
def test_a_canonical_url_is_its_own(tail: str, hash_routes: bool) -> None:
    """Reading what was read changes nothing, and it carries no tags and nothing personal."""
    page = read_page(f"https://example.com/{tail}", hash_routes=hash_routes)
    again = read_page(page.canonical, hash_routes=hash_routes)
    assert again.canonical == page.canonical
    assert again.tags == ()
    assert clean_text(page.canonical) == page.canonical
    assert page.canonical.isascii() and len(page.canonical) <= URL_LIMIT


@given(ANY_TEXT | URL_BITS)
def test_reading_never_fails_otherwise_than_by_bad_url(text: str) -> None:
    """Whatever is sent, the answer is a page or BadUrl; cleaning always answers."""
    for url in (text, f"https://{text}", f"https://example.com/{text}"):
        with suppress(BadUrl):
            read_page(url, hash_routes=True)
        clean = clean_referrer(url)
        assert clean is None or clean_referrer(clean) == clean
    assert clean_text(clean_text(text)) == clean_text(text)


EMAILS = st.emails().filter(lambda text: not set(text) & set("/#?&=[]%"))


@given(
    EMAILS,
    st.sampled_from(["/u/{}", "?q={}", "?q=x%20{}%20y", "#/r/{}", "?{}=1", "/a;b={}"]),
    st.integers(0, 4),
)
def test_no_e_mail_address_survives_in_any_encoding(email: str, place: str, layers: int) -> None:
    """However often an address is encoded, neither its name nor its host is left."""
    written = email
    for _ in range(layers):
        written = quote(written, safe="")
    page = read_page(f"https://example.com/{place.format(written)}", hash_routes=True)
    local, _, domain = email.rpartition("@")
    for _ in range(6):
        assert f"{local}@" not in page.canonical and f"@{domain}" not in page.canonical
        assert all(email not in value for _, value in page.tags)
        page = read_page(page.canonical, hash_routes=True)


@given(EMAILS)
def test_no_e_mail_address_survives_when_every_letter_is_escaped(email: str) -> None:
    """Escaping every byte, twice, hides nothing."""
    once = "".join(f"%{byte:02x}" for byte in email.encode())
    for written in (once, once.replace("%", "%25"), "".join(f"%{byte:02X}" for byte in once.encode())):
        assert (
            read_page(f"https://example.com/a/{written}/b").canonical == "https://example.com/a/[redacted]/b"
        )


@given(st.integers(13, 19), st.randoms(use_true_random=False), st.sampled_from(["", " ", "-"]))
def test_every_card_like_number_is_hidden(length: int, random, separator: str) -> None:
    """13 to 19 digits with a right check digit are hidden, in one run or in groups of four."""
    digits = [random.randrange(10) for _ in range(length - 1)]
    doubled = [
        sum(divmod(2 * digit, 10)) if at % 2 == 0 else digit for at, digit in enumerate(reversed(digits))
    ]
    number = "".join(map(str, digits)) + str(-sum(doubled) % 10)
    groups = [number[at : at + 4] for at in range(0, length, 4)]
    assert clean_text(f"n {separator.join(groups)}.") == "n [redacted]."


HOSTILE = {
    "letters": "a", "slashes": "/", "percents": "%", "nested escapes": "%25", "escaped at signs": "%2540",
    "at signs": "@", "address bits": "a@b.", "token bits": "eyJ", "digits": "1", "digit groups": "123 ",
    "single digits": "1 ", "quotes": '"a ', "parameters": "a=1&", "tags": "utm_source=a&", "dots": "../",
    "matrix parameters": ";sid=1", "nested parameters": "?token=1", "surrogates": "\ud800", "zeros": "\x00",
    "colons": ":", "letters beyond ASCII": "é", "brackets": "[",
}  # fmt: skip


@pytest.mark.parametrize("bit", HOSTILE.values(), ids=HOSTILE)
def test_hostile_input_takes_linear_time(bit: str) -> None:
    """200,000 characters of anything are read in well under a second; nothing is quadratic."""
    text = bit * (200_000 // len(bit))
    started = time.process_time()
    for url in (
        text,
        f"https://{text}",
        f"https://example.com/{text}",
        f"https://example.com/?{text}#/{text}",
    ):
        with suppress(BadUrl):
            read_page(url, hash_routes=True)
        clean_referrer(url)
    clean_text(text)
    assert time.process_time() - started < 5
