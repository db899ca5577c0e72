"""Builders for the rules' tests: a test names only what it is about."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from lepta.money import micro
from lepta.rules import engine
from lepta.rules.effects import Donate, Earn
from lepta.rules.facts import Facts, Gift, Line, Shopper, Store
from lepta.rules.known import Known, Place
from lepta.rules.limits import Counter
from lepta.rules.programme import Programme, compile_programme
from lepta.rules.rulebook import EMPTY, Change, PublishedCampaign, PublishedProgramme, Rulebook
from lepta.rules.visits import past_of

NOVOSIBIRSK = ZoneInfo("Asia/Novosibirsk")
AT = datetime(2026, 11, 22, 18, 15, 3, tzinfo=NOVOSIBIRSK)
DUMPLINGS = "4600000000015"

PROGRAMME: dict[str, Any] = {"name": "Club", "currency": "RUB"}

PARTIES = {
    "retail-nsk": "retailer",
    "hunter-foods": "supplier",
    "dairy": "supplier",
    "open-hands": "agency",
    "forest-animals": "charity",
    "children": "charity",
    "school-1": "beneficiary",
    "school-17": "beneficiary",
}

HUNTER: dict[str, Any] = {
    "campaign": "hunter-forest",
    "kind": "donation",
    "who": {"card": "required"},
    "what": {"skus": [DUMPLINGS]},
    "effect": {
        "give": {"points": 50, "money_rate": "0.10"},
        "per": "unit",
        "to": {"fund": "forest-animals"},
    },
    "funding": [
        {"party": "hunter-foods", "share": "0.6"},
        {"party": "retail-nsk", "share": "0.4"},
    ],
}
BASE: dict[str, Any] = {
    "campaign": "base",
    "kind": "bonus",
    "effect": {"earn": {"points": 1, "per_amount": 2000}, "per": "basket"},
    "stacking": {"group": "base"},
}
ROUND_UP: dict[str, Any] = {
    "campaign": "round-up",
    "kind": "donation",
    "effect": {
        "give": {"round_up_to": 1000},
        "to": {"fund": "children"},
        "from": "shopper-money",
    },
}


_OF_EFFECT = (
    "per",
    "set_of",
    "base",
    "to",
    "from",
    "pending_days",
    "expire_after",
    "welcome",
    "nth_visit",
)


def programme(**changes: Any) -> Programme:
    return compile_programme("club", {**PROGRAMME, **changes})


def known(**changes: Any) -> Known:
    values: dict[str, Any] = {
        "parties": PARTIES,
        "programmes": {"club": programme()},
        "stores": {"nsk-07": Place("retail-nsk", "siberia", "club")},
        **changes,
    }
    return Known(**values)


def bonus(campaign: str, earn: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    """A bonus; what belongs to the effect goes into it, everything else beside it."""
    effect: dict[str, Any] = {"earn": earn}
    effect |= {name: parts.pop(name) for name in _OF_EFFECT if name in parts}
    return {"campaign": campaign, "kind": "bonus", "effect": effect, **parts}


def donation(campaign: str, give: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    """A donation of the retailer to the forest fund, unless `to` or `funding` say otherwise."""
    effect: dict[str, Any] = {"give": give, "to": {"fund": "forest-animals"}}
    effect |= {name: parts.pop(name) for name in _OF_EFFECT if name in parts}
    funding = [{"party": "retail-nsk", "share": "1"}]
    return {"campaign": campaign, "kind": "donation", "effect": effect, "funding": funding, **parts}


def offer(campaign: str, give: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    """A gift of the shopper's own money to the forest fund, unless `to` or `from` say otherwise."""
    document = donation(campaign, give, **{"from": "shopper-money", **parts})
    return document if "funding" in parts else {**document, "funding": []}


def change(*documents: Mapping[str, Any], version: int = 1, since: datetime | None = None) -> bytes:
    items = [PublishedCampaign(d["campaign"], version, since, d) for d in documents]
    return Change(tuple(items)).canonical()


def rulebook(*documents: Mapping[str, Any], club: Mapping[str, Any] | None = None) -> Rulebook:
    """The club and these campaigns, published one by one."""
    items = (PublishedProgramme("club", 1, None, {**PROGRAMME, **(club or {})}),)
    book = EMPTY.extended(Change(items).canonical())
    for document in documents:
        book = book.extended(change(document))
    return book


def line(
    sku: str = DUMPLINGS,
    amount: int = 25900,
    quantity: str = "1",
    categories: Iterable[str] = (),
    brand: str | None = None,
    *,
    goods: bool = True,
) -> Line:
    return Line(1, sku, tuple(categories), brand, goods, micro(quantity), amount)


def store(**changes: Any) -> Store:
    values: dict[str, Any] = {
        "id": "nsk-07",
        "retailer": "retail-nsk",
        "region": "siberia",
        "programme": "club",
        "currency": "RUB",
        **changes,
    }
    return Store(**values)


def facts(*lines: Line, card: bool = True, **changes: Any) -> Facts:
    """A sale with a card, of one pack of dumplings unless lines are given."""
    basket = lines or (line(),)
    values: dict[str, Any] = {
        "store": store(),
        "at": AT,
        "business_day": date(2026, 11, 22),
        "currency": "RUB",
        "lines": basket,
        "total_minor": sum(one.amount_minor for one in basket),
        "shopper": Shopper("ref-1") if card else None,
        "choice": None,
        "gifts": (),
        "offline": False,
    }
    return Facts(**{**values, **changes})


def gift(campaign: str = "round-up", amount: int | None = None, *, accepted: bool = True) -> Gift:
    return Gift(campaign, accepted, amount)


def outcome(
    book: Rulebook,
    sale: Facts,
    counts: Mapping[Counter, int] | None = None,
    *,
    net: Sequence[int] | None = None,
    points: int = 0,
    is_first: bool = False,
) -> engine.Outcome:
    """Both phases, without redemption unless `net` says what is left of each line; of a known member.

    All `points` may be given away.
    """
    net = [one.amount_minor for one in sale.lines] if net is None else net
    paid = sum(one.amount_minor for one in sale.lines) - sum(net)
    matched = engine.match(book, sale)
    past = past_of(matched.visit, counts or {}, points=points, is_first=is_first, spendable=points)
    return engine.evaluate(matched, net, sale.total_minor - paid, counts or {}, past)


def earned(result: engine.Outcome) -> dict[str, int]:
    return {e.campaign: e.points for e in result.effects if isinstance(e, Earn)}


def donated(result: engine.Outcome) -> dict[str, int]:
    """Money by campaign."""
    return {e.campaign: e.money_minor for e in result.effects if isinstance(e, Donate)}


def codes(book: Rulebook, result: engine.Outcome) -> dict[str, int]:
    """Why each campaign considered fired or not."""
    return {book.name_of(reason.campaign): reason.code for reason in result.reasons}


def copied(document: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy that a test may change."""
    copy: dict[str, Any] = orjson.loads(orjson.dumps(document))
    return copy
