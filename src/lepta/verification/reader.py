"""Reading events: each checked by itself, and added to what its range of the log adds up to."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeVar

import orjson

from lepta.ledger.chart import Account, points_of
from lepta.ledger.entries import Code
from lepta.processing.canonical import canonical
from lepta.processing.leaf import KINDS, MOVABLE
from lepta.rules.watch import FALLING
from lepta.rules.watch import KINDS as SUSPICIOUS
from lepta.verification.acts import Acts
from lepta.verification.claims import claims_in, fingerprint
from lepta.verification.clearing import note_sale
from lepta.verification.holds import note_sale as note_hold
from lepta.verification.invariants import Check
from lepta.verification.packed import ALLOCATION_ROW, ENTRY_ROW, Days, Json, lying_beside
from lepta.verification.part import Opening, Part, Publication, freely
from lepta.verification.sequences import TillDay
from lepta.verification.source import SHARD
from lepta.verification.sums import unequal_sums

Row = tuple[Any, ...]
T = TypeVar("T")

READ_EVENTS = """
    SELECT log_index, member, kind, leaf, leaf_hash, beside
    FROM event WHERE shard = $1 AND log_index >= $2 AND log_index < $3 ORDER BY log_index
"""
# Plain numbers: looking a member of an enumeration up takes longer than anything else that is done with it.
_EARN, _REDEEM, _GIVE_POINTS = int(Code.EARN), int(Code.REDEEM), int(Code.GIVE_POINTS)
_GIVE_OWN = int(Code.GIVE_OWN)
_REPAY, _RELEASE, _CLEAR = int(Code.REPAY), int(Code.RELEASE), int(Code.CLEAR)
_CODES = frozenset({*range(_EARN, _GIVE_OWN + 1), _REPAY, _RELEASE, _CLEAR})
"""Codes of a sale's entries."""
_POINTS_CODES = frozenset({_EARN, _REDEEM, _GIVE_POINTS, _GIVE_OWN, _REPAY, _RELEASE})
_SPENDING = frozenset({_REDEEM, _GIVE_OWN})
"""Codes of entries that take points from lots; such entries stand before all others but a hold's release."""
_SUMS = max(_CODES) + 1
_SALE = frozenset({"v", "shard", "index", "kind", "till", "at", "rulebook", "beside"})
_SALE_MOST = _SALE | {"member", "quote", "void", "hold", *MOVABLE}
_VOID_MOST = _SALE | {"member", "quote", "void"}
"""Of a sale whose void came first: it books nothing."""
_BESIDE = frozenset({"basket", "facts", "outcome"})
_CONTENT = (_BESIDE, _BESIDE | {*MOVABLE})
_OUTCOME_MOST = frozenset({
    "flags", "points", "balance", "earned", "donations", "line_redeemed", "why",
})  # fmt: skip
_PUBLICATION = frozenset({"v", "shard", "index", "kind", "at", "rulebook", "digest", "change"})
_NOTHING: tuple[Any, ...] = ()
_NO_LOTS: frozenset[tuple[int, int]] = frozenset()


