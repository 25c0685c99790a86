"""The manual's page of providers, as the adapters write it: `python -m tracker.providers.page`."""

from __future__ import annotations

from tracker.providers import CALLS, CHATS, CRMS, FORMS, OTHERS, load_adapter
from tracker.providers.adapter import Adapter

_HEAD = """# Providers, one by one

""" + "\n\n".join(
    (
        "Each provider below has an address of its own, which `touchline source add SITE PROVIDER` prints. "
        "What is common to all of them stands in [Webhooks](hooks.md): secrets, repeats, what to do when "
        "something does not come.",
        "Where a step says *as --secret*, and the provider showed the secret only once it had the address, "
        "give it to the source that is there: `touchline source rotate NUMBER --secret -` asks for it and "
        "leaves the address as it is. `touchline source list` has the number; a second `source add` would "
        "make another address.",
        "The last column says what the shapes and the proof were checked against. Real deliveries differ "
        "from printed examples: what an adapter cannot read is kept, `touchline source list` counts it, and "
        "`touchline replay hooks` reads it again once the adapter is mended.",
    )
)
_FAMILIES = (
    ("Calls", CALLS), ("Chats and help desks", CHATS), ("Forms and bookings", FORMS), ("CRMs", CRMS),
    ("Anything else", OTHERS),
)  # fmt: skip


def page() -> str:
    """Write the page."""
    parts = [_HEAD + "\n", _table()]
    for title, names in _FAMILIES:
        parts.append(f"## {title}\n")
        parts += [_section(load_adapter(name)) for name in names]
    return "\n".join(parts)


def _table() -> str:
    lines = ["| provider | name | proof of the sender | checked against |", "|---|---|---|---|"]
    for _, names in _FAMILIES:
        for adapter in map(load_adapter, names):
            cells = (adapter.label, adapter.name, _proof(adapter), adapter.verified)
            lines.append(f"| {' | '.join(each.replace('|', '/') for each in cells)} |")
    return "\n".join(lines) + "\n"


def _proof(adapter: Adapter) -> str:
    return adapter.secret if adapter.verify is not None else "none: the address alone"


def _section(adapter: Adapter) -> str:
    steps = [f"{number}. {step}" for number, step in enumerate(adapter.steps, 1)]
    first = f"`touchline source add shop {adapter.name}{' --secret SECRET' if adapter.verify else ''}`"
    lines = [f"### {adapter.label}\n", f"{first} prints `{{url}}`. Then:\n", *steps]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
