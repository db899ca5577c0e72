"""The demo's data and programme, as they travel inside the package."""

from collections import Counter
from datetime import date
from importlib.resources import files

import pytest
import yaml

from lepta.demo import founding, naming, people, tills
from lepta.demo.day import Basket, Product, baskets, products
from lepta.demo.programme import campaigns, setup
from lepta.rules.document import validate
from lepta.rules.known import Known, Place
from lepta.rules.programme import compile_programme


@pytest.fixture(scope="module")
def day() -> tuple[Basket, ...]:
    return baskets()


def test_the_day_is_whole(day: tuple[Basket, ...]) -> None:
    assert len(day) == 645
    assert sum(len(basket.lines) for basket in day) == 5_789
    assert len({basket.household for basket in day}) == 506
    assert sum(basket.total_minor for basket in day) == 2_014_269
    assert len(products()) == 3_693


def test_the_stores_trade_in_daylight(day: tuple[Basket, ...]) -> None:
    days = Counter(basket.at.date() for basket in day)
    assert set(days) == {date(2017, 12, 23), date(2017, 12, 24)}
    hours = Counter(basket.at.hour for basket in day)
    assert sum(hours[hour] for hour in range(7, 20)) > 500


def test_every_basket_gets_a_sequence_of_its_own(day: tuple[Basket, ...]) -> None:
    found = [visit for visits in tills.visits(day) for visit in visits]
    keys = {(v.till, v.basket.at.date(), v.sequence) for v in found}
    assert len(keys) == len(found) == 645


def test_a_household_comes_in_the_order_of_time(day: tuple[Basket, ...]) -> None:
    for visits in tills.visits(day):
        times = [visit.basket.at for visit in visits]
        assert times == sorted(times)
        assert [visit.later for visit in visits] == [False] + [True] * (len(visits) - 1)


def test_a_part_of_the_day_is_set_up_as_the_whole_is(day: tuple[Basket, ...]) -> None:
    part, whole = setup(day[:7]), setup(day)
    for name in ("stores", "products", "members"):
        for id_, document in getattr(part, name).items():
            assert getattr(whole, name)[id_] == document


def test_all_that_is_sold_stands_in_the_catalogue_but_two_products(day: tuple[Basket, ...]) -> None:
    sold = {line.product for basket in day for line in basket.lines}
    assert sold - set(setup(day).products) == {"5978648", "5978656"}


def test_every_member_has_a_card_that_a_scanner_reads(day: tuple[Basket, ...]) -> None:
    members = setup(day).members
    cards = [card for member in members.values() for card in member["cards"]]
    assert len(set(cards)) == len(members) == 507
    for card in cards:
        assert len(card) == 13
        assert sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(card)) % 10 == 0
    assert people.card_number(1) == people.PETER_CARD


def test_members_are_of_both_genders_and_languages(day: tuple[Basket, ...]) -> None:
    members = setup(day).members.values()
    found = Counter((member["language"], member["gender"]) for member in members)
    assert len(found) == 4
    assert min(found.values()) > 50


def test_names_are_written_in_the_letters_of_their_language(day: tuple[Basket, ...]) -> None:
    for member in setup(day).members.values():
        name = member["first_name"] + member["last_name"]
        assert name.isascii() == (member["language"] == "en")


def test_each_file_holds_the_campaign_it_is_named_after() -> None:
    folder = files("lepta.demo") / "programme" / "campaigns"
    for file in folder.iterdir():
        assert (
            yaml.safe_load(file.read_text(encoding="utf-8"))["campaign"]
            == file.name[: -len(".yaml")]
        )


def test_the_rules_take_every_campaign_and_the_programme(day: tuple[Basket, ...]) -> None:
    whole = setup(day)
    clubs = {id_: compile_programme(id_, club) for id_, club in whole.programmes.items()}
    kinds = {id_: party["kind"] for id_, party in whole.parties.items()}
    stores = {
        id_: Place(store["retailer"], store["region"], store.get("programme", *clubs))
        for id_, store in whole.stores.items()
    }
    known = Known(kinds, clubs, stores)
    for id_, campaign in whole.campaigns.items():
        assert validate(campaign, known).campaign == id_


def test_every_campaign_is_about_goods_that_are_there(day: tuple[Basket, ...]) -> None:
    whole = setup(day)
    categories = {c for document in whole.products.values() for c in document["categories"]}
    for campaign in campaigns().values():
        what = campaign.get("what", {})
        assert set(what.get("skus", [])) <= set(whole.products)
        assert set(what.get("categories", [])) <= categories
        assert set(what.get("exclude", {}).get("categories", [])) <= categories


def test_a_till_posts_what_the_shopper_asked_for(day: tuple[Basket, ...]) -> None:
    bodies = [tills.checkout(visit, 1_000) for visits in tills.visits(day) for visit in visits]
    wishes = Counter(
        name for body in bodies for name in ("redeem", "gifts", "choice") if name in body
    )
    assert wishes["redeem"] > 50
    assert wishes["gifts"] > 100
    assert wishes["choice"] > 300
    for body in bodies:
        assert body["total"] == sum(line["amount"] for line in body["lines"])
        for gift in body.get("gifts", []):
            assert 0 < gift["amount"] < tills.ROUND_UP_TO_MINOR
            assert (body["total"] + gift["amount"]) % tills.ROUND_UP_TO_MINOR == 0


def test_gift_cards_and_deposits_are_not_goods(day: tuple[Basket, ...]) -> None:
    bodies = [tills.checkout(visit, 0) for visits in tills.visits(day) for visit in visits]
    kinds = Counter(line.get("kind", "goods") for body in bodies for line in body["lines"])
    assert kinds["gift-card"] > 0
    assert kinds["deposit"] > 0


@pytest.mark.parametrize(
    ("shorthand", "name"),
    [
        ("SFT DRNK 2 LITER BTL CARB INCL", "soft drink 2 liter bottle carbonated"),
        ("CANDY BARS (SINGLES)(INCLUDING", "candy bars (singles)"),
        ("", "product 7"),
    ],
)
def test_products_have_readable_names(shorthand: str, name: str) -> None:
    assert naming.name(Product("7", "", "", "", shorthand, "")) == name


@pytest.mark.parametrize(
    ("receipt", "is_on"),
    [
        ("\n".join(founding.RECEIPT), True),
        ("\n".join(founding.RECEIPT).replace(" ", "\n") + "\nНачислено: 1", True),
        ("\n".join(reversed(founding.RECEIPT)), False),
        ("\n".join(founding.RECEIPT).replace("50", "5"), False),
        ("\nAnd more.\n".join(founding.RECEIPT), False),
        ("", False),
    ],
)
def test_the_founding_receipt_is_recognised_at_any_width(receipt: str, is_on: bool) -> None:
    assert founding.is_on(receipt) is is_on
