"""Holds: points set aside, and what ended that. Each ends once, with all of its points."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lepta.ledger.chart import Account
from lepta.ledger.entries import Code
from lepta.verification.invariants import Check
from lepta.verification.packed import Json
from lepta.verification.part import Hold, Opening, Part
from lepta.verification.report import Faults

_HOLD, _RELEASE = int(Code.HOLD), int(Code.RELEASE)


def note_act(index: int, document: Json, part: Part) -> None:
    """Add a hold, or the release of one, to its part. Raises whatever bytes that mean nothing break."""
    entries, faults = document.get("entries", []), part.faults
    if [entry[3] for entry in entries] != [_HOLD if document["kind"] == "hold" else _RELEASE]:
        faults.event(Check.HOLDS, index, "sets no points aside and gives none back")
        return
    points = entries[0][2]
    if document["kind"] == "release":
        part.resolutions.append((document["about"][0], index, points))
        return
    request, expires_at = document["request"], document["outcome"]["expires_at"]
    if points != request["points"] or expires_at != document["at"][0] + 1_000 * request["ttl_s"]:
        faults.event(Check.HOLDS, index, "is another hold than was asked for")
    part.holds.append(Hold(index, document["member"], points, expires_at))


def note_sale(index: int, document: Json, part: Part) -> dict[int, int]:
    """Add what a sale does to the hold that it names; what that moves, by account: nothing if the hold was over."""
    held, available, points, code = (document.get("entries") or [(0, 0, 0, 0)])[0]
    if code != _RELEASE:
        return {}
    part.resolutions.append((document["hold"], index, points))
    return {held: -points, available: points}


@dataclass(slots=True)
class Holds:
    """Those that are open after the ranges taken in so far, and what ended the others."""

    open: dict[int, Hold] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)

    def add(self, part: Part, faults: Faults) -> None:
        """Take in the next range."""
        for hold in part.holds:
            self.open[hold.log_index] = hold
        for place, by, points in part.resolutions:
            hold_ = self.open.pop(place, None)
            if hold_ is None or place >= by:
                faults.event(Check.HOLDS, by, f"ends hold {place}, which was not open")
            elif hold_.points != points:
                what = f"gives back {points} points of hold {place}, which had {hold_.points}"
                faults.event(Check.HOLDS, by, what)
            self.ended.setdefault(place, by)
        for merger in part.mergers:
            if merger.account is not None and merger.into_account is not None:
                self.hand_over(merger.log_index, merger.account, merger.into_account)

    def hand_over(self, index: int, account: int, to: int) -> None:
        """Whose holds were open goes on as another member."""
        for place, hold in self.open.items():
            if hold.account == account and place < index:
                self.open[place] = hold._replace(account=to)

    def check(
        self, accounts: Mapping[int, Opening], sums: Mapping[int, list[int]], faults: Faults
    ) -> None:
        """Whether what is set aside in each account is what the open holds say."""
        said: dict[Account, int] = {}
        for hold in self.open.values():
            if hold.account in accounts:
                account = accounts[hold.account].account._replace(code="held")
                said[account] = said.get(account, 0) + hold.points
        for number, (debits, credits_) in sums.items():
            account = accounts[number].account
            if account.kind == "member" and account.code == "held":
                points = said.get(account, 0)
                if points != credits_ - debits:
                    what = f"open holds have {points} points, the balance is {credits_ - debits}"
                    faults.add(Check.HOLDS, f"account {number}", what)
