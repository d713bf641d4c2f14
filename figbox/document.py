"""Reads a JSON document that somebody else wrote: every access says what it expects, and where it didn't find it.

Members that we don't know are passed over: a newer service may say more.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from figbox.errors import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a document.

    Attributes:
        path: Where it is, for the error.
    """

    value: Any
    path: str = "the answer"

    def __getitem__(self, name: str) -> Node:
        """Return a member of an object; one that isn't there has the value None."""
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        return Node(self.value.get(name), f"{self.path}: {name}")

    def __iter__(self) -> Iterator[Node]:
        """Return the elements of a list; none where there is no list at all."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self._wrong("a list")
        for index, element in enumerate(self.value):
            yield Node(element, f"{self.path}[{index}]")

    @property
    def there(self) -> bool:
        """Whether there is a value other than null."""
        return self.value is not None

    def text(self, default: str | None = None) -> str:
        """Return a text; `default` stands for a missing one."""
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, str):
            raise self._wrong("a text")
        return self.value

    def optional_text(self) -> str | None:
        """Return a text or None."""
        return self.text() if self.there else None

    def flag(self) -> bool:
        """Return a truth value; a missing one is false."""
        if self.value is None:
            return False
        if not isinstance(self.value, bool):
            raise self._wrong("true or false")
        return self.value

    def number(self) -> float:
        """Return a number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self._wrong("a number")
        return self.value

    def optional_number(self) -> float | None:
        """Return a number or None."""
        return self.number() if self.there else None

    def integer(self) -> int:
        """Return a whole number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self._wrong("a whole number")
        return self.value

    def optional_integer(self) -> int | None:
        """Return a whole number or None."""
        return self.integer() if self.there else None

    def mapping(self) -> dict[str, Any]:
        """Return an object as it is; a missing one is empty."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        return self.value

    def base64(self) -> bytes:
        """Return the bytes that a text encodes."""
        try:
            return base64.b64decode(self.text(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self._wrong("base64") from error

    def _wrong(self, wanted: str) -> BadAnswer:
        return BadAnswer(f"{self.path} is missing" if self.value is None else f"{self.path} is not {wanted}")


def parse(body: bytes) -> Node:
    """Return the root of a JSON document.

    Raises:
        BadAnswer: It isn't one.
    """
    try:
        return Node(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise BadAnswer("the answer is not a JSON document") from error
