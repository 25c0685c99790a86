"""The tag that loads the script, and the build that it pins."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tracker.model import Site, SiteKey
from tracker.web import snippet
from tracker.web.snippet import ETAG, INTEGRITY, SCRIPT, STUB, VERSION

STATIC = Path(__file__).parents[2] / "static"
STUB_LIMIT_BYTES = 700


def attributes_of(tag: str) -> dict[str, str | None]:
    """Read the attributes of the last script tag."""
    found: list[dict[str, str | None]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda _, attributes: found.append(dict(attributes))  # type: ignore[method-assign]
    parser.feed(tag)
    return found[-1]


def test_the_tag_pins_the_script_by_address_and_hash() -> None:
    """The version in the address and the integrity value are those of the very bytes that are served."""
    digest = hashlib.sha384(SCRIPT).digest()
    assert (STATIC / "tracker.min.js").read_bytes() == SCRIPT
    assert base64.b64encode(digest).decode() == INTEGRITY.removeprefix("sha384-")
    assert digest.hex()[:12] == VERSION == ETAG.strip('"')
    assert attributes_of(snippet.snippet("acme", "https://www.acme.test/t")) == {
        "async": None,
        "src": f"https://www.acme.test/t/v{VERSION}/tracker.js",
        "data-site": "acme",
        "integrity": INTEGRITY,
        "crossorigin": "anonymous",
    }


def test_the_tag_without_a_version_has_no_hash() -> None:
    """An address that always has the newest script cannot be held to one script."""
    tag = snippet.snippet("acme", "https://www.acme.test/", versioned=False)
    assert tag == '<script async src="https://www.acme.test/tracker.js" data-site="acme"></script>'


@pytest.mark.parametrize("state", ["required", "granted", "denied"])
def test_the_tag_says_what_there_is_to_say_of_consent(state: Any) -> None:
    """A site that requires consent gets it into its tag."""
    assert attributes_of(snippet.snippet("acme", "http://a.test", consent=state))["data-consent"] == state


def site_of(*domains: str) -> Site:
    """Make a site of these domains."""
    return Site(SiteKey("acme"), domains)


@pytest.mark.parametrize(
    ("domains", "named"),
    [
        pytest.param(("acme.test",), None, id="one domain"),
        pytest.param(("www.acme.co.uk", "blog.acme.co.uk"), None, id="two that share their cookie"),
        pytest.param(("www.acme.co.uk", "acme.com"), "acme.co.uk,acme.com", id="two that do not"),
        pytest.param(("localhost", "127.0.0.1"), "localhost,127.0.0.1", id="hosts without a domain"),
    ],
)
def test_the_tag_names_the_domains_where_links_must_carry_the_visitor_over(
    domains: tuple[str, ...], named: str | None
) -> None:
    """As wide as their cookies reach: sub-domains need no links."""
    found = attributes_of(snippet.site_snippet(site_of(*domains), "http://a.test"))
    assert found.get("data-domains") == named


@pytest.mark.parametrize("name", snippet.PARTS)
def test_the_script_pins_its_parts_by_address_and_hash(name: str) -> None:
    """Who trusts the script's hash trusts theirs, and an upgrade takes neither away."""
    part = snippet.PARTS[name]
    digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
    version = digest[:6].encode().hex()
    assert f'{name}:"sha256-{digest}"' in SCRIPT.decode()
    assert snippet.script(version) == part


def test_hostile_values_stay_inside_their_attributes() -> None:
    """Keys and addresses are written as text."""
    found = attributes_of(snippet.snippet('a"><b>', 'http://a.test/"onload="x', versioned=False))
    assert found == {
        "async": None,
        "src": 'http://a.test/"onload="x/tracker.js',
        "data-site": 'a"><b>',
    }


def test_the_stub_is_small_and_comes_first() -> None:
    """The queue for early calls is optional and at most 700 bytes."""
    with_stub = snippet.snippet("acme", "http://a.test", stub=True)
    assert with_stub == f"<script>{STUB}</script>\n" + snippet.snippet("acme", "http://a.test")
    assert len(STUB.encode()) <= STUB_LIMIT_BYTES


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("0" * 12, id="one that never was"),
        pytest.param("", id="none"),
        pytest.param("../tracker.min", id="a path"),
        pytest.param(VERSION[:-1], id="a part of one"),
    ],
)
def test_only_builds_that_were_are_served(version: str) -> None:
    """An unknown version is nothing; the current one is the script."""
    assert snippet.script(version) is None
    assert snippet.script(VERSION) == SCRIPT


def test_a_released_build_outlives_an_upgrade(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A build that stands beside the current one is served under its own version."""
    (tmp_path / "tracker.0123456789ab.js").write_bytes(b"old")
    monkeypatch.setattr(snippet, "_folder", lambda: tmp_path)
    assert snippet.script("0123456789ab") == b"old"


def test_every_released_build_is_the_one_it_says() -> None:
    """A kept build's name is the beginning of its hash."""
    for path in STATIC.glob("*.????????????.js"):
        name, version, _ = path.name.split(".")
        own = hashlib.sha384(path.read_bytes()).hexdigest()[:12]
        assert version == (own if name == "tracker" else snippet.part_version(path.read_bytes()))


def test_the_types_know_every_call_and_option() -> None:
    """tracker.d.ts names the calls and attributes that the source documents."""
    source, types = ((STATIC / name).read_text("utf-8") for name in ("tracker.js", "tracker.d.ts"))
    head = source[: source.index("*/\n(function")]
    calls = set(re.findall(r"^ \*   touchline\(\"(\w+)\"", head, re.M))
    assert calls == set(re.findall(r"command: \"(\w+)\"", types))
    attributes = set(re.findall(r"^ \*   data-([a-z-]+) ", head, re.M)) - {
        "tl-append",
        "tl-form",
        "tl-noswap",
        "tl-private",
    }
    options = re.findall(r"^    (\w+)\?: .*;$", types[: types.index("type TouchlineConsent")], re.M)
    assert attributes == {re.sub("[A-Z]", lambda found: "-" + found[0].lower(), name) for name in options}
