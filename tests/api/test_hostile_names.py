"""Names that nobody can print, wherever a name may stand: taken or refused, no sale is stopped, and receipts keep their width."""

import asyncio
import base64
import unicodedata
from typing import Any

import httpx
import pytest

import hostile
import make
from lepta.db import Address
from shops import open_shop
from tills import goods, key, publish, return_body

WIDTHS = (32, 40, 48)
START, END = b"\x1b@\x1bt\x11", b"\x1dVB\x00"
"""What a printer is told before and after a receipt: initialise, code page 866; cut."""


@pytest.fixture
async def office(owner: Address, admin: httpx.AsyncClient) -> httpx.AsyncClient:
    """The founding shop, and somebody who may do everything in it."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    await admin.put(
        f"/v1/products/{make.HUNTER_SKU}", json={"name": {"ru": "Пельмени", "en": "Dumplings"}}
    )
    await publish(admin, make.HUNTER)
    return admin


async def rename(office: httpx.AsyncClient, path: str, **fields: Any) -> bool:
    """Whether the office's record takes these fields; what it does not take is refused with a problem document."""
    found = await office.get(path)
    match = {"If-Match": found.headers["etag"]}
    done = await office.put(path, json={**found.json(), **fields}, headers=match)
    assert done.status_code in {200, 422}, done.text
    if done.status_code == 422:
        assert done.json()["type"] == "/problems/invalid-request"
        assert done.json()["errors"], done.text
    return done.status_code == 200


async def name_everything(office: httpx.AsyncClient, name: str, language: str) -> int:
    """How many records take it: a member, a product, a fund, a store, a programme, a campaign."""
    told = {"ru": make.HUNTER["receipt"]["ru"], "en": make.HUNTER["receipt"]["en"]}
    receipt = {each: f"{name[:400]} {text}" for each, text in told.items()}
    campaign = "/v1/campaigns/hunter-forest"
    taken = [
        await rename(
            office, "/v1/members/pyotr", first_name=name, last_name=name, language=language
        ),
        await rename(office, f"/v1/products/{make.HUNTER_SKU}", name=name),
        await rename(office, "/v1/parties/forest-animals", name={"ru": {"nominative": name}}),
        await rename(office, "/v1/stores/nsk-07", name=name),
        await rename(office, "/v1/programmes/club", name={"ru": name, "en": name}),
        await rename(office, campaign, receipt=receipt, title={"ru": name, "en": name}),
    ]
    if taken[-1]:
        assert (await office.post(f"{campaign}/publish")).status_code == 200
    return sum(taken)


def columns(line: str) -> int:
    """As a printer of a fixed width counts: wide letters twice, marks not at all."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in line)
    return len(line) + wide - sum(unicodedata.category(char)[0] == "M" for char in line)


def check(answer: httpx.Response, width: int) -> None:
    """A receipt keeps its width and its printer: text and nothing else, in lines that fit."""
    assert answer.status_code in {200, 201}, answer.text
    receipt = answer.json()["receipt"]
    for line in receipt["text"].split("\n"):
        assert columns(line) <= width, line
        odd = [char for char in line if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}]  # fmt: skip
        assert odd == [], line
    printed = base64.b64decode(receipt["escpos"])
    assert printed.startswith(START)
    assert printed.endswith(END)
    body = printed[len(START) : -len(END)]
    assert set(body) & (set(range(32)) | {127}) == {10}
    assert max(map(len, body.split(b"\n"))) <= width


@pytest.mark.parametrize("server", ["embedded"], indirect=True, scope="session")
@pytest.mark.parametrize("language", ["ru", "en"])
async def test_no_name_breaks_a_receipt_or_stops_a_sale(
    office: httpx.AsyncClient, language: str
) -> None:
    taken = {}
    for n, (kind, name) in enumerate(hostile.NAMES.items()):
        taken[kind] = await name_everything(office, name, language)
        line = make.line(name=name)
        for width in WIDTHS:
            form = f"?width={width}&receipt=escpos"
            sale = make.checkout_body(sequence=10 * n + width, lines=[line])
            check(await office.post(f"/v1/quotes{form}", json=sale), width)
            check(await office.post(f"/v1/checkouts{form}", json=sale), width)
            back = return_body(10_000 + 10 * n + width, key(10 * n + width), goods())
            check(await office.post(f"/v1/returns{form}", json=back), width)
    # What people are really called stands as it is; what only hides or commands stands nowhere.
    assert taken["Hebrew"] == taken["wide letters"] == 6
    assert taken["a printer's cutter"] == 0
    assert taken["right to left"] == 0
