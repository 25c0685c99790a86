"""Bots by their user agent: the machines are told, and no person's browser is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.agents import AGENTS, BY_NAME, ORDINARY, Agent
from tracker.core import bots
from tracker.core.bots import bot_reason, looks_ordinary
from tracker.core.tables import read_words

WINDOWS = BY_NAME["Chrome on Windows"].user_agent
ENGINE = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36"


@pytest.mark.parametrize("agent", AGENTS, ids=[agent.name for agent in AGENTS])
def test_machines_are_told_and_persons_are_not(agent: Agent) -> None:
    """Crawlers, previews and agents have their reason; phones, apps, televisions and cars have none."""
    assert bot_reason(agent.user_agent) == agent.reason


@pytest.mark.parametrize("agent", AGENTS, ids=[agent.name for agent in AGENTS])
def test_an_ordinary_browser_is_told_by_its_shape(agent: Agent) -> None:
    """The strings that most hits carry are recognised without a list of bots, and no bot's is."""
    assert looks_ordinary(agent.user_agent) is (agent.judged == "ordinary")


NAMED = (
    "GPTBot ChatGPT-User OAI-SearchBot ClaudeBot PerplexityBot CCBot Bytespider Google-Extended "
    "Applebot-Extended meta-externalagent Amazonbot"
)


@pytest.mark.parametrize("token", NAMED.split())
def test_the_best_known_ai_agents_are_told_alone(token: str) -> None:
    """The token itself is enough."""
    assert bot_reason(token) == bot_reason(f"Mozilla/5.0 (compatible; {token}/1.0)") == f"ai_agent:{token}"


@pytest.mark.parametrize("token", sorted(read_words("ai_agents", "tokens")))
def test_ai_agents_are_whole_words(token: str) -> None:
    """A token inside another word is another word; the longest of several is the one."""
    assert bot_reason(f"{WINDOWS} {token}/1.0") == f"ai_agent:{token}"
    assert not (bot_reason(f"{WINDOWS} x{token}y/1.0") or "").startswith("ai_agent")


def test_no_user_agent_and_an_empty_one_are_two_things() -> None:
    """Nothing is known of a missing header; an empty one was sent by a machine."""
    assert bot_reason(None) is None
    assert bot_reason("") == bot_reason("  \t") == "empty_user_agent"


def test_only_the_first_1024_characters_count() -> None:
    """What follows cannot slow a pattern down, nor change the answer."""
    long = "Mozilla/5.0 (" + "x" * 1_100 + " Googlebot/2.1"
    assert bot_reason(long) == bot_reason(long[:1_024])


def test_an_ordinary_browser_never_asks_the_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request path pays for the shape alone."""
    monkeypatch.setattr(bots, "_patterns", lambda: pytest.fail("asked"))
    monkeypatch.setattr(bots, "_is_spider", lambda _: pytest.fail("asked"))
    bots._reason.cache_clear()
    assert all(bot_reason(agent.user_agent) is None for agent in ORDINARY)


WORDS = st.sampled_from(
    [
        "K",
        "SM-G960F",
        "CUBOT",
        "Bot",
        "crawler",
        "spider",
        "curl",
        "Pixel 8",
        "; wv",
        "rv:11",
        "x64",
        "scan",
        "http",
    ]
)


@given(st.lists(WORDS, max_size=3).map(" ".join))
def test_what_looks_ordinary_is_no_bot_to_the_patterns(model: str) -> None:
    """The shape may only spare the patterns work, never overrule them."""
    user_agent = f"Mozilla/5.0 (Linux; Android 13; {model}) {ENGINE}"
    if looks_ordinary(user_agent):
        assert not bots._is_spider(user_agent) and not bots._patterns().is_bot(user_agent)


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    """Whatever is sent as a user agent, the answer is a reason or none."""
    assert bot_reason(text) is None or isinstance(bot_reason(text), str)
