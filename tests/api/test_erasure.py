"""Erasing a member: the person is gone everywhere, the ledger says what it said. Verified and decided again each time."""

import asyncio
import base64
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

import make
from conftest import ClientFor
from databases import say
from lepta.db import Address
from lepta.due import leaving
from lepta.keys import service as keys
from lepta.log.notes import Verifier
from lepta.log.proofs import verify_proof
from lepta.main import create_app
from lepta.members import service as members
from lepta.processing import sql
from lepta.processing.beside import Beside
from lepta.runtime import Runtime
from lepta.settings import Settings
from reversing import balances, change_programme, rows
from shops import open_shop
from tills import key, problem, return_body, sell, void

CARD, SPARE = "7777000011112222", "7777000011113333"
ANNA: dict[str, Any] = {
    "first_name": "Аристархия", "last_name": "Заболотная", "gender": "female", "language": "ru",
    "phone": "+79131234567", "email": "aristarkhia@example.test", "birthday": "1987-11-23",
    "segments": ["ornithologists"], "tier": "diamond", "cards": [CARD, {"card": SPARE, "status": "blocked"}],
}  # fmt: skip
WHO = "/v1/members/m-4711-anna"
REASON = "the wrong price that Аристархия was told"
PERSONAL = (
    "m-4711-anna", "Аристархия", "Заболотная", "79131234567", "aristarkhia@example.test", "1987-11-23", CARD, SPARE,
    "wrong price",
)  # fmt: skip
"""What nothing may hold any more. Sales keep the tier and the segments that they saw, under a random name."""


@pytest.fixture
async def office(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop, with another shopper, who has 1,000 points."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    office = await client_for("admin")
    assert (await office.put(WHO, json=ANNA)).status_code == 201
    await adjust(office, 1_000)
    return office


async def adjust(office: httpx.AsyncClient, points: int, name: str = "a1") -> httpx.Response:
    body = {"card": CARD, "points": points, "reason": REASON}
    return await office.post("/v1/adjustments", json=body, headers={"Idempotency-Key": name})


async def erase(office: httpx.AsyncClient) -> int:
    return (await office.delete(WHO)).status_code


async def traces(owner: Address, *wanted: str) -> list[str]:
    """Where the database holds one of these, as text or as a SHA-256 of it."""
    sought = [one.encode() for one in wanted]
    digests = [sha256(one).digest() for one in sought]
    needles = [
        *sought,
        *digests,
        *(digest.hex().encode() for digest in digests),
        *(base64.b64encode(digest).rstrip(b"=") for digest in digests),
        *(base64.urlsafe_b64encode(digest).rstrip(b"=") for digest in digests),
    ]
    connection = await asyncpg.connect(**owner.arguments())
    found = []
    try:
        tables = await connection.fetch(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'm', 'S')"
        )
        assert len(tables) > 25
        for (table,) in tables:
            for row in await connection.fetch(f"SELECT * FROM {table}"):
                for column, value in row.items():
                    told = value if isinstance(value, bytes) else str(value).encode()
                    if column == "beside" and value:
                        told += Beside(value).content
                    if any(needle in told for needle in needles):
                        found.append(f"{table}.{column}")
    finally:
        await connection.close()
    return sorted(set(found))


async def a_life(office: httpx.AsyncClient) -> dict[str, Any]:
    """Whatever a member can do; the answer to their first sale."""
    first = await sell(office, 1, card=CARD, header="s1", redeem={"points": 30})
    assert first.status_code == 201, first.text
    assert "Аристархия" in first.json()["receipt"]["text"]
    assert (await sell(office, 2, card=SPARE)).json()["card_status"] == "blocked"
    await office.post("/v1/returns", json=return_body(1, {"checkout": first.json()["checkout"]}))
    refused = await sell(office, 3, card=CARD, header="s3", redeem={"points": 9_999})
    assert problem(refused)[1] == "insufficient-points"
    held = {"card": CARD, "points": 70, "store": "nsk-07", "till": "3"}
    assert (await office.post("/v1/holds", json=held)).status_code == 201
    batch = [{"checkout": make.checkout_body(sequence=4, card=CARD, offline=True)}]
    assert (await office.post("/v1/checkouts:batch", json=batch)).json()["results"][0][
        "status"
    ] == 201
    stored = await office.get(WHO)
    gold = {**stored.json(), "tier": "gold"}
    match = {"If-Match": stored.headers["ETag"]}
    assert (await office.put(WHO, json=gold, headers=match)).status_code == 200
    assert (await sell(office, 5, card=CARD)).status_code == 201
    told: dict[str, Any] = first.json()
    return told


async def given(office: httpx.AsyncClient, owner: Address) -> list[Any]:
    """What funds have got, as everybody may see it, and whose gifts they were."""
    fund = (await office.get("/v1/funds/forest-animals")).json()
    return [
        fund,
        *await rows(
            owner, "SELECT standing::text FROM standing UNION SELECT supporter::text FROM supporter"
        ),
    ]


