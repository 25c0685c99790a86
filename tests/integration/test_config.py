"""The settings: where a value comes from, what is refused, and how they are shown."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracker import config
from tracker.cli import main
from tracker.errors import Permanent


def test_the_table_and_the_values_name_the_same_settings() -> None:
    """Every line of the table is a field of Settings, in the same order."""
    fields = [field.name for field in dataclasses.fields(config.Settings)]
    assert fields == [setting.name for setting in config.SETTINGS]


def test_every_default_is_what_the_environment_would_say(data: Path) -> None:
    """Settings written as variables are read back as the same settings."""
    settings = config.load({}, data=data)
    assert config.load(config.environment(settings)) == settings


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("port", "8080", 8080, id="a number"),
        pytest.param("tryout", "no", False, id="a flag in words"),
        pytest.param("url_prefix", "t/", "/t", id="a prefix gets its slash and loses the last one"),
        pytest.param("url_prefix", "/", "", id="a prefix of the root is none"),
        pytest.param("public_url", "https://a.example/t/", "https://a.example/t", id="an address"),
        pytest.param("redis_url", "redis://h:1/2", "redis://h:1/2", id="a server"),
        pytest.param("ip_storage", "none", "none", id="a word"),
        pytest.param("port", "", 8000, id="an empty variable counts as none"),
        pytest.param(
            "internal_ips",
            "192.0.2.7, 2001:db8::/32",
            (ipaddress.ip_network("192.0.2.7/32"), ipaddress.ip_network("2001:db8::/32")),
            id="networks",
        ),
    ],
)
def test_a_variable_sets_a_value(data: Path, name: str, text: str, value: object) -> None:
    """`TOUCHLINE_<NAME>` is read by the setting's kind, and survives being written again."""
    settings = config.load({f"TOUCHLINE_{name.upper()}": text}, data=data)
    assert getattr(settings, name) == value
    assert config.load(config.environment(settings)) == settings


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        pytest.param("port", "http", "from 1 to 65535, not 'http'", id="a port that is no number"),
        pytest.param("port", "70000", "from 1 to 65535", id="a port that is none"),
        pytest.param("tryout", "maybe", "true or false", id="a flag that is neither"),
        pytest.param("fsync", "never", "everysec, always", id="a word outside the set"),
        pytest.param("redis_url", "localhost:6379", "redis:// or rediss:// or unix://", id="no scheme"),
        pytest.param("public_url", "ftp://a", "http:// or https://", id="a scheme of another kind"),
        pytest.param("url_prefix", "/a b", "such as /t", id="a prefix with a space"),
        pytest.param("internal_ips", "300.1.1.1", "192.0.2.7", id="an address that is none"),
        pytest.param(
            "datacenter_file", "/nowhere/at/all", "one network a line", id="a file that is not there"
        ),
        pytest.param("cookie_days", "4000", "from 1 to 400", id="a life longer than browsers allow"),
    ],
)
def test_a_bad_value_is_refused_with_what_to_write(data: Path, name: str, text: str, advice: str) -> None:
    """The error names the variable and what it takes."""
    variable = f"TOUCHLINE_{name.upper()}"
    with pytest.raises(Permanent) as caught:
        config.load({variable: text}, data=data)
    assert variable in str(caught.value)
    assert advice in str(caught.value)


def test_the_nearer_word_wins(data: Path) -> None:
    """Command line before environment before file before default."""
    (data / "touchline.toml").write_text('port = 1\nhost = "192.0.2.1"\nthreads = 3\n')
    environ = {"TOUCHLINE_PORT": "2", "TOUCHLINE_HOST": "192.0.2.2"}
    settings, origins = config.resolve(environ, data=data, port=3, host=None)
    assert (settings.port, settings.host, settings.threads, settings.workers) == (3, "192.0.2.2", 3, 1)
    assert origins["port"] == "command line"
    assert origins["host"] == "TOUCHLINE_HOST"
    assert origins["threads"] == str(data / "touchline.toml")
    assert origins["workers"] == "default"


def test_redis_url_is_read_by_the_name_that_hosts_give_it(data: Path) -> None:
    """REDIS_URL counts, and TOUCHLINE_REDIS_URL before it."""
    assert config.load({"REDIS_URL": "redis://a"}, data=data).redis_url == "redis://a"
    environ = {"REDIS_URL": "redis://a", "TOUCHLINE_REDIS_URL": "redis://b"}
    assert config.load(environ, data=data).redis_url == "redis://b"


