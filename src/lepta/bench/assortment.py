"""What the bench sells, to whom and under which campaigns: documents and baskets. Pure and the same every time."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

RETAILER = "bench-retail"
PROGRAMME = "bench-club"
CURRENCY = "RUB"
OFFSET = "+07:00"
TIME_ZONE = "Asia/Novosibirsk"
STORES = 16
TILLS_PER_STORE = 4
PRODUCTS = 5_000
CATEGORIES = 50
LINES = 8
BASKETS = 5_000
"""Different baskets; each request takes the next one with a sequence, time and card of its own."""
SUPPLIERS = 20
FUNDS = 10
HOT_SHARE = 50
"""One member in so many is a regular."""
HOT_VISITS_PERCENT = 80
"""So much of all visits is theirs."""
SKUS_PER_CAMPAIGN = (1, 1, 1, 2)
"""1.25 on average: 999 campaigns over 5,000 products touch 8 lines twice, and `base` fires always."""

Document = dict[str, Any]
Documents = dict[str, Document]


def sku(number: int) -> str:
    """A product's number as tills read it."""
    return f"46{number:011d}"


def card(number: int) -> str:
    """The card of member `number`, counted from 1."""
    return f"29{number:011d}"


def store_ids() -> list[str]:
    """Every store."""
    return [f"bench-{number:02d}" for number in range(1, STORES + 1)]


def tills() -> list[tuple[str, str]]:
    """Every (store, till)."""
    return [(store, str(till)) for till in range(1, TILLS_PER_STORE + 1) for store in store_ids()]


def parties() -> Documents:
    """The retailer, its suppliers and the funds."""
    funds: Documents = {
        f"fund-{n}": {
            "kind": "charity",
            "name": {
                "ru": {"nominative": f"Фонд № {n}", "genitive": f"Фонда № {n}", "accusative": f"Фонд № {n}"},
                "en": f"Fund No. {n}",
            },
        }
        for n in range(FUNDS)
    }  # fmt: skip
    suppliers: Documents = {
        f"supplier-{n}": {"kind": "supplier", "name": f"Supplier {n}"} for n in range(SUPPLIERS)
    }
    return {RETAILER: {"kind": "retailer", "name": "Bench"}, **suppliers, **funds}


def programmes() -> Documents:
    """One, with everything at its default."""
    return {PROGRAMME: {"name": {"ru": "Клуб", "en": "Club"}, "currency": CURRENCY}}


def stores() -> Documents:
    """All in one time zone, half of them with Russian receipts."""
    return {
        store: {
            "retailer": RETAILER,
            "name": store,
            "time_zone": TIME_ZONE,
            "language": ("ru", "en")[number % 2],
            "programme": PROGRAMME,
        }
        for number, store in enumerate(store_ids())
    }


def campaigns(count: int) -> Iterator[dict[str, Any]]:
    """`count` campaigns: one for every basket, the others for a product or two each."""
    yield base()
    random_ = random.Random(1)  # noqa: S311 - nobody must not guess it
    for number in range(1, count):
        skus = random_.sample(range(PRODUCTS), SKUS_PER_CAMPAIGN[number % len(SKUS_PER_CAMPAIGN)])
        yield product_campaign(number, [sku(n) for n in skus])


def base() -> dict[str, Any]:
    """One point for each full 20.00, on all goods."""
    return {
        "campaign": "base",
        "programme": PROGRAMME,
        "title": {"ru": "1 балл за каждые 20 рублей", "en": "1 point for each 20 roubles"},
        "kind": "bonus",
        "who": {"card": "required"},
        "effect": {"earn": {"points": 1, "per_amount": 2_000}, "per": "basket"},
        "stacking": {"group": "base"},
    }


def product_campaign(number: int, skus: list[str]) -> dict[str, Any]:
    """By turns a bonus per unit, points given to a fund by two funders, a bonus by amount, money given."""
    title = {"ru": f"Акция № {number}", "en": f"Campaign No. {number}"}
    common = {"campaign": f"campaign-{number:05d}", "programme": PROGRAMME, "title": title}
    who = {"who": {"card": "required"}, "what": {"skus": skus}}
    supplier = f"supplier-{number % SUPPLIERS}"
    joint = [{"party": supplier, "share": "0.6"}, {"party": RETAILER, "share": "0.4"}]
    to = {"to": {"fund": f"fund-{number % FUNDS}"}, "from": "funders"}
    effects: tuple[dict[str, Any], ...] = (
        {"kind": "bonus", "effect": {"earn": {"points": 5}, "per": "unit"}, "limits": {"per_basket": 10}},
        {"kind": "donation", "effect": {"give": {"points": 10, "money_rate": "0.10"}, "per": "unit", **to},
         "funding": joint, "limits": {"per_basket": 5, "budget": {"money": 10**11}}, "receipt": SENTENCES},
        {"kind": "bonus", "effect": {"earn": {"rate": "0.02"}, "per": "amount"},
         "funding": [{"party": supplier, "share": "1"}]},
        {"kind": "donation", "effect": {"give": {"money": 300}, "per": "unit", **to},
         "funding": [{"party": supplier, "share": "1"}]},
    )  # fmt: skip
    return {**common, **who, **effects[number % len(effects)]}


def drafts() -> Documents:
    """Campaigns to try on stored receipts, by what they ask of a back-test: all but the first touch every receipt."""
    every = {"programme": PROGRAMME, "kind": "bonus", "who": {"card": "required"}}
    skus = {"skus": [sku(n) for n in range(0, PRODUCTS, 100)]}
    rate = {"earn": {"rate": "0.01"}, "per": "amount"}
    documents: Documents = {
        "one product in 100": {"what": skus, "effect": {"earn": {"points": 5}, "per": "unit"}},
        "a rate for all": {"effect": rate},
        "limited by card": {"effect": {"earn": {"points": 3}, "per": "basket"}, "limits": {"per_card": 2}},
        "a budget for all": {"effect": rate, "limits": {"budget": {"points": 10**11}}},
    }  # fmt: skip
    return {
        name: {**every, **document, "campaign": f"draft-{n}"}
        for n, (name, document) in enumerate(documents.items())
    }


SENTENCES = {
    "ru": "Вами передано в {{ fund | case: 'accusative' }} {{ points | plural: 'балл', 'балла', 'баллов' }}.",
    "en": "You gave {{ points | plural: 'point', 'points' }} to {{ fund }}.",
}


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One line: what tills send besides its number."""

    sku: str
    quantity: str
    amount: int


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines, and what else the till says of the sale."""

    lines: tuple[BasketLine, ...]
    redeems: bool
    """As many points as may be redeemed."""
    fiscal: bool


def baskets(count: int = BASKETS) -> list[Basket]:
    """Eight different products each; one basket in 20 redeems, one in two names its fiscal document."""
    random_ = random.Random(2)  # noqa: S311 - nobody must not guess it
    prices = [random_.randrange(1_990, 59_990, 10) for _ in range(PRODUCTS)]
    return [
        Basket(
            tuple(
                [
                    _line(n, prices[n], random_.random())
                    for n in random_.sample(range(PRODUCTS), LINES)
                ]
            ),
            redeems=number % 20 == 0,
            fiscal=number % 2 == 0,
        )
        for number in range(count)
    ]


def _line(product: int, price: int, chance: float) -> BasketLine:
    if chance < 0.1:
        return BasketLine(sku(product), "0.345", price * 345 // 1_000)
    count = 2 if chance < 0.25 else 1
    return BasketLine(sku(product), str(count), count * price)
