"""Access to a JSON document from outside: each access says what it expects, and raises with the place if that differs.

Unknown members are ignored, since a newer service may have more of them.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from figbox.errors import BadResponse

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a document.

    Attributes:
        path: Where it is, for errors.
    """

    value: Any
    path: str = "the response"

    def __getitem__(self, name: str) -> Node:
        """Return a member of an object, with the value None if it is missing."""
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        return Node(self.value.get(name), f"{self.path}: {name}")

    def __iter__(self) -> Iterator[Node]:
        """Yield the elements of a list; a missing list is empty."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self._wrong("a list")
        for index, element in enumerate(self.value):
            yield Node(element, f"{self.path}[{index}]")

    @property
    def there(self) -> bool:
        """Whether the value isn't null."""
        return self.value is not None

    def text(self, default: str | None = None) -> str:
        """Return a text, or `default` if it is missing."""
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, str):
            raise self._wrong("a text")
        return self.value

    def optional_text(self) -> str | None:
        """Return a text or None."""
        return self.text() if self.there else None

    def flag(self) -> bool:
        """Return a boolean; a missing one is false."""
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
        """Return an object unread; a missing one is empty."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        return self.value

    def base64(self) -> bytes:
        """Return the bytes that a base64 text encodes."""
        try:
            return base64.b64decode(self.text(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self._wrong("base64") from error

    def _wrong(self, wanted: str) -> BadResponse:
        return BadResponse(f"{self.path} is missing" if self.value is None else f"{self.path} is not {wanted}")


def parse(body: bytes) -> Node:
    """Return the root of a JSON document.

    Raises:
        BadResponse: It isn't one.
    """
    try:
        return Node(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise BadResponse("the response is not a JSON document") from error
