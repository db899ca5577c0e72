"""Back-tests on a real log: the same as booking gives, by however many processes, on one unchanging view."""

import asyncio
import json
import os
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from small_ledger import open_till

import make
from databases import say
from lepta.commands import simulating
from lepta.commands.documents import WrongFile
from lepta.db import Address
from lepta.errors import InvalidRequest, NotSupported
from lepta.rules.rulebook import PublishedCampaign
from lepta.settings import Settings
from lepta.simulation import workers
from lepta.simulation.plan import Span
from lepta.simulation.simulate import NoReceipts, simulate
from make import line

Document = Mapping[str, Any]
DAY = date(2026, 11, 22)
SPAN = Span(DAY, DAY)
MILK: Document = {
    "campaign": "milk", "programme": "club", "kind": "donation", "what": {"skus": ["milk"]},
    "effect": {"give": {"money": 500}, "per": "unit", "to": {"fund": "forest-animals"}},
    "funding": [
        {"party": "hunter-foods", "share": "0.6", "budget": {"money": 20_000}},
        {"party": "retail-nsk", "share": "0.4"},
    ],
    "limits": {"units": 90, "per_card": 40},
}  # fmt: skip


def bonus(campaign: str, per_card: int | None = None, **effect: int) -> Document:
    limits = {} if per_card is None else {"per_card": per_card}
    return {
        "campaign": campaign, "programme": "club", "kind": "bonus", "limits": limits,
        "effect": {"earn": {"points": 10}, "per": "basket", **effect},
    }  # fmt: skip


async def sell(shop: Address, *first: Document, sales: int = 120) -> None:
    """Sales of milk and dumplings by Пётр and by nobody, after `first` has been published."""
    async with open_till(shop) as till:
        if first:
            await till.publish(*(PublishedCampaign(d["campaign"], 1, None, d) for d in first))
        for n in range(sales):
            await till.sell(
                card=make.CARD if n % 2 else None,
                lines=[
                    line(1, 9_000 + n, sku="milk" if n % 3 else "bread", quantity="2"),
                    line(2, 25_900),
                ],
            )


async def counters(shop: Address) -> dict[str, int]:
    """What has been used of hard limits."""
    connection = await asyncpg.connect(**shop.arguments())
    try:
        rows = await connection.fetch("SELECT counter, used FROM budget")
        return {row["counter"]: row["used"] for row in rows}
    finally:
        await connection.close()


