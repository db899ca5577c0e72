"""Why campaigns gave something or not, read again: the same sentences for ever, from what was stored."""

from typing import Any

from httpx import AsyncClient

import make
from conftest import ClientFor
from lepta.db import Address
from shops import publish

BY_KEY: dict[str, Any] = {
    "store": "nsk-07",
    "till": "3",
    "business_day": "2026-11-22",
    "sequence": 1187,
}


async def till_of(client_for: ClientFor) -> AsyncClient:
    return await client_for("till", store="nsk-07", till="3")


async def test_a_stored_sale_is_explained_as_it_was_at_the_till(
    shop: Address, client_for: ClientFor
) -> None:
    till = await till_of(client_for)
    lines = [make.line(quantity="7", amount=7 * 25_900)]
    said = (await till.post("/v1/checkouts", json=make.checkout_body(lines=lines))).json()
    assert [(why["campaign"], why["fired"]) for why in said["explain"]] == [
        ("base", True), ("hunter-forest", True),
    ]  # fmt: skip
    assert "as far as the limits allow" in said["explain"][1]["because"]
    later = {**make.HUNTER, "campaign": "a-later-one", "title": {"en": "Later"}}
    await publish(shop, make.change(later))
    by_id, by_key = f"/v1/checkouts/{said['checkout']}", "/v1/checkouts"
    for again in (await till.get(by_id), await till.get(by_key, params=BY_KEY)):
        assert (again.status_code, again.json()["explain"]) == (200, said["explain"])


async def test_an_explanation_is_left_out_where_it_is_not_wanted(
    shop: Address, client_for: ClientFor
) -> None:
    till = await till_of(client_for)
    said = (await till.post("/v1/checkouts", json=make.checkout_body())).json()
    by_id = f"/v1/checkouts/{said['checkout']}"
    assert (await till.get(by_id, params={"explain": "true"})).json()["explain"] == said["explain"]
    paths: list[tuple[str, dict[str, Any]]] = [(by_id, {}), ("/v1/checkouts", BY_KEY)]
    for path, key in paths:
        without = (await till.get(path, params={**key, "explain": "false"})).json()
        assert "explain" not in without
        assert without["receipt"] == said["receipt"]
        wrong = await till.get(path, params={**key, "explain": "perhaps"})
        assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "explain")
