"""Drafts, publication and the rulebook."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import text

import make
from conftest import ClientFor
from lepta.campaigns.service import Ended
from lepta.db import Database
from lepta.errors import NotSupported
from lepta.rules.rulebook import Change, PublishedCampaign
from lepta.runtime import Runtime

PARTIES = {"retail-nsk": "retailer", "hunter-foods": "supplier", "forest-animals": "charity"}


@pytest.fixture
async def office(client_for: ClientFor) -> AsyncClient:
    client = await client_for("office")
    for party, kind in PARTIES.items():
        await client.put(f"/v1/parties/{party}", json={"kind": kind, "name": party})
    assert (await client.put("/v1/programmes/club", json=make.PROGRAMME)).status_code == 201
    return client


async def publish(client: AsyncClient, campaign: str, **body: str) -> Any:
    answer = await client.post(f"/v1/campaigns/{campaign}/publish", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def log_size(db: Database) -> int:
    async with db.read() as tx:
        size: int = await tx.scalar(text("SELECT size FROM log_head"))
        return size


@pytest.mark.parametrize("document", [make.BASE, make.HUNTER], ids=lambda d: d["campaign"])
async def test_the_documents_of_the_handbook_load_as_they_stand(
    office: AsyncClient, document: Any
) -> None:
    path = f"/v1/campaigns/{document['campaign']}"
    created = await office.put(path, json=document)
    assert (created.status_code, created.json(), created.headers["ETag"]) == (201, document, '"1"')
    assert (await office.get(path)).json() == document


@pytest.mark.parametrize("path", ["/v1/campaigns/base", "/v1/programmes/club"])
async def test_a_member_that_stands_twice_is_refused(office: AsyncClient, path: str) -> None:
    body = '{"campaign": "base", "limits": {"per_card": 1, "per_card": 2}}'
    answer = await office.put(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"path": "per_card", "reason": "stands twice: keep one"}]


async def test_a_put_is_a_new_draft_and_changes_no_rulebook(
    office: AsyncClient, running: Runtime
) -> None:
    await office.put("/v1/campaigns/base", json=make.BASE)
    again = await office.put("/v1/campaigns/base", json=make.BASE, headers={"If-Match": '"1"'})
    assert (again.status_code, again.headers["ETag"]) == (200, '"2"')
    assert running.rulebooks.newest.campaigns == ()


async def test_a_condition_is_refused_with_the_column_of_its_fault(office: AsyncClient) -> None:
    faulty = {**make.BASE, "when": "basket.total >= 1000 && time.weekday in ['sunday']"}
    answer = await office.put("/v1/campaigns/base", json=faulty)
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (422, "invalid-request")
    [error] = answer.json()["errors"]
    assert error["path"] == "when"
    assert error["reason"].startswith("column 38: 'in' does not take (int, list(string))")
    sound = {**faulty, "when": "basket.total >= 1000 && time.weekday in [6, 7]"}
    assert (await office.put("/v1/campaigns/base", json=sound)).status_code == 201
    await publish(office, "base")


async def test_publishing_twice_is_publishing_once(office: AsyncClient, db: Database) -> None:
    await office.put("/v1/campaigns/base", json=make.BASE)
    first = await publish(office, "base")
    size = await log_size(db)
    assert first["version"] == 1
    assert first["rulebook"].startswith("sha256:")
    assert await publish(office, "base") == first
    assert await asyncio.gather(*(publish(office, "base") for _ in range(5))) == [first] * 5
    assert await log_size(db) == size


async def test_a_publication_whose_answer_was_lost_is_not_repeated(
    office: AsyncClient, db: Database, running: Runtime
) -> None:
    await office.put("/v1/campaigns/base", json=make.BASE)
    done = await publish(office, "base")
    async with db.begin() as tx:
        await tx.execute(text("UPDATE campaign_version SET published = false"))
    size = await log_size(db)
    assert await publish(office, "base") == done
    assert await log_size(db) == size


async def test_a_programme_saved_but_not_published_is_made_up_for(
    office: AsyncClient, db: Database, running: Runtime
) -> None:
    async with db.begin() as tx:
        await tx.execute(
            text(
                'UPDATE programme SET revision = 2, document = document || \'{"point_value": "0.20"}\''
            )
        )
    await running.publisher.catch_up()
    await running.publisher.catch_up()
    programme = running.rulebooks.newest.programmes["club"]
    assert (programme.version, running.rulebooks.newest.number) == (2, 2)


async def test_a_pause_lasts_until_the_next_publication(
    office: AsyncClient, running: Runtime
) -> None:
    assert (await office.post("/v1/campaigns/base/pause")).json()[
        "type"
    ] == "/problems/not-published"
    await office.put("/v1/campaigns/base", json=make.BASE)
    await publish(office, "base")
    paused = await office.post("/v1/campaigns/base/pause")
    assert paused.status_code == 200
    assert (await office.post("/v1/campaigns/base/pause")).json() == paused.json()
    assert (await publish(office, "base"))["rulebook"] != paused.json()["rulebook"]
    assert running.rulebooks.newest.number == 4


async def state(client: AsyncClient, campaign: str = "base") -> Any:
    answer = await client.get(f"/v1/campaigns/{campaign}/state")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_campaign_tells_where_it_stands(office: AsyncClient, running: Runtime) -> None:
    assert (await office.get("/v1/campaigns/base/state")).status_code == 404
    await office.put("/v1/campaigns/base", json=make.BASE)
    draft = await state(office)
    digest = f"sha256:{running.rulebooks.newest.digest.hex()}"
    assert draft == {"campaign": "base", "state": "draft", "newest": 1, "in_force": None, "words": [], "rulebook": digest}  # fmt: skip
    await publish(office, "base")
    await office.put("/v1/campaigns/base", json=make.BASE, headers={"If-Match": '"1"'})
    saved = await state(office)
    assert (saved["state"], saved["newest"], saved["in_force"]) == ("published", 2, 1)
    await publish(office, "base", **{"from": "2999-01-01T00:00:00Z"})
    assert (await state(office))["words"] == [
        {"word": "published", "version": 1, "from": None},
        {"word": "published", "version": 2, "from": "2999-01-01T00:00:00Z"},
    ]
    done = (await office.post("/v1/campaigns/base/pause")).json()
    paused = await state(office)
    assert (paused["state"], paused["in_force"]) == ("paused", None)
    assert paused["rulebook"] == done["rulebook"]


async def test_all_campaigns_are_listed_page_by_page_and_by_state(office: AsyncClient) -> None:
    async def listed(**query: Any) -> Any:
        answer = await office.get("/v1/campaigns", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert await listed() == {"items": [], "next": None}
    names = ["a", "b", "c", "d"]
    for name in names:
        document = {**make.BASE, "campaign": name, "title": name.upper()}
        assert (await office.put(f"/v1/campaigns/{name}", json=document)).status_code == 201
    for name in names[1:]:
        await publish(office, name)
    await office.post("/v1/campaigns/c/pause")
    await office.post("/v1/campaigns/d/end")
    again = {**make.BASE, "campaign": "b", "title": "B2"}
    await office.put("/v1/campaigns/b", json=again, headers={"If-Match": '"1"'})
    everything = await listed()
    told = [tuple(item.values()) for item in everything["items"]]
    assert told == [
        ("a", "bonus", "A", "draft", 1, None),
        ("b", "bonus", "B2", "published", 2, 1),
        ("c", "bonus", "C", "paused", 1, None),
        ("d", "bonus", "D", "ended", 1, None),
    ]
    first = await listed(limit=3)
    assert first == {"items": everything["items"][:3], "next": "c"}
    assert await listed(limit=3, after="c") == {"items": everything["items"][3:], "next": None}
    assert await listed(limit=4) == everything
    paused = await listed(state="paused", limit=1)
    assert ([item["campaign"] for item in paused["items"]], paused["next"]) == (["c"], None)
    assert (await office.get("/v1/campaigns", params={"state": "asleep"})).status_code == 422


async def test_an_end_is_final(office: AsyncClient, db: Database, running: Runtime) -> None:
    never = await office.post("/v1/campaigns/base/end")
    assert (never.status_code, never.json()["type"]) == (409, "/problems/not-published")
    await office.put("/v1/campaigns/base", json=make.BASE)
    await publish(office, "base")
    await office.post("/v1/campaigns/base/pause")
    ended = await office.post("/v1/campaigns/base/end")
    assert (ended.status_code, ended.json()["version"]) == (200, 1)
    size = await log_size(db)
    assert (await office.post("/v1/campaigns/base/end")).json() == ended.json()
    assert (await state(office))["state"] == "ended"
    for refused in (
        await office.post("/v1/campaigns/base/publish"),
        await office.post("/v1/campaigns/base/pause"),
        await office.put("/v1/campaigns/base", json=make.BASE, headers={"If-Match": '"1"'}),
    ):
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/campaign-ended")
    with pytest.raises(Ended):
        await running.publisher.apply([make.HUNTER, make.BASE])
    assert await log_size(db) == size
    assert (await office.get("/v1/campaigns/hunter-forest")).status_code == 404
    again = {**make.BASE, "campaign": "base-2"}
    await office.put("/v1/campaigns/base-2", json=again)
    assert (await publish(office, "base-2"))["version"] == 1


async def test_publishing_pausing_and_ending_at_once_are_one_after_the_other(
    office: AsyncClient, running: Runtime
) -> None:
    await office.put("/v1/campaigns/base", json=make.BASE)
    await publish(office, "base")
    words = ("publish", "pause", "end")
    answers = await asyncio.gather(
        *(office.post(f"/v1/campaigns/base/{words[n % 3]}") for n in range(30))
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert all(answer.status_code == 200 for answer in answers[2::3])
    assert [word["word"] for word in (await state(office))["words"]].count("ended") == 1


async def test_a_later_version_does_not_begin_in_the_past(office: AsyncClient) -> None:
    await office.put("/v1/campaigns/base", json=make.BASE)
    await publish(office, "base", **{"from": "2020-01-01T00:00:00+07:00"})
    await office.put("/v1/campaigns/base", json=make.BASE, headers={"If-Match": '"1"'})
    late = await office.post("/v1/campaigns/base/publish", json={"from": "2020-01-02T00:00:00Z"})
    assert [e["path"] for e in late.json()["errors"]] == ["from"]
    assert (await publish(office, "base", **{"from": "2999-01-01T00:00:00Z"}))["version"] == 2


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
async def test_a_version_does_not_begin_at_the_edge_of_the_calendar(
    office: AsyncClient, moment: str
) -> None:
    assert (await office.put("/v1/campaigns/base", json=make.BASE)).status_code == 201
    answer = await office.post("/v1/campaigns/base/publish", json={"from": moment})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["path"], "correct it" in error["reason"]) == ("from", True)
    assert (await publish(office, "base", **{"from": "8999-12-31T23:59:59-12:00"}))["version"] == 1


async def test_what_is_published_is_not_moved_in_time(office: AsyncClient, db: Database) -> None:
    async def refused(moment: str) -> None:
        answer = await office.post("/v1/campaigns/base/publish", json={"from": moment})
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")
        [error] = answer.json()["errors"]
        assert error["path"] == "from"
        assert "save a new version" in error["reason"]

    await office.put("/v1/campaigns/base", json=make.BASE)
    always = await publish(office, "base")
    await refused("2999-01-01T00:00:00Z")
    assert await publish(office, "base") == always
    await office.put("/v1/campaigns/base", json=make.BASE, headers={"If-Match": '"1"'})
    later = await publish(office, "base", **{"from": "2999-01-01T00:00:00Z"})
    size = await log_size(db)
    await refused("2999-01-01T00:00:01Z")
    assert await publish(office, "base", **{"from": "2999-01-01T07:00:00.5+07:00"}) == later
    assert await publish(office, "base") == later
    assert await log_size(db) == size


@pytest.mark.parametrize(
    "change, place",
    [
        ({"campaign": "other"}, "campaign"),
        ({"funding": [{"party": "nobody", "share": "1"}]}, "funding.0.party"),
        ({"receipt": {"ru": "{{ nothing }}"}}, "receipt.ru"),
        ({"title": "a\u0000b"}, "title"),
    ],
)
async def test_a_faulty_campaign_is_refused_by_its_place(
    office: AsyncClient, change: Any, place: str
) -> None:
    answer = await office.put("/v1/campaigns/hunter-forest", json={**make.HUNTER, **change})
    assert answer.status_code == 422
    assert place in [error["path"] for error in answer.json()["errors"]]
    assert (await office.get("/v1/campaigns/hunter-forest")).status_code == 404


async def test_what_is_not_built_is_refused_by_name(office: AsyncClient) -> None:
    answer = await office.put("/v1/campaigns/base", json={**make.BASE, "kind": "coupon"})
    assert answer.json()["type"] == "/problems/not-supported"


async def test_several_campaigns_are_applied_in_one_change(
    office: AsyncClient, running: Runtime
) -> None:
    done = await running.publisher.apply([make.BASE, make.HUNTER])
    assert [(one.campaign, one.version) for one in done] == [("base", 1), ("hunter-forest", 1)]
    assert running.rulebooks.newest.number == 2
    assert await running.publisher.apply([make.BASE, make.HUNTER]) == done
    assert running.rulebooks.newest.number == 2


async def test_a_campaign_for_a_fund_that_has_closed_is_refused_and_one_that_stands_is_left_alone(
    office: AsyncClient, db: Database
) -> None:
    async def close(party: str, day: str) -> None:
        said = {"kind": "charity", "name": party, "closed_on": day}
        etag = (await office.get(f"/v1/parties/{party}")).headers.get("ETag")
        headers = {"If-Match": etag} if etag else {}
        put = await office.put(f"/v1/parties/{party}", json=said, headers=headers)
        assert put.status_code in {200, 201}, put.text

    path = "/v1/campaigns/hunter-forest"
    assert (await office.put(path, json=make.HUNTER)).status_code == 201
    done = await publish(office, "hunter-forest")
    await close("forest-animals", "2026-01-01")
    assert await publish(office, "hunter-forest") == done
    size = await log_size(db)
    again = await office.put(path, json=make.HUNTER, headers={"If-Match": '"1"'})
    assert (again.status_code, again.json()["type"]) == (422, "/problems/invalid-request")
    [error] = again.json()["errors"]
    assert error["path"] == "effect.to.fund"
    assert "takes nothing from 2026-01-01 on: name one that is open" in error["reason"]
    await close("children", "2999-01-01")
    whom = {"fund": "forest-animals", "fallback": "children"}
    moved = {**make.HUNTER, "effect": {**make.HUNTER["effect"], "to": whom}}
    assert (await office.put(path, json=moved, headers={"If-Match": '"1"'})).status_code == 200
    # Closed between being saved and being published.
    await close("children", "2026-01-01")
    late = await office.post(f"{path}/publish")
    assert late.status_code == 422
    paths = [error["path"] for error in late.json()["errors"]]
    assert paths == ["effect.to.fallback", "effect.to.fund"]
    assert await log_size(db) == size
    await close("children", "2999-01-01")
    assert (await publish(office, "hunter-forest"))["version"] == 2


@pytest.mark.edge_case(45)
async def test_tiers_that_count_in_the_sale_itself_are_refused(office: AsyncClient) -> None:
    said = {**make.PROGRAMME, "tier_from": "this"}
    etag = {"If-Match": '"1"'}
    answer = await office.put("/v1/programmes/club", json=said, headers=etag)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/not-supported")
    assert 'write "next"' in answer.json()["errors"][0]["reason"]
    assert (await office.get("/v1/programmes/club")).json() == make.PROGRAMME


async def test_a_limit_that_no_version_had_is_refused_when_it_is_saved(
    office: AsyncClient, db: Database
) -> None:
    """What was given under the versions before was not counted, so nobody could say what is left."""
    path, limited = "/v1/campaigns/base", {**make.BASE, "limits": {"units": 5}}
    # Before the first publication all is open.
    for version, document in enumerate((make.BASE, limited, make.BASE)):
        match = {"If-Match": f'"{version}"'} if version else {}
        assert (await office.put(path, json=document, headers=match)).is_success
    await publish(office, "base")
    size = await log_size(db)
    answer = await office.put(path, json=limited, headers={"If-Match": '"3"'})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/not-supported")
    assert [error["path"] for error in answer.json()["errors"]] == ["limits.units"]
    assert "under another id" in answer.json()["detail"]
    assert await log_size(db) == size


async def test_what_the_log_refuses_to_publish_is_told_as_it_is_and_the_log_goes_on(
    office: AsyncClient, running: Runtime
) -> None:
    assert (await office.put("/v1/campaigns/base", json=make.BASE)).status_code == 201
    first = PublishedCampaign("base", 1, None, make.BASE)
    second = PublishedCampaign("base", 2, make.NOON, {**make.BASE, "limits": {"units": 5}})
    await running.publisher.record(Change((first,)).canonical())
    with pytest.raises(NotSupported, match=r"limits\.units"):
        await running.publisher.record(Change((second,)).canonical())
    assert (await publish(office, "base"))["version"] == 1
