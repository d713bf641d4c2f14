"""One sentence for whoever mends a program: what they need to know next, or nothing.

A hint is said only of what is so here: names that exist, values that are taken, sizes that the arrays have, and what
the libraries' own documents say. Where something was probably misspelt, it asks. It is made on the way of failure
alone, and what the program left can be as hostile as it likes: whatever happens, the failure is told without a hint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from report import hide_image_paths

from repair import looking
from repair.arguments import about_arguments
from repair.keys import about_keys
from repair.names import about_attributes, about_imports, about_names
from repair.shapes import about_shapes
from repair.values import about_values

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterator

#: Characters of a hint; the launcher keeps as many.
HINT_LIMIT = 400

#: Characters of a message that are looked at, and causes of an exception.
TEXT_LIMIT = 4000
CAUSES_LIMIT = 5


class Failure(NamedTuple):
    """What is known of a failure.

    Attributes:
        error: What was raised.
        text: Its message, or the beginning of it.
        chain_text: The same with the messages of what it came from.
        own: Where the program was; None if it had ended.
        called: Where the libraries were that it had called, the innermost last.
    """

    error: BaseException
    text: str
    chain_text: str
    own: types.TracebackType | None
    called: list[types.TracebackType]


RULES: tuple[Callable[[Failure], str], ...] = (
    *(about_imports, about_names, about_arguments, about_attributes, about_keys, about_values, about_shapes),
)


def hint(error: BaseException, advice: str = "") -> str | None:
    """Return what helps to mend a failure; None if nothing is sure to. Never raise.

    To be called before the traceback is trimmed: the frames of libraries tell what they were given.

    Args:
        error: What the program raised.
        advice: What elsewhere.advice says of it; that comes first.
    """
    try:
        said = advice or _first(error)
        return shown(hide_image_paths(said)) if said else None
    except BaseException:  # noqa: BLE001 - the error is the program's, and can be hostile to being looked at
        return None


def shown(said: str) -> str:
    """Return a hint in one line of printable characters, no longer than it may be."""
    line = " ".join(said.split())
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    return line if len(line) <= HINT_LIMIT else line[: HINT_LIMIT - 1].rpartition(" ")[0] + "…"


def _first(error: BaseException) -> str:
    failure = _failure(error)
    for rule in RULES:
        try:
            if said := rule(failure):
                return said
        except Exception:  # noqa: BLE001, S112 - as above; another rule may do
            continue
    return ""


def _failure(error: BaseException) -> Failure:
    own, called = looking.place_in(looking.trace_of(error))
    texts = [_text(part) for part in _causes(error)]
    if own is None:  # it came while the figure was drawn
        called = looking.trace_of(error)
    return Failure(error, texts[0], "\n".join(texts), own, called)


def _text(error: BaseException) -> str:
    """Return an exception's message; a KeyError shows its own as a key is written."""
    if isinstance(error, KeyError) and len(error.args) == 1 and type(error.args[0]) is str:
        return error.args[0][:TEXT_LIMIT]
    return str(error)[:TEXT_LIMIT]


def _causes(error: BaseException) -> Iterator[BaseException]:
    part: BaseException | None = error
    for _ in range(CAUSES_LIMIT):
        if part is None:
            return
        yield part
        part = part.__cause__ or part.__context__
