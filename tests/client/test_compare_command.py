"""`figbox compare`: what it takes, what it prints, and its exit status."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from figbox.cli.batch import sides
from figbox.cli.exits import ExitStatus
from tests.client.conftest import BROKEN, PLOT, write
from tests.client.descriptions import axes, description, document, figure, line, rich
from tests.client.service import Canned, picture, problem, rendered
from tests.support.live import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.conftest import Figbox
    from tests.client.descriptions import Json
    from tests.client.service import Service

TITLES = "~ Axes 1 ('Tide'): the title is 'Tide' instead of 'Signals'.\n"


def changed() -> Json:
    """Return `rich()` with another title and without a series."""
    after = rich()
    after["description"]["axes"][0]["title"] = "Tide"
    after["description"]["axes"][0]["artists"].pop(1)
    after["description"]["axes"][0]["legend"]["entries"].pop(1)
    after["pictures"][0]["pixels_sha256"] = "cd"
    return after


def saved(path: Path, shown: Json) -> str:
    """Save a figure as a document; return its name."""
    write(path, json.dumps(document(shown)))
    return path.name


def archive(manifest: bytes, name: str = "manifest.json") -> bytes:
    """Return a ZIP with a manifest."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("figure-1.png", b"\x89PNG")
        file.writestr(name, manifest)
    return packed.getvalue()


def described(shown: dict[str, Json]) -> Any:
    """Return what answers a render by the description that belongs to a word in its code."""

    def respond(asked: dict[str, Any]) -> Canned | None:
        if asked.get("describe") != "data":
            return None
        found = next((each for word, each in shown.items() if word in asked["code"]), None)
        return rendered([{**found, "pictures": [picture(1, "png")]}]) if found is not None else None

    return respond


def test_what_changed(figbox: Figbox, workplace: Path, service: Service) -> None:
    """A sentence for each change on standard output, status 1, and nothing is asked of the service."""
    saved(workplace / "a.json", rich())
    saved(workplace / "b.json", changed())
    done = figbox("compare", "a.json", "b.json")
    assert (done.status, done.stdout, done.stderr) == (
        ExitStatus.CHANGED,
        TITLES + "- Axes 1 ('Tide'): the line 'noise' was removed.\n",
        "",
    )
    assert figbox("compare", "b.json", "a.json").stdout.endswith("+ Axes 1 ('Signals'): the line 'noise' was added.\n")
    assert service.asked == []


def test_nothing_changed(figbox: Figbox, workplace: Path) -> None:
    """Status 0 and one line."""
    saved(workplace / "a.json", rich())
    done = figbox("compare", "a.json", "a.json")
    assert (done.status, done.stdout, done.stderr) == (0, "Nothing changed.\n", "")


def test_nothing_can_be_said(figbox: Figbox, workplace: Path) -> None:
    """Status 2 as with `diff`, and the reason."""
    name = saved(workplace / "a.json", figure(None, pictures=[]))
    done = figbox("compare", name, name)
    assert done.status == ExitStatus.USAGE
    assert done.stdout.startswith("note: Nothing could be compared, since neither side has a description")
    assert done.stderr == "Error: the two can't be compared\n"


def test_json(figbox: Figbox, workplace: Path) -> None:
    """Everything for programs, in ASCII."""
    saved(workplace / "a.json", rich())
    saved(workplace / "b.json", changed())
    done = figbox("compare", "a.json", "b.json", "--json", "-n", "1")
    found = json.loads(done.stdout)
    assert (done.status, done.stdout.isascii()) == (1, True)
    assert (found["before"], found["after"], found["verdict"], found["level"]) == (
        "a.json",
        "b.json",
        "changed",
        "data",
    )
    title, removed = found["changes"]
    assert (title["kind"], title["rank"] < removed["rank"]) == ("title", True)
    assert removed["before"] == {
        "figure": 1,
        "axes": 1,
        "box": {"x": 100.0, "y": 80.0, "width": 450.0, "height": 320.0},
    }
    assert removed["after"] == {"figure": 1, "axes": 1, "box": None}


def test_at_most_so_many_and_where(figbox: Figbox, workplace: Path) -> None:
    """`-n` limits what is shown, and `-v` says where it is."""
    saved(workplace / "a.json", rich())
    saved(workplace / "b.json", changed())
    assert figbox("compare", "a.json", "b.json", "-n", "1").stdout == TITLES + "And 1 more.\n"
    shown = figbox("compare", "a.json", "b.json", "-v").stdout.splitlines()
    assert shown[1] == "    figure 1, axes 1, 80 60 496 160 -> figure 1, axes 1, 80 60 496 160"
    assert shown[3] == "    figure 1, axes 1, 100 80 450 320 -> figure 1, axes 1"


