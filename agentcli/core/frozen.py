"""Frozen data classes for values, made in a quarter of the time that `dataclasses` takes for one.

A run defines more than a hundred of them before it does anything, and the standard library compiles six methods for
each. Here only `__init__` is compiled; the other methods find the fields when they are called. All else is as the
standard library has it, and done by it: `field`, `fields`, `replace`, `asdict`, inheritance, matching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, Final, TypeVar, cast, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """What `dataclass(frozen=True, slots=True)` makes of a class: compared and hashed by its fields.

    What the class defines itself is kept. A field with `init=False` is set by `__post_init__`; there are no fields by
    keyword alone, and no `InitVar`.
    """
    cls.__doc__ = cls.__doc__ or cls.__name__  # without one it would be given its signature, which takes the longest
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    items = fields(made)
    for name, method in {"__init__": _initialiser(made, items), **_comparing(items), **_SHARED}.items():
        if name not in cls.__dict__:
            setattr(made, name, method)
    return cast("type[T]", made)


def _initialiser(cls: type, items: Sequence[Field[Any]]) -> Any:
    """Sets the fields, which are given in their order or by name."""
    known: dict[str, Any] = {"_put": object.__setattr__, "_missing": MISSING}
    parameters, lines = ["self"], []
    for item in items:
        name = value = item.name
        if not item.init:
            continue
        if item.default is not MISSING:
            known[f"_default_{name}"] = item.default
            parameters.append(f"{name}=_default_{name}")
        elif item.default_factory is not MISSING:
            known[f"_new_{name}"] = item.default_factory
            parameters.append(f"{name}=_missing")
            value = f"_new_{name}() if {name} is _missing else {name}"
        else:
            parameters.append(name)
        lines.append(f" _put(self, {name!r}, {value})\n")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()\n")
    exec(f"def __init__({', '.join(parameters)}):\n{''.join(lines) or ' pass'}", known)
    made = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _comparing(items: Sequence[Field[Any]]) -> dict[str, Any]:
    """Equality and hash by the fields that are compared."""
    names = [item.name for item in items if item.compare]
    values = attrgetter(*names) if names else lambda _: ()

    def equal(self: object, other: object) -> Any:
        return values(self) == values(other) if self.__class__ is other.__class__ else NotImplemented

    def hashed(self: object) -> int:
        return hash(values(self))

    return {"__eq__": equal, "__hash__": hashed}


def _shown(self: Any) -> str:
    shown = ", ".join(f"{item.name}={getattr(self, item.name)!r}" for item in fields(self) if item.repr)
    return f"{type(self).__qualname__}({shown})"


def _not_set(self: object, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _not_deleted(self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, item.name) for item in fields(self)]


def _restored(self: Any, state: list[Any]) -> None:
    for item, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, item.name, value)


_SHARED: Final = {
    "__repr__": _shown,
    "__setattr__": _not_set,
    "__delattr__": _not_deleted,
    "__getstate__": _state,
    "__setstate__": _restored,
}
