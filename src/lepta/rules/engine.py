"""The second phase: what the matched campaigns do, in their order, under their limits, each with its reason.

Pure and deterministic: the same sale, counters and rulebook give the same outcome, whatever order the
documents came in. `match` is the first phase; between the two, counters are loaded and points redeemed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lepta.rules.awards import Award, Refusal, Sale, award
from lepta.rules.context import Context
from lepta.rules.effects import Donate, Earn, Effect, Offer
from lepta.rules.explanation import Reason, Why
from lepta.rules.facts import NO_PAST, Past
from lepta.rules.gifts import Gifts, gifts_of, offered
from lepta.rules.granting import MAX_GIVEN
from lepta.rules.limits import Asked, Counter, welcome_counter
from lepta.rules.matching import Candidate, Matched, match
from lepta.rules.occasion import Occasion
from lepta.rules.watch import Watched
from lepta.values import value

__all__ = ["Matched", "Outcome", "evaluate", "match"]


@value
class Outcome:
    """What happens to a sale. `reasons` has every campaign considered, in order of evaluation."""

    effects: tuple[Effect, ...]
    offers: tuple[Offer, ...]
    """Open offers; of what may be offered, 0 where the amount due is round already."""
    reasons: tuple[Reason, ...]
    consumed: tuple[tuple[Counter, int], ...]
    """What to add to the counters; each at most once, and above 0 but for those that `watch` sets."""
    flags: tuple[str, ...]
    gift_differs: tuple[tuple[str, int], ...]
    """(campaign, our figure) of gifts of which the till took another amount."""
    given_points: int
    """Of the shopper's own, smallest units."""
    asked: tuple[Asked, ...]
    """What had to fit under limits for this to come out."""

    def holds(self, counts: Mapping[Counter, int]) -> bool:
        """Of an evaluation on counts of 0: whether one on these counts would give the same.

        What fitted and still fits is given again. What was over a cap even then never holds.
        """
        return all(amount <= gauge.room(counts) for gauge, amount in self.asked)


NOTHING = Outcome((), (), (), (), (), (), 0, ())
"""Of a sale that no rule is asked about."""


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
    context: Context | None = None

    def group(self, members: Sequence[Candidate]) -> None:
        """One group: `add` counts, the first `stop` that fires ends it, of all `best` one wins."""
        if len(members) == 1:
            # Nobody is there to be stopped or outdone.
            (alone,) = members
            self._settle(alone.track.number, self._ask(alone, None))
            return
        verdicts: list[Award | Refusal] = []
        stopped: Refusal | None = None
        rivals: list[int] = []
        for candidate in members:
            verdict = self._ask(candidate, stopped)
            mode = candidate.campaign.mode
            if mode != "add" and isinstance(verdict, Award):
                if mode == "stop":
                    stopped = Refusal(Why.STOPPED, candidate.track.number)
                else:
                    rivals.append(len(verdicts))
            verdicts.append(verdict)
        if len(rivals) > 1:
            _leave_the_best(rivals, members, verdicts)
        for candidate, verdict in zip(members, verdicts, strict=True):
            self._settle(candidate.track.number, verdict)

    def _ask(self, candidate: Candidate, stopped: Refusal | None) -> Award | Refusal:
        if candidate.obstacle:
            return Refusal(candidate.obstacle)
        if stopped is not None:
            return stopped
        occasion = candidate.campaign.occasion
        missed = None if occasion is None else self._missed(occasion, candidate)
        if missed is not None:
            return Refusal(*missed)
        condition = candidate.campaign.condition
        if condition is not None:
            kept, why = self._known().kept(condition, candidate.positions)
            if why:
                return Refusal(why)
            if kept is not candidate.positions:
                candidate = candidate.about(kept)
        if candidate.campaign.is_offer:
            return offered(self.sale, self.gifts, candidate)
        return award(self.sale, candidate)

    def _missed(self, occasion: Occasion, candidate: Candidate) -> tuple[Why, int] | None:
        shopper, welcomed = self.sale.facts.shopper, None
        if shopper is not None and occasion.is_welcome:
            counter = welcome_counter(candidate.campaign.id, shopper.ref)
            welcomed = self.sale.counts.get(counter)
        return occasion.missed(self.sale.past, welcomed)

    def _known(self) -> Context:
        """The sale's facts for conditions; only a sale that has some pays for it."""
        if self.context is None:
            self.context = Context(self.sale.facts, self.sale.past)
        return self.context

    def _settle(self, number: int, verdict: Award | Refusal) -> None:
        if isinstance(verdict, Award):
            # The sums of the sale may not be too large; the shopper's own money is not in them.
            effect = verdict.effect
            points, money_minor = self.points + effect.points, self.money_minor
            if isinstance(effect, Donate):
                money_minor += effect.money_minor - effect.shopper_money_minor
            if points > MAX_GIVEN or money_minor > MAX_GIVEN:
                verdict = Refusal(Why.TOO_LARGE)
                self.gifts.known.discard(effect.campaign)
            else:
                self.points, self.money_minor = points, money_minor
                self.effects.append(effect)
                self.consumed += verdict.consumed
        self.reasons.append(Reason(number, verdict.code, verdict.argument))


