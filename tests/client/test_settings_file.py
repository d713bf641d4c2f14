"""`[tool.figbox]`: defaults below flags and environment, from a file that isn't fully trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from figbox.cli import COMMANDS
from figbox.cli.settings import OF_THE_MACHINE, PATHS, Project, defaults, find_project
from tests.client.conftest import PLOT, Figbox, write
from tests.client.service import KEY, Service, running_service

if TYPE_CHECKING:
    from pathlib import Path


def settings(folder: Path, text: str) -> Path:
    """Write a pyproject.toml with our table."""
    return write(folder / "pyproject.toml", f"[project]\nname = 'x'\n\n[tool.figbox]\n{text}")


def test_file_gives_defaults_to_every_option(figbox: Figbox, service: Service, workplace: Path) -> None:
    """The file can set every flag, with values of their own types."""
    write(workplace / "plots" / "a.py", PLOT)
    write(workplace / "shared.csv", "1")
    settings(
        workplace,
        """
        output = "pictures"
        format = ["png", "svg"]
        dpi = 150
        bbox = "tight"
        transparent = true
        style = "ggplot"
        figures = "all"
        timeout = 9.5
        memory = 256
        seed = 0
        cache = false
        data = ["shared.csv"]
        no-data = true
        jobs = 2

        [tool.figbox.rc]
        "axes.grid" = true
        "lines.linewidth" = 2.5
        "figure.figsize" = [4, 3]
        """,
    )
    assert figbox("render", "plots").status == 0
    assert service.renders == [
        {
            "code": PLOT,
            "format": ["png", "svg"],
            "dpi": 150,
            "bbox_inches": "tight",
            "transparent": True,
            "style": ["ggplot"],
            "rc": {"axes.grid": True, "lines.linewidth": 2.5, "figure.figsize": [4, 3]},
            "figures": "all",
            "files": {"shared.csv": {"text": "1"}},
            "timeout_s": 9.5,
            "memory_mib": 256,
            "seed": 0,
            "cache": False,
        }
    ]
    assert sorted(path.name for path in (workplace / "pictures").iterdir()) == ["a.png", "a.svg"]


def test_flag_then_environment_then_file_then_default(
    figbox: Figbox, service: Service, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting's sources have this order of precedence."""
    write(workplace / "a.py", PLOT)
    with running_service() as by_file, running_service() as by_flag:
        settings(workplace, f'url = "{by_file.url}"\nformat = "svg"\noutput = "out"\n')
        figbox("render", "a.py", "--url", by_flag.url, "-f", "pdf")
        figbox("render", "a.py")
        monkeypatch.delenv("FIGBOX_URL")
        done = figbox("render", "a.py")
        assert f"service: {by_file.url} (from pyproject.toml)" in done.stderr
        counts = [len(found.renders) for found in (by_flag, service, by_file)]
        assert counts == [1, 1, 1]
        assert [found.renders[0]["format"] for found in (by_flag, service, by_file)] == [["pdf"], ["svg"], ["svg"]]
    settings(workplace, 'output = "out"\n')
    done = figbox("render", "a.py", "--patience", "0")
    assert "service: http://127.0.0.1:5150 (by default)" in done.stderr


