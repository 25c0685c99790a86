"""A browser on the machine itself, as Flask's test client: it asks `localhost:8000`, by a human's agent."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

HOST = "localhost:8000"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class LocalBrowser(FlaskClient):
    """Asks by a local name; keeps no cookies, a test gives those it means."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Ask as a page of this machine would."""
        kwargs.setdefault("base_url", f"http://{HOST}")
        return super().open(*args, **kwargs)


def browser_of(app: Flask) -> LocalBrowser:
    """Give a browser to an application."""
    browser = LocalBrowser(app, use_cookies=False)
    browser.environ_base |= {"HTTP_USER_AGENT": AGENT, "REMOTE_ADDR": "127.0.0.1"}
    return browser
