"""The file of environments: what it can contain, what stops the start, and which limits each environment has."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import annotated_types
import pytest

from gateway.environments import ENVIRONMENTS_LIMIT, FILE_LIMIT, OWN_SETTINGS, read_environments
from gateway.launcher import environment
from gateway.launcher.engine.engine import ExitState
from gateway.launcher.engine.specification import RUNNER, Sandbox
from gateway.launcher.environment import check_image, examine, read_image_facts
from gateway.model.errors import ContainerLost, StartError
from gateway.model.jobs import DEFAULT_ENVIRONMENT, Limits, MiB
from gateway.settings import LauncherSettings, Settings, load_settings
from tests.documents.pages import ENVIRONMENTS, first_cells, section
from tests.fakes import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeSettings = Callable[..., Settings]

SECRET = "hunter2-hunter2"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a path for the file."""
    return tmp_path / "environments.toml"


def table(**values: object) -> str:
    """Return a file with one environment."""
    own = {"image": "an-image", **values}
    return "[environments.x]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in own.items())


def test_without_a_file_there_is_the_default(make_settings: MakeSettings) -> None:
    """Without a file there is one environment, with the settings' own values."""
    settings = make_settings()
    assert dict(settings.environments) == {DEFAULT_ENVIRONMENT: settings}


def test_what_is_left_out_is_the_settings(make_settings: MakeSettings, file: Path) -> None:
    """An environment has its own image and limits, the settings' for the rest, and no inherited pool."""
    file.write_text(table(wall_limit_s=5, memory_limit_mib=256, runtime="runsc"))
    settings = make_settings(environments_file=file, pool_size=7, tmpfs_limit_mib=32, cpus=2)
    assert list(settings.environments) == [DEFAULT_ENVIRONMENT, "x"]
    own = settings.environments["x"]
    assert (own.image, own.runtime, own.pool_size) == ("an-image", "runsc", None)
    assert own.limits == Limits(wall_limit_s=5, memory_limit_bytes=256 * MiB, tmpfs_limit_bytes=32 * MiB, cpus=2)
    assert settings.environments[DEFAULT_ENVIRONMENT].pool_size == 7
    assert own.installation_name == settings.installation_name


def _bounds() -> list[tuple[str, float, float]]:
    found = []
    for name in OWN_SETTINGS:
        metadata = Settings.model_fields[name].metadata
        least = [rule.ge for rule in metadata if isinstance(rule, annotated_types.Ge)]
        most = [rule.le for rule in metadata if isinstance(rule, annotated_types.Le)]
        if least:
            found.append((name, least[0], most[0]))
    return found


@pytest.mark.parametrize(("name", "least", "most"), _bounds())
def test_bounds_are_the_settings(file: Path, name: str, least: float, most: float) -> None:
    """Both bounds pass; beyond either the file is refused, and the key is named."""
    for value in (least, most):
        file.write_text(table(**{name: value}))
        assert read_environments(file, LauncherSettings.model_fields)["x"][name] == value
    for value in (least - 1, most + 1, "1", True):
        file.write_text(table(**{name: value}))
        with pytest.raises(StartError, match=rf"environments\.x\.{name}: "):
            read_environments(file, LauncherSettings.model_fields)
    for text in ("nan", "inf"):
        file.write_text(f'[environments.x]\nimage = "an-image"\n{name} = {text}\n')
        with pytest.raises(StartError, match=rf"environments\.x\.{name}: "):
            read_environments(file, LauncherSettings.model_fields)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("[environments.x]\n", r"environments\.x\.image: Field required"),
        ('[environments.x]\nimage = ""\n', r"environments\.x\.image"),
        (table(api_key=SECRET), r"environments\.x\.api_key: Extra"),
        (table(runtime="run; rm"), r"environments\.x\.runtime"),
        ('[environments."a b"]\nimage = "x"\n', "should match pattern"),
        ('[environments.Science]\nimage = "x"\n', "should match pattern"),
        ('[environments.""]\nimage = "x"\n', "should match pattern"),
        (f'[environments.{"x" * 65}]\nimage = "x"\n', "should match pattern"),
        ('[environments.default]\nimage = "x"\n', "default is what FIGBOX_IMAGE"),
        ("environments = 3\n", "environments: "),
        ("[other]\n", "environments: Field required"),
        ("", "environments: Field required"),
        ("x", "is not TOML"),
        ("[environments.x]\nimage='a'\nimage='b'\n", "is not TOML"),
        ("#" * (FILE_LIMIT + 1), "more than 64 KiB"),
        ("\n".join(f'[environments.e{n}]\nimage="x"' for n in range(ENVIRONMENTS_LIMIT + 1)), "at most 16 items"),
    ],
)
def test_errors_are_named(file: Path, content: str, fault: str) -> None:
    """A wrong file is refused with the place of the error, and none of its values is quoted."""
    file.write_text(content)
    with pytest.raises(StartError, match=fault) as caught:
        read_environments(file, LauncherSettings.model_fields)
    assert SECRET not in str(caught.value)


def test_file_that_is_no_text_is_refused(file: Path) -> None:
    """Bytes that aren't UTF-8 are not TOML."""
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(StartError, match="is not TOML"):
        read_environments(file, LauncherSettings.model_fields)


