"""The 67 edge cases that Lepta is measured by: what each is about, and which comes with a later part.

A test that shows one says so: `@pytest.mark.edge_case(12)`, several numbers where it shows several. `edge_table` gathers them.
`python tests/edge_cases.py` writes docs/edge-cases.md anew.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "edge-cases.md"

TITLES = {
    1: "The same event again: the same answer, nothing new written",
    2: "The same key for another event: 422, nothing written; a refusal uses up no natural key",
    3: "Tried again under a new key: known by the till's own number or the fiscal document",
    4: "Committed twice: the second gets the answer of the first",
    5: "A sale, then its void: reversed whole, for good; sent again: the stored answer, marked voided",
    6: "The void comes before its sale: the sale is recorded and reversed at once",
    7: "A hold ends while its checkout is under way: decided in one step, never released and spent",
    8: "Two tills spend one card at once: never more than its balance",
    9: "Basket changed or quote expired: 409 quote-stale",
    10: "Service down: the till queues the sale, the points come later",
    11: "Crash between commit and answer: the retry finds the stored outcome",
    12: "A hold's key used again for another basket: refused",
    13: "Many partial returns: the last closes exactly",
    14: "More brought back than bought, or a line twice: refused, with what is left",
    15: "Returned after the points were spent: a debt, or a recorded shortfall",
    16: "Return of a sale partly paid in points: the same lots, their own expiry",
    17: "A return goes below a threshold: prorated or judged again, never both",
    18: "One line comes back of a basket that was given something whole: its own share only",
    19: "A return without its sale: on the list of exceptions, nothing reversed",
    20: "A return on another day, in another store, after the campaign: the sale's own rules",
    21: "Return and sale on one receipt: two events, earning on what was bought",
    22: "Voided lines: no points",
    23: "An amount shared by lines: largest remainder, adding up exactly",
    24: "No points for what points paid, rewards, gift cards or donations, unless a campaign says so",
    25: "Points per full amount: base, unit and rounding are said; a split line changes nothing",
    26: "A line that does not divide by its units: its total is kept",
    27: "One product in two lines, and weighed goods: both legal",
    28: "Free and negative lines and totals: legal, earning never less than 0",
    29: "Before or after discounts is said; a total below the lines' sum is accepted and earned on",
    30: "Campaigns that overlap: one result, whatever the order they are stored in",
    31: "Many exclusive campaigns: bounded work, the same as by brute force",
    32: "10,000 campaigns, many cards: found by index, no slower",
    33: "100 tills race for the last of a budget: never over it",
    34: "A budget ends inside a basket: up to the cap or nothing, never another funder's",
    35: "Voided and returned sales give budget and usage back, once",
    36: "A campaign that gives nothing uses up no limit",
    37: "Holds reserve points only, no budgets",
    38: "Limits hold whatever the caller says",
    39: "An offline queue days later: rules and rates of the purchase, posted now, flagged",
    40: "A till's clock ahead or behind: 5 minutes tolerated, beyond that flagged, not lost",
    41: "Business day and calendar day, the hour that comes twice, time zones of stores",
    42: "Months added to the end of a month: never earlier than promised",
    43: "Which lot first: the one that ends first, of equal ones the oldest",
    44: "A lot ends while it is held: the hold keeps it, it expires on release",
    45: "A tier reached in this purchase: from the next sale on",
    46: "A campaign edited while a till has a quote: the quoted version holds",
    47: "Not activated: earns, cannot spend; blocked: neither; the sale goes on",
    48: "Two cards, merge, transfer, household: one card a sale, a merge is an event",
    49: "An anonymous sale claimed later: once, within a window",
    50: "A shopper erased: identity gone, totals intact, proofs still verify",
    51: "One reward claimed through two documents: used once",
    52: "Rounding up a whole total: nothing to give",
    53: "Rounding up: of what is due after points and discounts, before cash rounding; once a sale",
    54: "A donation line: no points, no discount touches it",
    55: "A donation by product and a partial return: goes back with the unit, the shopper's own by policy",
    56: "A return after the settlement with the fund: in the next one's figures",
    57: "The odd kopeck of a split: always the same funder's, and written down",
    58: "A share below one kopeck: gathered or rounded as said, equal to what is disclosed",
    59: "Fund closed or campaign over before a replay: the purchase's rules, the fallback fund",
    60: "A gift of points: at a stated rate, from the card to the fund, without expiry",
    61: "The shopper declines after a quote: no pressure in any text",
    62: "A matching cap reached: stopped exactly, no match promised that was not booked",
    63: "Entries sum to zero per asset, at every moment",
    64: "An altered or dropped entry: found by verify, the first bad place named",
    65: "A counterparty's file with rows extra, missing, twice, other amounts, dates, signs",
    66: "A file issued again with corrections",
    67: "A balance while a sale is held: available, held, pending, expiring apart",
}

LATER = {
    56: "comes with settlement",
    65: "comes with reconciliation",
    66: "comes with reconciliation",
}
"""What concerns parts that are not there yet. Nothing else may be without a test."""

DOES = {
    1: "The writer knows header, till's own number and fiscal document of every sale for ever, and answers with the stored outcome: 200, `Idempotency-Hit: true`, `replayed`.",
    2: "`idempotency-key-reused`. Two sales are equal as parsed, defaults filled in, `offline` left aside. A refusal claims its header alone.",
    3: "Each of the names leads to the sale; a new header is taken over as one more.",
    4: "There is one call, which records; again it is the first answer.",
    5: "Everything goes back whence it came, once. The sale sent again is its stored answer with `voided: true`.",
    6: "The void is kept under the sale's name; the sale is then recorded as void and gives nothing.",
    7: "One event decides: the hold is captured, or it is over and `redeem` has to do with what is free (`hold-ended`), or 409 with `redeemable`.",
    8: "Spending is decided under the log's lock; the loser gets 409 `insufficient-points` with what is left in `redeemable`.",
    9: "A quote names its basket's digest, rulebook and `valid_until`; anything else is 409 `quote-stale` with `because`.",
    10: "The till stores sales and sends them later, one by one or as a file; 503 says when to try again, and nothing counts twice.",
    11: "A commit whose answer was lost is looked up, never guessed; the retry gets the stored outcome.",
    12: "422 `idempotency-key-reused`; the first hold stays as it was.",
    13: "What went back so far is taken as if it had been one return, so the last part is the exact rest.",
    14: "422 `over-return`; `left` says by line what may still come back.",
    15: "The programme's `debt`: owed and paid by the next points, or down to 0 with the shortfall recorded.",
    16: "Points go back into the lots they came from; one that has ended is renewed by the programme's grace. Money by its share.",
    17: "A line takes back the share it was given; no rule is run again, unless the campaign says to judge it again.",
    18: "A line keeps the share of a basket's bonus that it was given; the other lines keep theirs.",
    19: "Recorded and flagged `unreferenced`, listed under `/v1/exceptions`; no points and no donations move.",
    20: "Back by the stored outcome of the sale, in any store of the retailer, whatever has changed since.",
    21: "A return and a sale under one number of the till (numbers are counted by kind of event); the sale earns on its own lines.",
    22: "A line and its negative twin cancel each other: nothing earned, nothing given, nothing to bring back.",
    23: "`money.allocate`: floors first, then one unit each to the largest remainders, of equal ones to the first.",
    24: "Only lines of kind `goods` earn, on what is left to pay; `base: gross` counts what points paid, too.",
    25: "`per_amount`, `per` and `rounding` of a campaign; lines of one product are added up before anything is rounded.",
    26: "Amounts of lines are what counts; units come back in parts of it, the last with the rest.",
    27: "Lines may name a product again; quantities have up to six decimals.",
    28: "Recorded; lines below 0 lessen what a campaign counts, never below nothing.",
    29: "Amounts are what the shopper pays, after discounts, with tax; what the total is below their sum is spread over the lines.",
    30: "Groups by name, in them by `order`, then by id: [stacking](rules/stacking.md).",
    31: "Each campaign is judged once, whatever its group does; compared with a plain definition of the language.",
    32: "Campaigns are found by store, product, segment and hour; cards and lots by index. Counts of visits are asserted.",
    33: "Counters under the log's lock, and a CHECK in the database; losers read `budget exhausted` in `explain`.",
    34: "`exhausted: partial` or `none`; a funder's own budget ends its share, and nobody pays for it.",
    35: "What goes back is free again, once, in the order of the log.",
    36: "Counters are used by what is given; a loser of a group uses none.",
    37: "A hold moves points from available to held and touches no counter.",
    38: "Tills cannot name campaigns or counts; a limit is judged when the sale is booked.",
    39: "Rulebook, tier and segments are those of the purchase's moment; the place in the log is now's; `late`.",
    40: "Beyond five minutes flagged `clock`, and recorded.",
    41: "The business day comes with the event and counts for limits and lots; hours are those of the store's clock.",
    42: "A month from 31 January is 1 March: the day after the month's last one, never before.",
    43: "The lot that ends first, of equal ones the oldest; one that never ends goes last.",
    44: "Points on hold may be spent after their last day by the sale that captures them; released, they expire.",
    45: "A sale has the tier that held before it; tiers that count in the sale itself are refused by name.",
    46: "Old rulebooks are kept and made again where need be; the quoted one decides until the quote expires.",
    47: "`card_status` and a sentence on the receipt; a redemption is refused online and a shortfall offline.",
    48: "`card` is one; merges and transfers are events of the log, and lots keep issuer and last day.",
    49: "`POST /v1/claims`, within the programme's days; a second claim by another card is refused.",
    50: "`DELETE /v1/members/{id}`: names, cards and contacts go; log, totals and proofs stay.",
    51: "One event captures a hold, claims a fiscal document, or is the first sale; the others are told.",
    52: "No offer is made, and an accepted gift of 0 books nothing.",
    53: "Of what is due after points and discounts; the till's rounding of cash comes later. One gift an offer.",
    54: "Kind `donation`: no campaign counts it, and neither points nor a lower total touch it.",
    55: "With its unit, by its funders' shares; `returns: keep` or `reverse` for the campaign, kept by default for an own gift.",
    57: "Largest remainder, of equal ones the funder named first: [funding](rules/funding.md).",
    58: "Worked out exactly and rounded once a sale, as `rounding` says: [rounding](rules/rounding.md). What is booked is what is told.",
    59: "The sale's day chooses the rules, the day of booking whether the fund is open: [fallback](rules/fallback.md).",
    60: "`money_rate` of the campaign; the points leave their lots, and their money is owed to the fund.",
    61: "Offers are one plain sentence; who declines reads what they would have read without one.",
    62: "The match stops at its budget; receipts tell what was booked.",
    63: "An entry has one debit, one credit, one asset; `lepta verify` adds all of them up.",
    64: "`lepta verify` names the first bad place, of a byte, a row, a leaf or a tail.",
    67: "`GET /v1/cards/{card}`: four figures that do not overlap, `expiring` of those available.",
}  # fmt: skip
"""What Lepta does, for docs/edge-cases.md."""

_HEAD = """\
# Edge cases

