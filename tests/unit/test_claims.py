"""Names under which a sale is recorded once: 16 bytes, others for whatever a till says otherwise."""

import make
from lepta.processing.events import Checkout
from lepta.processing.state import FISCAL, HEADER, NATURAL, Claim, claims_of

FISCAL_DOCUMENT = {"fn": "9999078900001234", "i": 7, "fp": "26"}


def sale(**more: object) -> Checkout:
    return make.checkout(**{"fiscal": FISCAL_DOCUMENT, **more})


def test_a_sale_is_named_by_its_header_its_natural_key_and_its_fiscal_document() -> None:
    claims = claims_of(sale(), "header")
    assert [claim.scope for claim in claims] == [HEADER, NATURAL, FISCAL]
    assert {len(claim.key) for claim in claims} == {16}
    assert claims == claims_of(sale(), "header")


def test_whatever_is_said_otherwise_makes_another_natural_key() -> None:
    others: tuple[dict[str, object], ...] = (
        {}, {"store": "nsk-08"}, {"till": "4"}, {"business_day": "2026-11-23"}, {"sequence": 1188},
        {"sequence": 1187 + 2**32}, {"sequence": 2**53 - 1}, {"store": "nsk-07-3", "till": "1"},
    )  # fmt: skip
    claims: set[Claim] = {claims_of(sale(**other))[0] for other in others}
    assert len(claims) == len(others)


def test_whatever_is_said_otherwise_makes_another_fiscal_key() -> None:
    others: tuple[dict[str, object], ...] = (
        {},
        {"fn": "9999078900001235"},
        {"i": 8},
        {"i": 7 + 2**32},
        {"fp": "27"},
    )
    documents = [{**FISCAL_DOCUMENT, **other} for other in others]
    claims = {claims_of(sale(fiscal=document))[1] for document in documents}
    assert len(claims) == len(others)


def test_neighbours_in_a_tills_row_are_neighbours_in_the_index() -> None:
    keys = [claims_of(sale(sequence=n))[0].key for n in (254, 255, 256, 257)]
    assert keys == sorted(keys)
    assert len({key[:12] for key in keys}) == 1
