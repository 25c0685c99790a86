"""Serve: the collector's processes, run by granian."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from tracker import embedded, logs, processes
from tracker.config import Settings
from tracker.errors import Permanent
from tracker.keys import workspace_key
from tracker.web.house import shelf_of

BACKLOG = 1_024
STOP_S = 10  # for requests in flight; a client that keeps a connection open holds nobody up for longer
HEADERS_BYTES = 65_536

# granian's own lines go to the project's log, without a handler of their own.
_LOGGING = {"formatters": {}, "handlers": {}, "loggers": {"_granian": {"handlers": [], "propagate": True}}}


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are answered first.

    Raises:
        Permanent: the address is taken, or the workspace's key or the server cannot be had.
        Retryable: the outside server does not answer.
    """
    workspace_key(settings.data, os.environ)
    _check_address(settings)
    shelf_of(settings).clear()
    with embedded.hold(settings) as url:
        settings = replace(settings, redis_url=url)
        server = Granian(
            "tracker.web.serve",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.WSGI,
            workers=settings.workers,
            blocking_threads=settings.threads,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(max_buffer_size=HEADERS_BYTES),
            backlog=BACKLOG,
            log_dictconfig=_LOGGING,
            log_level=LogLevels.error,
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_S,
        )
        server.serve(target_loader=partial(_load, settings), wrap_loader=False)


def _load(settings: Settings) -> Callable[..., Any]:
    """Make the application in a process that granian has started, and follow its parent."""
    from tracker.web.app import create_app

    for number in (signal.SIGTERM, signal.SIGINT):
        # The parent's handlers do nothing here, and granian sets its own only when this is done.
        signal.signal(number, signal.SIG_DFL)
    logs.configure(settings.log_format)
    parent = multiprocessing.parent_process()
    if parent is not None:
        processes.follow({processes.PARENT: str(parent.pid)}, grace_s=STOP_S)
    app = create_app(settings)
    gc.collect()
    gc.freeze()  # the rule tables are for ever: walking them in a collection would hold up every request
    return app


def _check_address(settings: Settings) -> None:
    """Find out before anything starts whether the address can be had."""
    try:
        processes.try_address(settings.host, settings.port)
    except OSError as error:
        place = f"{settings.host} port {settings.port}"
        raise Permanent(f"Cannot listen on {place}: {error.strerror}; choose another with --port.") from None