67 cases that break systems of this kind, what Lepta does, and the tests that show it. `make test` prints this table with
results, and fails where a case of what is there has no test that passed. A test holds this page to the tests.

| | case | here | shown by |
|---|---|---|---|
"""


def shown_by() -> dict[int, list[str]]:
    """By case, the tests that are marked with it, as `folder/file::test`."""
    found: dict[int, list[str]] = {number: [] for number in TITLES}
    for path in sorted(HERE.rglob("test_*.py")):
        for name, numbers in _marked(ast.parse(path.read_text(encoding="utf-8"))):
            for number in numbers:
                found.get(number, []).append(f"{path.relative_to(HERE).as_posix()}::{name}")
    return found


def _marked(tree: ast.Module) -> Iterator[tuple[str, list[int]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith(".edge_case"):
                    yield node.name, [ast.literal_eval(number) for number in mark.args]


def page() -> str:
    """docs/edge-cases.md."""
    tests = shown_by()
    rows = (
        f"| {number} | {title} | {DOES.get(number) or f'*{LATER[number]}*'} | {_cell(tests[number])} |"
        for number, title in TITLES.items()
    )
    return _HEAD + "\n".join(rows) + "\n"


def _cell(tests: list[str]) -> str:
    return "<br>".join(f"`{test}`" for test in tests) or "—"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
