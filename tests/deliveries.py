"""Random deliveries: recorded payloads of all providers, told of a few people, at a few instants of receipt.

Instants recur, and so do bodies: the same one may come twice, early or late.
"""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

from hypothesis import strategies as st

from tests.histories import EMAILS
from tests.telling import KEY, TEN_MS, Fact, Workspace
from tests.unit.providers.recorded import FOLDER, KINDS
from tracker import wire
from tracker.core.times import DAY_MS, MINUTE_MS
from tracker.model import SiteKey
from tracker.providers import own_name
from tracker.store.db import open_store
from tracker.store.hooks import HookSource, Secrets, add_hook

Told = Fact | wire.HookEntry
"""A fact, or a delivery of which facts are made."""

PAYLOADS = sorted(path for path in FOLDER.iterdir() if path.suffix in KINDS)
PROVIDERS = sorted({own_name(path.name.partition("_")[0]) for path in PAYLOADS})
_EMAIL = re.compile(rb"[\w.]+(@|%40)[\w-]+\.[a-z]{2,}")
_NUMBER = re.compile(rb"\+1\d{10}\b")
_RECEIVED = (0, 1, 5 * MINUTE_MS, DAY_MS, 2 * DAY_MS)


def number_of(provider: str) -> int:
    """Give the number of a provider's hook source; of one that there is none of, a number that none has."""
    return PROVIDERS.index(provider) + 1 if provider in PROVIDERS else 9_000


def _entry(path: Path, email: str | None, phone: str | None, later_ms: int) -> wire.HookEntry:
    body = path.read_bytes()
    if email is not None:
        body = _EMAIL.sub(lambda found: email.encode().replace(b"@", found[1]), body)
    if phone is not None:
        body = _NUMBER.sub(phone.encode(), body)
    source = number_of(own_name(path.name.partition("_")[0]))
    return wire.HookEntry(TEN_MS + later_ms, source, body, {"content-type": KINDS[path.suffix]})


deliveries: st.SearchStrategy[wire.HookEntry] = st.builds(
    _entry,
    st.sampled_from(PAYLOADS),
    st.sampled_from((None, *EMAILS)),
    st.sampled_from((None, "+447700900001")),
    st.sampled_from(_RECEIVED),
)


def packed(told: Told) -> bytes:
    """Write one message of the log."""
    if isinstance(told, wire.HookEntry):
        return wire.encode(told)
    return wire.encode(wire.FactsEntry(TEN_MS + 365 * DAY_MS, "test", [dict(told)]))


def connect(workspace: Workspace) -> Workspace:
    """Add a hook source of every provider to the site shop."""
    with closing(open_store(workspace.settings.data, write=True)) as db:
        for number, name in enumerate(PROVIDERS, 1):
            source = HookSource(0, SiteKey("shop"), name, "UTC", "")
            assert add_hook(db, source, Secrets(""), key=KEY, now_ms=0)[0].source_no == number
    return workspace
