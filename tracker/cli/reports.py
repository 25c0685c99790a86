"""The verb `report`: what the leads are worth and how soon they were answered, as tables."""

from __future__ import annotations

from datetime import datetime

import click

from tracker.cli import Context, pass_context
from tracker.cli.out import WRITERS, target
from tracker.cli.workspace import opened
from tracker.errors import BadRequest
from tracker.store.reports import REPORTS, Question, rows

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.argument("name", type=click.Choice(sorted(REPORTS)))
@click.option(
    "--by", help="What each row is of: channel, source, campaign, kind, provider, site, owner, hour."
)
@click.option("--from", "from_on", type=DAY, metavar="DAY", help="The first day, in the site's zone.")
@click.option("--to", "to_on", type=DAY, metavar="DAY", help="The last day, in the site's zone.")
@click.option("--site", metavar="KEY", help="Only this site's leads.")
@click.option("--format", "form", type=click.Choice(sorted(WRITERS)), default="text", show_default=True)
@pass_context
def report(
    context: Context, /, name: str, by: str | None, form: str, site: str | None, **days: datetime | None
) -> None:
    """touchline report response --by owner --from 2026-03-01 --to 2026-03-31

    Print a report. `leads` counts by channel what came in, what counts (neither junk nor a repeat), and
    what it turned out to be. `response` tells how long leads that count waited for sales: median and
    percentiles over those that were answered, and how many still wait.
    """
    cuts = REPORTS[name]
    if by not in (None, *cuts):
        raise BadRequest("bad_fact", f"{name} is cut by {', '.join(cuts)}", "--by")
    first, last = (None if each is None else each.date() for each in (days["from_on"], days["to_on"]))
    if first is not None and last is not None and last < first:
        raise BadRequest("bad_fact", f"{last} is before {first}; write the later day", "--to")
    question = Question(by or cuts[0], site, first, last)
    with opened(context) as db, target(None) as file:
        names, found = rows(db, name, question)
        WRITERS[form](file, names, found)
