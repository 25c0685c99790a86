"""The yardstick of collect: a plain Flask view with one XADD, on the same granian with the same threads."""

from __future__ import annotations

import sys
from functools import partial

import redis
from flask import Flask, Response, request
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from tracker import embedded

STREAM = "bench:plain"


def make_app(url: str) -> Flask:
    """Make the application: it writes the body to a stream and answers."""
    client: redis.Redis = embedded.connect(url, blocking=False)
    app = Flask(__name__)

    @app.post("/e")
    def collect() -> tuple[Response, int]:
        client.xadd(STREAM, {"m": request.get_data()})
        return app.json.response(accepted=1), 202

    @app.get("/ready")
    def ready() -> str:
        return "ready"

    return app


def serve(url: str, port: int, threads: int) -> None:
    """Serve it in one process."""
    server = Granian(
        "tests.bench.plain", address="127.0.0.1", port=port, interface=Interfaces.WSGI, workers=1,
        blocking_threads=threads, http=HTTPModes.http1, log_level=LogLevels.error,
    )  # fmt: skip
    server.serve(target_loader=partial(_load, url), wrap_loader=False)


def _load(url: str) -> Flask:
    return make_app(url)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
