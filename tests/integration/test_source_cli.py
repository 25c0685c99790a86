"""The verbs of providers' webhooks: connect, list, rotate, remove, try, replay."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.unit.providers.recorded import FOLDER
from tracker.cli import main
from tracker.keys import workspace_key
from tracker.providers import NAMES
from tracker.store.db import open_store
from tracker.store.hooks import find_hook, open_secrets


def run(data: Path, *words: str, stdin: str | None = None) -> Result:
    """Run a verb."""
    return CliRunner().invoke(main, ["--data", str(data), *words], input=stdin)


@pytest.fixture
def shop(data: Path) -> Path:
    """Give a data directory with the site shop."""
    assert (
        run(data, "site", "add", "shop", "--domain", "shop.test", "--timezone", "Europe/London").exit_code
        == 0
    )
    return data


@pytest.mark.parametrize("name", NAMES)
def test_every_provider_can_be_connected(name: str, shop: Path) -> None:
    """It prints an address that names the provider, and steps in which that address stands."""
    secret = "user:word" if name == "pipedrive" else "word"
    done = run(shop, "source", "add", "shop", name, "--secret", secret, "--format", "json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["url"].startswith("http://127.0.0.1:8000/hooks/")
    assert said["url"].endswith(f"/{name}")
    assert any(said["url"] in step for step in said["steps"])


def test_the_address_alone_is_on_stdout(shop: Path) -> None:
    """What is to be entered can be piped; how is said on stderr."""
    done = run(shop, "source", "add", "shop", "typeform", "--url", "https://shop.test/t/")
    assert done.stdout.strip().startswith("https://shop.test/t/hooks/")
    assert "1. " in done.stderr
    assert "this address alone is what proves a sender" in done.stderr


def test_a_secret_that_nobody_will_prove_is_said_to_be_of_no_use(shop: Path) -> None:
    """Whoever thinks that Jotform's deliveries are signed learns that the address is the secret."""
    done = run(shop, "source", "add", "shop", "jotform", "--secret", "word")
    assert done.exit_code == 0
    assert "Jotform proves nothing" in done.stderr


