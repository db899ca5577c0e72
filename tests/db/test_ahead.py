"""Laying sales out ahead of their turn: it saves time and changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from test_owners_storm import MERGE
from test_writer import index_of, writer_on

import make
from databases import held_head
from families import add_olga
from lepta.db import Address
from lepta.processing import ahead, directory, load, waiting
from lepta.processing.decide import Accepted, Answered
from lepta.processing.directory import Directory, Versions
from lepta.processing.events import Publish
from lepta.processing.office import LaidOut
from lepta.processing.outcome import Outcome
from lepta.processing.recognition import Refused
from lepta.processing.sight import Prepared
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from reversing import balances

DOUBLE = {**make.BASE, "effect": {"earn": {"points": 2, "per_amount": 2000}, "per": "basket"}}


@pytest.fixture
async def office(shop: Address) -> AsyncIterator[asyncpg.Connection]:
    """Who changes the office's records."""
    connection = await asyncpg.connect(**shop.arguments())
    yield connection
    await connection.close()


def sale(sequence: int, **more: Any) -> Submission:
    return Submission.of(make.checkout(sequence=sequence, **more))


def outcome_of(answered: Answered) -> Outcome:
    assert isinstance(answered.decision, Accepted), answered.decision
    return answered.decision.recorded.outcome


async def laid_out(writer: Writer, count: int) -> list[LaidOut]:
    """What is ready of the queue, as soon as so many sales are."""
    async with asyncio.timeout(5):
        while True:
            ready = [w.laid_out for w in writer._queue if w.laid_out is not None]
            if len(ready) == count:
                return ready
            await asyncio.sleep(0.005)


async def test_while_others_have_the_head_sales_are_laid_out_and_judged(shop: Address) -> None:
    async with writer_on(shop) as writer:
        async with held_head(shop):
            asked = [writer.enqueue(sale(n)) for n in range(20)]
            asked += [writer.enqueue(sale(20, redeem={"points": 0}))]
            asked += [writer.enqueue(sale(21, redeem={"max": True}))]
            ready = await laid_out(writer, 21)
        answers = await asyncio.gather(*asked)
    assert all(one.foreseen is not None for one in ready)
    assert [index_of(answered) for answered in answers] == list(range(1, 23))


async def test_a_sale_comes_out_alike_whether_it_was_laid_out_ahead_or_not(
    shop: Address, other_shop: Address
) -> None:
    limited = {**make.HUNTER, "campaign": "few", "limits": {"units": 7}}
    sales: list[dict[str, Any]] = [
        {"sequence": n, "redeem": {"points": n % 4}} if n % 2 else {"sequence": n}
        for n in range(40)
    ]

    async def decided(address: Address, *, early: bool) -> list[Any]:
        async with writer_on(address) as writer:
            await writer.submit(Submission.of(Publish(make.change(limited))))
            if not early:
                writer._ahead.stop()
            async with held_head(address):
                asked = [writer.enqueue(Submission.of(make.checkout(**sale))) for sale in sales]
                spending = sum("redeem" in sale and sale["redeem"]["points"] > 0 for sale in sales)
                await laid_out(writer, len(sales) - spending if early else 0)
            answers = await asyncio.gather(*asked)
        return [
            (d.booked, d.recorded.outcome)
            if isinstance(d := answered.decision, Accepted)
            else str(d)
            for answered in answers
        ]

    ahead_of_turn, in_turn = await decided(shop, early=True), await decided(other_shop, early=False)
    assert ahead_of_turn == in_turn
    given = [d.units for one in ahead_of_turn for d in one[1].donations if d.campaign == "few"]
    assert sum(given) == 7


async def test_a_sale_is_laid_out_again_when_a_campaign_was_published_before_its_turn(
    shop: Address,
) -> None:
    async with writer_on(shop) as one, writer_on(shop) as other:
        async with held_head(shop):
            change = make.change({**DOUBLE, "campaign": "second"})
            publishing = other.enqueue(Submission.of(Publish(change)))
            await asyncio.sleep(0.2)  # it stands in line for the head before the sale does
            selling = one.enqueue(sale(1))
            (early,) = await laid_out(one, 1)
        await publishing
        outcome = outcome_of(await selling)
    assert early.basis.rulebook < one.rulebooks.newest.number
    assert outcome.points.earned == 12 + 24


async def test_a_sale_is_laid_out_again_when_the_catalogue_changed_before_its_turn(
    shop: Address, office: asyncpg.Connection
) -> None:
    dairy = {**DOUBLE, "campaign": "dairy", "what": {"categories": ["dairy"]}}
    async with writer_on(shop) as writer:
        await writer.submit(Submission.of(Publish(make.change(dairy))))
        before = outcome_of(await writer.submit(sale(1)))
        async with held_head(shop):
            selling = writer.enqueue(sale(2))
            await laid_out(writer, 1)
            await put_product(office, make.HUNTER_SKU, ["dairy"])
        after = outcome_of(await selling)
    assert (before.points.earned, after.points.earned) == (12, 12 + 24)


