"""A closed fund: its donations go to the fallback that the campaign names, and nowhere else."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

import make
import make_rules
from lepta.processing.seen import Seen
from lepta.processing.sight import Prepared, prepare, see, with_closed
from lepta.rules.effects import Donate, Offer
from lepta.rules.explanation import Why
from make_rules import codes, outcome

TO = {"fund": "children", "fallback": "forest-animals"}
SCHOOLS = {"choice": ["school-1", "school-17"], "default": "school-1", "fallback": "children"}


def given(to: Any, *closed: str, choice: str | None = None) -> tuple[list[str], tuple[str, ...], int]:  # fmt: skip
    """The funds that are given to, the flags, and the campaign's reason."""
    book = make_rules.rulebook(
        make_rules.donation("d", {"money": 500}, to=to, limits={"units": 10})
    )
    sale = make_rules.facts(closed=closed, choice=("d", choice) if choice else None)
    result = outcome(book, sale)
    funds = [effect.fund for effect in result.effects if isinstance(effect, Donate)]
    assert bool(result.consumed) == bool(funds)
    return funds, result.flags, codes(book, result)["d"]


@pytest.mark.parametrize(
    ("to", "closed", "choice", "fund"),
    [
        (TO, [], None, "children"),
        (TO, ["children"], None, "forest-animals"),
        (TO, ["forest-animals"], None, "children"),
        (SCHOOLS, ["school-17"], "school-17", "children"),
        (SCHOOLS, ["school-17"], "school-1", "school-1"),
        (SCHOOLS, ["school-1"], None, "children"),
    ],
)
def test_who_gets_it(to: Any, closed: Any, choice: str | None, fund: str) -> None:
    funds, flags, why = given(to, *closed, choice=choice)
    assert (funds, why) == ([fund], Why.AMOUNT)
    assert flags == (("fallback-fund",) if fund == to["fallback"] else ())


@pytest.mark.parametrize(
    ("to", "closed"),
    [({"fund": "children"}, ["children"]), (TO, ["children", "forest-animals"])],
)
def test_where_all_are_closed_nothing_is_given_and_no_limit_is_used(to: Any, closed: Any) -> None:
    assert given(to, *closed) == ([], (), Why.FUND_CLOSED)


def test_an_offer_names_the_fallback_or_is_not_made() -> None:
    gifts = (make_rules.gift("d", 500),)
    sale = make_rules.facts(closed=("children",), gifts=gifts)
    moved = outcome(make_rules.rulebook(make_rules.offer("d", {"money": 500}, to=TO)), sale)
    assert moved.offers == (Offer("d", "forest-animals", 500),)
    assert moved.flags == ("fallback-fund",)
    alone = make_rules.offer("d", {"money": 500}, to={"fund": "children"})
    closed = outcome(make_rules.rulebook(alone), sale)
    assert (closed.offers, closed.effects, closed.flags) == ((), (), ("unknown-gift",))


DAY = date(2026, 11, 23)
LAST_SECOND = datetime(2026, 11, 22, 16, 59, 59, tzinfo=UTC)
"""Of 22 November in Novosibirsk."""


def laid_out(closing: dict[str, date], now: datetime) -> Prepared:
    book = make.rulebook(make.HUNTER)
    sale = make.checkout()
    prepared = prepare(sale, see(sale, make.Office(), make.shopper(), book), book)
    return with_closed(prepared, closing, now, book)


def test_a_fund_is_closed_from_its_day_on_in_the_store() -> None:
    closing = {"forest-animals": DAY}
    assert laid_out(closing, LAST_SECOND).facts.closed == ()
    midnight = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    prepared = laid_out(closing, midnight)
    assert prepared.facts.closed == prepared.seen.closed == ("forest-animals",)


def test_facts_name_no_fund_that_the_sale_does_not_touch() -> None:
    assert laid_out({"children": date(2000, 1, 1)}, LAST_SECOND).seen.closed == ()


def test_closed_funds_are_stored_and_read_back() -> None:
    seen = laid_out({"forest-animals": DAY}, datetime(2026, 12, 1, tzinfo=UTC)).seen
    document = orjson.loads(seen.to_bytes())
    assert document["closed"] == ["forest-animals"]
    assert Seen.of(document, 1) == seen
