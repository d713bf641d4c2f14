"""Names of variables that look like settings and are none: a misspelt limit must not be a limit that isn't there."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from gateway.model.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX = "FIGBOX_"

#: Variables with our prefix that are for others who may share an environment or a `.env` with a gateway: the client,
#: the compose file, the set-up, and the tests.
OTHERS = frozenset(
    {
        "FIGBOX_URL", "FIGBOX_API_KEY", "FIGBOX_KEY_FILE", "FIGBOX_HOME", "FIGBOX_LOCAL",
        "FIGBOX_GATEWAY_IMAGE", "FIGBOX_BASE_IMAGE", "FIGBOX_ENGINE_FOLDER", "FIGBOX_ENGINE_TARGET",
        "FIGBOX_SETUP_STARTED", "FIGBOX_STARTED_THIS_ENGINE", "FIGBOX_SUITE_PATH",
        "FIGBOX_RELEASE", "FIGBOX_KEYS_SECRET",
        "FIGBOX_CHAOS_S", "FIGBOX_CHAOS_SEED", "FIGBOX_TEST_ROLE",
    }
)  # fmt: skip

#: What Kubernetes puts into every container for a service whose name begins with `figbox`, and what such a value is.
#: Source: kubernetes.io, "Service", environment variables.
_OF_KUBERNETES = re.compile(
    r"FIGBOX(?:_[A-Z0-9_]+)?_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_[0-9]+_[A-Z]+(?:_[A-Z]+)?)?)"
)
_ADDRESS = re.compile(r"(?:tcp|udp|sctp)://.*")

#: Longest name that is shown, and how like a name must be to be taken for another.
_NAME_LIMIT = 64
_LIKENESS = 0.6


def check_names(settings: Iterable[str], env_file: Path = Path(".env")) -> None:
    """Make sure that every variable that looks like a setting is one.

    Args:
        settings: The names of all settings, of every part.
        env_file: Where some of the variables may be.

    Raises:
        StartError: One isn't, or the file can't be read; the text has the name and the nearest right one, and no value.
    """
    known = frozenset(settings)
    places = {"the environment": os.environ, str(env_file): read_env_file(env_file)}
    wrong = [
        f"{_shown(name)} in {place} is no setting{_hint(name.upper(), known)}"
        for place, variables in places.items()
        for name, value in sorted(variables.items())
        if value and name.upper().startswith(PREFIX) and not _is_right(name.upper(), value, known)
    ]
    if wrong:
        raise StartError(f"bad settings: {'; '.join(wrong)}")


def read_env_file(path: Path) -> Mapping[str, str | None]:
    """Return the variables in a `.env`; none if it isn't there.

    Raises:
        StartError: It can't be read.
    """
    if not path.is_file():
        return {}
    try:
        return dotenv_values(path, encoding="utf-8")
    except OSError as error:
        raise StartError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StartError(f"{path} can't be read: byte {error.start + 1} is not UTF-8") from error


def _is_right(name: str, value: str, known: frozenset[str]) -> bool:
    if name in known or name in OTHERS:
        return True
    if _OF_KUBERNETES.fullmatch(name) is None:
        return False
    return "_SERVICE_" in name or re.search(r"_PORT_[0-9]+_", name) is not None or _ADDRESS.fullmatch(value) is not None


def _hint(name: str, known: frozenset[str]) -> str:
    plain = name.removeprefix(PREFIX)
    if plain in known:
        return f": its name is {plain}"
    # Without the prefix, by which all names are alike.
    by_word = {each.removeprefix(PREFIX): each for each in sorted(known)}
    near = difflib.get_close_matches(plain[:_NAME_LIMIT], by_word, n=1, cutoff=_LIKENESS)
    return f": did you mean {by_word[near[0]]}?" if near else ": docs/settings.md lists all"


def _shown(name: str) -> str:
    return ascii(name if len(name) <= _NAME_LIMIT else name[:_NAME_LIMIT] + "...")[1:-1]
