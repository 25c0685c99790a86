"""Bots by their user agent: flagged with a reason, never dropped here.

Three judges in turn: the tokens of AI agents, the spiders that `user-agents` knows, the patterns of
`is-bot`. An ordinary browser's string is recognised by its shape before any of them is asked. Prefetch
headers, webdriver and one's own addresses are seen by those who see the request.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from is_bot import Bots  # type: ignore[import-untyped]

from tracker.core.tables import read_words

USER_AGENT_LIMIT = 1_024
EMPTY = "empty_user_agent"

_SYSTEM = (
    r"Windows NT \d+\.\d+; (?:Win64; x64|WOW64)(?:; rv:[\d.]+)?"
    r"|Macintosh; Intel Mac OS X \d+[._]\d+(?:[._]\d+)*(?:; rv:[\d.]+)?"
    r"|X11; (?:Ubuntu; |Fedora; )?Linux (?:x86_64|i686|aarch64)(?:; rv:[\d.]+)?"
    r"|X11; CrOS (?:x86_64|aarch64|armv7l) \d+\.\d+\.\d+"
    r"|iP(?:hone|ad|od touch); CPU (?:iPhone )?OS \d+(?:_\d+)* like Mac OS X"
    r"|Linux; (?:U; )?Android \d+(?:\.\d+)*(?:; (?P<model>[A-Za-z0-9][A-Za-z0-9 ._+/()-]{0,60}?))?(?:; wv)?"
    r"|Android \d+(?:\.\d+)*; Mobile; rv:[\d.]+"
)
_ENGINE = (
    r"AppleWebKit/[\d.]+ \(KHTML, like Gecko\)"
    r"(?: Version/[\d.]+)?(?: (?:Chrome|CriOS|FxiOS|EdgiOS|GSA|OPT|DuckDuckGo|SamsungBrowser)/[\d.]+)*"
    r"(?: Mobile(?:/[0-9A-Z]{4,10})?)?(?: Safari/[\d.]+)?"
    r"(?: (?:Edg|EdgA|OPR|Vivaldi|YaBrowser|Ddg)/[\d.]+){0,2}"
    r"|Gecko/(?:20100101|[\d.]+) Firefox/[\d.]+"
)
_APP = (
    r" ?(?P<app>\[FB[^\[\]]{0,500}\](?: ?\[FB[^\[\]]{0,500}\])?"
    r"|Instagram [\d.]+(?: Android)?(?: \([^()]{0,300}\))?)"
)
_BROWSER = re.compile(rf"Mozilla/5\.0 \((?:{_SYSTEM})\) (?:{_ENGINE})(?:{_APP})?")
_SUSPECT_APP = re.compile(r"bot|crawl|spider|http|agent|external|preview|headless", re.IGNORECASE)
_SUSPECT_MODEL = re.compile(
    _SUSPECT_APP.pattern
    + r"|scan|search|\.com|\.ai|news|google|check|monitor|fetch|feed|archive|java|library"
    r"|manager|server|tools|url|\(\)",
    re.IGNORECASE,
)
_MISTAKEN = re.compile(
    r"\bcubot\w*|\bwebappmanager\b|\bsmartnews\b|\bnewsbreak\b|\bgoogle ?tv\b", re.IGNORECASE
)
"""Phones, televisions and apps of persons whose names the patterns of `is-bot` take for a bot's."""


def bot_reason(user_agent: str | None) -> str | None:
    """Say why a user agent is a bot's.

    Args:
        user_agent: the header as it came; none where nothing is known of it.

    Returns:
        `empty_user_agent`, `ai_agent:<token>`, `spider` or `bot_pattern`; none for a person's browser, and
        where there is no user agent to judge by.
    """
    if user_agent is None:
        return None
    return _reason(user_agent[:USER_AGENT_LIMIT])


@lru_cache(maxsize=8_192)
def _reason(text: str) -> str | None:
    if not text.strip():
        return EMPTY
    if looks_ordinary(text):
        return None
    named = _MISTAKEN.sub("", text)
    token = _ai_tokens().search(named)
    if token is not None:
        return f"ai_agent:{_AI_SPELLINGS[token[0].lower()]}"
    if _is_spider(named):
        return "spider"
    return "bot_pattern" if _patterns().is_bot(named) else None


def looks_ordinary(user_agent: str) -> bool:
    """Tell whether a user agent has a common browser's shape, and no word of a bot in its free parts."""
    found = _BROWSER.fullmatch(user_agent)
    if found is None:
        return False
    model, app = found["model"], found["app"]
    return not (model and _SUSPECT_MODEL.search(model)) and not (app and _SUSPECT_APP.search(app))


_AI_SPELLINGS = {token.lower(): token for token in sorted(read_words("ai_agents", "tokens"))}


@cache
def _ai_tokens() -> re.Pattern[str]:
    tokens = "|".join(map(re.escape, sorted(_AI_SPELLINGS, key=lambda token: (-len(token), token))))
    return re.compile(rf"(?<![\w-])(?:{tokens})(?![\w-])", re.IGNORECASE)


def _is_spider(user_agent: str) -> bool:
    """Ask `user-agents`; a process that sees ordinary browsers only never loads its patterns."""
    from tracker.core.devices import parse_user_agent

    return bool(parse_user_agent(user_agent).is_bot)


@cache
def _patterns() -> Bots:
    return Bots()
