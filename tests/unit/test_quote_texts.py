"""What a till carries of a quote: whole or not at all."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make
from lepta.processing.events import QuoteStale, quote_name
from lepta.processing.quotes import (
    Answers,
    Quote,
    basket_digest,
    in_time,
    outcome_digest,
    read_quote,
    seal,
    unseal,
)
from lepta.processing.sight import ByQuote, Prepared, prepare, see
from lepta.processing.verdict import judge
from lepta.rules.facts import Gift
from lepta.rules.rulebook import Change, PublishedCampaign, Rulebook

SECRET = bytes(range(32))
UNTIL_S = int(make.NOON.timestamp()) + 600
digests = st.binary(min_size=16, max_size=16)
numbers = st.integers(-1, 2**53)
texts = st.text(max_size=64)
answers = st.builds(
    Answers,
    numbers,
    st.none() | st.tuples(texts, texts),
    st.lists(st.builds(Gift, texts, st.booleans(), st.none() | numbers), max_size=20).map(tuple),
)
quotes = st.builds(Quote, numbers, numbers, digests, digests, digests, numbers, answers)


def quote_of(**sale: Any) -> Quote:
    event = make.checkout(**sale)
    digest = basket_digest(make.SALT, event)
    return Quote(1, UNTIL_S, make.SALT, digest, bytes(16), 0, Answers.of(event))


@given(quotes)
def test_a_quote_is_read_as_it_was_sealed(quote: Quote) -> None:
    token = seal(quote, SECRET)
    assert unseal(token, SECRET) == quote
    assert unseal(token, SECRET[::-1]) is None


@given(st.text(max_size=300) | st.binary(max_size=300).map(bytes.hex))
def test_any_other_text_is_no_quote(text: str) -> None:
    assert unseal(text, SECRET) is None
    assert len(quote_name(text)) == 22


@given(quotes, st.data())
def test_no_byte_of_a_quote_can_be_changed(quote: Quote, data: st.DataObject) -> None:
    token = seal(quote, SECRET)
    at = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.characters().filter(lambda c: c != token[at]))
    assert unseal(token[:at] + other + token[at + 1 :], SECRET) is None


def test_the_longest_quote_fits_into_a_sale() -> None:
    gifts = [
        {"offer": "\U0001f381" * 63 + chr(0x10000 + n), "accepted": True, "amount": 10**12}
        for n in range(20)
    ]
    choice = {"campaign": '"' * 64, "beneficiary": "\U0001f381" * 64}
    token = seal(quote_of(gifts=gifts, choice=choice, redeem={"points": 10**12}), SECRET)
    assert make.checkout(gifts=gifts, quote=token).token == token


def test_a_quote_holds_to_its_last_second_by_our_clock_or_offline_by_the_tills() -> None:
    late, offline = make.NOON + timedelta(seconds=600.999), make.checkout(offline=True)
    assert in_time(UNTIL_S, make.checkout(), late)
    assert not in_time(UNTIL_S, make.checkout(), late + timedelta(milliseconds=1))
    assert in_time(UNTIL_S, offline, late + timedelta(days=3))
    after = make.checkout(offline=True, occurred_at="2026-11-22T18:25:05+07:00")
    assert not in_time(UNTIL_S, after, make.NOON)


@pytest.mark.parametrize("card", [None, "", "null"])
def test_a_sale_without_a_card_is_not_one_with_any(card: str | None) -> None:
    cards = {None, make.CARD, "null"}
    event = make.checkout(card=card or None)
    token = seal(quote_of(card=card or None), SECRET)
    for other in cards:
        named = make.checkout(card=other, quote=token)
        read = read_quote(named, SECRET, make.NOON)
        assert isinstance(read, Quote) == (other == event.card)


def test_why_a_quote_does_not_hold_is_said_with_what_to_do() -> None:
    token = seal(quote_of(), SECRET)
    for sale, seconds, because in (
        ({"quote": "x"}, 0, "unknown"),
        ({"quote": token, "total": 1}, 0, "basket"),
        ({"quote": token}, 601, "expired"),
    ):
        stale = read_quote(make.checkout(**sale), SECRET, make.NOON + timedelta(seconds=seconds))
        assert isinstance(stale, QuoteStale)
        assert stale.members["because"] == because
        assert "new quote" in str(stale)


def laid_out(rulebook: Rulebook, newest: Rulebook | None = None) -> Prepared:
    event = make.checkout(lines=[make.line(quantity="4")])
    seen = see(event, make.Office(), make.shopper(), rulebook)
    return prepare(event, seen, rulebook, ByQuote(UNTIL_S, newest) if newest else None)


limits = st.fixed_dictionaries({
    "units": st.integers(1, 9), "per_card": st.integers(1, 9), "per_card_day": st.integers(1, 9),
    "budget": st.integers(1, 2_500).map(lambda cap: {"money": cap}),
})  # fmt: skip


@given(limits, limits, st.integers(0, 9))
def test_by_a_quote_nothing_beyond_a_newer_limit_is_given_nor_more_than_then(
    was: dict[str, Any], by_then: dict[str, Any], used: int
) -> None:
    before = make.rulebook(make.BASE, {**make.HUNTER, "limits": was})
    document = {**make.HUNTER, "limits": by_then}
    newest = before.extended(
        Change((PublishedCampaign("hunter-forest", 2, make.NOON, document),)).canonical()
    )
    counts = dict.fromkeys(laid_out(before).matched.counters, used)
    then = judge(laid_out(before), make.state().book, counts)
    now = judge(laid_out(before, newest), make.state().book, counts)
    caps = newest.caps()
    for counter, amount in now.result.consumed:
        assert amount + counts.get(counter, 0) <= caps.get(counter, 9)
        assert amount <= dict(then.result.consumed).get(counter, 0)
    lowered = any(was[name] > by_then[name] for name in ("units", "per_card", "per_card_day"))
    if not lowered and was["budget"]["money"] <= by_then["budget"]["money"]:
        salted = outcome_digest(make.SALT, now, before)
        assert salted == outcome_digest(make.SALT, then, before)
