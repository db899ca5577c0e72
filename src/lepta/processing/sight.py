"""What is seen of a sale before the ledger is asked: its facts, and the campaigns that it touches."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from lepta.errors import InvalidRequest
from lepta.ledger import chart
from lepta.processing.events import BasketLine, Checkout
from lepta.processing.seen import EARNING, MemberSeen, ProductSeen, Seen, StoreSeen
from lepta.processing.state import Records, ShopperRecord
from lepta.rules import engine, redemption
from lepta.rules import facts as rule_facts
from lepta.rules.engine import Matched
from lepta.rules.programme import Programme
from lepta.rules.rulebook import Rulebook


class UnknownStore(InvalidRequest):
    """The store is not known."""

    def __init__(self, store: str) -> None:
        reason = f"no store {store!r} is known; have the office register it, or correct the id"
        super().__init__([{"path": "store", "reason": reason}])


class Prepared(NamedTuple):
    """A sale with what is known of it before the ledger is asked: its facts and the campaigns it touches."""

    event: Checkout
    seen: Seen
    programme: Programme | None
    facts: rule_facts.Facts
    matched: Matched

    @property
    def member_account(self) -> chart.Account | None:
        """Where the shopper's points lie."""
        member = self.seen.member
        if member is None:
            return None
        return chart.available(member.ref, chart.points_of(self.seen.store.programme))


def see(event: Checkout, records: Records, shopper: ShopperRecord | None) -> Seen:
    """The facts to store with a sale. Raises `InvalidRequest` for an unknown store."""
    store = records.store(event.key.store)
    if store is None:
        raise UnknownStore(event.key.store)
    unnamed = "none" if event.card is None else "unknown"
    return Seen(
        offline=event.offline,
        store=StoreSeen(store.retailer, store.region, store.time_zone, store.programme),
        card_status=shopper.status if shopper else unnamed,
        member=MemberSeen(shopper.ref, shopper.tier, shopper.segments) if shopper else None,
        products=tuple([_product_seen(line, records) for line in event.lines]),
    )


def _product_seen(line: BasketLine, records: Records) -> ProductSeen | None:
    if line.categories is not None and line.brand is not None:
        return None
    product = records.product(line.sku)
    if product is None or not (product.categories or product.brand):
        return None
    return ProductSeen(product.categories, product.brand)


def prepare(event: Checkout, seen: Seen, rulebook: Rulebook) -> Prepared:
    """Lay out a sale for the rules: resolved lines, local time, and the campaigns that it touches."""
    at = event.occurred_at.astimezone(ZoneInfo(seen.store.time_zone))
    store = seen.store
    known = rulebook.has_programme(store.programme)
    programme = rulebook.programme(store.programme, at) if known else None
    amounts = redemption.spread(event.total, [line.amount for line in event.lines])
    earns = seen.member is not None and seen.card_status in EARNING
    facts = rule_facts.Facts(
        store=rule_facts.Store(
            event.key.store, store.retailer, store.region, store.programme, event.currency
        ),
        at=at,
        business_day=event.key.business_day,
        currency=event.currency,
        lines=tuple(map(_rule_line, event.lines, seen.products, amounts)),
        total_minor=event.total,
        shopper=rule_facts.Shopper(seen.member.ref) if seen.member and earns else None,
        choice=event.choice,
        gifts=event.gifts,
        offline=seen.offline,
    )
    return Prepared(event, seen, programme, facts, engine.match(rulebook, facts))


def _rule_line(line: BasketLine, product: ProductSeen | None, amount: int) -> rule_facts.Line:
    categories, brand = line.categories, line.brand
    if product is not None:
        categories = product.categories if categories is None else categories
        brand = product.brand if brand is None else brand
    return rule_facts.Line(
        line.line,
        line.sku,
        categories or (),
        brand,
        line.kind == "goods",
        line.quantity_micro,
        amount,
    )
