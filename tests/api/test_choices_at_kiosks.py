"""Choices made once at a kiosk, and what later sales make of them. Every ledger is verified and decided again."""

import asyncio
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from reversing import rows
from shops import open_shop
from tills import problem, sell, void

SCHOOLS: dict[str, Any] = {
    "campaign": "playground", "programme": "club", "kind": "donation",
    "effect": {
        "give": {"rate": "0.01"}, "per": "amount",
        "to": {"choice": ["school-17", "school-18", "school-19"], "default": "school-19"},
    },
    "funding": [{"party": "retail-nsk", "share": "1"}],
}  # fmt: skip
POINTS: dict[str, Any] = {
    "campaign": "points-for-schools", "programme": "club", "kind": "donation",
    "effect": {
        "give": {"points": 10, "money_rate": "0.10"}, "from": "shopper-points",
        "to": {"choice": ["school-17", "school-18"], "default": "school-17"},
    },
}  # fmt: skip
PATH = f"/v1/cards/{make.CARD}/choice"


async def publish(office: httpx.AsyncClient, document: dict[str, Any]) -> None:
    address = f"/v1/campaigns/{document['campaign']}"
    stored = await office.get(address)
    match = {"If-Match": stored.headers["ETag"]} if stored.status_code == 200 else {}
    saved = await office.put(address, json=document, headers=match)
    assert saved.status_code in {200, 201}, saved.text
    published = await office.post(f"{address}/publish")
    assert published.status_code == 200, published.text


