"""The manual's page of providers is the one that the adapters write."""

from __future__ import annotations

from importlib import resources

import pytest

from tracker.providers import NAMES, load_adapter
from tracker.providers.page import page


def test_the_page_of_providers_is_written_from_the_adapters() -> None:
    """Whoever changes an adapter writes the page anew: python -m tracker.providers.page > the file."""
    written = resources.files("tracker.web").joinpath("help", "providers.md").read_text("utf-8")
    assert page() == written


@pytest.mark.parametrize("name", NAMES)
def test_every_provider_says_how_it_is_connected(name: str) -> None:
    """Its steps name the address once at least, its proof is explained, and what was checked is said."""
    adapter = load_adapter(name)
    assert adapter.name == name
    assert any("{url}" in step for step in adapter.steps)
    assert adapter.verified
    assert bool(adapter.secret) == (adapter.verify is not None)
