"""The working copy of the ledger: accounts open on first use, lots are spent in order, nothing goes below zero."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepta.ledger import chart
from lepta.ledger.book import Book, Issue, LotKey, NewLot
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import NEVER, Lot, expiring, spend

PTS = "PTS/club"
WALLET = chart.available("m1", PTS)
ISSUED = chart.issued("shop", PTS)
SPENT = chart.redeemed("club", PTS)


def earn(points: int) -> Entry:
    return Entry(ISSUED, WALLET, points, Code.EARN)


def test_an_account_is_opened_once_and_its_number_never_changes() -> None:
    book = Book()
    postings, opened = book.post(0, [earn(5)], [Issue(0, NEVER, None)], ())
    assert [(o.id, o.account) for o in opened] == [(1, ISSUED), (2, WALLET)]
    assert book.post(1, [earn(7)], [Issue(0, NEVER, None)], ())[1] == []
    assert (postings[0].debit, postings[0].credit) == (1, 2)
    assert book.balance(WALLET) == 12
    assert book.changes.moved == {1: [12, 0], 2: [0, 12]}


def test_an_account_that_was_never_opened_holds_nothing() -> None:
    assert Book().balance(WALLET) == 0
    assert Book().lots_of(WALLET) == []


def test_a_member_account_cannot_go_below_zero() -> None:
    book = Book()
    book.post(0, [earn(5)], [Issue(0, NEVER, None)], ())
    with pytest.raises(AssertionError):
        book.post(1, [Entry(WALLET, SPENT, 6, Code.REDEEM)], [], ())


def test_an_entry_between_two_assets_cannot_be_booked() -> None:
    with pytest.raises(AssertionError):
        Book().post(0, [Entry(ISSUED, chart.payable("shop", "RUB"), 1, Code.EARN)], [], ())


def test_a_lot_issued_and_spent_in_one_batch_is_written_once_as_it_ends() -> None:
    book = Book()
    book.post(0, [earn(5)], [Issue(0, NEVER, None)], ())
    spent = spend(book.lots_of(WALLET), 2, date.min)
    book.post(1, [Entry(WALLET, SPENT, 2, Code.REDEEM)], [], spent)
    assert book.changes.issued == {LotKey(2, NEVER, 0, 0): NewLot(3, 1, None)}
    assert book.changes.remaining == {}


def test_a_lot_of_an_earlier_batch_is_closed_when_nothing_is_left() -> None:
    book = Book(next_account=3, accounts={ISSUED: 1, WALLET: 2}, balances={2: 5})
    book.lots[2] = [Lot(date(2026, 12, 31), 4, 0, 5)]
    spent = spend(book.lots_of(WALLET), 5, date.min)
    book.post(9, [Entry(WALLET, SPENT, 5, Code.REDEEM)], [], spent)
    assert book.changes.remaining == {LotKey(2, date(2026, 12, 31), 4, 0): 0}
    assert book.lots_of(WALLET) == []


@pytest.mark.edge_case(43)
def test_what_expires_first_is_spent_first_then_the_oldest() -> None:
    december, january = date(2026, 12, 31), date(2027, 1, 31)
    lots = [
        Lot(NEVER, 1, 0, 9),
        Lot(january, 2, 0, 4),
        Lot(december, 8, 0, 3),
        Lot(january, 1, 0, 2),
    ]
    taken = spend(lots, 7, december)
    assert [(t.lot.expires_on, t.lot.log_index, t.points) for t in taken] == [
        (december, 8, 3),
        (january, 1, 2),
        (january, 2, 2),
    ]


def test_expiring_points_are_summed_by_their_last_day() -> None:
    soon, later = date(2026, 12, 31), date(2027, 6, 30)
    lots = [Lot(soon, 1, 0, 4), Lot(soon, 2, 0, 6), Lot(later, 3, 0, 1)]
    assert expiring(lots, soon, date(2027, 1, 20)) == ((soon, 10),)
    assert expiring(lots, date(2027, 1, 1), date(2027, 6, 30)) == ((later, 1),)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.data())
def test_open_lots_always_hold_exactly_the_balance(earned: list[int], data: st.DataObject) -> None:
    book = Book()
    for index, points in enumerate(earned):
        day = data.draw(st.sampled_from([NEVER, date(2027, 1, 31), date(2027, 2, 28)]))
        book.post(2 * index, [earn(points)], [Issue(0, day, None)], ())
        wanted = data.draw(st.integers(0, book.balance(WALLET)))
        if wanted:
            spent = spend(book.lots_of(WALLET), wanted, date.min)
            book.post(2 * index + 1, [Entry(WALLET, SPENT, wanted, Code.REDEEM)], [], spent)
        assert sum(lot.remaining for lot in book.lots_of(WALLET)) == book.balance(WALLET)
