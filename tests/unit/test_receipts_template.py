"""Campaign authors' sentences: what they may write, what they get, what is refused and where."""

from typing import Any

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from lepta.money import EXPONENT
from lepta.names import LANGUAGES, NBSP, Name, unprintable
from lepta.receipts.blanks import TemplateFault
from lepta.receipts.columns import MIN_WIDTH, columns, wrap
from lepta.receipts.template import (
    BONUS_VARIABLES,
    MAX_BLANKS,
    MAX_LENGTH,
    MAX_TOLD,
    Values,
    compile_template,
)
from remedies import names_a_remedy

FOREST = Name.of(
    {
        "ru": {
            "nominative": "Фонд защиты лесных животных",
            "dative": "Фонду защиты лесных животных",
        },
        "en": "Forest Animals",
    }
)
DUMPLINGS = Name.of({"ru": {"nominative": "пельмени", "genitive": "пельменей"}, "en": "dumplings"})
VALUES = Values(
    programme=Name.of("Клуб"),
    points=50,
    points_scale=0,
    money_minor=123450,
    currency="RUB",
    units=2,
    fund=FOREST,
    product=DUMPLINGS,
    first_name="Пётр",
    gender="male",
)


def told(text: str, code: str = "ru", **changed: Any) -> str | None:
    values = VALUES._replace(**changed)
    said = compile_template(text, code).render(values)
    return said.replace(NBSP, " ") if said is not None else None


def test_the_sentence_of_the_founding_example() -> None:
    text = (
        "При покупке пельменей «Охотничьи» Вами передано в {{ fund | case: 'accusative' }} "
        "{{ points | plural: 'балл', 'балла', 'баллов' }}."
    )
    assert told(text) == (
        "При покупке пельменей «Охотничьи» Вами передано в Фонд защиты лесных животных 50 баллов."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Спасибо!", "Спасибо!"),
        ("{{fund}}", "Фонд защиты лесных животных"),
        ("{{ fund | case: 'dative' }}", "Фонду защиты лесных животных"),
        ('{{ product | case: "genitive" }}', "пельменей"),
        ("{{ product | case: 'instrumental' }}", "пельмени"),
        ("{{ programme }}: {{ points }}", "Клуб: 50"),
        ("{{ units | plural: 'пачка', 'пачки', 'пачек' }}", "2 пачки"),
        ("{{ units }} шт.", "2 шт."),
        ("{{ money | money }}", "1 234,50 ₽"),
        ("{{ money }}", "1 234,50 ₽"),
        ("{{ name }}, спасибо", "Пётр, спасибо"),
        ("Вы {{ name | gender: 'передал', 'передала', 'передали' }}", "Вы передал"),
        ("передал{{ name | gender: '', 'а', 'и' }}", "передал"),
        ("Скидка 5 % {и} скобки", "Скидка 5 % {и} скобки"),
        (" Раз\n  два\tтри \n", "Раз два три"),
        ("{{ product | case: 'genitive' | default: 'товара' }}", "пельменей"),
        ("{{ money | money | default: 'ничего' }}", "1 234,50 ₽"),
    ],
)
def test_blanks_are_filled_as_their_filters_say(text: str, said: str) -> None:
    assert told(text) == said


def test_english_has_two_forms_and_its_own_money() -> None:
    text = "{{ points | plural: 'point', 'points' }}, {{ money }} to {{ fund }}"
    assert told(text, "en") == "50 points, RUB 1,234.50 to Forest Animals"
    assert told(text, "en", points=1) == "1 point, RUB 1,234.50 to Forest Animals"


@pytest.mark.parametrize(
    ("gender", "said"), [("male", "передал"), ("female", "передала"), (None, "передали")]
)
def test_gender_chooses_the_word(gender: str | None, said: str) -> None:
    text = "{{ name | gender: 'передал', 'передала', 'передали' }}"
    assert told(text, gender=gender, first_name=None if gender is None else "Саша") == said


@given(points=st.integers(0, 10**9), scale=st.integers(0, 3))
def test_plural_prints_the_number_and_the_form_that_cldr_chooses(points: int, scale: int) -> None:
    whole, rest = divmod(points, 10**scale)
    category = "fraction" if rest else Locale.parse("ru").plural_form(whole)
    word = {"one": "балл", "few": "балла", "many": "баллов", "fraction": "балла"}[category]
    text = "{{ points | plural: 'балл', 'балла', 'баллов' }}"
    said = told(text, points=points, points_scale=scale)
    assert said is not None
    number, _, said_word = said.rpartition(" ")
    assert said_word == word
    digits = number.replace(" ", "").partition(",")
    assert int(digits[0]) * 10**scale + int(digits[2].ljust(scale, "0") or "0") == points


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("{{ product }}", {"product": None}),
        ("{{ fund }}", {"fund": None}),
        ("{{ money }}", {"money_minor": None}),
        ("{{ units }}", {"units": None}),
        ("{{ units | plural: 'пачка', 'пачки', 'пачек' }}", {"units": None}),
        ("{{ name }}", {"first_name": None}),
        ("{{ name }}", {"first_name": "\u202e\u200b"}),
    ],
)
def test_a_sentence_that_needs_what_the_sale_has_not_is_not_told(
    text: str, changed: dict[str, Any]
) -> None:
    assert told(text, **changed) is None


