"""The verbs that run Touchline: `up`, its parts alone, and `config`."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import click

from tracker import config, logs, processes
from tracker.cli import Context, pass_context


def _begin(settings: config.Settings) -> config.Settings:
    """Set up what every running process has: its log, and its parent to follow."""
    logs.configure(settings.log_format)
    processes.follow(os.environ)
    return settings


def _place_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the verbs that listen."""
    verb = click.option("--host", metavar="ADDRESS", help="Address to listen on.")(verb)
    verb = click.option("--port", type=click.IntRange(1, 65_535), metavar="PORT", help="Port to listen on.")(
        verb
    )
    return click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data directory.")(
        verb
    )


@click.command()
@_place_options
@pass_context
def up(context: Context, data: Path | None, host: str | None, port: int | None) -> None:
    """touchline up --port 8000

    Run everything on this machine: the embedded server (unless REDIS_URL names one), the
    collector, a worker and the schedule. Ctrl-C stops it in order; killing it loses nothing.
    """
    from worker import up as supervisor

    supervisor.up(_begin(context.but(data, host=host, port=port).settings))


@click.command()
@_place_options
@pass_context
def serve(context: Context, data: Path | None, host: str | None, port: int | None) -> None:
    """touchline serve --port 8000

    Run the collector and the pages alone.
    """
    from tracker.web import serve as collector

    collector.serve(_begin(context.but(data, host=host, port=port).settings))


@click.command()
@click.argument("job", type=click.Choice(["drain", "deliver"]), default="drain")
@pass_context
def work(context: Context, job: str) -> None:
    """touchline work

    Run one worker alone: it drains the log into the store. `touchline work deliver` runs the one
    that sends what leaves, such as alerts; it never holds up the other.
    """
    from tracker import queue
    from worker import work as worker

    worker.work(_begin(context.settings), queue.DELIVER if job == "deliver" else queue.DRAIN)


@click.command()
@pass_context
def schedule(context: Context) -> None:
    """touchline schedule

    Run the schedule alone; two at once do no harm.
    """
    from worker import schedule as timetable

    stop = processes.Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_signal: stop.set())
    timetable.run(_begin(context.settings), stop)


@click.command("config")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@pass_context
def show_config(context: Context, form: str) -> None:
    """touchline config

    Print every setting: its value, where the value was found, and what it means.
    """
    settings, origins = config.resolve(os.environ, data=context.data, **context.given)
    rows = [
        {
            "name": setting.name,
            "value": _shown(getattr(settings, setting.name), setting.unit),
            "unit": setting.unit,
            "origin": origins[setting.name],
            "help": setting.help,
        }
        for setting in config.SETTINGS
    ]
    for name in config.unknown_variables(os.environ):
        click.echo(f"No setting reads the variable {name}; is it misspelt?", err=True)
    click.echo(json.dumps(rows, indent=2) if form == "json" else _table(rows))


def _shown(value: object, unit: str) -> str:
    """Write a value without the password that it is, or that an address may hold."""
    text = config.as_text(value)
    if unit == "secret" and text:
        return "***"
    parts = urlsplit(text) if "://" in text else None
    if parts is None or parts.password is None:
        return text
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{place}"))


def _table(rows: list[dict[str, str]]) -> str:
    names = ("name", "value", "origin")
    widths = [max(len(row[name]) for row in rows) for name in names]
    lines = (
        "  ".join([row[name].ljust(width) for name, width in zip(names, widths, strict=True)] + [row["help"]])
        for row in rows
    )
    return "\n".join(lines)
