"""What the machine says: processor time and memory of processes, versions, load. Reads Linux's /proc."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from tests.running import children
from tracker import keeper

MIB = 2**20
LOOK_S = 0.01
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PACKAGES = ("touchline", "granian", "flask", "redis", "hiredis", "rq", "msgspec")


def cpu_s(pids: Iterable[int]) -> float:
    """Add up the processor time of these processes, in seconds."""
    return sum(_cpu_s(pid) for pid in pids)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def peak_bytes(pid: int) -> int:
    """Tell the most memory that a process has had resident; 0 of one that has ended."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1_024
    return 0


def family(pid: int) -> list[int]:
    """List a process and all that descend from it."""
    return [pid, *(each for child in children(pid) for each in family(child))]


def server_pids(data: Path) -> dict[str, int]:
    """Find the embedded server of a data directory and its keeper."""
    place = keeper.Place.of(data)
    return {name: int(place.file(f"{name}.lock").read_bytes()) for name in ("keeper", "server")}


def describe() -> dict[str, object]:
    """Say on what was measured: versions, processors, load."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **versions,
        "system": f"{platform.system()} {platform.machine()}",
        "processors": len(os.sched_getaffinity(0)),
        "load": [round(each, 2) for each in os.getloadavg()],
    }
