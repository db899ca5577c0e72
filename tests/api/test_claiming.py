"""Claims of sales without a card, over HTTP. Every test's ledger is verified and decided again at its end."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from families import OLGA, add_olga, adjust, claim, history, merge, points_of
from holds import Clock
from lepta.db import Address
from lepta.processing.acts import LotsDue
from lepta.processing.beside import Beside
from lepta.processing.moving import Moved
from lepta.processing.owners import ClaimSale
from lepta.runtime import Runtime
from reversing import balances, change_programme, rows, sale_key, tell
from shops import open_shop, publish
from tills import bring_back, goods, key, problem, return_body, sell, void

WELCOME = {
    "campaign": "welcome", "programme": "club", "kind": "bonus",
    "effect": {"earn": {"points": 100}, "welcome": True},
}  # fmt: skip
SLOW = {
    "campaign": "slow", "programme": "club", "title": {"en": "Later"}, "kind": "bonus",
    "effect": {"earn": {"points": 7}, "per": "unit", "pending_days": 14},
}  # fmt: skip
ONCE_A_DAY = {
    "campaign": "once-a-day", "programme": "club", "kind": "bonus",
    "effect": {"earn": {"points": 5}, "per": "basket"}, "limits": {"per_card_day": 1},
}  # fmt: skip
TIGHT = {
    "campaign": "tight", "programme": "club", "kind": "bonus",
    "effect": {"earn": {"points": 30}, "per": "basket"}, "limits": {"budget": {"points": 40}},
}  # fmt: skip
GOLD = {
    "campaign": "gold", "programme": "club", "kind": "bonus", "who": {"tiers": ["gold"]},
    "effect": {"earn": {"points": 50}, "per": "basket"},
}  # fmt: skip
TRIPLE = {"lines": [make.line(quantity="3", amount=77_700)]}


@pytest.fixture
def clock(running: Runtime) -> Clock:
    """The writer's: the evening of the sales."""
    clock = Clock()
    running.writer.clock = clock
    return clock


