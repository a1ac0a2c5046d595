"""Parameters that cost nothing where there is nothing to convert.

typer converts every value with a pydantic adapter built for it, even None to None and text to text. For a command with
ten options that is a third of its start-up.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperOption

_TEXT = (str, list[str])


class _OnlyIfNeeded:
    """Converts like typer, but not what is text or is not there."""

    def __init__(self, convert: Any) -> None:
        self._convert = convert

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if value is None or param.type_descriptor.annotation in _TEXT:
            return value
        return self._convert().coerce(value, param=param, ctx=ctx)


class _LightOption(TyperOption):
    def get_runtime_param(self) -> Any:
        return _OnlyIfNeeded(super().get_runtime_param)


class _LightArgument(TyperArgument):
    def get_runtime_param(self) -> Any:
        return _OnlyIfNeeded(super().get_runtime_param)


def light(param: Any) -> Any:
    """The same parameter, light."""
    kind = _LightOption if isinstance(param, TyperOption) else _LightArgument
    same = kind.__new__(kind)
    vars(same).update(vars(param))
    return same
