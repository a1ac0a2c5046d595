"""The program that turns a page into text: HTML on standard input, text on standard output.

Run by its path, confined, with nothing of agentcli: PACKAGE FORMAT BASE_URL.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from typing import Any

MAX_DEPTH = 400
"""Elements inside each other: deeper ones are left out."""


def main(package: str, to: str, base: str) -> None:
    """Convert what comes on standard input."""
    converter = _loaded(package)
    options = converter.ConversionOptions(
        output_format=to,
        extract_metadata=False,
        skip_images=to == "plain",
        max_depth=MAX_DEPTH,
        base_url=base,
        # What a reader cannot see, a page can only mean for machines.
        hidden_content="drop",
    )
    html = sys.stdin.buffer.read().decode("utf-8", "replace")
    text = converter.convert(html, options).content or ""
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))


def _loaded(package: str) -> Any:
    """The package in this folder. Importing it by its name would look through the folder above, which is not shown."""
    loader = SourceFileLoader("html_to_markdown", f"{package}/__init__.py")
    spec = ModuleSpec(loader.name, loader, origin=loader.path, is_package=True)
    spec.submodule_search_locations = [package]
    module = sys.modules[spec.name] = module_from_spec(spec)
    loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(*sys.argv[1:])
