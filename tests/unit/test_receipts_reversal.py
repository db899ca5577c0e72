"""Receipts of voids and returns: what was undone, what that takes and gives back, in words that agree."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepta.money import EXPONENT
from lepta.names import LANGUAGES, NBSP, Name, clean
from lepta.receipts.columns import columns
from lepta.receipts.reversal import compose_reversal, reversal_sentences
from lepta.receipts.slip import Balance, GivenBack, Person, ReversalSlip

FOREST = Name.of(
    {
        "ru": {
            "nominative": "Фонд защиты лесных животных",
            "accusative": "Фонд защиты лесных животных",
        },
        "en": "the Forest Animals Fund",
    }
)
SCHOOL = Name.of({"ru": "Школа № 17", "en": "School 17"})
DUMPLINGS = GivenBack(FOREST, 50, 500, kept=False)
ROUND_UP = GivenBack(SCHOOL, 0, 600, kept=True)
SLIP = ReversalSlip(
    person=Person("Пётр", "male"),
    currency="RUB",
    points_scale=0,
    void=False,
    unreferenced=False,
    refund_minor=0,
    clawed_back=0,
    restored=0,
    owed=0,
    given=(),
    balance=None,
)
WHOLE = SLIP._replace(
    refund_minor=25_400,
    clawed_back=12,
    restored=50,
    owed=2,
    given=(DUMPLINGS, ROUND_UP),
    balance=Balance(0, 0, 3, ((date(2026, 12, 31), 40),)),
)


def said(slip: ReversalSlip, code: str = "ru") -> list[str]:
    return [sentence.replace(NBSP, " ") for sentence in reversal_sentences(slip, code)]


def test_a_whole_return_in_russian() -> None:
    assert said(WHOLE) == [
        "Уважаемый Пётр!",
        "Возврат принят.",
        "К возврату: 254,00 ₽.",
        "Отменено начисление 12 баллов.",
        "Из них уже потрачено 2 балла: они будут удержаны из следующих начислений.",
        "Вам возвращено 50 списанных баллов.",
        "Отменена передача в Фонд защиты лесных животных 50 баллов.",
        "Передача в организацию «Школа № 17» 6,00 ₽ остаётся в силе.",
        "На Вашем счёте 0 баллов.",
        "Ещё 3 балла ожидают зачисления.",
        "40 баллов действуют по 31.12.2026.",
    ]


def test_a_whole_void_in_english() -> None:
    assert compose_reversal(WHOLE._replace(void=True), "en", 48).split("\n") == [
        "Dear Пётр,",
        "This purchase has been cancelled.",
        "To be refunded: RUB 254.00.",
        "12 points that you had earned were taken back.",
        "Of these, 2 points are spent: they will be taken",
        "from what you earn next.",
        "50 points that you had used are yours again.",
        "The gift of 50 points to the Forest Animals Fund",
        "has been taken back.",
        "The gift of RUB 6.00 to School 17 stands.",
        "Your balance is 0 points.",
        "3 more points are pending.",
        "40 points are valid until 31 Dec 2026.",
    ]


@pytest.mark.parametrize(
    ("points", "clawed_back", "restored", "owed"),
    [
        (1, "1 балла", "Вам возвращён 1 списанный балл.", "Из них уже потрачен 1 балл: он будет"),
        (3, "3 баллов", "Вам возвращено 3 списанных балла.", "потрачено 3 балла: они будут"),
        (5, "5 баллов", "Вам возвращено 5 списанных баллов.", "потрачено 5 баллов: они будут"),
        (11, "11 баллов", "Вам возвращено 11 списанных баллов.", "потрачено 11 баллов: они будут"),
        (21, "21 балла", "Вам возвращён 21 списанный балл.", "потрачен 21 балл: он будет"),
        (122, "122 баллов", "Вам возвращено 122 списанных балла.", "122 балла: они будут"),
    ],
)
def test_points_agree_with_their_number_in_russian(
    points: int, clawed_back: str, restored: str, owed: str
) -> None:
    slip = SLIP._replace(clawed_back=points, restored=points, owed=points)
    told = said(slip)
    assert told[2] == f"Отменено начисление {clawed_back}."
    assert owed in told[3]
    assert told[4] == restored


def test_a_part_of_a_point_agrees_too() -> None:
    slip = SLIP._replace(points_scale=1, clawed_back=15, restored=15)
    assert said(slip)[2:] == [
        "Отменено начисление 1,5 балла.",
        "Вам возвращено 1,5 списанного балла.",
    ]
    given_back = SLIP._replace(points_scale=1, given=(DUMPLINGS._replace(points=15),))
    assert said(given_back)[2] == "Отменена передача в Фонд защиты лесных животных 1,5 балла."


@pytest.mark.parametrize(
    ("points", "counted"), [(1, "1 балла"), (2, "2 баллов"), (5, "5 баллов"), (31, "31 балла")]
)
def test_a_donation_that_went_back_agrees_with_its_number(points: int, counted: str) -> None:
    back = DUMPLINGS._replace(points=points)
    taken = said(SLIP._replace(given=(back,)))
    kept = said(SLIP._replace(given=(back._replace(kept=True),)))
    assert taken[2] == f"Отменена передача в Фонд защиты лесных животных {counted}."
    assert kept[2] == f"Передача в Фонд защиты лесных животных {counted} остаётся в силе."


def test_an_anonymous_shopper_is_told_without_a_name_and_without_points() -> None:
    anonymous = SLIP._replace(person=None, refund_minor=100, void=True)
    assert said(anonymous) == ["Здравствуйте!", "Эта покупка отменена.", "К возврату: 1,00 ₽."]


def test_a_return_without_its_sale_says_that_nothing_else_changed() -> None:
    told = said(SLIP._replace(person=None, unreferenced=True, refund_minor=100))
    assert told[1:3] == [
        "Возврат принят.",
        "Чек покупки не предъявлен: баллы и пожертвования не изменились.",
    ]


def test_what_is_nothing_is_not_said() -> None:
    nothing = GivenBack(FOREST, 0, 0, kept=False)
    assert said(SLIP._replace(given=(nothing,))) == ["Уважаемый Пётр!", "Возврат принят."]


names = st.text(min_size=1, max_size=120).filter(clean)


@given(
    code=st.sampled_from(LANGUAGES),
    width=st.integers(32, 48),
    fund=names,
    first_name=st.text(max_size=80),
    points=st.integers(0, 10**12),
    money=st.integers(0, 10**12),
    scale=st.integers(0, 4),
    currency=st.sampled_from(sorted(EXPONENT)),
    kept=st.booleans(),
)
def test_every_line_fits_the_paper_whatever_the_names(
    code: str, width: int, fund: str, first_name: str, points: int, money: int, scale: int,
    currency: str, kept: bool,
) -> None:  # fmt: skip
    given_back = GivenBack(Name.of(clean(fund)), points, money, kept)
    slip = WHOLE._replace(
        person=Person(first_name, None),
        currency=currency,
        points_scale=scale,
        refund_minor=money,
        clawed_back=points,
        restored=points,
        owed=points,
        given=(given_back,),
        balance=Balance(points, points, points, ()),
    )
    lines = compose_reversal(slip, code, width).split("\n")
    assert max(map(columns, lines)) <= width
    assert len(lines) > 2


@pytest.mark.parametrize(
    ("points", "russian", "english"),
    [
        (1, "1 балл удержан в счёт прежнего долга.", "1 point has paid what you owed from before."),
        (3, "3 балла удержаны в счёт прежнего долга.", "3 points have paid what you owed from before."),
        (12, "12 баллов удержаны в счёт прежнего долга.", "12 points have paid what you owed from before."),
    ],
)  # fmt: skip
def test_points_that_paid_a_debt_are_told(points: int, russian: str, english: str) -> None:
    slip = SLIP._replace(restored=20, repaid=points)
    assert said(slip)[3] == russian
    assert said(slip, "en")[3] == english
    assert len(said(SLIP._replace(restored=20))) == 3, "of nothing nothing is said"
