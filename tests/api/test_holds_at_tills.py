"""Holds over HTTP: what a till is answered when it sets points aside, sells with them, lets go of them, or is late."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from lepta.due.holds import Expiry
from lepta.runtime import Runtime
from lepta.settings import Settings
from shops import open_shop
from tills import problem, sell

BALANCE = {"available": 2, "held": 10, "pending": 0, "expiring": []}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nothing ends by itself while a test looks on."""
    return settings.model_copy(update={"holds_every_s": 0, "lot_days_every_s": 0})


@pytest.fixture
async def till(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's till; Пётр has 12 points."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    made = await client_for("till", store="nsk-07", till="3")
    assert (await sell(made, 1)).status_code == 201
    return made


async def hold(
    client: httpx.AsyncClient, points: Any = 10, header: str = "", /, **more: Any
) -> httpx.Response:
    headers = {"Idempotency-Key": header} if header else {}
    body = {"card": make.CARD, "points": points, **more}
    return await client.post("/v1/holds", json=body, headers=headers)


async def release(till: httpx.AsyncClient, held: httpx.Response) -> httpx.Response:
    return await till.post(f"/v1/holds/{held.json()['hold']}/release")


@pytest.mark.edge_case(67)
async def test_a_hold_says_what_is_set_aside_and_until_when(till: httpx.AsyncClient) -> None:
    before = datetime.now(UTC)
    answer = await hold(till)
    assert answer.status_code == 201, answer.text
    held = answer.json()
    assert (held["points"], held["balance"], held["replayed"]) == (10, BALANCE, False)
    ends = datetime.fromisoformat(held["expires_at"]) - before
    assert timedelta(seconds=899) < ends < timedelta(seconds=930)
    short = (await hold(till, 1, ttl_s=60)).json()
    assert short["expires_at"] < held["expires_at"]
    shown = (await till.get(f"/v1/cards/{make.CARD}")).json()["points"]
    assert (shown["available"], shown["held"]) == (1, 11)


@pytest.mark.edge_case(12)
async def test_a_hold_again_under_its_key_is_the_same_and_another_is_refused(
    till: httpx.AsyncClient,
) -> None:
    first = await hold(till, 10, "k1")
    again = await hold(till, 10, "k1")
    assert (again.status_code, again.headers["Idempotency-Hit"]) == (200, "true")
    assert again.json() == {**first.json(), "replayed": True}
    others: tuple[dict[str, Any], ...] = ({"points": 9}, {"card": "2900000000025"}, {"ttl_s": 5})
    for other in others:
        refused = await hold(till, other.pop("points", 10), "k1", **other)
        assert problem(refused) == (422, "idempotency-key-reused")
    assert (await hold(till, 2)).status_code == 201


async def test_more_than_there_is_is_refused_with_what_there_is(till: httpx.AsyncClient) -> None:
    refused = await hold(till, 13, "k1")
    assert problem(refused) == (409, "insufficient-points")
    assert refused.json()["redeemable"] == 12
    await sell(till, 2)
    assert (await hold(till, 13, "k1")).json()["redeemable"] == 12
    assert (await hold(till, 13, "k2")).status_code == 201


@pytest.mark.parametrize("status", ["not-activated", "blocked"])
async def test_a_card_that_may_not_spend_holds_nothing(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, status: str
) -> None:
    member = await admin.get("/v1/members/pyotr")
    document = {**member.json(), "cards": [{"card": make.CARD, "status": status}]}
    tag = {"If-Match": member.headers["ETag"]}
    assert (await admin.put("/v1/members/pyotr", json=document, headers=tag)).status_code == 200
    refused = await hold(till)
    assert problem(refused) == (409, "insufficient-points")
    assert refused.json()["redeemable"] == 0
    assert status.replace("-", " ") in refused.json()["detail"].replace("-", " ")


async def test_a_card_of_nobody_holds_nothing(till: httpx.AsyncClient) -> None:
    refused = await hold(till, card="nobody's")
    assert (refused.status_code, refused.json()["redeemable"]) == (409, 0)


@pytest.mark.parametrize(
    "body",
    [
        {"points": 0}, {"points": -1}, {"points": 1.5}, {"points": "1"}, {"points": None}, {"points": 10**13},
        {"ttl_s": 0}, {"ttl_s": 86_401}, {"ttl_s": -5}, {"card": ""}, {"card": None}, {"more": 1}, {"store": ""},
    ],
)  # fmt: skip
async def test_what_is_no_hold_is_refused(till: httpx.AsyncClient, body: dict[str, Any]) -> None:
    refused = await till.post("/v1/holds", json={"card": make.CARD, "points": 1, **body})
    assert problem(refused) == (422, "invalid-request")


async def test_a_sale_captures_its_hold_and_a_release_says_so(till: httpx.AsyncClient) -> None:
    held = await hold(till)
    other = await sell(till, 2, redeem={"points": 3})
    assert (problem(other), other.json()["redeemable"]) == ((409, "insufficient-points"), 2)
    asked = {"hold": held.json()["hold"], "redeem": {"points": 4}}
    sold = await sell(till, 2, **asked)
    assert sold.status_code == 201, sold.text
    points = sold.json()["points"]
    assert points["redeemed"] == 4
    assert points["balance"]["held"] == 0
    assert points["balance"]["available"] == 8 + points["earned"]
    again = await sell(till, 2, **asked)
    assert (again.status_code, again.json()["points"]) == (200, points)
    late = await release(till, held)
    assert problem(late) == (409, "hold-captured")
    assert late.json()["checkout"] == sold.json()["checkout"]
    history = (await till.get(f"/v1/cards/{make.CARD}/history")).json()["items"]
    assert [(one["kind"], one["points"]["held"]) for one in history] == [
        ("checkout", -10), ("hold", 10), ("checkout", 0),
    ]  # fmt: skip


async def test_a_release_frees_all_and_again_says_the_same(till: httpx.AsyncClient) -> None:
    held = await hold(till)
    first = await release(till, held)
    assert first.status_code == 200, first.text
    assert first.json()["ended"] == "released"
    assert first.json()["points"] == 10
    assert first.json()["balance"]["available"] == 12
    again = await release(till, held)
    assert (again.status_code, again.headers["Idempotency-Hit"]) == (200, "true")
    assert again.json() == {**first.json(), "replayed": True}
    sold = await sell(till, 2, hold=held.json()["hold"], redeem={"points": 12})
    assert (sold.json()["points"]["redeemed"], "hold-ended" in sold.json()["flags"]) == (12, True)


async def test_a_hold_that_there_is_not_is_unknown(till: httpx.AsyncClient) -> None:
    sale = (await sell(till, 2)).json()["checkout"]
    for name in ("x", "0" * 24, sale, "%00", "a" * 300):
        assert problem(await till.post(f"/v1/holds/{name}/release")) == (404, "unknown-hold"), name
    mismatched = await sell(till, 3, hold="0" * 24)
    assert problem(mismatched) == (409, "hold-mismatch")
    assert (await sell(till, 3)).status_code == 201


async def test_a_till_ends_holds_of_its_own_store_only_and_the_office_all(
    till: httpx.AsyncClient, client_for: ClientFor
) -> None:
    next_door = await client_for("till", store="nsk-07", till="4")
    elsewhere = await client_for("till", store="nsk-08", till="3")
    office = await client_for("office")
    one, two = await hold(till, 3), await hold(till, 4)
    assert problem(await release(elsewhere, one)) == (403, "forbidden")
    assert (await release(next_door, one)).status_code == 200
    assert (await release(office, two)).status_code == 200
    assert problem(await hold(till, 1, till="4")) == (403, "forbidden")
    unplaced = await hold(office, 1)
    assert problem(unplaced) == (422, "invalid-request")
    assert [error["path"] for error in unplaced.json()["errors"]] == ["store", "till"]
    assert (await hold(office, 1, store="nsk-07", till="3")).status_code == 201
    assert problem(await hold(office, 1, store="nowhere", till="3")) == (422, "invalid-request")


async def test_holds_that_are_over_are_let_go_of_once_by_whoever_comes_first(
    till: httpx.AsyncClient, running: Runtime
) -> None:
    one, kept = await hold(till, 3, ttl_s=1), await hold(till, 4)
    ends = datetime.fromisoformat(one.json()["expires_at"])

    def rounds(now: datetime) -> Expiry:
        return Expiry(running.database, running.writer, 1, lambda: now, NoLog())

    assert await rounds(ends - timedelta(milliseconds=1)).once() == 0
    await asyncio.sleep(max(0, (ends - datetime.now(UTC)).total_seconds()) + 0.01)
    swept = await asyncio.gather(*(rounds(ends).once() for _ in range(3)))
    assert sum(swept) == 1
    again = await release(till, one)
    assert (again.status_code, again.json()["ended"]) == (200, "expired")
    shown = (await till.get(f"/v1/cards/{make.CARD}")).json()["points"]
    assert (shown["available"], shown["held"]) == (8, 4)
    assert (await release(till, kept)).json()["ended"] == "released"


class NoLog:
    """Takes what is logged and tells nobody."""

    def info(self, *_: Any, **__: Any) -> None:
        """Tell nobody."""