@pytest.fixture
async def office(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop with three schools and a campaign in which shoppers choose one."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    names = ", ".join(f"('school-{n}', 'beneficiary', '\"{n}\"')" for n in (17, 18, 19))
    await rows(owner, f"INSERT INTO party (id, kind, name) VALUES {names}")
    office = await client_for("office")
    await publish(office, SCHOOLS)
    return office


@pytest.fixture
async def kiosk(office: httpx.AsyncClient, client_for: ClientFor) -> httpx.AsyncClient:
    return await client_for("kiosk", store="nsk-07")


async def choose(
    kiosk: httpx.AsyncClient, beneficiary: str | None, campaign: str = "playground"
) -> httpx.Response:
    return await kiosk.put(PATH, json={"campaign": campaign, "beneficiary": beneficiary})


async def given(office: httpx.AsyncClient, sequence: int, **sale: Any) -> tuple[list[str], Any]:
    """To whom the playground's money of a sale goes, and its flags."""
    answer = await sell(office, sequence, **sale)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    funds = [d["fund"] for d in told["donations"] if d["campaign"] == "playground"]
    return funds, told["flags"]


def without_clock(flags: list[str]) -> list[str]:
    return [flag for flag in flags if flag not in {"clock", "late"}]


async def test_later_sales_follow_the_choice_unless_they_make_their_own(
    office: httpx.AsyncClient, kiosk: httpx.AsyncClient
) -> None:
    assert (await given(office, 1))[0] == ["school-19"]
    for _ in range(2):
        answer = await choose(kiosk, "school-18")
        assert (answer.status_code, answer.json()) == (
            200,
            {"card": make.CARD, "campaign": "playground", "beneficiary": "school-18"},
        )
    assert (await given(office, 2))[0] == ["school-18"]
    own = {"choice": {"campaign": "playground", "beneficiary": "school-17"}}
    assert (await given(office, 3, **own))[0] == ["school-17"]
    assert (await given(office, 4, card=None))[0] == ["school-19"]
    card = (await kiosk.get(f"/v1/cards/{make.CARD}")).json()
    assert card["choices"] == [{"campaign": "playground", "beneficiary": "school-18"}]
    standing = (await kiosk.get("/v1/campaigns/playground/standing")).json()["beneficiaries"]
    assert {row["beneficiary"]: row["money"] for row in standing} == {
        "school-17": 259, "school-18": 259, "school-19": 518,
    }  # fmt: skip
    assert (await choose(kiosk, None)).status_code == 200
    assert (await given(office, 5))[0] == ["school-19"]
    assert (await kiosk.get(f"/v1/cards/{make.CARD}")).json()["choices"] == []


async def test_a_choice_that_is_not_offered_any_more_goes_to_the_default_and_is_flagged(
    office: httpx.AsyncClient, kiosk: httpx.AsyncClient
) -> None:
    await choose(kiosk, "school-18")
    effect = {**SCHOOLS["effect"], "to": {"choice": ["school-17"], "default": "school-17"}}
    await publish(office, {**SCHOOLS, "effect": effect})
    late = "2099-01-01T00:00:00Z"  # the new version is in force by then
    funds, flags = await given(office, 1, occurred_at=late, business_day="2099-01-01")
    assert (funds, without_clock(flags)) == (["school-17"], ["unknown-choice"])
    # What was sold before keeps the choice of its time.
    assert await given(office, 2, occurred_at="2026-01-01T00:00:00Z", business_day="2026-01-01")
    assert problem(await choose(kiosk, "school-18")) == (422, "choice-not-offered")


async def test_another_choice_of_the_sale_that_is_unknown_leaves_the_stored_one(
    office: httpx.AsyncClient, kiosk: httpx.AsyncClient
) -> None:
    await choose(kiosk, "school-18")
    own = {"choice": {"campaign": "playground", "beneficiary": "school-99"}}
    funds, flags = await given(office, 1, **own)
    assert (funds, without_clock(flags)) == (["school-18"], ["unknown-choice"])


async def test_what_may_be_chosen_is_named(
    office: httpx.AsyncClient, kiosk: httpx.AsyncClient
) -> None:
    answer = await choose(kiosk, "school-99")
    assert problem(answer) == (422, "choice-not-offered")
    assert answer.json()["beneficiaries"] == ["school-17", "school-18", "school-19"]
    for campaign in ("hunter-forest", "nothing-like-this"):
        answer = await choose(kiosk, "school-17", campaign)
        assert problem(answer) == (422, "choice-not-offered")
        assert answer.json()["campaigns"] == ["playground"]
    stored = await office.get("/v1/parties/school-17")
    closed = {"kind": "beneficiary", "name": "17", "closed_on": "2020-01-01"}
    match = {"If-Match": stored.headers["ETag"]}
    assert (
        await office.put("/v1/parties/school-17", json=closed, headers=match)
    ).status_code == 200
    answer = await choose(kiosk, "school-17")
    assert answer.json()["beneficiaries"] == ["school-18", "school-19"]


async def test_only_a_card_that_is_known_and_not_blocked_chooses(
    office: httpx.AsyncClient, kiosk: httpx.AsyncClient, owner: Address
) -> None:
    body = {"campaign": "playground", "beneficiary": "school-18"}
    assert problem(await kiosk.put("/v1/cards/1/choice", json=body)) == (404, "unknown-card")
    await choose(kiosk, "school-18")
    await rows(owner, "UPDATE card SET status = 'blocked'")
    assert problem(await choose(kiosk, "school-17")) == (409, "card-not-active")
    # Who shows a blocked card may have found it: nothing is done in the member's name.
    assert (await given(office, 1))[0] == ["school-19"]
    await rows(owner, "UPDATE card SET status = 'not-activated'")
    assert (await choose(kiosk, "school-17")).status_code == 200
    assert (await given(office, 2))[0] == ["school-17"]


async def test_two_choices_at_once_are_both_kept_or_one_of_them(
    office: httpx.AsyncClient, kiosk: httpx.AsyncClient
) -> None:
    await publish(office, POINTS)
    answers = await asyncio.gather(
        *(choose(kiosk, f"school-{17 + n % 2}") for n in range(6)),
        choose(kiosk, "school-18", "points-for-schools"),
    )
    assert {answer.status_code for answer in answers} == {200}
    chosen = (await kiosk.get(f"/v1/cards/{make.CARD}")).json()["choices"]
    assert [one["campaign"] for one in chosen] == ["playground", "points-for-schools"]
    assert chosen[0]["beneficiary"] in {"school-17", "school-18"}
    assert chosen[1]["beneficiary"] == "school-18"


async def test_points_given_at_a_kiosk_follow_the_choice_where_no_fund_is_named(
    office: httpx.AsyncClient, kiosk: httpx.AsyncClient
) -> None:
    await publish(office, POINTS)
    body = {"card": make.CARD, "points": 100, "reason": "opening"}
    await office.post("/v1/adjustments", json=body, headers={"Idempotency-Key": "o"})
    await choose(kiosk, "school-18", "points-for-schools")
    gift = {"card": make.CARD, "points": 10, "campaign": "points-for-schools"}
    funds = []
    for number, more in enumerate(({}, {"fund": "school-17"})):
        header = {"Idempotency-Key": f"g{number}"}
        answer = await kiosk.post("/v1/gifts", json={**gift, **more}, headers=header)
        assert answer.status_code == 201, answer.text
        funds.append(answer.json()["donations"][0]["fund"])
    assert funds == ["school-18", "school-17"]


async def test_a_void_takes_back_from_whom_was_chosen_then(
    office: httpx.AsyncClient, kiosk: httpx.AsyncClient
) -> None:
    await choose(kiosk, "school-18")
    await given(office, 1)
    await choose(kiosk, "school-17")
    undone = (await void(office, 1)).json()
    back = [d["fund"] for d in undone["donations"] if d["campaign"] == "playground"]
    assert back == ["school-18"]


async def test_a_quote_says_what_the_choice_of_now_gives_and_holds_no_longer_than_it(
    office: httpx.AsyncClient, kiosk: httpx.AsyncClient
) -> None:
    await choose(kiosk, "school-18")
    quote = (await office.post("/v1/quotes", json=make.checkout_body(sequence=1))).json()
    assert {d["campaign"]: d["fund"] for d in quote["donations"]}["playground"] == "school-18"
    await choose(kiosk, "school-17")
    stale = await sell(office, 1, quote=quote["quote"])
    assert (problem(stale), stale.json()["because"]) == ((409, "quote-stale"), "outcome")


async def test_the_office_replaces_a_member_without_touching_the_choice(
    office: httpx.AsyncClient, kiosk: httpx.AsyncClient
) -> None:
    before = await office.get("/v1/members/pyotr")
    await choose(kiosk, "school-18")
    document = {**before.json(), "first_name": "Павел"}
    match = {"If-Match": before.headers["ETag"]}
    assert (await office.put("/v1/members/pyotr", json=document, headers=match)).status_code == 200
    assert (await given(office, 1))[0] == ["school-18"]
