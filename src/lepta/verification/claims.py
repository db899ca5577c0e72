"""Names under which events are recorded once: what the log says they are, and table `idempotency`."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import asyncpg
import orjson

from lepta.processing.beside import Beside
from lepta.processing.canonical import canonical
from lepta.processing.recognition import REFUSALS
from lepta.processing.state import FISCAL, HEADER, NATURAL, Claim, fiscal_claim, till_key
from lepta.processing.store import header_digest
from lepta.verification.invariants import Check
from lepta.verification.report import Faults
from lepta.verification.source import SHARD, batches

READ_CLAIMS = "SELECT scope, key, log_index, refusal, digest FROM idempotency WHERE shard = $1"
READ_NAMED = "SELECT log_index, leaf, beside FROM event WHERE shard = $1 AND log_index = ANY($2)"
READ_RANGE = """
    SELECT log_index, leaf, beside FROM event
    WHERE shard = $1 AND log_index >= $2 AND log_index < $3
"""
FIND_CLAIMS = """
    SELECT i.scope, i.key, i.log_index
    FROM unnest($2::smallint[], $3::bytea[]) AS k (scope, key)
    JOIN idempotency i ON i.shard = $1 AND i.scope = k.scope AND i.key = k.key
"""
FINGERPRINT_BYTES = 16
MASK = (1 << 8 * FINGERPRINT_BYTES) - 1
SCOPES = {NATURAL: "natural key", FISCAL: "fiscal key", HEADER: "request header"}
RANGE = 4_096


def claims_in(
    till: list[Any], basket: dict[str, Any], void: int | None = None
) -> Sequence[tuple[int, bytes]]:
    """The natural and, where there is one, the fiscal key of a recorded sale, each with its scope. Where its `void` came
    first, that has the natural key.

    The same as `claims_of`, which wants a whole event; this runs for every leaf.
    """
    store, name, day, sequence = till
    natural = [(NATURAL, till_key(f"c/{store}/{name}/{day}", sequence))] if void is None else []
    fiscal = basket.get("fiscal")
    return [*natural, fiscal_claim(*fiscal)] if fiscal else natural


def claims_in_act(
    kind: str, till: list[Any] | None, about: Sequence[int]
) -> Sequence[tuple[int, bytes]]:
    """The natural key of a recorded act, if a till gave it one, with its scope; and that of the sale which a void is
    about that came first.
    """
    if till is None:
        return ()
    store, name, day, sequence = till
    names = [kind[0], "c"] if kind == "void" and not about else [kind[0]]
    return [(NATURAL, till_key(f"{one}/{store}/{name}/{day}", sequence)) for one in names]


def fingerprint(secret: bytes, scope: int, key: bytes, log_index: int) -> int:
    """A number by which sets of claims are compared without an order: add them up.

    Keyed with a secret of this run, so that nobody can make up rows whose sum is right.
    """
    data = b"%d/%d/%b" % (scope, log_index, key)
    return int.from_bytes(blake2b(data, digest_size=FINGERPRINT_BYTES, key=secret).digest())


async def check_claims(
    connection: asyncpg.Connection, secret: bytes, size: int, faults: Faults
) -> tuple[int, int]:
    """Check every row by itself; (how many are natural or fiscal keys, the sum of their fingerprints)."""
    count = total = 0
    async for rows in batches(connection, READ_CLAIMS, SHARD):
        for scope, key, log_index, refusal, digest in rows:
            if scope == HEADER:
                _check_header(Claim(scope, key), log_index, refusal, digest, size, faults)
            elif scope in SCOPES and log_index is not None and refusal == digest == b"":
                count += 1
                total += fingerprint(secret, scope, key, log_index)
            else:
                what = "is not a claim that this ledger makes"
                faults.add(Check.CLAIMS, shown(Claim(scope, key)), what)
    return count, total & MASK


def _check_header(  # noqa: PLR0917 - a row
    claim: Claim,
    log_index: int | None,
    refusal: bytes | None,
    digest: bytes | None,
    size: int,
    faults: Faults,
) -> None:
    if digest != header_digest(claim, log_index, refusal or b""):
        faults.add(Check.CLAIMS, shown(claim), "does not match its digest")
    elif refusal is None or (log_index is None) == (not refusal):
        faults.add(Check.CLAIMS, shown(claim), "names both or neither of an event and a refusal")
    elif log_index is not None and not 0 <= log_index < size:
        faults.add(Check.CLAIMS, shown(claim), f"names event {log_index}, which is not in the log")
    elif refusal and not _is_refusal(refusal):
        faults.add(Check.CLAIMS, shown(claim), "holds something that is no stored refusal")


def _is_refusal(data: bytes) -> bool:
    try:
        document = orjson.loads(data)
        is_canonical = canonical(document) == data
        codes = {refusal.code for refusal in REFUSALS}
        return is_canonical and document["code"] in codes and len(document["request"]) == 64
    except (ValueError, TypeError, KeyError):
        return False


def shown(claim: Claim) -> str:
    """A claim's row, for people."""
    scope = SCOPES.get(claim.scope, f"scope {claim.scope}")
    return f"idempotency {scope} {claim.key.hex()}"


async def name_differences(connection: asyncpg.Connection, size: int, faults: Faults) -> None:
    """Say which natural and fiscal keys are missing, wrong or made up. Slow: only where sums differ."""
    for start in range(0, size, RANGE):
        events = await connection.fetch(READ_RANGE, SHARD, start, start + RANGE)
        wanted = {claim: index for index, claim in _claims_of(events)}
        scopes, keys = [c.scope for c in wanted], [c.key for c in wanted]
        rows = await connection.fetch(FIND_CLAIMS, SHARD, scopes, keys)
        found = {Claim(scope, key): index for scope, key, index in rows}
        for claim, index in wanted.items():
            if claim not in found:
                faults.event(Check.CLAIMS, index, f"its {shown(claim)} is missing")
            elif found[claim] != index:
                what = f"its {shown(claim)} names event {found[claim]}"
                faults.event(Check.CLAIMS, index, what)
    await _name_strangers(connection, faults)


async def _name_strangers(connection: asyncpg.Connection, faults: Faults) -> None:
    async for rows in batches(connection, READ_CLAIMS, SHARD):
        held = [(Claim(scope, key), index) for scope, key, index, *_ in rows if scope != HEADER]
        named = [index for _, index in held if index is not None]
        events = await connection.fetch(READ_NAMED, SHARD, named)
        known = {(claim, index) for index, claim in _claims_of(events)}
        for claim, index in held:
            if index is not None and (claim, index) not in known:
                faults.add(Check.CLAIMS, shown(claim), f"is not a key of event {index}")


def _claims_of(events: list[asyncpg.Record]) -> Iterator[tuple[int, Claim]]:
    """Of what cannot be read nothing; that is a fault of its own."""
    for index, leaf, beside in events:
        try:
            document = orjson.loads(leaf)
            named: Sequence[tuple[int, bytes]] = ()
            if document["kind"] == "checkout":
                content = orjson.loads(Beside(beside).content)
                void = document.get("void")
                named = claims_in(document["till"], content["basket"], void)
            elif document["kind"] != "rulebook":
                about = document.get("about", ())
                named = claims_in_act(document["kind"], document.get("till"), about)
            for scope, key in named:
                yield index, Claim(scope, key)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
