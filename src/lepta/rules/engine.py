"""The second phase: what the matched campaigns do, in their order, under their limits, each with its reason.

Pure and deterministic: the same sale, counters and rulebook give the same outcome, whatever order the
documents came in. `match` is the first phase; between the two, counters are loaded and points redeemed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lepta.rules.awards import Award, Refusal, Sale, award
from lepta.rules.effects import Donate, Earn, Effect, Offer
from lepta.rules.explanation import Reason, Why
from lepta.rules.gifts import Gifts, gifts_of, offered
from lepta.rules.granting import MAX_GIVEN
from lepta.rules.limits import Counter
from lepta.rules.matching import Candidate, Matched, match

__all__ = ["Matched", "Outcome", "evaluate", "match"]


class Outcome(NamedTuple):
    """What happens to a sale. `reasons` has every campaign considered, in order of evaluation."""

    effects: tuple[Effect, ...]
    offers: tuple[Offer, ...]
    """Open offers; of what may be offered, 0 where the amount due is round already."""
    reasons: tuple[Reason, ...]
    consumed: tuple[tuple[Counter, int], ...]
    """What to add to the counters; each at most once, all above 0."""
    flags: tuple[str, ...]
    gift_differs: tuple[tuple[str, int], ...]
    """(campaign, our figure) of gifts of which the till took another amount."""


@dataclass(slots=True)
class _Run:
    """An evaluation under way."""

    sale: Sale
    gifts: Gifts
    effects: list[Effect] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    consumed: list[tuple[Counter, int]] = field(default_factory=list)
    points: int = 0
    money_minor: int = 0

    def group(self, members: Sequence[Candidate]) -> None:
        """One group: `add` counts, the first `stop` that fires ends it, of all `best` one wins."""
        verdicts: list[Award | Refusal] = []
        best: int | None = None
        stopped: Refusal | None = None
        for place, candidate in enumerate(members):
            verdict = self._ask(candidate, stopped)
            verdicts.append(verdict)
            if not isinstance(verdict, Award) or candidate.campaign.mode == "add":
                continue
            if candidate.campaign.mode == "stop":
                stopped = Refusal(Why.STOPPED, candidate.track.number)
            elif best is None:
                best = place
            else:
                leading = verdicts[best]
                assert isinstance(leading, Award)
                # On equal worth the earlier stays: lower order, then id.
                best, beaten = (place, best) if verdict.worth > leading.worth else (best, place)
                verdicts[beaten] = Refusal(Why.OUTDONE)
        for candidate, verdict in zip(members, verdicts, strict=True):
            self._settle(candidate, verdict, None if best is None else members[best])

    def _ask(self, candidate: Candidate, stopped: Refusal | None) -> Award | Refusal:
        if candidate.obstacle:
            return Refusal(candidate.obstacle)
        if stopped is not None:
            return stopped
        if candidate.campaign.is_offer:
            return offered(self.sale, self.gifts, candidate)
        return award(self.sale, candidate)

    def _settle(
        self, candidate: Candidate, verdict: Award | Refusal, winner: Candidate | None
    ) -> None:
        if isinstance(verdict, Award) and not self._fits(verdict.effect):
            verdict = Refusal(Why.TOO_LARGE)
        argument = verdict.argument
        if isinstance(verdict, Award):
            self.effects.append(verdict.effect)
            self.consumed.extend(verdict.consumed)
        elif verdict.code == Why.OUTDONE:
            assert winner is not None, candidate
            argument = winner.track.number
        self.reasons.append(Reason(candidate.track.number, verdict.code, argument))

    def _fits(self, effect: Effect) -> bool:
        """Take the effect into the sale's sums, unless they would be too large; the shopper's own money is not in them."""
        points = self.points + effect.points
        money_minor = self.money_minor
        if isinstance(effect, Donate):
            money_minor += effect.money_minor - effect.shopper_money_minor
        if points > MAX_GIVEN or money_minor > MAX_GIVEN:
            return False
        self.points, self.money_minor = points, money_minor
        return True

    def note_base_points(self) -> None:
        """What group `base` gave, by line: multipliers build on it."""
        for effect in self.effects:
            if isinstance(effect, Earn):
                for position, points in effect.by_line:
                    self.sale.base_points[position] += points


def evaluate(
    matched: Matched, net_minor: Sequence[int], due_minor: int, counts: Mapping[Counter, int]
) -> Outcome:
    """Evaluate what `match` found.

    `net_minor`: the lines' amounts after redemption, `due_minor`: what is due for the sale then. `counts`
    has what was given so far under `matched.counters`; one that is missing counts 0.
    """
    facts, programme = matched.facts, matched.programme
    gifts = gifts_of(facts)
    if programme is None:
        return Outcome((), (), (), (), matched.flags + gifts.flags(), ())
    gross = [line.amount_minor for line in facts.lines]
    sale = Sale(facts, programme, gross, net_minor, due_minor, counts, [0] * len(gross))
    run = _Run(sale, gifts)
    for members in _groups(matched.candidates):
        run.group(members)
        if members[0].key[1] == "base":
            run.note_base_points()
    return Outcome(
        tuple(run.effects),
        tuple(gifts.offers),
        (*run.reasons, *matched.closed),
        tuple(run.consumed),
        matched.flags + gifts.flags(),
        tuple(gifts.differs),
    )


def _groups(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Candidates come in order, so those of a group stand together."""
    groups: list[list[Candidate]] = []
    current = None
    for candidate in candidates:
        if candidate.key[1] != current:
            current = candidate.key[1]
            groups.append([])
        groups[-1].append(candidate)
    return groups
