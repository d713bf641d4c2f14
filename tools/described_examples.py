"""Print the worked examples of docs/descriptions.md: `python -m tools.described_examples`.

With `--pictures` their pictures in docs/pictures/described are drawn again, too. Each script runs in the real runner,
in this Python, which needs Matplotlib; what they print and show is the script's own text.
"""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
RUNNER = ROOT / "runner-image" / "runner" / "runner.py"
PICTURES = ROOT / "docs" / "pictures" / "described"

HEAD = struct.Struct(">cI")
DPI = 60
COLOURS = 64

#: Names of the examples and their scripts.
SCRIPTS = {
    "discharge": """\
days = np.arange("2024-03-01", "2024-03-15", dtype="datetime64[D]")
level = [2.1, 2.2, 2.0, 2.6, 3.9, 5.2, 4.8, 4.1, 3.6, np.nan, 3.0, 2.8, 2.6, 2.5]
fig, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.plot(days, level, "o-", label="bridge")
ax.axhline(5, color="C3", ls="--", label="alarm")
ax.annotate("flood", (days[5], 5.2), xytext=(20, -12), textcoords="offset points")
ax.set(title="Level of the river", ylabel="metres")
ax.legend()
""",
    "harvest": """\
kinds = ["oats", "rye", "wheat"]
fig, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.grouped_bar({"2023": [3.1, 2.4, 6.0], "2024": [3.4, 2.0, 6.0]}, tick_labels=kinds)
ax.set(title="Harvest", ylabel="tonnes per hectare")
ax.legend()
""",
    "heights": """\
rng = np.random.default_rng(3)
fig, (left, right) = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained")
left.hist(rng.normal(170, 8, 400), bins=np.arange(140, 201, 5))
left.set(title="Heights", xlabel="cm")
right.boxplot([rng.normal(165, 6, 90), rng.normal(178, 7, 90)], tick_labels=["women", "men"])
right.set(title="By sex", ylabel="cm")
""",
    "hills": """\
x, y = np.meshgrid(np.linspace(-3, 3, 60), np.linspace(-2, 2, 40))
fig, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
field = ax.contourf(x, y, np.exp(-(x**2) - y**2), cmap="viridis")
ax.scatter(0, 0, marker="^", color="white", label="top")
ax.set(title="A hill", xlabel="east in km", ylabel="north in km")
ax.legend()
fig.colorbar(field, label="height")
""",
}

#: Fields of an artist that the page shows, the more telling first.
FIELDS = ("kind", "label", "text", "parts", "arrangement", "points", "missing", "color", "colormap", "style", "marker")
SIDES = ("x", "y", "z", "values")


class Example(NamedTuple):
    """A script with what came of it."""

    name: str
    script: str
    png: bytes
    explanation: dict[str, Any]


def examples() -> list[Example]:
    """Return the examples, drawn and described."""
    return [Example(name, script, *run(script)) for name, script in SCRIPTS.items()]


def run(script: str) -> tuple[bytes, dict[str, Any]]:
    """Return the picture of a script and its explanation, as the runner makes them."""
    options = {"formats": ["png"], "all_figures": False, "dpi": DPI, "width_in": None, "height_in": None}
    options |= {"bbox_inches": None, "transparent": False, "style": [], "rc": {}, "describe": "full"}
    limits = {"memory_limit_bytes": 1 << 30, "output_limit_bytes": 1 << 24, "pixel_limit": 10**7}
    job = {"code": script, "options": options, "seed": None, "collect": True, "limits": limits}
    payload = json.dumps(job).encode()
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "MPLCONFIGDIR": folder, "MPLBACKEND": "Agg"}
        reply = subprocess.run(
            [sys.executable, str(RUNNER), "job"],
            input=HEAD.pack(b"J", len(payload)) + payload,
            capture_output=True,
            check=True,
            cwd=folder,
            env=environment | {"LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"},
        ).stdout
    frames = dict(_frames(reply))
    picture = frames[b"P"]
    (named,) = struct.unpack_from(">H", picture)
    (explanation,) = json.loads(frames[b"D"])
    return picture[2 + named :], explanation


def _frames(reply: bytes) -> list[tuple[bytes, bytes]]:
    """Return the frames of a reply: their kinds and what they hold."""
    found, at = [], 0
    while at < len(reply):
        kind, length = HEAD.unpack_from(reply, at)
        at += HEAD.size + length
        found.append((kind, reply[at - length : at]))
    return found


def shortened(explanation: dict[str, Any]) -> str:
    """Return a description in a few lines of JSON: what says nothing is left out, and so are boxes and limits."""
    lines = []
    for axes in explanation["description"]["axes"]:
        if axes["role"] == "colorbar":
            lines.append({"role": "colorbar", "belongs_to": axes["belongs_to"], "y": {"label": axes["y"]["label"]}})
            continue
        lines.append(
            {
                "kind": axes["kind"],
                "title": axes["title"],
                **{name: _axis(axes[name]) for name in ("x", "y")},
                "artists": [_artist(each) for each in axes["artists"]],
            }
        )
    return ",\n".join(_laid_out(each) for each in lines)


def _laid_out(axes: dict[str, Any]) -> str:
    """Return an axes as JSON, with a line for itself and one for each of its artists."""
    artists = axes.pop("artists", None)
    head = json.dumps(axes, ensure_ascii=False)
    if artists is None:
        return head
    told = ",\n  ".join(json.dumps(each, ensure_ascii=False) for each in artists)
    return f'{head[:-1]}, "artists": [\n  {told}]}}'


def _axis(axis: dict[str, Any]) -> dict[str, Any]:
    found = {name: _rounded(axis[name]) for name in ("label", "values", "begin", "end")}
    return {name: value for name, value in found.items() if value not in ("", "numbers")}


def _artist(artist: dict[str, Any]) -> dict[str, Any]:
    told = {name: artist[name] for name in FIELDS if artist[name]}
    for name in SIDES:
        if artist[name] is not None:
            told[name] = {end: _rounded(value) for end, value in artist[name].items()}
    if artist["data"] is not None:
        told["data"] = {
            name: list(map(_rounded, each)) for name, each in artist["data"].items() if name in SIDES and each
        }
    return told


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def section(example: Example) -> str:
    """Return what the page says of an example."""
    alt_text = example.explanation["alt_text"]
    return (
        f"### {example.name.capitalize()}\n\n```python\n{example.script}```\n\n"
        f"![{alt_text.replace('[', '(').replace(']', ')')}](pictures/described/{example.name}.png)\n\n"
        f"> {alt_text}\n\n```text\n{shortened(example.explanation)}\n```\n"
    )


def reduced(png: bytes) -> bytes:
    """Return a picture with few colours."""
    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
        small, "PNG", optimize=True
    )
    return small.getvalue()


def main() -> int:
    """Print the sections; draw the pictures if asked to."""
    found = examples()
    if "--pictures" in sys.argv[1:]:
        PICTURES.mkdir(parents=True, exist_ok=True)
        for example in found:
            (PICTURES / f"{example.name}.png").write_bytes(reduced(example.png))
    sys.stdout.write("\n".join(map(section, found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
