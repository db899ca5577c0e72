"""The real service for the model's tests: a database of its own, its writer on a clock that a test sets, and how both
sides speak: the model's events as the service's, the service's decisions as the model's answers.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import asyncpg
import orjson
import simple_said as said
from simple_back import GRACE_DAYS
from simple_books import RETAILERS
from simple_sale import (
    HUNTER_MONEY,
    HUNTER_POINTS,
    OWN,
    ROUND_TO,
    TEA,
    TEA_PER_CARD,
    TEA_UNITS,
    TEA_WAITS_DAYS,
)
from simple_sales import CARDS
from telling import ZONE, members_of, recorded_told

import make
from lepta.db import Address, Database
from lepta.errors import DomainError
from lepta.money import MICRO
from lepta.processing.acts import Hold, LotsDue, Release, Return, Void
from lepta.processing.decide import Decision, Published
from lepta.processing.directory import Directory
from lepta.processing.events import Checkout, NaturalKey, Publish
from lepta.processing.moving import Moved, Recalled
from lepta.processing.proration import ReturnedLine
from lepta.processing.quoting import Made, Quoting
from lepta.processing.reading import Reader
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import Event, Submission
from lepta.processing.training import Training
from lepta.processing.writer import Writer
from lepta.rules.rulebook import Change, Item, PublishedCampaign, PublishedProgramme
from lepta.statements import adjustments, gifts, transfers
from shops import PARTIES

QUOTE_TTL_S = 600
NO_SUCH_PLACE = "0000" + f"{10**9:012x}" + "00000000"


def programme(*, owes: bool) -> dict[str, Any]:
    return {
        **make.PROGRAMME,
        "expire_after": {"months": 1, "at": "day"},
        "restore_grace_days": GRACE_DAYS,
        "debt": "allowed" if owes else "to-zero",
    }


def base(rate: int) -> dict[str, Any]:
    return {**make.BASE, "effect": {"earn": {"points": rate, "per_amount": 2000}, "per": "basket"}}


def hunter(budget: int) -> dict[str, Any]:
    return {
        "campaign": "hunter", "programme": "club", "kind": "donation", "what": {"skus": ["hunter"]},
        "effect": {
            "give": {"points": HUNTER_POINTS, "money_rate": str(HUNTER_MONEY / 100 / HUNTER_POINTS)},
            "per": "unit", "to": {"fund": "forest-animals"}, "from": "funders",
        },
        "funding": [
            {"party": "retail-nsk", "share": "0.333333"}, {"party": "hunter-foods", "share": "0.666667"},
        ],
        "limits": {"budget": {"money": budget}},
    }  # fmt: skip


TEA_CAMPAIGN: dict[str, Any] = {
    "campaign": "tea", "programme": "club", "kind": "bonus", "what": {"skus": ["tea"]}, "who": {"card": "required"},
    "effect": {"earn": {"points": TEA}, "per": "unit", "pending_days": TEA_WAITS_DAYS},
    "limits": {"units": TEA_UNITS, "per_card": TEA_PER_CARD},
}  # fmt: skip
OWN_CAMPAIGN: dict[str, Any] = {
    "campaign": "own", "programme": "club", "kind": "donation",
    "effect": {
        "give": {"points": OWN, "money_rate": "0.10"}, "to": {"fund": "forest-animals"}, "from": "shopper-points",
    },
    "funding": [{"party": "retail-nsk", "share": "1"}],
}  # fmt: skip
ROUND_UP: dict[str, Any] = {
    **make.ROUND_UP,
    "effect": {
        "give": {"round_up_to": ROUND_TO}, "to": {"fund": "forest-animals"}, "from": "shopper-money",
    },
}  # fmt: skip


async def found(address: Address, budget: int) -> None:
    """The office's records, as an import writes them, and the first rulebook."""
    members = sorted(set(CARDS.values()))
    connection = await asyncpg.connect(**address.arguments())
    try:
        await connection.executemany(
            "INSERT INTO party (id, kind, name) VALUES ($1, $2, $3)",
            [
                (party, kind, orjson.dumps(name).decode())
                for party, kind, name in (*PARTIES, ("retail-omsk", "retailer", "Омск"))
            ],
        )
        document = orjson.dumps(programme(owes=True)).decode()
        await connection.execute(
            "INSERT INTO programme (id, document) VALUES ('club', $1)", document
        )
        await connection.executemany(
            "INSERT INTO store (id, retailer, region, time_zone, currency, language, programme)"
            " VALUES ($1, $2, 'siberia', 'Asia/Novosibirsk', 'RUB', 'ru', 'club')",
            [*RETAILERS.items()],
        )
        await connection.executemany(
            "INSERT INTO member (id, ref) VALUES ($1, $1)", sorted({(ref,) for ref, _ in members})
        )
        await connection.executemany(
            "INSERT INTO card (card, member, position, status) VALUES ($1, $2, $3, $4)",
            [(card, ref, n, status) for n, (card, (ref, status)) in enumerate(CARDS.items())],
        )
        await connection.execute("UPDATE office_version SET version = version + 1")
    finally:
        await connection.close()


