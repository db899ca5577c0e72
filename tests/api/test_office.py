"""The office's documents: stored, read back, replaced only by whoever has seen them."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from conftest import ClientFor
from lepta.db import Database
from lepta.members import service as members
from lepta.members.tables import Card, Member
from lepta.revisions import Always

RETAILER = {"kind": "retailer", "name": {"ru": "Магазин", "en": "Shop"}}
PROGRAMME = {"name": "Клуб", "currency": "RUB"}
STORE = {"retailer": "shop", "time_zone": "Asia/Novosibirsk"}
MEMBER = {"first_name": "Пётр", "gender": "male", "language": "ru", "cards": ["2900000000018"]}


async def put(client: AsyncClient, path: str, document: Any, etag: str | None = None) -> Any:
    headers = {} if etag is None else {"If-Match": etag}
    return await client.put(f"/v1/{path}", json=document, headers=headers)


def faults(response: Any) -> dict[str, str]:
    assert response.status_code == 422, response.text
    assert response.json()["type"] == "/problems/invalid-request"
    return {error["path"]: error["reason"] for error in response.json()["errors"]}


@pytest.fixture
async def office(client_for: ClientFor) -> AsyncClient:
    return await client_for("office")


@pytest.fixture
async def shop(office: AsyncClient) -> AsyncClient:
    assert (await put(office, "parties/shop", RETAILER)).status_code == 201
    assert (await put(office, "programmes/club", PROGRAMME)).status_code == 201
    return office


@pytest.mark.parametrize(
    "path, document",
    [
        ("parties/a.B_c-1", RETAILER),
        ("programmes/gold", PROGRAMME),
        ("stores/s1", STORE),
        ("products/4600000000015", {"name": "Пельмени", "categories": ["frozen"], "brand": "О"}),
        ("products/a%2Fb c", {"name": None}),
        ("members/m1", MEMBER),
    ],
)
async def test_what_is_put_is_read_back_and_replaced_by_who_has_seen_it(
    shop: AsyncClient, path: str, document: Any
) -> None:
    created = await put(shop, path, document)
    assert (created.status_code, created.headers["ETag"]) == (201, '"1"')
    assert created.json().items() >= {k: v for k, v in document.items() if v is not None}.items()
    read = await shop.get(f"/v1/{path}")
    assert (read.status_code, read.json(), read.headers["ETag"]) == (200, created.json(), '"1"')
    again = await put(shop, path, created.json())
    assert again.status_code == 428
    assert again.json()["etag"] == '"1"'
    replaced = await put(shop, path, created.json(), '"1"')
    assert (replaced.status_code, replaced.headers["ETag"]) == (200, '"2"')
    assert replaced.json() == created.json()
    stale = await put(shop, path, document, '"1"')
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/stale")


async def test_if_match_on_what_does_not_exist_creates_nothing(office: AsyncClient) -> None:
    assert (await put(office, "parties/shop", RETAILER, "*")).status_code == 412
    assert (await office.get("/v1/parties/shop")).status_code == 404


async def test_if_none_match_creates_but_never_replaces(office: AsyncClient) -> None:
    header = {"If-None-Match": "*"}
    assert (await office.put("/v1/parties/p", json=RETAILER, headers=header)).status_code == 201
    assert (await office.put("/v1/parties/p", json=RETAILER, headers=header)).status_code == 412


async def test_of_ten_who_create_at_once_one_does_and_nine_are_told_so(office: AsyncClient) -> None:
    answers = await asyncio.gather(*(put(office, "parties/p", RETAILER) for _ in range(10)))
    assert sorted(a.status_code for a in answers) == [201] + [428] * 9


async def test_of_ten_who_replace_at_once_one_does_and_nine_are_stale(office: AsyncClient) -> None:
    await put(office, "parties/p", RETAILER)
    answers = await asyncio.gather(*(put(office, "parties/p", RETAILER, '"1"') for _ in range(10)))
    assert sorted(a.status_code for a in answers) == [200] + [412] * 9


async def test_a_store_takes_the_only_programme_its_currency_and_russian(shop: AsyncClient) -> None:
    stored = (await put(shop, "stores/s", STORE)).json()
    assert (stored["programme"], stored["currency"], stored["language"]) == ("club", "RUB", "ru")


async def test_a_store_must_name_its_programme_where_there_are_two_or_none(
    office: AsyncClient,
) -> None:
    await put(office, "parties/shop", RETAILER)
    assert "no programme" in faults(await put(office, "stores/s", STORE))["programme"]
    await put(office, "programmes/a", PROGRAMME)
    await put(office, "programmes/b", PROGRAMME)
    assert "several" in faults(await put(office, "stores/s", STORE))["programme"]
    assert (await put(office, "stores/s", {**STORE, "programme": "b"})).json()["programme"] == "b"


@pytest.mark.parametrize(
    "document, place",
    [
        ({**STORE, "retailer": "nobody"}, "retailer"),
        ({**STORE, "programme": "none"}, "programme"),
        ({**STORE, "time_zone": "Mars/Olympus"}, "time_zone"),
        ({**STORE, "currency": "XXX"}, "currency"),
        ({"retailer": "shop"}, "time_zone"),
        ({**STORE, "surprise": 1}, "surprise"),
        ({**STORE, "region": "a\u0000b"}, "region"),
        ({**STORE, "name": "a\u0000b"}, "name"),
    ],
)
async def test_a_faulty_store_is_refused_by_its_place(
    shop: AsyncClient, document: Any, place: str
) -> None:
    assert list(faults(await put(shop, "stores/s", document))) == [place]
    assert (await shop.get("/v1/stores/s")).status_code == 404


async def test_a_party_that_stores_name_stays_a_retailer(shop: AsyncClient) -> None:
    await put(shop, "stores/s", STORE)
    charity = {"kind": "charity", "name": "x"}
    assert "kind" in faults(await put(shop, "parties/shop", charity, '"1"'))


async def test_a_card_belongs_to_one_member(office: AsyncClient) -> None:
    assert (await put(office, "members/a", MEMBER)).status_code == 201
    taken = await put(office, "members/b", {"cards": ["1", "2900000000018"]})
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/card-taken")
    assert (await office.get("/v1/members/b")).status_code == 404
    assert (await put(office, "members/a", {"cards": []}, '"1"')).status_code == 200
    assert (await put(office, "members/b", {"cards": ["2900000000018"]})).status_code == 201


async def test_members_who_fight_over_cards_end_with_each_card_at_one(office: AsyncClient) -> None:
    cards = [str(n) for n in range(20)]
    answers = await asyncio.gather(
        *(put(office, f"members/m{i}", {"cards": cards[:: -1 if i % 2 else 1]}) for i in range(8))
    )
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7


async def test_members_who_exchange_their_cards_at_once_never_wait_in_a_ring(
    office: AsyncClient,
) -> None:
    cards = [str(n) for n in range(6)]
    for m in range(4):
        await put(office, f"members/m{m}", {"cards": cards[m : m + 1]})

    async def exchange(number: int) -> set[int]:
        order = cards[number % 6 :] + cards[: number % 6]
        wishes = [{"cards": order[:3]}, {"cards": []}, {"cards": order[::-2]}, {"cards": order[:1]}]
        answers = [
            await put(office, f"members/m{(number + n) % 4}", wish, "*")
            for n, wish in enumerate(wishes * 5)
        ]
        return {answer.status_code for answer in answers}

    answered = await asyncio.gather(*map(exchange, range(16)))
    assert set().union(*answered) <= {200, 409}
    kept = [(await office.get(f"/v1/members/m{m}")).json()["cards"] for m in range(4)]
    assert len({card for its in kept for card in its}) == sum(map(len, kept))


async def test_imports_and_members_who_exchange_cards_never_wait_in_a_ring(db: Database) -> None:
    def member(number: int, *cards: str) -> Member:
        return Member(f"m{number}", cards=tuple(Card(card) for card in cards))

    async def import_(turn: int) -> None:
        parts = [
            member(n, str((n * 3 + turn) % 12), str((n * 3 + turn + 1) % 12)) for n in range(4)
        ]
        with suppress(members.CardTaken):
            await members.put_all(db, parts[:: -1 if turn % 2 else 1])

    async def replace(turn: int) -> None:
        with suppress(members.CardTaken):
            await members.put(
                db, member(turn % 4, str(turn % 12), str((turn * 5 + 1 + turn % 2) % 12)), Always()
            )

    await members.put_all(db, [member(n) for n in range(4)])
    for turn in range(8):
        await asyncio.gather(*(job(turn + n) for n in range(4) for job in (import_, replace)))
    held = [card.card for n in range(4) for card in (await members.get(db, f"m{n}"))[0].cards]
    assert len(held) == len(set(held)) > 0


async def test_an_import_may_hand_a_card_on_and_of_two_rows_of_a_member_the_later_stands(
    db: Database,
) -> None:
    def member(name: str, *cards: str) -> Member:
        return Member(name, cards=tuple(Card(card) for card in cards))

    await members.put_all(db, [member("a", "1"), member("b", "2")])
    saved = await members.put_all(db, [member("b", "1"), member("a", "3"), member("a", "2")])
    assert [(one.revision, one.created) for one in saved] == [(2, False), (2, False), (3, False)]
    assert (await members.get(db, "a"))[0].cards == (Card("2"),)
    assert (await members.get(db, "b"))[0].cards == (Card("1"),)
    with pytest.raises(members.CardTaken):
        await members.put_all(db, [member("c", "9"), member("d", "9")])
    assert await members.put_all(db, []) == []


async def test_a_card_keeps_its_status_and_stands_in_a_list_once(office: AsyncClient) -> None:
    cards = ["3", {"card": "1", "status": "blocked"}, {"card": "2", "status": "not-activated"}]
    stored = await put(office, "members/a", {"cards": cards})
    assert stored.json()["cards"] == cards
    assert (await office.get("/v1/members/a")).json()["cards"] == cards
    twice = {"cards": ["4", {"card": "4", "status": "blocked"}]}
    assert list(faults(await put(office, "members/b", twice))) == ["cards.1"]


async def test_a_member_keeps_the_random_ref_made_first(office: AsyncClient, db: Database) -> None:
    refs = []
    for etag in (None, '"1"'):
        answer = await put(office, "members/a", MEMBER, etag)
        async with db.read() as tx:
            refs.append(await tx.scalar(text("SELECT ref FROM member WHERE id = 'a'")))
        assert refs[0] not in answer.text
    assert refs[0] == refs[1]
    assert len(refs[0]) == 19


async def test_a_member_joined_on_the_day_they_were_entered_unless_the_office_says_when(
    office: AsyncClient,
) -> None:
    before = datetime.now(UTC).date().isoformat()
    created = await put(office, "members/m1", MEMBER)
    after = datetime.now(UTC).date().isoformat()
    entered = created.json()["joined_on"]
    assert before <= entered <= after
    told = await put(office, "members/m1", {**MEMBER, "joined_on": "2020-02-29"}, '"1"')
    assert told.json()["joined_on"] == "2020-02-29"
    # Left out, it stays.
    kept = await put(office, "members/m1", MEMBER, '"2"')
    assert kept.json() == (await office.get("/v1/members/m1")).json()
    assert kept.json()["joined_on"] == "2020-02-29"
    assert set(faults(await put(office, "members/m2", {"joined_on": "2020-02-30"}))) == {
        "joined_on"
    }


async def test_caches_learn_of_every_change(shop: AsyncClient, db: Database) -> None:
    async def versions() -> dict[str, int]:
        async with db.read() as tx:
            return {
                row.what: row.version
                for row in await tx.execute(text("SELECT * FROM office_version"))
            }

    before = await versions()
    await put(shop, "parties/p", RETAILER)
    await put(shop, "stores/s", STORE)
    await put(shop, "products/1", {"name": "x"})
    await put(shop, "products/1", {"name": "y"}, '"1"')
    after = await versions()
    assert {what: after[what] - before[what] for what in after} == {
        "member": 0,
        "party": 1,
        "store": 1,
        "product": 2,
    }
    async with db.read() as tx:
        assert await tx.scalar(text("SELECT changed FROM product")) == after["product"]


@pytest.mark.parametrize(
    "name, value",
    [
        ("first_name", "a\u0000b"),
        ("first_name", "x" * 201),
        ("first_name", ""),
        ("gender", "other"),
        ("phone", "call me"),
        ("email", "nobody"),
        ("birthday", "1990-02-30"),
        ("birthday", "0001-01-01"),
        ("segments", "vip"),
        ("tier", "a\nb"),
        ("tier", "gold\u200b"),
        ("birthday", "641606400"),
        ("language", "klingon"),
    ],
)
async def test_a_faulty_member_is_refused_and_the_value_is_not_repeated(
    office: AsyncClient, name: str, value: str
) -> None:
    answer = await put(office, "members/a", {name: value})
    assert list(faults(answer)) == [name]
    assert not value or value not in answer.text


@pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\u2066", "\u3164", "\ufeff"])
async def test_an_id_that_looks_like_another_is_refused(office: AsyncClient, hidden: str) -> None:
    for cards in ([f"29{hidden}00"], [{"card": f"29{hidden}00"}]):
        assert list(faults(await put(office, "members/a", {"cards": cards}))) == ["cards.0.card"]
    goods = {"categories": ["frozen", f"fro{hidden}zen"]}
    assert list(faults(await put(office, "products/1", goods))) == ["categories.1"]
    assert list(faults(await put(office, f"products/1{hidden}", {"name": "x"}))) == ["sku"]


async def test_ids_are_plain(office: AsyncClient) -> None:
    assert list(faults(await put(office, "parties/a%20b", RETAILER))) == ["party"]
    assert (await put(office, "parties/" + "a" * 64, RETAILER)).status_code == 201
    assert list(faults(await put(office, "parties/" + "a" * 65, RETAILER))) == ["party"]


async def test_currency_and_decimals_of_a_programme_stay_what_they_were(shop: AsyncClient) -> None:
    assert list(
        faults(await put(shop, "programmes/club", {**PROGRAMME, "currency": "EUR"}, '"1"'))
    ) == ["currency"]
    assert list(
        faults(await put(shop, "programmes/club", {**PROGRAMME, "points_scale": 2}, '"1"'))
    ) == ["points_scale"]
    assert (
        await put(shop, "programmes/club", {**PROGRAMME, "points_scale": 0}, '"1"')
    ).status_code == 200
