"""What is stored can be read back as it was: baskets, facts, outcomes, leaves."""

from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import make
from lepta.ledger.entries import EARN, Posting
from lepta.processing.beside import Beside, pack
from lepta.processing.canonical import canonical
from lepta.processing.events import (
    BasketLine,
    Fiscal,
    NaturalKey,
    basket_bytes,
    parse_basket,
)
from lepta.processing.leaf import (
    LEAF_LIMIT,
    Booked,
    Leaf,
    Recorded,
    Written,
    at_till,
    checkout_leaf,
    parse_at_till,
)
from lepta.processing.outcome import Balance, Borne, Donation, Earned, Outcome, Points, Reason
from lepta.processing.seen import MemberSeen, ProductSeen, Seen, StoreSeen
from lepta.rules.facts import Gift

words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=9
)
minor = st.integers(-(10**12), 10**12)
lines = st.builds(
    BasketLine,
    line=st.integers(0, 999),
    sku=words,
    quantity_micro=st.integers(-(10**12), 10**12),
    amount=minor,
    unit_price=st.none() | minor,
    kind=st.sampled_from(["goods", "gift-card", "donation", "deposit"]),
    name=st.none() | words,
    categories=st.none() | st.lists(words, max_size=3).map(tuple),
    brand=st.none() | words,
)
KEY = NaturalKey("nsk-07", "3", date(2026, 11, 22), 1187)
AT = datetime(2026, 11, 22, 11, 15, 3, tzinfo=UTC)


@given(
    lines=st.lists(lines, max_size=5).map(tuple),
    total=minor,
    redeem=st.integers(-1, 10**6),
    choice=st.none() | st.tuples(words, words),
    gifts=st.lists(
        st.builds(Gift, words, st.booleans(), st.none() | st.integers(0, 9)), max_size=2
    ),
    fiscal=st.none() | st.builds(Fiscal, words, st.integers(0, 10**6), words),
    offline=st.booleans(),
)
def test_a_basket_is_read_back_as_it_was_sent(
    lines: tuple[BasketLine, ...],
    total: int,
    redeem: int,
    choice: tuple[str, str] | None,
    gifts: list[Gift],
    fiscal: Fiscal | None,
    offline: bool,
) -> None:
    stored = basket_bytes(
        currency="RUB", lines=lines, total=total, redeem=redeem, choice=choice,
        gifts=tuple(gifts), fiscal=fiscal,
    )  # fmt: skip
    event = parse_basket(KEY, AT, orjson.loads(stored), offline=offline)
    assert event.lines == lines
    assert (event.total, event.redeem, event.choice) == (total, redeem, choice)
    assert (event.gifts, event.fiscal, event.offline) == (tuple(gifts), fiscal, offline)
    assert event.basket == stored
    assert canonical(orjson.loads(stored)) == stored


products = st.none() | st.builds(
    ProductSeen, st.lists(words, max_size=2).map(tuple), st.none() | words
)


@given(
    st.booleans(),
    st.none()
    | st.builds(
        MemberSeen,
        words,
        st.none() | words,
        st.lists(words).map(tuple),
        st.none() | st.integers(0, 40_000),
        st.lists(st.tuples(st.integers(0, 365), st.integers(0, 365))).map(tuple),
    ),
    st.lists(products, max_size=4).map(tuple),
)
def test_facts_are_read_back_as_they_were_seen(
    offline: bool, member: MemberSeen | None, seen_products: tuple[ProductSeen | None, ...]
) -> None:
    store = StoreSeen("retail-nsk", None, "Asia/Novosibirsk", "club")
    seen = Seen(offline, store, "active", member, seen_products)
    stored = seen.to_bytes()
    assert Seen.of(orjson.loads(stored), len(seen_products)) == seen


SEEN = Seen(
    False, StoreSeen("retail-nsk", None, "Asia/Novosibirsk", "club"), "active", None, (None,)
)
SOLD = make.checkout()
MARK = bytes(16)


def minutes_east(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


def outcome(reasons: int = 1) -> Outcome:
    return Outcome(
        card_status="active", flags=("late",), total=25_900, to_pay=25_400,
        points=Points(12, 0, 50, 0, 3), redeemed_money=500,
        balance=Balance(1201, 0, 0, ((date(2026, 12, 31), 40),)),
        earned=(Earned("base", 12, 1, (0,), (12,), ((0, 12),)),),
        donations=(
            Donation("hunter-forest", "forest-animals", 50, 500, 1,
                     (Borne("hunter-foods", 300, 30), Borne("retail-nsk", 200, 20)), 0, 0, (0,), (50,)),
        ),
        redeemed_by_line=(50,),
        reasons=tuple(Reason(n, 1, 1) for n in range(reasons)),
    )  # fmt: skip


def test_an_outcome_is_read_back_as_it_was_decided() -> None:
    stored = orjson.loads(canonical(outcome().to_document(SOLD)))
    assert Outcome.of(stored, SOLD, SEEN, [[1, 2, 12, EARN]]) == outcome()


def test_a_sale_that_gives_nothing_says_nothing_and_is_read_back() -> None:
    nothing = Outcome("none", (), 25_900, 25_900, Points(0, 0, 0, 0, 0), 0, None, (), (), (0,), ())
    assert nothing.to_document(SOLD) == {}
    assert Outcome.of({}, SOLD, SEEN._replace(card_status="none"), []) == nothing


def written(*postings: Posting) -> Written:
    return checkout_leaf(
        shard=0, log_index=7, event=SOLD, received_at=AT, rulebook=3, facts=SEEN.to_bytes(),
        outcome=outcome(), booked=Booked((), postings, (), (), (), 2), packed=partial(pack, MARK, MARK),
    )  # fmt: skip


def test_a_sale_is_read_back_as_it_was_recorded() -> None:
    leaf, beside, digest = written(Posting(1, 2, 12, 1))
    found = Recorded.parse(leaf, beside)
    event = SOLD._replace(card=None, identity=b"")
    assert found == Recorded(0, 7, 3, digest, MARK, MARK, event, SEEN, outcome())
    read = Leaf(leaf)
    assert read.received_at == AT
    assert (read.document["rulebook"], read.document["member"]) == (3, 2)
    assert canonical(read.document) == leaf


def test_what_is_too_long_for_a_leaf_lies_beside_it_under_its_digest() -> None:
    postings = [Posting(1, 2, 12, EARN), *[Posting(n, n + 1, 1, 4) for n in range(9_000)]]
    leaf, beside, digest = written(*postings)
    assert len(leaf) < LEAF_LIMIT < len(Beside(beside).content)
    assert orjson.loads(leaf)["beside"] == digest
    read = Leaf(leaf, Beside(beside).content)
    assert read.postings == postings
    assert canonical(orjson.loads(Beside(beside).content)) == Beside(beside).content
    assert Recorded.parse(leaf, beside).outcome == outcome()


@given(st.datetimes(timezones=st.integers(-1439, 1439).map(minutes_east)))
def test_a_tills_moment_is_read_back_with_its_offset(told: datetime) -> None:
    read = parse_at_till(*at_till(told))
    assert (read, read.utcoffset()) == (told, told.utcoffset())


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x02" + bytes(40), b"\x01" + bytes(40)])
def test_what_was_not_packed_here_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="what lies beside the leaf"):
        _ = Beside(data).content