def test_archives_and_standard_input(figbox: Figbox, workplace: Path) -> None:
    """A ZIP of the service counts by its manifest, whatever it is called; `-` is a document, too."""
    write(workplace / "a.zip", archive(json.dumps(document(rich())).encode()))
    write(workplace / "b", archive(json.dumps(document(changed())).encode()))
    assert figbox("compare", "a.zip", "b").stdout.startswith(TITLES)
    assert figbox("compare", "a.zip", "-", stdin=json.dumps(document(changed()))).stdout.startswith(TITLES)
    assert figbox("compare", "-", "a.zip", stdin=json.dumps(document(rich()))).status == 0


def test_scripts_are_rendered_and_compared(figbox: Figbox, workplace: Path, service: Service) -> None:
    """Both are drawn by the service, described in full, with the same seed and with their data."""
    service.respond = described({"rain": rich(), "tide": changed()})
    write(workplace / "old" / "a.py", PLOT + "pd.read_csv('rain.csv')\n")
    write(workplace / "old" / "rain.csv", "1,2\n")
    write(workplace / "a.py", PLOT + "# tide\n")
    done = figbox("compare", "old/a.py", "a.py")
    assert (done.status, done.stdout) == (
        1,
        TITLES
        + "- Axes 1 ('Tide'): the line 'noise' was removed.\n"
        + "note: The pictures are equal, though what is said of them differs.\n",
    )
    asked = sorted(service.renders, key=lambda each: "files" not in each)
    assert asked[0] == {
        "code": PLOT + "pd.read_csv('rain.csv')\n",
        "describe": "data",
        "figures": "all",
        "seed": 0,
        "format": ["png"],
        "files": {"rain.csv": {"text": "1,2\n"}},
    }
    given = ("--figures", "current", "--seed", "7", "-e", "science", "--timeout", "9", "--dpi", "200", "-f", "svg")
    figbox("compare", "a.py", "a.py", *given)
    expected = {"describe": "data", "figures": "current", "seed": 7, "environment": "science", "timeout_s": 9}
    expected |= {"dpi": 200, "format": ["svg"]}
    assert service.renders[-1] == {"code": PLOT + "# tide\n", **expected}


def test_script_against_a_saved_document(figbox: Figbox, workplace: Path, service: Service) -> None:
    """What `render --document` keeps is compared with what the script draws later."""
    service.respond = described({"plt": rich()})
    write(workplace / "a.py", PLOT)
    assert figbox("render", "a.py", "-o", "out", "--document").status == 0
    assert service.renders[-1]["describe"] == "data"
    kept = json.loads((workplace / "out" / "a.json").read_text())
    assert kept["figures"][0]["description"] == rich()["description"]
    assert kept["figures"][0]["pictures"][0]["pixels_sha256"] == "ab" * 32
    assert "data" not in kept["figures"][0]["pictures"][0]
    assert kept["manifest"]["image"] == "sha256:0123"
    assert figbox("compare", "out/a.json", "a.py").status == 0
    service.respond = described({"plt": changed()})
    assert figbox("compare", "out/a.json", "a.py").stdout.startswith(TITLES)


def test_documents_need_a_folder(figbox: Figbox, workplace: Path) -> None:
    """Standard output is for the picture."""
    write(workplace / "a.py", PLOT)
    done = figbox("render", "a.py", "-o", "-", "--document")
    assert (done.status, "a document needs a folder" in done.stderr) == (2, True)


def test_notebooks_and_scripts_from_standard_input(figbox: Figbox, workplace: Path, service: Service) -> None:
    """A notebook is JSON, but no document."""
    service.respond = described({"plt": rich()})
    cell = {"cell_type": "code", "source": ["import matplotlib.pyplot as plt\n", "plt.plot([1])"]}
    notebook = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    write(workplace / "a.ipynb", notebook)
    assert figbox("compare", "a.ipynb", "-", stdin=notebook).status == 0
    assert figbox("compare", "a.ipynb", "-", stdin=PLOT).status == 0
    assert len(service.renders) == 4


