"""What is seen of a sale before the ledger is asked: its facts, and the campaigns that it touches."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from lepta.errors import InvalidRequest
from lepta.ledger import chart
from lepta.processing.events import Checkout
from lepta.processing.seen import EARNING, MemberSeen, ProductSeen, Seen, StoreSeen
from lepta.processing.state import Records, ShopperRecord, StoreRecord
from lepta.rules import engine, redemption
from lepta.rules import facts as rule_facts
from lepta.rules.asks import NOTHING, Asks
from lepta.rules.birthday import Span, spans_around
from lepta.rules.campaign import Campaign
from lepta.rules.engine import Matched
from lepta.rules.matching import capped, flagged
from lepta.rules.programme import Programme
from lepta.rules.rulebook import Rulebook
from lepta.rules.watch import WatchDocument
from lepta.values import value


class UnknownStore(InvalidRequest):
    """The store is not known."""

    def __init__(self, store: str) -> None:
        reason = f"no store {store!r} is known; have the office register it, or correct the id"
        super().__init__([{"path": "store", "reason": reason}])


@value
class Prepared:
    """A sale with what is known of it before the ledger is asked: its facts and the campaigns it touches."""

    event: Checkout
    seen: Seen
    programme: Programme | None
    facts: rule_facts.Facts
    matched: Matched
    member_account: chart.Account | None
    """Where the shopper's points lie."""
    rulebook: int
    """Number of the one that it is laid out for."""
    quoted_until_s: int | None = None
    """Up to which second since 1970 the quote is valid that named the rulebook, if one did."""

    @property
    def flagged_stale(self) -> "Prepared":
        """The same sale, which is over, with the fact that its quote did not hold."""
        seen = self.seen._replace(quote_stale=True)
        return Prepared(
            self.event, seen, self.programme, self.facts, self.matched, self.member_account,
            self.rulebook, self.quoted_until_s,
        )  # fmt: skip


class ByQuote(NamedTuple):
    """That a quote names the rulebook, up to which second since 1970 it is valid, and the newest rulebook, whose
    limits hold all the same.
    """

    until_s: int
    newest: Rulebook


def see(
    event: Checkout, records: Records, shopper: ShopperRecord | None, rulebook: Rulebook
) -> Seen:
    """The facts to store with a sale, as far as campaigns ask for them. Raises `InvalidRequest` for an unknown store."""
    store = records.store(event.key.store)
    if store is None:
        raise UnknownStore(event.key.store)
    products: list[ProductSeen | None] = []
    for line in event.lines:
        said = line.categories is not None and line.brand is not None
        product = None if said else records.product(line.sku)
        products.append(None if product is None else product.seen)
    unnamed = "none" if event.card is None else "unknown"
    status = shopper.status if shopper else unnamed
    asks = rulebook.asks(store.programme) if status in EARNING else NOTHING
    member = member_seen(event, store.seen, shopper, asks) if shopper else None
    seen = Seen(event.offline, store.seen, status, member, tuple(products))
    if member is None or status not in EARNING or not rulebook.has_programme(store.programme):
        return seen
    watch = rulebook.programme(store.programme, event.occurred_at).watch
    return seen if watch is None else _watched(seen, event, store, shopper, watch)


