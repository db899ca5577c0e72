"""Whatever bytes are sent to whatever endpoint takes a body: a problem document, nothing recorded, and service as before.

What endpoints there are is taken from the published description, so that a new one is tried, too.
"""

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

import hostile
import make
from lepta.db import Address
from reversing import rows
from shops import open_shop
from tills import key, publish, return_body, sell

DESCRIPTION = json.loads((Path(__file__).parents[2] / "openapi" / "lepta.json").read_text())
Endpoint = tuple[str, str]
"""Path and method."""
PROBLEM = "application/problem+json"
ENDPOINTS = sorted(
    (path, method)
    for path, item in DESCRIPTION["paths"].items()
    for method, operation in item.items()
    if "requestBody" in operation
)
MAY_BE_EMPTY = {
    (path, method)
    for path, method in ENDPOINTS
    if not DESCRIPTION["paths"][path][method]["requestBody"].get("required")
}
OWN_POINTS: dict[str, Any] = {
    "campaign": "own-points", "programme": "club", "kind": "donation",
    "effect": {
        "give": {"points": 2, "money_rate": "0.10"}, "from": "shopper-points",
        "to": {"choice": ["forest-animals", "children"], "default": "children"},
    },
    "funding": [{"party": "retail-nsk", "share": "1"}],
}  # fmt: skip
SHIFT: dict[str, Any] = {
    "store": "nsk-07", "till": "3", "business_day": "2026-11-22", "shift": 1, "count": 1, "total": 25_900,
    "returns_total": 0, "first_sequence": 1, "last_sequence": 1,
}  # fmt: skip
BODIES: dict[str, Any] = {
    "post /v1/adjustments": {"card": make.CARD, "points": 5, "reason": "жалоба", "party": "retail-nsk"},
    "post /v1/transfers": {"card": make.CARD, "to": "2900000000025", "points": 1, "reason": "семья"},
    "put /v1/campaigns/{campaign}": make.ROUND_UP,
    "put /v1/cards/{card}/choice": {"campaign": "own-points", "beneficiary": "forest-animals"},
    "post /v1/checkouts": make.checkout_body(
        sequence=50, redeem={"points": 1}, gifts=[{"offer": "x", "accepted": True, "amount": 5}],
        fiscal={"fn": "9999078900004312", "i": 1234, "fp": "2926563744"},
        lines=[make.line(name={"ru": "Пельмени"}, brand="Охотничьи", unit_price=25_900, categories=["frozen"], kind="goods")],
    ),
    "post /v1/checkouts:batch": [{"checkout": make.checkout_body(sequence=60)}],
    "post /v1/quotes": make.checkout_body(),
    "post /v1/gifts": {"card": make.CARD, "campaign": "own-points", "points": 2, "store": "nsk-07"},
    "post /v1/claims": {"checkout": "0" * 24, "card": make.CARD},
    "post /v1/members/{member}/merge": {"into": "pyotr"},
    "post /v1/holds": {"card": make.CARD, "points": 1, "ttl_s": 900, "store": "nsk-07", "till": "3"},
    "post /v1/keys": {"role": "till", "store": "nsk-07", "till": "3"},
    "put /v1/members/{member}": {
        "first_name": "Анна", "last_name": "Смирнова", "gender": "female", "language": "en", "phone": "+79130000000",
        "email": "anna@example.com", "birthday": "1990-02-28", "tier": "gold", "segments": ["students"],
        "cards": ["2900000000032"],
    },
    "put /v1/parties/{party}": {"kind": "charity", "name": {"ru": {"nominative": "Фонд"}, "en": "The Fund"}},
    "put /v1/products/{sku}": {"name": {"ru": "Пельмени", "en": "Dumplings"}, "categories": ["frozen"], "brand": "Own"},
    "put /v1/programmes/{programme}": {"name": "Second", "currency": "RUB", "points_scale": 0, "point_value": "0.10"},
    "put /v1/stores/{store}": {"retailer": "retail-nsk", "time_zone": "Europe/Moscow", "name": "Магазин", "programme": "club"},
    "post /v1/returns": return_body(70, key(1)),
    "post /v1/shifts": SHIFT,
    "post /v1/simulations": {"campaigns": [{**OWN_POINTS, "campaign": "x"}], "from": "2026-11-20", "to": "2026-11-22"},
    "post /v1/voids": key(80),
}  # fmt: skip
"""A body that each takes. One that is not here yet is tried with what is no body of any."""

