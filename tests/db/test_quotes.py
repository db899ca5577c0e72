"""Quotes and the sales that name them, by the real writer. Every test's ledger is verified and decided again."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from small_ledger import tampered
from test_statements import MOST_STATEMENTS
from test_writer import send, writer_on

import make
from databases import held_head
from lepta.db import Address, Database
from lepta.errors import DomainError
from lepta.processing.decide import Accepted, Decision, Published
from lepta.processing.events import InsufficientPoints, KeyReused, Publish, QuoteStale
from lepta.processing.quoting import Made, Quoting
from lepta.processing.reading import Reader
from lepta.processing.recognition import Refused, Repeated
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from lepta.rules.rulebook import Change, Item, Paused, PublishedCampaign
from lepta.simulation.plan import Span
from lepta.simulation.simulate import simulate

TTL_S = 600
BETWEEN = datetime(2026, 11, 22, 11, 10, tzinfo=UTC)
"""Before the sales of `make`, which are sold at 11:15:03 UTC and come in a second later."""


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = make.NOON

    def __call__(self) -> datetime:
        return self.at

    def later(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def quoting_on(address: Address, clock: Clock) -> AsyncIterator[Quoting]:
    """A process that only makes quotes."""
    database = Database(address)
    yield Quoting(database, Reader(Rulebooks()), TTL_S, clock=clock)
    await database.close()


@pytest.fixture
async def quoting(shop: Address, clock: Clock) -> AsyncIterator[Quoting]:
    async with quoting_on(shop, clock) as made:
        yield made


@pytest.fixture
async def writer(shop: Address, clock: Clock) -> AsyncIterator[Writer]:
    async with writer_on(shop, clock=clock) as started:
        yield started


async def ask(quoting: Quoting, **sale: Any) -> Made:
    return await quoting.make(make.checkout(**sale))


async def publish(writer: Writer, *documents: dict[str, Any]) -> None:
    decided = await writer.submit(Submission.of(Publish(make.change(*documents))))
    assert isinstance(decided.decision, Published), decided.decision


async def publish_next(writer: Writer, *items: Item) -> None:
    decided = await writer.submit(Submission.of(Publish(Change(items).canonical())))
    assert isinstance(decided.decision, Published), decided.decision


def version(number: int, document: dict[str, Any]) -> PublishedCampaign:
    return PublishedCampaign(document["campaign"], number, BETWEEN, document)


def refusal(decision: Decision, why: type[DomainError] = QuoteStale) -> DomainError:
    assert isinstance(decision, Refused), decision
    assert isinstance(decision.error, why), decision.error
    return decision.error


def because(decision: Decision) -> str:
    return str(refusal(decision).members["because"])


def accepted(decision: Decision) -> Accepted:
    assert isinstance(decision, Accepted), decision
    return decision


def earned(decision: Decision) -> int:
    return accepted(decision).recorded.outcome.points.earned


async def rows(address: Address) -> dict[str, int]:
    """Rows of every table, and the head's size."""
    connection = await asyncpg.connect(**address.arguments())
    names = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    )
    found = {n: await connection.fetchval(f'SELECT count(*) FROM "{n}"') for (n,) in names}
    found["size"] = await connection.fetchval("SELECT size FROM log_head")
    await connection.close()
    return found


DOUBLED = {**make.BASE, "effect": {"earn": {"points": 2, "per_amount": 2000}, "per": "basket"}}
OWN_POINTS = {
    "campaign": "own-points", "programme": "club", "kind": "donation",
    "effect": {"give": {"points": 3, "money_rate": "0.10"}, "to": {"fund": "forest-animals"}, "from": "shopper-points"},
}  # fmt: skip
MATCHED = {
    **make.ROUND_UP, "campaign": "matched",
    "effect": {"give": {"rate": "0.01"}, "per": "amount", "to": {"fund": "forest-animals"}, "from": "shopper-money"},
    "match": {"funding": [{"party": "retail-nsk", "share": "1"}], "ratio": "1", "budget": {"money": 900}},
}  # fmt: skip
FIFTH = {
    "campaign": "third-visit", "programme": "club", "kind": "bonus", "who": {"card": "required"},
    "effect": {"earn": {"points": 30}, "per": "visit", "nth_visit": 3},
}  # fmt: skip
FEW = {**make.HUNTER, "limits": {"units": 40, "per_basket": 5, "per_card": 30}}
TWICE = {
    "campaign": "twice", "programme": "club", "kind": "bonus", "who": {"card": "required"},
    "effect": {"earn": {"multiply": "2"}}, "when": "basket.total >= 30000 || member.points > 60",
    "limits": {"budget": {"points": 200}},
}  # fmt: skip
ALL = (make.BASE, FEW, make.ROUND_UP, OWN_POINTS, MATCHED, FIFTH, TWICE)


