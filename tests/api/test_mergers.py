"""Merging members over HTTP. Every test's ledger is verified and decided again at its end."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

import make
from conftest import ClientFor
from families import OLGA, add_olga, adjust, history, merge, points_of, transfer
from lepta.db import Address
from reversing import balances, rows
from shops import open_shop, publish
from tills import bring_back, goods, key, problem, sell, void

WELCOME = {
    "campaign": "welcome", "programme": "club", "kind": "bonus",
    "effect": {"earn": {"points": 100}, "welcome": True},
}  # fmt: skip
SLOW = {
    "campaign": "slow", "programme": "club", "title": {"en": "Later"}, "kind": "bonus",
    "what": {"categories": ["slow"]}, "effect": {"earn": {"points": 7}, "per": "unit", "pending_days": 14},
}  # fmt: skip
SECOND_VISIT = {
    "campaign": "second-visit", "programme": "club", "kind": "bonus",
    "effect": {"earn": {"points": 1_000}, "nth_visit": 2},
}  # fmt: skip
LOTS = """
    SELECT a.ref, a.code, l.log_index, l.leg, l.expires_on::text, l.available_on::text, l.remaining
    FROM lot l JOIN account a ON a.id = l.account ORDER BY 1, 2, 3, 4
"""


def one_member(lots: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Lots whoever has them."""
    return sorted(row[1:] for row in lots)


