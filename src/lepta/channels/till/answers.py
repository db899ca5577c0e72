"""The answer to a sale: one shape, built from what was recorded, however often it is asked for.

What thousands of sales share is written as JSON once and remembered, as much as `REMEMBERED`. It follows from
what was recorded alone, so it never goes out of date.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from lepta.channels.till.slips import Slips
from lepta.errors import InvalidRequest
from lepta.names import LANGUAGES
from lepta.processing.leaf import Recorded
from lepta.processing.outcome import Balance, Outcome
from lepta.processing.quoting import Made
from lepta.processing.state import ShopperRecord
from lepta.receipts.compose import compose, sentences
from lepta.receipts.escpos import encode
from lepta.rules import explanation
from lepta.rules.effects import Offer

REMEMBERED = 4_096
"""Parts of each sort that are kept, the latest used: a few megabytes."""

GivenFor = Sequence[tuple[str, tuple[int, ...]]]
"""As `Outcome.given_for` says it."""

NOT_RECORDED: Mapping[str, Any] = {"checkout": None, "log_index": None}
"""What an answer to a sale has instead of names, where the log has nothing of it."""
TRAINING: Mapping[str, Any] = {"training": True}

MIN_WIDTH, WIDTH, MAX_WIDTH = 32, 40, 48


class Form(NamedTuple):
    """How an answer is wanted: the query's and the header's wishes."""

    explain: bool = True
    width: int = WIDTH
    escpos: bool = False
    language: str | None = None
    """From `Accept-Language`; the member's own comes before it."""


PLAIN = Form()


def read_form(query: Mapping[str, str], accept_language: str | None) -> Form:
    """The form asked for; raises `InvalidRequest` for a width or a form that there is not."""
    language = accepted_language(accept_language) if accept_language else None
    if not query:
        return PLAIN if language is None else Form(language=language)
    errors: list[dict[str, str]] = []
    width = query.get("width", str(WIDTH))
    if not (width.isdecimal() and len(width) < 4 and MIN_WIDTH <= int(width) <= MAX_WIDTH):
        errors.append(
            {"path": "width", "reason": f"write a number from {MIN_WIDTH} to {MAX_WIDTH}"}
        )
    if query.get("explain", "true") not in {"true", "false"}:
        errors.append({"path": "explain", "reason": "write true or false"})
    if query.get("receipt", "text") not in {"text", "escpos"}:
        errors.append({"path": "receipt", "reason": "write text or escpos"})
    if errors:
        raise InvalidRequest(errors)
    return Form(
        explain=query.get("explain") != "false",
        width=int(width),
        escpos=query.get("receipt") == "escpos",
        language=language,
    )


def accepted_language(header: str) -> str | None:
    """The best of our languages in an `Accept-Language` header (RFC 9110, 12.5.4); None if none is."""
    best, best_weight = None, 0.0
    for part in header.split(",")[:20]:
        tag, _, parameters = part.partition(";")
        code = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if code in LANGUAGES and weight > best_weight:
            best, best_weight = code, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


@dataclass(frozen=True, slots=True)
class Answers:
    """Shapes recorded sales for tills."""

    slips: Slips

    def checkout(
        self,
        recorded: Recorded,
        shopper: ShopperRecord | None,
        form: Form,
        *,
        replayed: bool,
        voided: bool = False,
        returns: Sequence[Mapping[str, Any]] = (),
    ) -> bytes:
        """The JSON of a checkout's answer; `returns` for those who ask later, where something has come back."""
        names: dict[str, Any] = {"checkout": recorded.id, "log_index": recorded.log_index}
        if returns:
            names["returns"] = returns
        answer = self._sale(names, recorded, shopper, form, replayed=replayed, voided=voided)
        return orjson.dumps(answer)

    def training(self, recorded: Recorded, shopper: ShopperRecord | None, form: Form) -> bytes:
        """The JSON of a training sale's answer: a checkout's, of a sale that nothing is recorded of."""
        names = {**NOT_RECORDED, **TRAINING}
        return orjson.dumps(
            self._sale(names, recorded, shopper, form, replayed=False, voided=False)
        )

    def quote(self, made: Made, form: Form, *, training: bool = False) -> bytes:
        """The JSON of a quote: the answer to the sale as it would be, and what may become of it."""
        recorded, shopper = made.recorded, made.shopper
        names = {**NOT_RECORDED, **TRAINING} if training else NOT_RECORDED
        answer = self._sale(names, recorded, shopper, form, replayed=False, voided=False)
        language = language_for(self.slips, recorded.event.key.store, recorded, shopper, form)
        answer |= {
            "quote": made.token,
            "valid_until": made.valid_until.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "redeemable": made.redeemable,
            "offers": [self._offer(recorded, offer, language) for offer in made.offers],
        }
        return orjson.dumps(answer)

    def _offer(self, recorded: Recorded, offer: Offer, language: str) -> dict[str, Any]:
        told = {"id": offer.campaign, "text": self.slips.offer(recorded, offer, language)}
        if offer.points:
            return {**told, "amount": 0, "points": offer.points}
        return {**told, "amount": offer.amount_minor}

    def _sale(
        self,
        names: Mapping[str, Any],
        recorded: Recorded,
        shopper: ShopperRecord | None,
        form: Form,
        *,
        replayed: bool,
        voided: bool,
    ) -> dict[str, Any]:
        outcome = recorded.outcome
        given_for = outcome.given_for()
        answer: dict[str, Any] = {
            **names,
            "rulebook": f"sha256:{self.slips.rulebooks.digests[recorded.rulebook].hex()}",
            "replayed": replayed,
            "voided": voided,
            "card_status": outcome.card_status,
            "flags": outcome.flags,
            "total": outcome.total,
            "to_pay": outcome.to_pay,
            "points": _points(outcome),
            "donations": [donation_document(donation[:8]) for donation in outcome.donations],
            "lines": _lines(recorded, given_for),
            "offers": (),
        }
        if form.explain:
            rulebook = self.slips.rulebooks.newest
            answer["explain"] = _explain(recorded, given_for, rulebook.campaigns)
        answer["receipt"] = self._receipt(
            recorded, shopper, form, voided=voided, training="training" in names
        )
        return answer

    def _receipt(
        self,
        recorded: Recorded,
        shopper: ShopperRecord | None,
        form: Form,
        *,
        voided: bool,
        training: bool,
    ) -> dict[str, Any]:
        language = language_for(self.slips, recorded.event.key.store, recorded, shopper, form)
        slip = self.slips.slip(recorded, shopper, language, voided=voided)
        if training:
            slip = slip._replace(training=True)
        text = compose(slip, language, form.width)
        said = sentences(slip, language) if form.escpos else ()
        return receipt_document(text, said, language, form)


