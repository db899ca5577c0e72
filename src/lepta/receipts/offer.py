"""What a shopper may add of their own, in a sentence: what and for whom, and nothing that presses."""

from lepta.names import Name
from lepta.receipts.language import in_sentence, language


def money_offer(fund: Name, money_minor: int, currency: str, code: str) -> str:
    """An offer of money in the language `code`; it promises nothing that others might add."""
    spoken = language(code)
    text = spoken.sentences.offered_money
    return text.format(
        fund=in_sentence(fund, spoken, spoken.fund), money=spoken.money(money_minor, currency)
    )


def points_offer(fund: Name, points: int, points_scale: int, code: str) -> str:
    """The same of the shopper's points, smallest units."""
    spoken = language(code)
    text = spoken.counted.offered_points[spoken.category(points, points_scale)]
    return text.format(
        fund=in_sentence(fund, spoken, spoken.fund), points=spoken.number(points, points_scale)
    )
