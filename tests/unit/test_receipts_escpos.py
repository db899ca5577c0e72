"""Bytes for the printer: code page 866, nothing lost in silence, no line too long."""

import unicodedata
from typing import Any

import pytest
from escpos.printer import Dummy  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from lepta.money import EXPONENT
from lepta.names import LANGUAGES
from lepta.receipts.columns import columns
from lepta.receipts.escpos import CP866_PAGE, SUBSTITUTE, encode, transliterate
from lepta.receipts.language import language

START, END = b"\x1b@\x1bt\x11", b"\x1dVB\x00"


def printed(text: str, width: int = 40) -> list[str]:
    """The lines that paper shows."""
    raw = encode(text, width)
    assert raw.startswith(START)
    assert raw.endswith(b"\n" + END)
    return raw[len(START) : -len(END)].decode("cp866").removesuffix("\n").split("\n")


def oracle() -> Dummy:
    return Dummy(magic_encode_args={"disabled": True, "encoding": "CP866"})


@pytest.mark.parametrize(
    ("text", "paper"),
    [
        ("Уважаемый Пётр!", "Уважаемый Пётр!"),
        ("«Охотничьи» — 1\u00a0234,50\u00a0₽", '"Охотничьи" - 1 234,50 руб.'),
        ("Списано на 5,00\u00a0₽.", "Списано на 5,00 руб."),
        ("100\u00a0₸ и 5\u00a0€", "100 тг и 5 EUR"),
        ("Ґанна Їжакевич, Київ і Україна", "Ганна Їжакевич, Київ i Україна"),
        ("Қазақстан, Әлия, Өмірбек", "Казакстан, Элия, Омiрбек"),
        ("Ўладзімір", "Ўладзiмiр"),
        ("René Łukasz Straße Đorđe", "Rene Lukasz Strasse Dorde"),
        ("№ 17 · 20 °C", "№ 17 · 20 °C"),
        ("½ ™ ² Ａ ﬁ", "1/2 TM 2 A fi"),
        ("“Да” ‘нет’ „ага“…", '"Да" \'нет\' "ага"...'),
        ("漢字 😀 ქარ", f"{SUBSTITUTE * 2} {SUBSTITUTE} {SUBSTITUTE * 3}"),
        ("Пе\u0308тр и\u0306", "Пётр й"),
        ("a\u0301\u0302 b", "a b"),
        ("a\x1b\x00\u202eb\u200b", "ab"),
        ("a\u3000b\tc", "a b c"),
        ("почему?", "почему?"),
    ],
)
def test_what_code_page_866_lacks_is_spelled_or_visibly_replaced(text: str, paper: str) -> None:
    assert printed(text) == [paper]


@pytest.mark.parametrize("code", LANGUAGES)
def test_money_of_every_currency_can_be_printed(code: str) -> None:
    for currency in EXPONENT:
        paper = printed(language(code).money(123450, currency))[0]
        assert SUBSTITUTE not in paper
        assert "?" not in paper


def test_letters_of_the_neighbours_are_all_spelled() -> None:
    cyrillic = "іґәғқңөұүһјљњћђџєїў"
    latin = "".join(chr(point) for point in range(0xC0, 0x180) if chr(point).isalpha())
    assert SUBSTITUTE not in transliterate(cyrillic + cyrillic.upper() + latin)


def test_a_line_that_grew_is_fitted_again() -> None:
    fitted = "а" * 25 + " 5,00 ₽"
    assert len(fitted) == 32
    assert printed(fitted, 32) == ["а" * 25, "5,00 руб."]
    assert printed("а" * 20 + " 1 234,50 ₽", 32) == ["а" * 20, "1 234,50 руб."]


def test_lines_stay_lines() -> None:
    assert printed("один\nдва\nтри") == ["один", "два", "три"]


def test_the_page_is_the_printers_own_number() -> None:
    assert encode("Да", 40, page=7).startswith(b"\x1b@\x1bt\x07")


@pytest.mark.parametrize("text", ["Спасибо за покупку!", "Їжак Єва Ўся", "№ 5 · √4 ° ■"])
def test_the_bytes_are_those_that_python_escpos_sends(text: str) -> None:
    theirs: Any = oracle()
    theirs.hw("INIT")
    theirs._raw(b"\x1bt\x11")
    theirs.textln(text)
    theirs.cut(feed=False)
    assert encode(text, 48) == theirs.output


def test_python_escpos_too_knows_code_page_866_by_our_number() -> None:
    assert Dummy().profile.get_code_pages()["CP866"] == str(CP866_PAGE)


anything = st.text(st.one_of(st.characters(), st.sampled_from("₽«»—é漢\u00a0 \n\x1bабв")))


@given(anything, st.integers(32, 48))
def test_any_text_becomes_lines_that_fit_without_control_bytes(text: str, width: int) -> None:
    for line in printed(text, width):
        assert columns(line) == len(line) <= width
        assert line.isprintable()


@given(anything)
def test_a_question_mark_is_printed_only_for_one_that_was_there(text: str) -> None:
    asked = unicodedata.normalize("NFKC", text).count("?")
    assert "".join(printed(text)).count("?") == asked


@given(anything)
def test_what_was_spelled_once_stays_as_it_is(text: str) -> None:
    assert transliterate(transliterate(text)) == transliterate(text)
