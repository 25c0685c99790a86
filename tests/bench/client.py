"""The load: 64 connections, each sending its next request when the last is answered.

`wrk` where it is installed, else this module as a process of its own; both take the same file of
requests made beforehand, so that neither spends its time on writing them.
"""

from __future__ import annotations

import json
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 64
LUA = Path(__file__).with_name("load.lua")
SILENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Load:
    """What a load came to: requests answered with 2xx, all others, the time in seconds, latencies in ms."""

    answered: int
    failed: int
    took_s: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        return self.answered / self.took_s


def write_requests(path: Path, requests: Iterable[bytes]) -> None:
    """Write a file of requests: each its length on a line, then its bytes."""
    with path.open("wb") as file:
        for each in requests:
            file.write(b"%d\n%b" % (len(each), each))


def tool() -> str:
    """Name the client that `hammer` uses."""
    return "wrk" if shutil.which("wrk") else "python"


def hammer(port: int, requests: Path, seconds: float) -> Load:
    """Send the requests round and round for some seconds."""
    if tool() == "python":
        return _own(port, requests, str(seconds), "0")
    address = f"http://127.0.0.1:{port}"
    command = [
        f"-t1 -c{CONNECTIONS} -d{max(1, round(seconds))}s -s".split(),
        [str(LUA), address, str(requests)],
    ]
    done = subprocess.run(["wrk", *command[0], *command[1]], capture_output=True, check=True, text=True)
    return _read(done.stdout)


def send_once(port: int, requests: Path, *, rate: float = 0) -> Load:
    """Send each request once, as fast as they are answered, or `rate` of them a second."""
    return _own(port, requests, "0", str(rate))


def _own(port: int, requests: Path, seconds: str, rate: str) -> Load:
    command = [sys.executable, "-m", "tests.bench.client", str(port), str(requests), seconds, rate]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return _read(done.stdout)


def _read(words: str) -> Load:
    said = json.loads(words.strip().splitlines()[-1])
    return Load(**said)


class _Lines:
    """The connections of one load, and what came of it."""

    def __init__(self, port: int, requests: Iterator[bytes], rate: float) -> None:
        self._requests = requests
        self._pause_s = 1 / rate if rate else 0.0
        self._due_at = time.perf_counter()
        self._poll = select.epoll()
        self._lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
        self._by_fd = {line.fileno(): line for line in self._lines}
        self._sent_at: dict[int, float] = {}
        self._idle = list(self._by_fd)
        self.took_s: list[float] = []
        self.failed = 0
        for line in self._lines:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._poll.register(line.fileno(), select.EPOLLIN)

    def run(self) -> None:
        """Send until the requests are at their end and all are answered."""
        has_more = True
        while True:
            while has_more and self._idle and time.perf_counter() >= self._due_at:
                has_more = self._send()
            if not has_more and not self._sent_at:
                return
            is_waiting = has_more and self._idle
            wait_s = max(0.0, self._due_at - time.perf_counter()) if is_waiting else SILENCE_S
            for fd, _ in self._poll.poll(wait_s):
                self._receive(fd)

    def close(self) -> None:
        """Close the connections."""
        for line in self._lines:
            line.close()
        self._poll.close()

    def _send(self) -> bool:
        request = next(self._requests, None)
        if request is None:
            return False
        self._due_at += self._pause_s
        fd = self._idle.pop()
        self._sent_at[fd] = time.perf_counter()
        self._by_fd[fd].sendall(request)
        return True

    def _receive(self, fd: int) -> None:
        answer = self._by_fd[fd].recv(65_536)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        while answer and len(body) < length:
            body += self._by_fd[fd].recv(65_536)
        if not answer:
            raise ConnectionError("the server closed a connection")
        self.took_s.append(time.perf_counter() - self._sent_at.pop(fd))
        self.failed += answer[9:10] != b"2"
        self._idle.append(fd)


def _round(requests: list[bytes], end_at: float) -> Iterator[bytes]:
    """Give the requests again and again until the time is up; once where there is no such time."""
    while True:
        for each in requests:
            if end_at and time.perf_counter() > end_at:
                return
            yield each
        if not end_at:
            return


def _read_requests(path: Path) -> list[bytes]:
    requests = []
    with path.open("rb") as file:
        while size := file.readline():
            requests.append(file.read(int(size)))
    return requests


def _main(port: str, path: str, seconds: str, rate: str) -> None:
    requests = _read_requests(Path(path))
    began = time.perf_counter()
    lines = _Lines(int(port), _round(requests, began + float(seconds) if float(seconds) else 0), float(rate))
    try:
        lines.run()
    finally:
        lines.close()
    took_s = time.perf_counter() - began
    sorted_ms = sorted(1_000 * each for each in lines.took_s)
    p50, p99 = (sorted_ms[int(part * (len(sorted_ms) - 1))] for part in (0.5, 0.99))
    answered = len(sorted_ms) - lines.failed
    said = {"answered": answered, "failed": lines.failed, "took_s": took_s, "p50_ms": p50, "p99_ms": p99}
    print(json.dumps(said))


if __name__ == "__main__":
    _main(*sys.argv[1:])
