"""Places that importing a module can change: read, compared, put back, and changed again."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    #: Makes a change again, in whatever state the process is by then.
    Effect = Callable[[], None]

MISSING: Any = object()


class Aspect:
    """One place of the state."""

    def read(self) -> Any:
        """Return a copy of it."""
        raise NotImplementedError

    def restore(self, state: Any) -> None:
        """Put back what was read."""
        raise NotImplementedError

    def effect(self, before: Any, after: Any) -> Effect:
        """Return what makes the change between two readings again."""
        raise NotImplementedError


class Mapping(Aspect):
    """A dictionary; lists in it count by what they hold."""

    def __init__(self, mapping: dict[Any, Any]) -> None:
        self._mapping = mapping

    def read(self) -> Any:
        """Return a copy of it."""
        # dict's own methods throughout: RcParams warns when it is read, and checks what it is given.
        return {key: value[:] if type(value) is list else value for key, value in dict.items(self._mapping)}

    def restore(self, state: Any) -> None:
        """Put back what was read."""
        self._change(*difference(self.read(), state))

    def effect(self, before: Any, after: Any) -> Effect:
        """Return what sets and deletes the same keys."""
        set_, deleted = difference(before, after)
        return lambda: self._change(set_, deleted)

    def _change(self, set_: dict[Any, Any], deleted: Iterable[Any]) -> None:
        for key, value in set_.items():
            dict.__setitem__(self._mapping, key, value[:] if type(value) is list else value)
        for key in deleted:
            dict.pop(self._mapping, key, None)


class Environment(Aspect):
    """The environment variables."""

    def read(self) -> Any:
        """Return a copy of it."""
        return dict(os.environ)

    def restore(self, state: Any) -> None:
        """Put back what was read."""
        set_environment(state)

    def effect(self, before: Any, after: Any) -> Effect:
        """Return what sets the same variables; libraries leave alone what is set already."""
        set_, deleted = difference(before, after)

        def change() -> None:
            for name, value in set_.items():
                if name in before:
                    os.environ[name] = value
                else:
                    os.environ.setdefault(name, value)
            for name in deleted:
                os.environ.pop(name, None)

        return change


class Sequence(Aspect):
    """A list whose order counts.

    Args:
        owner: The module that has it.
        name: Its name there; it is looked up each time.
        ours: Members that belong to the preloading and not to the state.
        changed: Called after each change.
    """

    def __init__(
        self, owner: Any, name: str, ours: Iterable[Any] = (), changed: Callable[[], None] | None = None
    ) -> None:
        self._owner = owner
        self._name = name
        self._ours = {id(member): member for member in ours}
        self._changed = changed or (lambda: None)

    def read(self) -> Any:
        """Return a copy of it."""
        return tuple(member for member in self._list() if id(member) not in self._ours)

    def restore(self, state: Any) -> None:
        """Put back what was read; what is ours goes first."""
        members = self._list()
        members[:] = [*(member for member in members if id(member) in self._ours), *state]
        self._changed()

    def effect(self, before: Any, after: Any) -> Effect:
        """Return what takes away the same members, and adds the same ones at the same end."""
        gone = [member for member in before if member not in after]
        back: list[Any] = []
        while len(back) < len(after) and after[-1 - len(back)] not in before:
            back.insert(0, after[-1 - len(back)])
        core = after[: len(after) - len(back)]
        front: Any = ()
        for count in range(len(core) + 1):  # the fewest that must go to the front to get this order
            front = core[:count]
            if core[count:] == tuple(member for member in before if member not in gone and member not in front):
                break

        def change() -> None:
            members = self._list()
            for member in (*gone, *front):
                if member in members:
                    members.remove(member)
            members[:0] = front
            members += [member for member in back if member not in members]
            self._changed()

        return change

    def _list(self) -> list[Any]:
        members: list[Any] = getattr(self._owner, self._name)
        return members


class Settings(Aspect):
    """Values that functions tell and set.

    Args:
        settings: Each has a function that returns the value and one that sets it.
    """

    def __init__(self, settings: Iterable[tuple[Callable[[], Any], Callable[[Any], Any]]]) -> None:
        self._settings = tuple(settings)

    def read(self) -> Any:
        """Return all values."""
        return [get() for get, _ in self._settings]

    def restore(self, state: Any) -> None:
        """Set what isn't as it was read."""
        self.effect(self.read(), state)()

    def effect(self, before: Any, after: Any) -> Effect:
        """Return what sets the same values."""
        pairs = zip(self._settings, before, after, strict=True)
        changed = [(set_, new) for (_, set_), old, new in pairs if old is not new and old != new]

        def change() -> None:
            for set_, value in changed:
                set_(value)

        return change


class Loggers(Aspect):
    """How loggers are set.

    That one exists isn't part of it: a module holds its logger, and must find the same one under the same name.
    """

    FIELDS = ("level", "propagate", "disabled", "handlers", "filters")
    PRISTINE = (logging.NOTSET, True, False, (), ())

    def __init__(self) -> None:
        self._error_stream = sys.stderr

    def read(self) -> Any:
        """Return the fields of each logger that has been set."""
        found = {}
        for logger in (logging.root, *logging.root.manager.loggerDict.values()):
            if isinstance(logger, logging.Logger):
                handlers, filters = tuple(logger.handlers), tuple(logger.filters)
                fields = (logger.level, logger.propagate, logger.disabled, handlers, filters)
                if fields != self.PRISTINE:
                    found[logger.name] = fields
        return found

    def restore(self, state: Any) -> None:
        """Put back what was read."""
        for change in self._changes(self.read(), state):
            self._set(*change)

    def effect(self, before: Any, after: Any) -> Effect:
        """Return what sets the same fields; handlers and filters are added to those that are there."""
        changes = list(self._changes(before, after))

        def change() -> None:
            for each in changes:
                self._set(*each)

        return change

    def _changes(self, before: Any, after: Any) -> Iterator[tuple[str, str, Any, Any]]:
        for name in {**before, **after}:
            fields = zip(self.FIELDS, before.get(name, self.PRISTINE), after.get(name, self.PRISTINE), strict=True)
            for field, old, new in fields:
                if old != new:
                    yield name, field, old, new

    def _set(self, name: str, field: str, old: Any, new: Any) -> None:
        logger = logging.root if name == logging.root.name else logging.getLogger(name)
        if field == "level":
            logger.setLevel(new)
        elif isinstance(new, tuple):
            members = getattr(logger, field)
            members[:] = [member for member in members if member not in old or member in new]
            members += [member for member in new if member not in members]
            for handler in new if field == "handlers" else ():
                # One that was made for standard error writes to what is standard error by now.
                if getattr(handler, "stream", None) is self._error_stream and sys.stderr is not None:
                    handler.stream = sys.stderr
        else:
            setattr(logger, field, new)


def difference(before: dict[Any, Any], after: dict[Any, Any]) -> tuple[dict[Any, Any], list[Any]]:
    """Return what `after` has set, and which keys it has no more."""
    set_ = {}
    for key, value in after.items():
        old = before.get(key, MISSING)
        if old is not value and (old is MISSING or old != value):
            set_[key] = value
    return set_, [key for key in before if key not in after]


def set_environment(wanted: dict[str, str]) -> None:
    """Set the environment variables, those alone that are different."""
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
