"""Over everything: rebuilding, verifying and exporting a store, each as the command that operators run."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench import machine
from tests.bench.table import Row, Target
from tracker import config, processes

GROUP = "over everything"
CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command took: seconds, its processor's and until its first line, greatest memory, lines."""

    wall_s: float
    cpu_s: float
    first_s: float
    peak_bytes: int
    lines: int


def measure(settings: config.Settings, hits: int, drained_us: float) -> Iterator[Row]:
    """Rebuild, verify and export a store.

    Args:
        hits: how many the store holds.
        drained_us: what draining and stitching one took, in microseconds of processor time.
    """
    for verb in ("rebuild", "verify"):
        ran = run(settings, verb)
        row = Row(GROUP, f"{verb}, {hits:,} hits", 1e6 * ran.cpu_s / hits, "us CPU/hit")
        yield row.against("drain and stitch", drained_us, Target(most=1.2))
        yield Row(GROUP, f"{verb}, memory", ran.peak_bytes / machine.MIB, "MiB")
    ran = run(settings, "export", "touchpoints")
    rows = ran.lines - 1
    yield Row(GROUP, f"export of {rows:,} touchpoints, first row after", ran.first_s, "s")
    yield Row(GROUP, "export, a million rows", 1e6 * ran.wall_s / rows, "s")
    yield Row(GROUP, "export, memory", ran.peak_bytes / machine.MIB, "MiB").held_to(Target(most=120))


def run(settings: config.Settings, *words: str) -> Ran:
    """Run a verb to its end and watch it.

    Raises:
        RuntimeError: it failed.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        processes.command("tracker", "--data", str(settings.data), *words),
        env=processes.environment(os.environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    peak, spent_s, first_s, lines = 0, 0.0, 0.0, 0
    with process, process.stdout as output:
        os.set_blocking(output.fileno(), False)
        while process.poll() is None:
            chunk = output.read(CHUNK) or b""
            lines += chunk.count(b"\n")
            first_s = first_s or (lines > 1) * (time.perf_counter() - began)
            peak, spent_s = _look(process.pid, peak, spent_s)
            if not chunk:
                time.sleep(machine.LOOK_S)
        while chunk := output.read(CHUNK):
            lines += chunk.count(b"\n")
    if process.returncode:
        raise RuntimeError(f"`touchline {' '.join(words)}` failed")
    return Ran(time.perf_counter() - began, spent_s, first_s, peak, lines)


def _look(pid: int, peak: int, spent_s: float) -> tuple[int, float]:
    """Read a process's memory and time as long as it is there."""
    try:
        return max(peak, machine.peak_bytes(pid)), machine.cpu_s([pid])
    except (OSError, ValueError, IndexError):
        return peak, spent_s