def test_a_project_leads_no_key_elsewhere(figbox: Figbox, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only a project's file names gets no key of the user's, unless it is on this machine; its own it may have."""
    elsewhere = "https://service.invalid"
    write(workplace / "a.py", PLOT)
    mine = write(workplace.parent / "my-key", KEY)
    write(workplace / "key", KEY)
    settings(workplace, f'url = "{elsewhere}"\noutput = "out"\nkey-file = "key"\npatience = 0\n')
    monkeypatch.delenv("FIGBOX_URL")
    refused = f"pyproject.toml names the service {elsewhere}, and your key would go there"
    for command in (("render", "a.py"), ("check", "a.py"), ("environments",)):
        done = figbox(*command)
        assert (done.status, refused in done.stderr.replace("\n", " ")) == (2, True), done.stderr
        assert refused in figbox(*command, "--key-file", str(mine)).stderr
    assert f"{elsewhere} can't be reached" in figbox("environments", "--url", elsewhere).stderr
    monkeypatch.delenv("FIGBOX_API_KEY")
    assert f"{elsewhere} can't be reached" in figbox("environments").stderr
    monkeypatch.setenv("FIGBOX_KEY_FILE", str(mine))
    assert refused in figbox("environments").stderr
    monkeypatch.setenv("FIGBOX_URL", elsewhere)
    assert f"{elsewhere} can't be reached" in figbox("environments").stderr


def test_flag_switches_off_what_the_file_switches_on(figbox: Figbox, service: Service, workplace: Path) -> None:
    """A flag and its opposite both work."""
    write(workplace / "a.py", PLOT)
    settings(workplace, 'output = "out"\ntransparent = true\nno-cache = true\n')
    figbox("render", "a.py")
    figbox("render", "a.py", "--opaque", "--cache")
    assert [(sent["transparent"], sent["cache"]) for sent in service.renders] == [(True, False), (False, True)]


def test_nearest_file_with_our_table_counts(workplace: Path) -> None:
    """The search goes upwards from the working directory and skips files without our table."""
    settings(workplace, "dpi = 1")
    write(workplace / "a" / "pyproject.toml", "[project]\nname = 'x'\n")
    (workplace / "a" / "b").mkdir()
    found = find_project(workplace / "a" / "b")
    assert found == Project(workplace / "pyproject.toml", {"dpi": 1})
    settings(workplace / "a", "dpi = 2")
    nearer = find_project(workplace / "a" / "b")
    assert nearer is not None
    assert nearer.values == {"dpi": 2}
    (workplace / "a" / "pyproject.toml").unlink()
    (workplace / "pyproject.toml").unlink()
    assert find_project(workplace / "a" / "b") is None


def test_paths_of_the_file_are_relative_to_it(
    figbox: Figbox, service: Service, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file means the same in every folder below it."""
    write(workplace / "secrets" / "key", KEY + "\n")
    write(workplace / "shared.csv", "1")
    write(workplace / "deep" / "a.py", PLOT)
    settings(workplace, 'output = "out"\nkey-file = "secrets/key"\ndata = "*.csv"\n')
    monkeypatch.chdir(workplace / "deep")
    monkeypatch.delenv("FIGBOX_API_KEY")
    assert figbox("render", "a.py").status == 0
    assert (workplace / "out" / "a.png").exists()
    assert service.renders[0]["files"] == {"shared.csv": {"text": "1"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fromat = 'png'", "fromat: unknown; the keys are "),
        ("api-key = 'x'", "api-key: the key must not be in a project's file"),
        ("api_key = 'x'", "api_key: the key must not be in a project's file"),
        ("key-file = '../key'", "key-file: leads out of the project's folder"),
        ("key-file = '/etc/hostname'", "key-file: leads out of the project's folder"),
        ("data = ['../*.csv']", "data: leads out of the project's folder"),
        ("output = '..'", "output: leads out of the project's folder"),
        ("report = '../index.html'", "report: leads out of the project's folder"),
        ("contact-sheet = '/tmp/sheet.pdf'", "contact-sheet: leads out of the project's folder"),
        ("output = 7", "output: must be a path"),
        ("transparent = 1", "transparent: must be true or false"),
        ("dpi = true", "dpi: can't have this value"),
        ("dpi = [1, 2]", "dpi: must have one value"),
        ("style = {a = 1}", "style: can't be a table"),
        ("cache = true\nno-cache = true", "no-cache: contradicts 'cache'"),
        ("dpi = 9", "That value is in [tool.figbox] of pyproject.toml."),
        ("dpi = ", "pyproject.toml can't be read: "),
    ],
)
def test_wrong_settings_are_reported(
    figbox: Figbox, service: Service, workplace: Path, text: str, message: str
) -> None:
    """The exit status is 2; the error has file, key and reason; nothing is sent."""
    write(workplace / "a.py", PLOT)
    settings(workplace, text)
    done = figbox("render", "a.py", "-o", "out")
    assert done.status == 2
    assert message in done.stderr
    assert not service.asked


@pytest.mark.parametrize("text", ['"x\\n::error::y\\u001b[31m" = 1', 'format = "x\\n::error::y\\u001b[31m"'])
def test_wrong_settings_do_not_act(figbox: Figbox, service: Service, workplace: Path, text: str) -> None:
    """A key or a value that is shown in an error neither acts on a terminal, nor is a command of a build log."""
    write(workplace / "a.py", PLOT)
    settings(workplace, text)
    done = figbox("render", "a.py", "-o", "out")
    assert done.status == 2
    assert "::error::y" in done.stderr
    assert "\x1b" not in done.stderr
    assert not any(line.strip().startswith("::") for line in done.stderr.splitlines())


def test_every_path_is_known_as_one() -> None:
    """An option that names a file can't lead out of the folder, or is none that a project can set."""
    options = {option for command in COMMANDS.values() for option in command.params if isinstance(option, click.Option)}
    files = {text.removeprefix("--") for it in options if isinstance(it.type, click.Path) for text in it.opts}
    assert files - OF_THE_MACHINE <= PATHS


def test_link_does_not_lead_out_either(workplace: Path) -> None:
    """A path that is a link to elsewhere is refused, too."""
    write(workplace.parent / "token", "secret")
    (workplace / "key").symlink_to(workplace.parent / "token")
    settings(workplace, "key-file = 'key'")
    project = find_project(workplace)
    assert project is not None
    with pytest.raises(Exception, match="leads out of the project's folder"):
        defaults(COMMANDS, project)


def test_settings_of_one_command_do_not_disturb_another(figbox: Figbox, workplace: Path) -> None:
    """The table has the settings of all commands."""
    settings(workplace, 'output = "out"\ndpi = 100\n')
    assert figbox("environments").status == 0
    assert figbox("doctor").status == 0


def test_key_comes_from_flag_then_environment_then_file(
    figbox: Figbox, service: Service, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file named by flag comes before `FIGBOX_API_KEY`, which comes before files named elsewhere."""
    write(workplace / "good", KEY)
    write(workplace / "bad", "another")

    def key_source() -> str:
        printed = figbox("doctor", *flags).stdout
        return next(line for line in printed.splitlines() if line.startswith("note   key: "))

    flags: list[str] = []
    settings(workplace, "key-file = 'bad'")
    monkeypatch.setenv("FIGBOX_KEY_FILE", str(workplace / "bad"))
    assert key_source() == f"note   key: FIGBOX_API_KEY, which comes before the file {workplace / 'bad'}"
    flags = ["--key-file", "good"]
    monkeypatch.setenv("FIGBOX_API_KEY", "another")
    assert key_source() == "note   key: good"
    assert figbox("doctor", *flags).status == 0
    flags = []
    monkeypatch.delenv("FIGBOX_API_KEY")
    assert key_source() == f"note   key: {workplace / 'bad'}"
    assert figbox("doctor").status == 3


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"\n{KEY}\n",
        f"# a comment\n{KEY}\n",
        f"\ufeff{KEY}\r\n",
        f"PORT=1\nAPI_KEY={KEY}\n",
        f"API_KEY='{KEY}'\n",
        f'export API_KEY="{KEY}"\n',
        f"API_KEY = {KEY}\n",
        f"\ufeffAPI_KEY={KEY}\n",
        f"API_KEY={KEY} # note\n",
        f"API_KEY='{KEY}' # note\r\nPORT=1\r\n",
        f"  export\tAPI_KEY\t=\t{KEY}\t#\tnote",
        f"api_key={KEY}\n",
        f"API_KEY=old\nAPI_KEY={KEY}\n",
        f"THE={KEY}\nAPI_KEY=${{THE}}\n",
        f"API_KEY=${{NOT_THERE:-{KEY}}}\n",
        f"garbage here\nAPI_KEY={KEY}\n",
    ],
)
def test_key_file_is_a_key_or_a_gateways_env(figbox: Figbox, workplace: Path, text: str) -> None:
    """The key is alone in the file, or in a line of a `.env`."""
    write(workplace / "key", text)
    assert figbox("doctor", "--key-file", "key").status == 0


def test_env_that_names_another_file_is_told(figbox: Figbox, workplace: Path) -> None:
    """A gateway's key may be elsewhere; the error says so."""
    write(workplace / "key", "API_KEY_FILE=/run/secrets/key\nPORT=1\n")
    done = figbox("environments", "--key-file", "key")
    assert (done.status, "names another file, by API_KEY_FILE" in done.stderr) == (2, True)


@pytest.mark.parametrize("text", [b"", b"\n", b"a\nb\n", b"NAME=value\n", b"API_KEY=\n", b"\xff\xff", b"x" * 100_000])
def test_other_files_are_refused(figbox: Figbox, service: Service, workplace: Path, text: bytes) -> None:
    """The error names a wrong file, and nothing of it is quoted or sent."""
    write(workplace / "key", text)
    done = figbox("environments", "--key-file", "key")
    assert done.status == 2
    assert "key file key " in done.stderr
    assert "value" not in done.stderr
    assert not service.asked
