"""`figbox render` as people and scripts call it: what is sent, and what is written."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from figbox.cli.batch.outputs import OutputFolder
from figbox.cli.batch.run import Batch
from figbox.cli.batch.scripts import find_scripts
from figbox.cli.batch.sent import RunOptions
from figbox.cli.reporter import Reporter
from figbox.cli.values import RcSetting
from figbox.client import AsyncClient
from figbox.retries import Retries
from tests.client.conftest import BROKEN, PLOT, TWO, Figbox, outputs, write
from tests.client.service import KEY, Service, figure, rendered, running_service, written


def test_file_gives_a_picture(figbox: Figbox, workplace: Path) -> None:
    """A script gives a picture of its name, a line and a summary."""
    write(workplace / "plots" / "a.py", PLOT)
    done = figbox("render", "plots/a.py", "-o", "out")
    assert done.status == 0, done.stderr
    assert outputs() == {"a.png": "png of figure 1"}
    assert "ok      plots/a.py -> out/a.png (" in done.stderr
    assert "1 rendered in " in done.stderr
    assert not done.stdout


def test_folder_keeps_its_layout(figbox: Figbox, workplace: Path) -> None:
    """Scripts of the same name in different folders don't collide."""
    for name in ("a.py", "sub/a.py", "sub/deep/b.py"):
        write(workplace / "plots" / name, PLOT)
    assert figbox("render", "plots", "-o", "out").status == 0
    assert set(outputs()) == {"a.png", "sub/a.png", "sub/deep/b.png"}


