"""The user agents of `user_agents.tsv`, for the tests of devices and of bots."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Agent(NamedTuple):
    """One line: `judged` is `ordinary` or `person` for a person's browser, else the reason of a bot."""

    judged: str
    name: str
    browser: str | None
    browser_version: str | None
    os: str | None
    os_version: str | None
    device: str
    user_agent: str

    @property
    def reason(self) -> str | None:
        """What `bot_reason` must say."""
        return None if self.judged in ("ordinary", "person") else self.judged


def _agent(line: str) -> Agent:
    return Agent(*(None if cell == "-" else cell for cell in line.split("\t")))  # type: ignore[arg-type]


AGENTS = [_agent(line) for line in Path(__file__).with_name("user_agents.tsv").read_text().splitlines()[2:]]
BY_NAME = {agent.name: agent for agent in AGENTS}
ORDINARY = [agent for agent in AGENTS if agent.judged == "ordinary"]
