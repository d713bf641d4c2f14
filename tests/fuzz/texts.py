"""The fuzzer as a client of the old contract, and as an administrator: JSON bodies and keys files."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from gateway.keys.keys_file import InvalidKeysFile, parse_keys
from gateway.legacy_body import BAD_CODE, BROKEN_JSON, parse_code
from gateway.model.errors import InvalidRequest
from gateway.model.strict_json import InvalidJson, parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable


def fuzz_json(data: bytes) -> None:
    """Check that any body gives code or one of two constant texts; what is accepted is JSON that others read alike."""
    try:
        code = parse_code(data)
    except InvalidRequest as error:
        assert str(error) in {BAD_CODE, BROKEN_JSON}
    else:
        assert code.strip()
        assert "\0" not in code
        code.encode()
    try:
        document = parse_json(data)
    except InvalidJson:
        return
    assert document == json.loads(data)
    assert all(math.isfinite(number) for number in _floats(document))


def _floats(value: object) -> Iterable[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _floats(item)
    elif isinstance(value, dict):
        yield from _floats(list(value.values()))


def fuzz_keys(data: bytes) -> None:
    """Check that any file gives keys with digests of 32 bytes and bounded limits, or an error that is fit for a log."""
    try:
        keys = parse_keys(data)
    except InvalidKeysFile as error:
        assert str(error).isprintable()
        assert str(error)
        return
    digests = [key.digest for key in keys.values()]
    assert len(set(digests)) == len(digests)
    for name, key in keys.items():
        assert name.isascii()
        assert 1 <= len(name) <= 64
        assert len(key.digest) == 32
        assert key.policy.wall_limit_s is None or 0.1 <= key.policy.wall_limit_s <= 600
        for number in (key.policy.requests_per_minute, key.policy.compute_seconds_per_minute):
            assert number is None or 1 <= number <= 100_000


_DIGEST = b"0123456789abcdef" * 4

JSON_SEEDS = (
    b'{"code": "plt.plot([1, 2])"}',
    b'\xef\xbb\xbf{"code": "\\ud83d\\ude00", "n": [1e5, -0.5, 12, true, false, null, {"a": {}}]}',
    '{"code": "é"}'.encode("utf-16"),
    b'{"code": "\\ud800", "x": NaN, "y": -Infinity, "z": 1e999}',
    b'{"a": 1, "a": 2}',
    b"[[[[[[[[[[]]]]]]]]]]",
)

KEYS_SEEDS = (
    b"[keys]\n",
    b'[keys.a]\nsha256 = "' + _DIGEST + b'"\nrequests_per_minute = 60\nwall_limit_s = 2.5\n',
    b'[keys."a.b"]\nsha256 = \'' + _DIGEST + b"'\nmemory_limit_mib = 0x100\n# comment\n",
    b'keys = { a = { sha256 = "' + _DIGEST + b'", concurrent_jobs = 1_000 } }\n',
    b'[keys.a]\nsha256 = """\n' + _DIGEST + b'"""\ncompute_seconds_per_minute = 1\n[[x]]\ny = 1979-05-27\n',
)
