"""Misuse of cards over HTTP: what tills are told, what is refused and why, and what the office gets to look into."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

import make
from conftest import ClientFor
from lepta.db import Address
from lepta.statements.suspicions import Sought, statement
from shops import open_shop
from tills import DAY, problem, void
from tills import sell as sell_before

HERE = {"latitude": "55.0302", "longitude": "82.9204"}
THERE = {"latitude": "53.34740", "longitude": "83.77840"}


def moment(minutes: int = 0) -> str:
    """After all that has been published by now."""
    return (datetime.now(UTC) + timedelta(minutes=minutes, seconds=1)).isoformat()


async def sell(till: httpx.AsyncClient, sequence: int, **sale: Any) -> httpx.Response:
    return await sell_before(till, sequence, **{"occurred_at": moment(), **sale})


@pytest.fixture
async def office(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's office."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return await client_for("office")


@pytest.fixture
async def till(office: httpx.AsyncClient, client_for: ClientFor) -> httpx.AsyncClient:
    return await client_for("till", store="nsk-07", till="3")


async def put(office: httpx.AsyncClient, path: str, document: Any) -> httpx.Response:
    """Replace a document, whatever is stored."""
    told = await office.get(f"/v1/{path}")
    etag = {"If-Match": told.headers["ETag"]} if told.status_code == 200 else {}
    answer = await office.put(f"/v1/{path}", json=document, headers=etag)
    assert answer.status_code in {200, 201}, answer.text
    return answer


async def watch(office: httpx.AsyncClient, **said: Any) -> None:
    await put(office, "programmes/club", {**make.PROGRAMME, "watch": said})


async def found(client: httpx.AsyncClient, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/suspicions{query}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_who_sells_too_often_with_one_card_is_flagged_capped_and_listed(
    office: httpx.AsyncClient, till: httpx.AsyncClient, client_for: ClientFor
) -> None:
    await watch(office, sales_per_day={"flag": 1, "cap": 2})
    sales = [(await sell(till, n)).json() for n in range(1, 4)]
    assert ["many-sales" in sale["flags"] for sale in sales] == [False, True, True]
    assert [sale["points"]["earned"] for sale in sales] == [12, 12, 0]
    assert "capped" in sales[2]["flags"]
    reasons = {one["campaign"]: one["because"] for one in sales[2]["explain"]}
    assert reasons["base"] == "the card's use is suspicious, so it earns nothing"
    await void(till, 2)
    listed = await found(office)
    assert [(one["sequence"], one["capped"], one["voided"]) for one in listed] == [
        (2, False, True), (3, True, False),
    ]  # fmt: skip
    assert listed == await found(await client_for("auditor"))
    last = listed[-1]
    assert (last["checkout"], last["kinds"]) == (sales[2]["checkout"], ["many-sales"])
    assert (last["store"], last["till"], last["business_day"]) == ("nsk-07", "3", DAY)
    assert (last["member"], last["total"]) == ("m-pyotr", 25_900)
    assert make.CARD not in str(listed)
    assert "Пётр" not in str(listed)


async def test_a_capped_card_redeems_nothing_and_the_till_is_told_why(
    office: httpx.AsyncClient, till: httpx.AsyncClient
) -> None:
    await sell(till, 1)
    await watch(office, sales_per_day={"cap": 1})
    await sell(till, 2)
    quote = (
        await till.post("/v1/quotes", json=make.checkout_body(sequence=3, occurred_at=moment()))
    ).json()
    assert (quote["redeemable"], quote["points"]["earned"]) == (0, 0)
    refused = await sell(till, 3, redeem={"points": 5})
    assert problem(refused) == (409, "insufficient-points")
    told = refused.json()
    assert (told["redeemable"], told["because"]) == (0, "many-sales")
    assert "more often today than the programme allows" in told["detail"]
    most = (await sell(till, 3, redeem={"max": True})).json()
    assert (most["points"]["redeemed"], most["points"]["balance"]["available"]) == (0, 24)
    over = (await sell(till, 4, redeem={"points": 5}, offline=True)).json()
    assert (over["points"]["redeemed"], over["points"]["shortfall"]) == (0, 5)
    assert {"many-sales", "capped", "shortfall"} <= set(over["flags"])


async def test_a_quote_that_a_cap_has_overtaken_is_stale(
    office: httpx.AsyncClient, till: httpx.AsyncClient
) -> None:
    await watch(office, sales_per_day={"cap": 1})
    body = make.checkout_body(sequence=2, occurred_at=moment())
    quote = (await till.post("/v1/quotes", json=body)).json()["quote"]
    await sell(till, 1)
    stale = await sell(till, 2, quote=quote)
    assert (problem(stale), stale.json()["because"]) == ((409, "quote-stale"), "outcome")


async def test_a_card_in_two_distant_stores_is_flagged(
    office: httpx.AsyncClient, till: httpx.AsyncClient, client_for: ClientFor
) -> None:
    store = (await office.get("/v1/stores/nsk-07")).json()
    assert store["location"] is None
    first = await put(office, "stores/nsk-07", {**store, "location": HERE})
    assert first.json()["location"] == HERE
    second = await put(office, "stores/brn-01", {**store, "region": "altai", "location": THERE})
    assert second.json()["location"] == {"latitude": "53.3474", "longitude": "83.7784"}
    await watch(office, two_places={"minutes": 30, "kilometres": 100})
    assert "two-places" not in (await sell(till, 1)).json()["flags"]
    far = await client_for("till", store="brn-01", till="1")
    soon = {"store": "brn-01", "till": "1", "occurred_at": moment(10)}
    sold = await far.post("/v1/checkouts", json=make.checkout_body(**soon))
    assert "two-places" in sold.json()["flags"], sold.text
    assert sold.json()["points"]["earned"] == 12, "flagged alone"
    assert [one["kinds"] for one in await found(office, "?store=brn-01")] == [["two-places"]]


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ({"latitude": "90.1", "longitude": "0"}, "location.latitude"),
        ({"latitude": "0", "longitude": "-180.00001"}, "location.longitude"),
        ({"latitude": 55.03, "longitude": "82.9"}, "location.latitude"),
        ({"latitude": "55.03"}, "location.longitude"),
    ],
)
async def test_a_location_that_is_none_is_refused(
    office: httpx.AsyncClient, location: Any, path: str
) -> None:
    store = (await office.get("/v1/stores/nsk-07")).json()
    refused = await office.put(
        "/v1/stores/nsk-07", json={**store, "location": location}, headers={"If-Match": '"1"'}
    )
    assert problem(refused) == (422, "invalid-request")
    assert [error["path"] for error in refused.json()["errors"]] == [path]


async def test_points_spent_right_after_activation_are_flagged_or_blocked(
    office: httpx.AsyncClient, till: httpx.AsyncClient
) -> None:
    await sell(till, 1)
    await watch(office, after_activation={"minutes": 10})
    since_ever = (await sell(till, 2, redeem={"points": 1})).json()
    assert "spent-at-once" not in since_ever["flags"]
    member = (await office.get("/v1/members/pyotr")).json()
    for status in ("not-activated", "active"):
        cards = [{"card": make.CARD, "status": status}]
        await put(office, "members/pyotr", {**member, "cards": cards})
    await put(office, "members/pyotr", {**member, "cards": [make.CARD], "last_name": "П"})
    assert "spent-at-once" not in (await sell(till, 3)).json()["flags"], "it spends nothing"
    spent = (await sell(till, 4, redeem={"points": 1})).json()
    assert ("spent-at-once" in spent["flags"], spent["points"]["redeemed"]) == (True, 1)
    await watch(office, after_activation={"minutes": 10, "block": "redeem"})
    refused = await sell(till, 5, redeem={"points": 1})
    assert (problem(refused), refused.json()["because"]) == ((409, "insufficient-points"), "spent-at-once")  # fmt: skip
    over = (await sell(till, 5, redeem={"points": 1}, offline=True)).json()
    assert {"spent-at-once", "capped", "shortfall"} <= set(over["flags"])
    assert over["points"]["earned"] == 12, "it earns all the same"
    assert [one["sequence"] for one in await found(office, "?kind=spent-at-once")] == [4, 5]


async def test_the_list_is_sought_by_store_day_and_kind_and_read_page_by_page(
    office: httpx.AsyncClient, till: httpx.AsyncClient
) -> None:
    await watch(office, sales_per_day={"flag": 1})
    for n, day in enumerate(("2026-11-21", "2026-11-22", "2026-11-23") * 2):
        await sell(till, n, business_day=day)
    assert [one["sequence"] for one in await found(office)] == [3, 4, 5]
    assert [one["sequence"] for one in await found(office, "?from=2026-11-22&to=2026-11-22")] == [4]
    assert [one["sequence"] for one in await found(office, "?from=2026-11-22")] == [4, 5]
    assert await found(office, "?store=nsk-08") == []
    assert await found(office, "?kind=two-places") == []
    seen, after = [], ""
    while True:
        page = (await office.get(f"/v1/suspicions?limit=2{after}")).json()
        seen += [one["sequence"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == [3, 4, 5]
    for query in ("?kind=other", "?limit=0", "?from=yesterday", "?after=-1"):
        assert problem(await office.get(f"/v1/suspicions{query}")) == (422, "invalid-request")


@pytest.mark.parametrize("sought", [Sought(), Sought(store="nsk-07", kind="many-sales")])
async def test_only_suspicious_sales_are_looked_at(
    app: FastAPI, owner: Address, sought: Sought
) -> None:
    connection = await asyncpg.connect(**owner.arguments())
    query = (
        statement(sought).text.replace(":shard", "0").replace(":after", "-1").replace(":most", "9")
    )
    query = query.replace(":store", "'nsk-07'").replace(":kinds", "1")
    await connection.execute("SET enable_seqscan = off")
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN (COSTS OFF) {query}"))
    await connection.close()
    assert ("suspicion_store" if sought.store else "suspicion_pkey") in plan, plan
    assert "Seq Scan" not in plan, plan
