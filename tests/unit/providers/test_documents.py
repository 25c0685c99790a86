"""Bodies of webhooks: what each kind is read as, and what is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tracker.errors import BadRequest
from tracker.providers.documents import read_document

BOUNDARY = "multipart/form-data; boundary=xx"
PARTS = b'--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--xx--\r\n'

READ: dict[str, tuple[bytes, str, Any]] = {
    "JSON": (b' {"a": 1}', "application/json", {"a": 1}),
    "JSON that says it is a form": (b'{"a": 1}', "application/x-www-form-urlencoded", {"a": 1}),
    "JSON after a byte order mark": (b"\xef\xbb\xbf[1]", "application/json", [1]),
    "a form": (b"a=1&b=%C3%A9", "application/x-www-form-urlencoded", {"a": "1", "b": "é"}),
    "a form whose name recurs": (b"a=1&a=2&a=3", "", {"a": ["1", "2", "3"]}),
    "a form in an old code page": (b"a=caf\xe9", "application/x-www-form-urlencoded", {"a": "café"}),
    "multipart": (PARTS, BOUNDARY, {"a": "1"}),
    "multipart that says it is a form": (PARTS, "application/x-www-form-urlencoded", {"a": "1"}),
    "multipart with bare line feeds": (PARTS.replace(b"\r", b""), BOUNDARY, {"a": "1"}),
    "JSON that says it is multipart": (b'{"a": 1}', BOUNDARY, {"a": 1}),
    "XML by local names, lists where they recur": (
        b'<x:a xmlns:x="u"><x:b>1</x:b><x:b>2</x:b><c/></x:a>', "text/xml", {"a": {"b": ["1", "2"], "c": ""}},
    ),
    "XML with a nil": (
        b'<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><b i:nil="true"/></a>', "",
        {"a": {"b": None}},
    ),
    "the claims of a JWT": (b"e30.eyJhIjoxfQ.c2ln", "application/jwt", {"a": 1}),
    "nothing": (b"", "", {}),
}  # fmt: skip

REFUSED: dict[str, tuple[bytes, str]] = {
    "JSON that is cut": (b'{"a": ', "application/json"),
    "JSON in another coding": ('{"a": "é"}'.encode("latin-1"), "application/json"),
    "JSON without a bottom": (b"[" * 100_000, "application/json"),
    "JSON that is deep": (b"[" * 200 + b"]" * 200, "application/json"),
    "a JWT whose claims are deep": (
        b"e30." + base64.urlsafe_b64encode(b'{"a":' * 200 + b"1" + b"}" * 200).rstrip(b"=") + b".c2ln",
        "application/jwt",
    ),
    "JSON of endless values": (b"[" + b"[]," * 200_000 + b"[]]", "application/json"),
    "JSON with NaN": (b"[NaN]", "application/json"),
    "text that is nothing": (b"hello", "text/plain"),
    "an XML entity": (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "text/xml"),
    "an XML document type": (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "text/xml"),
    "XML that is cut": (b"<a><b>", "text/xml"),
    "XML without a bottom": (b"<a>" * 5_000 + b"</a>" * 5_000, "text/xml"),
    "XML of endless elements": (b"<a>" + b"<b/>" * 200_000 + b"</a>", "text/xml"),
    "multipart without a boundary": (PARTS, "multipart/form-data"),
    "multipart of another boundary": (PARTS, "multipart/form-data; boundary=yy"),
    "a form of endless fields": (b"&".join(b"a%d=1" % each for each in range(5_000)), ""),
}


@pytest.mark.parametrize(("body", "kind", "document"), READ.values(), ids=READ)
def test_a_body_is_read_as_what_its_bytes_are(body: bytes, kind: str, document: Any) -> None:
    """The bytes decide, and every kind becomes the same plain values."""
    assert read_document(body, kind) == document


@pytest.mark.parametrize(("body", "kind"), REFUSED.values(), ids=REFUSED)
def test_a_hostile_or_broken_body_is_refused_with_words(body: bytes, kind: str) -> None:
    """Nothing but `bad_body` ever comes out of the reader."""
    with pytest.raises(BadRequest) as refused:
        read_document(body, kind)
    assert refused.value.code == "bad_body"
