"""Campaigns that are judged again when goods come back, by the real writer. Every test's ledger is verified and decided
again.
"""

from typing import Any

import pytest
from test_writer import send, writer_on

import make
from lepta.db import Address
from lepta.ledger.entries import Code
from lepta.processing.decide import Accepted, Decision
from lepta.processing.events import Publish
from lepta.processing.reversed import Because
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from lepta.rules.rulebook import Change, PublishedCampaign
from reversing import goods, moved, publish, returning, reversed_by, rows, state, tell, void

FROM_500: dict[str, Any] = {
    "campaign": "from-500", "programme": "club", "kind": "bonus", "what": {"min_amount": 50_000},
    "effect": {"earn": {"points": 40}}, "thresholds": "re-evaluate",
    "limits": {"units": 9, "budget": {"points": 100}},
    "funding": [{"party": "hunter-foods", "share": "0.5"}, {"party": "retail-nsk", "share": "0.5"}],
}  # fmt: skip
TEA_GIFT: dict[str, Any] = {
    "campaign": "tea-gift", "programme": "club", "title": {"en": "Tea"}, "kind": "donation",
    "when": "basket.total >= 40000",
    "effect": {"give": {"points": 9, "money_rate": "0.10"}, "per": "basket", "to": {"fund": "forest-animals"}},
    "funding": [{"party": "hunter-foods", "share": "1"}], "thresholds": "re-evaluate",
}  # fmt: skip
THREE: dict[str, Any] = {"lines": [make.line(1, 60_000, sku="tea", quantity="3")]}
PACK = goods(1, "1", 20_000)


async def sell(writer: Writer, sequence: int = 1) -> Accepted:
    sold = await send(writer, sequence=sequence, **THREE)
    assert isinstance(sold, Accepted), sold
    return sold


def taken(decision: Decision) -> int:
    """Points of the campaign that went back."""
    return sum(each.points for each in reversed_by(decision).earned if each.campaign == "from-500")


@pytest.mark.edge_case(17, 35)
async def test_a_sale_that_falls_below_a_threshold_loses_what_it_gave_and_its_limits_are_free_again(
    shop: Address,
) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, FROM_500, TEA_GIFT)
        await send(writer, sequence=1)
        before = await state(shop)
        sold = await sell(writer, 2)
        first = moved(await tell(writer, returning(1, 2, [PACK])))
        used = await rows(
            shop, "SELECT counter FROM budget WHERE counter LIKE 'from-500%' AND used > 0"
        )
        second = moved(await tell(writer, returning(2, 2, [PACK])))
        last = moved(await tell(writer, returning(3, 2, [PACK])))
    earned = {each.campaign: each.points for each in sold.recorded.outcome.earned}
    assert earned == {"base": 30, "from-500": 40}
    assert [taken(one) for one in (first, second, last)] == [40, 0, 0]
    assert [reversed_by(one).clawed_back for one in (first, second, last)] == [50, 10, 10]
    assert used == []
    gone = [[(d.money, d.because) for d in reversed_by(one).donations] for one in (first, second)]
    assert gone == [[], [(90, Because.JUDGED_AGAIN)]]
    assert reversed_by(last).donations == ()
    assert await state(shop) == before


@pytest.mark.edge_case(20)
async def test_the_version_that_gave_it_judges_it_whatever_was_published_since(
    shop: Address,
) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, FROM_500)
        await sell(writer)
        for version, least in ((2, 10_000), (3, 99_000)):
            newer = {**FROM_500, "what": {"min_amount": least}, "thresholds": "prorate"}
            item = PublishedCampaign("from-500", version, None, newer)
            await writer.submit(Submission.of(Publish(Change((item,)).canonical())))
    async with writer_on(shop) as writer:
        back = moved(await tell(writer, returning(1, 1, [PACK])))
    assert taken(back) == 40
    shares = await rows(
        shop,
        "SELECT a.ref, e.amount FROM entry e JOIN account a ON a.id = e.credit"
        f" WHERE e.code = {int(Code.CLAW_BACK)} ORDER BY 1",
    )
    assert shares == [("hunter-foods", 20), ("retail-nsk", 30)]


async def test_a_void_after_a_return_takes_the_rest_of_a_campaign_that_is_judged_again(
    shop: Address,
) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, {**FROM_500, "what": {"min_amount": 30_000}})
        await send(writer, sequence=9)
        before = await state(shop)
        await sell(writer)
        kept = moved(await tell(writer, returning(1, 1, [PACK])))
        rest = moved(await void(writer, 1))
    assert (taken(kept), taken(rest)) == (0, 40)
    assert await state(shop) == before
