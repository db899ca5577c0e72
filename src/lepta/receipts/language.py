"""What a language needs to be spoken on a receipt: its sentences, plural forms, numbers, money and dates.

A language is one file in `languages/`, read once. Plural rules come from CLDR through Babel at that moment
and are kept as a table, since Babel is too slow to be asked for every receipt.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from lepta.money import EXPONENT
from lepta.names import Name

_PERIOD = 1000
"""Below it every integer has its own entry in the table of plurals; above, its last three digits decide."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """Sentences without a number that they would have to agree with."""

    greeting_male: str
    greeting_female: str
    greeting_other: str
    greeting_anonymous: str
    thanks: str
    training: str
    voided: str
    card_unknown: str
    card_not_activated: str
    card_blocked: str
    donated_money: str
    donated_money_for: str
    gave_money: str
    added_money: str
    returned: str
    unreferenced: str
    refund: str
    took_back_money: str
    kept_money: str
    offered_money: str


Forms = Mapping[str, str]
"""One sentence by CLDR plural category of the points in it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Sentences that agree with a number of points."""

    donated_points: Forms
    donated_points_for: Forms
    gave_points: Forms
    added_points: Forms
    offered_points: Forms
    redeemed: Forms
    shortfall: Forms
    earned: Forms
    pending: Forms
    balance: Forms
    balance_held: Forms
    balance_pending: Forms
    expiring: Forms
    clawed_back: Forms
    restored: Forms
    owed: Forms
    repaid: Forms
    took_back_points: Forms
    kept_points: Forms


@dataclass(frozen=True, slots=True)
class InSentence:
    """How a name stands in the language's sentences: in `case`, or `as_named` where it would not fit."""

    case: str
    misfit_endings: tuple[str, ...]
    as_named: str


@dataclass(frozen=True, slots=True)
class Money:
    """How amounts of one currency are written."""

    exponent: int
    unit: int
    """Minor units in one major unit."""
    pattern: str
    """With one `{amount}`."""


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One language, ready to compose with. Made by `language`, once each, so only itself is equal to it."""

    code: str
    author_forms: tuple[str, ...]
    """The plural categories that campaign authors write, in their order."""
    fraction_form: str
    """Which of `author_forms` stands after a number with decimals."""
    fraction_category: str
    categories: tuple[str, ...]
    group: str
    decimal: str
    currencies: Mapping[str, Money]
    date_pattern: str
    months: tuple[str, ...]
    fund: InSentence
    product: InSentence
    sentences: Sentences
    counted: Counted

    def category(self, amount: int, scale: int) -> str:
        """The CLDR plural category of `amount` shown with up to `scale` decimals; the sign does not matter."""
        whole = -amount if amount < 0 else amount
        if scale:
            whole, rest = divmod(whole, 10**scale)
            if rest:
                return self.fraction_category
        return self.categories[whole if whole < _PERIOD else _PERIOD + whole % _PERIOD]

    def number(self, amount: int, scale: int) -> str:
        """`amount` of the smallest unit with up to `scale` decimals, without trailing zeros: 1 201,5."""
        sign, rest = "", 0
        if amount < 0:
            sign, amount = "-", -amount
        if scale:
            amount, rest = divmod(amount, 10**scale)
        whole = str(amount) if amount < 1000 else f"{amount:,}".replace(",", self.group)
        if rest:
            return sign + whole + self.decimal + f"{rest:0{scale}d}".rstrip("0")
        return sign + whole

    def money(self, minor: int, currency: str) -> str:
        """`minor` units of `currency` with all its decimals, kept on one line by no-break spaces."""
        style = self.currencies[currency]
        sign = "-" if minor < 0 else ""
        whole, rest = divmod(abs(minor), style.unit)
        shown = str(whole) if whole < 1000 else f"{whole:,}".replace(",", self.group)
        if style.exponent:
            shown += self.decimal + f"{rest:0{style.exponent}d}"
        return sign + style.pattern.replace("{amount}", shown)

    def day(self, on: date) -> str:
        """A date as the language writes it."""
        month_name = self.months[on.month - 1] if self.months else ""
        return self.date_pattern.format(
            day=on.day, month=on.month, month_name=month_name, year=on.year
        )


_INSIDE_QUOTES = str.maketrans("«»", "„“")


def in_sentence(name: Name, language: Language, place: InSentence) -> str:
    """`name` as it stands in one of the language's own sentences.

    Where the case needed was not given and the nominative would be wrong, words that agree are put before it.
    """
    form = name.form(language.code, place.case)
    if not place.misfit_endings or name.has(language.code, place.case):
        return form
    first = form.split(" ", 1)[0].strip("«»„“\"',.")
    if not first.endswith(place.misfit_endings):
        return form
    return place.as_named.replace("{name}", form.translate(_INSIDE_QUOTES))


@cache
def language(code: str) -> Language:
    """The language of `languages/<code>.toml`; a code without a file, or a file of another shape, is a bug."""
    text = (
        resources.files("lepta.receipts").joinpath("languages", f"{code}.toml").read_text("utf-8")
    )
    file = tomllib.loads(text)
    categories, fraction = _plurals(code)
    return Language(
        code=code,
        author_forms=tuple(file["author_forms"]),
        fraction_form=file["fraction_form"],
        fraction_category=fraction,
        categories=categories,
        group=file["numbers"]["group"],
        decimal=file["numbers"]["decimal"],
        currencies={currency: _money(currency, file["money"]) for currency in EXPONENT},
        date_pattern=file["date"]["pattern"],
        months=tuple(file["date"]["months"]),
        fund=_place(file["fund"]),
        product=_place(file["product"]),
        sentences=Sentences(**file["sentences"]),
        counted=_counted(file["counted"], {*categories, fraction}),
    )


def _plurals(code: str) -> tuple[tuple[str, ...], str]:
    """Categories of 0 to 999 and, behind them, of anything larger by its last three digits; and of fractions."""
    from babel import Locale

    rule: Callable[[int | Decimal], str] = Locale.parse(code).plural_form
    table = tuple(rule(number) for number in range(2 * _PERIOD))
    for number in (5_000, 21_001, 100_002, 1_000_000, 2_000_005, 10_000_000):
        assert rule(number) == table[_PERIOD + number % _PERIOD], (code, number)
    fractions = {rule(Decimal(text)) for text in ("0.1", "0.5", "1.5", "2.01", "5.25", "21.2")}
    assert len(fractions) == 1, (code, fractions)
    return table, fractions.pop()


def _counted(file: Mapping[str, Mapping[str, str]], categories: set[str]) -> Counted:
    for key, forms in file.items():
        assert forms.keys() == categories, (key, categories)
    return Counted(**file)


def _money(currency: str, file: Mapping[str, Any]) -> Money:
    symbol = file["symbols"].get(currency)
    pattern: str = file["with_symbol"] if symbol else file["with_code"]
    exponent = EXPONENT[currency]
    return Money(exponent, 10**exponent, pattern.replace("{symbol}", symbol or currency))


def _place(file: Mapping[str, Any]) -> InSentence:
    return InSentence(file["case"], tuple(file["misfit_endings"]), file["as_named"])
