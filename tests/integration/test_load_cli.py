"""The verbs that bring facts in and keep views right, run as an operator runs them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import zstandard
from click.testing import CliRunner, Result
from freezegun import freeze_time

from tests.tables import holds
from tests.telling import FACEBOOK, GOOGLE, Fact, hit, identify, lead
from tracker import config, embedded
from tracker.cli import main
from tracker.core.urls import split_url
from tracker.processes import command
from tracker.store import exports
from tracker.store.db import open_store
from tracker.store.sites import load_sites, load_static_numbers, load_tokens

FACTS: tuple[Fact, ...] = (
    hit("e1", 0, referrer=GOOGLE), hit("e2", 5), hit("e3", 100, visitor_id="v2", referrer=FACEBOOK),
    identify(50, email="ann@acme.com"), lead("1", 120, visitor_id="v2", email="ann@acme.com"),
    {"fact": "cost", "site": "shop", "on": "2026-03-01", "source": "google", "medium": "cpc", "amount": 12,
     "currency": "GBP"},
)  # fmt: skip

Run = Callable[..., Result]


@pytest.fixture
def run(data: Path, redis_url: str, client: object) -> Run:
    """Give `touchline` over a data directory of its own with the site shop, and the session's server."""

    def call(*words: str | Path, stdin: bytes | None = None) -> Result:
        runner = CliRunner(env={"REDIS_URL": redis_url})
        return runner.invoke(main, ["--data", str(data), *map(str, words)], input=stdin)

    assert call("site", "add", "shop", "--domain", "shop.test", "--region", "GB").exit_code == 0
    return call


def said(result: Result) -> dict[str, int]:
    """Read the counts off a successful run's stdout."""
    assert result.exit_code == 0, result.output
    counts: dict[str, int] = json.loads(result.stdout)
    return counts


def lines(facts: Iterable[Mapping[str, Any]]) -> bytes:
    """Write facts as JSON Lines."""
    return b"".join(json.dumps(fact).encode() + b"\n" for fact in facts)


def write(path: Path, facts: Sequence[Mapping[str, Any]]) -> Path:
    """Write a file of facts."""
    path.write_bytes(lines(facts))
    return path


def rows(data: Path, query: str) -> list[dict[str, Any]]:
    """Ask the store itself."""
    with closing(open_store(data)) as db:
        cursor = db.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def everything(data: Path) -> dict[str, list[dict[str, Any]]]:
    """Read every export but the log of changes, which tells how things came to be."""
    with closing(open_store(data)) as db:
        views = [what for what, export in exports.EXPORTS.items() if not export.is_log]
        return {what: list(exports.rows(db, what, pii=True)) for what in views}


def test_a_load_counts_what_was_new_repeated_and_rejected(run: Run, data: Path, tmp_path: Path) -> None:
    """The second time all of it is repeated, and nothing has moved."""
    file = write(tmp_path / "facts.jsonl", FACTS)
    assert said(run("load", file, "--drain")) == {"read": 6, "new": 6, "repeated": 0, "rejected": 0}
    before = everything(data)
    assert said(run("load", file, "--drain")) == {"read": 6, "new": 0, "repeated": 6, "rejected": 0}
    assert everything(data) == before
    holds(rows(data, "SELECT source, hits, visitor_id FROM sessions"), """
        source    hits  visitor_id
        google    2     v1
        facebook  1     v2
    """)  # fmt: skip


def test_without_drain_facts_wait_on_the_log(run: Run, data: Path, tmp_path: Path) -> None:
    """Loading is appending; `drain` processes all that is pending, then there is nothing more to do."""
    file = write(tmp_path / "facts.jsonl", FACTS)
    assert said(run("load", file)) == {"read": 6, "appended": 6, "rejected": 0}
    assert rows(data, "SELECT * FROM hit") == []
    assert said(run("drain")) == {"new": 6, "repeated": 0, "rejected": 0}
    assert said(run("drain")) == {"new": 0, "repeated": 0, "rejected": 0}
    assert len(rows(data, "SELECT * FROM hit")) == 3


def packed(tmp_path: Path, name: str) -> Path:
    """Write the facts packed as the name's ending says."""
    path = tmp_path / name
    body = lines(FACTS)
    pack = {".gz": gzip.compress, ".zst": zstandard.compress}.get(path.suffix, bytes)
    path.write_bytes(pack(body))
    return path


