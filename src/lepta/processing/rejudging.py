"""Campaigns that are judged again when some goods of a sale come back: what they give for the goods that are left."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lepta.processing.leaf import Recorded
from lepta.processing.proration import Goods
from lepta.processing.sight import facts_of
from lepta.rules import redemption
from lepta.rules.again import judged_again
from lepta.rules.campaign import Campaign
from lepta.rules.facts import Facts
from lepta.rules.granting import Grant
from lepta.rules.programme import Programme
from lepta.rules.rulebook import Rulebook
from lepta.values import value


@value
class Bench:
    """A sale as the rules saw it, with those of its campaigns that are judged again."""

    facts: Facts
    paid: Sequence[int]
    """What of each line points had paid, minor units."""
    programme: Programme
    campaigns: Mapping[str, Campaign]
    """In the versions that gave something."""

    def left(self, goods: Goods) -> dict[str, Grant]:
        """By campaign what it gives for the goods that are left."""
        lines, paid = list(self.facts.lines), list(self.paid)
        for positions, micro, back in goods.rests():
            amount = _rest(sum([lines[n].amount_minor for n in positions]), *back)
            its_paid = _rest(sum([paid[n] for n in positions]), *back)
            for n in positions:
                lines[n], paid[n] = replace(lines[n], quantity_micro=0, amount_minor=0), 0
            first = positions[0]
            lines[first] = replace(lines[first], quantity_micro=micro, amount_minor=amount)
            paid[first] = its_paid
        net = [line.amount_minor - its for line, its in zip(lines, paid, strict=True)]
        total = sum([line.amount_minor for line in lines])
        facts = replace(self.facts, lines=tuple(lines), total_minor=total)
        return {
            name: judged_again(campaign, self.programme, facts, net)
            for name, campaign in self.campaigns.items()
        }


def bench_of(recorded: Recorded, rulebook: Rulebook) -> Bench | None:
    """None: all that the sale gave goes back in proportion. `rulebook`: the sale's own or a later one, which has all
    versions that the sale's had.
    """
    outcome, event, seen = recorded.outcome, recorded.event, recorded.seen
    versions = {each.campaign: each.again for each in outcome.earned if each.again}
    versions |= {each.campaign: each.again for each in outcome.donations if each.again}
    if not versions:
        return None
    facts = facts_of(event, seen)
    programme = rulebook.programme(seen.store.programme, event.occurred_at)
    paid = redemption.over_lines(programme, facts.lines, outcome.redeemed_money)
    campaigns = {
        name: next(c for c in rulebook.versions(name) if c.version == version)
        for name, version in versions.items()
    }
    return Bench(facts, paid, programme, campaigns)


def _rest(amount: int, numerator: int, denominator: int) -> int:
    """What is left of an amount: what goes back with the goods is rounded down, so an odd unit stays."""
    size = abs(amount)
    left = size - size * numerator // denominator
    return left if amount > 0 else -left
