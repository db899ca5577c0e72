"""The ledger as the leaves make it: ranges of the log added up in order, with what must hold after each event."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from lepta.ledger.chart import Account, limit_side
from lepta.rules.limits import is_hard
from lepta.rules.rulebook import Rulebook
from lepta.verification.chain import Chain
from lepta.verification.clearing import check_sales
from lepta.verification.holds import Holds
from lepta.verification.invariants import Check
from lepta.verification.part import Clearing, LotMove, Merger, Opening, Part, Place, taker
from lepta.verification.report import Faults
from lepta.verification.sequences import TillDay

GAPS_TOLD = 20
"""Tills with gaps that are named; of the others the number is told."""


class Suspect(NamedTuple):
    """An account or a counter that broke its bound somewhere in a range; which event did, the leaves tell.

    `start`: the balance, or what was used, before the range; `bound`: what it must not go below or above.
    """

    part: tuple[int, int]
    account: int | None
    counter: str | None
    start: int
    bound: int


@dataclass(slots=True)
class Fold:
    """State after the ranges taken in so far."""

    chain: Chain
    assets: dict[str, int]
    accounts: dict[int, Opening] = field(default_factory=dict)
    sums: dict[int, list[int]] = field(default_factory=dict)
    """Debits and credits."""
    lots: dict[int, dict[Place, int]] = field(default_factory=dict)
    """Points left in open lots by account; an account without any is not here."""
    waiting: dict[tuple[int, Place], int] = field(default_factory=dict)
    """First days of lots that have to wait."""
    counts: dict[str, int] = field(default_factory=dict)
    granted: dict[str, int] = field(default_factory=dict)
    given: dict[tuple[int | None, str, str], list[int]] = field(default_factory=dict)
    suspicions: list[tuple[int, int, str, int]] = field(default_factory=list)
    """See `Part.suspicions`."""
    reversals: list[tuple[int, int]] = field(default_factory=list)
    """(sale, what took some of it back)."""
    seconds: list[tuple[int, str, str]] = field(default_factory=list)
    """See `Part.seconds`."""
    cleared: dict[int, list[Clearing]] = field(default_factory=dict)
    """By reversal: what it books between parties."""
    claimed: dict[int, int] = field(default_factory=dict)
    """By sale its claim."""
    mergers: dict[str, Merger] = field(default_factory=dict)
    """Of each member who was merged the first event that says so."""
    holds: Holds = field(default_factory=Holds)
    tills: dict[tuple[str, str, str], TillDay] = field(default_factory=dict)
    claims: int = 0
    claims_print: int = 0
    caps_known: bool = True
    """False once a change of the rulebook could not be read."""
    days: dict[int, int] = field(default_factory=dict)
    dues: dict[int, int] = field(default_factory=dict)
    """See `Part.days` and `Part.dues`; those of the range that is being taken in."""
    suspects: list[Suspect] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)

    def add(self, part: Part) -> None:
        """Take in the next range."""
        self._open(part.opened)
        self._move(part)
        lots, self.days, self.dues = self.lots, part.days, part.dues
        for move in part.lots:
            account, place, points, day = move
            if points < 0:
                self._take(move)
                continue
            own = lots.get(account)
            if own is None:
                lots[account] = {place: points}
            else:
                own[place] = own.get(place, 0) + points
            if day is not None:
                self.waiting[account, place] = day
        self._publish(part)
        self._check_members(part)
        for key, sums in part.given.items():
            total = self.given.setdefault(key, [0, 0, 0])
            for n, amount in enumerate(sums):
                total[n] += amount
        self.reversals += part.reversals
        self.seconds += part.seconds
        check_sales(part.redeemed, self.accounts, self.faults)
        self.cleared |= part.cleared
        self.suspicions += part.suspicions
        self.holds.add(part, self.faults)
        self._change_owners(part)
        for till, sequences in part.tills.items():
            self.tills.setdefault(till, TillDay()).add(sequences)
        self.claims += part.claims
        self.claims_print += part.claims_print

    def _change_owners(self, part: Part) -> None:
        """Members who go on as others, and sales that became somebody's."""
        for sale, claim in part.claimed:
            if self.claimed.setdefault(sale, claim) != claim:
                self.faults.event(Check.REVERSALS, claim, f"claims sale {sale}, which was claimed")
        for merger in part.mergers:
            self._merge(merger)

    def _merge(self, merger: Merger) -> None:
        known = self.mergers.setdefault(merger.ref, merger)
        index = merger.log_index
        if known.into != merger.into or merger.into in self.mergers:
            self.faults.event(Check.MERGERS, index, "merges who was merged before")
        if merger.account is not None:
            opening = self.accounts.get(merger.account)
            into = self.accounts.get(merger.into_account or 0)
            wanted = into.account._replace(ref=merger.ref) if into else None
            if opening is None or opening.account != wanted:
                self.faults.event(Check.MERGERS, index, "merges another account")

    def check_merged(self) -> None:
        """Whether nothing is left to those who were merged, nor counted of them."""
        if not self.mergers:
            return
        for number, (debits, credits_) in self.sums.items():
            account = self.accounts[number].account
            if account.kind == "member" and account.ref in self.mergers and debits != credits_:
                what = f"has {credits_ - debits} points, and its member was merged"
                self.faults.add(Check.MERGERS, f"account {number}", what)
        for counter, count in self.counts.items():
            if count and not is_hard(counter) and counter.rsplit("|", 1)[1] in self.mergers:
                what = f"is at {count}, and its member was merged"
                self.faults.add(Check.MERGERS, f"counter {counter}", what)

    def _open(self, opened: Iterable[Opening]) -> None:
        for opening in opened:
            index, number, account = opening
            if number != len(self.accounts) + 1:
                what = f"opens account {number}, the next number is {len(self.accounts) + 1}"
                self.faults.event(Check.ROWS, index, what)
            if number in self.accounts:
                self.faults.event(Check.ROWS, index, f"opens account {number} a second time")
                continue
            self.accounts[number] = Opening(index, number, Account(*account))
            self.sums[number] = [0, 0]

    def _move(self, part: Part) -> None:
        for number, (debits, credits_, lowest, asset, index) in part.moved.items():
            opening = self.accounts.get(number)
            if opening is None:
                self.faults.event(Check.ENTRIES, index, f"moves account {number}, never opened")
                continue
            if self.assets.get(opening.account.asset) != asset:
                what = f"moves account {number} ({opening.account.shown()}) in another asset"
                self.faults.event(Check.ENTRIES, index, what)
            sums = self.sums[number]
            balance = sums[1] - sums[0]
            if balance + lowest < 0 and limit_side(opening.account):
                self._suspect(part, balance, 0, account=number)
            sums[0] += debits
            sums[1] += credits_
            if sums[1] > sums[0] and opening.account.code == "owed":
                what = f"pays more of account {number} than is owed"
                self.faults.event(Check.LIMITS, index, what)

    def _suspect(
        self, part: Part, start: int, bound: int, *, account: int | None = None, counter: str | None = None
    ) -> None:  # fmt: skip
        self.suspects.append(Suspect((part.start, part.stop), account, counter, start, bound))

    def _take(self, move: LotMove) -> None:
        account, place, taken, by = move
        assert by is not None, move
        spends = by >= 0
        if not spends:
            by = taker(by)
        lots = self.lots.get(account, {})
        left = lots.get(place, 0)
        shown = f"lot {place[1]}/{place[2]} of account {account}"
        if left < -taken:
            what = f"takes {-taken} points from {shown}, which has {left}"
            self.faults.event(Check.LOTS, by, what)
            return
        if spends:
            self._check_order(by, account, place, lots)
        elif by in self.dues:
            self._check_due(by, account, place)
        if left + taken:
            lots[place] = left + taken
            return
        del lots[place]
        self.waiting.pop((account, place), None)
        if not lots:
            del self.lots[account]

    def _check_order(self, by: int, account: int, place: Place, lots: Iterable[Place]) -> None:
        """A sale takes what ends first of all that has not ended before its business day."""
        day = self.days[by]
        shown = f"lot {place[1]}/{place[2]} of account {account}"
        if (account, place) in self.waiting:
            self.faults.event(Check.DAYS, by, f"takes from {shown}, which still waits")
        if place[0] < day:
            self.faults.event(Check.DAYS, by, f"takes from {shown}, whose last day was over")
            return
        first = min(lots)
        if first[0] < day:
            first = min(other for other in lots if other[0] >= day)
        if first != place:
            what = f"takes from {shown} while lot {first[1]}/{first[2]} comes first"
            self.faults.event(Check.SPENDING, by, what)

    def _check_due(self, by: int, account: int, place: Place) -> None:
        """Days of lots take a lot that waits on its first day or later, another one after its last."""
        day, first = self.dues[by], self.waiting.get((account, place))
        shown = f"lot {place[1]}/{place[2]} of account {account}"
        if first is not None and first > day:
            self.faults.event(Check.DAYS, by, f"lets {shown} be spent before its first day")
        if first is None and place[0] >= day:
            self.faults.event(Check.DAYS, by, f"ends {shown} before its last day is over")

    def _publish(self, part: Part) -> None:
        """Counters and publications in their order; and that each leaf names the newest rulebook, or that of a quote."""
        named, quoted = list(reversed(part.named)), list(reversed(part.quoted))
        for n, used in enumerate(part.used):
            for counter, amount in used.items():
                self._use(part, counter, amount)
            publication = part.publications[n] if n < len(part.publications) else None
            upto = publication.log_index if publication else part.stop
            while named and named[-1][0] < upto:
                index, rulebook = named.pop()
                if rulebook != self.chain.published:
                    what = "names another rulebook than the newest of its time"
                    self.faults.event(Check.RULEBOOKS, index, what)
            while quoted and quoted[-1][0] < upto:
                index, rulebook = quoted.pop()
                if not 0 <= rulebook <= self.chain.published:
                    what = "names by its quote a rulebook that was not published yet"
                    self.faults.event(Check.RULEBOOKS, index, what)
            if publication:
                while named and named[-1][0] == upto:
                    named.pop()
                before = self.chain.newest
                self.caps_known &= self.chain.publish(publication, self.faults)
                self._grant(before)

    def _grant(self, before: Rulebook) -> None:
        """What was given is never taken back by a smaller limit: the grant stays at least what is used."""
        for counter, cap in self.chain.newest.caps_since(before).items():
            self.granted[counter] = max(self.counts.get(counter, 0), cap)

    def _use(self, part: Part, counter: str, amount: int) -> None:
        used = self.counts.get(counter, 0)
        self.counts[counter] = used + amount
        if used + amount < 0:
            self._suspect(part, used, 0, counter=counter)
        if self.caps_known and is_hard(counter):
            granted = self.granted.get(counter, 0)
            if used + amount > granted:
                self._suspect(part, used, granted, counter=counter)

    def _check_members(self, part: Part) -> None:
        for number, (index, ref, programme) in part.members.items():
            opening = self.accounts.get(number)
            wanted = ("member", ref, "available", f"PTS/{programme}")
            if opening is None or tuple(opening.account) != wanted:
                what = "column member is not the account of the leaf's member"
                self.faults.event(Check.ROWS, index, what)

    def check_lots(self) -> None:
        """Whether open lots add up to the balance of each account that has a limit."""
        for number, (debits, credits_) in self.sums.items():
            if limit_side(self.accounts[number].account):
                remaining = sum(self.lots.get(number, {}).values())
                if remaining != credits_ - debits:
                    what = f"open lots hold {remaining} points, the balance is {credits_ - debits}"
                    self.faults.add(Check.LOTS, f"account {number}", what)

    def gaps(self) -> list[str]:
        """Tills whose sequences leave numbers out, for people: a sale may still be under way there."""
        found = [
            f"till {store}/{till} on {day}: {missing} of the sequences {low} to {high} are missing"
            for (store, till, day), used in sorted(self.tills.items(), key=itemgetter(0))
            for missing, low, high in [gap for gap in [used.gap()] if gap is not None]
        ]
        if len(found) > GAPS_TOLD:
            found[GAPS_TOLD:] = [f"sequences are missing at {len(found) - GAPS_TOLD} further tills"]
        return found
