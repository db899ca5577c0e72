"""A party keeps its kind once something counts on it."""

from typing import Any

import pytest
from httpx import AsyncClient

import make
from lepta.db import Address

WRONG = {"retail-nsk": "agency", "hunter-foods": "charity", "forest-animals": "agency"}


async def change(admin: AsyncClient, party: str, kind: str, name: str = "x") -> Any:
    document = {"kind": kind, "name": name}
    return await admin.put(f"/v1/parties/{party}", json=document, headers={"If-Match": "*"})


def reason(answer: Any) -> str:
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["path"] == "kind"
    return str(error["reason"])


async def test_a_party_that_the_ledger_owes_or_is_owed_by_keeps_its_kind_and_may_change_its_name(
    shop: Address, admin: AsyncClient
) -> None:
    assert (await change(admin, "hunter-foods", "agency")).status_code == 200
    assert (await change(admin, "hunter-foods", "supplier")).status_code == 200
    assert (await admin.post("/v1/checkouts", json=make.checkout_body())).status_code == 201
    for party in ("hunter-foods", "forest-animals"):
        assert "the ledger has accounts of it" in reason(await change(admin, party, WRONG[party]))
    assert "store nsk-07 names it" in reason(await change(admin, "retail-nsk", "agency"))
    assert (await change(admin, "forest-animals", "charity", "y")).status_code == 200


@pytest.mark.parametrize("party", ["hunter-foods", "forest-animals"])
async def test_a_party_that_a_published_campaign_names_keeps_its_kind(
    shop: Address, admin: AsyncClient, party: str
) -> None:
    hunter = make.HUNTER | {"campaign": "again"}
    assert (await admin.put("/v1/campaigns/again", json=hunter)).status_code == 201
    assert (await change(admin, party, WRONG[party])).status_code == 200
    assert (await admin.post("/v1/campaigns/again/publish")).status_code == 422
    kind = {"hunter-foods": "supplier", "forest-animals": "charity"}[party]
    assert (await change(admin, party, kind)).status_code == 200
    assert (await admin.post("/v1/campaigns/again/publish")).status_code == 200
    assert "campaign again names it" in reason(await change(admin, party, WRONG[party]))


async def test_a_fund_closes_on_a_day_and_a_supplier_does_not(
    shop: Address, admin: AsyncClient
) -> None:
    said = {"kind": "charity", "name": "x", "closed_on": "2026-12-31"}
    put = await admin.put("/v1/parties/children", json=said)
    assert (put.status_code, put.json()) == (201, said)
    got = await admin.get("/v1/parties/children")
    assert got.json() == said
    supplier = await admin.put("/v1/parties/dairy", json={**said, "kind": "supplier"})
    assert supplier.status_code == 422
    [error] = supplier.json()["errors"]
    assert error["path"] == "closed_on"
    open_again = {"kind": "charity", "name": "x"}
    etag = {"If-Match": put.headers["ETag"]}
    again = await admin.put("/v1/parties/children", json=open_again, headers=etag)
    assert again.json() == {**open_again, "closed_on": None}
