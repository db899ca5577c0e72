"""CSV files as the office's documents."""

import io

import pytest

from lepta.commands.importing import _checked
from lepta.imports import Fault, Row, WrongColumns, read


def rows(kind: str, text: str) -> list[Row | Fault]:
    return list(read(kind, io.StringIO(text, newline="")))


def test_a_member_has_cards_and_only_what_was_filled_in() -> None:
    text = 'id,cards,first_name,last_name,birthday\nm1,"29001 29002",Пётр,,1980-02-29\n'
    document = {"first_name": "Пётр", "birthday": "1980-02-29", "cards": ["29001", "29002"]}
    assert rows("members", text) == [Row(2, "m1", document)]


def test_a_member_has_a_tier_segments_and_a_day_of_joining() -> None:
    text = "id,tier,segments,joined_on\nm1,gold,students families,2020-02-29\nm2,,,\n"
    told = {"tier": "gold", "segments": ["students", "families"], "joined_on": "2020-02-29"}
    assert rows("members", text) == [Row(2, "m1", told), Row(3, "m2", {})]


def test_a_product_has_its_name_by_language() -> None:
    text = "sku;name_ru;name_en;categories\n46;пельмени;dumplings;frozen dumplings\n"
    named = {"name": {"ru": "пельмени", "en": "dumplings"}, "categories": ["frozen", "dumplings"]}
    assert rows("products", text) == [Row(2, "46", named)]


def test_a_store_may_have_one_name_for_all_languages() -> None:
    text = "id\tretailer\ttime_zone\tname\r\nnsk-07\tretail-nsk\tAsia/Novosibirsk\tNo. 7\r\n"
    [row] = rows("stores", text)
    assert row == Row(
        2, "nsk-07", {"name": "No. 7", "retailer": "retail-nsk", "time_zone": "Asia/Novosibirsk"}
    )


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    assert rows("products", "\ufeffsku,brand\n1,B\n") == [Row(2, "1", {"brand": "B"})]


def test_a_file_of_a_header_alone_holds_nothing() -> None:
    assert rows("products", "sku,brand\n") == []


def test_blank_lines_are_skipped_but_counted() -> None:
    assert rows("products", "sku\n\n\n7\n") == [Row(4, "7", {})]


def test_a_cell_over_two_lines_does_not_shift_the_line_numbers() -> None:
    found = rows("products", 'sku,brand\n1,"a\nb"\n2\n')
    assert found == [Row(3, "1", {"brand": "a\nb"}), Fault(4, "1 cells, the header has 2")]


def test_a_record_without_its_id_is_a_fault_and_the_others_are_read() -> None:
    assert rows("products", "sku,brand\n,B\n2,C\n") == [
        Fault(2, "sku is empty"),
        Row(3, "2", {"brand": "C"}),
    ]


def test_what_is_not_csv_ends_the_file_with_a_fault() -> None:
    first, second = rows("products", 'sku,brand\n1,B\n2,"open')
    assert isinstance(first, Row)
    assert isinstance(second, Fault)


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("sku,colour", "unknown columns: colour"),
        ("brand", "missing columns: sku"),
        ("sku,SKU", "repeated columns: sku"),
        ("", "missing columns: sku"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(header: str, what: str) -> None:
    with pytest.raises(WrongColumns, match=what):
        rows("products", header + "\n1,2\n")


def test_a_row_is_refused_in_the_words_of_the_api() -> None:
    faults: list[Fault] = []
    asked = [
        Row(2, "m1", {"birthday": "1990-02-30"}),
        Row(3, "m2", {"birthday": "soon"}),
        Row(4, "M/3", {}),
    ]
    assert list(_checked("members", asked, faults)) == []
    assert faults == [
        Fault(2, "birthday: is not a day of the calendar"),
        Fault(3, 'birthday: must be a date such as "2026-11-22"'),
        Fault(4, "id: has characters that are not allowed here"),
    ]