def test_hostile_texts_are_harmless(figbox: Figbox, workplace: Path) -> None:
    """Labels can neither move the cursor, nor begin a line, nor give orders to a build server."""
    label = "a\x1b[2J\n::error::no\r##[error]\u202e\ud800"
    saved(workplace / "a.json", figure(description(axes(line(label, [1.0, 2.0]), title="plain"))))
    saved(workplace / "b.json", figure(description(axes(title=label)), label=label, pixels="cd"))
    done = figbox("compare", "a.json", "b.json")
    assert done.status == 1
    assert not any(character in done.stdout for character in "\x1b\r\u202e")
    assert "##[" not in done.stdout
    assert all(shown.startswith(("~ ", "- ")) for shown in done.stdout.splitlines())
    assert figbox("compare", "a.json", "b.json", "--json").stdout.isascii()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b"{", "a.json is not a JSON document"),
        ("a.json", b"[" * 100_000, "a.json is not a JSON document"),
        ("a.json", b"[1]", "a.json[0] is not an object"),
        ("a.json", b'{"title": "a problem"}', "a.json has neither figures nor a description"),
        ("a.json", b'{"figures": [{"description": {"level": "all"}}]}', "level is none of summary, full, data"),
        ("a.zip", b"PK\x03\x04broken", "a.zip is not an archive that can be read"),
        ("a.zip", archive(b"{}", "other.json"), "a.zip has no manifest.json"),
        ("a.zip", archive(b"{}"), "a.zip has neither figures nor a description"),
        ("a.zip", archive(b" " * 40 * 1024 * 1024), "a.zip has a manifest.json that is too large"),
        ("a.py", b"\xff\xfe", "a.py is not Python source"),
        ("a.ipynb", b"{}", "a.ipynb is not a notebook"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "a.png is a picture, which says nothing of its parts: name the script"),
        ("a.svg", b'<?xml version="1.0"?><svg/>', "a.svg is a picture"),
    ],
)  # fmt: skip
def test_what_is_no_document(figbox: Figbox, workplace: Path, name: str, content: bytes, said: str) -> None:
    """What can't be compared is status 2, with one sentence."""
    write(workplace / name, content)
    saved(workplace / "b.json", rich())
    for order in ((name, "b.json"), ("b.json", name)):
        done = figbox("compare", *order)
        assert (done.status, done.stdout) == (ExitStatus.USAGE, "")
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_too_large(figbox: Figbox, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file isn't read beyond a limit."""
    monkeypatch.setattr(sides, "DOCUMENT_LIMIT_BYTES", 100)
    name = saved(workplace / "a.json", rich())
    done = figbox("compare", name, name)
    assert (done.status, done.stderr) == (2, "Error: a.json is too large for a document\n")


def test_wrong_arguments(figbox: Figbox, workplace: Path) -> None:
    """They are status 2, before anything is sent."""
    (workplace / "plots").mkdir()
    saved(workplace / "a.json", rich())
    for arguments, said in (
        (("a.json", "missing.json"), "no such file: missing.json"),
        (("plots", "a.json"), "plots is a folder"),
        (("-", "-"), "standard input can be one of the two"),
        (("a.json",), "Missing argument 'B'"),
    ):
        done = figbox("compare", *arguments)
        assert (done.status, said in done.stderr) == (2, True), done.stderr


def test_failing_script(figbox: Figbox, workplace: Path) -> None:
    """A script that fails can't be compared; the sentence has its line and its error."""
    write(workplace / "a.py", PLOT)
    write(workplace / "b.py", BROKEN)
    done = figbox("compare", "a.py", "b.py")
    assert (done.status, done.stdout) == (ExitStatus.USAGE, "")
    assert done.stderr == "Error: b.py:2: program_error: ValueError: no good\n"


def test_service_that_fails(figbox: Figbox, workplace: Path, service: Service) -> None:
    """A service that refuses or isn't there is status 3, but only scripts need one."""
    write(workplace / "a.py", PLOT)
    saved(workplace / "a.json", rich())
    service.canned.append(Canned(400, problem(400, "No")))
    assert figbox("compare", "a.py", "a.json").status == ExitStatus.SERVICE
    url = f"http://127.0.0.1:{free_port()}"
    assert figbox("compare", "a.json", "a.json", "--url", url).status == 0
    service.canned.append(Canned(401, problem(401, "Unauthorized")))
    done = figbox("compare", "a.json", "a.py")
    assert (done.status, "doesn't accept the key" in done.stderr) == (ExitStatus.SERVICE, True)


def test_script_needs_a_key(figbox: Figbox, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key nothing is sent, and documents need none."""
    monkeypatch.delenv("FIGBOX_API_KEY")
    write(workplace / "a.py", PLOT)
    saved(workplace / "a.json", rich())
    assert figbox("compare", "a.json", "a.json").status == 0
    done = figbox("compare", "a.json", "a.py")
    assert (done.status, "the key is missing" in done.stderr) == (ExitStatus.USAGE, True)