REFUSED = {413, 415, 422}
ENDS = {
    "campaign": "round-up", "card": make.CARD, "member": "anna", "party": "the-fund", "programme": "second",
    "sku": "4600000000022", "store": "msk-1",
}  # fmt: skip

one_server = pytest.mark.parametrize("server", ["embedded"], indirect=True, scope="session")
"""One server will do: what is refused here reaches no database."""


@dataclass
class Office:
    """Somebody who may do everything, in the founding shop with a sale and a hold."""

    client: httpx.AsyncClient
    owner: Address
    ends: dict[str, str]
    sent: int = 0

    async def send(self, endpoint: Endpoint, body: bytes, kind: str = "application/json") -> httpx.Response:  # fmt: skip
        path, method = endpoint
        self.sent += 1
        ends = {name: self.ends.get(name, "x") for name in re.findall(r"{(.*?)}", path)}
        if path.endswith("/publish"):
            ends["campaign"] = "own-points"
        if path.endswith("/merge"):
            ends["member"] = "vera"
        headers = {"Content-Type": kind, "Idempotency-Key": f"k-{self.sent}"}
        return await self.client.request(method, path.format(**ends), content=body, headers=headers)

    async def recorded(self) -> list[tuple[Any, ...]]:
        """How much there is in the log, and how often office records have changed."""
        counts = "SELECT (SELECT sum(size) FROM log_head), (SELECT sum(version) FROM office_version), (SELECT count(*) FROM api_key)"
        return await rows(self.owner, counts)


@pytest.fixture
async def office(owner: Address, admin: httpx.AsyncClient) -> Office:
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    family = {"first_name": "Вера", "cards": ["2900000000025"]}
    children = {"kind": "charity", "name": "Дети"}
    assert (await admin.put("/v1/members/vera", json=family)).status_code == 201
    assert (await admin.put("/v1/parties/children", json=children)).status_code == 201
    await publish(admin, OWN_POINTS)
    sale = (await sell(admin, 1)).json()
    held = await admin.post("/v1/holds", json=BODIES["post /v1/holds"])
    ends = {"checkout": sale["checkout"], "hold": held.json()["hold"]}
    return Office(admin, owner, {**ENDS, **ends})


def is_refused(answer: httpx.Response) -> bool:
    """Whether a problem document says that the body is none; of a file of a till: of each item in it."""
    if answer.status_code == 200 and "results" in answer.text:
        return {each["status"] for each in answer.json()["results"]} <= REFUSED
    return answer.status_code in REFUSED and answer.headers["content-type"] == PROBLEM


def body_of(endpoint: Endpoint) -> Any:
    path, method = endpoint
    return BODIES.get(f"{method} {path}", {})


@one_server
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=" ".join)
async def test_what_is_no_json_is_refused_and_changes_nothing(
    office: Office, endpoint: Endpoint
) -> None:
    before = await office.recorded()
    for body in (*hostile.MALFORMED.values(), *hostile.mangled(body_of(endpoint))):
        if body.strip() or endpoint not in MAY_BE_EMPTY:
            answer = await office.send(endpoint, body)
            assert is_refused(answer), (body[:200], answer.text)
    for kind in ("text/plain", "application/xml", "", "application/jsonp", "multipart/form-data"):
        answer = await office.send(endpoint, b"{}", kind)
        assert (answer.status_code, answer.headers["content-type"]) == (415, PROBLEM)
    assert await office.recorded() == before
    # The same body in another spelling is the same.
    meant = await office.send(endpoint, hostile.spelled(body_of(endpoint)))
    wanted = {404} if endpoint[0] == "/v1/claims" else {200, 201}  # nobody bought without a card
    assert meant.status_code in wanted or not body_of(endpoint), meant.text
    assert (await office.client.get("/readyz")).status_code == 200


@one_server
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=" ".join)
async def test_json_that_nobody_means_is_refused_or_means_what_it_says(
    office: Office, endpoint: Endpoint
) -> None:
    # What a back-test takes it runs in processes of its own; its campaigns are tried where they are saved.
    unmeant = list(hostile.unmeant(body_of(endpoint)))[:: 9 if "simulations" in endpoint[0] else 1]
    for body in (*hostile.ODD.values(), *unmeant):
        answer = await office.send(endpoint, body)
        assert answer.status_code < 500, (body[:200], answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == PROBLEM
    assert (await office.client.get("/readyz")).status_code == 200


def test_each_endpoint_that_asks_for_a_body_has_one_here() -> None:
    needed = {
        f"{method} {path}" for path, method in ENDPOINTS if (path, method) not in MAY_BE_EMPTY
    }
    assert needed <= set(BODIES), needed - set(BODIES)
