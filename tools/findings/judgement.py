"""Say how many findings people found right: `python -m tools.findings.judgement`.

Every script of the corpus is run here, and each finding is looked up among the verdicts in
`docs/findings/verdicts.tsv`: lines of a verdict (right or wrong), the code, the script, the axes, and a remark. With
`--sheets FOLDER` it also writes pictures on which findings are framed and named, to judge by. What has no verdict yet
is listed on stderr, as such a line, and the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import io
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image, ImageDraw

from tools.findings.corpus import Script, corpus, plain_runs
from tools.findings.drawing import Shown, shown
from tools.findings.pairs import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

VERDICTS = FOLDER / "verdicts.tsv"

RIGHT, WRONG = "right", "wrong"

#: Scripts written after the rules were settled.
UNSEEN = "unseen: "

#: Pictures on a sheet, their size in pixels, and what is written below.
COLUMNS, ROWS, TILE, LINE = 3, 3, (560, 420), 14


class Case(NamedTuple):
    """A finding in a script's figure."""

    code: str
    script: str
    axes: str


def verdicts() -> dict[Case, str]:
    """Return what people said of each finding."""
    lines = VERDICTS.read_text("utf-8").splitlines() if VERDICTS.exists() else []
    found = {}
    for line in lines:
        verdict, code, script, axes, *_ = line.split("\t")
        found[Case(code, script, axes)] = verdict
    return found


def cases(script: Script, drawn: list[Shown]) -> Iterator[tuple[Case, Any]]:
    """Yield the findings in the figures of a script."""
    for each in drawn:
        for finding in each.findings:
            yield Case(finding.code, script.name, ",".join(map(str, finding.axes))), finding


def table(judged: list[tuple[Case, str]]) -> str:
    """Return the numbers for each code as a table."""
    found: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for case, verdict in judged:
        found[case.code] += 1
        right[case.code] += verdict == RIGHT
    rows = ["| Finding | Found | Right |", "| --- | ---: | ---: |"]
    rows += [f"| `{code}` | {count} | {right[code]} |" for code, count in sorted(found.items())]
    rows.append(f"| all | {found.total()} | {right.total()} |")
    plain = {cell.name for cell in plain_runs()}
    for name, some in (
        ("scripts written afterwards", [verdict for case, verdict in judged if case.script.startswith(UNSEEN)]),
        ("`tests/plain_runs`", [verdict for case, verdict in judged if case.script in plain]),
    ):
        rows.append(f"| of these in {name} | {len(some)} | {some.count(RIGHT)} |")
    return "\n".join(rows) + "\n"


def tile(script: Script, drawn: Shown) -> Image.Image:
    """Return the picture of a figure with its findings framed and named."""
    picture = Image.open(io.BytesIO(drawn.png)).convert("RGB")
    pen = ImageDraw.Draw(picture)
    lines = [script.name]
    for finding in drawn.findings:
        box = finding.box
        if box is not None:
            pen.rectangle((box.x, box.y, box.x + box.width, box.y + box.height), outline="red", width=2)
        lines += textwrap.wrap(f"{finding.severity} {finding.code}: {finding.sentence}", 90)
    picture.thumbnail(TILE)
    whole = Image.new("RGB", (TILE[0] + 10, TILE[1] + 10 + LINE * 12), "white")
    whole.paste(picture, (5, 5))
    ImageDraw.Draw(whole).multiline_text((5, TILE[1] + 8), "\n".join(lines), fill="black")
    return whole


def write_sheets(tiles: list[Image.Image], folder: Path) -> None:
    """Write pictures of several figures each."""
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(tiles), COLUMNS * ROWS):
        some = tiles[first : first + COLUMNS * ROWS]
        width, height = some[0].size
        sheet = Image.new("RGB", (COLUMNS * width, ROWS * height), "white")
        for place, each in enumerate(some):
            sheet.paste(each, (place % COLUMNS * width, place // COLUMNS * height))
        sheet.save(folder / f"{first // (COLUMNS * ROWS):02}.png")


def main() -> int:
    """Print the numbers; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--sheets", type=Path, help="write pictures to judge by into this folder")
    options = parser.parse_args()
    known, judged, tiles, missing = verdicts(), [], [], 0
    scripts = figures = 0
    for script in corpus():
        try:
            drawn = shown(script.code)
        except Exception as fault:  # noqa: BLE001 - scripts that need another environment are left out
            sys.stderr.write(f"left out: {script.name}: {type(fault).__name__}\n")
            continue
        scripts, figures = scripts + 1, figures + len(drawn)
        for case, finding in cases(script, drawn):
            if case in known:
                judged.append((case, known[case]))
            else:
                missing += 1
                sys.stderr.write("\t".join(("?", *case, finding.sentence)) + "\n")
        tiles += [tile(script, each) for each in drawn if each.findings]
    if options.sheets:
        write_sheets(tiles, options.sheets)
    sys.stdout.write(f"{scripts} scripts, {figures} figures.\n\n{table(judged)}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
