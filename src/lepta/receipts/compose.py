"""Receipt text from a slip: whom, what was given, thanks, and then the points; only what was booked."""

from functools import lru_cache

from lepta.names import Name, clean
from lepta.receipts.language import in_sentence
from lepta.receipts.phrases import (
    REMEMBERED,
    Style,
    balance_lines,
    counted,
    fitted,
    greeting,
    style_of,
)
from lepta.receipts.slip import Given, Slip
from lepta.receipts.template import Values


def compose(slip: Slip, code: str, width: int) -> str:
    """The receipt in the language `code`: lines of at most `width` columns, joined by line feeds.

    The sentences are `sentences`; words are broken only where one alone is wider than the paper.
    """
    return "\n".join(_sentences(slip, style_of(code, width, slip.points_scale, slip.currency)))


def sentences(slip: Slip, code: str) -> list[str]:
    """What the receipt says, before it is fitted to a width; no-break spaces hold amounts together.

    In this order: that it is a training receipt, where it is one, greeting, donations, bonus campaigns' own words,
    thanks, the state of the card, points. Of a voided sale it says that and the balance, since nothing else of it is
    true any more. An author's sentence that needs something this sale has not gives way to ours.
    """
    return _sentences(slip, style_of(code, None, slip.points_scale, slip.currency))


def _sentences(slip: Slip, style: Style) -> list[str]:
    """All of them, fitted; what names the shopper is fitted anew each time."""
    person, texts = slip.person, style.spoken.sentences
    # Empty where nothing of it is printable: then it is no name.
    first_name = clean(person.first_name) if person is not None else ""
    said = [fitted(texts.training, style)] if slip.training else []
    said.append(greeting(person, first_name, style))
    if slip.voided:
        said.append(fitted(texts.voided, style))
    else:
        said += [
            _given(given, slip, first_name, style)
            for given in slip.given
            if given.points > 0 or given.money_minor > 0
        ]
        if slip.notes:
            said += _notes(slip, first_name, style)
        said.append(fitted(texts.thanks, style))
        said += _card(slip, style)
        said += _points(slip, style)
    if slip.balance is not None:
        said += balance_lines(slip.balance, style)
    return said


def _given(given: Given, slip: Slip, first_name: str, style: Style) -> str:
    """One donation in one paragraph; nothing is said about one of which nothing was booked."""
    if given.sentence is not None and given.sentence.is_personal:
        gender = slip.person.gender if slip.person else None
        values = _values(given, slip.programme, style)
        told = given.sentence.render(values._replace(first_name=first_name, gender=gender))
        if told is not None:
            return style.fit(_with_match(told, given, style))
        given = given._replace(sentence=None)
    return _donated(given, slip.programme, style)


@lru_cache(REMEMBERED)
def _donated(given: Given, programme: Name, style: Style) -> str:
    """The campaign author's sentence, if it says nothing of the shopper and lacks nothing, else ours."""
    if given.sentence is not None:
        told = given.sentence.render(_values(given, programme, style))
        if told is not None:
            return style.fit(_with_match(told, given, style))
    if given.from_shopper_points > 0 or given.from_shopper_money_minor > 0:
        return style.fit(_own_gift(given, style))
    return style.fit(_donation(given, style))


def _with_match(told: str, given: Given, style: Style) -> str:
    """The author's sentence, and apart from it what others added to the money that it speaks of."""
    added_minor = given.money_minor - given.from_shopper_money_minor
    if given.from_shopper_money_minor <= 0 or added_minor <= 0:
        return told
    return f"{told} {style.spoken.sentences.added_money.format(money=style.money(added_minor))}"


def _values(given: Given, programme: Name, style: Style) -> Values:
    """`money` of a gift is the shopper's own, or what their points are worth: nobody is told to have given what a
    company added.
    """
    of_shopper = given.from_shopper_money_minor > 0
    return Values(
        programme=programme,
        points=given.points,
        points_scale=style.scale,
        money_minor=given.from_shopper_money_minor if of_shopper else given.money_minor,
        currency=style.currency,
        units=given.units,
        fund=given.fund,
        product=given.product,
        first_name=None,
        gender=None,
    )


def _donation(given: Given, style: Style) -> str:
    """What others gave because the shopper bought something: in points in the shopper's name, or in money."""
    spoken = style.spoken
    fund = in_sentence(given.fund, spoken, spoken.fund)
    product = in_sentence(given.product, spoken, spoken.product) if given.product else ""
    if given.points > 0:
        forms = spoken.counted.donated_points_for if product else spoken.counted.donated_points
        text = forms[style.category(given.points)]
        return text.format(fund=fund, product=product, points=style.number(given.points))
    text = spoken.sentences.donated_money_for if product else spoken.sentences.donated_money
    return text.format(fund=fund, product=product, money=style.money(given.money_minor))


def _own_gift(given: Given, style: Style) -> str:
    """What the shopper gave, and apart from it what others added to that."""
    spoken = style.spoken
    fund = in_sentence(given.fund, spoken, spoken.fund)
    own, own_minor = given.from_shopper_points, given.from_shopper_money_minor
    if own > 0:
        text = spoken.counted.gave_points[style.category(own)]
        told = text.format(fund=fund, points=style.number(own))
    else:
        told = spoken.sentences.gave_money.format(fund=fund, money=style.money(own_minor))
    added, added_minor = given.points - own, given.money_minor - own_minor
    if added > 0:
        text = spoken.counted.added_points[style.category(added)]
        return f"{told} {text.format(points=style.number(added))}"
    if added_minor > 0:
        return f"{told} {spoken.sentences.added_money.format(money=style.money(added_minor))}"
    return told


def _notes(slip: Slip, first_name: str, style: Style) -> list[str]:
    said: list[str] = []
    for note in slip.notes:
        values = Values(
            programme=slip.programme,
            points=note.points,
            points_scale=style.scale,
            money_minor=None,
            currency=style.currency,
            units=None,
            fund=None,
            product=note.product,
            first_name=first_name,
            gender=slip.person.gender if slip.person else None,
        )
        told = note.sentence.render(values) if note.points > 0 else None
        if told is not None:
            said.append(style.fit(told) if note.sentence.is_personal else fitted(told, style))
    return said


def _card(slip: Slip, style: Style) -> tuple[str, ...]:
    """Why the points below are missing or cannot be spent."""
    texts = style.spoken.sentences
    match slip.card_status:
        case "active" | "none":
            return ()
        case "unknown":
            return (fitted(texts.card_unknown, style),)
        case "not-activated":
            return (fitted(texts.card_not_activated, style),)
        case "blocked":
            return (fitted(texts.card_blocked, style),)


def _points(slip: Slip, style: Style) -> list[str]:
    """What this sale did to the points; a zero is not worth a line."""
    said: list[str] = []
    if slip.redeemed > 0:
        text = style.spoken.counted.redeemed[style.category(slip.redeemed)]
        money = style.money(slip.redeemed_minor)
        told = text.format(points=style.number(slip.redeemed), money=money)
        said.append(fitted(told, style))
    if slip.shortfall > 0:
        said.append(counted("shortfall", slip.shortfall, style))
    if slip.earned > 0:
        said.append(counted("earned", slip.earned, style))
    if slip.pending > 0:
        said.append(counted("pending", slip.pending, style))
    return said