async def proven(office: httpx.AsyncClient, checkout: str) -> bytes:
    """The leaf of a sale, proven by what an outsider is given."""
    key = Verifier.from_vkey((await office.get("/log/vkey")).text.rstrip("\n"))
    proof = await office.get("/v1/log/proof", params={"checkout": checkout})
    return verify_proof(proof.content, key).leaf


@pytest.mark.edge_case(50)
async def test_nothing_of_the_person_is_left_and_nothing_of_the_ledger_is_lost(
    office: httpx.AsyncClient, owner: Address
) -> None:
    first = await a_life(office)
    assert {"member.first_name", "card.card", "adjustment_reason.reason"} <= set(
        await traces(owner, *PERSONAL)
    )
    before, leaf = await given(office, owner), await proven(office, first["checkout"])
    events = await rows(owner, "SELECT log_index, leaf FROM event ORDER BY 1")
    assert await erase(office) == 204
    assert await traces(owner, *PERSONAL) == []
    assert await rows(owner, "SELECT * FROM member_history") == []
    assert await given(office, owner) == before
    kept = await rows(owner, "SELECT log_index, leaf FROM event ORDER BY 1")
    assert kept[: len(events)] == events
    assert await proven(office, first["checkout"]) == leaf
    for path in (WHO, f"{WHO}/history", f"/v1/cards/{CARD}", f"/v1/cards/{SPARE}/history"):
        assert (await office.get(path)).status_code == 404, path
    assert await erase(office) == 404


@pytest.mark.edge_case(50)
async def test_points_are_gone_with_their_owner(office: httpx.AsyncClient, owner: Address) -> None:
    await a_life(office)
    before = await balances(owner)
    assert await erase(office) == 204
    after = await balances(owner)
    (ref,) = (await rows(owner, "SELECT ref FROM departed"))[0]
    assert before[f"member/{ref}/held"] == 70
    left = before[f"member/{ref}/available"] + 70
    assert left > 900
    assert [name for name in after if name.startswith("member/")] == []
    assert after["programme/club/expired"] == left
    assert after["funder/retail-nsk/issued"] == before["funder/retail-nsk/issued"]
    assert await rows(owner, "SELECT count(*) FROM lot UNION ALL SELECT count(*) FROM hold") == [
        (0,),
        (0,),
    ]


@pytest.mark.edge_case(50)
async def test_old_sales_are_answered_without_the_name_and_new_ones_know_nobody(
    office: httpx.AsyncClient, owner: Address
) -> None:
    first = await a_life(office)
    assert await erase(office) == 204
    again = await sell(office, 1, card=CARD, header="s1", redeem={"points": 30})
    assert (again.status_code, again.headers["Idempotency-Hit"]) == (200, "true")
    same = {name: value for name, value in first.items() if name not in {"receipt", "replayed"}}
    assert same.items() <= again.json().items()
    read = await office.get(f"/v1/checkouts/{first['checkout']}")
    for answer in (again, read):
        assert "Аристархия" not in answer.text
    refused = await sell(office, 3, card=CARD, header="s3", redeem={"points": 9_999})
    assert problem(refused)[1] == "insufficient-points"
    for sequence, offline in ((10, False), (11, True)):
        late = (await sell(office, sequence, card=CARD, offline=offline)).json()
        assert (late["card_status"], late["points"]["balance"]) == ("unknown", None)
    repeated = await adjust(office, 1_000)
    assert (repeated.status_code, repeated.json()["reason"]) == (200, None)
    assert await traces(owner, *PERSONAL) == []


async def test_whoever_gets_the_card_next_gets_nothing_of_the_old(
    office: httpx.AsyncClient, owner: Address
) -> None:
    first = await a_life(office)
    assert await erase(office) == 204
    boris = {"first_name": "Борис", "cards": [CARD]}
    assert (await office.put("/v1/members/boris", json=boris)).status_code == 201
    card = (await office.get(f"/v1/cards/{CARD}")).json()
    assert card["points"]["available"] == card["points"]["held"] == 0
    assert (card["first_name"], card["tier"], card["donations"]) == ("Борис", None, [])
    assert (await office.get(f"/v1/cards/{CARD}/history")).json()["items"] == []
    again = await sell(office, 1, card=CARD, header="s1", redeem={"points": 30})
    assert (again.status_code, again.json()["checkout"]) == (200, first["checkout"])
    assert "Борис" not in again.text
    assert (await office.put(WHO, json={"first_name": "Анна"})).status_code == 201
    assert len(await rows(owner, "SELECT FROM member WHERE id IN ('boris', 'm-4711-anna')")) == 2


async def test_sales_of_the_erased_are_voided_and_brought_back_and_no_points_stay(
    office: httpx.AsyncClient, owner: Address, running: Runtime
) -> None:
    await a_life(office)
    assert await erase(office) == 204
    undone = await void(office, 1)
    assert undone.status_code == 201, undone.text
    back = await office.post("/v1/returns", json=return_body(5, key(5)))
    assert back.status_code == 201, back.text
    assert "Аристархия" not in undone.text + back.text
    await leaving.settle(running.database, running.writer, running.writer.clock())
    left = {n: p for n, p in (await balances(owner)).items() if n.startswith("member/")}
    assert left == {}
    assert await leaving.settle(running.database, running.writer, running.writer.clock()) == 0


