"""The manual: Markdown files of the folder `help`, as pages.

A file's first heading is its title, and the order of the pages is that of `ORDER`, then the alphabet.
Links between files become links between pages; raw HTML in a file is shown as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

from markdown_it import MarkdownIt
from markupsafe import Markup

ORDER = (
    "install", "visitors", "forms", "journey", "identity", "accounts", "hooks", "providers",
    "calls", "numbers", "crms", "fieldmaps", "import", "matching", "leads", "exports", "datasette", "alerts",
    "privacy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chapter:
    """One page of the manual; `name` stands in its address."""

    name: str
    title: str
    body: Markup


@cache
def load_chapters() -> dict[str, Chapter]:
    """Read and render all pages in order; once, since they belong to the installation."""
    folder = resources.files("tracker.web").joinpath("help")
    names = [file.name.removesuffix(".md") for file in folder.iterdir() if file.name.endswith(".md")]
    rank = {name: number for number, name in enumerate(ORDER)}
    in_order = sorted(names, key=lambda name: (rank.get(name, len(ORDER)), name))
    return {name: _chapter(name, folder.joinpath(f"{name}.md").read_text("utf-8")) for name in in_order}


def _chapter(name: str, text: str) -> Chapter:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    headings = (tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open")
    for link in (inner for token in tokens for inner in token.children or () if inner.type == "link_open"):
        link.attrSet("href", _address(str(link.attrGet("href"))))
    # The renderer escapes the text of the file, which is part of this installation.
    return Chapter(name, next(headings, name), Markup(parser.renderer.render(tokens, parser.options, {})))


def _address(link: str) -> str:
    """Write a link between two files as one between their pages."""
    path, mark, place = link.partition("#")
    return path.removesuffix(".md") + mark + place if "/" not in path else link
