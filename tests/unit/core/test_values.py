"""Values behave as frozen data classes of the standard library do, but that nothing refuses an assignment."""

from __future__ import annotations

import copy
import pickle
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, ClassVar

import pytest

from agentcli.core.values import value


@value(frozen=True, slots=True)
class Place:
    """A place."""

    KIND: ClassVar[str] = "place"
    path: str
    line: int = 1
    notes: list[str] = field(default_factory=list, compare=False)
    key: str = field(default="", repr=False)


@value(frozen=True, slots=True)
class Span(Place):
    end: int = 0
    length: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", self.end - self.line)


@value(frozen=True, slots=True)
class Nothing:
    """No field at all."""


@value(frozen=True, slots=True)
class Loud:
    """Says itself what it is."""

    name: str

    def __repr__(self) -> str:
        return "LOUD"

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 7


def test_values_are_compared_and_hashed_by_their_fields() -> None:
    one, same = Place("a", 2, ["seen"]), Place(path="a", line=2)
    assert one == same
    assert hash(one) == hash(same)
    assert one != Place("a", 3)
    assert len({one, same, Place("b"), Nothing(), Nothing()}) == 3


def test_values_of_different_classes_are_different() -> None:
    assert Place("a") != Span("a")
    assert Nothing() != ()
    assert Place("a") != "a"


def test_a_value_shows_its_fields_but_those_that_are_not_to_be_shown() -> None:
    assert repr(Place("a", key="s3cr3t")) == "Place(path='a', line=1, notes=[])"
    assert repr(Span("a", end=5)) == "Span(path='a', line=1, notes=[], end=5, length=4)"
    assert repr(Nothing()) == "Nothing()"


def test_it_is_a_data_class_of_the_standard_library() -> None:
    span = replace(Span("a", 2), end=9)
    assert (span.length, span.notes) == (7, [])
    assert [item.name for item in fields(span)] == ["path", "line", "notes", "key", "end", "length"]
    assert asdict(Place("a")) == {"path": "a", "line": 1, "notes": [], "key": ""}
    match span:
        case Span("a", line):
            assert line == 2
        case _:
            pytest.fail("its fields match by position")


def test_it_has_slots_and_no_list_is_shared() -> None:
    place: Any = Place("a")
    with pytest.raises(AttributeError):
        place.unknown = 1
    assert place.notes is not Place("a").notes


def test_what_is_missing_or_too_much_is_said_as_of_any_function() -> None:
    wrong: Any = Place
    with pytest.raises(TypeError, match=r"Place.__init__\(\) missing 1 required positional argument: 'path'"):
        wrong()
    with pytest.raises(TypeError, match="unexpected keyword argument 'column'"):
        wrong("a", column=3)


def test_a_value_can_be_copied_and_pickled() -> None:
    span = Span("a", 2, ["x"], end=4)
    for again in (copy.copy(span), copy.deepcopy(span), pickle.loads(pickle.dumps(span))):
        assert (again, again.length, again.notes) == (span, 2, ["x"])


def test_a_value_is_equal_to_itself_whatever_it_holds() -> None:
    @value(frozen=True, slots=True)
    class Alone:
        held: float

    nothing = float("nan")
    assert Alone(nothing) == Alone(nothing)


def test_what_a_class_says_itself_stays() -> None:
    assert (repr(Loud("a")), Loud("a") == Loud("b"), hash(Loud("a"))) == ("LOUD", True, 7)


def test_equality_is_that_of_the_standard_library() -> None:
    @dataclass(frozen=True, slots=True)
    class Usual:
        a: float
        b: tuple[Any, ...] = ()

    @value(frozen=True, slots=True)
    class Ours:
        a: float
        b: tuple[Any, ...] = ()

    samples: list[tuple[Any, ...]] = [(1,), (1.0,), (True,), (2,), (float("nan"),), (1, (1,)), (1, (1.0,))]
    for one in samples:
        for other in samples:
            assert (Usual(*one) == Usual(*other)) is (Ours(*one) == Ours(*other))
