"""The answer to a sale: the same bytes for the same sale, and today's names in its receipt."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

import make
from lepta.channels.till.answers import PLAIN, Answers
from lepta.channels.till.slips import Slips
from lepta.names import Name
from lepta.processing.decide import Accepted
from lepta.processing.directory import Directory
from lepta.processing.leaf import Recorded
from lepta.processing.rulebooks import Rulebooks
from lepta.rules.rulebook import Change, PublishedCampaign, Rulebook

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


@pytest.mark.parametrize(
    ("spoken", "member", "told"),
    [
        (["ru", "en"], "en", "en"),
        (["ru"], "en", "ru"),
        (["en"], "ru", "en"),
        (["en", "ru"], None, "ru"),  # the store's
    ],
)
def test_a_receipt_is_in_a_language_of_its_programme(
    spoken: list[str], member: str | None, told: str
) -> None:
    book = make.rulebook(make.BASE, programme={"languages": spoken})
    sale = make.accepted(make.checkout(), make.state(book)).recorded
    shaping = answers_under(book)
    store = make.Office().store("nsk-07")
    assert store is not None
    shaping.slips.directory.stores[store.id] = store
    shopper = make.shopper()._replace(language=member)
    said = orjson.loads(shaping.checkout(sale, shopper, PLAIN, replayed=False))
    assert said["receipt"]["language"] == told


TOP_UP: dict[str, Any] = {
    "campaign": "top-up",
    "kind": "donation",
    "effect": {"give": {"money": 500}, "to": {"fund": "forest-animals"}, "from": "shopper-money"},
}
MATCH = {"funding": [{"party": "dairy", "share": "1"}], "budget": {"money": 700}}
GIFTS = [{"offer": "top-up", "accepted": True, "amount": 500}]


def answers_under(*books: Rulebook) -> Answers:
    """After these publications."""
    rulebooks = Rulebooks()
    for book in books:
        rulebooks.follow(book)
    return Answers(Slips(Directory(), rulebooks))


@pytest.mark.edge_case(62)
def test_a_receipt_speaks_of_a_match_only_where_all_of_it_was_booked() -> None:
    receipt = {"ru": "Молочник удвоил Ваш дар в {{ money }}."}
    book = make.rulebook({**TOP_UP, "match": MATCH, "receipt": receipt})
    shop, shaping = make.state(book), answers_under(book)
    sales = [make.accepted(make.checkout(sequence=n, gifts=GIFTS), shop).recorded for n in range(3)]
    told = [answer(shaping, sale) for sale in sales]
    assert [said["donations"][0]["money"] for said in told] == [1_000, 700, 500]
    texts = [" ".join(said["receipt"]["text"].split()) for said in told]
    assert ["удвоил" in text for text in texts] == [True, False, False]
    # Ours says what was added, and nothing where nothing was.
    assert ["2,00" in text for text in texts] == [False, True, False]
    assert told[2]["explain"][0]["because"].endswith("not matched: the budget does not allow it")


def test_points_that_are_matched_in_money_are_told_apart_from_it() -> None:
    give = {"give": {"points": 20, "money_rate": "0.10"}, "from": "shopper-points"}
    match = {"funding": [{"party": "dairy", "share": "1"}], "budget": {"money": 300}}
    document = {**TOP_UP, "effect": {**TOP_UP["effect"], **give}, "match": match}
    book = make.rulebook(make.BASE, document)
    shop, shaping = make.state(book), answers_under(book)
    make.accepted(make.checkout(sequence=1, lines=[make.line(amount=200_000)]), shop)
    gift = [{"offer": "top-up", "accepted": True}]
    sales = [make.accepted(make.checkout(sequence=n, gifts=gift), shop).recorded for n in (2, 3, 4)]
    told = [answer(shaping, sale) for sale in sales]
    donations = [said["donations"][0] for said in told]
    assert [(gift["points"], gift["money"]) for gift in donations] == [
        (20, 400),
        (20, 300),
        (20, 200),
    ]
    assert {
        (gift["from_shopper"]["points"], gift["from_shopper"]["money"]) for gift in donations
    } == {(20, 0)}
    retailer, dairy = {"party": "retail-nsk", "money": 200}, {"party": "dairy", "money": 200}
    assert [gift["funders"] for gift in donations] == [
        [retailer, dairy],
        [retailer, {**dairy, "money": 100}],
        [retailer],
    ]
    texts = [" ".join(said["receipt"]["text"].split()) for said in told]
    assert ["добавили 2,00" in text for text in texts] == [True, False, False]
    assert ["добавили" in text for text in texts] == [True, True, False]
    assert {said["to_pay"] for said in told} == {25_900}


def test_a_campaign_that_matches_now_does_not_say_so_of_gifts_from_before() -> None:
    before = make.rulebook({**TOP_UP, "receipt": {"ru": "Спасибо от нас!"}})
    sale = make.accepted(make.checkout(gifts=GIFTS), make.state(before)).recorded
    assert "Спасибо от нас!" in answer(answers_under(before), sale)["receipt"]["text"]
    later = {**TOP_UP, "match": MATCH, "receipt": {"ru": "Дар удвоен!"}}
    change = Change((PublishedCampaign("top-up", 2, make.NOON, later),)).canonical()
    after = answers_under(before, before.extended(change))
    assert "удвоен" not in answer(after, sale)["receipt"]["text"]


def with_version(shaping: Answers, since: datetime, **hunter: Any) -> Answers:
    """After a second version of the hunter's campaign, in force from `since`."""
    item = PublishedCampaign("hunter-forest", 2, since, {**make.HUNTER, **hunter})
    rulebooks = shaping.slips.rulebooks
    rulebooks.follow(rulebooks.newest.extended(Change((item,)).canonical()))
    return shaping


EARLIER, LATER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("since", "says"), [(EARLIER, "Новое"), (LATER, "Старое")])
def test_a_sale_is_told_in_the_words_that_were_in_force_when_it_took_place(
    since: datetime, says: str
) -> None:
    sale, shaping = recorded(), answers(receipt={"ru": "Старое"})
    assert "Старое" in answer(shaping, sale)["receipt"]["text"]
    new = with_version(shaping, since, receipt={"ru": "Новое"})
    assert says in answer(new, sale)["receipt"]["text"]


@pytest.mark.parametrize(("since", "says"), [(EARLIER, False), (LATER, True)])
def test_a_bonus_that_turns_into_a_donation_leaves_older_sales_their_answers(
    since: datetime, says: bool
) -> None:
    """What its author now says of a fund, nobody can say of points that a shopper earned."""
    bonus = {
        "kind": "bonus",
        "effect": {"earn": {"points": 7}},
        "limits": {},
        "funding": [],
        "receipt": {"ru": "За пельмени {{ points }}"},
    }
    shaping = answers(**bonus)
    sold = make.accepted(make.checkout(), make.state(shaping.slips.rulebooks.newest)).recorded
    new = with_version(shaping, since, limits={}, funding=FUNDING, receipt={"ru": "{{ fund }}"})
    assert ("За пельмени 7" in answer(new, sold)["receipt"]["text"]) is says


FUNDING = [{"party": "hunter-foods", "share": "1"}]