def basket(dice: random.Random) -> dict[str, Any]:
    """A sale of a few lines, a card or none, points spent or not, gifts answered or not."""
    lines = [
        make.line(n + 1, dice.choice([900, 2_000, 25_900, 40_050]), sku=dice.choice([make.HUNTER_SKU, "1"]))
        | {"quantity": dice.choice(["1", "3", "0.345"])}
        for n in range(dice.randint(1, 4))
    ]  # fmt: skip
    gifts = [
        {"offer": offer, "accepted": dice.random() < 0.7}
        for offer in ("round-up", "own-points", "matched", "nobody")
        if dice.random() < 0.3
    ]
    redeem = dice.choice([None, None, {"max": True}, {"points": 0}])
    card = dice.choice([make.CARD, make.CARD, make.CARD, None, "unknown"])
    day = dice.choice(["2026-11-22", "2026-11-23", "2026-11-24"])
    return {"lines": lines, "gifts": gifts, "redeem": redeem, "card": card, "business_day": day}


@pytest.mark.parametrize("seed", range(3))
async def test_a_sale_that_names_its_quote_is_what_the_quote_said_whatever_the_basket(
    writer: Writer, quoting: Quoting, seed: int
) -> None:
    await publish(writer, *ALL)
    dice = random.Random(seed)
    fired = set()
    for number in range(40):
        sale = {**basket(dice), "sequence": number}
        made = await ask(quoting, **sale)
        sold = accepted(await send(writer, quote=made.token, **sale)).recorded
        assert made.recorded.outcome == sold.outcome, sale
        assert made.recorded.rulebook == sold.rulebook
        assert made.recorded.seen == sold.seen
        fired |= {e.campaign for e in sold.outcome.earned}
        fired |= {d.campaign for d in sold.outcome.donations}
    assert fired == {document["campaign"] for document in ALL}


async def test_a_quote_writes_nothing_and_claims_nothing(
    shop: Address, writer: Writer, quoting: Quoting
) -> None:
    await send(writer, sequence=1)
    before = await rows(shop)
    first, again = await ask(quoting), await ask(quoting)
    assert await rows(shop) == before
    assert first.recorded.outcome == again.recorded.outcome
    assert first.token != again.token, "each with a salt of its own"
    accepted(await send(writer))


async def test_a_quote_waits_for_nobody_who_has_the_head(shop: Address, quoting: Quoting) -> None:
    async with held_head(shop):
        made = await asyncio.wait_for(ask(quoting), 10)
    assert made.recorded.outcome.points.earned == 12


async def test_a_quote_says_the_most_that_may_be_spent(writer: Writer, quoting: Quoting) -> None:
    assert (await ask(quoting)).redeemable == 0
    for number in range(4):
        await send(writer, sequence=number)
    assert (await ask(quoting)).redeemable == 48
    half = await ask(quoting, lines=[make.line(amount=900)])
    assert half.redeemable == 45, "no more than half of the basket"
    assert (await ask(quoting, card=None)).redeemable == 0
    asked = await ask(quoting, redeem={"points": 40})
    assert asked.recorded.outcome.to_pay == 25_900 - 400
    assert asked.redeemable == 48
    with pytest.raises(InsufficientPoints):
        await ask(quoting, redeem={"points": 49})


@pytest.mark.edge_case(52, 53)
async def test_offers_are_made_once_and_not_where_nothing_is_to_be_given(
    writer: Writer, quoting: Quoting
) -> None:
    await publish(writer, make.BASE, make.ROUND_UP, OWN_POINTS)
    await send(writer, sequence=1)
    await send(writer, sequence=2)
    made = await ask(quoting, lines=[make.line(amount=25_940)])
    offers = {offer.campaign: tuple(offer[2:]) for offer in made.offers}
    assert offers == {"round-up": (60, 0), "own-points": (0, 3)}
    round_ = await ask(quoting, lines=[make.line(amount=26_000)])
    assert [offer.campaign for offer in round_.offers] == ["own-points"]
    declined = [{"offer": "round-up", "accepted": False}]
    answered = await ask(quoting, lines=[make.line(amount=25_940)], gifts=declined)
    assert [offer.campaign for offer in answered.offers] == ["own-points"]
    anonymous = await ask(quoting, card=None, lines=[make.line(amount=25_940)])
    assert [offer.campaign for offer in anonymous.offers] == ["round-up"]