def evaluate(
    matched: Matched,
    net_minor: Sequence[int] | None,
    due_minor: int,
    counts: Mapping[Counter, int],
    past: Past = NO_PAST,
) -> Outcome:
    """Evaluate what `match` found.

    `net_minor`: the lines' amounts after redemption, None: nothing was redeemed; `due_minor`: what is due for the
    sale then. `counts` has what was given so far under `matched.counters`; one that is missing counts 0.
    `past` is read where a candidate asks for it (`Matched.asks_past`).
    """
    facts, programme = matched.facts, matched.programme
    gifts = gifts_of(facts)
    if programme is None:
        return Outcome((), (), (), (), matched.flags + gifts.flags(), (), 0, ())
    gross = [line.amount_minor for line in facts.lines]
    net = gross if net_minor is None else net_minor
    sale = Sale(facts, programme, gross, net, due_minor, counts, [], [], past)
    run = _Run(sale, gifts)
    for members in _groups(matched.candidates):
        run.group(members)
        if members[0].key[1] == "base":
            # Multipliers build on it.
            sale.base.extend(run.effects)
    if matched.visit is not None:
        run.consumed += matched.visit.count(counts, sale.asked)
    outcome = Outcome(
        tuple(run.effects),
        tuple(gifts.offers),
        (*run.reasons, *matched.closed),
        tuple(run.consumed),
        matched.flags + gifts.flags() + _fallback_flags(matched, run.effects),
        tuple(gifts.differs),
        _given_points(run.effects) if gifts.given_points else 0,
        tuple(sale.asked),
    )
    return outcome if matched.watch is None else _watched(outcome, matched, matched.watch, counts)


def _watched(
    outcome: Outcome, matched: Matched, watch: Watched, counts: Mapping[Counter, int]
) -> Outcome:
    """The same with what is suspicious about the sale, and without the points that it does not earn for that."""
    suspicion = watch.look(counts)
    if suspicion.blocks_earning:
        outcome = _without_points(outcome, matched)
    return replace(
        outcome,
        consumed=(*outcome.consumed, *watch.count(counts)),
        flags=outcome.flags + suspicion.flags,
    )


def _without_points(outcome: Outcome, matched: Matched) -> Outcome:
    """Nothing is earned, and what would have been is not counted; donations stay."""
    earning = {effect.campaign for effect in outcome.effects if isinstance(effect, Earn)}
    numbers = {c.track.number for c in matched.candidates if c.campaign.id in earning}
    visit = matched.visit
    of_visit = () if visit is None else (visit.total, visit.begun.counter)
    return replace(
        outcome,
        effects=tuple([effect for effect in outcome.effects if not isinstance(effect, Earn)]),
        reasons=tuple([
            Reason(reason.campaign, Why.CARD_CAPPED, 0) if reason.campaign in numbers else reason
            for reason in outcome.reasons
        ]),
        consumed=tuple([
            used for used in outcome.consumed
            if used[0] in of_visit or used[0].partition("|")[0] not in earning
        ]),
    )  # fmt: skip


def _given_points(effects: Sequence[Effect]) -> int:
    """Of gifts that were accepted one may have been too large beside all else that is given."""
    return sum(e.shopper_points for e in effects if isinstance(e, Donate))


def _fallback_flags(matched: Matched, effects: Sequence[Effect]) -> tuple[str, ...]:
    """What the till is told where a donation went to a fallback, as its fund is closed."""
    facts = matched.facts
    if not facts.closed:
        return ()
    wanted = {c.campaign.id: c.campaign.target.of(c.campaign.id, facts) for c in matched.candidates}
    moved = any(isinstance(e, Donate) and e.fund != wanted[e.campaign] for e in effects)
    return ("fallback-fund",) if moved else ()


def _leave_the_best(
    rivals: Sequence[int], members: Sequence[Candidate], verdicts: list[Award | Refusal]
) -> None:
    """Of the rivals, places of awards, only the one of most worth stays; of equals the earliest."""
    worth = {
        place: verdict.worth for place in rivals if isinstance(verdict := verdicts[place], Award)
    }
    best = max(rivals, key=worth.__getitem__)
    for place in rivals:
        if place != best:
            verdicts[place] = Refusal(Why.OUTDONE, members[best].track.number)


def _groups(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Candidates come in order, so those of a group stand together."""
    groups: list[list[Candidate]] = []
    current = None
    members: list[Candidate] = []
    for candidate in candidates:
        group = candidate.key[1]
        if group == current:
            members.append(candidate)
        else:
            current, members = group, [candidate]
            groups.append(members)
    return groups
