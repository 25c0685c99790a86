"""A site's own rules and the operator's lists: what they change, shown first, then made so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tracker.cli import main

HIT = {
    "fact": "hit", "site": "shop", "visitor_id": "v1", "url": "https://shop.test/",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
}  # fmt: skip
HITS = (
    {**HIT, "event_id": "a", "at": "2026-03-01T10:00:00Z", "url": "https://shop.test/?utm_source=wire&utm_medium=x"},
    {**HIT, "event_id": "b", "at": "2026-03-02T10:00:00Z", "referrer": "https://news.partner.example/"},
)  # fmt: skip
RULES = """
[[rule]]
name = "The wire is ours"
channel = "Own News"
source = "WIRE*"

[[source]]
source = "partner"
category = "email"
hosts = ".partner.example"
"""


def touchline(data: Path, *words: str) -> Result:
    """Run a verb."""
    return CliRunner().invoke(main, ["--data", str(data), *words])


@pytest.fixture
def shop(data: Path) -> Path:
    """Give a site with two sessions."""
    assert touchline(data, "site", "add", "shop", "--domain", "shop.test").exit_code == 0
    (data / "facts.jsonl").write_text("\n".join(json.dumps(hit) for hit in HITS))
    assert touchline(data, "load", str(data / "facts.jsonl"), "--drain").exit_code == 0
    return data


def channels(data: Path) -> list[str]:
    """Export the sessions' channels, oldest first."""
    lines = touchline(data, "export", "sessions", "--format", "jsonl").stdout.splitlines()
    return [json.loads(line)["channel"] for line in lines]


def test_a_sites_rules_are_shown_then_applied_to_history(shop: Path) -> None:
    """A dry run tells what would differ; without it history follows the rules, and `verify` agrees."""
    (shop / "rules.toml").write_text(RULES)
    before = channels(shop)
    shown = touchline(shop, "site", "rules", "shop", str(shop / "rules.toml"), "--dry-run")
    assert "Own News" in shown.stdout
    assert channels(shop) == before == ["Unassigned", "Referral"]
    assert touchline(shop, "site", "rules", "shop", str(shop / "rules.toml")).exit_code == 0
    assert channels(shop) == ["Own News", "Email"]
    assert touchline(shop, "verify").exit_code == 0
    (shop / "rules.toml").write_text("")
    touchline(shop, "site", "rules", "shop", str(shop / "rules.toml"))
    assert channels(shop) == before


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        pytest.param("[[rule]]\nname = 'x'", "rule[0].channel", id="a rule without a channel"),
        pytest.param(
            "[[source]]\nsource = 'x'\ncategory = 'odd'", "source[0].category", id="an odd category"
        ),
        pytest.param("switched_off = ['x']", "switched_off", id="a deviation that there is not"),
        pytest.param("switched_off = [['x']]", "switched_off", id="a deviation that is a list"),
        pytest.param("rule = 1", "write [[rule]] before each", id="a rule that is no table"),
        pytest.param("source = false", "write [[source]] before each", id="a source that is no table"),
        pytest.param(
            "[[source]]\nsource = 'x'\ncategory = 'email'\nhosts = [1]",
            "source[0].hosts",
            id="a host that is a number",
        ),
        pytest.param("rules = 1", "rules", id="a name that nobody knows"),
        pytest.param("[[rule", "no TOML", id="no TOML"),
    ],
)
def test_rules_that_cannot_be_used_say_where(shop: Path, rules: str, said: str) -> None:
    """A wrong part is named, and nothing changes."""
    (shop / "rules.toml").write_text(rules)
    refused = touchline(shop, "site", "rules", "shop", str(shop / "rules.toml"))
    assert refused.exit_code == 2
    assert said in refused.stderr


def test_an_imported_list_decides_after_a_rebuild(shop: Path) -> None:
    """The operator's list adds senders; history follows when the views are made anew."""
    (shop / "Socials.yml").write_text("Partner Net:\n  - news.partner.example\n")
    assert touchline(shop, "sources", "import", str(shop / "Socials.yml")).exit_code == 0
    assert touchline(shop, "verify").exit_code == 1
    assert touchline(shop, "rebuild").exit_code == 0
    assert channels(shop)[1] == "Organic Social"
    assert touchline(shop, "verify").exit_code == 0