async def test_what_is_used_of_limits_is_what_booking_uses(
    shop: Address, other_shop: Address
) -> None:
    await sell(shop)
    await sell(other_shop, MILK)
    report = await simulate(shop, [MILK], SPAN)
    [told] = report.document["campaigns"]
    booked = await counters(other_shop)
    assert {limit["limit"]: limit["used"] for limit in told["limits"]} == {
        "units": booked["milk|units"],
        "funder": booked["milk|funder|hunter-foods|money"],
    }
    assert told["money"] == 500 * booked["milk|units"]
    assert told["funders"] == [
        {"party": "hunter-foods", "points": 0, "money": told["money"] * 6 // 10, "cost": told["money"] * 6 // 10},
        {"party": "retail-nsk", "points": 0, "money": told["money"] * 4 // 10, "cost": told["money"] * 4 // 10},
    ]  # fmt: skip


async def test_several_processes_find_what_one_finds(
    shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits that run out on the way, for all or for a card, and visits included."""
    drafts = [MILK, make.ROUND_UP, bonus("often", per_card=7), bonus("third-visit", nth_visit=3)]
    await sell(shop)
    alone = await simulate(shop, drafts, SPAN, processes=1)
    monkeypatch.setattr(workers, "RANGE", 16)
    seen: list[tuple[int, int]] = []
    together = await simulate(shop, drafts, SPAN, processes=3, progress=lambda *at: seen.append(at))
    assert together.document == alone.document
    assert seen[-1] == (121, 121)
    milk, round_up, often, _ = alone.document["campaigns"]
    assert round_up["offers"]["receipts"] > 0
    assert [limit["exhausted_on"] for limit in milk["limits"]] == [None, "2026-11-22"]
    assert often["receipts"] == 7


async def test_a_process_that_dies_ends_the_back_test_with_an_error(
    shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sell(shop, sales=40)
    monkeypatch.setattr(workers, "RANGE", 4)
    monkeypatch.setattr(workers, "_settle", dies)
    with pytest.raises(BrokenProcessPool):
        await simulate(shop, [MILK], SPAN, processes=2)


def dies(_: object) -> None:
    os._exit(3)


async def test_a_draft_takes_the_place_of_what_is_published(shop: Address) -> None:
    await sell(shop, sales=20)
    again = await simulate(shop, [make.HUNTER], SPAN)
    [told] = again.document["campaigns"]
    assert {name: told[name] for name in ("receipts", "points", "money")} == told["replaces"]
    assert told["receipts"] == 10
    assert again.document["others"] == []


async def test_nothing_is_written_and_sales_go_on_meanwhile(shop: Address) -> None:
    await sell(shop, sales=10)
    _, report = await asyncio.gather(sell_more(shop), simulate(shop, [MILK], SPAN))
    assert report.document["receipts"]["looked_at"] >= 10


async def sell_more(shop: Address) -> None:
    async with open_till(shop) as till:
        till.sequence = 500
        await till.sell()


async def test_days_without_receipts_and_what_cannot_be_saved_are_refused(shop: Address) -> None:
    await sell(shop, sales=1)
    with pytest.raises(NoReceipts, match="2027-01-01"):
        await simulate(shop, [MILK], Span(date(2027, 1, 1), date(2027, 1, 31)))
    with pytest.raises(InvalidRequest) as refused:
        await simulate(shop, [MILK, {**MILK, "campaign": "b", "colour": 1}], SPAN)
    assert [e["path"] for e in refused.value.members["errors"]] == ["campaigns.1.colour"]
    with pytest.raises(InvalidRequest, match="stands twice"):
        await simulate(shop, [MILK, MILK], SPAN)
    with pytest.raises(NotSupported):
        await simulate(shop, [{**MILK, "kind": "coupon"}], SPAN)


async def test_the_records_of_today_do_not_matter(shop: Address) -> None:
    await sell(shop, sales=20)
    before = await simulate(shop, [MILK], SPAN)
    await say(shop, "UPDATE card SET status = 'blocked'", "UPDATE member SET tier = 'gold'")
    assert (await simulate(shop, [MILK], SPAN)).document == before.document


async def test_funds_are_as_they_were_when_receipts_were_booked(shop: Address) -> None:
    """One that closes later takes all of them; one that had closed leaves them to the fallback."""
    await sell(shop, sales=12)
    await say(
        shop,
        "INSERT INTO party (id, kind, name) VALUES ('other', 'charity', '\"Other\"')",
    )
    effect = {**MILK["effect"], "to": {"fund": "forest-animals", "fallback": "other"}}
    document = {**MILK, "effect": effect}
    for closed_on, gets in (("2026-11-23", "forest-animals"), ("2026-11-22", "other")):
        await say(shop, f"UPDATE party SET closed_on = '{closed_on}' WHERE id = 'forest-animals'")
        [told] = (await simulate(shop, [document], SPAN)).document["campaigns"]
        assert told["funds"] == [{"fund": gets, "receipts": 8, "points": 0, "money": 8_000}]


async def test_a_limit_that_is_brought_in_late_is_refused(shop: Address) -> None:
    await sell(shop, sales=1)
    uncounted = {**make.BASE, "limits": {"budget": {"points": 500}}}
    with pytest.raises(NotSupported, match=r"limits\.budget: limiting"):
        await simulate(shop, [uncounted], SPAN)


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    file = tmp_path / "milk.yaml"
    file.write_text(json.dumps(MILK), encoding="utf-8")
    return file


def test_the_command_shows_tables_or_json_and_names_the_file_of_a_fault(
    shop: Address, draft: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(sell(shop, sales=12))
    settings = Settings(database_url=shop.url(), data_dir=tmp_path)
    simulating.run(settings, [draft], DAY, DAY, json=False)
    shown = capsys.readouterr().out
    assert "12 receipts, 8 of them touched" in shown
    assert "hunter-foods" in shown
    simulating.run(settings, [draft], DAY, DAY, json=True)
    assert json.loads(capsys.readouterr().out)["campaigns"][0]["money"] == 16 * 500
    draft.write_text(json.dumps({**MILK, "kind": "gift"}), encoding="utf-8")
    with pytest.raises(WrongFile, match="line 1: kind: write one of"):
        simulating.run(settings, [draft], DAY, DAY, json=False)
