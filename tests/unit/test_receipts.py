"""Receipts as shoppers read them: what they say, in which order, fitted to the printer."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepta.money import EXPONENT
from lepta.names import LANGUAGES, NBSP, Name, clean
from lepta.receipts.columns import columns
from lepta.receipts.compose import _donated, compose, sentences
from lepta.receipts.phrases import MAX_EXPIRING, fitted
from lepta.receipts.slip import Balance, CardStatus, Gender, Given, Note, Person, Slip
from lepta.receipts.template import (
    BONUS_VARIABLES,
    DONATION_VARIABLES,
    Template,
    compile_template,
)

FOREST = Name.of(
    {
        "ru": {
            "nominative": "Фонд защиты лесных животных",
            "genitive": "Фонда защиты лесных животных",
        },
        "en": "the Forest Animals Fund",
    }
)
DUMPLINGS = Name.of(
    {
        "ru": {"nominative": "пельмени «Охотничьи»", "genitive": "пельменей «Охотничьи»"},
        "en": "Hunter dumplings",
    }
)
AUTHOR = compile_template(
    "При покупке пельменей «Охотничьи» Вами передано в {{ fund | case: 'accusative' }} "
    "{{ points | plural: 'балл', 'балла', 'баллов' }}.",
    "ru",
)
GIFT = Given(
    fund=FOREST,
    points=50,
    money_minor=500,
    units=1,
    product=DUMPLINGS,
    from_shopper_money_minor=0,
    from_shopper_points=0,
    sentence=None,
)
SLIP = Slip(
    person=Person("Пётр", "male"),
    card_status="active",
    currency="RUB",
    points_scale=0,
    earned=0,
    pending=0,
    redeemed=0,
    redeemed_minor=0,
    shortfall=0,
    given=(),
    balance=None,
    programme=Name.of("Клуб"),
    voided=False,
)
ANONYMOUS = SLIP._replace(person=None, card_status="none")


def said(slip: Slip, code: str = "ru") -> list[str]:
    return [sentence.replace(NBSP, " ") for sentence in sentences(slip, code)]


def middle(given: Given, code: str = "ru", scale: int = 0) -> list[str]:
    """What is said of one donation: all between greeting and thanks."""
    slip = SLIP._replace(given=(given,), points_scale=scale)
    return said(slip, code)[1:-1]


@pytest.mark.parametrize("width", [32, 40, 48])
@pytest.mark.parametrize("sentence", [AUTHOR, None])
def test_the_founding_example_comes_out_word_for_word(
    width: int, sentence: Template | None
) -> None:
    given = GIFT._replace(sentence=sentence)
    text = compose(SLIP._replace(given=(given,), earned=12), "ru", width)
    lines = text.split("\n")
    assert all(len(line) <= width for line in lines)
    assert lines[0] == "Уважаемый Пётр!"
    assert " ".join(lines) == (
        "Уважаемый Пётр! "
        "При покупке пельменей «Охотничьи» Вами передано в Фонд защиты лесных животных 50 баллов. "
        "Спасибо за покупку! "
        "Вам начислено 12 баллов."
    )


def test_a_whole_receipt_in_russian() -> None:
    slip = SLIP._replace(
        given=(GIFT,),
        earned=12,
        redeemed=50,
        redeemed_minor=500,
        balance=Balance(1201, 5, 31, ((date(2026, 12, 31), 40),)),
    )
    assert compose(slip, "ru", 40).split("\n") == [
        "Уважаемый Пётр!",
        "При покупке пельменей «Охотничьи» Вами",
        "передано в Фонд защиты лесных животных",
        "50 баллов.",
        "Спасибо за покупку!",
        "Списано 50 баллов на 5,00 ₽.",
        "Вам начислено 12 баллов.",
        "На Вашем счёте 1 201 балл.",
        "Ещё 5 баллов зарезервировано.",
        "Ещё 31 балл ожидает зачисления.",
        "40 баллов действуют по 31.12.2026.",
    ]


def test_a_whole_receipt_in_english() -> None:
    slip = SLIP._replace(
        person=Person("Peter", "male"),
        given=(GIFT,),
        earned=1,
        pending=1,
        redeemed=50,
        redeemed_minor=500,
        shortfall=3,
        balance=Balance(1201, 1, 2, ((date(2026, 12, 31), 1),)),
    )
    assert compose(slip, "en", 48).split("\n") == [
        "Dear Peter,",
        "With your purchase of Hunter dumplings you gave",
        "50 points to the Forest Animals Fund.",
        "Thank you for your purchase!",
        "You used 50 points for RUB 5.00.",
        "You were 3 points short: they were not used.",
        "You earned 1 point.",
        "Available later: 1 point.",
        "Your balance is 1,201 points.",
        "1 more point is on hold.",
        "2 more points are pending.",
        "1 point is valid until 31 Dec 2026.",
    ]


@pytest.mark.parametrize(
    ("gender", "russian"),
    [
        ("male", "Уважаемый Саша!"),
        ("female", "Уважаемая Саша!"),
        (None, "Здравствуйте, Саша!"),
    ],
)
def test_the_greeting_agrees_with_the_gender(gender: Gender | None, russian: str) -> None:
    slip = SLIP._replace(person=Person("Саша", gender))
    assert said(slip)[0] == russian
    assert said(slip, "en")[0] == "Dear Саша,"


def test_an_anonymous_shopper_is_greeted_and_thanked_too() -> None:
    assert said(ANONYMOUS) == ["Здравствуйте!", "Спасибо за покупку!"]
    assert said(ANONYMOUS, "en") == ["Hello!", "Thank you for your purchase!"]


def test_an_anonymous_shopper_learns_what_the_purchase_gave() -> None:
    slip = ANONYMOUS._replace(given=(GIFT._replace(sentence=AUTHOR),))
    assert said(slip)[1] == (
        "При покупке пельменей «Охотничьи» Вами передано в Фонд защиты лесных животных 50 баллов."
    )


@pytest.mark.parametrize("first_name", ["", "  ", "\u202e\u200b", "\x1b\x07"])
def test_a_name_of_which_nothing_is_printable_is_no_name(first_name: str) -> None:
    slip = SLIP._replace(person=Person(first_name, "male"))
    assert said(slip)[0] == "Здравствуйте!"


@pytest.mark.parametrize(
    ("points", "russian"),
    [
        (1, "При покупке пельменей «Охотничьи» Вами передан в Фонд защиты лесных животных 1 балл."),
        (
            3,
            "При покупке пельменей «Охотничьи» Вами передано в Фонд защиты лесных животных 3 балла.",
        ),
        (
            11,
            "При покупке пельменей «Охотничьи» Вами передано в Фонд защиты лесных животных 11 баллов.",
        ),
        (
            21,
            "При покупке пельменей «Охотничьи» Вами передан в Фонд защиты лесных животных 21 балл.",
        ),
    ],
)
def test_a_donation_agrees_with_its_number(points: int, russian: str) -> None:
    assert middle(GIFT._replace(points=points)) == [russian]


def test_points_with_decimals_take_the_form_of_a_fraction() -> None:
    given = GIFT._replace(points=150, product=None)
    assert middle(given, scale=2) == ["Вами передано в Фонд защиты лесных животных 1,5 балла."]
    given = given._replace(points=100)
    assert middle(given, scale=2) == ["Вами передан в Фонд защиты лесных животных 1 балл."]


def test_a_donation_in_money_says_so() -> None:
    given = GIFT._replace(points=0, money_minor=123450)
    assert middle(given) == [
        "Благодаря покупке пельменей «Охотничьи» в Фонд защиты лесных животных направлено 1 234,50 ₽."
    ]
    assert middle(given._replace(product=None), "en") == [
        "Thanks to your purchase, RUB 1,234.50 goes to the Forest Animals Fund."
    ]


def test_the_shoppers_own_money_is_told_apart_from_what_others_added() -> None:
    own = GIFT._replace(points=0, money_minor=600, from_shopper_money_minor=600, product=None)
    assert middle(own) == ["Вы передали в Фонд защиты лесных животных 6,00 ₽."]
    matched = own._replace(money_minor=1000)
    assert middle(matched) == [
        "Вы передали в Фонд защиты лесных животных 6,00 ₽. Партнёры добавили 4,00 ₽."
    ]


@pytest.mark.parametrize("name", ["", "{{ name }}, "])
def test_an_author_speaks_of_the_shoppers_own_money_and_what_others_added_stands_apart(
    name: str,
) -> None:
    author = compile_template(name + "you gave {{ money }} to {{ fund }}.", "en")
    own = GIFT._replace(points=0, money_minor=600, from_shopper_money_minor=600, sentence=author)
    begin = "Пётр, " if name else ""
    told = f"{begin}you gave RUB 6.00 to the Forest Animals Fund."
    assert middle(own, "en") == [told]
    assert middle(own._replace(money_minor=1000), "en") == [f"{told} Our partners added RUB 4.00."]


def test_an_author_speaks_of_the_shoppers_own_points_and_what_others_added_stands_apart() -> None:
    author = compile_template("you gave {{ points }} points, worth {{ money }}.", "en")
    own = GIFT._replace(
        points=50,
        from_shopper_points=50,
        money_minor=500,
        from_shopper_money_minor=500,
        sentence=author,
    )
    told = "you gave 50 points, worth RUB 5.00."
    assert middle(own, "en") == [told]
    assert middle(own._replace(money_minor=700), "en") == [f"{told} Our partners added RUB 2.00."]


def test_the_shoppers_own_points_are_told_apart_from_what_others_added() -> None:
    own = GIFT._replace(
        points=50, from_shopper_points=50, money_minor=500, from_shopper_money_minor=500
    )
    assert middle(own, "en") == ["You gave 50 points of your own to the Forest Animals Fund."]
    assert middle(own._replace(points=51)) == [
        "Вы передали в Фонд защиты лесных животных 50 баллов со своего счёта. Партнёры добавили 1 балл."
    ]
    assert middle(own._replace(money_minor=700)) == [
        "Вы передали в Фонд защиты лесных животных 50 баллов со своего счёта. Партнёры добавили 2,00 ₽."
    ]


@pytest.mark.parametrize("sentence", [AUTHOR, None])
def test_nothing_is_said_of_a_donation_of_which_nothing_was_booked(
    sentence: Template | None,
) -> None:
    given = GIFT._replace(points=0, money_minor=0, units=0, sentence=sentence)
    assert middle(given) == []


def test_an_authors_sentence_that_needs_what_is_missing_gives_way_to_ours() -> None:
    sentence = compile_template("{{ name }}, спасибо за {{ product | case: 'accusative' }}!", "ru")
    given = GIFT._replace(sentence=sentence)
    assert middle(given) == ["Пётр, спасибо за пельмени «Охотничьи»!"]
    assert middle(given._replace(product=None)) == [
        "Вами передано в Фонд защиты лесных животных 50 баллов."
    ]
    assert said(ANONYMOUS._replace(given=(given,)))[1].startswith("При покупке")


def test_a_bonus_campaigns_own_words_stand_before_the_thanks() -> None:
    sentence = compile_template(
        "За {{ product | case: 'accusative' }}: {{ points | plural: 'балл', 'балла', 'баллов' }}!",
        "ru",
        BONUS_VARIABLES,
    )
    note = Note(sentence, 2, DUMPLINGS)
    slip = SLIP._replace(given=(GIFT,), notes=(note,), earned=2)
    assert said(slip)[2:] == [
        "За пельмени «Охотничьи»: 2 балла!",
        "Спасибо за покупку!",
        "Вам начислено 2 балла.",
    ]
    for silent in (Note(sentence, 0, DUMPLINGS), Note(sentence, 2, None)):
        assert said(SLIP._replace(notes=(silent,))) == said(SLIP)


@pytest.mark.parametrize(
    ("status", "russian"),
    [
        ("unknown", ["Карта не найдена: баллы по ней не начислены."]),
        ("not-activated", ["Карта не активирована: тратить баллы пока нельзя."]),
        ("blocked", ["Карта заблокирована: баллы не начисляются и не списываются."]),
        ("active", []),
        ("none", []),
    ],
)
def test_the_receipt_says_what_is_the_matter_with_the_card(
    status: CardStatus, russian: list[str]
) -> None:
    slip = SLIP._replace(card_status=status)
    assert said(slip) == ["Уважаемый Пётр!", "Спасибо за покупку!", *russian]


def test_zero_points_are_not_mentioned_but_an_empty_balance_is() -> None:
    slip = SLIP._replace(balance=Balance(0, 0, 0, ()))
    assert said(slip)[2:] == ["На Вашем счёте 0 баллов."]


def test_a_debt_is_shown_as_it_is() -> None:
    slip = SLIP._replace(balance=Balance(-1201, 0, 0, ()))
    assert said(slip)[2:] == ["На Вашем счёте -1 201 балл."]


def test_what_the_account_could_not_pay_is_said() -> None:
    slip = SLIP._replace(shortfall=21)
    assert said(slip)[2:] == ["Не хватило 21 балла: он не списан."]


def test_only_the_soonest_dates_of_expiry_are_printed() -> None:
    many = tuple((date(2026, 12, day), day) for day in range(1, 11))
    slip = SLIP._replace(balance=Balance(100, 0, 0, many))
    assert len(said(slip)) == 3 + MAX_EXPIRING
    assert said(slip)[3] == "1 балл действует по 01.12.2026."


def test_of_a_voided_sale_only_that_and_the_balance_is_said() -> None:
    slip = SLIP._replace(
        voided=True,
        given=(GIFT,),
        earned=12,
        redeemed=5,
        redeemed_minor=50,
        balance=Balance(1151, 0, 0, ()),
    )
    assert said(slip) == [
        "Уважаемый Пётр!",
        "Эта покупка отменена.",
        "На Вашем счёте 1 151 балл.",
    ]


def test_the_same_slip_twice_is_the_same_receipt() -> None:
    slip = SLIP._replace(given=(GIFT, GIFT))
    assert compose(slip, "ru", 40) == compose(slip, "ru", 40)
    assert said(slip)[1] == said(slip)[2]


def test_a_fund_by_another_name_is_called_by_it_on_the_next_receipt() -> None:
    slip = SLIP._replace(given=(GIFT,))
    assert "Фонд защиты" in compose(slip, "ru", 48)
    renamed = SLIP._replace(given=(GIFT._replace(fund=Name.of("Фонд «Тайга»")),))
    assert "Фонд «Тайга»" in compose(renamed, "ru", 48)


def test_no_sentence_that_names_a_shopper_is_remembered() -> None:
    personal = compile_template("{{ name }} помогает: {{ fund }}.", "ru", DONATION_VARIABLES)
    slip = SLIP._replace(
        person=Person("Никодим", "male"), given=(GIFT._replace(sentence=personal),)
    )
    _donated.cache_clear()
    fitted.cache_clear()
    assert compose(slip, "ru", 48).startswith("Уважаемый Никодим!\nНикодим помогает: Фонд")
    assert _donated.cache_info().currsize == 0
    assert fitted.cache_info().currsize == 1, "Спасибо за покупку!"


def documents(text: str) -> str:
    """Something that a document accepts as a name, made of anything."""
    return clean(text) or "Фонд"


amounts = st.integers(0, 10**12)
names = st.text(max_size=120).map(documents).map(Name.of)
givens = st.builds(
    Given,
    fund=names,
    points=amounts,
    money_minor=amounts,
    units=st.integers(0, 1000),
    product=st.none() | names,
    from_shopper_money_minor=st.just(0) | amounts,
    from_shopper_points=st.just(0) | amounts,
    sentence=st.none() | st.just(AUTHOR),
)
slips = st.builds(
    Slip,
    person=st.none()
    | st.builds(Person, first_name=st.text(), gender=st.sampled_from(["male", "female", None])),
    card_status=st.sampled_from(["none", "unknown", "active", "not-activated", "blocked"]),
    currency=st.sampled_from([*EXPONENT]),
    points_scale=st.integers(0, 4),
    earned=amounts,
    pending=amounts,
    redeemed=amounts,
    redeemed_minor=amounts,
    shortfall=amounts,
    given=st.lists(givens, max_size=3).map(tuple),
    balance=st.none()
    | st.builds(
        Balance,
        available=st.integers(-(10**12), 10**12),
        held=amounts,
        pending=amounts,
        expiring=st.lists(st.tuples(st.dates(), amounts), max_size=5).map(tuple),
    ),
    programme=names,
    voided=st.booleans(),
    notes=st.just(()),
)


@given(slip=slips, code=st.sampled_from(LANGUAGES), width=st.integers(32, 48))
def test_any_receipt_fits_its_width_and_loses_no_word(slip: Slip, code: str, width: int) -> None:
    text = compose(slip, code, width)
    lines = text.split("\n")
    assert all(line and columns(line) <= width and line.isprintable() for line in lines)
    paragraphs = "".join(sentences(slip, code)).replace(NBSP, "").replace(" ", "")
    assert "".join(lines).replace(" ", "") == paragraphs
