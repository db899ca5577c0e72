"""Quotes: what a sale would come to, told before it is paid. Nothing is stored of one: the till carries it.

A quote is bound to its basket, to the rulebook that made it and to what it said, and signed (HMAC, RFC 2104) with a
secret that all processes of a deployment share, so that no till can make or change one. Its text holds what the till
sent itself, and salted digests. Pure.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from lepta.ledger.book import Book
from lepta.processing.canonical import canonical
from lepta.processing.events import Checkout, InsufficientPoints, QuoteStale, line_arrays
from lepta.processing.held import NO_HOLD, Capture
from lepta.processing.sight import Prepared
from lepta.processing.verdict import Verdict, judge
from lepta.rules.effects import Earn, Effect
from lepta.rules.facts import Gift
from lepta.rules.rulebook import Rulebook
from lepta.values import value

VERSION = 1
SALT_BYTES = 16
_TAG_BYTES = 32
_DIGEST_BYTES = 16
_PURPOSE = b"lepta quote\n"


class Answers(NamedTuple):
    """What the shopper had said when the quote was made; they may say something else when they pay."""

    redeem: int
    choice: tuple[str, str] | None
    gifts: tuple[Gift, ...]

    @classmethod
    def of(cls, event: Checkout) -> "Answers":
        """Those of a sale."""
        return cls(event.redeem, event.choice, event.gifts)

    def given_in(self, event: Checkout) -> Checkout:
        """The sale as it would be with these answers."""
        return event._replace(redeem=self.redeem, choice=self.choice, gifts=self.gifts)


class Quote(NamedTuple):
    """What a quote binds. Digests are salted."""

    rulebook: int
    until_s: int
    """The last second since 1970 in which it is valid."""
    salt: bytes
    basket: bytes
    outcome: bytes
    redeemable: int
    """Points that it said may be spent."""
    answers: Answers


@value
class Named:
    """A quote that a sale names, valid and of its basket, and the sale as it was quoted."""

    quote: Quote
    rulebook: Rulebook
    as_quoted: Prepared


def seal(quote: Quote, secret: bytes) -> str:
    """The quote as a till carries it: base64url of the signature and what is signed."""
    number, until_s, salt, basket, outcome, redeemable, (redeem, choice, gifts) = quote
    digests = [urlsafe_b64encode(part).decode() for part in (salt, basket, outcome)]
    said = [VERSION, number, until_s, *digests, redeemable, redeem, choice, [*map(tuple, gifts)]]
    content = canonical(said)
    return urlsafe_b64encode(_tag(content, secret) + content).decode().rstrip("=")


def unseal(token: str, secret: bytes) -> Quote | None:
    """The quote that a till carries; None where it is none of ours, however little of it is changed."""
    try:
        data = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (ValueError, binascii.Error):
        return None
    tag, content = data[:_TAG_BYTES], data[_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(content, secret)):
        return None
    return _read(orjson.loads(content))


def _read(said: list[Any]) -> Quote | None:
    if said[0] != VERSION:
        return None
    _, number, until_s, *digests, redeemable, redeem, choice, gifts = said
    salt, basket, outcome = map(urlsafe_b64decode, digests)
    chosen = None if choice is None else (choice[0], choice[1])
    answers = Answers(redeem, chosen, tuple([Gift(*gift) for gift in gifts]))
    return Quote(number, until_s, salt, basket, outcome, redeemable, answers)


def _tag(content: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, _PURPOSE + content, "sha256")


def basket_digest(salt: bytes, event: Checkout) -> bytes:
    """Of what may not change between quote and sale: lines, total, card, till and business day.

    The sequence, the moment and the fiscal document are not known before the sale; the shopper's answers are theirs.
    """
    store, till, day, _ = event.key
    said = [store, till, day, event.currency, line_arrays(event.lines), event.total, event.card]
    return _digest(salt, b"basket\n", said)


def outcome_digest(salt: bytes, verdict: Verdict, rulebook: Rulebook) -> bytes:
    """Of what a quote says: what is to be paid, redeemed, earned and given, and what is offered, under these rules."""
    offers = [offer for offer in verdict.result.offers if offer.amount_minor or offer.points]
    said = [
        rulebook.digest.hex(), verdict.redeemed, verdict.redeemed_money, verdict.shortfall,
        verdict.redeemed_by_line, [*map(_given, verdict.result.effects)], [*map(tuple, offers)],
    ]  # fmt: skip
    return _digest(salt, b"outcome\n", said)


def _given(effect: Effect) -> tuple[Any, ...]:
    funders = [(f.party, f.points, f.money_minor) for f in effect.funders]
    common = (effect.campaign, effect.points, funders, effect.by_line, effect.applications)
    if isinstance(effect, Earn):
        return (*common, effect.pending_days)
    shopper = effect.shopper_points, effect.shopper_money_minor
    return (*common, effect.fund, effect.money_minor, *shopper)


def _digest(salt: bytes, purpose: bytes, said: list[Any]) -> bytes:
    return sha256(salt + purpose + canonical(said)).digest()[:_DIGEST_BYTES]


def read_quote(event: Checkout, secret: bytes, received_at: datetime) -> Quote | QuoteStale:
    """The quote that a sale names, or why it does not hold.

    It is valid up to and including its last second, by our clock; of an offline sale it is the till's that counts,
    since the sale was over by then.
    """
    quote = None if event.token is None else unseal(event.token, secret)
    if quote is None:
        return QuoteStale("unknown", "The quote is none of this service.")
    if not hmac.compare_digest(quote.basket, basket_digest(quote.salt, event)):
        return QuoteStale(
            "basket", "The quote is of another basket, card, till or business day than the sale."
        )
    if not in_time(quote.until_s, event, received_at):
        until = datetime.fromtimestamp(quote.until_s, UTC).isoformat().replace("+00:00", "Z")
        return QuoteStale("expired", f"The quote was valid until {until}.", valid_until=until)
    return quote


def in_time(until_s: int, event: Checkout, received_at: datetime) -> bool:
    """Whether a quote that is valid up to this second may decide the sale."""
    return int((event.occurred_at if event.offline else received_at).timestamp()) <= until_s


def judge_named(
    prepared: Prepared,
    named: Named | QuoteStale,
    book: Book,
    counts: dict[str, int],
    capture: Capture = NO_HOLD,
) -> tuple[Prepared, Verdict]:
    """The verdict on a sale that names a quote: what the quote said is given still, or `QuoteStale` is raised.

    A sale that is over is never refused: the fact that its quote did not hold is put down with it.
    """
    stale = named if isinstance(named, QuoteStale) else _broken(named, book, counts, capture)
    if prepared.event.offline:
        kept = prepared if stale is None else prepared.flagged_stale
        return kept, judge(kept, book, counts, capture)
    if stale is not None:
        raise stale
    assert isinstance(named, Named), named
    try:
        return prepared, judge(prepared, book, counts, capture)
    except InsufficientPoints as error:
        if prepared.event.redeem > named.quote.redeemable:
            raise
        raise _fewer_points(error) from None


def _broken(
    named: Named, book: Book, counts: dict[str, int], capture: Capture
) -> QuoteStale | None:
    """Why the quote's own answers would not give any more what it said."""
    try:
        verdict = judge(named.as_quoted, book, counts, capture)
    except InsufficientPoints as error:
        return _fewer_points(error)
    except QuoteStale as differs:
        return _changed(gifts=differs.members["gifts"])
    now = outcome_digest(named.quote.salt, verdict, named.rulebook)
    return None if hmac.compare_digest(now, named.quote.outcome) else _changed()


def _fewer_points(error: InsufficientPoints) -> QuoteStale:
    why = "Fewer points may be spent by now than the quote said."
    return QuoteStale("points", why, **error.members)


def _changed(**members: Any) -> QuoteStale:
    why = "What the sale gets has changed since the quote: by a limit, the shopper's record or the hour."
    return QuoteStale("outcome", why, **members)
