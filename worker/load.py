"""Facts from files onto the log, by the same road as everything else."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec
import redis
import zstandard

from tracker import hitlog, wire
from tracker.core.facts import SHAPES, tidy
from tracker.errors import BadFact, BadRequest

LINE_LIMIT = 1_000_000
ENTRY_FACTS = 500
ENTRY_BYTES = 400_000
PIPELINE = 8
BODY_LIMIT = 4_096

_KINDS = frozenset({"hit", *SHAPES})
_decode = msgspec.json.Decoder().decode


@dataclass(slots=True)
class Loaded:
    """What a load put on the log: `unreadable` lines were kept as rejects."""

    origin: str = field(default_factory=lambda: f"load:{uuid.uuid4().hex}")
    lines: int = 0
    facts: int = 0
    unreadable: int = 0


def load(
    client: redis.Redis,
    streams: Iterable[IO[bytes]],
    *,
    received_ms: int,
    appended: Callable[[Loaded], None],
    complain: Callable[[str], None],
) -> Loaded:
    """Append the facts of these streams to the log.

    Args:
        received_ms: now.
        appended: called after each write to the log.
        complain: told of every line that cannot be read.
    """
    loaded = Loaded()
    hitlog.prepare(client)
    bodies: list[bytes] = []
    for entry in _entries(streams, loaded, received_ms, complain):
        bodies.append(wire.encode(entry))
        if len(bodies) >= PIPELINE:
            hitlog.append(client, bodies)
            bodies = []
            appended(loaded)
    if bodies:
        hitlog.append(client, bodies)
        appended(loaded)
    return loaded


@contextmanager
def opened(names: Iterable[str]) -> Iterator[list[IO[bytes]]]:
    """Open files of facts, packed or not; `-` is stdin.

    Raises:
        BadRequest: no such file, or one that cannot be unpacked to its end.
    """
    with ExitStack() as stack:
        streams = [sys.stdin.buffer if name == "-" else stack.enter_context(_open(name)) for name in names]
        try:
            yield streams
        except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
            raise BadRequest("bad_fact", f"a file cannot be unpacked to its end: {error}") from error


def _open(name: str) -> IO[bytes]:
    path = Path(name)
    if not path.exists() or path.is_dir():
        raise BadRequest("bad_fact", f"there is no file {name}")
    if path.suffix == ".gz":
        return io.BufferedReader(gzip.open(path))
    if path.suffix == ".zst":
        return io.BufferedReader(zstandard.open(path))
    return path.open("rb")


def _entries(
    streams: Iterable[IO[bytes]], loaded: Loaded, received_ms: int, complain: Callable[[str], None]
) -> Iterator[wire.Entry]:
    """Put facts into entries of a handy size, what cannot be read into entries of its own."""
    facts: list[dict[str, Any]] = []
    size = 0
    for number, line in _lines(streams):
        loaded.lines += 1
        try:
            facts.append(_read(line))
        except BadFact as error:
            loaded.unreadable += 1
            complain(f"line {number}: {error}")
            yield _reject(line, error, loaded.origin, received_ms)
            continue
        loaded.facts += 1
        size += len(line)
        if len(facts) >= ENTRY_FACTS or size >= ENTRY_BYTES:
            yield wire.FactsEntry(received_ms=received_ms, origin=loaded.origin, facts=facts)
            facts, size = [], 0
    if facts:
        yield wire.FactsEntry(received_ms=received_ms, origin=loaded.origin, facts=facts)


def _lines(streams: Iterable[IO[bytes]]) -> Iterator[tuple[int, bytes]]:
    for stream in streams:
        number = 0
        while line := stream.readline(LINE_LIMIT):
            number += 1
            while len(line) >= LINE_LIMIT and not line.endswith(b"\n"):
                rest = stream.readline(LINE_LIMIT)
                line = line[:LINE_LIMIT] + b" (cut)"
                if not rest or rest.endswith(b"\n"):
                    break
            if line.strip():
                yield number, line


def _read(line: bytes) -> dict[str, Any]:
    raw = _parse(line.removeprefix(b"\xef\xbb\xbf"))
    if not isinstance(raw, dict):
        raise BadFact("bad_fact", "write one JSON object a line")
    if raw.get("fact") not in _KINDS:
        kinds = ", ".join(sorted(_KINDS))
        raise BadFact("bad_fact", f"{raw.get('fact')!r} is no fact; write one of {kinds}", "fact")
    tidied = tidy(raw)
    assert isinstance(tidied, dict)
    return tidied


def _parse(line: bytes) -> Any:
    """Read a line's JSON; half a surrogate pair, as a cut emoji leaves it, passes and is made safe later."""
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if b"\\ud" in line.lower():
            with suppress(ValueError, RecursionError):
                return json.loads(line, parse_constant=_no_constant)
        raise BadFact("bad_fact", f"is no JSON: {error}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _reject(line: bytes, error: BadFact, origin: str, received_ms: int) -> wire.RejectEntry:
    return wire.RejectEntry(
        received_ms=received_ms, code=error.code, message=str(error), origin=f"line:{origin}",
        body=line[:BODY_LIMIT].decode("utf-8", "replace"), hash=hashlib.sha256(line).hexdigest(),
        is_let_in=True,
    )  # fmt: skip