async def test_the_shopper_may_answer_after_the_quote(writer: Writer, quoting: Quoting) -> None:
    await publish(writer, make.BASE, make.ROUND_UP)
    await send(writer, sequence=1)
    sale: dict[str, Any] = {"lines": [make.line(amount=25_940)]}
    made = await ask(quoting, **sale)
    taken = [{"offer": "round-up", "accepted": True, "amount": 60}]
    sold = accepted(await send(writer, sequence=2, quote=made.token, gifts=taken, **sale))
    assert sold.recorded.outcome.to_pay == 26_000
    paid = await send(writer, sequence=3, quote=made.token, redeem={"points": 10}, **sale)
    assert accepted(paid).recorded.outcome.to_pay == 25_840
    assert accepted(await send(writer, sequence=4, quote=made.token, **sale))


@pytest.mark.edge_case(9, 46)
async def test_what_is_published_after_a_quote_is_not_for_its_sale(
    writer: Writer, quoting: Quoting
) -> None:
    made = await ask(quoting)
    await publish_next(writer, version(2, DOUBLED), Paused("hunter-forest", BETWEEN))
    quoted = await send(writer, sequence=1, quote=made.token)
    plain = await send(writer, sequence=2)
    anew = await ask(quoting)
    assert (earned(quoted), earned(plain)) == (12, 24)
    assert accepted(quoted).recorded.outcome == made.recorded.outcome
    assert accepted(quoted).recorded.rulebook == accepted(plain).recorded.rulebook - 1
    assert anew.recorded.outcome.points.earned == 24
    again = await send(writer, sequence=1, quote=made.token)
    assert isinstance(again, Repeated)
    assert again.recorded.rulebook == made.recorded.rulebook


@pytest.mark.edge_case(46)
async def test_a_process_that_starts_after_the_quote_and_kept_no_old_rulebook_honours_it(
    shop: Address, clock: Clock, writer: Writer, quoting: Quoting
) -> None:
    made = await ask(quoting)
    for number in range(2, 5):
        await publish_next(writer, version(number, DOUBLED))
    async with writer_on(shop, clock=clock) as other:
        assert earned(await send(other, sequence=1, quote=made.token)) == 12
    async with writer_on(shop, clock=clock) as other:
        other.rulebooks._former.clear()
        assert earned(await send(other, sequence=2, quote=made.token)) == 12
        assert earned(await send(other, sequence=3)) == 24


@pytest.mark.edge_case(9)
async def test_a_quote_is_valid_up_to_and_including_its_last_second(
    writer: Writer, quoting: Quoting, clock: Clock
) -> None:
    made = await ask(quoting)
    assert made.valid_until == make.NOON + timedelta(seconds=TTL_S)
    clock.later(TTL_S + 0.999)
    accepted(await send(writer, sequence=1, quote=made.token))
    clock.later(0.001)
    late = await send(writer, "k", sequence=2, quote=made.token)
    assert because(late) == "expired"
    assert isinstance(await send(writer, sequence=1, quote=made.token), Repeated)
    again = await send(writer, "k", sequence=2, quote=made.token)
    assert str(refusal(again)) == str(refusal(late))
    accepted(await send(writer, sequence=2))


@pytest.mark.parametrize(
    "other",
    [
        {"lines": [make.line(amount=25_800)]},
        {"lines": [make.line(quantity="2")]},
        {"lines": [make.line(), make.line(2, 100)]},
        {"lines": [make.line(name="Пельмени")]},
        {"total": 25_800},
        {"card": None},
        {"card": "2900000000025"},
        {"till": "4"},
        {"business_day": "2026-11-23"},
    ],
)
@pytest.mark.edge_case(9)
async def test_a_quote_is_for_its_own_basket(
    writer: Writer, quoting: Quoting, other: dict[str, Any]
) -> None:
    made = await ask(quoting)
    assert because(await send(writer, quote=made.token, **other)) == "basket"
    accepted(await send(writer, quote=made.token))


