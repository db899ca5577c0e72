"""A campaign that gave something for a sale, judged again on the goods that are left of it.

It is judged in its own right, by its version and the facts of the sale: whether what is left still meets its thresholds
(least quantity and amount, goods beside, condition), and what it gives for that, within its own limits of one basket.
What does not hang on the goods stays as it was then: who bought, where, when and on which visit. What others in its
group would do now, and what is left of budgets, is not asked.
"""

from collections.abc import Sequence

from lepta.rules import measure
from lepta.rules.awards import Refusal, Sale, wished
from lepta.rules.campaign import Campaign, Goods
from lepta.rules.context import Context
from lepta.rules.facts import NO_PAST, Facts
from lepta.rules.granting import Grant, within_basket
from lepta.rules.programme import Programme

NOTHING = Grant(0, 0, 0)


def judged_again(
    campaign: Campaign, programme: Programme, facts: Facts, net_minor: Sequence[int]
) -> Grant:
    """What it gives for the lines of `facts`; `net_minor`: their amounts after redemption."""
    if campaign.by_tier:
        assert facts.shopper is not None, campaign.id
        assert facts.shopper.tier is not None, campaign.id
        campaign = campaign.by_tier[facts.shopper.tier]
    positions: Sequence[int] = _covered(facts, campaign.goods)
    beside = campaign.goods.beside
    if not positions or (beside is not None and not _costs(facts, _covered(facts, beside))):
        return NOTHING
    if campaign.condition is not None:
        positions, why = Context(facts, NO_PAST).kept(campaign.condition, positions)
        if why:
            return NOTHING
    gross = [line.amount_minor for line in facts.lines]
    sale = Sale(facts, programme, gross, net_minor, 0, {}, [], [], NO_PAST)
    sized = wished(sale, campaign, positions)
    if isinstance(sized, Refusal):
        return NOTHING
    return within_basket(programme, campaign, campaign.limits, sized[0])


def _covered(facts: Facts, goods: Goods) -> list[int]:
    """Positions of the lines that it is about, without those of which nothing is left."""
    return [
        n
        for n, line in enumerate(facts.lines)
        if line.is_goods and (line.quantity_micro or line.amount_minor) and goods.covers(line)
    ]


def _costs(facts: Facts, positions: Sequence[int]) -> bool:
    """Whether some SKU there costs something: see `matching`."""
    amounts = [line.amount_minor for line in facts.lines]
    return bool(positions) and bool(measure.amounts(facts.lines, positions, amounts))
