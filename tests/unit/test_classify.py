"""`touchline classify`: the rules over lines of JSON, without a server and without data."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.unit.agents import BY_NAME
from tracker.cli import main
from tracker.model import Site, SiteKey
from tracker.store.db import open_store

CHROME = BY_NAME["Chrome on Windows"].user_agent
FIELDS = (
    "source medium campaign term content channel rule click_ids is_bot bot_reason browser browser_version os "
    "os_version device canonical_url"
)


def run(*lines: object, data: Path | None = None) -> list[dict[str, Any]]:
    """Classify lines: bytes as they are, all else as JSON."""
    raw = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    found = CliRunner().invoke(main, [*(["--data", str(data)] if data else []), "classify"], input=raw)
    assert found.exit_code == 0, found.output
    return [json.loads(line) for line in found.stdout.splitlines()]


def test_a_line_comes_back_with_its_answer() -> None:
    """Every field of the answer beside every field of the question, unknown ones too."""
    line = {
        "url": "https://Shop.Example.com/a/?b=1&utm_campaign=Spring&utm_term=t&utm_content=c&gclid=x&mc_eid=y",
        "referrer": "https://www.google.com/",
        "user_agent": CHROME,
        "client_hints": {"platform": "Windows", "platformVersion": "15.0.0"},
        "mark": 7,
    }
    (answer,) = run(line)
    assert answer == {
        **line,
        "source": "google", "medium": "cpc", "campaign": "Spring", "term": "t", "content": "c",
        "channel": "Paid Search", "rule": "campaign:paid_search",
        "click_ids": [
            {"name": "gclid", "value": "x", "network": "google", "kind": "paid"},
            {"name": "mc_eid", "value": "y", "network": "mailchimp", "kind": "mail"},
        ],
        "is_bot": False, "bot_reason": None, "browser": "Chrome", "browser_version": "125.0.0",
        "os": "Windows", "os_version": "11", "device": "desktop",
        "canonical_url": "https://shop.example.com/a?b=1",
    }  # fmt: skip
    assert set(answer) == {*line, *FIELDS.split()}


BOTS = {
    "a person": ({"user_agent": CHROME}, False, None),
    "no user agent": ({}, None, None),
    "null as user agent": ({"user_agent": None}, None, None),
    "an empty user agent": ({"user_agent": ""}, True, "empty_user_agent"),
    "a crawler": ({"user_agent": "Googlebot/2.1"}, True, "spider"),
    "an AI agent": ({"user_agent": "GPTBot/1.2"}, True, "ai_agent:GPTBot"),
    "a driven browser": ({"user_agent": CHROME, "client_hints": {"webdriver": True}}, True, "webdriver"),
    "a driven browser without a name": ({"client_hints": {"webdriver": True}}, True, "webdriver"),
    "a browser that is not driven": (
        {"user_agent": CHROME, "client_hints": {"webdriver": False}},
        False,
        None,
    ),
}


@pytest.mark.parametrize(("given", "is_bot", "reason"), BOTS.values(), ids=BOTS)
def test_bots_are_told_with_their_reason(
    given: dict[str, Any], is_bot: bool | None, reason: str | None
) -> None:
    """Nothing is said where no user agent was given; an empty one is a bot's."""
    (answer,) = run({"url": "https://example.com/", **given})
    assert (answer["is_bot"], answer["bot_reason"]) == (is_bot, reason)


OWN = {
    "its own registrable domain": (
        {"url": "https://shop.example.com/", "referrer": "https://example.com/"},
        "own_domain",
    ),
    "another domain": ({"url": "https://shop.example.com/", "referrer": "https://other.example/"}, None),
    "a domain that is named": (
        {"url": "https://a.example/", "referrer": "https://b.example/", "site_domains": ["b.example"]},
        "own_domain",
    ),
    "domains that are named replace the URL's": (
        {"url": "https://a.example/", "referrer": "https://a.example/", "site_domains": ["b.example"]},
        None,
    ),
    "domains as addresses": (
        {
            "url": "https://a.example/",
            "referrer": "https://b.example/",
            "site_domains": ["https://B.example/x"],
        },
        "own_domain",
    ),
    "a machine without a domain": (
        {"url": "http://localhost:8000/", "referrer": "http://localhost:8000/a"},
        "own_domain",
    ),
    "a payment provider": ({"url": "https://a.example/", "referrer": "https://www.paypal.com/"}, "payment"),
    "a referrer without a page": ({"referrer": "https://accounts.google.com/"}, "login"),
}


@pytest.mark.parametrize(("line", "aside"), OWN.values(), ids=OWN)
def test_the_rule_says_what_was_set_aside(line: dict[str, Any], aside: str | None) -> None:
    """Own domains are the named ones, else the URL's own; a passage is direct and says so."""
    (answer,) = run(line)
    expected = ("Direct", f"not_a_source:{aside}") if aside else ("Referral", "referrer:referral")
    assert (answer["channel"], answer["rule"]) == expected


