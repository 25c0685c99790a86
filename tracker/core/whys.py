"""Words for evidence: the reasons there are, and what each of them and each rule means to a marketer.

The rules themselves stand in `tracker.core.identity`; the help page `identity` tells them at length.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Why = Literal[
    "split", "undone", "given_by_operator", "keeps_apart", "two_contacts", "device_between_emails",
    "same_name", "shared", "contested_line", "stale_line", "own_number", "known_by_line", "echo", "bot",
    "unseen", "too_large", "owned", "not_first_browser", "link_used", "link_expired", "other_browser",
    "shared_device",
]  # fmt: skip
"""Every reason that can be given of a piece of evidence, or for setting an identifier apart."""

EVIDENCE = {
    "same": "R0, an operator said that the two are one person",
    "split": "R0, an operator said that the two are not one person",
    "merge": "R0, the CRM merged two contacts",
    "R1": "R1, a CRM contact has this address or user id",
    "R2": "R2, it was given on this browser",
    "R3": "R3, a link in a mail to this address was clicked on this browser",
    "R4": "R4, the number or chat was given with it",
    "R5": "R5, a signed link led from one browser's cookie to the other",
    "R6": "R6, a call was matched to this browser",
}

WHYS: Mapping[Why, str] = {
    "split": "an operator said that these are not one person",
    "undone": "an operator took this word back, or said it again",
    "given_by_operator": "an operator has said whose this browser is",
    "keeps_apart": "it joins nobody: it keeps the two apart",
    "two_contacts": "one person would have two contacts of the same CRM; merge them there, or say `same`",
    "device_between_emails": "both sides have an e-mail address or user id of their own, and a shared browser"
    " or number is not enough to make them one person",
    "same_name": "both go by the same full name, so that the browser or number could join them (R7)",
    "shared_device": "several people used this browser in turn; it is theirs one after the other",
    "shared": "more people use this address, number or browser than one person would: it stands for nobody",
    "contested_line": "several people gave this number or chat of late; it stands for none of them alone",
    "stale_line": "somebody else was seen with this number since, and this was too long before",
    "own_number": "it is one of our own tracking numbers, and says nothing of who called",
    "known_by_line": "the caller was known by this very number, so the call proves nothing new; it keeps the"
    " number fresh",
    "echo": "the caller was known by this very number, so the call proves nothing new",
    "bot": "all that this browser ever did was done by a bot",
    "unseen": "no fact but an operator's word has named one of the two",
    "too_large": "the person had grown beyond 200 identifiers, so its weakest evidence was left out",
    "owned": "the browser was somebody's already; a clicked mail may have been forwarded",
    "not_first_browser": "the same mail was opened on another browser first; this one was forwarded to",
    "link_used": "the link had been used by another browser before; it counts once",
    "link_expired": "the link was more than two minutes old, or from the future",
    "other_browser": "the link was opened on another browser than the one it was made on",
}
