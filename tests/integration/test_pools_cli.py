"""`touchline pool`: what can be said of number pools, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tracker.cli import main

FALLBACK = "+442079460000"
ADD = ("add", "shop", "main", "--fallback", FALLBACK)


class Line:
    """The command line over one data directory with two sites."""

    def __init__(self, data: Path) -> None:
        self._data = data
        for key in ("shop", "blog"):
            self("site", "add", key, "--domain", f"{key}.test", "--region", "GB")

    def __call__(self, *words: str) -> Result:
        """Run a verb."""
        return CliRunner().invoke(main, ["--data", str(self._data), *words])

    def pool(self, *words: str) -> Result:
        """Run a verb of pools."""
        return self("pool", *words)

    def pools(self) -> list[dict[str, Any]]:
        """List the pools."""
        return [json.loads(line) for line in self.pool("list", "--format", "json").stdout.splitlines()]


@pytest.fixture
def line(data: Path) -> Line:
    """Give a command line."""
    return Line(data)


def test_a_pool_is_what_was_said(line: Line) -> None:
    """Numbers in any spelling, kept as E.164; twenty minutes and all channels unless told otherwise."""
    done = line.pool(*ADD, "--number", "020 7946 0002", "--number", "+44 20 7946 0001")
    assert done.exit_code == 0
    assert "touchline snippet shop" in done.stderr
    said = {"name": "main", "numbers": ["+442079460001", "+442079460002"], "fallback": FALLBACK}
    assert json.loads(done.stdout) == said | {"hold_s": 1200, "channels": []}
    assert line.pools() == [{"site": "shop", **said, "hold_s": 1200, "channels": []}]
    assert 'data-pools="main"' in line("snippet", "shop").stdout
    assert "data-pools" not in line("snippet", "blog").stdout


def test_several_numbers_and_channels_may_follow_one_option(line: Line) -> None:
    """`--number N...` as the help writes it; channels in any case."""
    words = (
        "--number",
        "+442079460001",
        "+442079460002",
        "--channel",
        "paid search",
        "Direct",
        "--hold",
        "90s",
    )
    assert line.pool(*ADD, *words).exit_code == 0
    (pool,) = line.pools()
    assert pool["numbers"] == ["+442079460001", "+442079460002"]
    assert (sorted(pool["channels"]), pool["hold_s"]) == (["Direct", "Paid Search"], 90)


def test_said_again_numbers_are_added_and_the_rest_is_as_said_last(line: Line) -> None:
    """What is not said stays."""
    line.pool(*ADD, "--number", "+442079460001", "--hold", "5m", "--channel", "Email")
    line.pool("add", "shop", "main", "--number", "+442079460002")
    (pool,) = line.pools()
    assert (len(pool["numbers"]), pool["hold_s"], pool["channels"]) == (2, 300, ["Email"])
    line.pool("add", "shop", "main", "--fallback", "+442079460009", "--hold", "1h")
    (pool,) = line.pools()
    assert (len(pool["numbers"]), pool["hold_s"], pool["fallback"]) == (2, 3600, "+442079460009")


def test_numbers_are_taken_out_and_pools_away(line: Line) -> None:
    """A number named goes; none named, the pool does, and its numbers are free for others."""
    line.pool(*ADD, "--number", "+442079460001", "+442079460002")
    assert line.pool("remove", "shop", "main", "--number", "+442079460001").exit_code == 0
    assert line.pools()[0]["numbers"] == ["+442079460002"]
    assert line.pool("remove", "shop", "main", "--number", "+442079460002").exit_code == 2
    assert line.pool("remove", "shop", "main").exit_code == 0
    assert line.pools() == []
    assert line("number", "add", "shop", "+442079460002", "--source", "a", "--medium", "b").exit_code == 0


TAKEN, FREE = "+442079460001", "+442079460005"
REFUSED = {
    "no number": (*ADD,),
    "no fallback": ("add", "shop", "two", "--number", FREE),
    "what is no number": (*ADD, "--number", "12"),
    "a number of another pool": ("add", "shop", "two", "--number", TAKEN, "--fallback", FALLBACK),
    "a number of another site's pool": ("add", "blog", "main", "--number", TAKEN, "--fallback", FALLBACK),
    "a static number": ("add", "shop", "two", "--number", "+442079460008", "--fallback", FALLBACK),
    "the fallback as a number": ("add", "shop", "two", "--number", FALLBACK, "--fallback", FALLBACK),
    "another's fallback as a number": (
        "add",
        "blog",
        "x",
        "--number",
        FALLBACK,
        "--fallback",
        "+442079460009",
    ),
    "another's number as the fallback": (
        "add",
        "blog",
        "x",
        "--number",
        FREE,
        "--fallback",
        TAKEN,
    ),
    "a time that is none": ("add", "shop", "main", "--number", FREE, "--hold", "soon"),
    "no time": ("add", "shop", "main", "--number", FREE, "--hold", "0"),
    "a channel that there is not": ("add", "shop", "main", "--channel", "Carrier Pigeon"),
    "a name with a space": ("add", "shop", "my pool", "--number", FREE, "--fallback", FALLBACK),
    "a site that there is not": ("add", "shed", "main", "--number", FREE, "--fallback", FALLBACK),
    "a pool that there is not": ("remove", "shop", "two"),
    "a number that is not the pool's": ("remove", "shop", "main", "--number", FREE),
}


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(line: Line, words: tuple[str, ...]) -> None:
    """Exit 2, and nothing has changed: each number has one use in the workspace."""
    if words != ADD:
        line.pool(*ADD, "--number", TAKEN)
        line("number", "add", "shop", "+442079460008", "--source", "leaflet", "--medium", "print")
    before = line.pools()
    refused = line.pool(*words)
    assert (refused.exit_code, refused.stdout, line.pools()) == (2, "", before)
    assert refused.stderr.startswith("Error: ")


def test_a_pool_s_number_stands_for_no_source(line: Line) -> None:
    """A call to it tells the visitor; as a static number it would tell something else."""
    line.pool(*ADD, "--number", TAKEN)
    refused = line("number", "add", "shop", TAKEN, "--source", "leaflet", "--medium", "print")
    assert (refused.exit_code, "main" in refused.stderr) == (2, True)
