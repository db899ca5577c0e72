"""Saving and reading parties and stores."""

from dataclasses import asdict, replace

from lepta.db import Database, Tx
from lepta.errors import InvalidRequest
from lepta.parties import store as sql
from lepta.parties.tables import Party, Store, party, store
from lepta.revisions import Expected, NotFound, Saved, bump, lock, write

KINDS = ("retailer", "supplier", "charity", "beneficiary", "agency")
FUNDERS = frozenset({"retailer", "supplier", "agency"})
"""Who may pay for what a campaign gives."""
BENEFICIARIES = frozenset({"charity", "beneficiary"})
"""Who may get it."""


async def put_party(db: Database, record: Party, expected: Expected) -> Saved:
    """Create or replace a party; one that gets donations may be closed."""
    if record.closed_on is not None and record.kind not in BENEFICIARIES:
        reason = "only a charity or a beneficiary closes to donations: leave it out"
        raise InvalidRequest([{"path": "closed_on", "reason": reason}])
    async with db.begin() as tx:
        old = await lock(tx, party, record.id, expected)
        if old is not None:
            await _keep_kind(tx, record)
        saved = await write(tx, party, asdict(record), old)
        await bump(tx, "party")
    return saved


async def _keep_kind(tx: Tx, record: Party) -> None:
    """A party that something was built or booked on stays what it is: what it is owed or owes depends on it."""
    kind = (await sql.kinds(tx, [record.id]))[record.id]
    user = None if kind == record.kind else await sql.user_of(tx, record.id)
    if user is not None:
        reason = (
            f"must stay {kind}: {user}; create a party of the other kind under an id of its own"
        )
        raise InvalidRequest([{"path": "kind", "reason": reason}])


async def get_party(db: Database, party_id: str) -> tuple[Party, int]:
    """A party and its revision."""
    async with db.read() as tx:
        found = await sql.find_party(tx, party_id)
    if found is None:
        raise NotFound("party", party_id)
    return found


async def put_store(db: Database, record: Store, expected: Expected) -> tuple[Store, Saved]:
    """Create or replace a store; returns it with what was left out filled in."""
    async with db.begin() as tx:
        old = await lock(tx, store, record.id, expected)
        whole = await _filled_in(tx, record)
        saved = await write(tx, store, asdict(whole), old)
        await bump(tx, "store")
    return whole, saved


async def get_store(db: Database, store_id: str) -> tuple[Store, int]:
    """A store and its revision."""
    async with db.read() as tx:
        found = await sql.find_store(tx, store_id)
    if found is None:
        raise NotFound("store", store_id)
    return found


async def _filled_in(tx: Tx, record: Store) -> Store:
    """The store with its programme and currency; refuses an unknown retailer or programme."""
    faults = []
    kind = (await sql.kinds(tx, [record.retailer])).get(record.retailer)
    if kind != "retailer":
        is_not = (
            "is not known: create that party first"
            if kind is None
            else f"is a {kind}, not a retailer"
        )
        faults.append({"path": "retailer", "reason": is_not})
    currencies = await sql.programme_currencies(tx, record.programme)
    if record.programme is not None and not currencies:
        faults.append({"path": "programme", "reason": "is not known: create that programme first"})
    elif record.programme is None and len(currencies) != 1:
        why = "several programmes exist" if currencies else "no programme exists yet"
        faults.append({"path": "programme", "reason": f"is required: {why}"})
    if faults:
        raise InvalidRequest(faults)
    programme_id, currency = next(iter(currencies.items()))
    return replace(record, programme=programme_id, currency=record.currency or currency)
