"""The program that turns a page into text: HTML on standard input, text on standard output.

Run by its path, confined, with nothing of agentcli: PACKAGES FORMAT BASE_URL.
"""

from __future__ import annotations

import sys

MAX_DEPTH = 400
"""Elements inside each other: deeper ones are left out."""


def main(packages: str, to: str, base: str) -> None:
    """Convert what comes on standard input."""
    sys.path.append(packages)
    from html_to_markdown import ConversionOptions, convert

    options = ConversionOptions(
        output_format=to,
        extract_metadata=False,
        skip_images=to == "plain",
        max_depth=MAX_DEPTH,
        base_url=base,
        # What a reader cannot see, a page can only mean for machines.
        hidden_content="drop",
    )
    html = sys.stdin.buffer.read().decode("utf-8", "replace")
    text = convert(html, options).content or ""
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))


if __name__ == "__main__":
    main(*sys.argv[1:])
