"""The pure parts of `lepta bench`: its table and JSON, its requests, and what it reads from other programs."""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from lepta.bench import anchors, assortment, client, figures, plan, processor, rules, sales
from lepta.bench.anchors import AnchorFailed
from lepta.bench.drive import Driver, LoadFailed
from lepta.bench.figures import ROWS, Measured
from lepta.bench.run import UnknownRow, choose
from lepta.channels.till.schemas import CheckoutBody
from lepta.rules.document import validate
from lepta.rules.known import Known
from lepta.rules.programme import compile_programme

MACHINE = {"cores": 2, "fsync": "on"}


def p1(figure: float = 3_000.0, anchor: float | None = 4_000.0) -> Measured:
    return Measured(ROWS["P1"], figure, anchor, {"p99_ms": 31.5}, ("64 connections",))


class TestTheTable:
    def test_shows_figure_anchor_ratio_goal_and_whether_it_is_met(self) -> None:
        table = figures.as_markdown([p1()], MACHINE)

        assert table.splitlines()[2].endswith("| 3,000/s | 4,000/s | 0.75 × | ≥ 1.0 × | **no** |")
        assert "- P1: 64 connections" in table
        assert "Machine: cores 2 · fsync on" in table

    def test_leaves_ratio_and_verdict_open_where_the_anchor_is_missing(self) -> None:
        row = figures.as_markdown([p1(anchor=None)], MACHINE).splitlines()[2]

        assert row.endswith("| 3,000/s |  |  | ≥ 1.0 × |  |")

    def test_has_as_many_cells_in_each_row_as_in_its_head(self) -> None:
        every = [Measured(row, 10.0) for row in ROWS.values()]
        for earlier in (None, figures.read_earlier({})):
            lines = figures.as_markdown(every, MACHINE, earlier).splitlines()[: 2 + len(every)]
            assert len({line.count("|") for line in lines}) == 1

    def test_is_a_table_without_rows_where_nothing_was_measured(self) -> None:
        assert figures.as_markdown([], MACHINE).startswith("|  | what | figure |")


class TestGoals:
    @pytest.mark.parametrize(
        ("measured", "met"),
        [
            (p1(4_000.0), True),
            (p1(3_999.0), False),
            (p1(anchor=None), None),
            (Measured(ROWS["P3"], 500, 3_000), None),
            (Measured(ROWS["P4"], 20.0, detail={"max_ms": 250.0}), True),
            (Measured(ROWS["P4"], 20.0, detail={"max_ms": 251.0}), False),
            (Measured(ROWS["P5"], 60, 50, {"growth": 1.0}), False),
            (Measured(ROWS["P5"], 50, 50, {"growth": 1.0}), True),
            (Measured(ROWS["P5"], 50, None, {"growth": 1.6}), False),
            (Measured(ROWS["P5"], 50, None, {"growth": 1.0}), None),
            (Measured(ROWS["P6"], 1_536), True),
            (Measured(ROWS["P7"], 3_073), False),
            (Measured(ROWS["P8"], 100_000), True),
            (Measured(ROWS["P10"], 25_000, detail={"replay": 19_999}), False),
        ],
    )
    def test_are_met_only_if_all_of_a_row_are(
        self, *, measured: Measured, met: bool | None
    ) -> None:
        assert measured.met is met


class TestJson:
    def test_has_figure_anchor_ratio_and_goal_by_row(self) -> None:
        document = json.loads(json.dumps(figures.as_json([p1()], MACHINE)))

        assert document["P1"]["figure"] == 3_000
        assert document["P1"]["anchor"] == 4_000
        assert document["P1"]["ratio"] == 0.75
        assert document["P1"]["goal"] == "≥ 1.0 ×"
        assert document["P1"]["met"] is False
        assert document["machine"] == MACHINE

    def test_of_one_run_can_be_compared_with_another(self) -> None:
        earlier = figures.read_earlier(figures.as_json([p1()], MACHINE))

        assert figures.change(p1(3_300.0), earlier["P1"]) == "+10 %, ratio +10 %"
        assert figures.change(p1(3_000.0), earlier["P1"]) == "+0 %, ratio +0 %"
        assert figures.change(Measured(ROWS["P6"], 1), earlier.get("P6")) == "new"
        assert "| change |" in figures.as_markdown([p1()], MACHINE, earlier)

    @pytest.mark.parametrize("document", [[], "P1", {"P1": 3}, {"P1": {"figure": "fast"}}])
    def test_of_something_else_is_refused(self, document: object) -> None:
        with pytest.raises(figures.Unreadable):
            figures.read_earlier(document)


