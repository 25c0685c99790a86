"""The verb of mailed links: `mail-token`."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Iterable, Iterator

import click

from tracker.cli import Context, Failed, Misused, pass_context
from tracker.cli.workspace import key_of
from tracker.mailtokens import LONGEST_SEND_ID, PARAMETER, Mailed, MailSeal

SEND_BYTES = 9


@click.command("mail-token")
@click.argument("emails", metavar="EMAIL", nargs=-1, required=True)
@click.option("--send-id", metavar="ID", help="What to call this mailing; random where it is left out.")
@click.option("--format", "form", type=click.Choice(["text", "jsonl"]), default="text", show_default=True)
@pass_context
def mail_token(context: Context, emails: tuple[str, ...], send_id: str | None, form: str) -> None:
    """touchline mail-token ann@acme.com --send-id spring-newsletter

    Print the token that says to whom a mail went, one a line, to put into the mail's links as
    `?tl_mail=TOKEN`. Nobody can read the address from it; it counts for 30 days. `-` reads
    addresses from stdin, one a line; jsonl names address and send beside each token.
    """
    from tracker.core.contacts import normalise_email

    if send_id is not None and not 0 < len(send_id) <= LONGEST_SEND_ID:
        raise Misused(f"--send-id: write 1 to {LONGEST_SEND_ID} characters")
    send = send_id or secrets.token_urlsafe(SEND_BYTES)
    seal, bad = MailSeal(key_of(context.settings)), 0
    for email in _all(emails):
        if normalise_email(email) is None:
            click.echo(f"{email!r} is no e-mail address", err=True)
            bad += 1
            continue
        token = seal.seal(Mailed(email, send, int(time.time())))
        click.echo(
            json.dumps({"email": email, "send_id": send, "token": token}) if form == "jsonl" else token
        )
    click.echo(f"put it into the mail's links as ?{PARAMETER}=TOKEN; the send is {send}", err=True)
    if bad:
        raise Failed(f"{bad} got no token")


def _all(emails: Iterable[str]) -> Iterator[str]:
    """Give the addresses, those of stdin for a dash."""
    for email in emails:
        if email != "-":
            yield email.strip()
        else:
            yield from filter(None, map(str.strip, sys.stdin))
