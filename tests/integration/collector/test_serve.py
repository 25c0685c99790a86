"""`touchline serve`: real processes and sockets; a clean end, nothing left behind, counts of all."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import threading
import time
from dataclasses import replace

import pytest

from tests.integration.collector.behind import ask, gone, is_ready, logged, send, serving
from tests.running import children, free_port
from tests.waiting import wait_for
from tracker import config, embedded, processes


@pytest.fixture
def on_port(settings: config.Settings) -> config.Settings:
    """Give settings with a free port."""
    return replace(settings, port=free_port())


def test_requests_in_flight_are_answered_before_the_end(on_port: config.Settings) -> None:
    """SIGTERM while hits come in: each that was answered 202 is on the log, and the exit is clean."""
    answered: list[str] = []

    def keep_sending(sender: int) -> None:
        for number in range(10_000):
            try:
                status, _, _ = send(on_port.port, f"{sender}-{number}")
            except (OSError, http.client.HTTPException, ValueError):
                return
            assert status == 202
            answered.append(f"{sender}-{number}")

    with serving(on_port) as process:
        threads = [threading.Thread(target=keep_sending, args=(sender,)) for sender in range(4)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(answered) > 40)
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert process.wait(120) == 0
        on_log = {hit.event_id for entry in logged(on_port) for hit in entry.hits}
    assert set(answered) <= on_log


TOO_LARGE = {
    "a little too large": b"x" * 65_537,
    "much too large": b"x" * 1_500_000,
    "in chunks without a length": [b"x" * 60_000] * 20,
}


def test_a_body_too_large_is_answered(on_port: config.Settings) -> None:
    """413 over a real connection, with the words that say what to do; the next one is taken."""
    with serving(on_port):
        for case, body in TOO_LARGE.items():
            status, _, said = ask(on_port.port, "/e", "POST", body, {"Content-Type": "text/plain"})
            assert (status, b"65536 bytes" in said) == (413, True), case
        assert send(on_port.port, "e1")[0] == 202


def test_counts_of_all_processes(on_port: config.Settings) -> None:
    """With two processes, each scrape tells what both took."""
    with serving(replace(on_port, workers=2)):
        for number in range(20):
            assert send(on_port.port, f"e{number}")[0] == 202
        wait_for(
            lambda: (
                b'touchline_hits_total{reason="",result="accepted"} 20.0' in ask(on_port.port, "/metrics")[2]
            )
        )


@pytest.mark.fault
def test_a_killed_process_is_replaced(on_port: config.Settings) -> None:
    """The collector's process is killed: another takes its place."""
    with serving(on_port, stops=False) as process:
        (worker,) = children(process.pid)
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: children(process.pid) not in ([], [worker]) and is_ready(on_port))
        assert send(on_port.port, "e1")[0] == 202


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.parametrize(
    "sent", ["", "POST /e HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"], ids=["idle", "half a request"]
)
def test_nothing_outlives_its_parent(on_port: config.Settings, sent: str) -> None:
    """`serve` itself is killed: its processes go too, whoever they wait for, and the port is free."""
    with (
        serving(on_port, stops=False) as process,
        socket.create_connection(("127.0.0.1", on_port.port)) as line,
    ):
        line.sendall(sent.encode())
        workers = children(process.pid)
        process.kill()
        process.wait()
        wait_for(lambda: gone(workers))
    with socket.socket() as next_one:
        next_one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        next_one.bind(("127.0.0.1", on_port.port))


def test_a_stop_while_starting_is_a_stop(on_port: config.Settings) -> None:
    """SIGTERM at any moment of the start ends it soon, without an error."""
    with embedded.hold(on_port):
        for wait_s in (0.0, 0.4, 0.8, 1.2):
            process = subprocess.Popen(
                processes.command("tracker", "serve"),
                env=processes.environment(os.environ, config.environment(on_port)),
                stderr=subprocess.PIPE,
                text=True,
            )
            time.sleep(wait_s)
            process.terminate()
            said = process.communicate(timeout=120)[1]
            assert process.returncode in (0, 1, -signal.SIGTERM)
            assert "Traceback" not in said
    embedded.dismiss(on_port)


def test_a_port_that_is_taken_is_said(on_port: config.Settings) -> None:
    """One line that says what to do, and exit code 1."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", on_port.port))
        taken.listen()
        done = subprocess.run(
            processes.command("tracker", "serve"),
            env=processes.environment(os.environ, config.environment(on_port)),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert f"port {on_port.port}" in done.stderr and "--port" in done.stderr
    assert "Traceback" not in done.stderr
