"""What a workspace says of who is who, as rows in which every person goes by the identifier it is named for.

A person's id is the keyed hash of its oldest identifier; `named` turns it back into `kind:value`, so that
a table of expectations says who a person is and proves its id by the way.
"""

from __future__ import annotations

from collections import Counter

from tests.telling import KEY, Row, Workspace
from tracker.core.ids import identifier_id
from tracker.keys import derive

SECRET = derive(KEY, "identifiers")

_KINDS = {"visitors": "visitor", "emails": "email", "phones": "phone", "crm_ids": "crm"}


class Reading:
    """The exports of a workspace at one moment."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._exports: dict[str, list[Row]] = {}
        self._names: dict[str, str] = {}

    def rows(self, what: str) -> list[Row]:
        """Read an export, once."""
        if what not in self._exports:
            self._exports[what] = self._workspace.export(what)
        return self._exports[what]

    def named(self, person_id: str | None) -> str | None:
        """Name a person by its oldest identifier; an id of nothing that is known stays as it is."""
        if not self._names:
            known = {
                f"{kind}:{value}"
                for row in self.rows("persons")
                for column, kind in _KINDS.items()
                for value in row[column]
            }
            for what in ("sessions", "ownership", "leads"):
                known |= {f"visitor:{row['visitor_id']}" for row in self.rows(what)}
            self._names = {name_id(each): each for each in known}
        return None if person_id is None else self._names.get(person_id, person_id)

    def persons(self) -> list[Row]:
        """List who there is, by name: visitors, e-mail addresses, phones, contacts."""
        rows = [{**row, "person": self.named(row["person_id"])} for row in self.rows("persons")]
        return sorted(rows, key=lambda row: row["person"])

    def partition(self) -> set[frozenset[str]]:
        """Cut all identifiers that are exported into persons."""
        return {
            frozenset(f"{kind}:{value}" for column, kind in _KINDS.items() for value in row[column])
            for row in self.rows("persons")
        }

    def leads(self) -> list[Row]:
        """List the leads by their provider's id, each with the landings of its journey.

        `among` are the candidates where nobody was chosen.
        """
        rows = [
            {
                **row,
                "person": self.named(row["person_id"]),
                "among": [] if row["visitor_id"] else self._candidates(row),
                "journey": self._landings(row["lead_id"]),
            }
            for row in self.rows("leads")
        ]
        return sorted(rows, key=lambda row: row["provider_id"])

    def owners(self) -> list[Row]:
        """List whose the devices were when that several persons used in turn."""
        told = Counter(row["visitor_id"] for row in self.rows("ownership"))
        shared = (row for row in self.rows("ownership") if told[row["visitor_id"]] > 1)
        rows = [{**row, "person": self.named(row["person_id"])} for row in shared]
        return sorted(rows, key=lambda row: (row["visitor_id"], row["from_at"] or ""))

    def sessions(self) -> list[Row]:
        """List whose each session is, by the event that opened it."""
        opened = self._opened()
        rows = [
            {**row, "person": self.named(row["person_id"]), "opened": opened[row["session_id"]]}
            for row in self.rows("sessions")
        ]
        return sorted(rows, key=lambda row: row["opened"])

    def decisions(self) -> list[Row]:
        """List what was decided on each piece of evidence."""
        return sorted(self.rows("decisions"), key=lambda row: (row["at"], row["rule"], row["a"], row["b"]))

    def refusals(self) -> set[str]:
        """Say which refusals there were: rule and reason."""
        return {f"{row['rule']} {row['why']}" for row in self.decisions() if row["verdict"] == "refused"}

    def _candidates(self, lead: Row) -> list[str]:
        return sorted(each["visitor_id"] for each in lead["match_evidence"]["candidates"])

    def _landings(self, lead_id: str) -> list[str]:
        opened = self._opened()
        (journey,) = [row for row in self.rows("journeys") if row["conversion_id"] == lead_id]
        return [opened[touch] for touch in journey["touch_ids"] if touch in opened]

    def _opened(self) -> dict[str, str]:
        """Find the event that opened each session."""
        found: dict[str, str] = {}
        for row in self.rows("hits"):
            if row["session_id"] is not None:
                found.setdefault(row["session_id"], row["event_id"])
        return found


def persons(workspace: Workspace) -> set[frozenset[str]]:
    """Read who is who, after making sure that a rebuild says the same."""
    assert workspace.verify() == []
    return Reading(workspace).partition()


def people(*told: str) -> set[frozenset[str]]:
    """Write who is who: one text for each person, its identifiers between spaces."""
    return {frozenset(each.split()) for each in told}


def name_id(name: str) -> str:
    """Give the id of the person whose oldest identifier is this `kind:value`."""
    kind, _, value = name.partition(":")
    return identifier_id(SECRET, kind, value)
