"""Settings are bounded on both sides, name themselves when wrong, and keep secrets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import annotated_types
import pytest

from gateway.model.errors import StartError
from gateway.model.jobs import Limits
from gateway.settings import SOCKET_PATH_LIMIT, LauncherProcessSettings, Settings, load, load_settings
from gateway.startup.shared_settings import SECRET_LENGTH
from tests.fakes import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeSettings = Callable[..., Settings]


@pytest.fixture(autouse=True)
def empty_folder(clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Change to a folder without a `.env`, and keep no variable but a key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_KEY", KEY)
    return tmp_path


def _bounds() -> list[tuple[str, str, float, float]]:
    """Return field name, variable, least and greatest value of every numeric setting."""
    found = []
    for name, field in Settings.model_fields.items():
        least = [rule.ge for rule in field.metadata if isinstance(rule, annotated_types.Ge)]
        most = [rule.le for rule in field.metadata if isinstance(rule, annotated_types.Le)]
        if least or most:
            assert len(least) == len(most) == 1, f"{name} lacks a bound"
            found.append((name, str(field.alias), least[0], most[0]))
    return found


BOUNDS = _bounds()

#: Without these no renders can be shared.
SHARING = {
    "FIGBOX_SHARED_URL": "redis://127.0.0.1",
    "FIGBOX_SHARED_SECRET": "s" * SECRET_LENGTH,
    "FIGBOX_CACHE_MIB": "1",
}


def test_every_number_is_bounded() -> None:
    """Every numeric setting has bounds; the table of the next tests is not empty."""
    numeric = {
        name
        for name, field in Settings.model_fields.items()
        if any(kind in str(field.annotation) for kind in ("int", "float"))
    }
    assert numeric == {name for name, *_ in BOUNDS}
    assert len(BOUNDS) >= 20


@pytest.mark.parametrize(("name", "variable", "least", "most"), BOUNDS, ids=[name for name, *_ in BOUNDS])
def test_bounds_trip_and_name_the_variable(
    name: str, variable: str, least: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bounds themselves pass; beyond either the start is refused with the variable's name, without the value."""
    for needed, value in SHARING.items():
        monkeypatch.setenv(needed, value)
    for value in (least, most):
        monkeypatch.setenv(variable, str(value))
        assert value == getattr(load_settings(), name)
    for value in (least - 1, most + 1, "nan", "inf", "-inf", "x", "12,5"):
        monkeypatch.setenv(variable, str(value))
        with pytest.raises(StartError, match=rf"\b{variable}\b") as caught:
            load_settings()
        assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DOCKER_HOST", "tcp://127.0.0.1:2375"),
        ("DOCKER_HOST", "ssh://host"),
        ("DOCKER_HOST", "/var/run/docker.sock"),
        ("FIGBOX_RUNTIME", "runc; rm"),
        ("FIGBOX_WARM_START", "none"),
        ("FIGBOX_INSTALLATION", "a b"),
        ("FIGBOX_INSTALLATION", "x" * 65),
        ("DEBUG", "perhaps"),
    ],
)
def test_bad_text_is_refused_by_name_without_its_value(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invalid value stops the start; the error names the variable and quotes nothing."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(StartError, match=rf"\b{variable}\b") as caught:
        load_settings()
    assert value not in str(caught.value)


@pytest.mark.parametrize("key", [None, "", "  "])
def test_no_key_refuses(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any key the service doesn't start, and says which variable is missing."""
    if key is None:
        monkeypatch.delenv("API_KEY")
    else:
        monkeypatch.setenv("API_KEY", key)
    with pytest.raises(StartError, match="API_KEY is not set"):
        load_settings()


def test_keys_file_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keys file can replace API_KEY."""
    monkeypatch.delenv("API_KEY")
    monkeypatch.setenv("FIGBOX_API_KEYS_FILE", "keys")
    assert load_settings().api_key is None


def test_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings' text nor the refusal of another value shows the key."""
    settings = load_settings()
    assert KEY not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    monkeypatch.setenv("PORT", "99999")
    with pytest.raises(StartError) as caught:
        load_settings()
    assert KEY not in f"{caught.value} {caught.value!r} {caught.value.__cause__}"


def test_several_errors_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One start reports all errors."""
    monkeypatch.setenv("PORT", "-1")
    monkeypatch.setenv("FIGBOX_CPUS", "many")
    with pytest.raises(StartError, match=r"(?s)FIGBOX_CPUS.*PORT"):
        load_settings()


def test_env_file_is_read_and_environment_wins(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.env` of the working folder sets what the environment doesn't; an empty variable counts as unset."""
    monkeypatch.delenv("API_KEY")
    (empty_folder / ".env").write_text("API_KEY=from-file\nPORT=6000\nHOST=::1\nOTHER=1\n")
    monkeypatch.setenv("PORT", "7000")
    monkeypatch.setenv("HOST", "")
    settings = load_settings()
    assert settings.api_key is not None
    assert (settings.api_key.get_secret_value(), settings.port, settings.host) == ("from-file", 7000, "::1")


def test_defaults_are_those_of_the_design(make_settings: MakeSettings) -> None:
    """With a key alone it listens on loopback, and limits a job as measured scripts need."""
    settings = make_settings()
    assert Limits() == settings.limits
    assert (settings.host, settings.port, settings.debug) == ("127.0.0.1", 5150, False)
    assert (settings.body_limit_bytes, settings.code_limit_bytes) == (1024 * 1024, 256 * 1024)
    assert settings.limits.pixel_limit == 50_000_000
    assert settings.warm_start == "auto"


def test_settings_do_not_change(make_settings: MakeSettings) -> None:
    """Settings are frozen."""
    settings = make_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


def test_installation_is_stable_and_its_own(make_settings: MakeSettings) -> None:
    """The name of an installation survives a restart, and differs by address; a configured one is used unchanged."""
    assert make_settings().installation_name == make_settings().installation_name
    names = {make_settings(port=port, host=host).installation_name for port in (1, 2) for host in ("a", "b")}
    assert len(names) == 4
    assert make_settings(installation="mine").installation_name == "mine"


def test_a_launcher_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A launcher in a process of its own needs no keys, and reads none."""
    monkeypatch.setenv("API_KEY", "secret")
    settings = load(LauncherProcessSettings)
    assert "secret" not in repr(settings)
    assert not hasattr(settings, "api_key")
    assert str(settings.socket) == "/run/figbox/launcher.sock"
    assert settings.peer_uids == {os.geteuid()}


@pytest.mark.parametrize(("text", "uids"), [("0", {0}), ("root", {0}), ("10001,root,7", {0, 7, 10001})])
def test_peers_are_uids_or_names(monkeypatch: pytest.MonkeyPatch, text: str, uids: set[int]) -> None:
    """Several users may be named, each in either way."""
    monkeypatch.setenv("FIGBOX_LAUNCHER_PEERS", text)
    assert load(LauncherProcessSettings).peer_uids == uids


@pytest.mark.parametrize("text", ["no-such-user", "Root", "-1", "1,", ",1", "1 2", "*", "99999999999", "\u0661"])
def test_peers_that_are_no_users_stop_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Anything else is refused with the setting's name."""
    monkeypatch.setenv("FIGBOX_LAUNCHER_PEERS", text)
    with pytest.raises(StartError, match="FIGBOX_LAUNCHER_PEERS"):
        load(LauncherProcessSettings)


@pytest.mark.parametrize(
    "text",
    ["tcp://host:1", "/run/x.sock", "unix://x.sock", "unix:///", "unix://", "unix:///" + "x" * SOCKET_PATH_LIMIT],
)
def test_a_launcher_is_a_socket_of_this_host(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Only a unix socket, absolute and short enough for the kernel, can be named."""
    monkeypatch.setenv("FIGBOX_LAUNCHER", text)
    with pytest.raises(StartError, match="FIGBOX_LAUNCHER"):
        load_settings()


@pytest.mark.parametrize("text", ["x.sock", "/", "/" + "x" * SOCKET_PATH_LIMIT])
def test_the_launchers_own_socket_is_an_absolute_path(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The same holds for the socket on which the launcher listens."""
    monkeypatch.setenv("FIGBOX_LAUNCHER_SOCKET", text)
    with pytest.raises(StartError, match="FIGBOX_LAUNCHER_SOCKET"):
        load(LauncherProcessSettings)


def test_installations_of_two_launchers_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two launchers of one host can't share a socket, so they share no installation."""
    one = load(LauncherProcessSettings).installation_name
    monkeypatch.setenv("FIGBOX_LAUNCHER_SOCKET", "/run/other/l.sock")
    assert load(LauncherProcessSettings).installation_name != one


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("/figbox", "/figbox"), ("/figbox/", "/figbox"), ("/a/b-c_d.e~f", "/a/b-c_d.e~f"), ("/", ""), ("", "")],
)
def test_prefix_is_a_path(monkeypatch: pytest.MonkeyPatch, text: str, prefix: str) -> None:
    """A slash at its end makes no difference."""
    monkeypatch.setenv("FIGBOX_PATH_PREFIX", text)
    assert load_settings().path_prefix == prefix


@pytest.mark.parametrize("text", ["figbox", "/a//b", "/a/../b", "/.", "/a b", "/é", "/{x}", "/a?b", "/%61", "/a" * 9])
def test_other_prefixes_stop_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What a proxy could read in another way is refused by the setting's name."""
    monkeypatch.setenv("FIGBOX_PATH_PREFIX", text)
    with pytest.raises(StartError, match="FIGBOX_PATH_PREFIX"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://example.org", {"https://example.org"}),
        (" https://A.example/ , http://b.example:8080,", {"https://a.example", "http://b.example:8080"}),
        ("https://a.example:443,http://a.example:80", {"https://a.example", "http://a.example"}),
        ("https://a.example:80", {"https://a.example:80"}),
        ("http://[::1]:3000,http://localhost:5173", {"http://[::1]:3000", "http://localhost:5173"}),
        ("chrome-extension://abcdef", {"chrome-extension://abcdef"}),
        ("", set()),
    ],
)
def test_origins_are_as_browsers_write_them(monkeypatch: pytest.MonkeyPatch, text: str, origins: set[str]) -> None:
    """Case, the usual port and a slash at the end make no difference."""
    monkeypatch.setenv("FIGBOX_CORS_ORIGINS", text)
    assert load_settings().cors_origins == origins