BAD = {
    "no JSON": b"nope",
    "half of it": b'{"url": "https://example.com/"',
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "two objects": b'{"url": "https://a.example/"} {}',
    "nothing to classify": b"{}",
    "a URL of the wrong type": b'{"url": 7}',
    "no web address": b'{"url": "nope"}',
    "an empty URL": b'{"url": ""}',
    "a referrer of the wrong type": b'{"url": "https://a.example/", "referrer": []}',
    "hints of the wrong type": b'{"url": "https://a.example/", "client_hints": "x"}',
    "domains of the wrong type": b'{"url": "https://a.example/", "site_domains": "a.example"}',
    "an unknown site": b'{"url": "https://a.example/", "site": "nosuch"}',
    "binary": b"\xff\xfe\x00\x01",
    "half a surrogate": b'{"url": "https://a.example/\\ud800"}',
    "a deep nest": b"[" * 100_000 + b"]" * 100_000,
}


@pytest.mark.parametrize("line", BAD.values(), ids=BAD)
def test_a_bad_line_has_its_error_in_place(line: bytes, data: Path) -> None:
    """The run goes on: the lines before and after are answered, and nothing is made in the data directory."""
    good = {"url": "https://a.example/?gclid=x"}
    before, error, after = run(good, line, good, data=data)
    assert before == after and before["channel"] == "Paid Search"
    assert list(error) == ["error"] and error["error"]
    assert list(data.iterdir()) == []


def test_blank_lines_and_a_byte_order_mark_say_nothing() -> None:
    """Files end in blank lines and some begin with a mark; neither is an answer or an error."""
    assert len(run(b'\xef\xbb\xbf{"url": "https://a.example/"}', b"", b"  ", b"\r")) == 1


def test_a_huge_line_is_answered() -> None:
    """A URL of a megabyte has a canonical form of 2,048 characters."""
    (answer,) = run({"url": "https://a.example/" + "x" * 1_000_000, "user_agent": "y" * 1_000_000})
    assert len(answer["canonical_url"]) == 2_048


def test_a_site_of_the_data_directory_brings_its_domains(data: Path) -> None:
    """A line that names a site is decided with that site's domains."""
    from tracker.store import sites

    with closing(open_store(data, write=True)) as db:
        sites.add_site(db, Site(SiteKey("shop"), ("a.example", "b.example")))
    answer, other = run(
        {"url": "https://a.example/", "referrer": "https://b.example/", "site": "shop"},
        {"url": "https://a.example/", "referrer": "https://b.example/"},
        data=data,
    )
    assert answer["rule"] == "not_a_source:own_domain" and other["channel"] == "Referral"


def test_no_setting_and_no_server_is_needed(data: Path) -> None:
    """The verb answers from any directory, whatever the data directory is, and leaves nothing behind."""
    done = subprocess.run(
        [sys.executable, "-m", "tracker", "--data", str(data / "none"), "classify"],
        input=b'{"url": "https://a.example/?fbclid=x"}\n', capture_output=True, check=True, cwd=data,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert json.loads(done.stdout)["channel"] == "Organic Social"
    assert done.stderr == b"" and not (data / "none").exists()


def test_public_lists_are_imported_for_the_site(data: Path) -> None:
    """`sources import` keeps lists in the data directory, and a named site is decided by them."""
    from tracker.store import sites

    (data / "Socials.yml").write_text("New Place:\n  - newplace.example\n")
    found = CliRunner().invoke(main, ["--data", str(data), "sources", "import", str(data / "Socials.yml")])
    assert found.exit_code == 0 and found.stdout.strip() == str(data / "sources-overlay.csv")
    with closing(open_store(data, write=True)) as db:
        sites.add_site(db, Site(SiteKey("shop"), ("a.example",)))
    (answer,) = run(
        {"url": "https://a.example/", "referrer": "https://newplace.example/", "site": "shop"}, data=data
    )
    assert (answer["source"], answer["channel"]) == ("new-place", "Organic Social")


@pytest.mark.parametrize("text", ["[1, 2", "- a", "{}}", "\x00"], ids=repr)
def test_a_file_that_is_no_list_is_refused(text: str, data: Path) -> None:
    """Wrong use: exit code 2 and a sentence, no traceback and no file."""
    (data / "Socials.yml").write_text(text)
    found = CliRunner().invoke(main, ["--data", str(data), "sources", "import", str(data / "Socials.yml")])
    assert found.exit_code == 2 and "Traceback" not in found.output
    assert not (data / "sources-overlay.csv").exists()
