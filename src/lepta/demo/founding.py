"""The sale that started it all: Пётр buys «Охотничьи» dumplings, and the forest fund is given 50 points."""

from typing import Any

from lepta.demo import people
from lepta.demo.tills import Till

TILL = Till("nsk-07", "3")
SKU = "4600000000015"
PRICE_MINOR = 25_900

RECEIPT = (
    "Уважаемый Пётр!",
    "При покупке пельменей «Охотничьи» Вами передано в Фонд защиты лесных животных 50 баллов.",
    "Спасибо за покупку!",
)
"""His receipt begins with these sentences; earned points and balance follow."""


def checkout(
    sequence: int, *, units: int = 1, card: str | None = people.PETER_CARD
) -> dict[str, Any]:
    """`units` packs at 259.00 each, on the day of the demo; without a card the shopper is anonymous."""
    body: dict[str, Any] = {
        "store": TILL.store,
        "till": TILL.till,
        "business_day": "2017-12-24",
        "sequence": sequence,
        "occurred_at": f"2017-12-24T18:{15 + sequence:02d}:03+07:00",
        "currency": "RUB",
        "lines": [
            {
                "line": 1,
                "sku": SKU,
                "name": "Пельмени «Охотничьи»",
                "quantity": str(units),
                "unit_price": PRICE_MINOR,
                "amount": units * PRICE_MINOR,
            }
        ],
        "total": units * PRICE_MINOR,
        "offline": True,
    }
    return body if card is None else {**body, "card": card}


def all_checkouts() -> list[dict[str, Any]]:
    """One pack; three packs; seven, of which the campaign counts five; two packs by an anonymous shopper."""
    return [
        checkout(1),
        checkout(2, units=3),
        checkout(3, units=7),
        checkout(4, units=2, card=None),
    ]


def is_on(receipt: str) -> bool:
    """Whether a receipt begins with the founding sentences, nothing between them, whatever its width."""
    return " ".join(receipt.split()).startswith(" ".join(RECEIPT))
