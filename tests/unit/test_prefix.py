"""A path in front of ours: taken off where the proxy left it on, and known to links either way."""

from __future__ import annotations

import pytest

from tracker.web.prefix import mount, read_prefix


@pytest.mark.parametrize(
    ("path", "header", "setting", "left", "script_name"),
    [
        pytest.param("/e", None, "", "/e", "", id="no prefix"),
        pytest.param("/e", "/t", "", "/e", "/t", id="the proxy took it off"),
        pytest.param("/t/e", "/t", "", "/e", "/t", id="the proxy left it on"),
        pytest.param("/t/e", "/t/", "", "/e", "/t", id="a header with a slash at its end"),
        pytest.param("/t", "/t", "", "/", "/t", id="the prefix alone is the root"),
        pytest.param("/tea/e", "/t", "", "/tea/e", "/t", id="another path that begins like it"),
        pytest.param("/t/e", None, "/t", "/e", "/t", id="by setting"),
        pytest.param("/a/e", "/a", "/t", "/e", "/a", id="the header knows better than the setting"),
        pytest.param("/t/e", "//evil.test", "/t", "/e", "/t", id="a header that is no path"),
        pytest.param("/a/b/e", "/x, /a/b", "", "/e", "/a/b", id="the nearest of two proxies"),
    ],
)
def test_mount(path: str, header: str | None, setting: str, left: str, script_name: str) -> None:
    """Either style of proxy leads to the same path of ours, under the same address outside."""
    environ = {"PATH_INFO": path, "SCRIPT_NAME": ""}
    if header is not None:
        environ["HTTP_X_FORWARDED_PREFIX"] = header
    assert mount(environ, setting) == left
    assert (environ["PATH_INFO"], environ["SCRIPT_NAME"]) == (left, script_name)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t",
        "//t",
        "/../t",
        "/t/..",
        "/./t",
        "/t?a",
        "/t#a",
        "/é",
        "/" * 9,
        "/t\nX: y",
        "/%74",
        "http://t",
        "/" + "x" * 65,
    ],
)
def test_only_a_plain_path_is_a_prefix(header: str) -> None:
    """Anything else is not believed: it would stand in links."""
    assert read_prefix(header) == ""
