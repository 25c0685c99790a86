"""Providers: what each service sends, how it proves itself, and which facts follow.

One pure file each. An adapter never touches the network, the clock or the store: it is given a delivery
and a secret, and gives facts. How deliveries are kept, answered and replayed is decided in
`tracker.web.hooks` and `worker.hooks`.
"""

from __future__ import annotations

import importlib
from functools import cache

from tracker.errors import BadRequest
from tracker.providers.adapter import Adapter

CALLS = ("aircall", "callrail", "dialpad", "openphone", "ringcentral", "twilio", "whatconverts")
CHATS = ("chatwoot", "crisp", "freshdesk", "front", "intercom", "livechat", "olark", "tawkto", "zendesk")
FORMS = (
    "calcom", "calendly", "elementor", "fillout", "formsort", "googleads", "gravityforms", "hubspotforms",
    "jotform", "linkedin", "meta", "tally", "typeform", "webflow", "wufoo",
)  # fmt: skip
CRMS = ("close", "hubspot", "nutshell", "pipedrive", "salesforce", "zoho")
OTHERS = ("generic", "standardwebhooks")
NAMES = (*CALLS, *CHATS, *FORMS, *CRMS, *OTHERS)
ALIASES = {"quo": "openphone", "tawk": "tawkto", "cal": "calcom", "textcom": "livechat"}


def own_name(name: str) -> str:
    """Give the name that we call a provider by, whatever of its names it is called by."""
    return ALIASES.get(name, name)


@cache
def load_adapter(name: str) -> Adapter:
    """Find a provider's adapter.

    Raises:
        BadRequest: `not_found`, there is no such provider; the message lists those there are.
    """
    known = own_name(name)
    if known not in NAMES:
        raise BadRequest("not_found", f"there is no provider {name!r}; there are {', '.join(NAMES)}")
    adapter: Adapter = importlib.import_module(f"tracker.providers.{known}").ADAPTER
    return adapter
