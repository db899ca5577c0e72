"""Values that are frozen for the type checker alone."""

from dataclasses import replace

import pytest

from lepta.values import value


@value
class Weight:
    """A value."""

    grams: int
    of: str = "salt"


def test_values_are_equal_by_their_fields_and_made_anew_with_others() -> None:
    assert Weight(5) == Weight(5, "salt") != Weight(5, "sugar")
    assert replace(Weight(5), grams=6) == Weight(6)


def test_a_value_has_its_fields_and_no_others() -> None:
    with pytest.raises(AttributeError):
        setattr(Weight(5), "colour", "white")  # noqa: B010 - the type checker refuses the plain form
