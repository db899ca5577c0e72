"""The log as outsiders see it: checkpoints, tiles and proofs, checked with the published key alone."""

from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import text

import go_oracle
import make
from conftest import ClientFor
from lepta.db import Database
from lepta.log.checkpoint import open_checkpoint
from lepta.log.merkle import leaf_hash, root_of, split_hashes
from lepta.log.notes import Verifier
from lepta.log.paths import consistency_proof
from lepta.log.proofs import parse_proof, verify_proof
from lepta.log.tiles import decode_bundle
from lepta.runtime import running as running_service
from lepta.settings import Settings
from lepta.witness.keyfile import KeyUnusable

CARD = "2900000000018"


def sale(sequence: int, **changes: Any) -> dict[str, Any]:
    line = {"line": 1, "sku": make.HUNTER_SKU, "quantity": "1", "amount": 25_900}
    return {
        "store": "nsk-07",
        "till": "3",
        "business_day": "2026-11-22",
        "sequence": sequence,
        "occurred_at": "2026-11-22T18:15:03+07:00",
        "currency": "RUB",
        "card": CARD,
        "lines": [line],
        "total": 25_900,
        **changes,
    }


@pytest.fixture
async def shop(admin: AsyncClient) -> AsyncClient:
    for party, kind in (
        ("retail-nsk", "retailer"),
        ("hunter-foods", "supplier"),
        ("forest-animals", "charity"),
    ):
        await admin.put(f"/v1/parties/{party}", json={"kind": kind, "name": party})
    endless = {**make.PROGRAMME, "expire_after": None}
    await admin.put("/v1/programmes/club", json=endless)
    store = {"retailer": "retail-nsk", "time_zone": "Asia/Novosibirsk"}
    await admin.put("/v1/stores/nsk-07", json=store)
    await admin.put(
        "/v1/members/petr", json={"first_name": "Пётр", "gender": "male", "cards": [CARD]}
    )
    for document in (make.BASE, make.HUNTER):
        await admin.put(f"/v1/campaigns/{document['campaign']}", json=document)
        answer = await admin.post(f"/v1/campaigns/{document['campaign']}/publish")
        assert answer.status_code == 200, answer.text
    return admin


async def sell(client: AsyncClient, sequence: int) -> dict[str, Any]:
    answer = await client.post("/v1/checkouts", json=sale(sequence))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def verifier(client: AsyncClient) -> Verifier:
    return Verifier.from_vkey((await client.get("/log/vkey")).text.rstrip("\n"))


async def test_each_sale_is_proven_by_one_text_and_the_key(shop: AsyncClient) -> None:
    sold = [await sell(shop, sequence) for sequence in range(5)]
    key = await verifier(shop)
    for one in sold:
        proof = await shop.get("/v1/log/proof", params={"checkout": one["checkout"]})
        assert proof.status_code == 200
        proven = verify_proof(proof.content, key)
        assert proven.index == one["log_index"]
        assert b'"kind":"checkout"' in proven.leaf


@go_oracle.needed
async def test_go_accepts_what_a_running_service_hands_out(
    shop: AsyncClient, client_for: ClientFor
) -> None:
    public = await client_for()
    vkey = (await public.get("/log/vkey")).text.rstrip("\n")
    sold = [await sell(shop, sequence) for sequence in range(3)]
    old = (await public.get("/log/checkpoint")).content
    sold += [await sell(shop, sequence) for sequence in range(3, 8)]
    new = (await public.get("/log/checkpoint")).content
    for one in sold:
        proof = parse_proof(
            (await shop.get("/v1/log/proof", params={"checkout": one["checkout"]})).content
        )
        assert proof.leaf is not None
        index = one["log_index"]
        verdict = go_oracle.accepts(vkey, proof.checkpoint, proof.leaf, index, proof.path)
        assert verdict, verdict.reason
        altered = proof.leaf.replace(b'"nsk-07"', b'"nsk-08"')
        assert altered != proof.leaf
        assert not go_oracle.accepts(vkey, proof.checkpoint, altered, index, proof.path)
    was, size = (int(note.splitlines()[1]) for note in (old, new))
    assert 0 < was < size
    hashes = split_hashes((await public.get(f"/log/tile/0/000.p/{size}")).content)
    growth = consistency_proof(
        was, size, lambda node: root_of(hashes[node.n << node.height : (node.n + 1) << node.height])
    )
    verdict = go_oracle.accepts_growth(vkey, old, new, growth)
    assert verdict, verdict.reason
    assert not go_oracle.accepts_growth(vkey, new, old, growth)


async def test_what_is_not_in_the_log_is_not_proven(shop: AsyncClient) -> None:
    one = (await sell(shop, 1))["checkout"]
    other = one[:-1] + ("0" if one[-1] != "0" else "1")
    for checkout in ("x", other, "0000" + "f" * 12 + "0" * 8, "0001" + one[4:], "0" * 24):
        answer = await shop.get("/v1/log/proof", params={"checkout": checkout})
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-in-log"), (
            checkout
        )


async def test_a_checkpoint_covers_every_answered_sale_and_is_kept(
    shop: AsyncClient, db: Database
) -> None:
    key = await verifier(shop)
    last = (await sell(shop, 1))["log_index"]
    note = (await shop.get("/log/checkpoint")).content
    assert open_checkpoint(note, key).size == last + 1
    assert (await shop.get("/log/checkpoint")).content == note
    async with db.read() as tx:
        assert (
            await tx.scalar(text("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")) == note
        )


