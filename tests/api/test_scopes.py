"""A key acts for its own store and till alone, at every endpoint; and no address is without a row in the table of roles."""

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Route
from test_access import MAY, described

import make
from conftest import ClientFor
from tills import key, return_body

HIDDEN = {"/docs", "/docs/assets/{name}", "/openapi.json"}
"""Public, and not part of the interface that they describe."""


def test_no_address_is_served_that_the_table_of_roles_does_not_name(app: FastAPI) -> None:
    served = {
        f"{method} {route.path_format}"
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
        if route.path_format not in HIDDEN
    }
    assert served == described(app) == set(MAY)


def till_body(path: str, store: str, till: str) -> Any:
    """A request that names a till, for each endpoint of tills."""
    named = {"store": store, "till": till}
    hold = {"card": make.CARD, "points": 1, **named}
    shift = {
        "shift": "1", "business_day": "2026-11-22", "count": 0, "total": 0, "returns_total": 0,
        "first_sequence": 1, "last_sequence": 1, **named,
    }  # fmt: skip
    bodies = {
        "/v1/checkouts": make.checkout_body(**named),
        "/v1/quotes": make.checkout_body(**named),
        "/v1/voids": key(1, **named),
        "/v1/returns": {**return_body(1, None), **named},
        "/v1/holds": hold,
        "/v1/shifts": shift,
    }
    return bodies[path]


TILLS = ("/v1/checkouts", "/v1/quotes", "/v1/voids", "/v1/returns", "/v1/holds", "/v1/shifts")
ELSEWHERE = [("s", "2"), ("other", "1"), ("other", "2")]


@pytest.mark.parametrize("path", TILLS)
async def test_a_till_speaks_for_no_other_till(client_for: ClientFor, path: str) -> None:
    till = await client_for("till", store="s", till="1")
    for store, other in ELSEWHERE:
        refused = await till.post(path, json=till_body(path, store, other))
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")
    own = await till.post(path, json=till_body(path, "s", "1"))
    assert own.status_code != 403, own.text


async def test_a_till_sends_and_reads_nothing_of_another_till(client_for: ClientFor) -> None:
    till = await client_for("till", store="s", till="1")
    for store, other in ELSEWHERE:
        items = [
            {"checkout": make.checkout_body(store=store, till=other)},
            {"void": key(1, store, other)},
            {"return": {**return_body(1, None), "store": store, "till": other}},
        ]
        answers = (await till.post("/v1/checkouts:batch", json=items)).json()["results"]
        assert [one["status"] for one in answers] == [403] * 3
        for path in ("/v1/checkouts", "/v1/voids", "/v1/returns"):
            where: dict[str, Any] = key(1, store, other)
            assert (await till.get(path, params=where)).status_code == 403
        shift = {"store": store, "till": other, "business_day": "2026-11-22", "shift": "1"}
        assert (await till.get("/v1/shifts", params=shift)).status_code == 403


async def test_what_another_till_has_recorded_is_not_read_or_undone_by_its_id(
    client_for: ClientFor,
) -> None:
    office = await client_for("admin")
    for path, document in (
        ("parties/retail-nsk", {"kind": "retailer", "name": "Ритейл"}),
        ("programmes/club", make.PROGRAMME),
        ("stores/nsk-07", {"retailer": "retail-nsk", "time_zone": "Asia/Novosibirsk"}),
        ("stores/nsk-08", {"retailer": "retail-nsk", "time_zone": "Asia/Novosibirsk"}),
    ):
        assert (await office.put(f"/v1/{path}", json=document)).status_code == 201
    sold = (await office.post("/v1/checkouts", json=make.checkout_body())).json()["checkout"]
    own = await client_for("till", store="nsk-07", till="3")
    assert (await own.get(f"/v1/checkouts/{sold}")).status_code == 200
    for scope in ({"store": "nsk-07", "till": "4"}, {"store": "nsk-08", "till": "3"}):
        other = await client_for("till", **scope)
        assert (await other.get(f"/v1/checkouts/{sold}")).status_code == 403
        assert (await other.post(f"/v1/checkouts/{sold}/void")).status_code == 403
    void = (await own.post(f"/v1/checkouts/{sold}/void")).json()["void"]
    assert (await (await client_for("till", store="nsk-08", till="3")).get(f"/v1/voids/{void}")).status_code == 403  # fmt: skip


async def test_a_kiosk_gives_for_its_own_store_alone(client_for: ClientFor) -> None:
    kiosk = await client_for("kiosk", store="s")
    body = {"card": "1", "points": 1, "campaign": "c", "store": "other"}
    refused = await kiosk.post("/v1/gifts", json=body, headers={"Idempotency-Key": "1"})
    assert refused.status_code == 403
