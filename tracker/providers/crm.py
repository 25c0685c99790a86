"""What adapters of CRMs share: the state of a deal by the name of its stage, lists of addresses, accounts.

A deal's step of history is an event with all that it says. A deal that was deleted is lost, with `deleted`
beside it; one that comes back says so by its next step. Nothing is guessed of a stage whose name does not
say it: the operator names such stages with the source's options `won`, `lost` and `open`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tracker.providers.reading import first, first_text, mapping, text

_WON = re.compile(r"(?:closed?[\W_]*)?won|won\b.*", re.IGNORECASE)
_LOST = re.compile(r"(?:closed?[\W_]*)?lost(?:\W.*)?", re.IGNORECASE)
STATES = ("won", "lost", "open")
"""What stages may stand for; also the names of the options that list them."""


def status_of(stage: Any, options: Mapping[str, Any], opens: Iterable[str] = ()) -> str | None:
    """Say what a stage means for a deal.

    Args:
        stage: the name or id of the stage.
        options: of the source; `won`, `lost` and `open` list stages, with commas between them.
        opens: stages that the provider ships with and that are open.

    Returns:
        `won`, `lost`, `open`; None where nothing tells.
    """
    named = (text(stage) or "").casefold()
    if not named:
        return None
    for state in STATES:
        if named in {each.strip().casefold() for each in str(options.get(state) or "").split(",")}:
            return state
    if _WON.fullmatch(named):
        return "won"
    if _LOST.fullmatch(named):
        return "lost"
    return "open" if named in {each.casefold() for each in opens} else None


def all_texts(*values: Any) -> list[str]:
    """Gather addresses or numbers: texts, lists of them, and objects that hold one; each once."""
    found: list[str] = []
    for value in values:
        for each in value if isinstance(value, list) else [value]:
            held = first(each, "value") if isinstance(each, Mapping) else each
            said = first_text(held if isinstance(held, Mapping) else each, *_HOLDERS) or text(held)
            if said is not None:
                found.append(said)
    return list(dict.fromkeys(found))


_HOLDERS = ("value", "email", "E164", "numberE164", "phone", "phone_formatted", "address", "number")


def account(crm_id: Any = None, name: Any = None, domain: Any = None) -> dict[str, str]:
    """Name a company by what is known of it."""
    told = {"crm_id": text(crm_id), "name": text(name), "domain": text(domain)}
    return {key: said for key, said in told.items() if said is not None}


def contact_of(
    crm_id: Any = None, email: Any = None, phone: Any = None, role: Any = None
) -> list[dict[str, str]]:
    """List the one person whom a deal names, if it names any."""
    told = {"crm_id": text(crm_id), "email": text(email), "phone": text(phone), "role": text(role)}
    known = {key: said for key, said in told.items() if said is not None}
    return [known] if known.keys() - {"role"} else []


def id_of(value: Any) -> str | None:
    """Read an id that may be a number, a text, or an object that has one."""
    return first_text(mapping(value), "id", "value") if isinstance(value, Mapping) else text(value)
