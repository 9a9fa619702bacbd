"""A name → thing table in which a duplicate is an error that names both owners."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from fxsim._core.errors import FxsimError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Ordered table of things of one `kind`, filled by decorators or `add`.

    Parameters
    ----------
    kind
        What the table holds, for messages: ``"operator"``.
    folder
        Package whose modules register themselves on import; they are imported at the first look-up,
        so a new file in the folder is all it takes to add a thing.
    error
        Raised on an unknown name (an `FxsimError` subclass).
    """

    def __init__(self, kind: str, folder: str = "", error: type[FxsimError] = FxsimError) -> None:
        self.kind = kind
        self._folder = folder
        self._error = error
        self._items: dict[str, T] = {}

    def add(self, name: str, thing: T) -> T:
        """Register `thing` under `name`; a second owner of the name is an error."""
        if name in self._items and self._items[name] is not thing:
            raise FxsimError(f"{self.kind} {name!r} must have one owner: {self._items[name]!r} and {thing!r}")
        self._items[name] = thing
        return thing

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers what it decorates under `name`."""
        return lambda thing: self.add(name, thing)

    def _discover(self) -> None:
        if not self._folder:
            return
        folder, self._folder = self._folder, ""
        package = importlib.import_module(folder)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{folder}.{module.name}")

    def __getitem__(self, name: str) -> T:
        self._discover()
        if name not in self._items:
            known = ", ".join(self._items)
            raise self._error(f"{self.kind} must be one of: {known}", got=name)
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(self._items)

    def __len__(self) -> int:
        self._discover()
        return len(self._items)
