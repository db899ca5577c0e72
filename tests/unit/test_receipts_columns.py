"""Fitting text to the printer's columns."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepta.names import NBSP, clean
from lepta.receipts.columns import _measured, columns, wrap

widths = st.integers(min_value=32, max_value=48)
plain_words = st.text("абвЯё«»,.№A1₽", min_size=1, max_size=60)
any_words = (
    st.text(min_size=1, max_size=60).map(clean).filter(lambda word: word and " " not in word)
)


def joined(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Words with spaces or no-break spaces between them."""
    gaps = st.sampled_from([" ", " ", " ", NBSP])
    pairs = st.lists(st.tuples(words, gaps), min_size=1, max_size=30)
    return pairs.map(lambda some: "".join(word + gap for word, gap in some)[:-1])


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("", 0),
        ("Пётр", 4),
        ("Пе\u0308тр", 4),
        ("漢字", 4),
        ("ｶﾅ", 2),
        ("Ａ", 2),
        ("1\u00a0₽", 3),
        ("■", 1),
    ],
)
def test_columns_count_wide_characters_twice_and_marks_not_at_all(text: str, taken: int) -> None:
    assert columns(text) == taken


def test_lines_end_between_words() -> None:
    assert wrap("один два три", 32) == "один два три"
    assert wrap("а" * 20 + " " + "б" * 11, 32) == "а" * 20 + " " + "б" * 11
    assert wrap("а" * 20 + " " + "б" * 12, 32) == "а" * 20 + "\n" + "б" * 12


def test_what_a_no_break_space_holds_together_goes_to_the_next_line_together() -> None:
    assert wrap("а" * 28 + " 1\u00a0234,50\u00a0₽", 32) == "а" * 28 + "\n1 234,50 ₽"


def test_a_group_longer_than_a_line_is_broken_at_its_no_break_spaces() -> None:
    assert wrap("Да " + "а" * 20 + NBSP + "б" * 20, 32) == "Да\n" + "а" * 20 + "\n" + "б" * 20
    assert wrap("漢 " + "а" * 20 + NBSP + "б" * 20, 32) == "漢\n" + "а" * 20 + "\n" + "б" * 20


def test_only_a_word_longer_than_a_line_is_broken() -> None:
    assert wrap("Да " + "а" * 40 + " нет", 32) == "Да\n" + "а" * 32 + "\n" + "а" * 8 + " нет"
    assert wrap("漢" * 17, 33) == "漢" * 16 + "\n漢"


def test_paragraphs_stay_apart_and_empty_ones_vanish() -> None:
    assert wrap("один\n\nдва", 32) == "один\nдва"
    assert wrap("漢\n\n字", 32) == "漢\n字"
    assert wrap("", 32) == ""


@given(joined(st.one_of(plain_words, any_words)), widths)
def test_no_line_is_wider_than_the_paper_and_every_word_stays_in_its_place(
    text: str, width: int
) -> None:
    lines = wrap(text, width).split("\n")
    assert all(line and columns(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace(NBSP, "")
    whole = {word for line in lines for word in line.split(" ")}
    assert {w for w in text.replace(NBSP, " ").split(" ") if columns(w) <= width} <= whole


@given(joined(plain_words), widths)
def test_plain_text_is_fitted_by_the_same_rules_as_any_other(text: str, width: int) -> None:
    assert wrap(text, width) == "\n".join(_measured(text, width)).replace(NBSP, " ")


@given(joined(any_words), widths)
def test_lines_are_filled_as_far_as_they_go(text: str, width: int) -> None:
    lines = wrap(text.replace(NBSP, " "), width).split("\n")
    for line, following in pairwise(lines):
        first = following.split(" ")[0]
        is_part_of_a_word = " " not in line and columns(line) >= width - 1
        assert is_part_of_a_word or columns(line) + 1 + columns(first) > width
