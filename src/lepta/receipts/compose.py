"""Receipt text from a slip: whom, what was given, thanks, and then the points; only what was booked.

Thousands of receipts say the same sentences, so those are remembered, as many as `REMEMBERED`. Each follows
from its arguments alone, and those that name a shopper are never among them.
"""

from functools import lru_cache

from lepta.names import Name, clean
from lepta.receipts.columns import wrap
from lepta.receipts.language import Forms, Language, in_sentence, language
from lepta.receipts.slip import Balance, Given, Person, Slip
from lepta.receipts.template import Values

MAX_EXPIRING = 3
"""Dates of expiry on a receipt, the soonest; the kiosk shows them all."""

REMEMBERED = 4_096
"""Sentences of each sort that are kept, the latest used: a few megabytes."""


def compose(slip: Slip, code: str, width: int) -> str:
    """The receipt in the language `code`: lines of at most `width` columns, joined by line feeds.

    The sentences are `sentences`; words are broken only where one alone is wider than the paper.
    """
    first_name = _first_name(slip)
    return "\n".join(
        [
            wrap(sentence, width)
            if first_name and first_name in sentence
            else _fitted(sentence, width)
            for sentence in _sentences(slip, first_name, language(code))
        ]
    )


_fitted = lru_cache(REMEMBERED)(wrap)


def sentences(slip: Slip, code: str) -> list[str]:
    """What the receipt says, before it is fitted to a width; no-break spaces hold amounts together.

    In this order: greeting, donations, bonus campaigns' own words, thanks, the state of the card, points. Of
    a voided sale it says that and the balance, since nothing else of it is true any more. An author's
    sentence that needs something this sale has not gives way to ours.
    """
    return _sentences(slip, _first_name(slip), language(code))


def _first_name(slip: Slip) -> str:
    """Empty where nothing of it is printable: then it is no name."""
    return clean(slip.person.first_name) if slip.person else ""


def _sentences(slip: Slip, first_name: str, spoken: Language) -> list[str]:
    said = [_greeting(slip.person, first_name, spoken)]
    if slip.voided:
        said.append(spoken.sentences.voided)
    else:
        for given in slip.given:
            said.extend(_given(given, slip, first_name, spoken))
        if slip.notes:
            said.extend(_notes(slip, first_name))
        said.append(spoken.sentences.thanks)
        said.extend(_card(slip, spoken))
        said.extend(_points(slip, spoken))
    if slip.balance is not None:
        said.extend(_balance(slip.balance, slip.points_scale, spoken))
    return said


def _greeting(person: Person | None, first_name: str, spoken: Language) -> str:
    """By gender."""
    texts = spoken.sentences
    if person is None or not first_name:
        return texts.greeting_anonymous
    if person.gender == "male":
        return texts.greeting_male.format(name=first_name)
    if person.gender == "female":
        return texts.greeting_female.format(name=first_name)
    return texts.greeting_other.format(name=first_name)


def _given(given: Given, slip: Slip, first_name: str, spoken: Language) -> list[str]:
    """One donation in one paragraph; nothing about one of which nothing was booked."""
    if given.points <= 0 and given.money_minor <= 0:
        return []
    if given.sentence is not None and given.sentence.is_personal:
        gender = slip.person.gender if slip.person else None
        values = _values(given, slip.programme, slip.points_scale, slip.currency)
        told = given.sentence.render(values._replace(first_name=first_name, gender=gender))
        if told is not None:
            return [told]
        given = given._replace(sentence=None)
    return [_donated(given, slip.programme, slip.points_scale, slip.currency, spoken)]


@lru_cache(REMEMBERED)
def _donated(given: Given, programme: Name, scale: int, currency: str, spoken: Language) -> str:
    """The campaign author's sentence, if it says nothing of the shopper and lacks nothing, else ours."""
    if given.sentence is not None:
        told = given.sentence.render(_values(given, programme, scale, currency))
        if told is not None:
            return told
    if given.from_shopper_points > 0 or given.from_shopper_money_minor > 0:
        return _own_gift(given, scale, currency, spoken)
    return _donation(given, scale, currency, spoken)


def _values(given: Given, programme: Name, scale: int, currency: str) -> Values:
    return Values(
        programme=programme,
        points=given.points,
        points_scale=scale,
        money_minor=given.money_minor,
        currency=currency,
        units=given.units,
        fund=given.fund,
        product=given.product,
        first_name=None,
        gender=None,
    )