WRONG = {
    "a site that is not there": (("nowhere", "typeform"), "there is no site 'nowhere'"),
    "a provider that is not there": (("shop", "fax"), "there is no provider 'fax'; there are aircall,"),
    "an empty secret": (("shop", "typeform", "--secret", " "), "the secret is empty"),
    "a password without its user": (
        ("shop", "pipedrive", "--secret", "word"),
        "write --secret USER:PASSWORD",
    ),
    "a map without a path": (("shop", "generic", "--map", "email"), "write NAME=VALUE"),
    "a map without a field": (("shop", "generic", "--map", "=who"), "write NAME=VALUE"),
    "a map for what needs none": (
        ("shop", "callrail", "--map", "email=who"),
        "--map: CallRail needs no field map",
    ),
    "an option that nothing reads": (
        ("shop", "generic", "--option", "kimd=call"),
        "write one of fact, kind,",
    ),
    "an option of a CRM elsewhere": (
        ("shop", "typeform", "--option", "won=1"),
        "--option: Typeform takes none",
    ),
    "an address without https": (
        ("shop", "typeform", "--url", "shop.test/t"),
        "--url: write an address that",
    ),
    "an address that a page would run": (
        ("shop", "typeform", "--url", 'https://a.test/"><b>'),
        "write an address such as https://",
    ),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_connected_is_refused_with_words(
    words: tuple[str, ...], said: str, shop: Path
) -> None:
    """Exit code 2, and what to write instead."""
    done = run(shop, "source", "add", *words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_secret_is_changed_without_a_gap_and_shown_nowhere(shop: Path) -> None:
    """Both count for a while; no verb prints either."""
    run(shop, "source", "add", "shop", "typeform", "--secret", "old-words")
    done = run(shop, "source", "rotate", "1", "--secret", "new-words", "--keep", "1")
    assert done.exit_code == 0
    with closing(open_store(shop)) as db:
        secrets = open_secrets(find_hook(db, 1), key=workspace_key(shop, os.environ))
    assert secrets.valid(0) == ("new-words", "old-words")
    assert secrets.valid(2**50) == ("new-words",)
    shown = run(shop, "source", "show", "1").output + run(shop, "source", "list").output
    assert "words" not in shown


def test_stages_of_a_crm_are_named_by_options(shop: Path) -> None:
    """As the page of CRMs tells it."""
    words = ("--option", "won=4410022", "--option", "lost=4410023,4410024")
    assert run(shop, "source", "add", "shop", "hubspot", "--secret", "s", *words).exit_code == 0
    with closing(open_store(shop)) as db:
        assert find_hook(db, 1).options == {"won": "4410022", "lost": "4410023,4410024"}


def test_a_secret_may_come_by_stdin(shop: Path) -> None:
    """It need not stand in the shell's history: `-` reads a line, for a new source and for a change."""
    assert run(shop, "source", "add", "shop", "typeform", "--secret", "-", stdin="old\n").exit_code == 0
    assert run(shop, "source", "rotate", "1", "--secret", "-", stdin="new\r\n").exit_code == 0
    with closing(open_store(shop)) as db:
        secrets = open_secrets(find_hook(db, 1), key=workspace_key(shop, os.environ))
    assert secrets.valid(0) == ("new", "old")
    assert run(shop, "source", "add", "shop", "typeform", "--secret", "-", stdin="").exit_code == 2


def test_a_secret_that_comes_after_the_address_is_given_to_the_same_source(shop: Path) -> None:
    """Providers that show it only then: what is printed names the verb and the source's number."""
    made = run(shop, "source", "add", "shop", "tawkto")
    assert "touchline source rotate 1 --secret -" in made.stderr
    done = run(shop, "source", "rotate", "1", "--secret", "shown")
    assert "from now on a delivery is proved by this secret" in done.stderr
    assert run(shop, "source", "show", "1").stdout == made.stdout


def test_an_address_of_this_machine_is_said_to_be_one(shop: Path) -> None:
    """A provider on the web cannot reach it: how to name another is told, unless one is named."""
    assert "--url" in run(shop, "source", "add", "shop", "typeform").stderr
    (shop / "touchline.toml").write_text('public_url = "https://shop.test/t"\n')
    assert "--url" not in run(shop, "source", "show", "1").stderr
    assert run(shop, "source", "show", "1").stdout.startswith("https://shop.test/t/hooks/")


def test_a_removed_source_is_listed_no_more(shop: Path) -> None:
    """Its number leads nowhere from then on."""
    run(shop, "source", "add", "shop", "typeform")
    assert run(shop, "source", "list").stdout.startswith("1\tshop\ttypeform\t")
    assert run(shop, "source", "remove", "1").exit_code == 0
    assert run(shop, "source", "list").stdout == ""
    assert run(shop, "source", "show", "1").exit_code == 2


def test_a_pasted_payload_shows_its_facts_and_keeps_nothing(shop: Path) -> None:
    """`source try` needs no source, and no server."""
    payload = FOLDER / "callrail_post_call.json"
    done = run(shop, "source", "try", "callrail", str(payload), "--site", "shop")
    assert done.exit_code == 0, done.output
    fact = json.loads(done.stdout)
    assert (fact["fact"], fact["kind"], fact["site"]) == ("lead", "call", "shop")
    with closing(open_store(shop)) as db:
        assert db.execute("SELECT count(*) FROM fact").fetchone() == (0,)


def test_a_field_map_says_where_fields_stand(shop: Path) -> None:
    """What the generic hook would guess wrong is told, and tried before it is connected."""
    body = json.dumps({"who": {"box": "ann@acme.test"}, "ref": "R7", "note": "write to bob@acme.test"})
    words = ("--map", "email=who.box", "--option", "id=ref", "--option", "kind=booking")
    done = run(shop, "source", "try", "generic", "-", *words, stdin=body)
    assert done.exit_code == 0, done.output
    fact = json.loads(done.stdout)
    assert (fact["email"], fact["provider_id"], fact["kind"]) == ("ann@acme.test", "R7", "booking")


def test_a_payload_that_cannot_be_read_says_why(shop: Path) -> None:
    """Exit code 2 and the place where it breaks."""
    done = run(shop, "source", "try", "typeform", "-", stdin='{"a": ')
    assert done.exit_code == 2
    assert "this is no JSON" in done.stderr


def test_nothing_to_replay_is_no_failure(shop: Path) -> None:
    """With no deliveries kept, a replay changes nothing and says so."""
    done = run(shop, "replay", "hooks")
    assert done.exit_code == 0, done.output
    assert "0 facts new" in done.stderr
    assert run(shop, "replay", "hooks", "--provider", "fax").exit_code == 2
    assert run(shop, "replay", "hooks", "--site", "nowhere").exit_code == 2
