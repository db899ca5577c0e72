"""The answer to a void or a return: built from what was recorded, however often it is asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from lepta.channels.till.answers import (
    TRAINING,
    Form,
    balance_document,
    language_for,
    receipt_document,
)
from lepta.channels.till.slips import Slips, person_of
from lepta.processing.leaf import Recorded
from lepta.processing.motion import Movement
from lepta.processing.proration import quantity_text
from lepta.processing.reading import FoundAct
from lepta.processing.reversed import SENTENCES, DonationBack, Reversed
from lepta.processing.state import ShopperRecord
from lepta.processing.undoing import UNREFERENCED
from lepta.receipts.reversal import compose_reversal, reversal_sentences
from lepta.receipts.slip import Balance, GivenBack, ReversalSlip


@dataclass(frozen=True, slots=True)
class Undone:
    """A void or a return, the sale that it is about, and today's record of that sale's member, where there are any."""

    movement: Movement
    sale: Recorded | None
    shopper: ShopperRecord | None
    store: str
    """The till's that asked for it."""

    @property
    def back(self) -> Reversed:
        """What was taken back."""
        return Reversed.of(self.movement.outcome)

    @property
    def flags(self) -> Sequence[str]:
        """What is special about it; `unreferenced`: goods came back of a sale that nobody knows."""
        flags: Sequence[str] = self.movement.outcome.get("flags", ())
        return flags


@dataclass(frozen=True, slots=True)
class ReversalAnswers:
    """Shapes recorded voids and returns for tills."""

    slips: Slips

    def answer(
        self, undone: Undone, form: Form, *, replayed: bool, training: bool = False
    ) -> bytes:
        """The JSON of a void's or a return's answer; in training there is nothing that the log could name."""
        movement, sale, back = undone.movement, undone.sale, undone.back
        answer: dict[str, Any] = {
            movement.kind: None if training else movement.id,
            "checkout": sale.id if sale else None,
            "log_index": None if training else movement.log_index,
            **(TRAINING if training else {}),
            "rulebook": f"sha256:{self.slips.rulebooks.digests[movement.rulebook].hex()}",
            "replayed": replayed,
            "flags": undone.flags,
            "points": {
                "clawed_back": back.clawed_back,
                "restored": back.restored,
                "shortfall": back.shortfall,
                "owed": back.owed,
                "repaid": back.repaid,
                "balance": balance_document(back.balance),
            },
            "donations": list(map(_donation, back.donations)),
            "to_refund": back.to_refund,
            "receipt": self._receipt(undone, back, form, training=training),
        }
        return orjson.dumps(answer)

    def _receipt(
        self, undone: Undone, back: Reversed, form: Form, *, training: bool
    ) -> dict[str, Any]:
        language = language_for(self.slips, undone.store, undone.sale, undone.shopper, form)
        slip = self._slip(undone, back)._replace(training=training)
        text = compose_reversal(slip, language, form.width)
        return receipt_document(text, reversal_sentences(slip, language), language, form)

    def _slip(self, undone: Undone, back: Reversed) -> ReversalSlip:
        sale, directory = undone.sale, self.slips.directory
        programme = self.slips.programme(sale) if sale else None
        given = [
            GivenBack(directory.party_name(one.fund), one.points, one.money, one.kept)
            for one in back.donations
        ]
        return ReversalSlip(
            person=person_of(undone.shopper),
            currency=sale.event.currency if sale else self._currency(undone.store),
            points_scale=programme.points_scale if programme else 0,
            void=undone.movement.kind == "void",
            unreferenced=UNREFERENCED in undone.flags,
            refund_minor=back.to_refund,
            clawed_back=back.clawed_back,
            restored=back.restored,
            owed=back.owed,
            repaid=back.repaid,
            given=tuple(given),
            balance=Balance(*back.balance) if back.balance else None,
        )

    def _currency(self, store: str) -> str:
        """Of a store; where nobody knows it, no amount stands on the receipt either."""
        known = self.slips.directory.store(store)
        return known.currency if known else ""


def _donation(back: DonationBack) -> dict[str, Any]:
    return {
        "campaign": back.campaign,
        "fund": back.fund,
        "points": back.points,
        "money": back.money,
        "funders": [{"party": one.party, "money": one.money} for one in back.funders],
        "from_shopper": {"points": back.shopper_points, "money": back.shopper_money},
        "outcome": "kept" if back.kept else "reversed",
        "because": SENTENCES[back.because],
    }


def returns_of(undone: Iterable[FoundAct]) -> list[dict[str, Any]]:
    """The returns among what took a sale back, for those who ask for the sale."""
    returns = [found.movement for found in undone if found.movement.kind == "return"]
    return [_returned(movement, Reversed.of(movement.outcome)) for movement in returns]


def _returned(movement: Movement, back: Reversed) -> dict[str, Any]:
    lines = [
        {"line": number, "quantity": quantity_text(micro), "amount": amount}
        for number, micro, amount in back.lines
    ]
    return {
        "return": movement.id, "log_index": movement.log_index, "lines": lines, "total": back.total,
    }  # fmt: skip