@pytest.mark.parametrize(
    ("text", "changed", "said"),
    [
        ("{{ name | default: 'друг' }}, спасибо", {"first_name": None}, "друг, спасибо"),
        ("{{ name | default: 'друг' }}, спасибо", {"first_name": "\u200b"}, "друг, спасибо"),
        ("{{ product | case: 'genitive' | default: 'товара' }}", {"product": None}, "товара"),
        ("{{ units | plural: 'а', 'б', 'в' | default: 'пачки' }}", {"units": None}, "пачки"),
        ("{{ money | default: 'деньги' }}", {"money_minor": None}, "деньги"),
    ],
)
def test_a_default_stands_in_for_what_the_sale_has_not(
    text: str, changed: dict[str, Any], said: str
) -> None:
    assert told(text, **changed) == said
    assert compile_template(text, "ru").is_personal == ("name" in text)


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "is empty"),
        (" \n ", 1, "is empty"),
        ("В {{ fond }}", 6, "unknown variable 'fond'; use fund, money, name, points"),
        ("{{ fund | upcase }}", 11, "unknown filter 'upcase'"),
        ("{{ fund | case }}", 11, "case takes one of 'nominative'"),
        ("{{ fund | case: 'vocative' }}", 11, "case takes one of"),
        ("{{ fund | case: 'dative', 'dative' }}", 11, "case takes one of"),
        ("{{ fund | money }}", 11, "money does not go with fund"),
        ("{{ points | case: 'dative' }}", 13, "case does not go with points"),
        ("{{ name | case: 'dative' }}", 11, "case does not go with name"),
        ("{{ money | plural: 'a', 'b', 'c' }}", 12, "plural does not go with money"),
        ("{{ money | money: 'x' }}", 12, "money takes no arguments"),
        ("{{ points | plural: 'балл', 'баллов' }}", 13, r"plural takes 3 forms .*, not 2"),
        ("{{ points | plural }}", 13, r"plural takes 3 forms .*, not 0"),
        ("{{ points | plural: 'балл', '', 'баллов' }}", 13, "a plural form is empty"),
        ("{{ name | gender: 'a', 'b' }}", 11, "gender takes three texts"),
        ("Вам {{ fund", 5, "{{ is not closed by }}"),
        ("Вам {{ fund | case: 'dative", 21, "the ' is not closed"),
        ("{{ fund | case: 'acc }} и {{ points | plural: 'a', 'b' }}", 17, "the ' is not closed"),
        ("Вам }} балл", 5, "}} closes nothing"),
        ("Вам %} балл", 5, "%} closes nothing"),
        ("Вам {% if points %}", 5, "tags .* are not supported"),
        ("{{ }}", 4, "write a variable here, not '}}'"),
        ("{{ 'fund' }}", 4, "write a variable here"),
        ("{{ fund.name }}", 8, "unexpected '.'"),
        ("{{- fund }}", 3, "unexpected '-'"),
        ("{{ fund case: 'dative' }}", 9, "write | or }} here, not 'case'"),
        ("{{ fund | }}", 11, "write a filter here"),
        ("{{ fund | case 'dative' }}", 16, "write : or }} here"),
        ("{{ fund | case: dative }}", 17, "write a text in quotes here"),
        ("{{ fund | case: }}", 17, "write a text in quotes here"),
        (
            "{{ fund | case: 'dative' | case: 'dative' }}",
            28,
            "one filter and then .default. is all",
        ),
        ("{{ fund | default: 'x' | case: 'dative' }}", 26, "one filter and then .default. is all"),
        ("{{ fund | default: 'x' | default: 'y' }}", 26, "one filter and then .default. is all"),
        ("{{ fund | case: 'dative' | }}", 28, "write a filter here"),
        ("{{ fund | case: 'dative' 'x' }}", 26, "write , or }} here"),
        ("{{ product | default }}", 14, "default takes one text"),
        ("{{ product | default: '' }}", 14, "default takes one text"),
        ("{{ product | default: 'a', 'b' }}", 14, "default takes one text"),
        ("{{ points | default: '0' }}", 13, "points always has a value here: leave default out"),
        ("{{ name | gender: 'a', 'b', 'c' | default: 'd' }}", 35, "name always has a value here"),
        ("я" + "\u0301" * 5, 1, "more than 4 combining marks"),
        ("{{ fund }}\u0301", 11, "begins with a combining mark"),
        ("{{ fund | default: '\u0301я' }}", 21, "begins with a combining mark"),
        ("{{ product | default: 'я" + "\u0301" * 5 + "' }}", 24, "more than 4 combining marks"),
        ("\ufb2c" * 167, 168, "longer than 500 characters"),
        ("{{ {{ fund }} }}", 4, "unexpected '{'"),
        ("Вам\u202e балл", 4, r"contains U\+202E"),
        ("Вам \x1b балл", 5, r"contains U\+001B"),
        ("{{ name | gender: 'a\u200b', 'b', 'c' }}", 21, r"contains U\+200B"),
        ("x" * (MAX_LENGTH + 1), MAX_LENGTH + 1, "longer than"),
        ("{{ points }}" * (MAX_BLANKS + 1), 1, "more than 16 blanks"),
    ],
)
def test_a_fault_names_its_column_and_reason(text: str, column: int, reason: str) -> None:
    with pytest.raises(TemplateFault, match=reason.replace("|", r"\|")) as fault:
        compile_template(text, "ru")
    assert fault.value.column == column
    assert str(fault.value).startswith(f"column {column}: ")
    assert names_a_remedy(fault.value.reason)


