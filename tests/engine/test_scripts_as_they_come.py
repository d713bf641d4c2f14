"""Scripts and their files as people have them: what is saved comes back, folders are there, and text is kept."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.unit.runner.test_files import NO_FIGURE, REPORT

if TYPE_CHECKING:
    from tests.support.live import LiveGateway, Response

pytestmark = [pytest.mark.engine, pytest.mark.core]

JSON, ZIP = "application/json", "application/zip"

SAVED_AND_CLOSED = """
import os
os.makedirs('output/plots', exist_ok=True)
fig, ax = plt.subplots(); ax.plot([1, 3, 2])
fig.savefig('output/plots/sales.png', dpi=120)
plt.close(fig)
"""
FAILING = "open('result.csv', 'w').write('a,b\\n1,2\\n')\nplt.plot([1, 2])\nplt.savefig('half.png')\n1 / 0\n"
SPOILT = """
open('result.csv', 'w').write('1')
plt.gcf().canvas.print_png = lambda file, **_: file.write(b'no picture')
"""

#: Code that gives files and no picture, the outcome, and the files.
SAVING = [
    (SAVED_AND_CLOSED, "no_figure", {"output/plots/sales.png": b"\x89PNG"}),
    (REPORT, "no_figure", {"report.pdf": b"%PDF-"}),
    (FAILING, "program_error", {"result.csv": b"a,b\n1,2\n", "half.png": b"\x89PNG"}),
    (SPOILT, "invalid_output", {"result.csv": b"1"}),
]

#: Spaces, joiners and ends of lines that look like nothing.
TEXT = "売上\u3000合計 1\u202f000 10\u00a0% می\u200cرود Donau\u00addampf 👨\u200d👩 10 %\r20 %\r\n"

LINES = "x = 1\n\x0c\n# part\u2028two\ny = 'a\x85b'\n\ndef f():\n    return 1 / 0\n\n\nf()\n"


def _files(document: dict[str, Any]) -> dict[str, bytes]:
    return {file["name"]: base64.b64decode(file["data"]) for file in document["files"]}


async def _document(gateway: LiveGateway, **body: Any) -> Response:
    return await gateway.render_v1(accept=JSON, json=body)


@pytest.mark.parametrize(("code", "outcome", "files"), SAVING)
async def test_saved_files_come_back(gateway: LiveGateway, code: str, outcome: str, files: dict[str, bytes]) -> None:
    """Without a picture the answer still has what the code saved, whatever form the client asks for."""
    for accept in (JSON, ZIP, "image/png"):
        response = await gateway.render_v1(accept=accept, json={"code": code})
        assert (response.status, response.json["outcome"]) == (422, outcome)
        found = _files(response.json)
        assert found.keys() == files.keys()
        assert all(found[name].startswith(beginning) for name, beginning in files.items())
        assert not response.json["files_truncated"]


async def test_the_old_endpoint_says_where_files_went(gateway: LiveGateway) -> None:
    """The text is that of the contract, with what was saved and what to do behind it."""
    response = await gateway.render(SAVED_AND_CLOSED)
    assert (response.status, response.json["outcome"]) == (500, "no_figure")
    assert response.json["error"].startswith(f"{NO_FIGURE}\nIt saved output/plots/sales.png, in the sandbox")
    response = await gateway.render(FAILING)
    traceback, _, told = response.json["error"].partition("\n\n")
    assert traceback.endswith("\nZeroDivisionError: division by zero")
    assert told.startswith("It saved half.png and result.csv, ")
    assert "POST /v1/render" in told


async def test_all_figures_or_word_of_it(gateway: LiveGateway) -> None:
    """Forty figures come back; of more than the service draws the answer says that some are missing."""
    code = "for number in range({}):\n    plt.figure(figsize=(0.2, 0.2))\n"
    for drawn, sent in ((40, 40), (103, 100)):
        document = (await _document(gateway, code=code.format(drawn), figures="all")).json
        assert (len(document["figures"]), document["figures_truncated"]) == (sent, drawn > sent)


@pytest.mark.parametrize("as_form", [False, True])
async def test_folders(gateway: LiveGateway, as_form: bool) -> None:  # noqa: FBT001 - both kinds of body
    """Data, styles and packages lie in the folders that their names have, by JSON and by form."""
    files = {
        "data/rain.csv": "day,mm\n1,3\n2,5\n",
        "styles/mine.mplstyle": "lines.linewidth: 7",
        "lib/__init__.py": "",
        "lib/tool.py": "def draw(frame, plt): frame.plot(x='day')",
    }
    code = (
        "import pandas as pd\nfrom lib import tool\nplt.style.use('styles/mine.mplstyle')\n"
        "tool.draw(pd.read_csv('data/rain.csv'), plt)\nprint(plt.gca().lines[0].get_linewidth())"
    )
    if as_form:
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("code", code)
        for name, text in files.items():
            form.add_field("file", io.BytesIO(text.encode()), filename=name)
        response = await gateway.render_v1(accept=JSON, data=form)
    else:
        response = await _document(gateway, code=code, files=files)
    assert response.status == 200, response.json
    assert response.json["stdout"]["text"] == "7.0\n"
    assert not files.keys() & _files(response.json).keys()


async def test_parameters_file(gateway: LiveGateway) -> None:
    """A matplotlibrc that is sent along counts as in a direct run."""
    code = 'print(plt.rcParams["axes.grid"], plt.rcParams["figure.dpi"]); plt.plot([1])'
    response = await _document(gateway, code=code, files={"matplotlibrc": "axes.grid: True\nfigure.dpi: 50\n"})
    assert response.json["stdout"]["text"] == "True 50.0\n"
    assert response.json["figures"][0]["pictures"][0]["width_px"] == 320


async def test_the_code_can_read_itself(gateway: LiveGateway) -> None:
    """`__file__` leads to the code, which is no file that the code wrote."""
    code = (
        "import inspect\ndef f(): pass\n"
        "print(open(__file__).read() == inspect.getsource(inspect.getmodule(f)))\nplt.figure()"
    )
    response = await _document(gateway, code=code)
    assert (response.json["stdout"]["text"], response.json["files"]) == ("True\n", [])


async def test_text_is_kept(gateway: LiveGateway) -> None:
    """Prints, labels and names of files come back letter by letter, in documents and archives."""
    name, label = "売上\u3000表 (1).csv", "売上\u3000表 می\u200cرود\t10\u00a0%"
    code = f"print({TEXT!r}, end='')\nplt.figure({label!r})\nopen({name!r}, 'w', newline='').write({TEXT!r})"
    document = (await _document(gateway, code=code)).json
    assert document["stdout"] == {"text": TEXT, "truncated": False}
    assert document["figures"][0]["label"] == label
    assert _files(document) == {name: TEXT.encode()}
    response = await gateway.render_v1(accept=ZIP, json={"code": code})
    archive = zipfile.ZipFile(io.BytesIO(response.body))
    assert archive.read("stdout.txt") == archive.read(f"files/{name}") == TEXT.encode()
    sent = await _document(gateway, code=f"print(open({name!r}).read(), end='')\nplt.figure()", files={name: "ok"})
    assert sent.json["stdout"]["text"] == "ok"


async def test_harmful_characters_are_not(gateway: LiveGateway) -> None:
    """What acts on a terminal is replaced, in prints and in labels."""
    harmful = "".join(map(chr, [*range(9), *range(14, 32), *range(127, 160), 0x202E, 0x2066]))
    code = f"print({harmful!r})\nplt.figure()\nplt.gcf().set_label({harmful!r})"
    document = (await _document(gateway, code=code)).json
    assert document["stdout"]["text"] == "\N{REPLACEMENT CHARACTER}" * len(harmful) + "\n"
    assert document["figures"][0]["label"] == "\N{REPLACEMENT CHARACTER}" * len(harmful)


async def test_lines_are_those_of_python(gateway: LiveGateway) -> None:
    """Number and source of a line are right behind form feeds and Unicode's ends of lines, on both endpoints."""
    response = await _document(gateway, code=LINES)
    fault = response.json["fault"]
    assert (fault["line"], fault["source"]) == (7, "    return 1 / 0")
    for error in (response.json["error"], (await gateway.render(LINES)).json["error"]):
        assert '  File "plot.py", line 10, in <module>\n    f()\n' in error
        assert '  File "plot.py", line 7, in f\n    return 1 / 0\n' in error
