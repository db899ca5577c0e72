"""`POST /v1/simulations`."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient

import make
from conftest import ClientFor
from lepta.db import Address
from lepta.runtime import Runtime
from lepta.settings import Settings

DRAFT: dict[str, Any] = {
    "campaign": "dumplings", "programme": "club", "kind": "bonus", "what": {"skus": [make.HUNTER_SKU]},
    "effect": {"earn": {"points": 30}, "per": "unit"}, "limits": {"units": 3},
}  # fmt: skip
ASKED: dict[str, Any] = {"campaigns": [DRAFT], "from": "2026-11-01", "to": "2026-11-30"}


@pytest.fixture
async def office(shop: Address, client_for: ClientFor) -> AsyncClient:
    """An office, after a till has sold five packs."""
    till = await client_for("till", store="nsk-07", till="3")
    for sequence in range(1, 6):
        body = make.checkout_body(sequence=sequence)
        assert (await till.post("/v1/checkouts", json=body)).status_code == 201
    return await client_for("office")


async def test_a_draft_is_tried_on_what_was_sold(office: AsyncClient) -> None:
    answer = await office.post("/v1/simulations", json=ASKED)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    [told] = said["campaigns"]
    assert (said["from"], said["to"]) == ("2026-11-01", "2026-11-30")
    assert said["receipts"] == {"looked_at": 5, "touched": 3, "unknown": 0}
    assert (said["members"], told["points"], told["members"]) == (1, 90, 1)
    assert told["cost"] == 90 * 10
    assert told["products"] == [{"sku": make.HUNTER_SKU, "receipts": 3, "points": 90, "money": 0}]
    assert told["days"] == [{"day": "2026-11-22", "receipts": 3, "points": 90, "money": 0}]
    assert told["limits"] == [
        {
            "limit": "units", "party": None, "of": "applications", "cap": 3, "used": 3, "left": 0,
            "days_left": 0, "exhausted_on": "2026-11-22",
        }
    ]  # fmt: skip
    assert told["why"] == [
        {"code": "units", "fired": True, "receipts": 3},
        {"code": "units-exhausted", "fired": False, "receipts": 2},
    ]
    unknown = await office.get("/v1/campaigns/dumplings")
    assert unknown.status_code == 404


async def test_faults_are_those_of_saving_with_their_campaign(office: AsyncClient) -> None:
    wrong = {**ASKED, "campaigns": [DRAFT, {**DRAFT, "campaign": "b", "kind": "gift"}]}
    answer = await office.post("/v1/simulations", json=wrong)
    assert answer.status_code == 422
    assert [e["path"] for e in answer.json()["errors"]] == ["campaigns.1.kind"]
    empty = await office.post("/v1/simulations", json={**ASKED, "to": "2026-10-31"})
    assert [e["path"] for e in empty.json()["errors"]] == ["to"]
    none = await office.post("/v1/simulations", json={**ASKED, "to": "2026-11-02"})
    assert (none.status_code, none.json()["type"]) == (422, "/problems/no-receipts")


async def test_the_span_may_be_the_whole_calendar(office: AsyncClient) -> None:
    answer = await office.post("/v1/simulations", json={**ASKED, "from": "0001-01-01", "to": "9999-12-31"})  # fmt: skip
    assert answer.json()["receipts"] == {"looked_at": 5, "touched": 3, "unknown": 0}
    assert answer.json()["campaigns"][0]["limits"][0]["exhausted_on"] == "2026-11-22"


async def test_one_runs_at_a_time_and_tills_go_on(office: AsyncClient) -> None:
    first, second, sold = await asyncio.gather(
        office.post("/v1/simulations", json=ASKED),
        office.post("/v1/simulations", json=ASKED),
        office.post("/v1/checkouts", json=make.checkout_body(sequence=6)),
    )
    assert sorted([first.status_code, second.status_code]) == [200, 503]
    refused = first if first.status_code == 503 else second
    assert refused.json()["type"] == "/problems/simulation-busy"
    assert refused.headers["Retry-After"] == "5"
    assert sold.status_code == 201
    assert (await office.post("/v1/simulations", json=ASKED)).status_code == 200


class TestWithLittleTime:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"simulation_limit_s": 0.05})

    async def test_it_is_given_up_and_the_next_one_is_not_refused(
        self, office: AsyncClient, running: Runtime
    ) -> None:
        for _ in range(2):
            answer = await office.post("/v1/simulations", json=ASKED)
            assert (answer.status_code, answer.json()["type"]) == (
                422,
                "/problems/simulation-too-long",
            )
