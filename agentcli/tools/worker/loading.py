"""Loads people's tools: files by their source text, functions of installed packages by their name."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.abc import ExecutionLoader
from types import ModuleType
from typing import Any

from agentcli.core.declaring import declared_of
from agentcli.tools.worker.answers import failure
from agentcli.tools.worker.describing import Function, SignatureError


class LoadError(Exception):
    """What was asked for cannot be loaded. `info` is what is told: see `failure`; `file` names whose fault it is."""

    def __init__(self, kind: str, file: str, info: dict[str, Any]) -> None:
        super().__init__(info["message"])
        self.info = {**info, "kind": kind, "whose": file}


def load(wanted: Iterable[dict[str, Any]]) -> dict[str, Function]:
    """The functions by the name they go by. Raises LoadError.

    Each wanted thing is a file (`file`, `source`, `folders` to import from, `names` of its tools) or a package's tool
    (`name`, `module`, `attribute`).
    """
    tools: dict[str, Function] = {}
    for one in wanted:
        tools |= _of_file(one) if "file" in one else _of_package(one)
    return tools


def own_files(folders: Iterable[str]) -> Iterator[str]:
    """The files below these folders that modules were loaded from: what else of the project took part."""
    roots = tuple(f"{os.path.realpath(folder)}{os.sep}" for folder in folders)
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and os.path.realpath(file).startswith(roots) and "site-packages" not in file:
            yield file


def _of_file(one: dict[str, Any]) -> dict[str, Function]:
    file: str = one["file"]
    for folder in reversed(one["folders"]):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    module = _executed(file, one["source"], one["folders"])
    found = {
        declared.name: Function(declared, value)
        for value in vars(module).values()
        if (declared := declared_of(value)) is not None and getattr(value, "__module__", "") == module.__name__
    }
    missing = [name for name in one["names"] if name not in found]
    if missing:
        text = f"there is no tool `{missing[0]}` in it once it is loaded; it has: {', '.join(found) or 'none'}"
        raise LoadError("declaration", file, {"message": text, "file": file, "line": 1, "column": 1})
    return {name: _described(found[name], file) for name in one["names"]}


def _executed(file: str, source: str, folders: list[str]) -> ModuleType:
    """The module of exactly this source: it is what is on record, whatever stands in the file by now."""
    name = f"agentcli_tools_{hashlib.sha256(file.encode()).hexdigest()[:12]}"
    loader = _TextLoader(file, source)
    module = ModuleType(name)
    module.__file__, module.__loader__ = file, loader
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException as error:
        raise LoadError("import", file, failure(error, folders)) from error
    return module


class _TextLoader(ExecutionLoader):
    """Loads a module from a text that was read before."""

    def __init__(self, file: str, source: str) -> None:
        self._file = file
        self._source = source

    def get_filename(self, _fullname: str) -> str:
        """Where the text was read."""
        return self._file

    def get_source(self, _fullname: str) -> str:
        """The text."""
        return self._source


def _of_package(one: dict[str, Any]) -> dict[str, Function]:
    name, place = one["name"], f"{one['module']}:{one['attribute']}"
    try:
        value: Any = importlib.import_module(one["module"])
        for part in one["attribute"].split("."):
            value = getattr(value, part)
    except BaseException as error:
        raise LoadError("import", place, failure(error, [])) from error
    declared = declared_of(value)
    if declared is None or declared.name != name:
        said = f"it is called `{declared.name}` there" if declared else "it is not decorated with @tool"
        raise LoadError("declaration", place, {"message": f"there is no tool `{name}`: {said}"})
    return {name: _described(Function(declared, value), place)}


def _described(function: Function, place: str) -> Function:
    try:
        _ = function.spec  # what is wrong with its types is told now, not at its first call
    except SignatureError as error:
        code = getattr(function.function, "__code__", None)
        info = {"message": f"`{function.declared.name}` cannot be a tool: {error}"}
        line = {"file": code.co_filename, "line": code.co_firstlineno, "column": 1} if code else {}
        raise LoadError("signature", place, {**info, **line}) from error
    return function
