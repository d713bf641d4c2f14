"""Inputs of earlier runs that reached far, where the next begins: a file for each target, a line of base64 for each."""

from __future__ import annotations

import base64
from pathlib import Path


def corpus_file(name: str) -> Path:
    """Return the file with the corpus of a target."""
    return Path(__file__).parent / "corpus" / f"{name}.txt"


def read_corpus(name: str) -> list[bytes]:
    """Return the committed inputs of a target."""
    file = corpus_file(name)
    return [base64.b64decode(line, validate=True) for line in file.read_text().splitlines()] if file.exists() else []
