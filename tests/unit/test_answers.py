"""The answer to a sale: the same bytes for the same sale, and today's names in its receipt."""

from typing import Any

import orjson

import make
from lepta.channels.till.answers import PLAIN, Answers
from lepta.channels.till.slips import Slips
from lepta.names import Name
from lepta.processing.decide import Accepted
from lepta.processing.directory import Directory
from lepta.processing.leaf import Recorded
from lepta.processing.rulebooks import Rulebooks

WORDS = "Вами передано в {{ fund | case: 'accusative' }} {{ points }} за {{ product }}."


def recorded(**more: Any) -> Recorded:
    decision = make.decide(make.checkout(**more), make.state())
    assert isinstance(decision, Accepted), decision
    return decision.recorded


def answers(**hunter: Any) -> Answers:
    """With the fund's name, and the hunter's campaign changed so far."""
    book = make.rulebook(make.BASE, {**make.HUNTER, **hunter})
    directory = Directory(parties={"forest-animals": Name.of("Фонд леса")})
    rulebooks = Rulebooks()
    rulebooks.follow(book)
    return Answers(Slips(directory, rulebooks))


def answer(shaping: Answers, sale: Recorded, first_name: str = "Пётр") -> dict[str, Any]:
    shopper = make.shopper()._replace(first_name=first_name)
    said: dict[str, Any] = orjson.loads(shaping.checkout(sale, shopper, PLAIN, replayed=False))
    return said


def test_the_same_sale_twice_is_answered_by_the_same_bytes() -> None:
    shaping, sale = answers(), recorded()
    first = shaping.checkout(sale, make.shopper(), PLAIN, replayed=False)
    assert shaping.checkout(sale, make.shopper(), PLAIN, replayed=False) == first


def test_another_number_of_units_is_another_reason_and_another_donation() -> None:
    shaping = answers()
    one = answer(shaping, recorded())
    two = answer(shaping, recorded(lines=[make.line(quantity="2")]))
    assert one["explain"][1]["because"] == f"1 unit of sku {make.HUNTER_SKU}"
    assert two["explain"][1]["because"] == f"2 units of sku {make.HUNTER_SKU}"
    assert [said["donations"][0]["points"] for said in (one, two)] == [50, 100]


def test_a_fund_by_another_name_is_called_by_it_in_the_next_answer() -> None:
    shaping, sale = answers(receipt={"ru": WORDS}), recorded()
    assert "Фонд леса" in answer(shaping, sale)["receipt"]["text"]
    shaping.slips.directory.parties["forest-animals"] = Name.of("Фонд тайги")
    assert "Фонд тайги" in answer(shaping, sale)["receipt"]["text"]


def test_a_name_from_the_till_is_only_the_sales_own() -> None:
    shaping = answers(receipt={"ru": WORDS})
    for name in ("Пельмени", "Вареники"):
        said = answer(shaping, recorded(lines=[make.line(name=name)]))
        assert f"за {name}." in said["receipt"]["text"].replace("\n", " ")


def test_everybody_is_greeted_by_their_own_name() -> None:
    shaping, sale = answers(receipt={"ru": "{{ name }}, спасибо!"}), recorded()
    for name in ("Пётр", "Никодим"):
        text = answer(shaping, sale, name)["receipt"]["text"]
        assert text.startswith(f"Уважаемый {name}!\n{name}, спасибо!")
