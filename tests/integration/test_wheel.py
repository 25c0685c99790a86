"""The wheel: what is installed from it runs from any directory, with everything it needs inside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.running import free_port, running
from tracker import config

ROOT = Path(__file__).parents[2]
SOURCES = (
    "tracker",
    "worker",
    "static",
    "setup.cfg",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "MANIFEST.in",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that nothing of an earlier build gets in."""
    copy = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, copy / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(copy),
        str(copy),
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=copy)
    (built,) = copy.glob("touchline-*.whl")
    return built


@pytest.mark.slow
def test_every_file_that_is_no_code_is_inside(wheel: Path) -> None:
    """Templates, styles, tables, SQL, help and the script are all in the wheel; tests are not."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(ROOT)).replace("static/", "tracker/static/", 1)
        if folder == "static"
        else str(path.relative_to(ROOT))
        for folder in ("tracker", "worker", "static")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted - inside == set()
    assert {name.split("/")[0] for name in inside if ".dist-info/" not in name} == {"tracker", "worker"}


@pytest.mark.slow
def test_an_installed_wheel_runs_from_any_directory(wheel: Path, tmp_path: Path, data: Path) -> None:
    """`touchline up` of a fresh environment serves the first page, the health page and the script."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    (site,) = home.glob("lib/python*/site-packages")
    # The dependencies are the ones installed here; a path file brings no editable install along.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python")]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True
    )
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    settings = config.load({}, data=data, port=free_port())
    with running(settings, command=[str(home / "bin" / "touchline")], environ=environ) as run:
        assert run.get("/health") == 200
        assert run.get("/") == 200
        assert b"function" in run.fetch("/tracker.js")[1]
        assert run.stop() == 0
    assert not run.said("Traceback")
