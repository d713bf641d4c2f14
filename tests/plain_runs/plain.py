"""Runs in a container of the runner's image, without any of its programs: each of many programs as `python plot.py`.

Arguments: a file of JSON, a list of programs, each with its `code` and the texts of the files `sent` along; and the
seconds that one may take. stdout: JSON, a list of what came of each: `outcome`, `stdout`, `stderr`, `pixels` of each
figure left open, and `files` with the SHA-256 of each.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

WORK_DIR = "/tmp"
OWN_DIR = "/plain"
PIXELS = f"{OWN_DIR}/pixels"
PROGRAM = "plot.py"

#: What these interpreters compile and find, kept for the next.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "PYTHONPATH": f"{OWN_DIR}/site:{os.environ['PYTHONPATH']}",
    "PYTHONPYCACHEPREFIX": f"{OWN_DIR}/pycache",
    "MPLCONFIGDIR": f"{OWN_DIR}/mplconfig",
}

#: Imported by every interpreter before a program. Once Matplotlib has asked to have its figures closed at the end, a
#: function of ours is asked for, too, which therefore runs just before.
SITE = """
import atexit

register = atexit.register

def keep_figures():
    import hashlib, io, json
    from PIL import Image
    from matplotlib._pylab_helpers import Gcf
    from matplotlib.figure import Figure
    Image.MAX_IMAGE_PIXELS = None
    pixels = []
    for manager in Gcf.get_all_fig_managers():
        buffer = io.BytesIO()
        Figure.savefig(manager.canvas.figure, buffer, format="png")
        pixels.append(hashlib.sha256(Image.open(buffer).convert("RGBA").tobytes()).hexdigest())
    with open("/plain/pixels", "w") as file:
        json.dump(pixels, file)

def keep_figures_if_possible():
    try:
        keep_figures()
    except Exception:
        pass

def register_and_keep(function, *arguments, **options):
    registered = register(function, *arguments, **options)
    if getattr(function, "__qualname__", "") == "Gcf.destroy_all":
        atexit.register = register
        register(keep_figures_if_possible)
    return registered

atexit.register = register_and_keep
"""


def run(code: str, sent: dict[str, str], limit_s: float) -> dict[str, object]:
    """Run one program in an empty working directory."""
    clear()
    for name, text in {PROGRAM: code, **sent}.items():
        path = os.path.join(WORK_DIR, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    before = files()
    try:
        ended = subprocess.run(
            [sys.executable, PROGRAM],
            cwd=WORK_DIR,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"outcome": "time_limit", "stdout": "", "stderr": "", "pixels": [], "files": {}}
    pixels = []
    if os.path.exists(PIXELS):
        with open(PIXELS, encoding="utf-8") as file:
            pixels = json.load(file)
    outcome = "program_error" if ended.returncode else "ok" if pixels else "no_figure"
    return {
        "outcome": outcome,
        "stdout": ended.stdout.decode("utf-8", "replace"),
        "stderr": ended.stderr.decode("utf-8", "replace"),
        "pixels": pixels if outcome == "ok" else [],
        "files": {name: digest for name, digest in files().items() if before.get(name) != digest},
    }


def clear() -> None:
    """Remove what the last program left."""
    if os.path.exists(PIXELS):
        os.unlink(PIXELS)
    with os.scandir(WORK_DIR) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def files() -> dict[str, str]:
    """Return the files below the working directory, with the digest of each."""
    found = {}
    for folder, _, names in os.walk(WORK_DIR):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                with open(path, "rb") as file:
                    found[os.path.relpath(path, WORK_DIR)] = hashlib.sha256(file.read()).hexdigest()
    return found


def main(programs: str, limit_s: float) -> None:
    """Run all programs."""
    os.makedirs(f"{OWN_DIR}/site", exist_ok=True)
    with open(f"{OWN_DIR}/site/sitecustomize.py", "w", encoding="utf-8") as file:
        file.write(SITE)
    run("import matplotlib.pyplot, PIL.PngImagePlugin", {}, limit_s)  # compiles what all need, and lists the fonts
    with open(programs, encoding="utf-8") as file:
        json.dump([run(each["code"], each["sent"], limit_s) for each in json.load(file)], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
