"""Values for tests: each complete and plain, so that a test names only what it is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from lepta.channels.till.schemas import CheckoutBody
from lepta.ledger.book import Book
from lepta.processing.canonical import canonical
from lepta.processing.decide import Accepted, Decision, decide_checkout
from lepta.processing.events import Checkout
from lepta.processing.recognition import recognise
from lepta.processing.sight import prepare, see
from lepta.processing.state import ProductRecord, ShopperRecord, State, StoreRecord, Submission
from lepta.processing.verdict import foresee
from lepta.rules.rulebook import (
    EMPTY,
    Change,
    Item,
    PublishedCampaign,
    PublishedProgramme,
    Rulebook,
)

CARD = "2900000000018"
HUNTER_SKU = "4600000000015"
NOON = datetime(2026, 11, 22, 11, 15, 4, tzinfo=UTC)
SALT = bytes(range(16))

PROGRAMME: dict[str, Any] = {"name": {"ru": "Клуб", "en": "The Club"}, "currency": "RUB"}
BASE: dict[str, Any] = {
    "campaign": "base",
    "programme": "club",
    "title": {"ru": "1 балл за каждые 20 рублей", "en": "1 point for each 20 roubles"},
    "kind": "bonus",
    "active": {"from": "2026-01-01"},
    "who": {"card": "required"},
    "effect": {"earn": {"points": 1, "per_amount": 2000}, "per": "basket"},
    "stacking": {"group": "base"},
}
HUNTER: dict[str, Any] = {
    "campaign": "hunter-forest",
    "programme": "club",
    "title": {"ru": "Пельмени «Охотничьи» — лесным животным", "en": "Dumplings for forest animals"},
    "kind": "donation",
    "active": {"from": "2026-10-01", "until": "2027-01-01"},
    "where": {"retailers": ["retail-nsk"], "regions": [], "stores": []},
    "who": {
        "card": "required", "tiers": [], "segments": {"any": [], "none": []}, "holdout_percent": 0,
    },
    "what": {
        "skus": [HUNTER_SKU], "categories": [], "brands": [],
        "exclude": {"categories": ["alcohol", "tobacco"]}, "min_quantity": "1", "min_amount": 0,
    },
    "effect": {
        "give": {"points": 50, "money_rate": "0.10"}, "per": "unit",
        "to": {"fund": "forest-animals"}, "from": "funders",
    },
    "funding": [
        {"party": "hunter-foods", "share": "0.6", "budget": {"money": 3_000_000}},
        {"party": "retail-nsk", "share": "0.4"},
    ],
    "limits": {
        "per_basket": 5, "per_card_day": 10, "per_card": 100, "units": 100_000,
        "budget": {"money": 5_000_000},
    },
    "exhausted": "partial",
    "rounding": "down",
    "stacking": {"group": "gifts", "order": 10, "mode": "add"},
    "returns": "reverse",
    "receipt": {
        "ru": "При покупке пельменей «Охотничьи» Вами передано в {{ fund | case: 'accusative' }} "
        "{{ points | plural: 'балл', 'балла', 'баллов' }}.",
        "en": "With it you gave {{ points | plural: 'point', 'points' }} to {{ fund }}.",
    },
}  # fmt: skip
"""The founding example: 50 points a pack, paid by supplier and retailer, 60 to 40."""

ROUND_UP: dict[str, Any] = {
    "campaign": "round-up",
    "programme": "club",
    "title": {"ru": "Округление", "en": "Round up"},
    "kind": "donation",
    "effect": {
        "give": {"round_up_to": 1000},
        "to": {"fund": "forest-animals"},
        "from": "shopper-money",
    },
}


def change(*campaigns: Mapping[str, Any], programme: Mapping[str, Any] | None = None) -> bytes:
    """A first publication: programme `club` and these campaigns."""
    items: tuple[Item, ...] = (
        PublishedProgramme("club", 1, None, {**PROGRAMME, **(programme or {})}),
        *(PublishedCampaign(c["campaign"], 1, None, c) for c in campaigns),
    )
    return Change(items).canonical()


def rulebook(*campaigns: Mapping[str, Any], programme: Mapping[str, Any] | None = None) -> Rulebook:
    """The rulebook after `change`."""
    return EMPTY.extended(change(*campaigns, programme=programme))


def line(number: int = 1, amount: int = 25_900, **more: Any) -> dict[str, Any]:
    """One pack of the founding product."""
    return {"line": number, "sku": HUNTER_SKU, "quantity": "1", "amount": amount, **more}


def checkout_body(**more: Any) -> dict[str, Any]:
    """A till's sale of one pack with Пётр's card; the total follows the lines."""
    lines = more.pop("lines", None) or [line()]
    body = {
        "store": "nsk-07",
        "till": "3",
        "business_day": "2026-11-22",
        "sequence": 1187,
        "occurred_at": "2026-11-22T18:15:03+07:00",
        "currency": "RUB",
        "card": CARD,
        "lines": lines,
        "total": sum(each["amount"] for each in lines),
    }
    return {**body, **more}


def checkout(**more: Any) -> Checkout:
    """The event of `checkout_body`; `card=None` makes it anonymous."""
    return CheckoutBody.model_validate_json(canonical(checkout_body(**more))).to_event()


def shopper(card: str = CARD, *, status: str = "active", ref: str = "m-pyotr") -> ShopperRecord:
    """Пётр."""
    return ShopperRecord(card, status, ref, None, (), "Пётр", "male", "ru")


@dataclass
class Office:
    """The office's records by hand: one store, and products that a test adds."""

    products: dict[str, ProductRecord] = field(default_factory=dict)

    def store(self, store: str) -> StoreRecord | None:
        """The only store."""
        if store != "nsk-07":
            return None
        return StoreRecord(store, "retail-nsk", "siberia", "Asia/Novosibirsk", "club", "RUB", "ru")

    def product(self, sku: str) -> ProductRecord | None:
        """A product that the test has added."""
        return self.products.get(sku)


@dataclass
class Shop(State):
    """What a batch is decided on, and the office's records beside it."""

    records: Office = field(default_factory=Office)
    shoppers: dict[str, ShopperRecord] = field(default_factory=dict)


def state(book: Rulebook | None = None, shoppers: Sequence[ShopperRecord] | None = None) -> Shop:
    """An empty ledger under the founding rulebook."""
    known = [shopper()] if shoppers is None else shoppers
    return Shop(
        shard=0,
        size=1,
        rulebook=rulebook(BASE, HUNTER) if book is None else book,
        shoppers={one.card: one for one in known},
        claims={},
        recorded={},
        book=Book(),
    )


def decide(event: Checkout, at: Shop, key: str | None = None) -> Decision:
    """Decide one sale as a batch does."""
    submission = Submission.of(event, key)
    repeat = recognise(submission, at)
    if repeat is not None:
        return repeat
    known = at.shoppers.get(event.card) if event.card else None
    prepared = prepare(event, see(event, at.records, known, at.rulebook), at.rulebook)
    foreseen = foresee(prepared)
    decision = decide_checkout(submission, prepared, at, foreseen, received_at=NOON, salt=SALT)
    if not isinstance(decision, Accepted) and decision.claim and decision.stored:
        at.claims[decision.claim] = decision.stored
    return decision


def accepted(event: Checkout, at: Shop, key: str | None = None) -> Accepted:
    """Decide a sale that is to be recorded."""
    decision = decide(event, at, key)
    assert isinstance(decision, Accepted), decision
    return decision


DAY = date(2026, 11, 22)
