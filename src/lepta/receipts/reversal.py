"""Receipt text of a void or a return: whom, what was undone, what that takes and gives back, and the balance."""

from functools import lru_cache

from lepta.names import clean
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
from lepta.receipts.slip import GivenBack, ReversalSlip


def compose_reversal(slip: ReversalSlip, code: str, width: int) -> str:
    """The receipt in the language `code`: lines of at most `width` columns, joined by line feeds."""
    return "\n".join(_sentences(slip, style_of(code, width, slip.points_scale, slip.currency)))


def reversal_sentences(slip: ReversalSlip, code: str) -> list[str]:
    """What the receipt says, before it is fitted to a width; no-break spaces hold amounts together.

    In this order: that it is a training receipt, where it is one, greeting, what was undone, the refund, points taken
    and given back, donations, balance. A zero is not worth a line. Points that a programme writes off are no news to the shopper, who loses nothing.
    """
    return _sentences(slip, style_of(code, None, slip.points_scale, slip.currency))


def _sentences(slip: ReversalSlip, style: Style) -> list[str]:
    texts, person = style.spoken.sentences, slip.person
    first_name = clean(person.first_name) if person is not None else ""
    said = [fitted(texts.training, style)] if slip.training else []
    said += [
        greeting(person, first_name, style),
        fitted(texts.voided if slip.void else texts.returned, style),
    ]
    if slip.unreferenced:
        said.append(fitted(texts.unreferenced, style))
    if slip.refund_minor > 0:
        said.append(style.fit(texts.refund.format(money=style.money(slip.refund_minor))))
    said += [
        counted(key, points, style)
        for key, points in (
            ("clawed_back", slip.clawed_back),
            ("owed", slip.owed),
            ("restored", slip.restored),
            ("repaid", slip.repaid),
        )
        if points > 0
    ]
    said += [
        _given_back(given, style)
        for given in slip.given
        if given.points > 0 or given.money_minor > 0
    ]
    if slip.balance is not None:
        said += balance_lines(slip.balance, style)
    return said


@lru_cache(REMEMBERED)
def _given_back(given: GivenBack, style: Style) -> str:
    """In the words in which it was given: in points, if it was in points."""
    spoken = style.spoken
    fund = in_sentence(given.fund, spoken, spoken.fund)
    if given.points > 0:
        forms = spoken.counted.kept_points if given.kept else spoken.counted.took_back_points
        text = forms[style.category(given.points)]
        return style.fit(text.format(fund=fund, points=style.number(given.points)))
    texts = spoken.sentences
    text = texts.kept_money if given.kept else texts.took_back_money
    return style.fit(text.format(fund=fund, money=style.money(given.money_minor)))