@pytest.mark.parametrize("name", ["facts.jsonl", "facts.jsonl.gz", "facts.jsonl.zst"])
def test_files_may_be_packed(run: Run, tmp_path: Path, name: str) -> None:
    """The ending says how; the facts are the same."""
    assert said(run("load", packed(tmp_path, name), "--drain"))["new"] == 6


def test_a_packed_file_of_several_parts_is_read_to_its_end(run: Run, tmp_path: Path) -> None:
    """Packed files that were joined are one file."""
    for name, pack in (("a.gz", gzip.compress), ("a.zst", zstandard.compress)):
        (tmp_path / name).write_bytes(pack(lines(FACTS[:3])) + pack(lines(FACTS[3:])))
        assert said(run("load", tmp_path / name))["appended"] == 6


def test_stdin_and_several_files_are_one_load(run: Run, tmp_path: Path) -> None:
    """A dash stands for stdin, beside files or alone."""
    file = write(tmp_path / "a.jsonl", FACTS[:2])
    assert said(run("load", file, "-", "--drain", stdin=lines(FACTS[1:])))["read"] == 7
    assert said(run("load", "-", "--drain", stdin=lines(FACTS)))["repeated"] == 6


def test_a_pipe_is_a_file(run: Run, tmp_path: Path) -> None:
    """What a shell hands over as a file may be a pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[lines(FACTS)])
    writer.start()
    assert said(run("load", pipe))["appended"] == 6
    writer.join()


def test_bad_lines_are_told_by_number_kept_as_rejects_and_stop_nothing(
    run: Run, data: Path, tmp_path: Path
) -> None:
    """Each has its reason on stderr; the lines around it are loaded."""
    file = tmp_path / "facts.jsonl"
    file.write_bytes(
        b"\xef\xbb\xbf" + lines(FACTS[:1])
        + b'{"fact": "hit", \n\n["fact"]\n{"fact": "leed"}\n\xff\xfe\x00\n' + b"[" * 100_000 + b"\n"
        + lines([hit("n1", site="nowhere"), lead("2", kind="fax"), hit("n2", url="nothing")])
        + lines(FACTS[1:]).rstrip(b"\n")
    )  # fmt: skip
    result = run("load", file, "--drain")
    assert said(result) == {"read": 14, "new": 6, "repeated": 0, "rejected": 8}
    for words in (
        "line 2: is no JSON", "line 4: write one JSON object a line", "line 5: fact: 'leed' is no fact",
        "line 6: is no JSON", "line 7: is no JSON", "site: there is no site 'nowhere'", "'fax' is none of",
        "url: write the page's whole address",
    ):  # fmt: skip
        assert words in result.stderr, result.stderr
    assert result.stderr.count("is no JSON") == 3
    kept = rows(data, "SELECT code, hash, body FROM reject")
    assert len(kept) == 8
    assert all(row["code"] and row["hash"] and row["body"] for row in kept)


def test_half_an_emoji_refuses_no_fact(run: Run, data: Path, tmp_path: Path) -> None:
    """Scripts cut texts between the halves of a pair; what they send is JSON all the same."""
    file = tmp_path / "facts.jsonl"
    file.write_bytes(lines([lead("1", name="Ann \ud83d")]) + b'{"fact": "lead", "x": "\\ud83d", "y": NaN}\n')
    assert said(run("load", file, "--drain")) == {"read": 2, "new": 1, "repeated": 0, "rejected": 1}
    assert rows(data, "SELECT content ->> 'name' AS name FROM fact") == [{"name": "Ann ?"}]


def test_each_complaint_is_told_once_and_the_rest_are_counted(run: Run, tmp_path: Path) -> None:
    """Thousands of bad lines do not drown the terminal, wherever in a file they stand."""
    facts = [hit(f"e{number}", number / 10) for number in range(600)]
    body = lines(facts[:550]) + b"broken\n" * 2 + lines([hit("bad", site="nowhere"), *facts[550:]])
    (tmp_path / "few.jsonl").write_bytes(body)
    few = run("load", tmp_path / "few.jsonl", "--drain")
    assert said(few)["rejected"] == 3
    assert (few.stderr.count("is no JSON"), few.stderr.count("no site 'nowhere'")) == (2, 1)
    (tmp_path / "many.jsonl").write_bytes(b"broken\n" * 1_025)
    many = run("load", tmp_path / "many.jsonl", "--drain")
    assert said(many)["rejected"] == 1_025
    assert many.stderr.count("is no JSON") == 20
    assert "... and 1,005 more" in many.stderr


def test_a_line_without_end_is_one_bad_line(run: Run, data: Path, tmp_path: Path) -> None:
    """A megabyte in one line is refused, kept by its beginning, and the next line is read."""
    file = tmp_path / "facts.jsonl"
    file.write_bytes(b'{"fact": "' + b"x" * 2_500_000 + b'"}\n' + lines(FACTS[:1]))
    assert said(run("load", file, "--drain")) == {"read": 2, "new": 1, "repeated": 0, "rejected": 1}
    (kept,) = rows(data, "SELECT body FROM reject")
    assert len(kept["body"]) == 4_096


DAMAGED = {
    "a gz that breaks off": ("a.gz", gzip.compress(lines(FACTS))[:-9]),
    "a gz that is none": ("a.gz", b"not packed at all"),
    "a zst that is none": ("a.zst", b"not packed at all"),
}


@pytest.mark.parametrize(("name", "body"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_a_message_not_a_traceback(
    run: Run, tmp_path: Path, name: str, body: bytes
) -> None:
    """The operator learns that the file is at fault, and the exit code says so."""
    (tmp_path / name).write_bytes(body)
    result = run("load", tmp_path / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "cannot be unpacked to its end" in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_a_missing_file_is_found_before_anything_is_loaded(run: Run, data: Path, tmp_path: Path) -> None:
    """Wrong use changes nothing."""
    file = write(tmp_path / "facts.jsonl", FACTS)
    for missing in (tmp_path / "nowhere.jsonl", tmp_path):
        result = run("load", file, missing)
        assert (result.exit_code, f"there is no file {missing}" in result.stderr) == (2, True)
    assert said(run("drain"))["new"] == 0


def test_a_hit_may_be_a_day_ahead_of_the_clock_and_no_more(run: Run, tmp_path: Path) -> None:
    """Older than any clock is welcome; the future is refused by its code."""
    told = [hit("e1", 24 * 60), hit("e2", 24 * 60 + 0.001), hit("e3", -20 * 365 * 24 * 60)]
    file = write(tmp_path / "facts.jsonl", told)
    with freeze_time("2026-03-01T10:00:00Z"):
        result = run("load", file, "--drain")
    assert said(result) == {"read": 3, "new": 2, "repeated": 0, "rejected": 1}
    assert "more than 24 hours ahead" in result.stderr


def test_facts_of_every_kind_are_kept(run: Run, data: Path, tmp_path: Path) -> None:
    """What no view uses yet is stored all the same, once for each version."""
    told = [
        {
            "fact": "contact",
            "site": "shop",
            "provider": "crm",
            "provider_id": "7",
            "at": "2026-03-01T10:00:00Z",
        },
        {"fact": "rate", "on": "2026-03-01", "base": "GBP", "quote": "USD", "rate": "1.25"},
        {"fact": "rate", "on": "2026-03-01", "base": "GBP", "quote": "USD", "rate": "1.26"},
        {"fact": "erase", "at": "2026-03-01T10:00:00Z", "email": "ann@acme.com"},
    ]
    file = write(tmp_path / "facts.jsonl", [*told, told[1]])
    assert said(run("load", file, "--drain")) == {"read": 5, "new": 4, "repeated": 1, "rejected": 0}
    holds(rows(data, "SELECT kind, count(*) AS versions FROM fact GROUP BY kind"), """
        kind     versions
        contact  1
        erase    1
        rate     2
    """)  # fmt: skip


def test_verify_finds_what_was_tampered_with_and_rebuild_puts_it_right(
    run: Run, data: Path, tmp_path: Path
) -> None:
    """Exit 1 and a line for each row that differs; afterwards the views are what the facts say."""
    run("load", write(tmp_path / "facts.jsonl", FACTS), "--drain")
    right = everything(data)
    assert (run("verify").exit_code, run("verify").stdout) == (0, "")
    with closing(open_store(data, write=True)) as db:
        db.execute("UPDATE session SET hits = 99 WHERE visitor_no = 1")
        db.execute("DELETE FROM journey")
    first = right["sessions"][0]["session_id"]
    journey = right["journeys"][0]["journey_id"]
    found = run("verify")
    assert found.exit_code == 1
    assert found.stdout.splitlines() == [
        f"sessions {first}: hits is 99 live and 2 rebuilt",
        f"journeys {journey}: only in the rebuilt views",
        f"account_journeys {journey}: only in the rebuilt views",
    ]
    assert "3 rows differ; `touchline rebuild` puts them right" in found.stderr
    assert run("verify").stdout == found.stdout
    mended = run("rebuild")
    assert (mended.exit_code, mended.stdout) == (0, found.stdout)
    assert run("verify").exit_code == 0
    assert everything(data) == right


def test_a_rebuild_of_right_views_changes_no_byte(run: Run, data: Path, tmp_path: Path) -> None:
    """Not even a cursor moves, so nobody has to read everything again."""
    run("load", write(tmp_path / "facts.jsonl", FACTS), "--drain")

    def dump() -> str:
        with closing(open_store(data)) as db:
            return sha256("\n".join(db.iterdump()).encode()).hexdigest()

    before = dump()
    result = run("rebuild")
    assert (result.exit_code, result.stdout, result.stderr.strip()) == (0, "", "rebuilt; no row differed")
    assert dump() == before


def test_a_site_is_added_once_and_listed(run: Run, data: Path) -> None:
    """Hosts are spelled one way; a key is taken for ever."""
    added = run(
        "site", "add", "blog", "--domain", "https://Blog.Example.com/x", "--domain", "*.bücher.example",
        "--timezone", "Europe/London", "--currency", "gbp", "--region", "gb", "--consent", "required",
    )  # fmt: skip
    assert (added.exit_code, added.stdout) == (0, "")
    assert run("site", "list").stdout == (
        "blog\tblog.example.com, xn--bcher-kva.example\tEurope/London\tGBP\tGB\trequired\n"
        "shop\tshop.test\tUTC\tUSD\tGB\tgranted\n"
    )
    listed = [json.loads(line) for line in run("site", "list", "--format", "json").stdout.splitlines()]
    assert [each["key"] for each in listed] == ["blog", "shop"]
    again = run("site", "add", "shop", "--domain", "other.example")
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    with closing(open_store(data)) as db:
        assert {site.domains for site in load_sites(db).values()} == {
            ("shop.test",), ("blog.example.com", "xn--bcher-kva.example"),
        }  # fmt: skip


@pytest.mark.parametrize("domain", ["straße.example", "shop_one.example", "βόλος.example"])
def test_a_domain_is_spelled_as_pages_spell_it(run: Run, domain: str) -> None:
    """What a browser makes of the address of a page there is what the site is known by."""
    assert run("site", "add", "blog", "--domain", domain).exit_code == 0
    (site,) = [json.loads(line) for line in run("site", "list", "--format", "json").stdout.splitlines()][:1]
    parts = split_url(f"https://{domain}/")
    assert parts is not None
    assert (site["key"], site["domains"]) == ("blog", [parts.host])


WRONG_SITES = {
    "a key with a space": ["my shop", "--domain", "a.example"],
    "no domain": ["a"],
    "a domain that is none": ["a", "--domain", "not a host"],
    "a zone that is none": ["a", "--domain", "a.example", "--timezone", "Mars/Base"],
    "a currency that is none": ["a", "--domain", "a.example", "--currency", "POUND"],
    "a region that is none": ["a", "--domain", "a.example", "--region", "Britain"],
}


@pytest.mark.parametrize("words", WRONG_SITES.values(), ids=WRONG_SITES)
def test_a_site_that_cannot_be_is_wrong_use(run: Run, words: list[str]) -> None:
    """Exit code 2, a message, and no site."""
    result = run("site", "add", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr
    assert len(run("site", "list").stdout.splitlines()) == 1


def test_a_token_is_shown_once_and_kept_as_a_hash(run: Run, data: Path) -> None:
    """Whoever reads the store cannot use what it holds."""
    token = run("site", "token", "shop", "--purpose", "leads").stdout.strip()
    assert len(token) > 30
    with closing(open_store(data)) as db:
        assert set(load_tokens(db)) == {sha256(token.encode()).hexdigest()}
    assert token.encode() not in (data / "touchline.db").read_bytes()
    assert run("site", "token", "nowhere", "--purpose", "leads").exit_code == 2


@pytest.mark.parametrize("by", ["itself", "its name"])
def test_a_token_is_taken_back(run: Run, data: Path, by: str) -> None:
    """The site's other tokens stay, and another site's operator cannot name it."""
    tokens = [run("site", "token", "shop", "--purpose", each).stdout.strip() for each in ("leads", "deals")]
    listed = [
        json.loads(line) for line in run("site", "tokens", "shop", "--format", "json").stdout.splitlines()
    ]
    assert [each["purpose"] for each in listed] == ["leads", "deals"]
    assert not any(token in json.dumps(listed) for token in tokens)
    named = {"itself": tokens[0], "its name": listed[0]["name"]}[by]
    run("site", "add", "other", "--domain", "other.example")
    assert run("site", "revoke", "other", named).exit_code == 2
    assert run("site", "revoke", "shop", named).exit_code == 0
    with closing(open_store(data)) as db:
        assert set(load_tokens(db)) == {sha256(tokens[1].encode()).hexdigest()}
    assert run("site", "revoke", "shop", named).exit_code == 2
    assert run("site", "tokens", "nowhere").exit_code == 2


def test_a_static_number_is_kept_as_the_site_s_region_reads_it(run: Run, data: Path, tmp_path: Path) -> None:
    """Said later, it still moves the calls that came before."""
    call = lead("1", 0, kind="call", tracking_number="+44 20 7946 0000")
    run("load", write(tmp_path / "facts.jsonl", [call]), "--drain")
    added = run(
        "number", "add", "shop", "020 7946 0000", "--source", "leaflet", "--medium", "print",
        "--campaign", "may",
    )  # fmt: skip
    assert (added.exit_code, added.stdout) == (0, "+442079460000\n")
    with closing(open_store(data)) as db:
        ((_, number),) = load_static_numbers(db)
    assert number == "+442079460000"
    run("drain")
    holds(rows(data, "SELECT source, medium, campaign, match_rule FROM leads"), """
        source   medium  campaign  match_rule
        leaflet  print   may       M7
    """)  # fmt: skip
    assert run("number", "add", "shop", "twelve", "--source", "a", "--medium", "b").exit_code == 2
    assert run("number", "add", "nowhere", "020 7946 0000", "--source", "a", "--medium", "b").exit_code == 2


def test_the_snippet_is_a_tag_to_paste(run: Run) -> None:
    """It names the site, the collector's address and the script's hash; an unknown site has none."""
    tag = run("snippet", "shop", "--url", "https://shop.test/t")
    assert tag.exit_code == 0
    assert tag.stdout.startswith("<script")
    for words in ("shop", "https://shop.test/t/", "integrity=", "sha384-"):
        assert words in tag.stdout
    refused = run("snippet", "nowhere")
    assert (refused.exit_code, "there is no site 'nowhere'; known sites: shop" in refused.stderr) == (2, True)


def test_two_verbs_at_once_share_one_embedded_server(data: Path, settings: config.Settings) -> None:
    """Without a Redis URL a verb starts the server for as long as it needs it; data stays between runs."""
    environ = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    words = [*command("tracker"), "--data", str(data)]
    add = [*words, "site", "add", "shop", "--domain", "shop.test"]
    assert subprocess.run(add, env=environ, capture_output=True, check=True).stdout == b""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    loads = [subprocess.Popen([*words, "load", "-", "--drain"], env=environ, **pipes) for _ in range(2)]
    for process in loads:
        process.stdin.write(lines(FACTS))
        process.stdin.close()
        process.stdin = None
    outs = [process.communicate(timeout=120) for process in loads]
    assert [process.returncode for process in loads] == [0, 0], outs
    counts = [json.loads(out) for out, _ in outs]
    assert sum(count["new"] for count in counts) == 6
    assert sum(count["repeated"] for count in counts) == 6
    embedded.dismiss(settings)
    assert len(rows(data, "SELECT * FROM hit")) == 3
