"""What verbs say of arguments that nobody should give: what to do, exit code 2, and no traceback."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tracker import processes
from tracker.cli import main

BYTES = "\udcff"  # how a byte that is no UTF-8 stands in an argument

WRONG = {
    "a cursor beyond all numbers": ("export leads --since 99999999999999999999", "--since"),
    "a cursor below zero": ("export leads --since -1", "--since"),
    "a port that is none": ("up --port 0", "--port"),
    "a port beyond all ports": ("serve --port 65536", "--port"),
    "an export of a site that is not there": ("export leads --site nowhere", "there is no site 'nowhere'"),
    "leads of a site that is not there": ("lead list --site nowhere", "there is no site 'nowhere'"),
    "a tag whose address is none": ("snippet shop --url shop.test", "--url: write an address"),
    "a tag that would run a script": ("snippet shop --url javascript:alert(1)", "--url: write an address"),
    "a country of no numbers": ("site add uk --domain shop.test --region UK", "such as GB"),
    "a report that ends before it begins": (
        "report leads --from 2026-03-31 --to 2026-03-01",
        "--to: 2026-03-01 is before 2026-03-31",
    ),
    "a header without a colon": (f"source try generic {__file__} --header x-secret", "write NAME:VALUE"),
    "a lead's id of bytes": (f"explain lead {BYTES}", "no UTF-8"),
    "a visitor's id of bytes": (f"erase --yes --visitor {BYTES}", "no UTF-8"),
    "a source of bytes": (f"number add shop +442079460000 --medium print --source {BYTES}", "no UTF-8"),
}


def run(data: Path, words: list[str]) -> Result:
    """Run a verb."""
    return CliRunner().invoke(main, ["--data", str(data), *words])


@pytest.mark.parametrize(("line", "said"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_told_what_to_write(line: str, said: str, data: Path) -> None:
    """One message, nothing on stdout."""
    run(data, ["site", "add", "shop", "--domain", "shop.test"])
    done = run(data, line.split())
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_list_that_is_no_yaml_is_told_in_one_line(data: Path) -> None:
    """A parser's drawing of the place is put on the line."""
    (data / "broken.yml").write_text('{"broken\n')
    done = run(data, ["sources", "import", str(data / "broken.yml")])
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: broken.yml is no YAML: ") and done.stderr.count("\n") == 1


def test_an_export_into_a_pipe_leaves_it_a_pipe(data: Path) -> None:
    """What is no file is written to; a file in its place would be the end of a device such as /dev/null."""
    pipe, got = data / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text("utf-8")), daemon=True)
    reader.start()
    assert run(data, ["export", "leads", "--out", str(pipe)]).exit_code == 0
    reader.join(60)
    assert stat.S_ISFIFO(pipe.stat().st_mode) and got[0].startswith("lead_id,site,")


def test_an_export_into_a_link_goes_where_the_link_leads(data: Path) -> None:
    """The link stays, and what it leads to is the export."""
    (data / "link.csv").symlink_to(data / "there.csv")
    assert run(data, ["export", "leads", "--out", str(data / "link.csv")]).exit_code == 0
    assert (data / "link.csv").is_symlink() and (data / "there.csv").read_text("utf-8").startswith("lead_id,")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no device that is full")
def test_a_full_disk_is_said_in_one_line(data: Path) -> None:
    """Exit code 1, and no traceback."""
    command = processes.command("tracker", "--data", str(data), "export", "leads")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, env=processes.environment(os.environ), stdout=full, stderr=subprocess.PIPE, timeout=600
        )
    said = b"Error: Nothing more can be written: No space left on device.\n"
    assert (done.returncode, done.stderr) == (1, said)