def test_figures_and_formats_are_numbered(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Every figure has every format; the first is without a number."""
    write(workplace / "a.py", TWO)
    assert figbox("render", "a.py", "-o", "out", "--figures", "all", "-f", "png,svg", "-f", "pdf").status == 0
    assert outputs() == {
        f"a{number}.{name}": f"{name} of figure {figure_number}"
        for number, figure_number in (("", 1), ("-2", 2))
        for name in ("png", "svg", "pdf")
    }
    assert service.renders[0]["format"] == ["png", "svg", "pdf"]


@pytest.mark.parametrize("name", ["jpg", "JPG", ".jpg", "jpeg,jpg"])
def test_jpg_is_jpeg(figbox: Figbox, service: Service, workplace: Path, name: str) -> None:
    """However it is spelt, the service is asked for its one name, and the picture has it."""
    write(workplace / "a.py", PLOT)
    done = figbox("render", "a.py", "-o", "out", "--format", name)
    assert (done.status, [path.name for path in (workplace / "out").iterdir()]) == (0, ["a.jpeg"]), done.stderr
    assert service.renders[-1]["format"] == ["jpeg"]
    refused = "'tiff' is not one of png, svg, pdf, jpeg, webp, gif, apng, awebp"
    assert refused in figbox("render", "a.py", "-o", "o", "-f", "tiff").stderr


def test_every_option_reaches_the_service(figbox: Figbox, service: Service, workplace: Path) -> None:
    """The service gets the options on the command line, and only those."""
    write(workplace / "a.py", PLOT)
    arguments = (
        "--dpi 150 --width 4 --height 3.5 --bbox tight --transparent --style ggplot --style dark_background "
        "--rc axes.grid=True --rc font.family=serif,sans --figures current --environment science --timeout 9 "
        "--memory 256 --seed 7 --no-cache --embed-alt-text"
    )
    assert figbox("render", "a.py", "-o", "out", *shlex.split(arguments)).status == 0
    assert figbox("render", "a.py", "-o", "out").status == 0
    full, bare = service.renders
    assert full == {
        "code": PLOT,
        "format": ["png"],
        "dpi": 150,
        "width": 4,
        "height": 3.5,
        "bbox_inches": "tight",
        "transparent": True,
        "style": ["ggplot", "dark_background"],
        "rc": {"axes.grid": True, "font.family": "serif,sans"},
        "figures": "current",
        "environment": "science",
        "timeout_s": 9,
        "memory_mib": 256,
        "seed": 7,
        "cache": False,
        "embed_alt_text": True,
    }
    assert bare == {"code": PLOT, "format": ["png"]}


def test_data_beside_a_script_is_sent(figbox: Figbox, service: Service, workplace: Path) -> None:
    """A file whose name is in a script is sent with that script only."""
    write(workplace / "plots" / "a.py", PLOT + "pd.read_csv('data.csv')")
    write(workplace / "plots" / "b.py", PLOT)
    write(workplace / "plots" / "data.csv", "x,y\n1,2\n")
    assert figbox("render", "plots", "-o", "out").status == 0
    sent = {document["code"]: document.get("files") for document in service.renders}
    assert sent == {PLOT + "pd.read_csv('data.csv')": {"data.csv": {"text": "x,y\n1,2\n"}}, PLOT: None}


def test_data_can_be_named_and_left_out(figbox: Figbox, service: Service, workplace: Path) -> None:
    """`--data` sends a file with every script, in place of one beside it; `--no-data` doesn't send those beside it."""
    write(workplace / "plots" / "a.py", PLOT + "'data.csv' 'other.csv'")
    write(workplace / "plots" / "data.csv", "beside")
    write(workplace / "plots" / "other.csv", "beside")
    write(workplace / "shared" / "data.csv", "named")
    figbox("render", "plots", "-o", "out", "--data", "shared/*.csv")
    figbox("render", "plots", "-o", "out", "--data", "shared/data.csv", "--no-data")
    figbox("render", "plots", "-o", "out", "--no-data")
    assert [document.get("files") for document in service.renders] == [
        {"data.csv": {"text": "named"}, "other.csv": {"text": "beside"}},
        {"data.csv": {"text": "named"}},
        None,
    ]


def test_data_that_is_too_large_fails_its_script_alone(figbox: Figbox, service: Service, workplace: Path) -> None:
    """The error names the file, that script isn't sent, and the others are rendered."""
    write(workplace / "plots" / "a.py", PLOT + "'big.bin'")
    write(workplace / "plots" / "b.py", PLOT)
    write(workplace / "plots" / "big.bin", bytes(2 * 1024 * 1024))
    done = figbox("render", "plots", "-o", "out", "--data-limit", "1")
    assert done.status == 1
    assert (
        "FAILED  plots/a.py: data file plots/big.bin has 2.0 MiB, and the limit for a script is 1.0 MiB" in done.stderr
    )
    assert [document["code"] for document in service.renders] == [PLOT]
    assert set(outputs()) == {"b.png"}


def test_standard_input_and_output_make_a_filter(figbox: Figbox, service: Service, workplace: Path) -> None:
    """With `-` and `-o -`, code comes through a pipe and the picture leaves through another."""
    done = figbox("render", "-", "-o", "-", stdin=PLOT)
    assert (done.status, done.stdout) == (0, "png of figure 1")
    assert figbox("render", "-", "-o", "out", stdin=PLOT).status == 0
    assert outputs() == {"stdin.png": "png of figure 1"}


@pytest.mark.parametrize(
    "arguments",
    [["--json"], ["--files"], ["-f", "png,svg"], ["--figures", "all"], ["b.py"]],
    ids=lambda arguments: arguments[0],
)
def test_standard_output_takes_one_picture_only(figbox: Figbox, workplace: Path, arguments: list[str]) -> None:
    """Arguments that could give more than one picture are refused."""
    write(workplace / "a.py", PLOT)
    write(workplace / "b.py", PLOT)
    done = figbox("render", "a.py", "-o", "-", *arguments)
    assert done.status == 2
    assert "standard output" in done.stderr


def test_files_that_the_code_wrote_are_kept_on_demand(figbox: Figbox, service: Service, workplace: Path) -> None:
    """They are in a folder of the script's name; harmful names are reported and left out."""
    write(workplace / "plots" / "a.py", PLOT)
    hostile = ["../../escaped.txt", "/tmp/escaped.txt", ".bashrc", "a\x1b[31m"]
    files = [written("table.csv", b"1,2"), written("sub/more.txt", b"3"), *(written(name, b"!") for name in hostile)]
    service.respond = lambda document: rendered([figure(1, *document["format"])], files=files)
    assert figbox("render", "plots", "-o", "out").status == 0
    assert set(outputs()) == {"a.png"}
    done = figbox("render", "plots", "-o", "out", "--files")
    assert done.status == 0
    assert outputs() == {"a.png": "png of figure 1", "a.files/table.csv": "1,2", "a.files/sub/more.txt": "3"}
    assert "out/a.png, 2 files" in done.stderr
    assert "not kept, because its name can't be used: '../../escaped.txt'" in done.stderr
    assert "\x1b" not in done.stderr
    assert not list(workplace.parent.rglob("escaped.txt"))
    # Python files among them aren't rendered by the next run.
    files.append(written("evil.py", PLOT.encode()))
    figbox("render", ".", "-o", "out", "--files")
    count = len(service.renders)
    figbox("render", ".", "-o", "out", "--files")
    assert len(service.renders) == count + 1


def test_pictures_of_two_scripts_never_share_a_name(figbox: Figbox, workplace: Path) -> None:
    """If the second figure of a.py would be the first of a-2.py, one script fails."""
    write(workplace / "plots" / "a.py", TWO)
    write(workplace / "plots" / "a-2.py", "plt.plot()")
    done = figbox("render", "plots", "-o", "out", "--figures", "all")
    assert done.status == 1
    assert "FAILED  plots/a.py: a-2.png is the name of a picture of plots/a-2.py" in done.stderr
    assert outputs()["a-2.png"] == "png of figure 1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("2.5", 2.5), ("3", 3), ("true", True), ("False", False), ("[4, 3]", [4, 3]), ('"0.5"', "0.5")),
        *((text, text) for text in ("serif", "serif,sans", "a=b", "", "null", "NaN", "[" * 100_000)),
    ],
)
def test_values_of_rc_are_json_or_strings(text: str, value: object) -> None:
    """Numbers, booleans and lists have their types; a number that is meant as a string is quoted."""
    assert RcSetting().convert(f"font.size = {text}", None, None) == ("font.size", value)