class Reader:
    """Reads the rows of a range in order. What it finds wrong goes to the part's faults."""

    def __init__(self, assets: Mapping[str, int], secret: bytes, start: int, stop: int) -> None:
        self.part = Part(start, stop)
        self.entries: list[bytes] = []
        """What table `entry` must hold, as binary COPY gives it."""
        self.allocations: list[bytes] = []
        self._assets = assets
        self._secret = secret
        self._next = start
        self._rulebook = 0
        self._days = Days()
        self._acts = Acts(self.part, (self.entries, self.allocations), assets, secret)

    def read(self, row: Any) -> None:
        """Check one row of `READ_EVENTS`. Bytes that mean nothing are a fault, whatever they break."""
        try:
            self._read(*row)
        except Exception as error:  # noqa: BLE001 - what tampered bytes can break has no end
            what = f"cannot be read ({type(error).__name__}: {error})"
            self.part.faults.event(Check.LEAVES, row[0], what)

    def finish(self) -> Part:
        """The whole range, once every row is read."""
        self._expect(self.part.stop)
        return self.part

    def _expect(self, index: int) -> None:
        """Note what is missing before `index`."""
        if index < self._next:
            self.part.faults.event(Check.GAPS, index, "stands twice in table event")
        elif index == self._next + 1:
            self.part.faults.event(Check.GAPS, self._next, "is missing from table event")
        elif index > self._next:
            place = f"events {self._next} to {index - 1}"
            self.part.faults.add(Check.GAPS, place, "are missing from table event")

    def _fault(self, check: Check, index: int, what: str) -> None:
        self.part.faults.event(check, index, what)

    def _read(  # noqa: PLR0917 - the columns of the query
        self, index: int, member: int | None, kind: int, leaf: bytes, hashed: bytes, beside: bytes
    ) -> None:  # fmt: skip
        part = self.part
        if index != self._next:
            self._expect(index)
        self._next = index + 1
        part.events += 1
        digest = sha256(b"\x00" + leaf).digest()
        part.hashes.append(digest)
        if digest != hashed:
            self._fault(Check.LEAVES, index, "leaf does not match its hash")
        document = orjson.loads(leaf)
        if canonical(document) != leaf:
            self._fault(Check.LEAVES, index, "leaf is not canonical JSON")
        if (document["v"], document["shard"], document["index"]) != (1, SHARD, index):
            self._fault(Check.LEAVES, index, "leaf names another version, shard or index")
        if KINDS[document["kind"]] != kind:
            self._fault(Check.ROWS, index, "column kind is not what the leaf says")
        if set(map(type, document["at"])) != {int}:
            raise TypeError(f"at {document['at']}")
        self._name(index, document)
        if document["kind"] == "checkout":
            self._sale(index, document, member, beside)
        elif document["kind"] == "rulebook":
            self._publication(index, document, (member, beside))
        else:
            whole = self._acts.read(index, document, member, beside)
            for opening in whole.get("opens", _NOTHING):
                self._open(index, *opening)

    def _name(self, index: int, document: Json) -> None:
        rulebook = document["rulebook"]
        if rulebook != self._rulebook and "quote" not in document:
            self._rulebook = rulebook
            self.part.named.append((index, rulebook))

    def _note_quote(self, index: int, document: Json, content: Json) -> None:
        """A sale that was decided by a quote names one, and came while that was valid."""
        if "quote" not in document:
            return
        until_s, rulebook = document["quote"], document["rulebook"]
        if type(until_s) is not int or type(rulebook) is not int:
            raise TypeError(f"quote {until_s} of rulebook {rulebook}")
        received_ms, occurred_s, *_ = document["at"]
        if (occurred_s if content["facts"].get("offline") else received_ms // 1000) > until_s:
            self._fault(Check.RULEBOOKS, index, "is decided by a quote that had expired")
        if "quote" not in content["basket"]:
            self._fault(
                Check.RULEBOOKS, index, "is decided by a quote that its basket does not name"
            )
        self.part.quoted.append((index, rulebook))

    def _publication(self, index: int, document: Json, rest: Row) -> None:
        if document.keys() != _PUBLICATION:
            self._fault(Check.LEAVES, index, "leaf has other fields than a publication")
        if rest != (None, b""):
            what = "a publication has neither a member nor anything beside its leaf"
            self._fault(Check.ROWS, index, what)
        named = (document["rulebook"], document["digest"], document["change"])
        self.part.publications.append(Publication(index, *named))
        self.part.used.append({})

    def _sale(self, index: int, document: Json, member: int | None, beside: bytes) -> None:
        void = document.get("void")
        if not _SALE <= document.keys() <= (_SALE_MOST if void is None else _VOID_MOST):
            self._fault(Check.LEAVES, index, "leaf has other fields than a sale")
        part = self.part
        content = lying_beside(index, document["beside"], beside, _CONTENT, part.faults)
        if len(content) > len(_BESIDE):
            document = {**document, **content}
        seen, sold = content["facts"], content["basket"]
        self._note_quote(index, document, content)
        programme = seen["store"][3]
        self._claim(index, claims_in(document["till"], sold, void), void)
        self._note_till(document["till"])
        self._check_member(index, document, member, seen, programme)
        if "opens" in document:
            for opening in document["opens"]:
                self._open(index, *opening)
        sums = self._book(index, document, programme, sold["currency"])
        if "used" in document:
            self._use(document["used"])
        outcome = content["outcome"]
        if not outcome.keys() <= _OUTCOME_MOST:
            self._fault(Check.DIGESTS, index, "the outcome has other fields than a sale's")
        entries, amounts = document.get("entries", _NOTHING), [line[3] for line in sold["lines"]]
        self._suspect(index, document["till"], outcome.get("flags", _NOTHING))
        fault = unequal_sums(outcome, sums, entries, amounts)
        if fault:
            self._fault(Check.SHARES, index, fault)
        if "spent" in document or sums[_CLEAR]:
            note_sale(index, document, content, part)
        for campaign, fund, points, money, *_ in outcome.get("donations", _NOTHING):
            given = part.given.setdefault((member, campaign, fund), [0, 0, 0])
            given[0] += 1
            given[1] += points
            given[2] += money

    def _suspect(self, index: int, till: list[Any], flags: Sequence[str]) -> None:
        kinds = sum([SUSPICIOUS.get(flag, 0) for flag in flags])
        if kinds:
            self.part.suspicions.append((index, kinds, till[0], self._days[till[2]]))

    def _claim(self, index: int, names: Sequence[tuple[int, bytes]], void: int | None) -> None:
        part = self.part
        if void is not None:
            part.reversals.append((index, void))
        for scope, key in names:
            part.claims += 1
            part.claims_print += fingerprint(self._secret, scope, key, index)

    def _open(self, index: int, number: int, *names: str) -> None:
        account = Account(*names)
        if type(number) is not int or not all(isinstance(name, str) for name in account):
            raise TypeError(f"opens {number} {account}")
        self.part.opened.append(Opening(index, number, account))

    def _note_till(self, till: list[Any]) -> None:
        store, name, day, sequence = till
        if type(sequence) is not int or not isinstance(store + name + day, str):
            raise TypeError(f"no till's key: {till}")
        known = self.part.tills.get((store, name, day))
        if known is None:
            known = self.part.tills[store, name, day] = TillDay()
        known.sales.add(sequence)

    def _check_member(
        self, index: int, document: Json, member: int | None, seen: Json, programme: str
    ) -> None:
        shown = seen.get("member")
        ref = shown[0] if shown else None
        if not isinstance(ref, str | None) or not isinstance(programme, str):
            raise TypeError(f"member {ref} of {programme}")
        # A sale that never was is nobody's first: it opens no account.
        unopened = "void" in document and document.get("member") is None
        if (ref is None) != (document.get("member") is None) and not unopened:
            self._fault(Check.ROWS, index, "facts are of another member than the leaf")
        if member != document.get("member"):
            self._fault(Check.ROWS, index, "column member is not what the leaf says")
        elif member is not None:
            known = self.part.members.setdefault(member, (index, ref or "", programme))
            if known[1] != ref or known[2] != programme:
                self._fault(Check.ROWS, index, "facts are of another member than the leaf")

    def _book(self, index: int, document: Json, programme: str, currency: str) -> list[int]:
        """Add the event's entries and lots; the sums of its entries by code."""
        sums = [0] * _SUMS
        entries = document.get("entries")
        if entries is None:
            return sums
        of_points = self._assets.get(points_of(programme), -1)
        of_money = self._assets.get(currency, -1)
        moved, lots, pack = self.part.moved, self.part.lots, ENTRY_ROW.pack
        days = {
            leg: (last, start)
            for last, start, *legs in document.get("lots", _NOTHING)
            for leg in legs
        }
        if "spent" in document:
            self.part.days[index] = self._days[document["till"][2]]
        self._spend(index, document, entries)
        for leg, (debit, credit, amount, code) in enumerate(entries):
            if type(amount) is not int or amount <= 0 or code not in _CODES or debit == credit:
                self._fault(Check.ENTRIES, index, f"entry {leg} is not a movement: {entries[leg]}")
                continue
            asset = of_points if code in _POINTS_CODES else of_money
            self.entries.append(
                pack(7, 8, index, 2, leg, 4, debit, 4, credit, 2, asset, 8, amount, 2, code)
            )
            sums[code] += amount
            source = moved.get(debit) or moved.setdefault(debit, [0, 0, 0, asset, index])
            target = moved.get(credit) or moved.setdefault(credit, [0, 0, 0, asset, index])
            source[0] += amount
            target[1] += amount
            source[2] = min(source[2], source[1] - source[0])
            if source[3] != asset or target[3] != asset:
                self._fault(Check.ENTRIES, index, f"entry {leg} moves an account in another asset")
            if code == _EARN:
                last, start = days.pop(leg, (None, None))
                waits = None if start is None else self._days[start]
                lots.append((credit, (self._days[last], index, leg, debit), amount, waits))
        if days:
            self._fault(Check.LOTS, index, "leaf has a lot that no entry issued")
        return sums

    def _release(self, index: int, document: Json) -> frozenset[tuple[int, int]]:
        """Add the end of the hold that the sale names, if it was open; the lots that it puts points back into."""
        self._acts.move(index, document, note_hold(index, document, self.part))
        return frozenset([(lot_index, leg) for _, lot_index, leg, *_ in document["moves"]])

    def _spend(self, index: int, document: Json, entries: list[Any]) -> None:
        account, taken, released, skip = entries[0][0], 0, _NO_LOTS, 0
        if "moves" in document or entries[0][3] == _RELEASE:
            released, skip = self._release(index, document), len(document["moves"])
            account, entries = entries[0][1], entries[1:]
        if any(entry[3] == _RELEASE for entry in entries):
            self._fault(Check.HOLDS, index, "gives points of a hold back that it has not ended")
        for seq, (lot_index, leg, points, last, issuer) in enumerate(
            document.get("spent", _NOTHING), start=skip
        ):
            day = self._days[last]
            if type(points) is not int or points <= 0:
                self._fault(Check.LOTS, index, f"takes {points} points from a lot")
                continue
            packed = ALLOCATION_ROW.pack(
                7, 8, index, 2, seq, 4, account, 8, lot_index, 2, leg, 4, day, 8, points
            )
            self.allocations.append(packed)
            by = freely(index) if (lot_index, leg) in released else index
            self.part.lots.append((account, (day, lot_index, leg, issuer), -points, by))
            taken += points
        wanted = 0
        for debit, _, amount, code in entries:
            if code not in _SPENDING:
                break
            if debit != account:
                self._fault(Check.LOTS, index, "points are spent from two accounts")
            wanted += amount
        if taken != wanted:
            what = "points taken from lots are not those redeemed and given away"
            self._fault(Check.LOTS, index, what)

    def _use(self, used: list[Any]) -> None:
        counts = self.part.used[-1]
        for counter, amount in used:
            if type(amount) is not int or "|" not in counter or not _may_be(counter, amount):
                raise ValueError(f"uses {amount} of {counter}")
            counts[counter] = counts.get(counter, 0) + amount


def _may_be(counter: str, amount: int) -> bool:
    """Sales use limits up; what only says where a card was last may also get less."""
    return amount > 0 or (amount < 0 and counter.split("|")[1] in FALLING)
