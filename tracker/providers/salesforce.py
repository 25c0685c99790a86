"""Salesforce: outbound messages of opportunities, contacts, leads, tasks and events.

A message is SOAP with up to a hundred notifications, and is sent again until it is acknowledged. It has
the fields that the operator chose. There is no signature: the organization's id is the only proof, and is
taken out of what is kept with the session's id, which is a credential. A lead of Salesforce is a person
of the CRM here, and becomes the contact it was converted to.

Source: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging.htm
Source: https://help.salesforce.com/s/articleView?id=000385203 (prefixes of ids)
Unconfirmed: raw messages were checked against the published WSDL's shape only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts, Reply, Unproved
from tracker.providers.crm import STATES, account, all_texts, contact_of, status_of
from tracker.providers.reading import (
    dig,
    first,
    first_text,
    full_name,
    instant,
    mapping,
    money,
    objects,
    text,
    truth,
)
from tracker.providers.signing import demand_same

_MESSAGE = "Envelope.Body.notifications"
_OPENS = (
    "Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Id. Decision Makers",
    "Perception Analysis", "Proposal/Price Quote", "Negotiation/Review",
)  # fmt: skip
_DONE = {"call": "call_made", "email": "email_sent", "meeting": "meeting", "demo": "demo"}
_HUSHED = re.compile(rb"(<(?:[\w.-]+:)?(OrganizationId|SessionId)\b[^>]*>)[^<]*(</)")
_ACK = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
_LONG_ID = 15  # the rest of an id of 18 characters is a checksum


def _verify(delivery: Delivery, secret: str) -> None:
    given = first_text(dig(delivery.document, _MESSAGE), "OrganizationId")
    if given is None:
        raise Unproved("the message has no OrganizationId")
    demand_same(given[:_LONG_ID], secret.strip()[:_LONG_ID], "OrganizationId")


def _hush(delivery: Delivery) -> bytes:
    return _HUSHED.sub(rb"\1\3", delivery.body)


def _parse(delivery: Delivery) -> Facts:
    for told in objects(dig(delivery.document, f"{_MESSAGE}.Notification")):
        yield from _record(mapping(told.get("sObject")), delivery.options)


def _record(record: Mapping[str, Any], options: Mapping[str, Any]) -> Facts:
    record_id = first_text(record, "Id") or ""
    changed_at = instant(first(record, "SystemModstamp", "LastModifiedDate", "CreatedDate"))
    known = {"provider_id": record_id, "at": changed_at, "version_at": changed_at}
    gone = {"deleted": True} if truth(record.get("IsDeleted")) else {}
    prefix = record_id[:3]
    if prefix == "006":
        deal = _deal(record, options)
        yield from [{**known, **deal, **gone}] if deal["stage"] or deal["status"] or deal["amount"] else []
    elif prefix in ("003", "00Q"):
        yield {**known, **_contact(record), **gone}
    elif prefix == "00T" and _is_done(record):
        yield {**known, **_task(record)}
    elif prefix == "00U" and not gone:
        yield {**known, **_event(record)}


def _deal(record: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    stage = first_text(record, "StageName")
    return {
        "fact": "deal", "stage": stage, "status": _status(record, status_of(stage, options, _OPENS)),
        "amount": money(record.get("Amount")), "currency": first_text(record, "CurrencyIsoCode"),
        "name": first_text(record, "Name"), "contacts": contact_of(record.get("ContactId")),
        "account": account(record.get("AccountId")), "owner": first_text(record, "OwnerId"),
        "created_at": instant(record.get("CreatedDate")), "closed_on": first_text(record, "CloseDate"),
        "stage_entered_at": instant(record.get("LastStageChangeDate")),
        "type": first_text(record, "Type"), "source": first_text(record, "LeadSource"),
    }  # fmt: skip


def _status(record: Mapping[str, Any], named: str | None) -> str | None:
    """Read the state from the flags that Salesforce keeps of each stage, else from the stage's name."""
    if truth(record.get("IsDeleted")):
        return "lost"
    is_won, is_closed = truth(record.get("IsWon")), truth(record.get("IsClosed"))
    if is_won:
        return "won"
    if is_closed is False:
        return "open"
    return "lost" if is_closed and is_won is False else named


def _contact(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fact": "contact", "emails": all_texts(record.get("Email")), "title": first_text(record, "Title"),
        "phones": all_texts(record.get("Phone"), record.get("MobilePhone"), record.get("HomePhone")),
        "name": first_text(record, "Name") or full_name(record.get("FirstName"), record.get("LastName")),
        "account": account(record.get("AccountId"), record.get("Company")),
        "merged_into": first_text(record, "ConvertedContactId", "MasterRecordId"),
        "source": first_text(record, "LeadSource"), "lead_status": first_text(record, "Status"),
    }  # fmt: skip


def _is_done(record: Mapping[str, Any]) -> bool:
    return bool(truth(record.get("IsClosed"))) or first_text(record, "Status") == "Completed"


def _task(record: Mapping[str, Any]) -> dict[str, Any]:
    kind = (first_text(record, "TaskSubtype", "Type") or "").lower()
    done_at = instant(first(record, "CompletedDateTime", "ActivityDate"))
    return {**_activity(record), "kind": _DONE.get(kind, "other"), **({"at": done_at} if done_at else {})}


def _event(record: Mapping[str, Any]) -> dict[str, Any]:
    began_at = instant(first(record, "StartDateTime", "ActivityDateTime"))
    return {**_activity(record), "kind": "meeting", **({"at": began_at} if began_at else {})}


def _activity(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fact": "activity", "crm_id": text(record.get("WhoId")), "account": account(record.get("AccountId")),
        "owner": first_text(record, "OwnerId"), "title": first_text(record, "Subject"),
    }  # fmt: skip


ADAPTER = Adapter(
    name="salesforce",
    label="Salesforce",
    parse=_parse,
    verify=_verify,
    hush=_hush,
    accepted=Reply(200, _ACK, "text/xml; charset=utf-8"),
    secret="the organization's id, on the page Company Information",
    options=STATES,
    steps=(
        "In Salesforce's Setup open Outbound Messages and make one for Opportunity with the endpoint {url}.",
        "Choose at least Id, StageName, IsWon, IsClosed, Amount, Name, AccountId, ContactId and "
        "SystemModstamp. Make another for Contact with Id, Email, Phone, FirstName, LastName, AccountId and "
        "SystemModstamp.",
        "For each object make a record-triggered flow that sends its message when a record is made or "
        "changed.",
        "Give the id of Company Information as --secret.",
    ),
    verified="the shape of the published WSDL; nothing is signed",
)
