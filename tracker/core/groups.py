"""Groups of identifiers that are becoming persons, and the guards that keep two groups apart.

What is joined, in which order and on what evidence, is decided in `tracker.core.identity`. Here stands
what may never meet: what an operator split, two contacts of one CRM, two e-mail addresses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tracker.core.whys import Why

IdentifierKind = Literal["visitor", "email", "user", "phone", "chat", "crm"]
KINDS: tuple[IdentifierKind, ...] = ("visitor", "email", "user", "phone", "chat", "crm")
LINES: frozenset[str] = frozenset({"phone", "chat"})
PERSONAL: frozenset[str] = frozenset({"email", "user", "crm"})


class Identifier(NamedTuple):
    """A value that can link; `value` is normalised."""

    kind: IdentifierKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def system_of(contact: Identifier) -> str:
    """Name the CRM of a contact, whose value is `<system>:<id>`."""
    system, colon, _ = contact.value.partition(":")
    return system if colon else ""


@dataclass(slots=True, eq=False)
class _Group:
    members: list[Identifier]
    emails: int = 0
    users: int = 0
    systems: set[str] = field(default_factory=set)
    strangers: set[Identifier] = field(default_factory=set)

    @property
    def is_personal(self) -> bool:
        return bool(self.emails or self.users or self.systems)


class Groups:
    """Disjoint groups of identifiers; every question and join takes any member for its group."""

    def __init__(self, splits: Iterable[frozenset[Identifier]], merged: Iterable[Identifier]) -> None:
        """Begin with every identifier alone.

        Args:
            splits: pairs that an operator holds to be different.
            merged: contacts that their CRM has merged into others; they do not count as contacts.
        """
        self._of: dict[Identifier, _Group] = {}
        self._merged = frozenset(merged)
        self._strangers: dict[Identifier, set[Identifier]] = {}
        for pair in splits:
            for one in pair:
                self._strangers.setdefault(one, set()).update(pair - {one})

    def add(self, identifier: Identifier) -> None:
        """Make an identifier known, alone if it was not."""
        self._group(identifier)

    def _group(self, identifier: Identifier) -> _Group:
        group = self._of.get(identifier)
        if group is None:
            group = self._of[identifier] = self._alone(identifier)
        return group

    def _alone(self, one: Identifier) -> _Group:
        contact = {system_of(one)} if one.kind == "crm" and one not in self._merged else set()
        return _Group(
            [one], int(one.kind == "email"), int(one.kind == "user"), contact,
            set(self._strangers.get(one, ())),
        )  # fmt: skip

    def are_one(self, a: Identifier, b: Identifier) -> bool:
        """Tell whether two identifiers are in one group."""
        return self._group(a) is self._group(b)

    def is_personal(self, identifier: Identifier) -> bool:
        """Tell whether the group holds an e-mail address, a user id or a contact."""
        return self._group(identifier).is_personal

    def members(self, identifier: Identifier) -> list[Identifier]:
        """List the group."""
        return self._group(identifier).members

    def first_of_each(self, identifiers: Iterable[Identifier]) -> list[Identifier]:
        """Name the first member of each group that these are of, in their order."""
        return sorted(min(group.members) for group in {self._group(each) for each in identifiers})

    def split_between(self, a: Identifier, b: Identifier) -> bool:
        """Tell whether an operator holds someone of one group to be different from someone of the other."""
        return self._split(self._group(a), self._group(b))

    def _split(self, one: _Group, two: _Group) -> bool:
        small, other = (one, two) if len(one.strangers) <= len(two.strangers) else (two, one)
        return any(self._group(stranger) is other for stranger in small.strangers)

    def refusal(
        self, a: Identifier, b: Identifier, *, emails_may_meet: bool = False, users_may_meet: bool = False
    ) -> Why | None:
        """Say why two groups may not become one; none where they may.

        Args:
            emails_may_meet: the evidence is strong enough to give one person two addresses.
            users_may_meet: it is strong enough to give one person two user ids.
        """
        one, two = self._group(a), self._group(b)
        if one is two:
            return None
        if self._split(one, two):
            return "split"
        if one.systems & two.systems:
            return "two_contacts"
        if emails_may_meet:
            return None
        if one.emails and two.emails or one.users and two.users and not users_may_meet:
            return "device_between_emails"
        return None

    def may_all_meet(self, identifiers: Iterable[Identifier]) -> bool:
        """Tell whether the groups of all these may be one person."""
        groups = {self._group(each) for each in identifiers}
        systems = [system for group in groups for system in group.systems]
        if sum(group.emails > 0 for group in groups) > 1 or sum(group.users > 0 for group in groups) > 1:
            return False
        if len(systems) != len(set(systems)):
            return False
        return not any(self._group(stranger) in groups for group in groups for stranger in group.strangers)

    def join(self, a: Identifier, b: Identifier) -> None:
        """Make two groups one, whatever the guards say."""
        into, gone = self._group(a), self._group(b)
        if into is gone:
            return
        if len(into.members) < len(gone.members):
            into, gone = gone, into
        for each in gone.members:
            self._of[each] = into
        into.members += gone.members
        into.emails += gone.emails
        into.users += gone.users
        into.systems |= gone.systems
        into.strangers |= gone.strangers

    def all(self) -> list[list[Identifier]]:
        """List all groups."""
        return [group.members for group in dict.fromkeys(self._of.values())]