class TestChoosingRows:
    def test_without_names_takes_all(self) -> None:
        assert choose(()) == list(ROWS)

    def test_takes_lists_in_any_case_and_keeps_the_tables_order(self) -> None:
        assert choose(("p6,P1", "P5")) == ["P1", "P5", "P6"]

    def test_refuses_a_row_that_is_not_there(self) -> None:
        with pytest.raises(UnknownRow, match="P9"):
            choose(("P1,P9",))

    def test_of_the_rules_alone_expects_no_database(self) -> None:
        assert plan.FULL.expected_s(["P5"]) == plan.FULL.rules_total_s
        assert plan.FULL.expected_s(list(ROWS)) < 360


class TestRequests:
    @pytest.fixture
    def parts(self, tmp_path: Path) -> Path:
        tills = [sales.Till("bench-01", "1", "key-a"), sales.Till("bench-02", "2", "key-b")]
        sales.write_parts(tmp_path, tills, assortment.baskets(3))
        return tmp_path

    @pytest.fixture
    def row(self, parts: Path) -> sales.Sales:
        return sales.Sales(parts, "127.0.0.1", sales.Mix(100, "2026-11-22", 10_000_000))

    def test_are_checkouts_as_the_service_takes_them(self, row: sales.Sales) -> None:
        for key in ("key-a", "key-b", "key-a"):
            head, body = row.next().split(b"\r\n\r\n")
            event = CheckoutBody.model_validate_json(body).to_event()

            assert f"Authorization: Bearer {key}".encode() in head
            assert f"Content-Length: {len(body)}".encode() in head
            assert len(event.lines) == assortment.LINES

    def test_are_all_different_sales(self, row: sales.Sales) -> None:
        bodies = [json.loads(row.next().split(b"\r\n\r\n")[1]) for _ in range(50)]

        assert len({(b["store"], b["till"], b["sequence"]) for b in bodies}) == 50
        fiscal = [tuple(b["fiscal"].values()) for b in bodies if "fiscal" in b]
        assert 0 < len(fiscal) == len(set(fiscal)) < 50

    def test_come_mostly_from_regulars(self, row: sales.Sales) -> None:
        cards = Counter(json.loads(row.next().split(b"\r\n\r\n")[1])["card"] for _ in range(500))

        regulars = sum(cards[assortment.card(n)] for n in (1, 2))
        assert 350 < regulars < 450
        assert set(cards) <= {assortment.card(n) for n in range(1, 101)}


class TestTheAssortment:
    def test_is_the_same_every_time(self) -> None:
        assert list(assortment.campaigns(20)) == list(assortment.campaigns(20))
        assert assortment.baskets(5) == assortment.baskets(5)

    def test_has_campaigns_that_an_office_may_publish(self) -> None:
        document = assortment.programmes()[assortment.PROGRAMME]
        known = Known(
            parties={name: party["kind"] for name, party in assortment.parties().items()},
            programmes={assortment.PROGRAMME: compile_programme(assortment.PROGRAMME, document, 1)},
        )
        for campaign in (*assortment.campaigns(9), *assortment.drafts().values()):
            assert validate(campaign, known).campaign == campaign["campaign"]

    def test_touches_three_campaigns_with_an_average_basket(self) -> None:
        skus = Counter(
            sku
            for campaign in assortment.campaigns(1_000)
            if "what" in campaign
            for sku in campaign["what"]["skus"]
        )
        baskets = assortment.baskets()
        fired = [1 + sum(skus[line.sku] for line in basket.lines) for basket in baskets]
        assert 2.8 < sum(fired) / len(fired) < 3.2


class TestEvaluation:
    def test_fires_three_campaigns_of_many_and_says_why(self) -> None:
        run = rules.evaluation(rules.rulebook(100))

        assert [fired for fired, _ in run()] == [True] * 3
        assert all(because for _, because in run())

    def test_fires_none_where_there_are_none(self) -> None:
        assert rules.evaluation(rules.rulebook(0))() == []

    def test_has_an_anchor_that_finds_three_rows(self) -> None:
        pytest.importorskip("zen")
        find = rules.anchor(100)
        assert find is not None
        assert [row.get("points") for row in find()] == [1, 2, 3, *[None] * 5]

    def test_is_timed_by_the_median(self) -> None:
        calls: list[int] = []
        assert rules.median_us(lambda: calls.append(1), 0.01) >= 0
        assert calls