async def test_what_is_not_known_before_the_sale_may_be_any(
    writer: Writer, quoting: Quoting
) -> None:
    made = await ask(quoting)
    fiscal = {"fn": "9999078900004312", "i": 1234, "fp": "2926563744"}
    sold = await send(
        writer, quote=made.token, sequence=5, fiscal=fiscal, occurred_at="2026-11-22T18:16:00+07:00"
    )
    assert accepted(sold).recorded.outcome == made.recorded.outcome
    by_fiscal = await send(
        writer, quote=made.token, sequence=6, fiscal=fiscal, occurred_at="2026-11-22T18:16:00+07:00"
    )
    assert isinstance(by_fiscal, Repeated)


async def test_a_sale_sent_again_without_its_quote_is_another_sale(
    writer: Writer, quoting: Quoting
) -> None:
    made, other = await ask(quoting), await ask(quoting)
    accepted(await send(writer, quote=made.token))
    refusal(await send(writer), KeyReused)
    refusal(await send(writer, quote=other.token), KeyReused)
    assert isinstance(await send(writer, quote=made.token), Repeated)


@pytest.mark.edge_case(33, 51)
async def test_of_two_tills_that_were_quoted_the_last_unit_one_gets_it(
    shop: Address, writer: Writer, quoting: Quoting, clock: Clock
) -> None:
    await publish(writer, make.BASE, {**make.HUNTER, "limits": {"units": 1}})
    one, two = await ask(quoting), await ask(quoting, till="4")
    assert one.recorded.outcome.donations[0].units == two.recorded.outcome.donations[0].units == 1
    async with writer_on(shop, clock=clock) as other:
        decisions = await asyncio.gather(
            send(writer, quote=one.token), send(other, quote=two.token, till="4")
        )
    (refused,) = [d for d in decisions if isinstance(d, Refused)]
    assert because(refused) == "outcome"
    anew = await ask(quoting, till="5")
    assert not anew.recorded.outcome.donations


async def test_in_one_batch_the_second_finds_the_budget_used_up(
    shop: Address, writer: Writer, quoting: Quoting
) -> None:
    await publish(writer, make.BASE, {**make.HUNTER, "limits": {"budget": {"money": 700}}})
    made = await ask(quoting)
    async with held_head(shop):
        asked = [
            asyncio.ensure_future(send(writer, sequence=n, quote=made.token)) for n in range(3)
        ]
        await asyncio.sleep(0.1)
    decisions = await asyncio.gather(*asked)
    assert [type(d) for d in decisions] == [Accepted, Refused, Refused]
    assert {because(d) for d in decisions[1:]} == {"outcome"}


@pytest.mark.parametrize(
    "was, by_then",
    [
        ({"units": 100}, {"units": 1}),
        ({"budget": {"money": 9_000}}, {"budget": {"money": 600}}),
        ({"budget": {"points": 900}}, {"budget": {"points": 60}}),
        ({"per_card": 9}, {"per_card": 1}),
        ({"per_card_day": 9}, {"per_card_day": 1}),
    ],
)
@pytest.mark.edge_case(38)
async def test_a_limit_that_was_lowered_since_the_quote_holds_all_the_same(
    writer: Writer, quoting: Quoting, was: dict[str, Any], by_then: dict[str, Any]
) -> None:
    limited = {**make.HUNTER, "campaign": "limited"}
    await publish(writer, make.BASE, {**limited, "limits": was})
    first, second = await ask(quoting), await ask(quoting, till="4")
    await publish_next(writer, version(2, {**limited, "limits": by_then}))
    sold = accepted(await send(writer, quote=first.token))
    assert sold.recorded.outcome == first.recorded.outcome, "as quoted, while it fits"
    assert because(await send(writer, quote=second.token, till="4")) == "outcome"
    plain = accepted(await send(writer, till="4"))
    given = {d.campaign: d.money for d in plain.recorded.outcome.donations}
    assert given["hunter-forest"] == 500
    assert given.get("limited", 0) <= 100


async def test_a_budget_of_a_funder_and_of_who_matches_that_were_lowered_hold_too(
    writer: Writer, quoting: Quoting
) -> None:
    rich = [{**make.HUNTER["funding"][0], "budget": {"money": 300}}, make.HUNTER["funding"][1]]
    less = {**MATCHED, "match": {**MATCHED["match"], "budget": {"money": 100}}}
    await publish(writer, make.BASE, make.HUNTER, MATCHED)
    gift: dict[str, Any] = {"gifts": [{"offer": "matched", "accepted": True}]}
    made = await ask(quoting, **gift)
    await publish_next(writer, version(2, {**make.HUNTER, "funding": rich}), version(2, less))
    assert because(await send(writer, quote=made.token, **gift)) == "outcome"
    sold = accepted(await send(writer, sequence=1, quote=(await ask(quoting)).token))
    assert sold.recorded.outcome.donations[0].money == 500
    plain = accepted(await send(writer, sequence=2, quote=(await ask(quoting)).token))
    assert plain.recorded.outcome.donations == ()


