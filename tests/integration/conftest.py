"""The command line over a test's workspace."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from tests.telling import Workspace
from tracker.cli import main

Touchline = Callable[..., Result]


@pytest.fixture
def touchline(workspace: Workspace, redis_url: str) -> Touchline:
    """Give the command line over the workspace that the test's module makes."""

    def call(*words: str, stdin: str | None = None) -> Result:
        runner = CliRunner(env={"REDIS_URL": redis_url})
        return runner.invoke(main, ["--data", str(workspace.settings.data), *words], input=stdin)

    return call
