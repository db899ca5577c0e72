"""Receipts read for back-tests are the sales that were decided."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import make
from lepta.processing.beside import Beside
from lepta.processing.leaf import Leaf
from lepta.processing.sight import prepare
from lepta.processing.state import ProductRecord
from lepta.simulation.receipt import read

SKUS = ("known", "unknown", make.HUNTER_SKU)
lines = st.lists(
    st.fixed_dictionaries(
        {"sku": st.sampled_from(SKUS), "amount": st.integers(-500, 90_000)},
        optional={
            "quantity": st.sampled_from(["1", "2", "0.345", "-1"]),
            "kind": st.sampled_from(["goods", "deposit", "gift-card", "donation"]),
            "categories": st.lists(st.sampled_from(["tea", "milk"]), unique=True),
            "brand": st.sampled_from(["Ahmad", "Greenfield"]),
            "unit_price": st.integers(0, 900),
            "name": st.just("Tea"),
        },
    ),
    min_size=1, max_size=5,
)  # fmt: skip
sales = st.fixed_dictionaries(
    {"lines": lines, "card": st.sampled_from([None, make.CARD, "somebody", "blocked", "gone"])},
    optional={
        "offline": st.booleans(),
        "choice": st.just({"campaign": "c", "beneficiary": "children"}),
        "gifts": st.just([{"offer": "g", "accepted": True}, {"offer": "h", "accepted": False}]),
        "occurred_at": st.sampled_from(
            ["2026-11-22T18:15:03.000420+07:00", "2026-11-22T11:15:03Z", "2001-12-31T23:59:58Z"]
        ),
    },
)
seen_of_member = st.fixed_dictionaries(
    {},
    optional={
        "tier": st.sampled_from(["gold", None]),
        "segments": st.just(("vip", "new")),
    },
)


@settings(deadline=None)
@given(sales, seen_of_member, st.integers(0, 300))
def test_the_facts_of_a_receipt_are_those_that_the_sale_was_decided_on(
    drawn: dict[str, Any], member: dict[str, Any], less: int
) -> None:
    numbered = [{"line": n, "quantity": "1", **each} for n, each in enumerate(drawn["lines"], 1)]
    total = sum(each["amount"] for each in numbered)
    if any(each["amount"] > 0 for each in numbered) and total > less:
        total -= less
    if total < 0:
        return
    shoppers = [
        make.shopper()._replace(**member),
        make.shopper("blocked", status="blocked", ref="m-blocked"),
        make.shopper("gone", status="not-activated", ref="m-gone"),
    ]
    shop = make.state(None, shoppers)
    shop.records.products["known"] = ProductRecord("known", None, ("tea", "green"), "Ahmad")
    made = make.accepted(make.checkout(**{**drawn, "lines": numbered, "total": total}), shop)
    content = Beside(made.leaf.beside).content
    stored = Leaf(made.leaf.leaf, content)
    receipt = read(made.leaf.leaf, content, {})
    assert receipt.facts == prepare(stored.event, stored.seen, shop.rulebook).facts
    assert receipt.document == stored.document
    assert receipt.day == "2026-11-22"
