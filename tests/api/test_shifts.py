"""The end of a shift over HTTP: what a till has counted, compared with what is recorded, and kept."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from lepta.verification.verify import faults
from shops import open_shop
from tills import DAY, bring_back, key, problem, sell, void

NAME: dict[str, Any] = {"store": "nsk-07", "till": "3", "business_day": DAY, "shift": 1}
HIGH = 1 << 32


@pytest.fixture
async def till(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's till."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return await client_for("till", store="nsk-07", till="3")


async def close(till: httpx.AsyncClient, count: int, total: int, **more: Any) -> httpx.Response:
    """Close a shift of sequences 1 to 3, unless `more` says otherwise."""
    told = {"returns_total": 0, "first_sequence": 1, "last_sequence": 3}
    body = {**NAME, **told, "count": count, "total": total, **more}
    return await till.post("/v1/shifts", json=body)


def kinds(answer: httpx.Response) -> dict[str, tuple[int, int]]:
    assert answer.status_code in {200, 201}, answer.text
    return {d["kind"]: (d["ours"], d["theirs"]) for d in answer.json()["differences"]}


async def test_a_shift_that_adds_up_is_closed_without_differences(till: httpx.AsyncClient) -> None:
    for sequence in (1, 2):
        await sell(till, sequence)
    await bring_back(till, 3, key(1))
    answer = await close(till, 2, 51_800, returns_total=25_900)
    assert answer.status_code == 201, answer.text
    closed = answer.json()
    assert closed.pop("closed_at")
    assert closed == {
        **NAME, "differences": [], "missing_sequences": [], "unexpected_sequences": [],
    }  # fmt: skip


async def test_again_it_is_the_same_answer_and_with_other_figures_it_is_refused(
    till: httpx.AsyncClient,
) -> None:
    first = await close(till, 0, 0)
    await sell(till, 1)
    for again in (
        await close(till, 0, 0),
        await till.get("/v1/shifts", params=NAME),
    ):
        assert (again.status_code, again.headers["Idempotency-Hit"]) == (200, "true")
        assert again.content == first.content
    assert problem(await close(till, 1, 25_900)) == (422, "idempotency-key-reused")
    assert kinds(first) == {"missing": (0, 3)}


async def test_ten_at_once_are_one(till: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(close(till, 0, 0) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.content for answer in answers}) == 1


async def test_what_is_missing_and_what_is_unexpected_is_named(till: httpx.AsyncClient) -> None:
    for sequence in (1, 3, 9, HIGH):
        await sell(till, sequence)
    found = await close(till, 3, 77_700)
    assert kinds(found) == {
        "count": (2, 3), "total": (51_800, 77_700), "missing": (2, 3), "unexpected": (1, 0),
    }  # fmt: skip
    assert found.json()["missing_sequences"] == [2]
    assert found.json()["unexpected_sequences"] == [9]
    high = await close(
        till, 1, 25_900, first_sequence=HIGH - 1, last_sequence=HIGH, shift="evening"
    )
    assert kinds(high) == {"missing": (1, 2), "unexpected": (1, 0)}
    assert high.json()["missing_sequences"] == [HIGH - 1]
    assert high.json()["unexpected_sequences"] == [9]  # 1 and 3 are the first shift's


async def test_voided_sales_and_early_voids_are_there_and_do_not_count(
    till: httpx.AsyncClient,
) -> None:
    await sell(till, 1)
    await sell(till, 2)
    await void(till, 2)
    await void(till, 3)
    assert kinds(await close(till, 1, 25_900)) == {}
    await sell(till, 3)  # the voided one, late
    assert kinds(await close(till, 1, 25_900, shift=2)) == {}


async def test_a_return_leaves_its_sale_counted_and_an_unreferenced_one_counts_too(
    till: httpx.AsyncClient,
) -> None:
    await sell(till, 1)
    await bring_back(till, 2, key(1))
    await bring_back(till, 3, None)
    assert kinds(await close(till, 1, 25_900, returns_total=51_800)) == {}


async def test_other_tills_and_other_days_are_not_counted(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    for more in ({"till": "4"}, {"business_day": "2026-11-21"}):
        sold = await admin.post("/v1/checkouts", json=make.checkout_body(sequence=1, **more))
        assert sold.status_code == 201
    assert kinds(await close(till, 0, 0)) == {"missing": (0, 3)}
    assert kinds(await close(till, 0, 0, shift=2, first_sequence=0, last_sequence=-1)) == {}


@pytest.mark.parametrize(
    "more",
    [
        {"last_sequence": 0, "first_sequence": 2}, {"last_sequence": 100_001}, {"shift": -1}, {"shift": "a b"},
        {"shift": None}, {"total": "1"}, {"total": 10**18}, {"first_sequence": -1}, {"why": 1}, {"count": 1.0},
        {"business_day": "2026-02-30"}, {"last_sequence": 2**53},
    ],
)  # fmt: skip
async def test_figures_that_cannot_be_are_refused(
    till: httpx.AsyncClient, more: dict[str, Any]
) -> None:
    told = {"count": 0, "total": 0, "returns_total": 0, "first_sequence": 1, "last_sequence": 3}
    refused = await till.post("/v1/shifts", json={**NAME, **told, **more})
    assert problem(refused) == (422, "invalid-request")


async def test_a_till_closes_its_own_shifts_and_asks_for_its_own(till: httpx.AsyncClient) -> None:
    told = {"count": 0, "total": 0, "returns_total": 0, "first_sequence": 1, "last_sequence": 3}
    strange = await till.post("/v1/shifts", json={**NAME, **told, "till": "4"})
    assert problem(strange) == (403, "forbidden")
    other = await till.get("/v1/shifts", params={**NAME, "till": "4"})
    assert problem(other) == (403, "forbidden")
    assert problem(await till.get("/v1/shifts", params=NAME)) == (404, "unknown-shift")


async def test_the_longest_shift_is_answered(till: httpx.AsyncClient) -> None:
    answer = await close(till, 0, 0, last_sequence=100_000)
    assert kinds(answer) == {"missing": (0, 100_000)}
    assert len(answer.json()["missing_sequences"]) == 100_000


@pytest.mark.parametrize(
    "change",
    [
        "answer = convert_to(replace(convert_from(answer, 'UTF8'), '[]', '[1]'), 'UTF8')",
        "request = request || ' '", "digest = sha256('')", "till = '4'", "shift = '2'", "shard = 1",
    ],
)  # fmt: skip
async def test_a_changed_shift_is_refused_by_the_database_and_found_by_verification(
    till: httpx.AsyncClient, owner: Address, change: str
) -> None:
    await close(till, 0, 0)
    connection = await asyncpg.connect(**owner.arguments())
    before = await connection.fetchrow("SELECT * FROM shift")
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await connection.execute(f"UPDATE shift SET {change}")
    await connection.execute("ALTER TABLE shift DISABLE TRIGGER append_only")
    await connection.execute("ALTER TABLE shift DROP CONSTRAINT shift_check")
    await connection.execute(f"UPDATE shift SET {change}")
    found = await asyncio.to_thread(asyncio.run, faults(owner))
    assert [line.partition(" ")[0] for line in found] == ["shift"]
    assert before is not None
    await connection.execute("DELETE FROM shift")
    await connection.close()


async def test_returns_that_a_till_counts_apart_hide_no_missing_sale(
    till: httpx.AsyncClient,
) -> None:
    for sequence in (1, 3):
        await sell(till, sequence)
    await bring_back(till, 1, key(1))
    await bring_back(till, 2, None)
    found = await close(till, 3, 77_700, returns_total=51_800)
    assert kinds(found) == {"count": (2, 3), "total": (51_800, 77_700), "missing": (2, 3)}
    assert found.json()["missing_sequences"] == [2]
