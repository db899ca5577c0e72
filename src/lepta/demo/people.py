"""The day's shoppers: each household becomes one member with an invented name and a card."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

PETER_CARD = "2900000000018"


@dataclass(frozen=True, slots=True)
class Habits:
    """What a household does at the till, taken from its number so that every run sees the same."""

    redeems: str
    """On a later basket of the day: "never", "max" or "some"."""
    chooses: str | None
    """The beneficiary they name, if any."""


def _digest(what: str) -> bytes:
    return sha256(what.encode()).digest()


def card_number(member: int) -> str:
    """13 digits that start with 29 and end in the EAN-13 check digit: a till's scanner reads it."""
    digits = f"29{member:010d}"
    weighted = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits))
    return f"{digits}{-weighted % 10}"


def household_card(household: int) -> str:
    """The card of a household of the data."""
    return card_number(1_000_000 + household)


def habits(household: int) -> Habits:
    """How this household shops."""
    picks = _digest(f"habits of household {household}")
    return Habits(
        redeems=("never", "max", "some")[picks[0] % 3],
        chooses=(None, "school-1", "school-17")[picks[1] % 3],
    )


def rounds_up(basket: int) -> bool:
    """Whether the shopper says yes to the till's offer: about one in three does."""
    return _digest(f"round-up of basket {basket}")[0] % 3 == 0


def member(household: int, names: dict[str, Any]) -> dict[str, Any]:
    """The document of a household's member, its name picked from `names` (programme/shoppers.yaml)."""
    picks = _digest(f"household {household}")
    language = "en" if picks[0] % 3 == 0 else "ru"
    gender = ("male", "female")[picks[1] % 2]
    first_names = names[language][gender]
    surnames = names[language]["surnames"]
    return {
        "first_name": first_names[picks[2] % len(first_names)],
        "last_name": surnames[picks[3] % len(surnames)][gender == "female"],
        "gender": gender,
        "language": language,
        "cards": [household_card(household)],
    }


def peter() -> dict[str, Any]:
    """The shopper of the founding example."""
    return {
        "first_name": "Пётр",
        "last_name": "Лесной",
        "gender": "male",
        "language": "ru",
        "cards": [PETER_CARD],
    }
