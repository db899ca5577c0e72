"""Names people read: their forms, and what is refused or left out of a text."""

import re
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from lepta.names import (
    CASES,
    LANGUAGES,
    MAX_LENGTH,
    NBSP,
    PLAIN,
    Name,
    NameDocument,
    Readable,
    clean,
    readable,
)


class Document(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    name: NameDocument


DUMPLINGS = {
    "ru": {"nominative": "пельмени «Охотничьи»", "genitive": "пельменей «Охотничьи»"},
    "en": "Hunter dumplings",
}


def test_a_string_is_the_name_in_every_language_and_case() -> None:
    name = Name.of("Лесной фонд")
    assert {name.form(language, case) for language in LANGUAGES for case in CASES} == {
        "Лесной фонд"
    }


def test_a_case_that_was_given_is_used_and_a_missing_one_is_the_nominative() -> None:
    name = Name.of(DUMPLINGS)
    assert name.form("ru", "genitive") == "пельменей «Охотничьи»"
    assert name.form("ru", "dative") == "пельмени «Охотничьи»"
    assert name.form("en", "genitive") == "Hunter dumplings"
    assert name.has("ru", "genitive")
    assert not name.has("ru", "dative")
    assert not name.has("en", "genitive")


def test_a_missing_language_falls_back_to_the_other_with_its_cases() -> None:
    russian = Name.of({"ru": {"nominative": "Фонд", "dative": "Фонду"}})
    assert russian.form("en") == "Фонд"
    assert russian.form("en", "dative") == "Фонду"
    assert not russian.has("en", "dative")
    assert Name.of({"en": "Fund"}).form("ru") == "Fund"


def test_names_are_equal_whatever_the_order_of_their_document() -> None:
    other_way = {"en": DUMPLINGS["en"], "ru": DUMPLINGS["ru"]}
    assert Name.of(DUMPLINGS) == Name.of(other_way)
    assert hash(Name.of(DUMPLINGS)) == hash(Name.of(other_way))
    assert Name.of(DUMPLINGS) != Name.of("Hunter dumplings")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "is empty"),
        (" \u00a0 ", "is empty"),
        ("x" * 201, "is longer than 200 characters"),
        ("x" * 10_000, "is longer than 200 characters"),
        ("a\nb", r"U\+000A"),
        ("a\x1b@b", r"U\+001B"),
        ("abc\u202edef", r"U\+202E \(RIGHT-TO-LEFT OVERRIDE\)"),
        ("a\u200bb", r"U\+200B \(ZERO WIDTH SPACE\)"),
        ("a\u00adb", r"U\+00AD"),
        ("a\u2066b", r"U\+2066"),
        ("a\u2028b", r"U\+2028"),
        ("\u3164", r"U\+3164"),
        ("a\ue000", r"U\+E000"),
        ("a\ud800", r"U\+D800"),
        ("a\U000e0041", r"U\+E0041"),
        ("a\uffff", r"U\+FFFF"),
        ("a" + "\u0300" * 9, "more than 4 combining marks"),
        ("\u0301a", r"begins with a combining mark \(U\+0301\)"),
        (" \u0301a", "no letter to stand on: leave marks out"),
        ({}, "write a string, or an object"),
        (7, "write a string, or an object"),
        (["x"], "write a string, or an object"),
        ({"de": "Fonds"}, "unknown 'de'; use some of ru, en"),
        ({"ru": 7}, "ru: write a string, or an object"),
        ({"ru": {}}, "ru: write a string, or an object"),
        ({"ru": {"genitive": "Фонда"}}, "ru: the nominative is missing"),
        ({"ru": {"nominative": "Фонд", "vocative": "Фонд"}}, "ru: unknown 'vocative'"),
        ({"ru": {"nominative": "Фонд", "genitive": ""}}, "ru.genitive: is empty"),
        ({"ru": {"nominative": None}}, "ru.nominative: write a string"),
        ({"ru": "Фонд", "en": "a\tb"}, r"en: contains U\+0009"),
    ],
)
def test_a_name_that_cannot_be_printed_is_refused_with_its_place(
    document: Any, reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason) as refused:
        Document(name=document)
    assert [error["loc"] for error in refused.value.errors()] == [("name",)]
    with pytest.raises(ValueError, match=reason):
        Name.of(document)


def test_a_document_keeps_what_was_written_and_goes_out_as_it_came() -> None:
    document = Document(name=DUMPLINGS)  # type: ignore[arg-type] # a dict of mixed values
    assert document.model_dump(mode="json") == {"name": DUMPLINGS}
    assert Document.model_validate_json(document.model_dump_json()) == document
    assert Document(name="  Школа   №\u00a017 ").name == "Школа №\u00a017"


def test_the_schema_names_languages_and_cases() -> None:
    schema = Document.model_json_schema()["properties"]["name"]
    text, by_language = schema["anyOf"]
    assert text == {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH}
    assert set(by_language["properties"]) == set(LANGUAGES)
    assert set(by_language["properties"]["ru"]["anyOf"][1]["properties"]) == set(CASES)


def test_a_readable_text_is_composed_and_tidied() -> None:
    class Member(BaseModel):
        first_name: Readable

    assert Member(first_name=" Пе\u0308тр ").first_name == "Пётр"
    with pytest.raises(ValidationError, match="cannot be printed"):
        Member(first_name="Пётр\u202e")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Пётр", "Пётр"),
        ("", ""),
        ("\u202e\u200b\x00", ""),
        ("Пё\x1b@тр\x07", "Пё@тр"),
        ("Анна\r\nМария", "Анна Мария"),
        ("  Анна \u3000 Мария  ", "Анна Мария"),
        ("1\u202f234\u2007567", "1\u00a0234\u00a0567"),
        ("\u00a0a \u00a0 b\u00a0\u00a0c\u00a0", "a b\u00a0c"),
        ("e\u0301", "é"),
        ("Z" + "\u0334" * 50, "Z" + "\u0334" * 4),
        ("Z" + "\u0334" * 3 + "\u200b" + "\u0334" * 3, "Z" + "\u0334" * 4),
        ("\u0301 \u0301Анна", "Анна"),
        ("❤\ufe0f", "❤"),
        ("x" * 10_000, "x" * MAX_LENGTH),
    ],
)
def test_cleaning_leaves_out_what_cannot_be_printed(text: str, shown: str) -> None:
    assert clean(text) == shown


hostile = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\u202e\u2066\u200d\u200b\ufe0f\u0301\u0308\u00a0\u202f\t\n \x1be\u3164"),
    ),
    max_size=300,
)


@given(hostile)
def test_what_is_clean_is_short_visible_and_stays_clean(text: str) -> None:
    shown = clean(text)
    assert clean(shown) == shown
    assert len(shown) <= MAX_LENGTH
    assert all(char.isprintable() or char == NBSP for char in shown)
    assert shown == shown.strip()
    assert "  " not in shown


@given(hostile)
def test_what_is_readable_is_exactly_what_cleaning_would_not_change(text: str) -> None:
    try:
        told = readable(text)
    except ValueError:
        return
    assert clean(told) == told
    assert readable(told) == told


def test_every_plain_character_is_visible_one_column_wide_and_stable() -> None:
    plain = re.compile(f"[{PLAIN}]")
    chars = [char for char in map(chr, range(sys.maxunicode + 1)) if plain.match(char)]
    assert len(chars) > 1_000
    for char in chars:
        assert char.isprintable(), char
        assert unicodedata.east_asian_width(char) in {"N", "Na", "A", "H"}, char
        assert unicodedata.normalize("NFC", char) == char
        assert not unicodedata.combining(char)
