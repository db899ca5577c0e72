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
