"""Hosts of pages, origins and requests: one spelling, and no look-alike taken for a site's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.urls import read_page
from tracker.errors import BadUrl
from tracker.web.origins import is_of, origin_host, page_host, request_host, speaks_for

SITE = ("example.com", "shop.example.org", "localhost", "127.0.0.1")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.example.com/a?b#c", "www.example.com"),
        ("HTTPS://WWW.Example.COM", "www.example.com"),
        ("http://example.com:8080/", "example.com"),
        ("http://example.com./", "example.com"),
        ("https://user:pw@example.com/", "example.com"),
        ("https://example.com@evil.test/", "evil.test"),
        ("https://example.com\\@evil.test/", "example.com"),
        ("https://example.com#@evil.test/", "example.com"),
        ("https://example.com?@evil.test/", "example.com"),
        ("https://münchen.example/", "xn--mnchen-3ya.example"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ("http://127.0.0.1:8000/", "127.0.0.1"),
        ("ftp://example.com/", None),
        ("javascript:alert(1)", None),
        ("//example.com/", None),
        ("https://", None),
        ("https:///path", None),
        ("https://exa mple.com/", None),
        ("https://example.com:99999x/", None),
        ("android-app://com.example/", None),
        ("", None),
        ("\ud800", None),
    ],
)
def test_page_host(url: str, host: str | None) -> None:
    """A page's host is that which a browser would ask, or none."""
    assert page_host(url) == host


@given(
    st.one_of(
        st.text(max_size=60),
        st.text(max_size=30).map("https://example.com".__add__),
        st.from_regex(r"https?://[a-z@:.\\/?#%\[\]é]{0,30}", fullmatch=True),
    )
)
def test_a_host_is_the_one_that_the_store_will_see(url: str) -> None:
    """What passes as a page of a host is stored as a page of that very host, or not at all."""
    host = page_host(url)
    try:
        page = read_page(url)
    except BadUrl:
        return
    assert host is None or page.host == host


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("example.com", True),
        ("www.example.com", True),
        ("a.b.example.com", True),
        ("shop.example.org", True),
        ("example.org", False),
        ("notexample.com", False),
        ("example.com.evil.test", False),
        ("localhost", True),
        ("127.0.0.1", True),
        ("1.127.0.0.1", False),
    ],
)
def test_a_domain_stands_for_itself_and_what_is_below(host: str, is_own: bool) -> None:
    """A site's domain covers its sub-domains, never its parents or look-alikes."""
    assert is_of(host, SITE) is is_own


@pytest.mark.parametrize(
    ("origin", "may_speak"),
    [
        ("https://www.example.com", True),
        ("http://localhost:5500", True),
        ("https://evil.test", False),
        ("null", False),
        ("", False),
        ("https://example.com/path", False),
        ("https://example.com@evil.test", False),
        ("chrome-extension://abc", False),
        ("https://example.com https://evil.test", False),
        ("file://", False),
    ],
)
def test_only_a_site_s_pages_may_speak_for_it(origin: str, may_speak: bool) -> None:
    """An Origin header must be a web page's, on the site's domains."""
    assert speaks_for(origin, SITE) is may_speak


def test_an_opaque_origin_has_no_host() -> None:
    """A sandboxed frame sends `null`: nobody's page."""
    assert origin_host("null") is None


@pytest.mark.parametrize(
    ("header", "host"),
    [("Example.com:8000", "example.com"), ("[::1]:8000", "[::1]"), ("localhost", "localhost"), ("", "")],
)
def test_request_host(header: str, host: str) -> None:
    """A Host header's port is not part of its host."""
    assert request_host(header) == host
