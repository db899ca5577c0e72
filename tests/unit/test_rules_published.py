"""What was published once is read and decided by for ever."""

import published
from lepta.rules.rulebook import EMPTY


def test_rulebooks_published_long_ago_load_and_decide_as_they_did() -> None:
    """A difference here means that `lepta verify --replay` fails on every ledger there is: undo it."""
    book = EMPTY
    for number, line in enumerate(published.stored(), start=1):
        book = book.extended(line["change"].encode())
        assert (book.number, book.digest.hex()) == (number, line["digest"])
        assert published.decided(book, line["change"].encode()) == line["decided"], number
    assert book.number > 20
