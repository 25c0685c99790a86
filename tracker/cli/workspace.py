"""What verbs open: the store, the log, the workspace's key; and where the collector answers."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import click
import redis

from tracker import address, config, embedded, keys
from tracker.cli import Context
from tracker.errors import BadRequest


def key_of(settings: config.Settings) -> bytes:
    """Read the workspace's key."""
    return keys.workspace_key(settings.data, os.environ)


@contextmanager
def opened(context: Context, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """Open the store for one verb."""
    from tracker.store.db import open_store

    with closing(open_store(context.settings.data, write=write)) as db:
        yield db


@contextmanager
def open_log(settings: config.Settings) -> Iterator[redis.Redis]:
    """Connect to the log, starting the embedded server for as long as it is needed."""
    with embedded.hold(settings) as url:
        client = embedded.connect(url, blocking=True)
        try:
            yield client
        finally:
            client.close()


def collector_url(context: Context, given: str | None, *, caller: str) -> str:
    """Name the collector's address, without a slash at its end; an address of this machine is said to be one.

    Args:
        given: what the verb's own option says; it goes before the setting `public_url`.
        caller: who is to reach it.

    Raises:
        BadRequest: what was given is no address of the web.
    """
    if given is not None:
        try:
            return config.web_url(given)
        except ValueError as error:
            raise BadRequest("bad_url", f"{error}, not {given!r}", "--url") from None
    settings = context.settings
    if settings.public_url:
        return settings.public_url
    own = address.load_address(settings) + settings.url_prefix
    click.echo(
        f"{own} is an address of this machine alone: where {caller} cannot reach it, name the collector's "
        "outside one, by --url https://example.com/t or for good as the setting public_url",
        err=True,
    )
    return own


def read_secret(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Read a secret that is not to stand on the command line: for `-`, asked for, or a line of stdin.

    Raises:
        BadRequest: what stdin holds is no text.
    """
    if value != "-":
        return value
    if sys.stdin.isatty():
        return str(click.prompt("Secret", hide_input=True, err=True))
    try:
        return sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise BadRequest("bad_fact", "what stdin holds is no text in UTF-8", "--secret") from None