@dataclass
class World:
    """A service that a test talks to. `now`: by the stores' clock, without its zone."""

    address: Address
    now: datetime
    budget: int
    versions: dict[str, int] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    """Of holds by their place in the log."""
    quotes: list[Made] = field(default_factory=list)
    writers: list[Writer] = field(default_factory=list)
    database: Database = field(init=False)
    quoting: Quoting = field(init=False)
    reader: asyncpg.Connection = field(init=False)

    def clock(self) -> datetime:
        return (self.now - ZONE).replace(tzinfo=UTC)

    async def open(self, writers: int = 1, **settings: Any) -> None:
        """Founded, with a writer or more."""
        await found(self.address, self.budget)
        self.database = Database(self.address, pool_size=2)
        self.reader = await asyncpg.connect(**self.address.arguments())
        self.quoting = Quoting(self.database, Reader(Rulebooks()), QUOTE_TTL_S, clock=self.clock)
        self.writers = [await self.writer(**settings) for _ in range(writers)]
        published = await self.submit(self._publication(None))
        assert isinstance(published, Published), published

    async def writer(self, **settings: Any) -> Writer:
        started = Writer(self.database, Directory(), Rulebooks(), clock=self.clock, **settings)
        await started.start()
        return started

    async def crash(self) -> None:
        """The first writer dies where it stands, and another one starts. Nobody hears from the first again."""
        dead = self.writers[0]
        assert dead._task is not None
        dead._task.cancel()
        with suppress(asyncio.CancelledError):
            await dead._task
        dead._ahead.stop()
        if dead._overdue_check is not None:
            dead._overdue_check.cancel()
        if dead._connection is not None:
            dead._connection.terminate()
        self.writers[0] = await self.writer()

    async def close(self) -> None:
        for writer in self.writers:
            await writer.stop()
        await self.reader.close()
        await self.database.close()

    async def submit(self, submission: Submission) -> Decision:
        return (await self.writers[0].submit(submission)).decision

    def learn(self, event: said.Event, decision: Decision) -> None:
        """Remember by what name a hold is known."""
        if isinstance(event, said.Hold) and isinstance(decision, (Moved, Recalled)):
            self.ids[decision.movement.log_index] = decision.movement.id

    async def size(self) -> int:
        return int(await self.reader.fetchval("SELECT size FROM log_head"))

    async def quote(self, sale: said.Sale) -> dict[str, Any]:
        """What a sale would come to, in the words of `Model.quote`."""
        try:
            made = await self.quoting.make(self.checkout(sale))
        except DomainError as error:
            return {"refused": error.code, **members_of(error.members)}
        self.quotes.append(made)
        return {"redeemable": made.redeemable, "to_pay": made.recorded.outcome.to_pay}

    async def rehearse(self, event: said.Sale | said.Void | said.Return) -> dict[str, Any]:
        """What a till in training is told."""
        training = Training(self.quoting)
        try:
            match event:
                case said.Sale():
                    return recorded_told((await training.sale(self.checkout(event))).recorded)
                case said.Void(sale):
                    return recorded_told(await training.act(Void(natural(sale))))
                case said.Return():
                    return recorded_told(await training.act(returned(event)))
        except DomainError as error:
            return {"refused": error.code, **members_of(error.members)}

    # --- the model's events as the service's ---

    async def submission(self, event: said.Event, key: str | None) -> Submission:
        """What a channel would hand to the writer."""
        if isinstance(event, said.Publish):
            return self._publication(event)
        return Submission.of(await self._event(event), key)

    async def _event(self, event: said.Event) -> Event:
        found: Event
        match event:
            case said.Sale():
                found = self.checkout(event)
            case said.Void(sale):
                found = Void(natural(sale))
            case said.Return():
                found = returned(event)
            case said.Hold(store, till, card, points, ttl_s):
                ref, status = CARDS.get(card, (None, "unknown"))
                found = Hold((store, till), card, status, ref, points, ttl_s)
            case said.Release(hold, expired):
                found = Release(hold, expired)
            case said.Adjust() | said.Give() | said.Transfer():
                found = await self._placed(event)
            case said.Days(card, on):
                found = LotsDue(CARDS[card][0], "club", on.date())
            case said.Publish():
                raise AssertionError(event)
        return found

    async def _placed(self, event: said.Adjust | said.Give | said.Transfer) -> Event:
        """What is asked for with a card, by today's records."""
        async with self.database.read() as tx:
            match event:
                case said.Adjust(card, points):
                    wish = adjustments.Wish(card, points, "why not", "retail-nsk", None)
                    return await adjustments.placed(tx, wish, self.clock())
                case said.Give(store, card, points):
                    gift = gifts.Wish(card, points, "own", None, store)
                    return await gifts.placed(tx, gift, self.clock())
                case said.Transfer(card, to, points):
                    leave = transfers.Wish(card, to, points, "why not", None)
                    return await transfers.placed(tx, leave, self.clock())

    def checkout(self, sale: said.Sale) -> Checkout:
        """As a till sends it."""
        store, till, day, sequence = sale.name
        more: dict[str, Any] = {}
        if sale.redeem:
            more["redeem"] = {"max": True} if sale.redeem == said.MOST else {"points": sale.redeem}
        if sale.hold is not None:
            more["hold"] = self.ids.get(sale.hold, NO_SUCH_PLACE)
        if sale.quote is not None:
            more["quote"] = self.quotes[sale.quote].token
        if sale.fiscal is not None:
            more["fiscal"] = {"fn": "9999078900004312", "i": sale.fiscal, "fp": "2926563744"}
        gifts_ = [
            {"offer": g.offer, "accepted": g.accepted}
            | ({} if g.amount is None else {"amount": g.amount})
            for g in sale.gifts
        ]
        lines = [
            {
                "line": one.number,
                "sku": one.sku,
                "quantity": decimal(one.quantity),
                "amount": one.amount,
            }
            for one in sale.lines
        ]
        return make.checkout(
            store=store, till=till, business_day=day, sequence=sequence, card=sale.card, lines=lines,
            total=sale.total, occurred_at=f"{sale.at.isoformat()}+07:00", gifts=gifts_, offline=sale.offline, **more,
        )  # fmt: skip

    def _publication(self, change: said.Publish | None) -> Submission:
        since = None if change is None else self.clock().replace(microsecond=0)
        items: tuple[Item, ...]
        if change is None:
            documents = (base(1), hunter(self.budget), TEA_CAMPAIGN, OWN_CAMPAIGN, ROUND_UP)
            items = (
                PublishedProgramme("club", 1, None, programme(owes=True)),
                *[PublishedCampaign(str(each["campaign"]), 1, None, each) for each in documents],
            )
        elif change.term == "owes":
            version = self._next("club")
            items = (
                PublishedProgramme("club", version, since, programme(owes=bool(change.value))),
            )
        else:
            document = base(change.value) if change.term == "rate" else hunter(change.value)
            campaign = str(document["campaign"])
            items = (PublishedCampaign(campaign, self._next(campaign), since, document),)
        return Submission.of(Publish(Change(items).canonical()))

    def _next(self, what: str) -> int:
        self.versions[what] = self.versions.get(what, 1) + 1
        return self.versions[what]


def natural(name: said.Name) -> NaturalKey:
    return NaturalKey(name[0], name[1], date.fromisoformat(name[2]), name[3])


def returned(goods: said.Return) -> Return:
    """As a till sends it."""
    back = [ReturnedLine(one.line, int(one.quantity * MICRO), one.amount) for one in goods.lines]
    original = None if goods.original is None else natural(goods.original)
    return Return(
        natural(goods.name), utc(goods.at), original, tuple(back), goods.total, goods.offline
    )


def utc(at: datetime) -> datetime:
    return (at - ZONE).replace(tzinfo=UTC)


def decimal(quantity: Fraction) -> str:
    return f"{float(quantity):.6f}"