async def test_tiles_and_leaves_give_the_signed_root(
    shop: AsyncClient, client_for: ClientFor
) -> None:
    for sequence in range(3):
        await sell(shop, sequence)
    public, auditor = await client_for(), await client_for("auditor")
    signed = open_checkpoint((await public.get("/log/checkpoint")).content, await verifier(public))
    hashes = split_hashes((await public.get(f"/log/tile/0/000.p/{signed.size}")).content)
    leaves = decode_bundle((await auditor.get(f"/log/tile/entries/000.p/{signed.size}")).content)
    assert root_of(hashes) == signed.root
    assert [leaf_hash(leaf) for leaf in leaves] == list(hashes)
    for path in ("0/000", f"0/000.p/{signed.size + 1}", "1/000.p/1", "0/0", "x", "0/001", "64/000"):
        assert (await public.get(f"/log/tile/{path}")).status_code == 404, path


async def test_the_key_is_made_once_and_no_other_is_taken(
    settings: Settings, tmp_path: Path
) -> None:
    key = tmp_path / "log.key"
    async with running_service(settings) as service:
        vkey = service.witness.vkey
    assert key.stat().st_mode & 0o777 == 0o600
    async with running_service(settings) as service:
        assert service.witness.vkey == vkey
    key.chmod(0o644)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        await opened(settings)
    key.unlink()
    with pytest.raises(KeyUnusable, match="cannot be read"):
        await opened(settings)
    elsewhere = settings.model_copy(update={"log_origin": "other.example/log"})
    key.write_text("nonsense")
    key.chmod(0o600)
    with pytest.raises(KeyUnusable, match="cannot be used"):
        await opened(elsewhere)


async def opened(settings: Settings) -> None:
    async with running_service(settings):
        pass


async def test_the_last_checkpoint_covers_what_was_written_last(
    shop: AsyncClient, db: Database
) -> None:
    await sell(shop, 1)
    async with db.read() as tx:
        size = await tx.scalar(text("SELECT size FROM log_head"))
    note = (await shop.get("/log/checkpoint")).text
    assert note.splitlines()[1] == str(size)


async def test_a_kiosk_shows_points_gifts_and_history(
    shop: AsyncClient, client_for: ClientFor
) -> None:
    for sequence in range(5):
        await sell(shop, sequence)
    kiosk = await client_for("kiosk", store="nsk-07")
    card = (await kiosk.get(f"/v1/cards/{CARD}")).json()
    assert card["points"]["available"] == 5 * 12
    assert card["points"]["expiring"] == card["points"]["pending_until"] == []
    assert card["donations"] == [{"fund": "forest-animals", "points": 250, "money": 2_500}]
    assert (card["first_name"], card["card_status"]) == ("Пётр", "active")
    seen: list[int] = []
    after: str | None = ""
    while after is not None:
        page = (
            await kiosk.get(
                f"/v1/cards/{CARD}/history?limit=2" + (f"&after={after}" if after else "")
            )
        ).json()
        seen += [item["log_index"] for item in page["items"]]
        after = page["next"]
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)
    assert (await kiosk.get("/v1/cards/0")).json()["type"] == "/problems/unknown-card"


async def test_a_card_is_looked_for_before_a_programme_which_must_exist(
    shop: AsyncClient, client_for: ClientFor
) -> None:
    kiosk = await client_for("kiosk", store="nsk-07")
    for path in ("", "/history"):
        card = f"/v1/cards/{CARD}{path}"
        assert (await kiosk.get(f"{card}?programme=club")).status_code == 200
        refused = await kiosk.get(f"{card}?programme=nope")
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-request")
        assert [e["path"] for e in refused.json()["errors"]] == ["programme"]
        unknown = await kiosk.get(f"/v1/cards/0{path}?programme=nope")
        assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown-card")


async def test_a_card_is_looked_for_even_where_no_programme_exists(admin: AsyncClient) -> None:
    for path in ("", "/history"):
        answer = await admin.get(f"/v1/cards/0{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-card")


async def test_a_cards_number_may_hold_a_slash(shop: AsyncClient) -> None:
    member = {"first_name": "Анна", "cards": ["12/34"]}
    assert (await shop.put("/v1/members/anna", json=member)).status_code == 201
    for escaped in ("12%2F34", "12/34"):
        assert (await shop.get(f"/v1/cards/{escaped}")).json()["card"] == "12/34"
        history = await shop.get(f"/v1/cards/{escaped}/history")
        assert history.json() == {"items": [], "next": None}
        choice = {"campaign": "hunter-forest", "beneficiary": "forest-animals"}
        refused = await shop.put(f"/v1/cards/{escaped}/choice", json=choice)
        assert refused.json()["type"] == "/problems/choice-not-offered"


async def test_everybody_sees_funds_and_standings(shop: AsyncClient, client_for: ClientFor) -> None:
    public = await client_for()
    fresh = (await public.get("/v1/campaigns/hunter-forest/standing")).json()["beneficiaries"]
    assert [(row["beneficiary"], row["donations"]) for row in fresh] == [("forest-animals", 0)]
    assert (await public.get("/v1/funds/forest-animals")).json()["money"] == []
    await sell(shop, 1)
    await sell(shop, 2)
    fund = (await public.get("/v1/funds/forest-animals")).json()
    assert (fund["points"], fund["donations"]) == (100, 2)
    assert fund["money"] == [{"currency": "RUB", "given": 1_000, "paid": 0}]
    (row,) = (await public.get("/v1/campaigns/hunter-forest/standing")).json()["beneficiaries"]
    assert (row["donations"], row["shoppers"], row["points"], row["money"]) == (2, 1, 100, 1_000)
    assert (await public.get("/v1/funds/retail-nsk")).status_code == 404
    assert (await public.get("/v1/campaigns/nothing/standing")).status_code == 404