async def test_a_limit_that_was_raised_since_does_not_make_a_quote_stale(
    writer: Writer, quoting: Quoting
) -> None:
    await publish(writer, make.BASE, {**make.HUNTER, "limits": {"units": 1}})
    pair: dict[str, Any] = {"lines": [make.line(quantity="2")]}
    made = await ask(quoting, **pair)
    await publish_next(writer, version(2, {**make.HUNTER, "limits": {"units": 100}}))
    sold = accepted(await send(writer, quote=made.token, **pair))
    assert sold.recorded.outcome == made.recorded.outcome
    assert sold.recorded.outcome.donations[0].units == 1


async def test_points_spent_elsewhere_since_the_quote_make_it_stale(
    writer: Writer, quoting: Quoting
) -> None:
    await send(writer, sequence=1)
    spends: dict[str, Any] = {"redeem": {"points": 10}}
    asked, told = await ask(quoting, **spends), await ask(quoting, till="4")
    assert told.redeemable == 12
    refusal(
        await send(writer, till="4", quote=told.token, redeem={"points": 13}), InsufficientPoints
    )
    await send(writer, sequence=2, lines=[make.line(amount=100)], redeem={"points": 5})
    stale = refusal(await send(writer, sequence=3, quote=asked.token, **spends))
    assert stale.members == {"because": "points", "redeemable": 7}
    stale = refusal(await send(writer, till="4", quote=told.token, redeem={"points": 12}))
    assert stale.members == {"because": "points", "redeemable": 7}
    sold = await send(writer, till="4", quote=told.token, redeem={"points": 7})
    assert accepted(sold).recorded.outcome.points.redeemed == 7


async def test_a_gift_is_taken_as_it_was_quoted(writer: Writer, quoting: Quoting) -> None:
    await publish(writer, make.BASE, make.ROUND_UP)
    sale: dict[str, Any] = {"lines": [make.line(amount=25_940)]}
    made = await ask(quoting, **sale)
    other = [{"offer": "round-up", "accepted": True, "amount": 600}]
    stale = refusal(await send(writer, quote=made.token, gifts=other, **sale))
    assert stale.members["because"] == "gift"


async def test_a_sale_that_is_over_is_decided_by_its_quote_if_that_was_valid_then(
    writer: Writer, quoting: Quoting, clock: Clock
) -> None:
    made = await ask(quoting)
    await publish_next(writer, version(2, DOUBLED))
    clock.later(86_400)
    honoured = accepted(await send(writer, sequence=1, quote=made.token, offline=True))
    after = accepted(await send(
        writer, sequence=2, quote=made.token, offline=True, occurred_at="2026-11-22T18:25:05+07:00"
    ))  # fmt: skip
    assert (earned(honoured), earned(after)) == (12, 24)
    assert "quote-stale" not in honoured.recorded.outcome.flags
    assert "quote-stale" in after.recorded.outcome.flags


@pytest.mark.parametrize("token", ["", "q1", "я", "A" * 200, "=", "x y"])
async def test_what_is_no_quote_is_refused_and_of_a_sale_that_is_over_flagged(
    writer: Writer, token: str
) -> None:
    assert because(await send(writer, quote=token)) == "unknown"
    over = accepted(await send(writer, quote=token, offline=True))
    assert over.recorded.outcome.flags == ("quote-stale",)
    assert earned(over) == 12
    assert isinstance(await send(writer, quote=token), Repeated)


async def test_of_a_sale_that_is_over_what_no_limit_leaves_any_more_is_not_given_and_flagged(
    writer: Writer, quoting: Quoting
) -> None:
    await publish(writer, make.BASE, {**make.HUNTER, "limits": {"units": 1}})
    made = await ask(quoting)
    await send(writer, sequence=1)
    over = accepted(await send(writer, sequence=2, quote=made.token, offline=True))
    assert over.recorded.outcome.donations == ()
    assert over.recorded.outcome.flags == ("quote-stale",)