@pytest.fixture
async def office(owner: Address, client_for: ClientFor, clock: Clock) -> httpx.AsyncClient:
    """The founding shop's office; Пётр and Ольга are its members."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    await add_olga(owner)
    return await client_for("office")


async def sell_anonymously(
    office: httpx.AsyncClient, sequence: int = 1, **more: Any
) -> httpx.Response:
    sold = await sell(office, sequence, **{"card": None, **more})
    assert sold.status_code == 201, sold.text
    return sold


def refused(answer: httpx.Response) -> str:
    assert problem(answer) == (409, "not-claimable"), answer.text
    return str(answer.json()["because"])


@pytest.mark.edge_case(49)
async def test_a_sale_without_a_card_earns_once_somebody_claims_it(
    office: httpx.AsyncClient, owner: Address
) -> None:
    sold = await sell_anonymously(office)
    done = await claim(office, sold)
    assert done.status_code == 201, done.text
    told = done.json()
    assert (told["checkout"], told["store"], told["programme"]) == (
        sold.json()["checkout"],
        "nsk-07",
        "club",
    )
    assert (told["points"]["earned"], told["points"]["pending"]) == (12, 0)
    assert told["points"]["balance"]["available"] == 12
    assert told["campaigns"] == [{"campaign": "base", "points": 12}]
    assert (await office.get(f"/v1/claims/{told['claim']}")).json() == {**told, "replayed": True}
    shown = [(item["kind"], item["points"]["earned"]) for item in await history(office, make.CARD)]
    assert shown == [("claim", 12)]
    assert await rows(owner, "SELECT expires_on::text, remaining FROM lot") == [("2027-11-30", 12)]


@pytest.mark.edge_case(49, 51)
async def test_again_with_the_same_card_it_is_the_same_and_with_another_one_refused(
    office: httpx.AsyncClient, owner: Address
) -> None:
    sold = await sell_anonymously(office)
    first = await claim(office, sold, key="k1")
    for again in (
        await claim(office, sold, key="k1"),
        await claim(office, sold),
        await claim(office, sold, key="k2"),
    ):
        assert (again.status_code, again.headers["Idempotency-Hit"]) == (200, "true")
        assert again.json() == {**first.json(), "replayed": True}
    assert problem(await claim(office, sold, OLGA)) == (409, "already-claimed")
    assert problem(await claim(office, sold, OLGA, key="k1")) == (422, "idempotency-key-reused")
    await rows(owner, "DELETE FROM card")
    assert (await claim(office, sold)).json() == {**first.json(), "replayed": True}


@pytest.mark.edge_case(49, 51)
async def test_of_many_who_claim_it_at_once_one_gets_it_once(
    office: httpx.AsyncClient, owner: Address
) -> None:
    sold = await sell_anonymously(office)
    cards = [make.CARD, OLGA] * 5
    sent = await asyncio.gather(*(claim(office, sold, card) for card in cards))
    assert sorted(answer.status_code for answer in sent) == [200] * 4 + [201] + [409] * 5
    assert sum(points for points, *_ in [await points_of(office, card) for card in cards[:2]]) == 12


@pytest.mark.edge_case(49)
async def test_a_sale_with_a_card_is_nobody_elses(office: httpx.AsyncClient) -> None:
    for card in (make.CARD, OLGA):
        assert refused(await claim(office, await sell(office, 1), card)) == "card"
    assert await points_of(office, OLGA) == (0, 0, 0)


@pytest.mark.edge_case(49)
async def test_a_card_that_nobody_had_then_earns_once_somebody_has_it(
    office: httpx.AsyncClient,
) -> None:
    sold = await sell(office, 1, card="77")
    assert problem(await claim(office, sold, "77")) == (404, "unknown-card")
    await office.put("/v1/members/ivan", json={"cards": ["77"]})
    assert (await claim(office, sold, "77")).json()["points"]["earned"] == 12


@pytest.mark.edge_case(49)
async def test_it_may_be_claimed_within_the_days_of_the_programme(
    office: httpx.AsyncClient, running: Runtime, clock: Clock
) -> None:
    sales = [await sell_anonymously(office, n) for n in (1, 2, 3)]
    clock.now += timedelta(days=30)
    assert (await claim(office, sales[0])).status_code == 201
    clock.now += timedelta(days=1)
    assert refused(await claim(office, sales[1])) == "too-late"
    await change_programme(running.writer, claim_days=40)
    assert (await claim(office, sales[1])).status_code == 201


async def test_a_programme_may_let_nobody_claim(
    office: httpx.AsyncClient, running: Runtime
) -> None:
    sold = await sell_anonymously(office)
    await change_programme(running.writer, claim_days=0)
    assert refused(await claim(office, sold)) == "too-late"


@pytest.mark.parametrize("days", [-1, 4_000, "many", 1.5, None])
async def test_nonsense_for_days_is_refused(office: httpx.AsyncClient, days: Any) -> None:
    body = {"name": "Other", "currency": "RUB", "claim_days": days}
    answer = await office.put("/v1/programmes/other", json=body)
    assert problem(answer) == (422, "invalid-request")
    assert [error["path"] for error in answer.json()["errors"]] == ["claim_days"]


@pytest.mark.edge_case(49)
async def test_what_is_void_or_all_back_is_not_claimed(office: httpx.AsyncClient) -> None:
    voided, returned = await sell_anonymously(office, 1), await sell_anonymously(office, 2)
    await void(office, 1)
    await bring_back(office, 3, key(2), goods())
    await void(office, 4)
    early = await sell_anonymously(office, 4)
    for sold, why in ((voided, "voided"), (returned, "returned"), (early, "voided")):
        assert refused(await claim(office, sold)) == why


async def test_what_means_nothing_is_refused(office: httpx.AsyncClient, owner: Address) -> None:
    sold = await sell_anonymously(office)
    assert problem(await claim(office, sold, "nobody")) == (404, "unknown-card")
    for checkout in ("x", "0" * 24, sold.json()["checkout"][:-1] + "g"):
        answer = await office.post("/v1/claims", json={"checkout": checkout, "card": OLGA})
        assert problem(answer) == (404, "unknown-checkout")
    assert problem(await office.get("/v1/claims/x")) == (404, "unknown-claim")
    await rows(owner, f"UPDATE card SET status = 'blocked' WHERE card = '{OLGA}'")
    assert refused(await claim(office, sold, OLGA)) == "card-blocked"
    await rows(owner, f"UPDATE card SET status = 'not-activated' WHERE card = '{OLGA}'")
    assert (await claim(office, sold, OLGA)).status_code == 201


@pytest.mark.edge_case(49, 5)
async def test_a_void_takes_back_what_the_claim_gave(
    office: httpx.AsyncClient, owner: Address
) -> None:
    sold = await sell_anonymously(office)
    await claim(office, sold)
    back = (await void(office, 1)).json()["points"]
    assert (back["clawed_back"], back["balance"]["available"]) == (12, 0)
    assert not any("available" in account for account in await balances(owner))
    again = await claim(office, sold)
    assert again.status_code == 200


@pytest.mark.edge_case(49, 13)
@pytest.mark.parametrize("order", sorted(set(permutations("crr"))))
async def test_in_whatever_order_goods_come_back_and_somebody_claims_nothing_is_left(
    office: httpx.AsyncClient, owner: Address, order: tuple[str, ...]
) -> None:
    sold = await sell_anonymously(office, 1, **TRIPLE)
    sequence = 10
    for step in order:
        sequence += 1
        if step == "c":
            await claim(office, sold)
        else:
            back = await bring_back(office, sequence, key(1), goods())
            assert back.status_code == 201, back.text
    before = await balances(owner)
    if before:
        assert before["member/m-pyotr/available"] + before["funder/retail-nsk/issued"] == 0
    last = await bring_back(office, 30, key(1), goods())
    assert last.status_code == 201, last.text
    assert await balances(owner) == {}


@pytest.mark.edge_case(49)
async def test_only_what_is_left_of_it_earns(office: httpx.AsyncClient, owner: Address) -> None:
    sold = await sell_anonymously(
        office, 1, lines=[make.line(1, 60_000, quantity="3"), make.line(2, 9_900, sku="bread")]
    )
    back = return_body(2, key(1), goods(1, "1", 20_000), goods(2, "1", 9_900))
    assert (await office.post("/v1/returns", json=back)).status_code == 201
    assert (await claim(office, sold)).json()["points"]["earned"] == 20
    half = await bring_back(office, 3, key(1), goods(1, "1", 20_000))
    assert half.json()["points"]["clawed_back"] == 10
    rest = await bring_back(office, 4, key(1), goods(1, "1", 20_000))
    assert rest.json()["points"]["clawed_back"] == 10
    assert await balances(owner) == {}


async def test_donations_that_were_made_stay_and_come_back_with_the_goods(
    office: httpx.AsyncClient, owner: Address
) -> None:
    free = {**make.HUNTER, "who": {"card": "optional"}}
    await publish(owner, make.change(make.BASE, free))
    sold = await sell_anonymously(office)
    assert sold.json()["donations"] != []
    before = await rows(owner, "SELECT donations, shoppers, points FROM standing")
    await claim(office, sold)
    assert await rows(owner, "SELECT donations, shoppers, points FROM standing") == before
    back = (await void(office, 1)).json()
    assert [donation["outcome"] for donation in back["donations"]] == ["reversed"]
    assert await balances(owner) == {}
    # Nobody had given it, so it is taken from nobody.
    assert await rows(owner, "SELECT donations, shoppers, points FROM standing") == [(0, 0, 0)]
    assert await rows(owner, "SELECT count(*) FROM supporter") == [(0,)]
    assert (await office.get(f"/v1/cards/{make.CARD}")).json()["donations"] == []


@pytest.mark.edge_case(49, 38)
async def test_limits_of_the_card_and_budgets_hold_for_what_is_claimed(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await publish(owner, make.change(ONCE_A_DAY, TIGHT))
    first, second = await sell_anonymously(office, 1), await sell_anonymously(office, 2)
    given = [(await claim(office, sold)).json()["campaigns"] for sold in (first, second)]
    assert [[(each["campaign"], each["points"]) for each in one] for one in given] == [
        [("base", 12), ("once-a-day", 5), ("tight", 30)],
        [("base", 12), ("tight", 10)],
    ]
    assert (await sell(office, 3)).json()["points"]["earned"] == 12
    await void(office, 1)
    assert (await sell(office, 4)).json()["points"]["earned"] == 12 + 5 + 30


async def test_a_claimed_sale_is_a_members_first(office: httpx.AsyncClient, owner: Address) -> None:
    await publish(owner, make.change(make.BASE, WELCOME))
    sold = await sell_anonymously(office)
    assert (await claim(office, sold)).json()["points"]["earned"] == 112
    assert (await sell(office, 2)).json()["points"]["earned"] == 12


@pytest.mark.edge_case(49, 39)
async def test_the_rules_and_the_tier_of_the_sales_time_hold(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await publish(owner, make.change(make.BASE, GOLD))
    await office.put("/v1/members/ivan", json={"tier": "gold", "cards": ["31"]})
    sold = await sell_anonymously(office)
    stored = await office.get("/v1/members/ivan")
    await office.put(
        "/v1/members/ivan",
        json={**stored.json(), "tier": "silver"},
        headers={"If-Match": stored.headers["ETag"]},
    )
    await publish(owner, make.change(make.BASE, GOLD, TIGHT))
    assert (await claim(office, sold, "31")).json()["points"]["earned"] == 62


async def test_of_two_sales_claimed_at_once_each_earns_by_the_tier_of_its_own_time(
    office: httpx.AsyncClient, owner: Address, running: Runtime
) -> None:
    await publish(owner, make.change(make.BASE, GOLD))
    await office.put("/v1/members/ivan", json={"tier": "gold", "cards": ["31"]})
    await sell_anonymously(office, 1)
    stored = await office.get("/v1/members/ivan")
    silver, tag = {**stored.json(), "tier": "silver"}, {"If-Match": stored.headers["ETag"]}
    assert (await office.put("/v1/members/ivan", json=silver, headers=tag)).status_code == 200
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat(timespec="seconds")
    await sell_anonymously(office, 2, occurred_at=later)
    claims = [ClaimSale(sale_key(n), "31", said=str(n).encode()) for n in (1, 2)]
    done = await asyncio.gather(*[tell(running.writer, each) for each in claims])
    earned = [one.movement.outcome["points"][0] for one in done if isinstance(one, Moved)]
    assert earned == [62, 12]


async def test_a_claim_is_no_use_of_the_card_that_a_programme_watches(
    office: httpx.AsyncClient, running: Runtime
) -> None:
    await change_programme(running.writer, watch={"sales_per_day": {"flag": 1, "cap": 1}})
    sold = await sell_anonymously(office, 1)
    assert "many-sales" not in (await sell(office, 2)).json()["flags"]
    told = (await claim(office, sold)).json()
    assert told["points"]["earned"] == 12
    suspicions = (await office.get("/v1/suspicions")).json()
    assert suspicions["items"] == []
    # Nor does it count: the card's next sale is its second, and so the first that is flagged.
    assert "many-sales" in (await sell(office, 3)).json()["flags"]


async def test_points_that_wait_wait_and_points_pay_a_debt_first(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await publish(owner, make.change(make.BASE, SLOW))
    await sell(office, 1)
    await adjust(office, -12, "all")
    sold = await sell_anonymously(office, 2)
    await void(office, 1)
    assert (await balances(owner))["member/m-pyotr/owed"] == -12
    told = (await claim(office, sold)).json()["points"]
    assert told["earned"] == 19
    assert await points_of(office, make.CARD) == (0, 0, 7)
    assert "member/m-pyotr/owed" not in await balances(owner)


async def test_a_sale_of_another_programme_earns_there(
    office: httpx.AsyncClient, owner: Address
) -> None:
    other = {"name": "Bakery", "currency": "RUB"}
    assert (await office.put("/v1/programmes/bakery", json=other)).status_code == 201
    store = {"retailer": "retail-nsk", "time_zone": "Asia/Tokyo", "programme": "bakery"}
    assert (await office.put("/v1/stores/bak-01", json=store)).status_code == 201
    sold = await sell_anonymously(office, 1, store="bak-01")
    told = (await claim(office, sold)).json()
    assert (told["programme"], told["points"]["earned"]) == ("bakery", 0)
    assert await points_in(office, "club") == 0
    assert (await void(office, 1, store="bak-01")).status_code == 201


async def points_in(office: httpx.AsyncClient, programme: str) -> int:
    shown = await office.get(f"/v1/cards/{make.CARD}", params={"programme": programme})
    return int(shown.json()["points"]["available"])


@pytest.mark.edge_case(48, 49)
async def test_a_claimed_sale_is_taken_back_from_whom_its_member_became(
    office: httpx.AsyncClient, owner: Address, running: Runtime, clock: Clock
) -> None:
    await publish(owner, make.change(make.BASE, ONCE_A_DAY))
    await change_programme(running.writer, expire_after={"months": 0, "at": "year-end"})
    sold, other = await sell_anonymously(office, 1), await sell_anonymously(office, 2)
    await claim(office, sold)
    await claim(office, other)
    await merge(office)
    assert (await void(office, 1)).json()["points"]["clawed_back"] == 17
    clock.now += timedelta(days=60)
    await tell(running.writer, LotsDue("m-olga", "club", (clock.now + timedelta(days=-1)).date()))
    assert (await void(office, 2)).json()["points"]["clawed_back"] == 0
    assert not any("member" in account for account in await balances(owner))


async def test_the_ledger_does_not_hold_the_card(office: httpx.AsyncClient, owner: Address) -> None:
    sold = await sell_anonymously(office)
    await claim(office, sold, OLGA)
    (row,) = await rows(owner, "SELECT leaf, beside FROM event WHERE kind = 11")
    assert OLGA.encode() not in row[0] + Beside(row[1]).content
