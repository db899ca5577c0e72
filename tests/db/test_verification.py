"""Verification of a whole ledger: clean where it is, and no lie about it goes unnoticed."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from small_ledger import (
    Ledgers,
    connected,
    create,
    drop,
    ledgers,  # noqa: F401 - a fixture
    open_till,
    signing,
    tampered,
)

from lepta.ledger.entries import Code
from lepta.log.merkle import Frontier
from lepta.processing.beside import Beside, pack
from lepta.processing.canonical import canonical
from lepta.processing.leaf import Leaf
from lepta.processing.state import HEADER, claims_of
from lepta.schema import migrate
from lepta.verification import verify as module
from lepta.verification.claims import claims_in
from lepta.verification.invariants import INVARIANTS, LATER, Check
from lepta.verification.verify import faults, verify
from make import checkout, line

Document = dict[str, Any]


@pytest.fixture
def ledger(ledgers: Ledgers) -> Ledgers:  # noqa: F811
    return ledgers


async def late_sale(ledger: Ledgers, having: str) -> int:
    """A sale late in the log whose leaf or outcome has such a list."""
    async with connected(ledger.original) as connection:
        rows = await connection.fetch(
            "SELECT log_index, leaf, beside FROM event WHERE kind = 2 ORDER BY log_index DESC"
        )
    leaves = [
        (int(n), Leaf(leaf, Beside(beside).content).document) for n, leaf, beside in rows[10:]
    ]
    return next(i for i, leaf in leaves if having in leaf or having in leaf.get("outcome", ()))


async def test_a_ledger_of_every_sort_of_event_is_clean(ledger: Ledgers) -> None:
    report = await verify(ledger.original, replay=True)
    assert list(report.lines()) == []
    assert report.clean
    assert report.events == report.replayed == 354
    assert report.checkpoint is not None


async def test_what_the_tests_ledger_holds_is_enough_to_be_wrong_about(ledger: Ledgers) -> None:
    async with connected(ledger.original) as connection:
        values = await connection.fetch("SELECT beside FROM event WHERE kind = 2")
        contents = [orjson.loads(Beside(value).content) for (value,) in values]
        assert len([content for content in contents if "entries" in content]) == 1
        assert (
            await connection.fetchval("SELECT count(*) FROM lot WHERE isfinite(available_on)") == 1
        )
        assert (
            await connection.fetchval("SELECT count(*) FROM idempotency WHERE refusal <> ''") == 1
        )
        assert await connection.fetchval("SELECT count(*) FROM budget WHERE used = granted") > 0
        counters = await connection.fetch("SELECT counter FROM usage")
        assert {"visits", "visit", "once"} <= {counter.split("|")[1] for (counter,) in counters}
        assert await connection.fetchval("SELECT count(*) FROM lot_allocation") > 20
        assert await connection.fetchval("SELECT count(*) FROM tile") == 1


async def test_sequences_that_a_till_left_out_are_told_but_are_no_faults(ledger: Ledgers) -> None:
    report = await verify(ledger.original)
    assert "151 of the sequences 1 to 335 are missing" in report.notes[0]
    assert report.clean


async def test_an_empty_ledger_is_clean_and_so_is_one_of_one_event(ledger: Ledgers) -> None:
    address = await create(ledger.server, "fresh")
    try:
        await migrate(address)
        report = await verify(address, replay=True)
        assert (report.clean, report.events, report.root) == (True, 0, Frontier().root())
        assert "no checkpoint" in report.notes[0]
        async with connected(address) as connection:
            await connection.execute(
                "INSERT INTO party (id, kind, name) VALUES ('r', 'retailer', '\"R\"');"
                "INSERT INTO programme (id, document) VALUES ('club', '{}');"
                "INSERT INTO store (id, retailer, time_zone, currency, language, programme)"
                " VALUES ('nsk-07', 'r', 'Asia/Novosibirsk', 'RUB', 'ru', 'club')"
            )
        async with open_till(address) as till:
            await till.sell()
        assert await faults(address) == []
    finally:
        await drop(ledger.server, "fresh")


async def test_several_processes_find_what_one_finds(
    ledger: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RANGE", 64)
    report = await verify(ledger.original, replay=True, workers=2)
    assert (report.clean, report.events, report.replayed) == (True, 354, 354)
    async with tampered(ledger.server, ledger.original.database) as copy:
        await copy.connection.execute(
            "UPDATE entry SET amount = amount + 1 WHERE log_index = 200 AND leg = 0"
        )
        await copy.connection.execute(
            "UPDATE event SET beside = set_byte(beside, 9, 255 - get_byte(beside, 9)) WHERE log_index = 100"
        )
        alone = await verify(copy.address, replay=True, workers=1)
        assert (await verify(copy.address, replay=True, workers=2)).faults == alone.faults
        assert [str(fault.place) for fault in alone.faults] == [
            "event 100",
            "event 200",
            "event 100",
        ]


async def test_progress_ends_with_all_events(ledger: Ledgers) -> None:
    seen: list[tuple[int, int]] = []
    await verify(ledger.original, progress=lambda done, of: seen.append((done, of)))
    assert seen[-1] == (354, 354)


@pytest.mark.parametrize("table", [
    "event", "entry", "account", "lot_allocation", "tile", "rulebook", "asset",
    "account_balance", "lot", "budget", "usage", "supporter", "standing", "log_head",
])  # fmt: skip
@pytest.mark.edge_case(64)
async def test_a_row_taken_away_is_missed(ledger: Ledgers, table: str) -> None:
    async with tampered(ledger.server, ledger.original.database) as copy:
        await copy.connection.execute(
            f"DELETE FROM {table} WHERE ctid = (SELECT max(ctid) FROM {table})"
        )
        assert await copy.faults()


async def test_a_natural_key_taken_away_is_missed_and_its_event_named(ledger: Ledgers) -> None:
    async with tampered(ledger.server, ledger.original.database) as copy:
        await copy.connection.execute("DELETE FROM idempotency WHERE scope = 1 AND log_index = 200")
        [fault] = await copy.faults()
        assert fault.startswith("event 200: its idempotency natural key")
        assert fault.endswith("is missing")


@pytest.mark.parametrize(("table", "changes"), [
    ("event", "log_index = 354"), ("entry", "leg = 9"), ("account", "id = 900, ref = 'x'"), ("asset", "id = 9, name = 'EUR'"),
    ("lot_allocation", "seq = 9"), ("idempotency", "key = sha256('c/x'), scope = 1, log_index = 5"),
    ("idempotency", "scope = 7"), ("tile", "n = 7"), ("rulebook", "number = 9, digest = change"),
    ("account_balance", "account = 900"), ("lot", "leg = 9"), ("budget", "counter = 'x|units'"),
    ("usage", "counter = 'x|card|y'"), ("supporter", "fund = 99"), ("standing", "fund = 'x'"),
    ("checkpoint", "size = 100"), ("log_head", "shard = 1"),
])  # fmt: skip
async def test_a_row_made_up_is_found(ledger: Ledgers, table: str, changes: str) -> None:
    async with tampered(ledger.server, ledger.original.database) as copy:
        await copy.connection.execute(
            f"CREATE TEMP TABLE one AS SELECT * FROM {table} WHERE ctid = (SELECT min(ctid) FROM {table});"
            f"UPDATE one SET {changes}; INSERT INTO {table} SELECT * FROM one"
        )
        assert await copy.faults()


async def test_two_events_in_each_others_place_are_both_named(ledger: Ledgers) -> None:
    async with tampered(ledger.server, ledger.original.database) as copy:
        await copy.connection.execute(
            "UPDATE event SET log_index = 9000 WHERE log_index = 100;"
            "UPDATE event SET log_index = 100 WHERE log_index = 101;"
            "UPDATE event SET log_index = 101 WHERE log_index = 9000"
        )
        found = await copy.faults()
        assert found[0] == "event 100: leaf names another version, shard or index"
        assert "event 101: leaf names another version, shard or index" in found


async def cut_off(copy: Any, size: int) -> None:
    """Everything beyond `size` events gone, with a head that says so."""
    for table in ("event", "entry", "lot_allocation", "idempotency"):
        await copy.connection.execute(f"DELETE FROM {table} WHERE log_index >= $1", size)
    await copy.rebuild_tree(size)


async def test_a_tail_cut_off_is_what_the_checkpoint_is_for(ledger: Ledgers) -> None:
    async with tampered(ledger.server, ledger.original.database) as copy:
        await cut_off(copy, 353)
        found = await copy.faults()
        assert "checkpoint size 354: signed for 354 events, but the log has only 353" in found


async def test_a_rewritten_tail_needs_a_checkpoint_from_elsewhere_once_ours_is_gone(
    ledger: Ledgers,
) -> None:
    sale = await late_sale(ledger, "rulebook")
    elsewhere = (await verify(ledger.original)).checkpoint
    async with tampered(ledger.server, ledger.original.database) as copy:
        await copy.rewrite(sale, lambda sale: sale.update(request=bytes(16)))
        await copy.rebuild_tree(354)
        [fault] = await copy.faults()
        assert (
            fault == "checkpoint size 354: the first 354 events have another root than was signed"
        )
        await copy.connection.execute("DELETE FROM checkpoint WHERE size = 354")
        assert await copy.faults(replay=True) == []
        [fault] = await copy.faults(checkpoint=elsewhere)
        assert (
            fault == "the given checkpoint: the first 354 events have another root than was signed"
        )


async def test_a_checkpoint_of_another_log_is_not_taken(ledger: Ledgers) -> None:
    async with tampered(ledger.server, ledger.original.database) as copy:
        await copy.connection.execute("DELETE FROM checkpoint; UPDATE log_head SET vkey = NULL")
        async with signing(copy.address, ledger.key_file.with_name("other.key")) as witness:
            foreign = (await witness.checkpoint()).note
    [fault] = [str(f) for f in (await verify(ledger.original, checkpoint=foreign)).faults]
    assert fault.startswith("the given checkpoint: ")
    [fault] = [str(f) for f in (await verify(ledger.original, checkpoint=b"not one")).faults]
    assert fault.startswith("the given checkpoint: ")


def spend_more(leaf: Document) -> None:
    leaf["entries"][0][2] += 100_000


def take_from_the_wrong_lot(leaf: Document) -> None:
    leaf["spent"][0][0] += 1


def take_from_another_issuers_lot(leaf: Document) -> None:
    leaf["spent"][0][4] += 1


def owe_another_party(leaf: Document) -> None:
    leaf["entries"].append([1, 2, 10, int(Code.CLEAR)])


def use_more(leaf: Document) -> None:
    leaf["used"] = [["hunter-forest|units", 1_000_000]]


def give_less(leaf: Document) -> None:
    leaf["outcome"]["donations"][0][5][0][1] -= 1


def earn_without_booking(leaf: Document) -> None:
    leaf["outcome"]["points"][0] += 1


def move_nothing(leaf: Document) -> None:
    leaf["entries"][0][2] = 0


def name_another_rulebook(leaf: Document) -> None:
    leaf["rulebook"] += 1


@pytest.mark.parametrize(("change", "having", "check"), [
    (spend_more, "spent", Check.LIMITS), (take_from_the_wrong_lot, "spent", Check.LOTS),
    (take_from_another_issuers_lot, "spent", Check.LOTS), (owe_another_party, "spent", Check.CLEARING),
    (use_more, "entries", Check.BUDGETS), (give_less, "donations", Check.SHARES),
    (earn_without_booking, "lots", Check.SHARES), (move_nothing, "entries", Check.ENTRIES),
    (name_another_rulebook, "entries", Check.RULEBOOKS),
])  # fmt: skip
async def test_a_leaf_that_breaks_an_invariant_is_named_though_its_hash_is_right(
    ledger: Ledgers, change: Callable[[Document], None], having: str, check: Check
) -> None:
    sale = await late_sale(ledger, having)
    async with tampered(ledger.server, ledger.original.database) as copy:
        await copy.rewrite(sale, change)
        report = await verify(copy.address, workers=1)
        found = [fault for fault in report.faults if fault.check is check]
        assert found, list(report.lines())
        assert found[0].place == f"event {sale}"


async def test_only_deciding_again_finds_a_decision_that_adds_up_but_is_wrong(
    ledger: Ledgers,
) -> None:
    def explain_otherwise(leaf: Document) -> None:
        leaf["outcome"]["why"][0][2] += 1

    sale = await late_sale(ledger, "lots")
    async with tampered(ledger.server, ledger.original.database) as copy:
        await copy.rewrite(sale, explain_otherwise)
        await copy.rebuild_tree(354)
        await copy.connection.execute("DELETE FROM checkpoint WHERE size = 354")
        assert await copy.faults() == []
        [fault] = await copy.faults(replay=True)
        assert fault.startswith(f"event {sale}: deciding again gives another outcome.why")


JUNK: list[Any] = [
    None,
    True,
    -1,
    0,
    2**62,
    2**63,
    1.5,
    "",
    "x",
    "2026-13-45",
    [],
    [[]],
    [None],
    {},
    {"a": 1},
    "\x00",
]


def mutilate(node: Any, dice: random.Random) -> Any:
    """The document with something in it replaced by junk."""
    if isinstance(node, dict | list) and node and dice.random() < 0.85:
        key = dice.choice(list(node) if isinstance(node, dict) else range(len(node)))
        node[key] = mutilate(node[key], dice)
        return node
    return dice.choice(JUNK)


def spoilt(column: str, data: bytes, dice: random.Random) -> bytes:
    """What stands there with junk in it, or no JSON at all."""
    lying = Beside(data) if column == "beside" else None
    said = lying.content if lying else data
    wrong = canonical(mutilate(orjson.loads(said), dice)) if dice.random() < 0.9 else b"\xff{"
    return pack(lying.salt, lying.request, wrong) if lying else wrong


@pytest.mark.parametrize("column", ["leaf", "beside", "change", "refusal"])
async def test_whatever_stands_there_is_a_fault_and_never_a_crash(
    ledger: Ledgers, column: str
) -> None:
    dice = random.Random(column)
    table = {"change": "rulebook", "refusal": "idempotency"}.get(column, "event")
    async with tampered(ledger.server, ledger.original.database) as copy:
        where = f"{column} IS NOT NULL AND length({column}) > 0"
        query = f"SELECT ctid::text, tableoid::regclass::text, {column} FROM {table} WHERE {where}"
        rows = [tuple(row) for row in await copy.connection.fetch(query)]
        for _ in range(60):
            n = dice.randrange(len(rows))
            place, part, data = rows[n]
            wrong = spoilt(column, data, dice)
            if wrong == data:
                continue
            update = (
                f"UPDATE {part} SET {column} = $1 WHERE ctid = $2::text::tid RETURNING ctid::text"
            )
            moved = await copy.connection.fetchval(update, wrong, place)
            assert await copy.faults(replay=True), wrong
            rows[n] = (await copy.connection.fetchval(update, data, moved), part, data)


def test_claims_read_from_a_leaf_are_those_that_the_event_made() -> None:
    sale = checkout(lines=[line()], fiscal={"fn": "9999", "i": 7, "fp": "26"})
    till = [sale.key.store, sale.key.till, str(sale.key.business_day), sale.key.sequence]
    made = [tuple(claim) for claim in claims_of(sale, "header") if claim.scope != HEADER]
    assert claims_in(till, orjson.loads(sale.basket)) == made


def test_every_invariant_is_listed_once_and_every_check_holds_one() -> None:
    assert [invariant.number for invariant in INVARIANTS] == list(range(1, 31))
    assert all(invariant.checks or invariant.where for invariant in INVARIANTS)
    held = {check for invariant in INVARIANTS for check in invariant.checks}
    assert held == set(Check)
    assert not any(invariant.checks for invariant in INVARIANTS if invariant.where == LATER)


async def test_a_lost_connection_is_no_fault_of_the_ledger(ledger: Ledgers) -> None:
    with pytest.raises(FileNotFoundError):
        await verify(replace(ledger.original, host="/nowhere"))