def test_missing_file_stops_the_start(clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error is reported when the settings are read, before anything else is done."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setenv("FIGBOX_ENVIRONMENTS_FILE", str(tmp_path / "none.toml"))
    with pytest.raises(StartError, match=r"FIGBOX_ENVIRONMENTS_FILE can't be read: No such file.*none\.toml"):
        load_settings()


def test_page_lists_every_key() -> None:
    """docs/environments.md has a row for each key that the file can have, and the settings' own names."""
    text = section(ENVIRONMENTS, "The file")
    assert first_cells(text) == ["image", *OWN_SETTINGS]
    for name in ("image", *OWN_SETTINGS):
        assert f"`{Settings.model_fields[name].alias}`" in text


# -- what an image is ------------------------------------------------------------------------------


GOOD_IMAGE = {"Entrypoint": list(RUNNER), "Volumes": None}


def test_image_of_ours_is_fit() -> None:
    """An image made from the runner image has its entry point and no volume."""
    check_image(GOOD_IMAGE)
    check_image({**GOOD_IMAGE, "Volumes": {}})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"Volumes": {"/data": {}, "/cache": {}}}, r"volumes \(/cache, /data\)"),
        ({"Entrypoint": None}, "doesn't run Figbox's runner"),
        ({"Entrypoint": ["python3"]}, "doesn't run Figbox's runner"),
        ({"Entrypoint": ["sh", "-c", " ".join(RUNNER)]}, "doesn't run Figbox's runner"),
    ],
)
def test_other_images_are_refused(change: dict[str, Any], fault: str) -> None:
    """An image with properties that the specification of containers can't override stops the start."""
    with pytest.raises(StartError, match=fault):
        check_image({**GOOD_IMAGE, **change})


class _Engine:
    """An engine with one image, or without any."""

    def __init__(self, config: dict[str, Any] | None) -> None:
        self._config = config

    async def image_config(self, image: str) -> dict[str, Any] | None:
        """Return what the test set."""
        return self._config


async def test_errors_name_their_environment(make_settings: MakeSettings) -> None:
    """An error of an environment has its name; for the default no name is needed."""
    with pytest.raises(StartError, match=r"^environment 'x': the engine has no image.*ENVIRONMENT=x"):
        await examine(_Engine(None), "x", make_settings(), "now")  # type: ignore[arg-type]
    with pytest.raises(StartError, match=r"^environment 'x': its image declares volumes"):
        await examine(_Engine({"Volumes": {"/a": {}}}), "x", make_settings(), "now")  # type: ignore[arg-type]
    with pytest.raises(StartError, match=r"^its image declares volumes"):
        await examine(_Engine({"Volumes": {"/a": {}}}), DEFAULT_ENVIRONMENT, make_settings(), "now")  # type: ignore[arg-type]


ACCOUNT = {"versions": {"python": "3.13.5"}, "packages": {"numpy": "2.4.6"}, "fonts_sha256": "ab" * 32}
SANDBOX = Sandbox("sha256:0", Limits(), None, "here", "now", 60)


def _account(monkeypatch: pytest.MonkeyPatch, output: bytes, state: ExitState) -> dict[str, Any]:
    """Return the facts of an image whose container writes this output and has this exit state."""

    async def run(_: object, sandbox: Sandbox, command: tuple[str, ...]) -> tuple[bytes, ExitState]:
        assert (sandbox, command) == (SANDBOX, ("facts",))
        return output, state

    monkeypatch.setattr(environment, "run_to_end", run)
    return asyncio.run(read_image_facts(None, SANDBOX))  # type: ignore[arg-type]


ENDED = ExitState(0, oom_killed=False)


def test_account_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The expected facts of the image are passed on, and nothing else that it may write."""
    assert _account(monkeypatch, json.dumps({**ACCOUNT, "more": 1}).encode(), ENDED) == ACCOUNT


@pytest.mark.parametrize(
    "document",
    [
        [],
        "x",
        {},
        {**ACCOUNT, "versions": None},
        {**ACCOUNT, "versions": ["python"]},
        {**ACCOUNT, "packages": {"numpy": 2}},
        {**ACCOUNT, "packages": {"numpy": "2\n3"}},
        {**ACCOUNT, "packages": {"n" * 201: "2"}},
        {**ACCOUNT, "packages": {str(n): "1" for n in range(2001)}},
        {**ACCOUNT, "fonts_sha256": None},
    ],
)
def test_account_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch, document: object) -> None:
    """For an image of another version, or one that isn't ours, the error says to build it again."""
    with pytest.raises(StartError, match="doesn't say what it is made of"):
        _account(monkeypatch, json.dumps(document).encode(), ENDED)


@pytest.mark.parametrize("state", [ExitState(None, oom_killed=False), ExitState(137, oom_killed=True)])
def test_account_that_was_cut_short_is_the_engines_failure(monkeypatch: pytest.MonkeyPatch, state: ExitState) -> None:
    """A container that was cut short proves nothing about its image: it is tried again."""
    with pytest.raises(ContainerLost):
        _account(monkeypatch, b'{"versions"', state)