@pytest.fixture
async def office(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's office; Пётр and Ольга are its members."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    await add_olga(owner)
    return await client_for("office")


async def hold(office: httpx.AsyncClient, points: int, card: str = make.CARD) -> str:
    body = {"card": card, "points": points, "store": "nsk-07", "till": "3"}
    answer = await office.post("/v1/holds", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["hold"])


@pytest.mark.edge_case(48)
async def test_all_points_go_over_and_lots_stay_what_they_are(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await publish(owner, make.change(make.BASE, make.HUNTER, SLOW))
    await sell(office, 1, lines=[make.line(categories=["slow"])])
    await adjust(office, 500, party="hunter-foods")
    await adjust(office, 30, "a2", OLGA)
    await hold(office, 10)
    before = await rows(owner, LOTS)
    done = await merge(office)
    assert done.status_code == 201, done.text
    told = done.json()
    assert (told["member"], told["into"], told["replayed"]) == ("pyotr", "olga", False)
    (club,) = told["points"]
    assert club.pop("balance")["available"] == 532
    assert club == {
        "programme": "club", "available": 502, "pending": 7, "held": 10, "owed": 0, "repaid": 0,
    }  # fmt: skip
    after = await rows(owner, LOTS)
    assert {row[0] for row in after} == {"m-olga"}
    assert one_member(after) == one_member(before)
    for card in (OLGA, make.CARD):
        assert await points_of(office, card) == (532, 10, 7)
    assert "member/m-pyotr/available" not in await balances(owner)


@pytest.mark.edge_case(48)
async def test_the_same_merger_again_is_the_same_by_key_and_by_nature(
    office: httpx.AsyncClient,
) -> None:
    await sell(office, 1)
    first = await merge(office, key="k1")
    for again in (
        await merge(office, key="k1"),
        await merge(office),
        await merge(office, key="k2"),
    ):
        assert (again.status_code, again.headers["Idempotency-Hit"]) == (200, "true")
        assert again.json() == {**first.json(), "replayed": True}
    assert problem(await merge(office, "olga", "pyotr", key="k1")) == (
        422,
        "idempotency-key-reused",
    )


@pytest.mark.edge_case(48)
async def test_ten_at_once_merge_once(office: httpx.AsyncClient) -> None:
    await sell(office, 1)
    sent = await asyncio.gather(
        *(merge(office) for _ in range(5)), *(merge(office, key=f"k{n}") for n in range(5))
    )
    assert sorted(answer.status_code for answer in sent) == [200] * 9 + [201]
    assert len({answer.json()["merge"] for answer in sent}) == 1
    assert await points_of(office, OLGA) == (12, 0, 0)


async def test_two_that_are_merged_into_each_other_at_once_are_merged_one_way(
    office: httpx.AsyncClient,
) -> None:
    await sell(office, 1)
    sent = await asyncio.gather(merge(office), merge(office, "olga", "pyotr"))
    assert sorted(answer.status_code for answer in sent) == [201, 409]
    assert {problem(answer) for answer in sent if answer.status_code == 409} == {
        (409, "already-merged")
    }
    assert await points_of(office, OLGA) == await points_of(office, make.CARD) == (12, 0, 0)


async def test_nobody_is_merged_twice_nor_into_who_was_merged_nor_into_themselves(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await office.put("/v1/members/ivan", json={"first_name": "Иван", "cards": ["31"]})
    await merge(office)
    other = await merge(office, into="ivan")
    assert problem(other) == (409, "already-merged")
    assert (other.json()["member"], other.json()["into"]) == ("pyotr", "olga")
    for member in ("olga", "ivan"):
        refused = await merge(office, member, "pyotr")
        assert (problem(refused), refused.json()["into"]) == ((409, "already-merged"), "olga")
    assert problem(await merge(office, "nobody", "olga")) == (404, "not-found")
    for into in ("nobody", "olga"):
        refused = await merge(office, "olga", into)
        assert [error["path"] for error in refused.json()["errors"]] == ["into"]
    assert len(await rows(owner, "SELECT FROM event WHERE kind = 10")) == 1


async def test_cards_go_over_and_the_record_stays_as_an_alias(office: httpx.AsyncClient) -> None:
    before = (await office.get("/v1/members/olga")).headers["ETag"]
    his = (await office.get("/v1/members/pyotr")).json()
    assert "merged_into" not in his
    await merge(office)
    hers = await office.get("/v1/members/olga")
    assert hers.json()["cards"] == [OLGA, make.CARD]
    assert hers.headers["ETag"] != before
    alias = await office.get("/v1/members/pyotr")
    assert alias.json() == {**his, "cards": [], "merged_into": "olga"}
    headers = {"If-Match": alias.headers["ETag"]}
    refused = await office.put("/v1/members/pyotr", json=his, headers=headers)
    assert (problem(refused), refused.json()["into"]) == ((409, "member-merged"), "olga")
    body = {**hers.json(), "first_name": "Оля"}
    kept = await office.put(
        "/v1/members/olga", json=body, headers={"If-Match": hers.headers["ETag"]}
    )
    assert kept.status_code == 200


async def test_history_and_donations_of_who_stays_include_the_others(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await sell(office, 1)
    await sell(office, 2, card=OLGA)
    await sell(office, 3)
    standing = "SELECT shoppers, donations, points, money_minor FROM standing"
    assert await rows(owner, standing) == [(2, 3, 150, 1_500)]
    await merge(office)
    assert await rows(owner, standing) == [(1, 3, 150, 1_500)]
    kinds = [item["kind"] for item in await history(office, OLGA)]
    assert kinds == ["merge", "checkout", "checkout", "checkout"]
    shown = (await office.get(f"/v1/cards/{make.CARD}")).json()["donations"]
    assert shown == [{"fund": "forest-animals", "points": 150, "money": 1_500}]
    page = (await office.get(f"/v1/cards/{OLGA}/history", params={"limit": 2})).json()
    rest = await office.get(f"/v1/cards/{OLGA}/history", params={"after": page["next"]})
    assert [item["kind"] for item in page["items"] + rest.json()["items"]] == kinds
    for n in (1, 2, 3):
        await void(office, n)
    assert await rows(owner, standing) == [(0, 0, 0, 0)]


@pytest.mark.edge_case(48, 16)
async def test_a_sale_of_who_was_merged_comes_back_to_who_stays(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await adjust(office, 500)
    sold = await sell(
        office, 1, lines=[make.line(quantity="3", amount=77_700)], redeem={"points": 90}
    )
    assert sold.status_code == 201, sold.text
    await bring_back(office, 2, key(1), goods())
    before = await rows(owner, LOTS)
    await merge(office)
    first = await bring_back(office, 3, key(1), goods())
    assert first.json()["points"]["restored"] == 30
    last = await bring_back(office, 4, key(1), goods())
    assert last.json()["points"]["restored"] == 30
    assert await points_of(office, OLGA) == (500, 0, 0)
    assert {row[2:6] for row in await rows(owner, LOTS)} <= {row[2:6] for row in before}
    again = await sell(
        office, 1, lines=[make.line(quantity="3", amount=77_700)], redeem={"points": 90}
    )
    assert (again.status_code, again.json()["checkout"]) == (200, sold.json()["checkout"])


@pytest.mark.edge_case(48, 15)
async def test_points_that_who_stays_has_spent_are_owed_when_the_sale_comes_back(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await sell(office, 1)
    await merge(office)
    await adjust(office, -12, "all", OLGA)
    back = (await void(office, 1)).json()["points"]
    assert (back["clawed_back"], back["balance"]["available"]) == (12, 0)
    assert (await balances(owner))["member/m-olga/owed"] == -12


@pytest.mark.parametrize("debtor", [make.CARD, OLGA])
async def test_what_one_owes_points_of_the_other_pay(
    office: httpx.AsyncClient, owner: Address, debtor: str
) -> None:
    await sell(office, 1, card=debtor)
    await adjust(office, -12, "all", debtor)
    await void(office, 1)
    await adjust(office, 20, "a2", OLGA if debtor == make.CARD else make.CARD)
    (club,) = (await merge(office)).json()["points"]
    assert (club["repaid"], club["balance"]["available"]) == (12, 8)
    assert not any("owed" in account for account in await balances(owner))


async def test_debts_of_both_add_up_and_are_paid_later(
    office: httpx.AsyncClient, owner: Address
) -> None:
    for n, card in enumerate((make.CARD, OLGA), start=1):
        await sell(office, n, card=card)
        await adjust(office, -12, f"all{n}", card)
        await void(office, n)
    (club,) = (await merge(office)).json()["points"]
    assert (club["owed"], club["repaid"]) == (12, 0)
    assert (await balances(owner))["member/m-olga/owed"] == -24
    assert (await adjust(office, 30, "pay")).json()["repaid"] == 24


@pytest.mark.edge_case(48)
@pytest.mark.parametrize("card", [make.CARD, OLGA])
async def test_a_hold_is_captured_by_either_card(office: httpx.AsyncClient, card: str) -> None:
    await adjust(office, 500)
    held = await hold(office, 40)
    await merge(office)
    assert await points_of(office, OLGA) == (460, 40, 0)
    sold = await sell(office, 1, card=card, hold=held, redeem={"points": 40})
    assert sold.status_code == 201, sold.text
    assert "hold-ended" not in sold.json()["flags"]
    assert await points_of(office, OLGA) == (472, 0, 0)


async def test_a_hold_of_who_was_merged_is_released_to_who_stays(office: httpx.AsyncClient) -> None:
    await adjust(office, 500)
    held, other = await hold(office, 40), await hold(office, 20)
    assert (await office.post(f"/v1/holds/{other}/release")).status_code == 200
    await merge(office)
    released = await office.post(f"/v1/holds/{held}/release")
    assert released.status_code == 200, released.text
    assert await points_of(office, OLGA) == (500, 0, 0)


@pytest.mark.edge_case(48, 51)
async def test_limits_of_a_card_are_not_for_each_of_its_former_owners(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await sell(office, 1, lines=[make.line(quantity="5", amount=100)])
    await sell(office, 2, lines=[make.line(quantity="4", amount=100)], card=OLGA)
    await merge(office)
    for n, card in ((3, OLGA), (4, make.CARD)):
        sold = await sell(office, n, lines=[make.line(quantity="5", amount=100)], card=card)
        units = [donation["units"] for donation in sold.json()["donations"]]
        assert units == ([1] if n == 3 else [])
    await void(office, 1)
    again = await sell(office, 5, lines=[make.line(quantity="6", amount=100)])
    assert [donation["units"] for donation in again.json()["donations"]] == [5]


@pytest.mark.edge_case(48, 51)
@pytest.mark.parametrize("first", [make.CARD, OLGA])
async def test_a_member_is_welcomed_once(
    office: httpx.AsyncClient, owner: Address, first: str
) -> None:
    await publish(owner, make.change(make.BASE, WELCOME, SECOND_VISIT))
    assert (await sell(office, 1, card=first)).json()["points"]["earned"] == 112
    await merge(office)
    later = [
        (await sell(office, n, card=card, business_day=day)).json()["points"]["earned"]
        for n, (card, day) in enumerate(((OLGA, "2026-11-23"), (make.CARD, "2026-11-24")), start=2)
    ]
    assert later == [1_012, 12]


async def test_who_had_points_only_is_still_welcomed(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await publish(owner, make.change(make.BASE, WELCOME))
    await adjust(office, 500)
    await merge(office)
    earned = [(await sell(office, n)).json()["points"]["earned"] for n in (1, 2)]
    assert earned == [112, 12]


async def test_members_who_have_nothing_are_merged_and_later_sales_go_to_who_stays(
    office: httpx.AsyncClient,
) -> None:
    done = await merge(office)
    assert (done.status_code, done.json()["points"]) == (201, [])
    assert (await merge(office)).json() == {**done.json(), "replayed": True}
    await sell(office, 1)
    assert await points_of(office, OLGA) == (12, 0, 0)


@pytest.mark.edge_case(48, 39)
async def test_a_sale_that_was_offline_with_the_old_card_goes_to_who_stays(
    office: httpx.AsyncClient,
) -> None:
    await merge(office)
    sold = await sell(office, 1, offline=True, occurred_at="2026-11-20T10:00:00+07:00")
    assert sold.json()["card_status"] == "active"
    assert await points_of(office, OLGA) == (12, 0, 0)


@pytest.mark.edge_case(48)
async def test_sales_and_gifts_in_flight_lose_nothing_when_their_member_is_merged(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await adjust(office, 500)
    sales = [sell(office, n, card=make.CARD if n % 2 else OLGA) for n in range(1, 25)]
    moves = [transfer(office, 5, f"t{n}", card=OLGA, to=make.CARD) for n in range(3)]
    gifts = [adjust(office, 1, f"b{n}") for n in range(6)]
    answers = await asyncio.gather(*sales[:12], merge(office), *moves, *gifts, *sales[12:])
    assert {answer.status_code for answer in answers} <= {201, 409, 422}
    assert all(answer.status_code == 201 for answer in (*answers[:13], *answers[16:]))
    assert await points_of(office, OLGA) == (500 + 6 + 24 * 12, 0, 0)
    assert not any("m-pyotr" in account for account in await balances(owner))


@pytest.mark.edge_case(48)
async def test_one_after_the_other_becomes_one_and_the_first_sale_still_comes_back(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await office.put("/v1/members/ivan", json={"first_name": "Иван", "cards": ["31"]})
    await sell(office, 1, redeem=None)
    await sell(office, 2, card=OLGA)
    held = await hold(office, 5)
    await merge(office)
    await merge(office, "olga", "ivan")
    assert (await merge(office)).status_code == 200
    assert len(await history(office, "31")) == 5
    assert (await office.post(f"/v1/holds/{held}/release")).status_code == 200
    for n in (1, 2):
        assert (await void(office, n)).json()["points"]["clawed_back"] == 12
    assert await points_of(office, "31") == (0, 0, 0)


@pytest.mark.edge_case(48)
async def test_points_of_every_programme_go_over_in_one_merger(
    office: httpx.AsyncClient, owner: Address
) -> None:
    other = {"name": "Bakery", "currency": "RUB", "expire_after": None}
    assert (await office.put("/v1/programmes/bakery", json=other)).status_code == 201
    store = {"retailer": "retail-nsk", "time_zone": "Asia/Tokyo", "programme": "bakery"}
    assert (await office.put("/v1/stores/bak-01", json=store)).status_code == 201
    await adjust(office, 500, programme="club")
    await adjust(office, 70, "a2", programme="bakery")
    done = (await merge(office)).json()
    went = [(each["programme"], each["available"]) for each in done["points"]]
    assert went == [("bakery", 70), ("club", 500)]
    assert (await merge(office)).json() == {**done, "replayed": True}
    for programme, points in (("club", 500), ("bakery", 70)):
        shown = await office.get(f"/v1/cards/{OLGA}", params={"programme": programme})
        assert shown.json()["points"]["available"] == points
    assert len(await rows(owner, "SELECT FROM merged")) == 1


async def test_a_member_whom_somebody_is_changing_is_merged_a_moment_later(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await sell(office, 1)
    connection = await asyncpg.connect(**owner.arguments())
    async with connection.transaction():
        await connection.execute("SELECT FROM member WHERE id = 'olga' FOR UPDATE")
        busy = await merge(office, key="k1")
        assert (problem(busy), busy.headers["Retry-After"]) == ((503, "too-busy"), "1")
        assert (await sell(office, 2, card=OLGA)).status_code == 201
    await connection.close()
    assert (await merge(office, key="k1")).status_code == 201
    assert await points_of(office, OLGA) == (24, 0, 0)


async def test_lots_that_were_left_to_who_is_merged_come_together_again(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await adjust(office, 500, card=OLGA)
    await transfer(office, 200, card=OLGA, to=make.CARD)
    await merge(office)
    assert [row[-1] for row in await rows(owner, LOTS)] == [500]
    assert await points_of(office, OLGA) == (500, 0, 0)


@pytest.mark.edge_case(48, 50)
async def test_who_stays_is_erased_with_all_whom_they_were(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await adjust(office, 500, reason="Pyotr, +79130000000")
    await sell(office, 1)
    await merge(office)
    assert (await office.delete("/v1/members/olga")).status_code == 204
    assert problem(await office.get("/v1/members/pyotr")) == (404, "not-found")
    assert await rows(owner, "SELECT reason FROM adjustment_reason") == []
    assert await rows(owner, "SELECT card FROM card") == []
    assert not any("member" in account for account in await balances(owner))
    assert (await void(office, 1)).status_code == 201


@pytest.mark.edge_case(48, 50)
async def test_the_record_of_who_was_merged_is_erased_alone(office: httpx.AsyncClient) -> None:
    await adjust(office, 500)
    await sell(office, 1)
    await merge(office)
    assert (await office.delete("/v1/members/pyotr")).status_code == 204
    assert await points_of(office, make.CARD) == (512, 0, 0)
    assert (await void(office, 1)).json()["points"]["clawed_back"] == 12
    assert problem(await merge(office)) == (404, "not-found")


@pytest.mark.edge_case(48)
@pytest.mark.parametrize("later", [make.CARD, OLGA])
async def test_who_stays_was_last_seen_where_either_was(
    office: httpx.AsyncClient, owner: Address, later: str
) -> None:
    watch = {"sales_per_day": {"flag": 2}, "two_places": {"minutes": 60, "regions": True}}
    await publish(owner, make.change(make.BASE, programme={"watch": watch}))
    cards = (OLGA, make.CARD) if later == make.CARD else (make.CARD, OLGA)
    for n, card in enumerate(cards, start=1):
        at = f"2026-11-22T18:{n:02}:00+07:00"
        assert (await sell(office, n, card=card, occurred_at=at)).status_code == 201
    seen = "SELECT used FROM usage WHERE counter LIKE '%|seen|m-{}'"
    ((last,),) = await rows(owner, seen.format("pyotr" if later == make.CARD else "olga"))
    await merge(office)
    assert await rows(owner, seen.format("olga")) == [(last,)]
    third = await sell(office, 3, card=OLGA, occurred_at="2026-11-22T18:05:00+07:00")
    assert "many-sales" in third.json()["flags"]
    assert "two-places" not in third.json()["flags"]
