"""`python -m tests.fuzz`: fuzzes everything that reads hostile bytes, with Atheris (libFuzzer for Python).

    python -m tests.fuzz                        each target for a short time
    python -m tests.fuzz edge frames            these
    python -m tests.fuzz edge --seconds 3600    for so long each
    python -m tests.fuzz edge --input FILE      once with these bytes, to look at a finding
    python -m tests.fuzz edge --keep            afterwards keep what reached new code as the corpus

A finding ends its target's run; the bytes are in a file whose name is printed. Fix what it found, and give the bytes a
test of their own.
"""

from __future__ import annotations

import argparse
import base64
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.corpus import corpus_file, read_corpus
from tests.fuzz.targets import TARGETS
from tests.support.machine import slowed, slowness

#: Seconds for each target, unless told otherwise.
DEFAULT_S = 60

#: Seconds that one input may take by the clock, and MiB that a run may grow to: using too much is a finding, too. What
#: it may take of the processor is in `budget.py`.
INPUT_LIMIT_S = slowed(5)
MEMORY_LIMIT_MIB = 2048

#: Bytes of the corpus of one target, and of one input in it.
CORPUS_LIMIT = 12 * 1024
KEPT_INPUT_LIMIT = 1024


def main() -> int:
    """Fuzz the targets named on the command line; return 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzzes what reads hostile bytes.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=DEFAULT_S, metavar="N", help="for each target")
    parser.add_argument("--input", type=Path, metavar="FILE", help="run once with the bytes of this file")
    parser.add_argument("--keep", action="store_true", help="renew the committed corpus from what was found")
    given = parser.parse_args()
    unknown = [name for name in given.targets if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {unknown[0]}: choose from {', '.join(TARGETS)}")
    names = given.targets or list(TARGETS)
    if given.input is not None:
        for name in names:
            TARGETS[name].find_run()(given.input.read_bytes())
        return 0
    findings = Path(tempfile.mkdtemp(prefix="figbox-fuzz-"))
    statuses = [fuzz(name, given.seconds, findings, keep=given.keep) for name in names]
    for finding in sorted(findings.iterdir()):
        sys.stdout.write(f"found: {finding}\n")
    if not any(findings.iterdir()):
        findings.rmdir()
    return max(statuses)


def fuzz(name: str, seconds: int, findings: Path, *, keep: bool = False, quiet: bool = False) -> int:
    """Fuzz one target in a process of its own; return its exit status.

    Args:
        name: Of the target.
        seconds: How long.
        findings: Folder for inputs that found something.
        keep: Whether to renew the target's corpus.
        quiet: Show what the fuzzer prints only when it found something.
    """
    slowness()  # measured here, for the process as well
    with tempfile.TemporaryDirectory(prefix="figbox-corpus-") as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        seeds = [*TARGETS[name].seeds(), *read_corpus(name)] if name in TARGETS else []
        for number, seed in enumerate(seeds):
            (corpus / f"seed-{number}").write_bytes(seed)
        options = [
            f"-artifact_prefix={findings}/{name}-",
            f"-timeout={INPUT_LIMIT_S}",
            f"-rss_limit_mb={MEMORY_LIMIT_MIB}",
            f"-max_len={TARGETS[name].length if name in TARGETS else 64}",
            "-print_final_stats=1",
        ]
        status = _run([name, f"-max_total_time={seconds}", *options, str(corpus)], quiet=quiet)
        if keep and not status:
            _write_corpus(name, corpus)
    return status


def _run(arguments: list[str], *, quiet: bool) -> int:
    command = [sys.executable, "-m", "tests.fuzz.run", *arguments]
    done = subprocess.run(
        command, stdout=subprocess.PIPE if quiet else None, stderr=subprocess.STDOUT, text=True, check=False
    )
    if quiet and done.returncode:
        sys.stdout.write(done.stdout)
    return done.returncode


def _write_corpus(name: str, folder: Path) -> None:
    """Keep the inputs of a folder that aren't seeds, the latest finds first, as far as there is room."""
    seeds = TARGETS[name].seeds()
    newest = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    lines: set[str] = set()
    for data in (path.read_bytes() for path in newest):
        line = base64.b64encode(data).decode("ascii") + "\n"
        if data not in seeds and len(data) <= KEPT_INPUT_LIMIT and sum(map(len, lines)) + len(line) <= CORPUS_LIMIT:
            lines.add(line)
    corpus_file(name).write_text("".join(sorted(lines)))


if __name__ == "__main__":
    sys.exit(main())
