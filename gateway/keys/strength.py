"""Tell keys that anybody would guess from random ones.

A key can't be measured by looking at it: what looks random may be in a list. But what is put in place of a random key
is of few kinds: a placeholder from a document, a path or a template where its contents were meant, a word, or a few
characters. Those are recognized; the reasons name the kind and never the key.
"""

from __future__ import annotations

import math
import re
from typing import Final

from gateway.keys.keyring import digest_of

#: Fewest bits of a key, as if each of its characters had been drawn from all of their kind. A key is guessed over the
#: network: at a million guesses a second, 64 bits take half a million years.
BITS_LIMIT: Final = 64

#: How to make a good one; the command is that of docs/deployment.md.
REMEDY: Final = 'make a random one: echo "API_KEY=$(head -c 24 /dev/urandom | base64)"'

#: What people write where a key is meant. Characters in these words count for nothing.
_WORDS = (
    "abc", "access", "admin", "api", "apikey", "asdf", "auth", "change", "changeit", "changeme", "chart", "code",
    "default", "demo", "dev", "dummy", "example", "fake", "figbox", "figure", "foobar", "gateway", "guest", "hello",
    "here", "insert", "key", "letmein", "local", "localhost", "master", "matplotlib", "me", "my", "none", "null",
    "pass", "passphrase", "password", "passwd", "placeholder", "please", "plot", "private", "prod", "production",
    "qwerty", "qwertz", "random", "render", "replace", "root", "sample", "secret", "server", "service", "some",
    "staging", "string", "super", "temp", "test", "the", "this", "todo", "token", "undefined", "user", "value",
    "welcome", "with", "world", "your",
)  # fmt: skip
_ANY_WORD = re.compile("|".join(sorted(_WORDS, key=len, reverse=True)), re.IGNORECASE)

_SEPARATORS = re.compile(r"[-_. ]+")

#: Runs such as `aaaa`, and those of neighbours such as `1234`, `abcd` and `4321`, of at least four.
_REPEATED = re.compile(r"(.)\1{3,}", re.DOTALL)
_RUN_LENGTH = 4

_TEMPLATE = re.compile(r"\$\{?\w+\}?|\$\(.*\)|\{\{.*\}\}|<.*>|%\w+%|\[.*\]", re.DOTALL)
_PATH = re.compile(r"(?:file:/*|~|\.{1,2}|[A-Za-z]:)?(?:[/\\][A-Za-z0-9 ._-]+)+[/\\]?")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://.*", re.IGNORECASE | re.DOTALL)

#: Kinds of characters, and how many there are of each.
_KINDS = ((re.compile(r"[0-9]"), 10), (re.compile(r"[a-z]"), 26), (re.compile(r"[A-Z]"), 26))
_OTHERS, _OTHERS_COUNT = re.compile(r"[^0-9a-zA-Z]"), 33
_HEX = re.compile(r"(?:[0-9a-f]+|[0-9A-F]+)")
_HEX_COUNT = 16

#: Digests of keys that a file should not have, as it has no others to look at.
_GUESSED: Final = frozenset(
    digest_of(guess.encode())
    for word in (
        "",
        "x",
        "1",
        "123",
        "1234",
        "12345678",
        "change-me",
        "change_me",
        "your-api-key",
        "my-secret-key",
        *_WORDS,
    )
    for guess in (word, word.upper(), word.capitalize(), f"{word}\n")
)


def weakness(key: str) -> str | None:
    """Return why anybody might guess a key, or None if nothing speaks for that.

    Args:
        key: In plain text.
    """
    plain = key.strip()
    if _TEMPLATE.fullmatch(plain):
        return "it is a placeholder that nothing was put into"
    if _ADDRESS.fullmatch(plain) or _is_path(plain):
        return "it is a path or an address, where what is found there was meant"
    if _bits(plain) < BITS_LIMIT:
        return "it is too short for what its characters are"
    if _bits(_without_what_is_guessed(plain)) < BITS_LIMIT:
        return "it consists of common words and sequences"
    return None


def is_guessed(digest: bytes) -> bool:
    """Tell whether a key, of which only the digest is known, is one of those that are tried first."""
    return digest in _GUESSED


def _is_path(key: str) -> bool:
    """Tell whether a key is a path. Keys in base64 may begin with a slash, but mix letters of both sizes and digits."""
    if not _PATH.fullmatch(key):
        return False
    parts = [part for part in re.split(r"[/\\]", key) if part]
    return len(parts) > 1 and not any(_is_mixed(part) for part in parts)


def _is_mixed(text: str) -> bool:
    return all(kind.search(text) for kind, _ in _KINDS)


def _bits(text: str) -> float:
    """Return the bits of a text whose characters were drawn from all of their kinds."""
    if not text:
        return 0.0
    if _HEX.fullmatch(text) and not text.isdigit():
        return len(text) * math.log2(_HEX_COUNT)
    count = sum(count for kind, count in (*_KINDS, (_OTHERS, _OTHERS_COUNT)) if kind.search(text))
    return len(text) * math.log2(count)


def _without_what_is_guessed(key: str) -> str:
    """Return what is left of a key without common words, what separates words, repetitions and sequences."""
    left = _REPEATED.sub(r"\1", _SEPARATORS.sub("", _ANY_WORD.sub("", key)))
    return _without_repeated_blocks(_without_runs(left))


def _without_runs(text: str) -> str:
    """Return a text with runs of neighbouring characters, upwards or downwards, as one character each."""
    kept: list[str] = []
    position = 0
    while position < len(text):
        end = max(_end_of_run(text, position, step) for step in (1, -1))
        kept.append(text[position])
        position = end if end - position >= _RUN_LENGTH else position + 1
    return "".join(kept)


def _end_of_run(text: str, begin: int, step: int) -> int:
    end = begin + 1
    while end < len(text) and ord(text[end]) - ord(text[end - 1]) == step:
        end += 1
    return end


def _without_repeated_blocks(text: str) -> str:
    """Return the first block of a text that is one block again and again."""
    shorter = (text + text).find(text, 1)
    return text[:shorter] if 0 < shorter < len(text) else text