@pytest.mark.parametrize(
    "club", [{"expire_after": None}, {"expire_after": None, "pending_days": 14}]
)
async def test_points_that_never_expire_or_still_wait_are_gone_too_and_leave_no_debt(
    office: httpx.AsyncClient, owner: Address, running: Runtime, club: dict[str, Any]
) -> None:
    await change_programme(running.writer, **club)
    sold = (await sell(office, 1, card=CARD)).json()
    assert (sold["points"]["earned"], sold["points"]["pending"]) == (
        12,
        12 if "pending_days" in club else 0,
    )
    assert await erase(office) == 204
    assert (await void(office, 1)).status_code == 201
    after = await balances(owner)
    assert [name for name in after if name.startswith("member/")] == []
    assert after["programme/club/expired"] == 1_012


async def test_an_erasure_that_is_cut_off_has_not_happened(
    office: httpx.AsyncClient, owner: Address, running: Runtime
) -> None:
    await a_life(office)
    async with running.database.begin() as other:
        await other.execute(text(sql.WAIT_FOR_HEAD.replace("$1", "0")))
        task = asyncio.create_task(members.erase(running.database, "m-4711-anna"))
        while not await rows(owner, _WAITING):  # noqa: ASYNC110 - another connection waits
            await asyncio.sleep(0.01)
        await say(owner, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity" + _WHO_WAITS)
        with pytest.raises(Exception, match=r"terminat|closed"):
            await task
    assert (await office.get(WHO)).json()["first_name"] == "Аристархия"
    card = (await office.get(f"/v1/cards/{CARD}")).json()
    assert card["points"]["available"] > 900
    assert (await adjust(office, 1_000)).json()["reason"] == REASON
    assert await erase(office) == 204
    assert await traces(owner, *PERSONAL) == []


_WHO_WAITS = (
    " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%log_head%'"
)
_WAITING = "SELECT pid FROM pg_stat_activity" + _WHO_WAITS


async def test_a_service_that_dies_right_after_it_leaves_the_points_to_the_next_round(
    office: httpx.AsyncClient, owner: Address, running: Runtime, settings: Settings
) -> None:
    await a_life(office)
    ref = await members.erase(running.database, "m-4711-anna")
    assert (await balances(owner))[f"member/{ref}/held"] == 70
    other = create_app(settings.model_copy(update={"lot_days_every_s": 60.0}))
    async with other.router.lifespan_context(other):
        async with asyncio.timeout(20):
            while any(  # noqa: ASYNC110 - another service is at it
                name.startswith("member/") for name in await balances(owner)
            ):
                await asyncio.sleep(0.02)


async def test_ten_erasures_at_once_are_one(office: httpx.AsyncClient, owner: Address) -> None:
    statuses = await asyncio.gather(*(erase(office) for _ in range(10)))
    assert sorted(statuses) == [204, *[404] * 9]
    assert len(await rows(owner, "SELECT FROM departed")) == 1


@pytest.mark.parametrize("first", ["erased", "adjusted"])
async def test_words_about_a_person_who_is_being_erased_are_never_left(
    office: httpx.AsyncClient, owner: Address, running: Runtime, first: str
) -> None:
    async with running.database.begin() as other:
        await other.execute(text(sql.WAIT_FOR_HEAD.replace("$1", "0")))
        tasks: list[asyncio.Task[Any]] = []
        for what in ("erased", "adjusted") if first == "erased" else ("adjusted", "erased"):
            call = erase(office) if what == "erased" else adjust(office, 5, "under-way")
            tasks.append(asyncio.create_task(call))
            await asyncio.sleep(0.2)
    await asyncio.gather(*tasks)
    assert await rows(owner, "SELECT * FROM adjustment_reason") == []
    assert await traces(owner, *PERSONAL) == []


@pytest.fixture
async def elsewhere(office: httpx.AsyncClient, settings: Settings) -> AsyncIterator[FastAPI]:
    """Another service on the same database."""
    made = create_app(settings)
    async with made.router.lifespan_context(made):
        yield made


async def test_other_processes_do_not_know_the_erased_any_more(
    office: httpx.AsyncClient, elsewhere: FastAPI
) -> None:
    made = await keys.create(elsewhere.state.runtime.database, "office")
    headers = {"Authorization": f"Bearer {made.token}"}
    transport = httpx.ASGITransport(elsewhere)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://b", headers=headers
    ) as other:
        before = await sell(other, 1, card=CARD)
        assert "Аристархия" in before.text
        assert await erase(office) == 204
        after = await sell(other, 2, card=CARD)
        again = await sell(other, 1, card=CARD)
        assert (after.json()["card_status"], again.status_code) == ("unknown", 200)
        assert "Аристархия" not in after.text + again.text
