"""Values of which thousands are made at a time: dataclasses that nobody changes once they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool) -> Any:
        """A dataclass that is frozen for the type checker alone; equal values have equal hashes, as in a frozen one.

        Refusing assignments at run time too makes each field go through `object.__setattr__`: such a value takes four
        times as long to make, and making events is a good part of reading and replaying a run.
        """
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["value"]
