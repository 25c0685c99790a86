"""The recipes of the manual for nginx, as they stand there, with a real nginx in front of the collector."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.collector.behind import logged, serving
from tests.integration.collector.conftest import BROWSER, hit
from tests.running import free_port
from tests.waiting import wait_for
from tracker import config
from tracker.web.pixel import GIF
from tracker.web.snippet import PARTS, SCRIPT, VERSION, part_version

MANUAL = Path(__file__).parents[3] / "tracker" / "web" / "help" / "install.md"
RECIPES = re.findall(r"^ *```nginx\n(.*?)^ *```", MANUAL.read_text("utf-8"), re.DOTALL | re.MULTILINE)

CONFIG = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl; server_name example.com www.example.com;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    {recipe}
  }}
}}
"""

pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None or shutil.which("openssl") is None,
    reason="nginx or openssl is not installed: the manual's recipes are not proved on this machine",
)


@contextlib.contextmanager
def nginx(folder: Path, recipe: str, collector: int) -> Iterator[int]:
    """Run nginx with a recipe until the block ends; gives its port."""
    folder.mkdir()
    port = free_port()
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=example.com",
    ]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)
    asked = recipe.replace("127.0.0.1:8000", f"127.0.0.1:{collector}")
    (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, port=port, recipe=asked))
    process = subprocess.Popen(
        ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: _answers(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "error.log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(60)


def ask(
    port: int, path: str, method: str = "GET", body: Any = None, **headers: str
) -> http.client.HTTPResponse:
    """Send a request over https as a browser on www.example.com."""
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    line = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=trust)
    try:
        given = {"Host": "www.example.com", "User-Agent": BROWSER} | headers
        line.request(method, path, body, {name.replace("_", "-"): value for name, value in given.items()})
        answer = line.getresponse()
        answer.said = answer.read()  # type: ignore[attr-defined]
        return answer
    finally:
        line.close()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        ask(port, "/")
        return True
    return False


def send(port: int, path: str, event_id: str, **headers: str) -> http.client.HTTPResponse:
    """Send one hit."""
    body = json.dumps({"site": "shop", "hits": [hit(event_id)]})
    return ask(
        port, path, "POST", body, Content_Type="text/plain", Origin="https://www.example.com", **headers
    )


@pytest.fixture
def behind(settings: config.Settings) -> Iterator[config.Settings]:
    """Run a collector that believes one proxy."""
    given = replace(settings, port=free_port(), proxies=1)
    with serving(given):
        yield given


@pytest.mark.parametrize("number", [0, 1], ids=["the path is taken off", "the path is left on"])
def test_the_collector_works_behind_a_path(behind: config.Settings, number: int) -> None:
    """Script, hits and pictures under /t; the cookie is for the whole domain, the caller the real one."""
    with nginx(behind.data / "nginx", RECIPES[number], behind.port) as port:
        answer = send(port, "/t/e", "e1", X_Forwarded_For="6.6.6.6")
        assert answer.status == 202
        for cookie in answer.headers.get_all("Set-Cookie", []):
            assert "Domain=example.com; Path=/; SameSite=Lax; Secure" in cookie
        assert ask(port, "/t/tracker.js").said == SCRIPT  # type: ignore[attr-defined]
        assert ask(port, f"/t/v{VERSION}/tracker.js").status == 200
        for name, code in PARTS.items():
            assert ask(port, f"/t/v{part_version(code)}/{name}.js").said == code  # type: ignore[attr-defined]
        assert ask(port, "/t/e.gif?site=shop&url=https://example.com/").said == GIF  # type: ignore[attr-defined]
        assert ask(port, "/t/api/leads", "POST", "{}", Content_Type="application/json").status == 401
        hook = ask(port, "/t/hooks/nobody/generic", "POST", "{}", Content_Type="application/json")
        assert json.loads(hook.said)["code"] == "not_found"  # type: ignore[attr-defined]
        assert ask(port, "/t/metrics").status == (200, 404)[number]
        assert ask(port, "/e").status == 404
    first, second = logged(behind)
    assert (first.ip, second.ip) == ("127.0.0.0", "127.0.0.0")


def test_the_collector_works_behind_an_edge_and_a_server(settings: config.Settings) -> None:
    """What the edge said of caller, host and path comes through the server in front of the collector."""
    edge = {"X_Forwarded_For": "198.51.100.7", "X_Forwarded_Host": "example.com", "X_Forwarded_Prefix": "/t"}
    given = replace(settings, port=free_port(), proxies=2)
    with serving(given), nginx(given.data / "nginx", RECIPES[2], given.port) as port:
        answer = send(port, "/e", "e1", Host="collector.example.net", **edge)
        assert answer.status == 202
        assert "Domain=example.com; Path=/; SameSite=Lax; Secure" in answer.headers["Set-Cookie"]
        (entry,) = logged(given)
    assert entry.ip == "198.51.100.0"