async def test_a_sale_whose_card_was_looked_up_before_a_merger_is_looked_up_again(
    shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the merger is known to this process by the time the sale is ready."""
    await add_olga(shop)
    look_up, looked_up = load.read_shoppers, asyncio.Event()
    async with writer_on(shop, batch_size=1) as one, writer_on(shop) as other:
        before = one.directory.versions

        async def slowly(connection: asyncpg.Connection, cards: Any) -> Any:
            found = await look_up(connection, cards)
            if cards and not looked_up.is_set():
                looked_up.set()
                while one.directory.versions == before:  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0)
            return found

        monkeypatch.setattr(load, "read_shoppers", slowly)
        async with held_head(shop):
            merging = other.enqueue(Submission.of(MERGE))
            await asyncio.sleep(0.2)  # it stands in line for the head before the sales do
            selling = [one.enqueue(sale(1, card=None)), one.enqueue(sale(2))]
            await looked_up.wait()
        await merging
        await asyncio.gather(*selling)
    assert "member/m-pyotr/available" not in await balances(shop)
    assert (await balances(shop))["member/m-olga/available"] == 12


async def block(connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE card SET status = 'blocked' WHERE card = $1", make.CARD)


async def test_a_card_blocked_before_its_turn_spends_nothing(
    shop: Address, office: asyncpg.Connection
) -> None:
    async with writer_on(shop) as writer:
        await writer.submit(sale(1))
        async with held_head(shop):
            spending = writer.enqueue(sale(2, redeem={"points": 10}))
            earning = writer.enqueue(sale(3))
            await laid_out(writer, 1)
            await block(office)
        refused = (await spending).decision
        assert isinstance(refused, Refused)
        assert refused.error.code == "insufficient-points"
        assert outcome_of(await earning).card_status == "active"  # as when it came in
        assert outcome_of(await writer.submit(sale(4))).card_status == "blocked"


async def test_what_was_laid_out_long_before_its_turn_is_laid_out_again(
    shop: Address, office: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "FRESH_S", 0.1)
    async with writer_on(shop) as writer:
        async with held_head(shop):
            selling = writer.enqueue(sale(1))
            await laid_out(writer, 1)
            await block(office)
            await asyncio.sleep(0.15)
        assert outcome_of(await selling).card_status == "blocked"


async def test_an_office_that_never_stops_writing_does_not_keep_a_batch_from_ending(
    shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, versions_read = load.read_ledger, 0

    async def another_each_time(*arguments: Any, **more: Any) -> Any:
        nonlocal versions_read
        versions_read += 1
        ledger = await read(*arguments, **more)
        busy = ledger.versions._replace(product=ledger.versions.product + versions_read)
        return ledger._replace(versions=busy)

    async with writer_on(shop) as writer:
        monkeypatch.setattr(load, "read_ledger", another_each_time)
        async with asyncio.timeout(5):
            assert index_of(await writer.submit(sale(1))) == 1
        assert versions_read == 2


async def test_a_writer_does_without_what_could_not_be_laid_out(
    shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "PAUSE_S", 0.01)
    async with writer_on(shop) as writer:
        await writer.submit(sale(1))
        async with held_head(shop):
            await asyncio.gather(*(laid_out_after(writer, n) for n in (2, 3)))
            connection = writer._ahead._connection
            assert connection is not None
            connection.terminate()
            lost = writer.enqueue(sale(4))
            await asyncio.sleep(0.1)
        assert index_of(await lost) == 4
        async with held_head(shop):
            found = writer.enqueue(sale(5))
            (ready,) = await laid_out(writer, 1)
        assert isinstance(ready.sale, Prepared)
        assert index_of(await found) == 5


async def laid_out_after(writer: Writer, sequence: int) -> None:
    writer.enqueue(sale(sequence))
    await laid_out(writer, 2)


async def put_product(connection: asyncpg.Connection, sku: str, categories: list[str]) -> None:
    """As the office does."""
    async with connection.transaction():
        version = await connection.fetchval(
            "UPDATE office_version SET version = version + 1 WHERE what = 'product' RETURNING version"
        )
        await connection.execute(
            "INSERT INTO product (sku, name, categories, changed) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (sku) DO UPDATE SET categories = excluded.categories, changed = excluded.changed",
            sku, '"Кефир"', categories, version,
        )  # fmt: skip


async def versions(connection: asyncpg.Connection) -> Versions:
    rows = await connection.fetch("SELECT version FROM office_version ORDER BY what")
    return Versions(*(row[0] for row in rows))


async def test_products_put_aside_are_there_for_sales_under_way(
    office: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "PRODUCTS_KEPT", 1)
    kept, connection = Directory(), office
    for sku in ("a", "b", "c"):
        await put_product(connection, sku, [sku])
    for skus in (["a", "b"], ["c"]):
        lines = [make.line(n, sku=sku) for n, sku in enumerate(skus, start=1)]
        await kept.fetch(connection, [make.checkout(lines=lines)])
    assert kept.products.keys() == {"c"}
    assert kept.product_name("a") is not None
    for sku in ("a", "b", "c"):
        product = kept.product(sku)
        assert product is not None
        assert product.categories == (sku,)
    with pytest.raises(KeyError):
        kept.product("never asked for")


async def test_what_was_read_before_the_catalogue_changed_is_not_kept(
    office: asyncpg.Connection,
) -> None:
    kept, connection = Directory(), office
    await put_product(connection, make.HUNTER_SKU, ["old"])
    await kept.refresh(connection, await versions(connection))
    await kept.fetch(connection, [make.checkout(lines=[make.line(1, sku="another")])])

    class Slow:
        """The connection, on which the office and another batch come between question and answer."""

        async def fetch(self, query: str, *arguments: Any) -> Any:
            rows = await connection.fetch(query, *arguments)
            if not kept.products.keys() >= {"changed"}:
                kept.products["changed"] = None
                await put_product(connection, make.HUNTER_SKU, ["new"])
                await kept.refresh(connection, await versions(connection))
            return rows

    await kept.fetch(Slow(), [make.checkout()])  # type: ignore[arg-type]
    product = kept.product(make.HUNTER_SKU)
    assert product is not None
    assert product.categories == ("new",)
