"""Reading acts: events that are neither sales nor publications. See `processing.motion`."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from lepta.ledger.chart import points_of
from lepta.ledger.entries import Code
from lepta.processing.acts import LotsDue
from lepta.processing.leaf import MOVABLE, moment_of
from lepta.processing.lot_days import newest_day
from lepta.processing.moving import REVERSING
from lepta.processing.owners import ClaimSale, Merge
from lepta.verification.claims import claims_in_act, fingerprint
from lepta.verification.clearing import note_reversal
from lepta.verification.holds import note_act
from lepta.verification.invariants import Check
from lepta.verification.packed import (
    ALLOCATION_ROW,
    ENTRY_ROW,
    Days,
    Json,
    lying_beside,
    made_lots,
)
from lepta.verification.part import NO_END, Merger, Part, freely
from lepta.verification.reversals import unequal, unequal_claim
from lepta.verification.sequences import TillDay

_MONEY = frozenset({Code.GIVE_MONEY, Code.COLLECT, Code.UNGIVE_MONEY, Code.UNCOLLECT, Code.CLEAR})
_CODES = frozenset(map(int, Code))
_MOVABLE = frozenset(MOVABLE) - {"spent"}
_LEAF = frozenset({"v", "shard", "index", "kind", "at", "rulebook", "beside"})
_LEAF_MOST = _LEAF | {"till", "about", "member"} | _MOVABLE
_BESIDE = frozenset({"facts", "outcome", "request"})
_BESIDE_MOST = _BESIDE | {"given"} | _MOVABLE
_NOTHING: tuple[Any, ...] = ()


class Acts:
    """Reads the acts of a range; adds them to its part and to the rows that its tables must hold."""

    def __init__(
        self,
        part: Part,
        rows: tuple[list[bytes], list[bytes]],
        assets: Mapping[str, int],
        secret: bytes,
    ) -> None:
        self.part = part
        self.entries, self.allocations = rows
        self._assets = assets
        self._secret = secret
        self._days = Days()

    def read(self, index: int, document: Json, member: int | None, beside: bytes) -> Json:
        """Check an act; returns its whole document. Raises whatever bytes that mean nothing break."""
        part = self.part
        if not _LEAF <= document.keys() <= _LEAF_MOST:
            part.faults.event(Check.LEAVES, index, "leaf has other fields than such an event")
        content = lying_beside(
            index, document["beside"], beside, (_BESIDE, _BESIDE_MOST), part.faults
        )
        whole = {**document, **content}
        self._claim(index, whole)
        self._check_member(index, whole, member)
        if document["kind"] == LotsDue.kind:
            self._note_day(index, whole)
        fault = unequal(whole) if whole["kind"] in REVERSING else ""
        if whole["kind"] == ClaimSale.kind:
            fault = unequal_claim(whole)
            part.claimed += [(sale, index) for sale in whole["about"]]
        if fault:
            part.faults.event(Check.SHARES, index, fault)
        if whole["kind"] in REVERSING:
            note_reversal(index, whole, part)
        net = self._book(index, whole)
        self.move(index, whole, net)
        if document["kind"] in {"hold", "release"}:
            note_act(index, whole, part)
        was = self._merge(index, whole, member) if document["kind"] == Merge.kind else None
        giver = None if "claimed" in whole["facts"] else member
        for campaign, fund, *sums in whole.get("given", _NOTHING):
            self._give((giver, campaign, fund), sums)
            if was is not None:
                self._give((was, campaign, fund), [-amount for amount in sums])
        return whole

    def _give(self, key: tuple[int | None, str, str], sums: Sequence[int]) -> None:
        total = self.part.given.setdefault(key, [0, 0, 0])
        for n, amount in enumerate(sums):
            total[n] += amount

    def _merge(self, index: int, document: Json, member: int | None) -> int | None:
        """Note who goes on as whom; the account of who does."""
        facts = document["facts"]
        was: int | None = facts.get("account")
        self.part.mergers.append(Merger(index, facts["was"], facts["member"], was, member))
        return was

    def _claim(self, index: int, document: Json) -> None:
        part, kind = self.part, document["kind"]
        about = document.get("about", _NOTHING)
        for scope, key in claims_in_act(kind, document.get("till"), about):
            part.claims += 1
            part.claims_print += fingerprint(self._secret, scope, key, index)
        if "till" in document:
            self._note_till(kind, document["till"])
        if kind in REVERSING:
            part.reversals += [(sale, index) for sale in about]

    def _note_till(self, kind: str, till: list[Any]) -> None:
        """A return has a number of its own, a void has its sale's."""
        store, name, day, sequence = till
        if type(sequence) is not int or not isinstance(store + name + day, str):
            raise TypeError(f"no till's key: {till}")
        known = self.part.tills.setdefault((store, name, day), TillDay())
        (known.returns if kind == "return" else known.voided).add(sequence)

    def _note_day(self, index: int, document: Json) -> None:
        """The day that days of lots tell of; it must have begun somewhere."""
        told = document["request"]["on"]
        # Of a member who has left every lot ends, whatever its days.
        left = "left" in document["request"]
        self.part.dues[index] = NO_END + 1 if left else self._days[told]
        if date.fromisoformat(told) > newest_day(moment_of(document["at"][0])):
            what = f"tells of {told} before that day has begun anywhere"
            self.part.faults.event(Check.DAYS, index, what)

    def _check_member(self, index: int, document: Json, member: int | None) -> None:
        facts, faults = document["facts"], self.part.faults
        ref, programme = facts.get("member"), facts.get("programme")
        if facts.get("was") is not None:
            self.part.was.add(facts["was"])
        if member != document.get("member"):
            faults.event(Check.ROWS, index, "column member is not what the leaf says")
        elif member is not None:
            if facts.get("to") is not None:
                self.part.seconds.append((index, facts["to"], programme))
            known = self.part.members.setdefault(member, (index, ref, programme))
            if known[1:] != (ref, programme):
                faults.event(Check.ROWS, index, "facts are of another member than the leaf")

    def _book(self, index: int, document: Json) -> dict[int, int]:
        """Add the entries; what they move in the accounts whose lots the act moves, by account."""
        part, facts = self.part, document["facts"]
        made = made_lots(document)
        net = {account: 0 for account, *_ in document.get("moves", _NOTHING)}
        points = self._assets.get(points_of(facts["programme"]), -1) if "programme" in facts else -1
        money = self._assets.get(facts.get("currency", ""), -1)
        for leg, (debit, credit, amount, code) in enumerate(document.get("entries", _NOTHING)):
            if type(amount) is not int or amount <= 0 or code not in _CODES or debit == credit:
                part.faults.event(Check.ENTRIES, index, f"entry {leg} is not a movement")
                continue
            asset = money if code in _MONEY else points
            self.entries.append(
                ENTRY_ROW.pack(
                    7, 8, index, 2, leg, 4, debit, 4, credit, 2, asset, 8, amount, 2, code
                )
            )
            self._sum(index, leg, (debit, credit, amount), asset)
            if debit in net:
                net[debit] -= amount
            if leg in made:
                last, first, issuer = made.pop(leg)
                waits = None if first is None else self._days[first]
                place = (self._days[last], index, leg, debit if issuer is None else issuer)
                part.lots.append((credit, place, amount, waits))
            elif credit in net:
                net[credit] += amount
        if made:
            part.faults.event(Check.LOTS, index, "leaf has a lot that no entry issued")
        for counter, amount in document.get("used", _NOTHING):
            if type(amount) is not int or amount == 0 or "|" not in counter:
                raise ValueError(f"uses {amount} of {counter}")
            part.used[-1][counter] = part.used[-1].get(counter, 0) + amount
        return net

    def _sum(self, index: int, leg: int, movement: tuple[int, int, int], asset: int) -> None:
        debit, credit, amount = movement
        moved = self.part.moved
        source = moved.setdefault(debit, [0, 0, 0, asset, index])
        target = moved.setdefault(credit, [0, 0, 0, asset, index])
        source[0] += amount
        target[1] += amount
        source[2] = min(source[2], source[1] - source[0])
        if source[3] != asset or target[3] != asset:
            what = f"entry {leg} moves an account in another asset"
            self.part.faults.event(Check.ENTRIES, index, what)

    def move(self, index: int, document: Json, net: dict[int, int]) -> None:
        """Add what lots lost and gained, which has to be what the points of these accounts did: `net`."""
        for seq, (account, lot_index, leg, points, last, first, issuer) in enumerate(
            document.get("moves", _NOTHING)
        ):
            if type(points) is not int or points == 0:
                raise ValueError(f"moves {points} points of a lot")
            day = self._days[last]
            self.allocations.append(
                ALLOCATION_ROW.pack(
                    7, 8, index, 2, seq, 4, account, 8, lot_index, 2, leg, 4, day, 8, points
                )
            )
            net[account] += points
            place = (day, lot_index, leg, issuer)
            if points > 0:
                self.part.lots.append((account, place, -points, freely(index)))
            else:
                waits = None if first is None else self._days[first]
                self.part.lots.append((account, place, -points, waits))
        if any(net.values()):
            self.part.faults.event(Check.LOTS, index, "lots are moved otherwise than points")