def test_the_data_directory_is_chosen_by_the_variable_and_the_option(data: Path) -> None:
    """--data before TOUCHLINE_DATA before ./data, always absolute."""
    assert config.load({"TOUCHLINE_DATA": "/x"}).data == Path("/x")
    assert config.load({"TOUCHLINE_DATA": "/x"}, data=data).data == data
    assert config.load({}).data == Path.cwd() / "data"


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        pytest.param("prot = 1", "did you mean `port`", id="a misspelt name"),
        pytest.param("wholly_else = 1", "touchline config", id="an unknown name"),
        pytest.param('data = "/x"', "--data", id="the directory that the file is in"),
        pytest.param("port = ", "cannot be read", id="no TOML"),
        pytest.param("port = true", "from 1 to 65535", id="a value of another kind"),
        pytest.param("internal_ips = 7", "such as", id="a list that is none"),
    ],
)
def test_a_bad_file_is_refused_with_what_to_write(data: Path, content: str, advice: str) -> None:
    """A file that says something else than it means never starts anything."""
    (data / "touchline.toml").write_text(content)
    with pytest.raises(Permanent) as caught:
        config.load({}, data=data)
    assert str(data / "touchline.toml") in str(caught.value)
    assert advice in str(caught.value)


def test_a_named_file_must_be_there(data: Path) -> None:
    """TOUCHLINE_CONFIG names another file; a missing one is an error, not a default."""
    (data / "other.toml").write_text('internal_ips = ["192.0.2.0/24"]')
    settings = config.load({"TOUCHLINE_CONFIG": str(data / "other.toml")}, data=data)
    assert settings.internal_ips == (ipaddress.ip_network("192.0.2.0/24"),)
    with pytest.raises(Permanent, match="is not there"):
        config.load({"TOUCHLINE_CONFIG": str(data / "gone.toml")}, data=data)


class TestVerb:
    """`touchline config`."""

    def test_it_prints_each_setting_with_its_origin(
        self, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """stdout is JSON with one object a setting."""
        monkeypatch.setenv("TOUCHLINE_PORT", "8123")
        result = CliRunner().invoke(main, ["--data", str(data), "config", "--format", "json"])
        rows = {row["name"]: row for row in json.loads(result.stdout)}
        assert rows["port"]["value"] == "8123"
        assert rows["port"]["origin"] == "TOUCHLINE_PORT"
        assert rows["data"]["origin"] == "command line"
        assert list(rows) == [setting.name for setting in config.SETTINGS]
        assert result.exit_code == 0

    def test_it_shows_no_password(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The secret part of an address is starred out."""
        monkeypatch.setenv("REDIS_URL", "redis://me:secret@h:6379/0")
        result = CliRunner().invoke(main, ["--data", str(data), "config"])
        assert "secret" not in result.output
        assert "redis://me:***@h:6379/0" in result.stdout

    def test_it_points_at_a_variable_that_nothing_reads(
        self, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A misspelt variable is said on stderr; stdout stays data."""
        monkeypatch.setenv("TOUCHLINE_PROT", "1")
        result = CliRunner().invoke(main, ["--data", str(data), "config"])
        assert "TOUCHLINE_PROT" in result.stderr
        assert "TOUCHLINE_PROT" not in result.stdout

    def test_an_error_of_the_operators_is_one_line_and_exit_code_1(
        self, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No traceback; the text on stderr says what to write."""
        monkeypatch.setenv("TOUCHLINE_PORT", "x")
        result = CliRunner().invoke(main, ["--data", str(data), "config"])
        assert result.exit_code == 1
        assert result.stdout == ""
        assert result.stderr.startswith("Error: port (TOUCHLINE_PORT): write a whole number")

    def test_a_directory_that_cannot_be_made_is_one_line(self, data: Path) -> None:
        """A file of the caller's that cannot be used is said without a traceback, exit code 1."""
        (data / "file").touch()
        result = CliRunner().invoke(main, ["--data", str(data / "file" / "below"), "up"])
        assert result.exit_code == 1
        assert "Not a directory" in result.stderr

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            pytest.param(["exprt"], "did you mean export", id="a misspelt verb is suggested"),
            pytest.param(["zzz"], "touchline --help", id="an unknown verb leads to the list"),
            pytest.param(["config", "--nonsense"], "--nonsense", id="an unknown option"),
        ],
    )
    def test_wrong_use_is_exit_code_2(self, arguments: list[str], words: str) -> None:
        """What was written wrongly is said, with the nearest thing that exists."""
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 2
        assert words in result.stderr


def test_a_file_of_networks_is_read_line_by_line(data: Path, tmp_path: Path) -> None:
    """One network a line, comments and blank lines apart; a line that is none stops the start."""
    file = tmp_path / "centres.txt"
    file.write_text("# rented\n\n203.0.113.7\n2001:db8::/32 # more\n")
    named = config.load({"TOUCHLINE_DATACENTER_FILE": str(file)}, data=data).datacenter_file
    assert named == file
    networks = (ipaddress.ip_network("203.0.113.7/32"), ipaddress.ip_network("2001:db8::/32"))
    assert config.read_networks(file) == networks
    file.write_text("203.0.113.0/24\nrented\n")
    with pytest.raises(Permanent, match="'rented' does not appear to be .* one network a line"):
        config.load({"TOUCHLINE_DATACENTER_FILE": str(file)}, data=data)