def _watched(
    seen: Seen,
    event: Checkout,
    store: StoreRecord,
    shopper: ShopperRecord | None,
    watch: WatchDocument,
) -> Seen:
    """With what the programme watches."""
    places, after = watch.two_places, watch.after_activation
    if places is not None and places.kilometres is not None:
        seen = seen._replace(location=store.location)
    since = None if shopper is None or shopper.status != "active" else shopper.active_since
    if after is not None and since is not None:
        # A sale that took place before the card was active is none that waited for anything.
        minutes = max((event.occurred_at - since) // timedelta(minutes=1), 0)
        if minutes <= after.minutes:
            seen = seen._replace(active_minutes=minutes)
    return seen


def member_seen(
    event: Checkout, store: StoreSeen, shopper: ShopperRecord, asks: Asks
) -> MemberSeen:
    """The member as of the sale, as far as campaigns ask."""
    birthday, joined_on = shopper.birthday, shopper.joined_on
    joined_days: int | None = None
    birthdays: tuple[Span, ...] = ()
    if asks.birthdays and birthday is not None:
        today = event.occurred_at.astimezone(ZoneInfo(store.time_zone)).date()
        birthdays = spans_around(birthday, today, asks.birthdays)
    if asks.joining and joined_on is not None:
        # A member may be entered after a sale that comes in late.
        joined_days = max((event.key.business_day - joined_on).days, 0)
    tier, segments = shopper.standing_at(event.occurred_at)
    return MemberSeen(shopper.ref, tier, segments, joined_days, birthdays)


def prepare(
    event: Checkout, seen: Seen, rulebook: Rulebook, quoted: ByQuote | None = None
) -> Prepared:
    """Lay out a sale for the rules: resolved lines, local time, and the campaigns that it touches."""
    store, member = seen.store, seen.member
    facts = facts_of(event, seen)
    matched = engine.match(rulebook, facts)
    if facts.chosen:
        matched = flagged(matched)
    if quoted is not None and quoted.newest is not rulebook:
        matched = capped(matched, quoted.newest)
    points = chart.points_of(store.programme)
    account = chart.available(member.ref, points) if member else None
    until_s = None if quoted is None else quoted.until_s
    return Prepared(
        event, seen, matched.programme, facts, matched, account, rulebook.number, until_s
    )


def with_chosen(
    prepared: Prepared,
    choices: Sequence[tuple[str, str]],
    rulebook: Rulebook,
    quoted: ByQuote | None = None,
) -> Prepared:
    """The sale with those `choices` of its member in its facts that matter to it: of campaigns that it touches, and
    where it does not name a beneficiary of its own.
    """
    if prepared.seen.card_status not in EARNING:
        return prepared
    asked = {
        candidate.campaign.id
        for candidate in prepared.matched.candidates
        if _asks_for_choice(candidate.campaign, prepared.facts)
    }
    chosen = tuple([choice for choice in choices if choice[0] in asked])
    if not chosen:
        return prepared
    return prepare(prepared.event, prepared.seen._replace(chosen=chosen), rulebook, quoted)


def _asks_for_choice(campaign: Campaign, facts: rule_facts.Facts) -> bool:
    target, own = campaign.target, facts.choice
    return bool(target.choice) and (own is None or not target.offers(campaign.id, own))


def facts_of(event: Checkout, seen: Seen) -> rule_facts.Facts:
    """A sale as the rules see it."""
    store, member = seen.store, seen.member
    place = rule_facts.Store(
        event.key.store,
        store.retailer,
        store.region,
        store.programme,
        event.currency,
        seen.location,
    )
    at = event.occurred_at.astimezone(ZoneInfo(store.time_zone))
    lines = _lines(event, seen.products)
    shopper = None
    if member and seen.card_status in EARNING:
        shopper = _shopper(member, seen.active_minutes)
    return rule_facts.Facts(
        place, at, event.key.business_day, event.currency, lines, event.total,
        shopper, event.choice, event.gifts, seen.offline, seen.closed, seen.chosen,
    )  # fmt: skip


def with_closed(
    prepared: Prepared,
    closing: Mapping[str, date],
    now: datetime,
    rulebook: Rulebook,
    quoted: ByQuote | None = None,
) -> Prepared:
    """The sale with those of its campaigns' funds in its facts that are closed by `now` in its store.

    It is the day of booking that counts, not that of the sale: what comes in late cannot go to a fund that is
    gone. `closing`: the first days on which funds take nothing any more.
    """
    today = now.astimezone(ZoneInfo(prepared.seen.store.time_zone)).date()
    closed = set()
    for candidate in prepared.matched.candidates:
        campaign, target = candidate.campaign, candidate.campaign.target
        for fund in (target.of(campaign.id, prepared.facts), target.fallback):
            if fund is not None and fund in closing and closing[fund] <= today:
                closed.add(fund)
    if not closed:
        return prepared
    seen = prepared.seen._replace(closed=tuple(sorted(closed)))
    return prepare(prepared.event, seen, rulebook, quoted)


def _shopper(member: MemberSeen, active_minutes: int | None) -> rule_facts.Shopper:
    ref, tier, segments, joined_days, birthdays = member
    return rule_facts.Shopper(ref, tier, segments, joined_days, birthdays, active_minutes)


def _lines(event: Checkout, products: Sequence[ProductSeen | None]) -> tuple[rule_facts.Line, ...]:
    """The basket for the rules: what the till left out is the catalogue's, the amounts sum to the total."""
    amounts = [line.amount for line in event.lines]
    if sum(amounts) != event.total:
        donated = {n for n, line in enumerate(event.lines) if line.kind == "donation"}
        amounts = redemption.spread(event.total, amounts, donated)
    line_of = rule_facts.Line
    lines = []
    for line, product, amount in zip(event.lines, products, amounts, strict=True):
        number, sku, quantity_micro, _, _, kind, _, categories, brand = line
        if product is not None:
            its_categories, its_brand = product
            if categories is None:
                categories = its_categories
            if brand is None:
                brand = its_brand
        lines.append(
            line_of(number, sku, categories or (), brand, kind == "goods", quantity_micro, amount)
        )
    return tuple(lines)
