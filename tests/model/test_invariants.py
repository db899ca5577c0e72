"""Each of the ledger's thirty invariants, and what holds it while the model runs: a table that is itself checked.

`law`: a query of `tables.LAWS`, after each step, and by the bank's reader under load. `rule`: what the machine does to break
it; the model's answer and books say what had to come of it. `test`: a test elsewhere. Besides, what `lepta verify --replay`
checks of it is run at the end of each example (`lepta.verification.invariants`).
"""

import re
from pathlib import Path

from machine import Machine
from tables import LAWS

from lepta.verification.invariants import INVARIANTS, LATER

TESTS = Path(__file__).parents[1]
HELD: dict[int, tuple[str, ...]] = {
    1: ("law an asset's debits are its credits",),
    2: ("law a balance is the fold of its entries",),
    3: ("law a member's points are never below 0",),
    4: ("law an entry is of one asset",),
    5: ("rule sell", "rule bring_back_in_parts"),
    6: ("law a budget is not exceeded", "rule publish"),
    7: ("rule spend_what_was_earned",),
    8: ("rule send_again", "rule sell_by_fiscal", "test db/test_writer.py fifty_equal_sales_at_once"),
    9: ("rule sell_another_by_its_name",),
    10: ("rule send_again",),
    11: ("rule send_again", "rule publish"),
    12: ("rule crash", "test faults/test_crashes.py nothing_answered_is_lost"),
    13: ("law a hold ends once", "rule let_go", "rule capture"),
    14: ("rule bring_back", "rule bring_back_in_parts", "rule void"),
    15: ("rule bring_back", "rule publish"),
    16: ("law what a member has is what lies in lots", "law a lot is what was taken and what remains"),
    17: ("rule sell", "rule days_pass", "rule void"),
    18: ("rule tell_the_day", "rule days_pass"),
    19: ("rule void", "rule bring_back"),
    20: ("law the log has no gap",),
    22: ("test api/test_log.py the_last_checkpoint_covers",),
    23: ("test api/test_log.py a_checkpoint_covers_every_answered_sale",),
    24: ("test db/test_verification_bytes.py one_changed_byte_is_found",),
    25: ("test db/test_guards.py the_service_has_no_right_to_change_history",),
    27: ("rule from_now_on_in_batches", "test model/test_batch_splits.py any_batches_come_to_the_same"),
}  # fmt: skip


def _is_there(check: str) -> bool:
    kind, what = check.split(" ", 1)
    if kind == "law":
        return what in LAWS
    if kind == "rule":
        return hasattr(getattr(Machine, what, None), "hypothesis_stateful_rule")
    path, name = what.split(" ")
    return re.search(rf"def test_\w*{name}", (TESTS / path).read_text("utf-8")) is not None


def test_each_of_the_thirty_is_held_by_something_that_exists() -> None:
    assert [one.number for one in INVARIANTS] == list(range(1, 31))
    by_nobody = [
        one.number
        for one in INVARIANTS
        if one.number not in HELD and not one.checks and one.where != LATER
    ]
    assert by_nobody == []
    assert [check for checks in HELD.values() for check in checks if not _is_there(check)] == []


def test_each_law_is_of_some_invariant() -> None:
    named = {check for checks in HELD.values() for check in checks}
    assert {f"law {law}" for law in LAWS} <= named
