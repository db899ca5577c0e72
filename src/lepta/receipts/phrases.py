"""What receipts of all sorts have in common: their style, greeting and balance.

Thousands of receipts say the same sentences, so those are remembered, as many as `REMEMBERED`. Each follows
from its arguments alone, and those that name a shopper are never among them.
"""

from dataclasses import dataclass
from functools import lru_cache

from lepta.receipts.columns import wrap
from lepta.receipts.language import Forms, Language, language
from lepta.receipts.slip import Balance, Person

MAX_EXPIRING = 3
"""Dates of expiry on a receipt, the soonest; the kiosk shows them all."""

REMEMBERED = 4_096
"""Sentences of each sort that are kept, the latest used: a few megabytes."""

STYLES = 1_024
"""Styles that are kept: more than languages, widths and currencies in use make."""


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """How receipts of one sort are written. Made by `style_of`, once each, so only itself is equal to it."""

    spoken: Language
    width: int | None
    """Columns that sentences are fitted to; None: they are not."""
    scale: int
    currency: str

    def category(self, points: int) -> str:
        """The plural category of so many points."""
        return self.spoken.category(points, self.scale)

    def number(self, points: int) -> str:
        """Points as people see them."""
        return self.spoken.number(points, self.scale)

    def money(self, minor: int) -> str:
        """Minor units as people see them."""
        return self.spoken.money(minor, self.currency)

    def fit(self, sentence: str) -> str:
        """A sentence in lines of the style's width."""
        return sentence if self.width is None else wrap(sentence, self.width)


@lru_cache(STYLES)
def style_of(code: str, width: int | None, scale: int, currency: str) -> Style:
    """The one style of these."""
    return Style(language(code), width, scale, currency)


@lru_cache(REMEMBERED)
def fitted(sentence: str, style: Style) -> str:
    """A sentence that many receipts say, in lines."""
    return style.fit(sentence)


def greeting(person: Person | None, first_name: str, style: Style) -> str:
    """Whom the receipt addresses, by gender; `first_name` is printable, or empty where nobody is named."""
    texts = style.spoken.sentences
    if person is None or not first_name:
        return fitted(texts.greeting_anonymous, style)
    if person.gender == "male":
        text = texts.greeting_male
    elif person.gender == "female":
        text = texts.greeting_female
    else:
        text = texts.greeting_other
    return style.fit(text.format(name=first_name))


@lru_cache(REMEMBERED)
def counted(key: str, points: int, style: Style) -> str:
    """The sentence `key` of `Counted` about so many points and nothing else."""
    forms: Forms = getattr(style.spoken.counted, key)
    text = forms[style.category(points)]
    return style.fit(text.format(points=style.number(points)))


def balance_lines(balance: Balance, style: Style) -> list[str]:
    """What there is to spend, even if it is nothing; what is held or pending; what expires soon."""
    available, held, pending, expiring = balance
    said = [counted("balance", available, style)]
    if held > 0:
        said.append(counted("balance_held", held, style))
    if pending > 0:
        said.append(counted("balance_pending", pending, style))
    for on, points in expiring[:MAX_EXPIRING]:
        text = style.spoken.counted.expiring[style.category(points)]
        told = text.format(points=style.number(points), date=style.spoken.day(on))
        said.append(fitted(told, style))
    return said
