"""Personal data in texts, as far as somebody wants it hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentcli.journal.personal_forms import Finder


class PersonalData:
    """The kinds of personal data that are looked for: without any, nothing is, and the forms are not even loaded."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self._finders: dict[str, Finder] = {}
        self._spaces = False
        if kinds:
            from agentcli.journal.personal_forms import FINDERS, WITH_SPACES

            self._finders = {kind: find for kind, find in FINDERS.items() if kind in kinds}
            self._spaces = bool(WITH_SPACES & self._finders.keys())

    def finds(self, text: str) -> bool:
        """Whether there is any in a text."""
        return bool(self._finders) and any(True for find in self._finders.values() for _ in find(text))

    def replaced(self, kind: str, text: str, made: Callable[[str], str]) -> str:
        """The text with everything of one kind replaced by what `made` makes of it."""
        pieces: list[str] = []
        end = 0
        for begin, after in sorted(self._finders[kind](text)):
            if begin >= end:
                pieces += (text[end:begin], made(text[begin:after]))
                end = after
        return "".join([*pieces, text[end:]])

    @property
    def kinds(self) -> Sequence[str]:
        """In the order in which they are replaced."""
        return tuple(self._finders)

    def is_card(self, number: int) -> bool:
        """Whether a number is that of a card."""
        if "card" not in self._finders:
            return False
        from agentcli.journal.personal_checks import is_card

        return 10**12 <= number < 10**19 and is_card(str(number))

    def named(self, name: str) -> str | None:
        """The kind that a key says its value is, of those that are looked for: `phone`, `workPhone`, `tel_no`."""
        if not self._finders:
            return None
        from agentcli.journal.personal_names import kind_named

        return kind_named(name[:200], tuple(self._finders))

    @staticmethod
    def may_be(kind: str, value: object) -> bool:
        """Whether a value under such a key is one."""
        from agentcli.journal.personal_names import may_be

        return may_be(kind, value)

    def may_go_on(self, text: str, end: int) -> bool:
        """Whether the white space that ends at `end` may stand within something that is looked for."""
        if not self._spaces:
            return False
        from agentcli.journal.personal_forms import may_go_on

        return may_go_on(text, end)
