"""Who may do what: every endpoint against every role, from the published description itself."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from conftest import ClientFor
from lepta.http.auth import ROLES
from lepta.keys.service import BOUND_TO, KeyRing, create, revoke
from lepta.runtime import Runtime

SCOPE = {"store": "s", "till": "t", "party": "p"}
EVERYBODY = {None, *ROLES}
ADMIN = {"admin"}
OFFICE = {"office", "admin"}
TILL = {"till", *OFFICE}
KIOSK = {"kiosk", *OFFICE}
CARDS = TILL | KIOSK
LOG = {"centre", "auditor", "admin"}
SETTLEMENT = {"centre", "admin"}

# Written down from the contract by hand, to be compared with what the service does.
MAY: dict[str, set[Any]] = {
    "GET /healthz": EVERYBODY,
    "GET /readyz": EVERYBODY,
    "GET /metrics": EVERYBODY,
    "GET /problems": EVERYBODY,
    "GET /problems/{slug}": EVERYBODY,
    "GET /log/checkpoint": EVERYBODY,
    "GET /log/vkey": EVERYBODY,
    "GET /log/tile/{path}": EVERYBODY,
    "GET /v1/funds/{fund}": EVERYBODY,
    "GET /v1/campaigns/{campaign}/standing": EVERYBODY,
    "GET /v1/log/proof": LOG,
    "GET /v1/cards/{card}": CARDS,
    "GET /v1/cards/{card}/history": CARDS,
    "POST /v1/checkouts": TILL,
    "GET /v1/checkouts": TILL,
    "GET /v1/checkouts/{checkout}": TILL,
    "POST /v1/checkouts/{checkout}/void": TILL,
    "POST /v1/checkouts:batch": TILL,
    "POST /v1/quotes": TILL,
    "POST /v1/holds": TILL,
    "POST /v1/holds/{hold}/release": TILL,
    "POST /v1/voids": TILL,
    "GET /v1/voids": TILL,
    "GET /v1/voids/{void}": TILL,
    "POST /v1/returns": TILL,
    "GET /v1/returns": TILL,
    "GET /v1/returns/{return}": TILL,
    "GET /v1/exceptions": {"auditor", *OFFICE},
    "GET /v1/suspicions": {"auditor", *OFFICE},
    "POST /v1/shifts": TILL,
    "GET /v1/shifts": TILL,
    "POST /v1/gifts": KIOSK,
    "PUT /v1/cards/{card}/choice": KIOSK,
    "GET /v1/statements/{party}": {"centre", "auditor", "admin"},
    "POST /v1/reconciliations": SETTLEMENT,
    "GET /v1/reconciliations/{reconciliation}": SETTLEMENT,
    "POST /v1/settlements": SETTLEMENT,
    "GET /v1/settlements/{settlement}": SETTLEMENT,
    "POST /v1/simulations": OFFICE,
    "POST /v1/claims": OFFICE,
    "GET /v1/claims/{claim}": OFFICE,
    "POST /v1/adjustments": OFFICE,
    "GET /v1/adjustments/{adjustment}": OFFICE,
    "POST /v1/transfers": OFFICE,
    "GET /v1/transfers/{transfer}": OFFICE,
    "POST /v1/members/{member}/merge": OFFICE,
    "DELETE /v1/members/{member}": OFFICE,
    "GET /v1/members/{member}/history": OFFICE,
    **{f"{method} /v1/parties/{{party}}": OFFICE for method in ("GET", "PUT")},
    **{f"{method} /v1/stores/{{store}}": OFFICE for method in ("GET", "PUT")},
    **{f"{method} /v1/products/{{sku}}": OFFICE for method in ("GET", "PUT")},
    **{f"{method} /v1/members/{{member}}": OFFICE for method in ("GET", "PUT")},
    **{f"{method} /v1/programmes/{{programme}}": OFFICE for method in ("GET", "PUT")},
    **{f"{method} /v1/campaigns/{{campaign}}": OFFICE for method in ("GET", "PUT")},
    "POST /v1/campaigns/{campaign}/publish": OFFICE,
    "POST /v1/campaigns/{campaign}/pause": OFFICE,
    "POST /v1/campaigns/{campaign}/end": OFFICE,
    "GET /v1/campaigns/{campaign}/state": OFFICE,
    "GET /v1/campaigns": OFFICE,
    "POST /v1/keys": ADMIN,
    "GET /v1/keys": ADMIN,
    "DELETE /v1/keys/{key}": ADMIN,
}

KEY = "?store=s&till=t&business_day=2026-11-22&sequence=1"
QUERY = {f"GET /v1/{events}": KEY for events in ("checkouts", "voids", "returns")}
QUERY["GET /v1/shifts"] = "?store=s&till=t&business_day=2026-11-22&shift=1"


def described(app: FastAPI) -> set[str]:
    return {
        f"{method.upper()} {path}"
        for path, item in app.openapi()["paths"].items()
        for method in item
    }


async def clients(client_for: ClientFor) -> dict[str | None, AsyncClient]:
    found: dict[str | None, AsyncClient] = {None: await client_for()}
    for role in ROLES:
        found[role] = await client_for(
            role, **{name: SCOPE[name] for name in BOUND_TO.get(role, ())}
        )
    return found


async def test_every_endpoint_lets_in_exactly_the_roles_of_the_contract(
    app: FastAPI, client_for: ClientFor
) -> None:
    assert described(app) == set(MAY)
    everyone = await clients(client_for)
    for endpoint, roles in MAY.items():
        method, path = endpoint.split(" ")
        address = re.sub(r"\{\w+\}", "x", path) + QUERY.get(endpoint, "")
        for role, client in everyone.items():
            status = (await client.request(method, address)).status_code
            refused = 401 if role is None else 403
            assert (status == refused) == (role not in roles), (endpoint, role, status)
            assert status < 500, (endpoint, role, status)


async def test_leaves_are_for_centres_and_auditors(client_for: ClientFor) -> None:
    for role, client in (await clients(client_for)).items():
        status = (await client.get("/log/tile/entries/000.p/1")).status_code
        assert status == (404 if role in LOG else 401 if role is None else 403), role


@pytest.mark.parametrize(
    "header",
    [
        "", "Bearer", "Bearer ", "Bearer lepta_admin", "Bearer lepta_admin_x_y", "Basic YTpi", "Bearer ü",
        "Bearer lepta_admin__", "Bearer " + "x" * 5000,
    ],
)  # fmt: skip
async def test_no_or_wrong_key_is_401(client_for: ClientFor, header: str) -> None:
    client = await client_for()
    answer = await client.get(
        "/v1/parties/x", headers=[(b"Authorization", header.encode("latin-1"))]
    )
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_key_works_only_whole_and_in_its_role(
    running: Runtime, client_for: ClientFor
) -> None:
    made = await create(running.database, "office")
    client = await client_for()
    for token in (
        made.token[:-1],
        made.token + "a",
        made.token.replace("office", "admin"),
        made.token.upper(),
    ):
        answer = await client.get("/v1/parties/x", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, token
    answer = await client.get("/v1/parties/x", headers={"Authorization": f"bearer  {made.token}"})
    assert answer.status_code == 404


async def test_a_revoked_key_is_refused_within_two_seconds(running: Runtime) -> None:
    now_s = 100.0
    ring = KeyRing(running.database, lambda: now_s)
    kept, lost = await create(running.database, "admin"), await create(running.database, "admin")
    assert await ring.verify(kept.token) == kept.key
    assert await ring.verify(lost.token) == lost.key
    await revoke(running.database, lost.key.id)
    assert await ring.verify(lost.token) == lost.key
    now_s += 2.1
    assert await ring.verify(lost.token) is None
    assert await ring.verify(kept.token) == kept.key
    await ring.close()


async def test_keys_are_made_listed_and_revoked_over_http(
    admin: AsyncClient, client_for: ClientFor
) -> None:
    made = (await admin.post("/v1/keys", json={"role": "till", "store": "s", "till": "3"})).json()
    assert re.fullmatch(rf"lepta_till_{made['id']}_[a-z2-7]{{32}}", made["key"])
    listed = (await admin.get("/v1/keys")).json()["items"]
    assert [key["role"] for key in listed] == ["admin", "till"]
    assert made["key"].rpartition("_")[2] not in (await admin.get("/v1/keys")).text
    assert (await admin.delete(f"/v1/keys/{made['id']}")).status_code == 204
    assert (await admin.delete(f"/v1/keys/{made['id']}")).status_code == 204
    assert (await admin.delete("/v1/keys/nokey")).status_code == 404
    client = await client_for()
    answer = await client.get("/v1/checkouts/x", headers={"Authorization": f"Bearer {made['key']}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "body, places",
    [
        ({"role": "till", "store": "s"}, ["till"]),
        ({"role": "admin", "store": "s"}, ["store"]),
        ({"role": "centre"}, ["party"]),
        ({"role": "king"}, ["role"]),
        ({}, ["role"]),
    ],
)
async def test_a_key_names_exactly_what_its_role_is_bound_to(
    admin: AsyncClient, body: dict[str, str], places: list[str]
) -> None:
    answer = await admin.post("/v1/keys", json=body)
    assert [error["path"] for error in answer.json()["errors"]] == places


async def test_a_till_acts_for_itself_alone(client_for: ClientFor) -> None:
    till = await client_for("till", store="s", till="1")
    where: dict[str, str | int] = {
        "store": "s",
        "till": "2",
        "business_day": "2026-11-22",
        "sequence": 1,
    }
    assert (await till.get("/v1/checkouts", params=where)).status_code == 403
    assert (await till.get("/v1/checkouts", params={**where, "till": "1"})).status_code == 404
