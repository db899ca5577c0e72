"""The languages: complete, grammatical, and in agreement with CLDR on plurals and money."""

import dataclasses
import re
import string
from datetime import date
from decimal import Decimal
from importlib import resources

import pytest
from babel import Locale
from babel.numbers import format_currency, format_decimal
from hypothesis import given
from hypothesis import strategies as st

from lepta.money import EXPONENT
from lepta.names import CASES, LANGUAGES, NBSP, Name
from lepta.receipts.language import Language, in_sentence, language

every_language = pytest.mark.parametrize("code", LANGUAGES)


def blanks(text: str) -> set[str]:
    return {blank for _, blank, _, _ in string.Formatter().parse(text) if blank is not None}


def texts(spoken: Language) -> dict[str, list[str]]:
    """Each sentence by its key, in all its forms."""
    plain = {key: [text] for key, text in dataclasses.asdict(spoken.sentences).items()}
    counted = {key: [*forms.values()] for key, forms in dataclasses.asdict(spoken.counted).items()}
    return {**plain, **counted, "day": [spoken.date_pattern.replace("month_name", "month")]}


def test_every_language_has_its_file_and_every_file_its_language() -> None:
    folder = resources.files("lepta.receipts") / "languages"
    assert {file.name for file in folder.iterdir()} == {f"{code}.toml" for code in LANGUAGES}


def test_every_sentence_has_the_same_blanks_in_every_language_and_form() -> None:
    first, *others = (texts(language(code)) for code in LANGUAGES)
    for other in others:
        assert other.keys() == first.keys()
    for key, forms in first.items():
        wanted = blanks(forms[0])
        for code in LANGUAGES:
            for form in texts(language(code))[key]:
                assert {re.sub(r":.*", "", blank) for blank in blanks(form)} == wanted, (code, key)


@every_language
def test_every_sentence_is_one_tidy_printable_line(code: str) -> None:
    for forms in texts(language(code)).values():
        for form in forms:
            assert form.replace(NBSP, "_").isprintable()
            assert form == form.strip()
            assert "  " not in form


@every_language
def test_counted_sentences_have_exactly_the_plural_forms_of_their_language(code: str) -> None:
    spoken = language(code)
    tags = {*Locale.parse(code).plural_form.tags, "other"}
    assert {spoken.fraction_category, *spoken.categories} == tags
    assert set(spoken.author_forms) <= tags
    assert spoken.fraction_form in spoken.author_forms
    for forms in dataclasses.asdict(spoken.counted).values():
        assert set(forms) == tags


@every_language
def test_names_take_cases_that_exist(code: str) -> None:
    assert {language(code).fund.case, language(code).product.case} <= set(CASES)


@every_language
def test_plural_categories_are_those_of_cldr(code: str) -> None:
    spoken, rule = language(code), Locale.parse(code).plural_form
    for number in (*range(10_001), 1_000_000, 1_000_001, 9_999_999_999):
        assert spoken.category(number, 0) == rule(number) == spoken.category(-number, 0), number


@every_language
@given(amount=st.integers(min_value=-(10**12), max_value=10**12), scale=st.integers(0, 4))
def test_numbers_and_their_plurals_are_those_of_cldr(code: str, amount: int, scale: int) -> None:
    shown = Decimal(amount).scaleb(-scale)
    spoken = language(code)
    assert spoken.number(amount, scale) == format_decimal(shown, "#,##0.####", locale=code)
    # Babel sees visible decimals in 5.00; a receipt shows 5.
    plain = int(shown) if shown == int(shown) else shown.normalize()
    assert spoken.category(amount, scale) == Locale.parse(code).plural_form(plain)


@every_language
@given(
    minor=st.integers(min_value=-(10**12), max_value=10**12), currency=st.sampled_from([*EXPONENT])
)
def test_money_is_written_as_cldr_has_it(code: str, minor: int, currency: str) -> None:
    exponent = EXPONENT[currency]
    decimals = "." + "0" * exponent if exponent else ""
    pattern = {"ru": f"#,##0{decimals}\u00a0¤", "en": f"¤#,##0{decimals}"}[code]
    amount = Decimal(minor).scaleb(-exponent)
    theirs = format_currency(amount, currency, pattern, locale=code, currency_digits=False)
    # A code, other than a symbol, is set off from the amount (CLDR currencySpacing, which Babel lacks).
    theirs = re.sub(r"([A-Z]{3})(?=\d)", rf"\1{NBSP}", theirs)
    assert language(code).money(minor, currency) == theirs


def test_money_and_dates_in_both_languages() -> None:
    russian, english = language("ru"), language("en")
    assert russian.money(123450, "RUB") == "1\u00a0234,50\u00a0₽"
    assert english.money(123450, "RUB") == "RUB\u00a01,234.50"
    assert english.money(5, "USD") == "$0.05"
    assert russian.money(0, "JPY") == "0\u00a0¥"
    assert russian.day(date(2026, 3, 1)) == "01.03.2026"
    assert english.day(date(2026, 3, 1)) == "1\u00a0Mar\u00a02026"


@pytest.mark.parametrize(
    ("name", "stands_as"),
    [
        ("Фонд защиты лесных животных", "Фонд защиты лесных животных"),
        ("Общество «Лес»", "Общество «Лес»"),
        ("Школа № 17", "организацию «Школа № 17»"),
        ("Детская больница «Заря»", "организацию «Детская больница „Заря“»"),
        ("«Надежда»", "организацию «„Надежда“»"),
        ({"ru": {"nominative": "Школа № 17", "accusative": "школу № 17"}}, "школу № 17"),
        ({"en": "Forest Fund"}, "Forest Fund"),
    ],
)
def test_a_fund_without_an_accusative_stands_so_that_the_sentence_is_right(
    name: object, stands_as: str
) -> None:
    russian = language("ru")
    assert in_sentence(Name.of(name), russian, russian.fund) == stands_as


def test_a_product_without_a_genitive_stands_behind_a_word_that_has_one() -> None:
    russian, english = language("ru"), language("en")
    assert in_sentence(Name.of("Молоко"), russian, russian.product) == "товара «Молоко»"
    assert in_sentence(Name.of("Milk"), english, english.product) == "Milk"
