"""Records in order, which have names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeVar


class _Named(Protocol):
    @property
    def name(self) -> str: ...


R = TypeVar("R", bound=_Named)


class Records(Sequence[R]):
    """Records in execution order, by number or by name; of equal names the last one's."""

    def __init__(self, records: Sequence[R]) -> None:
        self._records = tuple(records)
        self._by_name = {record.name: record for record in self._records}

    def __getitem__(self, key: int | str | slice) -> Any:
        if isinstance(key, str):
            return self._by_name[key]
        return self._records[key]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[R]:
        return iter(self._records)