def language_for(
    slips: Slips, store: str, recorded: Recorded | None, shopper: ShopperRecord | None, form: Form
) -> str:
    """Of a receipt in `store` about a sale, if it is about one: the member's language, the till's, or the store's,
    whichever is the first of these that the programme speaks.
    """
    known = slips.directory.store(store)
    spoken = slips.languages(recorded) if recorded else slips.languages_in(store)
    if shopper is not None and shopper.language in spoken:
        return shopper.language
    if form.language in spoken:
        return form.language
    return known.language if known and known.language in spoken else spoken[0]


def receipt_document(text: str, said: Sequence[str], language: str, form: Form) -> dict[str, Any]:
    """A receipt as answers carry it; what was `said` is what the printer's bytes are made of."""
    receipt: dict[str, Any] = {"language": language, "width": form.width, "text": text}
    if form.escpos:
        receipt["escpos"] = base64.b64encode(encode("\n".join(said), form.width)).decode()
    return receipt


def _points(outcome: Outcome) -> dict[str, Any]:
    earned, pending, redeemed, given, shortfall = outcome.points
    return {
        "earned": earned,
        "pending": pending,
        "redeemed": redeemed,
        "given": given,
        "shortfall": shortfall,
        "balance": balance_document(outcome.balance),
    }


def balance_document(balance: Balance | None) -> dict[str, Any] | None:
    """A member's points as answers carry them; None for whoever has none."""
    if balance is None:
        return None
    available, held, pending, expiring = balance
    return {
        "available": available,
        "held": held,
        "pending": pending,
        "expiring": [{"on": on, "points": part} for on, part in expiring],
    }


@lru_cache(REMEMBERED)
def donation_document(donation: tuple[Any, ...]) -> orjson.Fragment:
    """The first eight fields of a `Donation`: what of it the lines carry is not told."""
    campaign, fund, points, money, units, funders, shopper_points, shopper_money = donation
    return _written(
        {
            "campaign": campaign,
            "fund": fund,
            "points": points,
            "money": money,
            "units": units,
            "funders": [{"party": party, "money": part} for party, part, _ in funders],
            "from_shopper": {"points": shopper_points, "money": shopper_money},
        }
    )


def _written(part: dict[str, Any]) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(part))


def _lines(recorded: Recorded, given_for: GivenFor) -> list[dict[str, Any]]:
    outcome, lines = recorded.outcome, recorded.event.lines
    campaigns: list[list[str]] = [[] for _ in lines]
    for campaign, positions in given_for:
        for at in positions:
            campaigns[at].append(campaign)
    return [
        {"line": line.line, "earned": earned, "redeemed": redeemed, "campaigns": named}
        for line, earned, redeemed, named in zip(
            lines, outcome.earned_by_line, outcome.redeemed_by_line, campaigns, strict=True
        )
    ]


def _explain(recorded: Recorded, given_for: GivenFor, campaigns: Sequence[str]) -> list[Any]:
    """Why each campaign considered fired or not, from the codes that were stored.

    `campaigns` may be those of any later rulebook than the deciding: they keep their numbers.
    """
    lines, currency = recorded.event.lines, recorded.event.currency
    positions = dict(given_for)
    explained: list[Any] = []
    for number, code, argument in recorded.outcome.reasons:
        campaign = campaigns[number]
        given = positions.get(campaign, ()) if explanation.is_counted(code) else ()
        if len(given) == 1:
            explained.append(_for_one_line(campaign, code, argument, lines[given[0]].sku))
            continue
        skus = [lines[at].sku for at in given]
        because = explanation.because(code, argument, skus, currency, campaigns.__getitem__)
        explained.append(_explained(campaign, code, because))
    return explained


@lru_cache(REMEMBERED)
def _for_one_line(campaign: str, code: int, argument: int, sku: str) -> orjson.Fragment:
    return _written(_explained(campaign, code, explanation.counted(code, argument, [sku])))


def _explained(campaign: str, code: int, because: str) -> dict[str, Any]:
    return {"campaign": campaign, "fired": explanation.fired(code), "because": because}
