"""A table of hosts: the most specific entry wins, then its parents; paths before hosts.

Patterns: `example.com`; `.example.com` with what stands below it; `.example.*` with any country's ending;
each with a path (`x.com/i/grok`) in which `*` stands for the rest of one part. Letters around a name
never match: `notexample.com` is another host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

Value = TypeVar("Value")

_COUNTRY = re.compile(r"\.(?:com?\.[a-z]{2}|[a-z]{2}|com|cat)$")
_LONGEST_PATH = 256


class _Entry(NamedTuple, Generic[Value]):
    value: Value
    below: bool
    path: re.Pattern[str] | None


class HostTable(Generic[Value]):
    """Hosts and paths to values; what is added first stays, unless it is said to be replaced."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Entry[Value]] = {}
        self._paths: dict[str, list[_Entry[Value]]] = {}
        self._labels: dict[str, Value] = {}
        self._prefixes: dict[str, Value] = {}

    def add(self, pattern: str, value: Value, *, below: bool = False, replace: bool = False) -> None:
        """Enter a pattern.

        Args:
            below: also what stands below the host, as if the pattern began with a dot.
            replace: take the place of an entry for the same host.
        """
        host, slash, path = pattern.partition("/")
        name, below = host.removeprefix("."), below or host.startswith(".")
        if slash:
            entry = _Entry(value, below, _path_pattern(path))
            self._paths.setdefault(name, []).insert(0 if replace else len(self._paths[name]), entry)
        elif replace or name not in self._hosts:
            self._hosts[name] = _Entry(value, below, None)

    def add_first_label(self, label: str, value: Value) -> None:
        """Enter the first label of hosts that stand below some domain; `deref-*` is how a host begins."""
        if label.endswith("*"):
            self._prefixes[label[:-1]] = value
        else:
            self._labels[label] = value

    def find(self, host: str, path: str = "") -> Value | None:
        """Look a host up.

        Args:
            host: lower case, ASCII.
            path: as in the URL.
        """
        levels = list(_levels(host))
        if self._paths and len(path) > 1:
            for name, is_below in levels:
                for entry in self._paths.get(name, ()):
                    if (
                        entry.path
                        and (entry.below or not is_below)
                        and entry.path.match(path[:_LONGEST_PATH])
                    ):
                        return entry.value
        by_label = self._by_label(host)
        if by_label is not None:
            return by_label
        for name, is_below in levels:
            found = self._hosts.get(name)
            if found is not None and (found.below or not is_below):
                return found.value
        return None

    def _by_label(self, host: str) -> Value | None:
        label, _, rest = host.partition(".")
        if label in self._labels and "." in rest and not _COUNTRY.fullmatch(f".{rest}"):
            return self._labels[label]
        return next((value for prefix, value in self._prefixes.items() if label.startswith(prefix)), None)


def _levels(host: str) -> Iterator[tuple[str, bool]]:
    """Walk from a host up to its parents, each also with its country's ending left open."""
    ending = _COUNTRY.search(host)
    stem = host[: ending.start()] if ending else None
    name, is_below = host, False
    while name:
        yield name, is_below
        if stem:
            yield f"{stem}.*", is_below
            stem = stem.partition(".")[2]
        name, is_below = name.partition(".")[2], True


def _path_pattern(path: str) -> re.Pattern[str]:
    parts = [re.escape(part).replace(r"\*", "[^/]*") for part in path.strip("/").split("/")]
    return re.compile("/+" + "/+".join(parts) + r"(?:/|$)", re.IGNORECASE)
