"""The command line: `touchline VERB`, one function a verb, imported when it is called.

stdout carries data, stderr talk and progress. Exit codes: 0 done; 1 a check found a difference, or
it failed; 2 wrong use. This module knows the verbs' places and maps errors to exit codes; what a
verb does stands in its own module.
"""

from __future__ import annotations

import difflib
import errno
import importlib
import os
import sqlite3
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import redis

from tracker import __version__, config
from tracker.errors import BadRequest, TouchlineError

VERBS = {
    "up": "tracker.cli.run:up",
    "serve": "tracker.cli.run:serve",
    "work": "tracker.cli.run:work",
    "schedule": "tracker.cli.run:schedule",
    "config": "tracker.cli.run:show_config",
    "site": "tracker.cli.sites:site",
    "number": "tracker.cli.sites:number",
    "pool": "tracker.cli.pools:pool",
    "snippet": "tracker.cli.sites:snippet",
    "source": "tracker.cli.hooks:source",
    "replay": "tracker.cli.hooks:replay",
    "mail-token": "tracker.cli.mails:mail_token",
    "load": "tracker.cli.facts:load",
    "import": "tracker.cli.imports:import_",
    "drain": "tracker.cli.facts:drain",
    "rebuild": "tracker.cli.facts:rebuild",
    "verify": "tracker.cli.facts:verify",
    "export": "tracker.cli.out:export",
    "report": "tracker.cli.reports:report",
    "lead": "tracker.cli.leads:lead",
    "explain": "tracker.cli.out:explain",
    "split": "tracker.cli.persons:split",
    "same": "tracker.cli.persons:same",
    "erase": "tracker.cli.rights:erase",
    "access": "tracker.cli.rights:access",
    "alert": "tracker.cli.alerts:alert",
    "outbox": "tracker.cli.outbox:outbox",
    "deliver": "tracker.cli.outbox:deliver",
    "classify": "tracker.cli.classify:classify",
    "sources": "tracker.cli.sources:sources",
}


@dataclass(frozen=True)
class Context:
    """What every verb is given: the settings, read when first asked for.

    `data` and `given` are what the command line says; both win over the environment.
    """

    data: Path | None = None
    given: dict[str, object] = field(default_factory=dict)

    @cached_property
    def settings(self) -> config.Settings:
        """The settings of this call."""
        return config.load(os.environ, data=self.data, **self.given)

    def but(self, data: Path | None = None, **given: object) -> Context:
        """Copy with what a verb's own options say on top."""
        return Context(data or self.data, {**self.given, **given})


pass_context = click.make_pass_decorator(Context)


class Failed(click.ClickException):
    """An expected failure: its text on stderr, exit code 1."""

    exit_code = 1


class Misused(click.ClickException):
    """What the caller gave cannot be used: the text on stderr, exit code 2."""

    exit_code = 2


class Verbs(click.Group):
    """A group that imports a verb when it is called, and suggests one when there is none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs in the table's order."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb of that name."""
        if cmd_name not in VERBS:
            return None
        module, name = VERBS[cmd_name].split(":")
        return _described(getattr(importlib.import_module(module), name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb that the arguments begin with, or suggest one."""
        if args and args[0] not in VERBS:
            near = difflib.get_close_matches(args[0], VERBS, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "`touchline --help` lists the verbs."
            raise click.UsageError(f"There is no verb {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; an error of ours becomes a message and an exit code, without a traceback."""
        try:
            return super().invoke(ctx)
        except BadRequest as error:
            raise Misused(str(error)) from error
        except TouchlineError as error:
            raise Failed(str(error)) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Failed(f"Nothing more can be written: {error.strerror}.") from error
            if error.filename is None:  # no file of the caller's: a closed pipe, or a fault of ours
                raise
            raise Failed(f"{error.filename}: {error.strerror}.") from error
        except UnicodeEncodeError as error:
            if "surrogates" not in error.reason:  # no bytes of the caller's: a terminal without such letters
                raise
            raise Misused("what was given holds bytes that are no UTF-8; write it anew") from error
        except sqlite3.Error as error:
            raise Failed(f"The store could not be used: {error}") from error
        except redis.RedisError as error:
            raise Failed(f"The log could not be used: {error}") from error


def _described(command: click.Command) -> click.Command:
    """Have lists of verbs say what each does: help begins with a line to paste, then a paragraph."""
    if command.short_help is None and command.help:
        paragraph = command.help.partition("\n\n")[2].partition("\n\n")[0]
        command.short_help = " ".join(paragraph.split()).partition(". ")[0].rstrip(".")
    for verb in command.commands.values() if isinstance(command, click.Group) else ():
        _described(verb)
    return command


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="touchline")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Data directory, for every verb; else TOUCHLINE_DATA, else ./data.",
)
@click.pass_context
def main(ctx: click.Context, data: Path | None) -> None:
    """touchline up

    The line above starts all of Touchline on this machine; its first page says what to do next.
    Every verb works on one data directory.

    Exit codes: 0 done; 1 a check found a difference, or it failed; 2 wrong use.
    """
    ctx.obj = Context(data)