async def test_a_card_that_was_blocked_since_the_quote_is_not_served_by_it(
    shop: Address, writer: Writer, quoting: Quoting
) -> None:
    made = await ask(quoting)
    connection = await asyncpg.connect(**shop.arguments())
    await connection.execute("UPDATE card SET status = 'blocked'")
    await connection.close()
    assert because(await send(writer, quote=made.token)) == "outcome"


async def test_a_quote_of_another_deployment_is_none_of_ours(
    writer: Writer, quoting: Quoting, other_shop: Address, clock: Clock
) -> None:
    # Databases of the tests are copies of one: in truth each has a secret of its own.
    connection = await asyncpg.connect(**other_shop.arguments())
    await connection.execute("UPDATE quote_secret SET secret = sha256(secret)")
    await connection.close()
    async with quoting_on(other_shop, clock) as elsewhere:
        made = await ask(elsewhere)
    assert because(await send(writer, quote=made.token)) == "unknown"


async def test_quotes_at_once_disturb_neither_each_other_nor_sales(
    writer: Writer, quoting: Quoting
) -> None:
    sales = [send(writer, sequence=n) for n in range(30)]
    quotes = [ask(quoting, till=str(n)) for n in range(30)]
    decisions, made = await asyncio.gather(asyncio.gather(*sales), asyncio.gather(*quotes))
    assert all(isinstance(decision, Accepted) for decision in decisions)
    assert {one.recorded.outcome.points.earned for one in made} == {12}


RECEIVED_S = int(make.NOON.timestamp())


@pytest.mark.parametrize(
    "change, what",
    [
        (lambda leaf: leaf.pop("quote"), "names another rulebook than the newest"),
        (lambda leaf: leaf.update(quote=RECEIVED_S - 1), "by a quote that had expired"),
        (lambda leaf: leaf.update(rulebook=9), "a rulebook that was not published yet"),
        (lambda leaf: leaf["basket"].pop("quote"), "by a quote that its basket does not name"),
        (lambda leaf: leaf.update(quote=str(RECEIVED_S)), "cannot be read"),
        (lambda leaf: leaf.update(rulebook=2), "deciding again gives another"),
    ],
)
async def test_a_leaf_that_claims_a_quote_which_it_cannot_have_had_is_found(
    shop: Address,
    server: Address,
    clock: Clock,
    change: Callable[[dict[str, Any]], Any],
    what: str,
) -> None:
    async with quoting_on(shop, clock) as quoting, writer_on(shop, clock=clock) as writer:
        made = await ask(quoting)
        await publish_next(writer, version(2, DOUBLED))
        sold = accepted(await send(writer, quote=made.token)).recorded
        await send(writer, sequence=1)
    async with tampered(server, shop.database) as copy:
        await copy.rewrite(sold.log_index, change)
        found = await copy.faults(replay=True)
    assert [fault for fault in found if what in fault], found


async def test_a_back_test_takes_a_quoted_sale_by_the_rules_that_decided_it(
    shop: Address, clock: Clock
) -> None:
    async with quoting_on(shop, clock) as quoting, writer_on(shop, clock=clock) as writer:
        made = await ask(quoting)
        await publish_next(writer, version(2, DOUBLED))
        await send(writer, sequence=1)
        await send(writer, sequence=2, quote=made.token)
        await send(writer, sequence=3)
    more = {**DOUBLED, "campaign": "more", "stacking": {"group": "base"}}
    report = await simulate(shop, [more], Span(make.DAY, make.DAY))
    [told] = report.document["campaigns"]
    assert report.document["receipts"]["looked_at"] == 3
    assert told["points"] == 3 * 24
    assert report.document["others"] == [], "the others give what they gave"


async def test_quoted_sales_take_no_more_statements_than_others(
    writer: Writer, quoting: Quoting, shop: Address
) -> None:
    made = await ask(quoting, card=None)
    await send(writer, sequence=100, card=None, quote=made.token)
    heard: list[str] = []
    connection = writer._connection
    assert connection is not None
    connection.add_query_logger(lambda record: heard.append(record.query))
    async with held_head(shop):
        asked = [
            asyncio.ensure_future(send(writer, sequence=n, card=None, quote=made.token))
            for n in range(30)
        ]
        await asyncio.sleep(0.1)
    assert all(isinstance(decision, Accepted) for decision in await asyncio.gather(*asked))
    assert heard.count("COMMIT") == 1
    assert len(heard) <= MOST_STATEMENTS
