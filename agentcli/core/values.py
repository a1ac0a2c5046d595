"""Values: data classes that nobody changes once they are there, cheap to define and quick to make.

A command defines more than a hundred of them before it does anything, and a run makes thousands. For a frozen class
the standard library compiles six methods, and every field goes through `object.__setattr__`. Here only `__init__` is
compiled, and it assigns; the type checker alone sees to it that nothing else does.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:

    def value(*, frozen: Literal[True], slots: Literal[True]) -> Any:
        """What `dataclass` makes of a class, except that it is frozen for the type checker alone."""
        return _value


def _value(cls: type[T]) -> type[T]:
    cls.__doc__ = cls.__doc__ or cls.__name__  # without one it would be given its signature, which takes the longest
    made = dataclass(repr=False, eq=False, slots=True)(cls)
    for name, method in {"__repr__": _shown, **_comparing(made)}.items():
        if name not in cls.__dict__:
            setattr(made, name, method)
    return made


def _shown(self: Any) -> str:
    shown = ", ".join(f"{item.name}={getattr(self, item.name)!r}" for item in fields(self) if item.repr)
    return f"{type(self).__qualname__}({shown})"


def _comparing(cls: Any) -> dict[str, Any]:
    """Equality and hash by the class, and by the fields that are compared."""
    values = attrgetter("__class__", *(item.name for item in fields(cls) if item.compare))

    def equal(self: object, other: object) -> Any:
        return values(self) == values(other) if self.__class__ is other.__class__ else NotImplemented

    def hashed(self: object) -> int:
        return hash(values(self))

    return {"__eq__": equal, "__hash__": hashed}


__all__ = ["value"]
