"""Access to a JSON document from outside: each access says what it expects, and raises with the place if that differs.

Unknown members are ignored, since a newer service may have more of them.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from figbox.errors import BadResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a document, and where it is, for errors."""

    value: Any
    path: str = "the response"

    def __getitem__(self, name: str) -> Node:
        """Return a member of an object, with the value None if it is missing."""
        return Node(self._of(dict, "an object").get(name), f"{self.path}: {name}")

    def __iter__(self) -> Iterator[Node]:
        """Yield the elements of a list; a missing list is empty."""
        elements = [] if self.value is None else self._of(list, "a list")
        for index, element in enumerate(elements):
            yield Node(element, f"{self.path}[{index}]")

    def optional(self, read: Callable[[Node], T]) -> T | None:
        """Read the value, if it isn't null."""
        return read(self) if self.value is not None else None

    def text(self, default: str | None = None) -> str:
        """Return a text, or `default` if it is missing."""
        return default if self.value is None and default is not None else self._of(str, "a text")

    def flag(self) -> bool:
        """Return a boolean; a missing one is false."""
        return self.value is not None and self._of(bool, "true or false")

    def number(self) -> float:
        """Return a number."""
        return self.value if isinstance(self.value, float) else self._of(int, "a number")

    def integer(self) -> int:
        """Return a whole number."""
        return self._of(int, "a whole number")

    def mapping(self) -> dict[str, Any]:
        """Return an object unread; a missing one is empty."""
        return {} if self.value is None else self._of(dict, "an object")

    def base64(self) -> bytes:
        """Return the bytes that a base64 text encodes."""
        try:
            return base64.b64decode(self.text(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self._wrong("base64") from error

    def _of(self, kind: type[T], wanted: str) -> T:
        if not isinstance(self.value, kind) or (isinstance(self.value, bool) and kind is not bool):
            raise self._wrong(wanted)
        return self.value

    def _wrong(self, wanted: str) -> BadResponse:
        return BadResponse(f"{self.path} is missing" if self.value is None else f"{self.path} is not {wanted}")


def parse(body: bytes) -> Node:
    """Return the root of a JSON document; raise BadResponse if it isn't one."""
    try:
        return Node(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise BadResponse("the response is not a JSON document") from error
