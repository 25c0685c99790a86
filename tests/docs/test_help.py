"""What the manual and the README tell to type is there: verbs, options, settings, links."""

from __future__ import annotations

import re
import shlex
from contextlib import closing
from pathlib import Path

import click
import pytest

from tests.conftest import own_folder
from tracker.cli import main
from tracker.cli.pools import HOLD
from tracker.config import SETTINGS
from tracker.core import candidates, matching
from tracker.core.contacts import blocked_email
from tracker.core.evidence import Guards
from tracker.core.numbers import size_for
from tracker.core.times import DAY_MS, MINUTE_MS
from tracker.core.whys import EVIDENCE
from tracker.leases import PAST_MS
from tracker.model import Pool
from tracker.store import exports
from tracker.store.db import open_store

ROOT = Path(__file__).parents[2]
HELP = ROOT / "tracker" / "web" / "help"
PAGES = [ROOT / "README.md", *sorted(HELP.glob("*.md"))]
COMMAND = re.compile(r"(?:^|`|\$ |/)(touchline [a-z][^`\n]*)", re.MULTILINE)


def commands(text: str) -> list[list[str]]:
    """Find the lines to type: in code, without their comments."""
    found = (shlex.split(line, comments=True) for line in COMMAND.findall(text))
    return [words[1:] for words in found]


def complaint(words: list[str]) -> str | None:
    """Say what of a command is not there: the verb, or an option."""
    command: click.Command = main
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        own = command.get_command(click.Context(command), rest.pop(0)) if rest[0][0] != "-" else None
        if own is None:
            return f"no such verb: {words}"
        command = own
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {
        "--help"
    }
    for word in rest:
        if word.startswith("--") and word.partition("=")[0] not in known:
            return f"no such option: {word} in {words}"
    choices = (each.type.choices for each in command.params if isinstance(each, click.Argument)
               and isinstance(each.type, click.Choice))  # fmt: skip
    first = next(choices, None)
    if first is not None and rest and rest[0][0] != "-" and rest[0] not in first:
        return f"no such thing: {rest[0]} in {words}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_told_exists(page: Path) -> None:
    """Verbs, what they take first, and options, in blocks and in sentences."""
    told = commands(page.read_text("utf-8"))
    assert told or page.name == "datasette.md"
    assert [problem for words in told if (problem := complaint(words)) is not None] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_tag_and_address_that_is_told_works_on_the_web(page: Path) -> None:
    """A tag is printed with the collector's address, and nobody's e-mail address is one that names nobody."""
    text = page.read_text("utf-8")
    tags = [words for words in commands(text) if words[:1] == ["snippet"] and len(words) > 1]
    assert [words for words in tags if "--url" not in words] == []
    told = re.findall(r'(?:"email": "|email: "|email:|--email |mail-token )([\w.]+@[\w.]+)', text)
    assert [email for email in told if blocked_email(email) is not None] == []


def test_every_export_that_is_told_has_its_columns_and_its_view() -> None:
    """What the page says to begin with is a column, and the file has a view of the name that is told."""
    text = (HELP / "exports.md").read_text("utf-8")
    told = {
        name: re.findall(r"`(\w+)`", row)
        for name, row in re.findall(r"^\| `(\w+)` .*\| (.*) \|$", text, re.M)
    }
    assert told.keys() == exports.EXPORTS.keys()
    told["account_journeys"] = told["journeys"]
    assert "`ownership` is called `ownerships` there" in text
    with own_folder() as folder, closing(open_store(folder, write=True)) as db:
        for name, columns in told.items():
            assert set(columns) <= set(exports.columns(db, name))
            view = "ownerships" if name == "ownership" else name
            assert db.execute("SELECT type FROM sqlite_master WHERE name = ?", [view]).fetchone() == ("view",)


def test_a_command_that_is_not_there_is_seen() -> None:
    """The test above would see it."""
    for line in ("sprout", "export everything", "export leads --wings", "site shed"):
        assert complaint(line.split()) is not None


@pytest.mark.parametrize("page", sorted(HELP.glob("*.md")), ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    """A page that is named by a link is there."""
    links = re.findall(r"\]\(([a-z]+\.md)\)", page.read_text("utf-8"))
    assert [link for link in links if not (HELP / link).exists()] == []


def test_the_page_on_numbers_tells_the_times_that_hold() -> None:
    """Hold, grace, click and memory, confidences and the worked example, as the code has them."""
    text = (HELP / "numbers.md").read_text("utf-8")
    hold = Pool("main", (), "").hold_s // 60
    assert f"held for {hold} minutes more (`--hold {hold}m`)" in text and f"{hold}m" == HOLD
    assert f"until {candidates.GRACE_MS // MINUTE_MS} minutes after it was last" in text
    assert (candidates.EARLY_MS, candidates.CLICK_MS) == (MINUTE_MS, 2 * MINUTE_MS)
    assert f"from {matching.LEASE_BEST * 100:.0f} % to {matching.LEASE_LEAST * 100:.0f} %" in text
    assert f"within the last {PAST_MS // DAY_MS} days" in text
    assert f"24 are in use on average, and {size_for(24.0)} are enough" in text


def test_the_page_on_hooks_tells_how_long_messages_are_kept() -> None:
    """The days are those of the setting."""
    days = next(each.default for each in SETTINGS if each.name == "raw_days")
    assert f"for {days} days (`raw_days`)" in (HELP / "hooks.md").read_text("utf-8")


def test_the_page_on_identity_names_every_rule_and_limit() -> None:
    """Each rule has its line, each setting is one that there is, with the value that it usually has."""
    text = (HELP / "identity.md").read_text("utf-8")
    for rule in (*(rule for rule in EVIDENCE if rule[0] == "R"), "R0", "R7"):
        assert f"\n| {rule} |" in text
    limits = dict(re.findall(r"^\| `(\w+)` \| `?(\w+)`? \|", text, re.MULTILINE))
    defaults = {each.name: each.default for each in SETTINGS}
    assert limits == {name: defaults[name] for name in limits}
    assert limits.keys() == {
        "same_device_emails", "phone_shared_emails", "phone_shared_visitors", "phone_fresh_days",
        "email_shared_visitors",
    }  # fmt: skip
    assert f"beyond {Guards().person_identifiers} identifiers" in text