def test_a_bonus_has_no_fund_and_no_money() -> None:
    text = "{{ points | plural: 'балл', 'балла', 'баллов' }} за {{ product | case: 'accusative' }}"
    assert compile_template(text, "ru", BONUS_VARIABLES).variables == {"points", "product"}
    with pytest.raises(TemplateFault, match="'fund' has no value here; use name, points, product"):
        compile_template("{{ fund }}", "ru", BONUS_VARIABLES)


def test_sentences_that_say_the_same_are_equal() -> None:
    assert compile_template("{{ fund }}", "ru") == compile_template("{{ fund }}", "ru")
    assert compile_template("{{ fund }}", "ru") != compile_template("{{ fund }}", "en")
    assert "{{ fund }}" in repr(compile_template("{{ fund }}", "ru"))


@given(st.text(st.sampled_from("{}%|:, '\"\nfundpoitslrcae{}{}"), max_size=60))
def test_any_text_either_compiles_and_is_told_or_is_refused_in_its_place(text: str) -> None:
    try:
        template = compile_template(text, "en")
    except TemplateFault as fault:
        column = fault.column
    else:
        column = 1
        assert template.render(VALUES) is not None
    assert 1 <= column <= len(text) + 1


def test_what_a_sentence_can_grow_to_is_bounded() -> None:
    values = VALUES._replace(first_name="x" * 100_000)
    said = compile_template("{{ name }}" * MAX_BLANKS, "ru").render(values)
    assert said is not None
    assert len(said) == 200 * MAX_BLANKS <= MAX_TOLD


hostile = st.text(
    st.characters() | st.sampled_from("\x1b\x1d\x00\n\r\u202e\u200b\u0301{}%|'"), max_size=40
)
blanks = st.sampled_from(
    (
        "{{ fund | case: 'dative' }}", "{{fund}}", "{{ product | default: 'x' }}", "{{ product }}",
        "{{ programme }}", "{{ points }}", "{{ points | plural: 'a', 'b' }}", "{{ money | money }}",
        "{{ units | plural: 'a', 'b' }}", "{{ name }}", "{{ name | gender: 'a', 'b', 'c' }}",
        "{{ name | default: 'you' }}", "{{ points | plural: 'a', 'b', 'c' }}", "спасибо, ", " 5 %", "{", "}", "{0}", "{fund}",
    )
)  # fmt: skip


def named(text: str) -> Name | None:
    try:
        return Name.of(text)
    except ValueError:
        return None


shoppers = st.builds(
    VALUES._replace,
    programme=hostile.map(named).map(lambda name: name or FOREST),
    points=st.integers(0, 10**14),
    points_scale=st.integers(0, 6),
    money_minor=st.none() | st.integers(0, 10**14),
    currency=st.sampled_from(sorted(EXPONENT)),
    units=st.none() | st.integers(0, 10**12),
    fund=hostile.map(named),
    product=hostile.map(named),
    first_name=st.none() | hostile,
    gender=st.sampled_from(("male", "female", None)),
)


@given(
    text=st.lists(blanks, max_size=18).map("".join) | hostile,
    code=st.sampled_from(LANGUAGES),
    values=shoppers,
)
def test_whatever_saves_is_told_to_any_shopper_in_printable_bounds(
    text: str, code: str, values: Values
) -> None:
    try:
        template = compile_template(text, code)
    except TemplateFault:
        return
    said = template.render(values)
    assert said is None or (len(said) <= MAX_TOLD and unprintable(said) is None)
    paper = wrap(said or "", MIN_WIDTH)
    assert all(ord(char) >= 32 or char == "\n" for char in paper)
    assert all(columns(line) <= MIN_WIDTH for line in paper.split("\n"))


@given(first_name=st.text())
def test_a_hostile_first_name_reaches_the_sentence_clean_and_is_never_a_template(
    first_name: str,
) -> None:
    said = told("{{ name }}, спасибо", first_name=first_name + "{fund}{0}{{ fund }}")
    assert said is not None
    assert said.endswith(", спасибо")
    assert "Фонд" not in said
    assert said.isprintable()