def test_report_for_programs(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Standard output is one JSON document with everything but the bytes; standard error is for people."""
    write(workplace / "plots" / "a.py", PLOT + "'data.csv'")
    write(workplace / "plots" / "broken.py", BROKEN)
    write(workplace / "plots" / "data.csv", "1")
    done = figbox("render", "plots", "-o", "out", "--json")
    assert done.status == 1
    document = json.loads(done.stdout)
    assert document["service"] == service.url
    summary = document["summary"]
    assert summary.pop("seconds") > 0
    assert summary == {"scripts": 2, "rendered": 1, "failed": 1, "not_rendered": 0}
    good, bad = document["scripts"]
    assert (good["script"], good["status"], good["outcome"]) == ("plots/a.py", "rendered", "ok")
    assert good["data"] == ["data.csv"]
    (picture,) = good["pictures"]
    assert picture["path"] == "out/a.png"
    assert (picture["figure"], picture["format"], picture["bytes"]) == (1, "png", 15)
    assert good["manifest"]["image"] == "sha256:0123"
    assert (bad["status"], bad["outcome"], bad["reason"]) == ("failed", "program_error", "code")
    assert bad["fault"]["line"] == 2
    assert "no good" in bad["error"]
    assert "rendered, 1 failed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.py"], "Missing option '-o'"),
        (["-o", "out"], "Missing argument"),
        (["a.py", "-o", "out", "--dpi", "9"], "--dpi"),
        (["a.py", "-o", "out", "--dpi", "1201"], "--dpi"),
        (["a.py", "-o", "out", "-f", "tiff"], "'tiff' is not one of png, svg, pdf, jpeg, webp, gif, apng, awebp"),
        (["a.py", "-o", "out", "--rc", "nonsense"], "'nonsense' is not NAME=VALUE"),
        (["a.py", "-o", "out", "--bbox", "loose"], "--bbox"),
        (["a.py", "-o", "out", "--seed", "4294967296"], "--seed"),
        (["a.py", "-o", "out", "--jobs", "0"], "--jobs"),
        (["a.py", "-o", "out", "--api-key", "x"], "No such option"),
        (["a.py", "-o", "a.py"], "a.py is not a folder"),
        (["b.py", "-o", "out"], "no such file or folder: b.py"),
        (["a.py", "-o", "out", "--data", "b.csv"], "no such file: b.csv"),
        (["a.py", "-o", "out", "--url", "nowhere"], "not the address of a service"),
        (["a.py", "-o", "out", "--key-file", "none"], "key file none can't be read: No such file"),
    ],
)
def test_wrong_arguments_are_reported_before_anything_is_sent(
    figbox: Figbox, service: Service, workplace: Path, arguments: list[str], message: str
) -> None:
    """The exit status is 2, with a reason, and without a request."""
    write(workplace / "a.py", PLOT)
    done = figbox("render", *arguments)
    assert done.status == 2
    assert message in done.stderr
    assert not service.asked


def test_missing_key_says_how_to_give_one(figbox: Figbox, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key nothing is sent; the error names both ways to set one."""
    monkeypatch.delenv("FIGBOX_API_KEY")
    write(workplace / "a.py", PLOT)
    done = figbox("render", "a.py", "-o", "out")
    assert done.status == 2
    assert "the key is missing: set FIGBOX_API_KEY, or name a file with it by --key-file" in done.stderr


def test_two_services_are_told_apart_by_flag(figbox: Figbox, service: Service, workplace: Path) -> None:
    """A flag takes precedence over the environment; the address's source is shown unless it is a flag."""
    write(workplace / "a.py", PLOT)
    with running_service() as other:
        done = figbox("render", "a.py", "-o", "out", "--url", other.url)
        assert (len(other.renders), len(service.renders)) == (1, 0)
        assert "service:" not in done.stderr
    assert f"service: {service.url} (from the environment)" in figbox("render", "a.py", "-o", "out").stderr


async def test_bytes_are_released_once_they_are_written(service: Service, workplace: Path) -> None:
    """A run over thousands of scripts doesn't keep all their pictures in memory."""
    write(workplace / "a.py", PLOT)
    service.respond = lambda document: rendered([figure(1, *document["format"])], files=[written("a.csv", b"1,2")])
    wanted = RunOptions(
        {"format": ["png"]}, ("png",), keep_files=True, document=False, beside=True, named={}, data_limit_bytes=0
    )
    scripts = find_scripts(["a.py"], exclude=(), output=Path("out"))
    sink = OutputFolder(Path("out"), scripts, wanted.formats)
    with Reporter(1) as reporter:
        async with AsyncClient(service.url, KEY) as client:
            (result,) = await Batch(client, wanted, sink, reporter, retries=Retries()).run(scripts)
    assert outputs() == {"a.png": "png of figure 1", "a.files/a.csv": "1,2"}
    assert [(found.picture.data, found.size_bytes) for found in result.pictures] == [(b"", 15)]
    assert [(found.file.data, found.size_bytes) for found in result.files] == [(b"", 3)]
    assert result.render is not None
    assert (result.render.figures, result.render.files) == ((), ())