@pytest.mark.parametrize(
    "text", ["*", "null", "example.org", "https://*.example.org", "https://a.example/x", "https://a@b", "https://a b"]
)
def test_other_origins_stop_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A wildcard, or what no browser would send, is refused by the setting's name."""
    monkeypatch.setenv("FIGBOX_CORS_ORIGINS", f"https://good.example,{text}")
    with pytest.raises(StartError, match="FIGBOX_CORS_ORIGINS"):
        load_settings()


@pytest.mark.parametrize("text", ["unix:///run/x/s", "/run/x/s"])
def test_listeners_socket_is_an_absolute_path(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """It may be written as the launcher's is, or as a path."""
    monkeypatch.setenv("FIGBOX_HTTP_SOCKET", text)
    assert str(load_settings().http_socket) == "/run/x/s"


@pytest.mark.parametrize("text", ["x.sock", "unix://x", "/", "tcp://1.2.3.4:5", "/" + "x" * SOCKET_PATH_LIMIT])
def test_other_sockets_stop_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Anything else is refused by the setting's name."""
    monkeypatch.setenv("FIGBOX_HTTP_SOCKET", text)
    with pytest.raises(StartError, match="FIGBOX_HTTP_SOCKET"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318"),
        ("https://otlp.example/base/", "https://otlp.example/base"),
        ("http://[::1]:4318/", "http://[::1]:4318"),
        ("", None),
    ],
)
def test_collector_is_a_base_url(monkeypatch: pytest.MonkeyPatch, text: str, url: str | None) -> None:
    """A slash at its end makes no difference; an empty one is none."""
    monkeypatch.setenv("FIGBOX_TRACES_ENDPOINT", text)
    assert load_settings().traces_endpoint == url


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1:4318", "grpc://a:4317", "http://", "http://u:secret@a", "http://a?x=1", "http://a#x", "http://a b",
     "http://a:99999", "http://[::1", "http://ä"],
)  # fmt: skip
def test_other_collectors_stop_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What isn't the base URL of an HTTP service is refused by the setting's name, without its text."""
    monkeypatch.setenv("FIGBOX_TRACES_ENDPOINT", text)
    with pytest.raises(StartError, match="FIGBOX_TRACES_ENDPOINT") as caught:
        load_settings()
    assert "secret" not in str(caught.value)


def test_fields_for_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are written as OpenTelemetry's own variable has them, and shown to nobody."""
    monkeypatch.setenv("FIGBOX_TRACES_HEADERS", " authorization=Bearer%20abc%2C%3D , x-team=a=b,")
    settings = load_settings()
    assert settings.traces_header_fields == {"authorization": "Bearer abc,=", "x-team": "a=b"}
    assert "abc" not in repr(settings)


def test_fields_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file has what the variable would have."""
    (tmp_path / "fields").write_text("authorization=Bearer%20abc\n")
    monkeypatch.setenv("FIGBOX_TRACES_HEADERS_FILE", str(tmp_path / "fields"))
    assert load_settings().traces_header_fields == {"authorization": "Bearer abc"}


@pytest.mark.parametrize(
    "text", ["secret", "=secret", "a b=secret", "a=", "a=x%0d%0asecret: 1", "a=%e4", "a=ä", "a=%20secret"]
)
def test_other_fields_stop_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What would be no field, or several, is refused by the setting's name, without its text."""
    monkeypatch.setenv("FIGBOX_TRACES_HEADERS", text)
    with pytest.raises(StartError, match="FIGBOX_TRACES_HEADERS") as caught:
        load_settings()
    assert "secret" not in str(caught.value)