def _donation(given: Given, scale: int, currency: str, spoken: Language) -> str:
    """What others gave because the shopper bought something: in points in the shopper's name, or in money."""
    fund = in_sentence(given.fund, spoken, spoken.fund)
    product = in_sentence(given.product, spoken, spoken.product) if given.product else ""
    if given.points > 0:
        forms = spoken.counted.donated_points_for if product else spoken.counted.donated_points
        text = forms[spoken.category(given.points, scale)]
        points = spoken.number(given.points, scale)
        return text.format(fund=fund, product=product, points=points)
    text = spoken.sentences.donated_money_for if product else spoken.sentences.donated_money
    money = spoken.money(given.money_minor, currency)
    return text.format(fund=fund, product=product, money=money)


def _own_gift(given: Given, scale: int, currency: str, spoken: Language) -> str:
    """What the shopper gave, and apart from it what others added to that."""
    fund = in_sentence(given.fund, spoken, spoken.fund)
    own, own_minor = given.from_shopper_points, given.from_shopper_money_minor
    if own > 0:
        text = spoken.counted.gave_points[spoken.category(own, scale)]
        told = text.format(fund=fund, points=spoken.number(own, scale))
    else:
        money = spoken.money(own_minor, currency)
        told = spoken.sentences.gave_money.format(fund=fund, money=money)
    added, added_minor = given.points - own, given.money_minor - own_minor
    if added > 0:
        return f"{told} {_counted('added_points', added, scale, spoken)}"
    if added_minor > 0:
        money = spoken.money(added_minor, currency)
        return f"{told} {spoken.sentences.added_money.format(money=money)}"
    return told


def _notes(slip: Slip, first_name: str) -> list[str]:
    said: list[str] = []
    for note in slip.notes:
        values = Values(
            programme=slip.programme,
            points=note.points,
            points_scale=slip.points_scale,
            money_minor=None,
            currency=slip.currency,
            units=None,
            fund=None,
            product=note.product,
            first_name=first_name,
            gender=slip.person.gender if slip.person else None,
        )
        told = note.sentence.render(values) if note.points > 0 else None
        if told is not None:
            said.append(told)
    return said


def _card(slip: Slip, spoken: Language) -> list[str]:
    """Why the points below are missing or cannot be spent."""
    texts = spoken.sentences
    match slip.card_status:
        case "unknown":
            return [texts.card_unknown]
        case "not-activated":
            return [texts.card_not_activated]
        case "blocked":
            return [texts.card_blocked]
        case "none" | "active":
            return []


def _points(slip: Slip, spoken: Language) -> list[str]:
    """What this sale did to the points; a zero is not worth a line."""
    said: list[str] = []
    scale = slip.points_scale
    if slip.redeemed > 0:
        money = spoken.money(slip.redeemed_minor, slip.currency)
        text = spoken.counted.redeemed[spoken.category(slip.redeemed, scale)]
        said.append(text.format(points=spoken.number(slip.redeemed, scale), money=money))
    for amount, key in (
        (slip.shortfall, "shortfall"),
        (slip.earned, "earned"),
        (slip.pending, "pending"),
    ):
        if amount > 0:
            said.append(_counted(key, amount, scale, spoken))
    return said


@lru_cache(REMEMBERED)
def _counted(key: str, points: int, scale: int, spoken: Language) -> str:
    """The sentence `key` of `Counted` about so many points and nothing else."""
    forms: Forms = getattr(spoken.counted, key)
    text = forms[spoken.category(points, scale)]
    return text.format(points=spoken.number(points, scale))


def _balance(balance: Balance, scale: int, spoken: Language) -> list[str]:
    """What there is to spend, even if it is nothing; what is held or pending; what expires soon."""
    said = [_counted("balance", balance.available, scale, spoken)]
    for amount, key in ((balance.held, "balance_held"), (balance.pending, "balance_pending")):
        if amount > 0:
            said.append(_counted(key, amount, scale, spoken))
    for on, points in balance.expiring[:MAX_EXPIRING]:
        text = spoken.counted.expiring[spoken.category(points, scale)]
        said.append(text.format(points=spoken.number(points, scale), date=spoken.day(on)))
    return said