class TestReadingPgbench:
    SAID = (
        "number of transactions actually processed: 100\n"
        "number of failed transactions: {failed} (0.000%)\n"
        "latency average = 5.6 ms\ntps = 5786.497487 (without initial connection time)\n"
    )

    def test_finds_the_rate(self) -> None:
        assert anchors.rate(self.SAID.format(failed=0)) == 5786.497487

    @pytest.mark.parametrize("said", [SAID.format(failed=3), "", "tps = none"])
    def test_refuses_failed_transactions_and_silence(self, said: str) -> None:
        with pytest.raises(AnchorFailed):
            anchors.rate(said)


class TestTheClient:
    def test_summarises_by_the_least_that_99_of_100_do_not_exceed(self) -> None:
        latencies = [float(n) for n in range(1, 101)]
        random.Random(3).shuffle(latencies)

        assert client.summary(latencies) == {"p50_ms": 50.0, "p99_ms": 99.0, "max_ms": 100.0}
        assert client.summary([7.0]) == {"p50_ms": 7.0, "p99_ms": 7.0, "max_ms": 7.0}
        assert client.summary([]) == {"p50_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0}

    def test_knows_when_an_answer_is_whole(self) -> None:
        answer = b"HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nabc"

        assert client.is_whole(answer)
        assert not any(client.is_whole(answer[:n]) for n in range(len(answer)))

    def test_reads_the_order_that_was_written(self, tmp_path: Path) -> None:
        order = client.Order(
            folder=str(tmp_path), host="127.0.0.1", port=1, connections=2, rate=10.0, warm_up_s=0.0,
            seconds=1.0, mix=sales.Mix(10, "2026-11-22", 1),
        )  # fmt: skip
        assert client.Order.parse(order.to_json()) == order
        assert json.loads(order.to_json()) == asdict(order)

    async def test_charges_a_stall_to_everyone_who_had_to_wait(self, tmp_path: Path) -> None:
        """All 64 connections are busy for 50 ms at a time; 256 sales are meant for the first 100 ms."""
        async with slow_service() as url:
            load = await asyncio.to_thread(
                driver(tmp_path).pace, url, 2_560.0, warm_up_s=0.0, seconds=0.1
            )

        assert load.requests == 256
        assert load.max_ms > 4 * 50 - 100

    async def test_sends_the_next_sale_when_one_is_answered_where_no_rate_is_given(
        self, tmp_path: Path
    ) -> None:
        async with slow_service() as url:
            load = await asyncio.to_thread(driver(tmp_path).flood, url, 0.52)

        assert 64 < load.requests <= 64 * 11

    async def test_gives_no_figure_for_sales_that_were_not_recorded(self, tmp_path: Path) -> None:
        async with slow_service("422 Unprocessable Content") as url:
            with pytest.raises(LoadFailed, match="were not answered 201"):
                await asyncio.to_thread(driver(tmp_path).flood, url, 0.2)


class TestProcessorTime:
    def test_grows_with_work_of_descendants(self) -> None:
        before = processor.used_s(os.getpid())
        if before is None:
            pytest.skip("only Linux tells")
        work = "import time\nwhile time.process_time() < 0.2: pass"
        subprocess.run([sys.executable, "-I", "-S", "-c", work], check=True)
        after = processor.used_s(os.getpid())

        assert after is not None
        assert after - before > 0.15

    def test_is_unknown_for_a_process_that_has_ended(self) -> None:
        ended = subprocess.Popen([sys.executable, "-I", "-S", "-c", ""])
        ended.wait()

        assert processor.used_s(ended.pid) is None


def driver(folder: Path) -> Driver:
    sales.write_parts(folder, [sales.Till("s", "1", "k")], assortment.baskets(1))
    return Driver(folder, members=10, business_day="2026-11-22", wrk=None)


@asynccontextmanager
async def slow_service(status: str = "201 Created") -> AsyncIterator[str]:
    """Answers everything after 50 ms."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await _head(reader)):
            length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            await asyncio.sleep(0.05)
            writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}".encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
