"""The code of the jobs: good, bad and hostile, each with how it must end."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.live import ROOT

#: Formats in which good figures are asked for, each with what Accept names.
FORMATS = ("png", "svg", "pdf", "jpeg", "webp")

#: Outcomes of what tries to break out of its limits in a way that several of them end.
ENDS = frozenset(
    {"program_error", "time_limit", "memory_limit", "output_limit", "invalid_output", "killed", "no_figure"}
)


@dataclass(frozen=True, slots=True)
class Program:
    """Code for jobs.

    Attributes:
        name: In the table.
        code: What is sent.
        outcomes: How it may end, when it runs.
        weight: How often it is sent, compared with others.
        options: Sent along.
    """

    name: str
    code: str
    outcomes: frozenset[str]
    weight: float
    options: dict[str, object] = field(default_factory=dict)


def _good() -> list[Program]:
    files = sorted((ROOT / "examples").glob("*.py"))
    return [Program("good", file.read_text("utf-8"), frozenset({"ok"}), 40 / len(files)) for file in files]


def _bad(name: str, outcome: str, weight: float, code: str, **options: object) -> Program:
    return Program(name, code, frozenset({outcome}) if outcome else ENDS, weight, options)


#: Whatever is drawn by code that tries something first.
DRAWN = frozenset({"ok"}) | ENDS

PROGRAMS = [
    *_good(),
    _bad("error", "program_error", 8, "raise ValueError('x' * 5000)"),
    _bad("no figure", "no_figure", 3, "print('nothing is drawn')"),
    _bad("syntax error", "program_error", 2, "plt.plot([1, 2"),
    _bad("endless", "time_limit", 2, "while True: pass", timeout_s=2),
    _bad("sleeper", "time_limit", 1, "import time\ntime.sleep(600)", timeout_s=2),
    _bad("memory bomb", "memory_limit", 3, "hoard = []\nwhile True: hoard.append(bytearray(b'x' * (1 << 24)))"),
    _bad("output flood", "output_limit", 3, "import os\nwhile True: os.write(1, b'x' * 65536)"),
    _bad("crash", "killed", 2, "import ctypes\nctypes.string_at(0)"),
    _bad("exit", "invalid_output", 2, "import os\nos._exit(3)"),
    _bad("mute", "", 1, "import os\nos.closerange(0, 256)\nwhile True: pass", timeout_s=2),
    _bad("fork bomb", "", 2, "import os\nwhile True: os.fork()"),
    Program(
        "thread bomb",
        "import threading, time\n"
        "try:\n    while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "except RuntimeError: plt.plot([1, 2])",
        DRAWN,
        2,
    ),
    Program(
        "file bomb",
        "n = 0\ntry:\n    while True:\n        open(f'f{n}', 'wb').write(b'x' * (1 << 20)); n += 1\n"
        "except OSError: plt.plot([n, 2])",
        DRAWN,
        3,
    ),
    Program(
        "many files",
        "n = 0\ntry:\n    while True:\n        open(f'f{n}', 'wb').close(); n += 1\nexcept OSError: plt.plot([n, 2])",
        DRAWN,
        2,
    ),
    Program(
        "forged reply",
        "import os, struct\nframe = lambda kind, data: struct.pack('>cI', kind, len(data)) + data\n"
        "for fd in range(3, 200):\n"
        "    try: os.write(fd, frame(b'P', b'no picture') + frame(b'E', b'{\"outcome\": \"ok\"}'))\n"
        "    except OSError: pass",
        ENDS,
        2,
    ),
    Program(
        "open descriptors",
        "kept = []\ntry:\n    while True: kept.append(open('/proc/self/status'))\nexcept OSError: pass\n"
        "kept.clear()\nplt.plot([1, 2])",
        DRAWN,
        2,
    ),
]

#: Must always be drawn, and is timed.
CANARY = "plt.plot([1, 3, 2])  # {number}"
