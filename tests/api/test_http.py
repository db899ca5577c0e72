"""What holds for every request: its id, its limits, its headers, its log line, its crash."""

import io
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
import structlog
from fastapi import FastAPI
from httpx import AsyncClient
from starlette.requests import Request
from starlette.responses import Response

from conftest import ClientFor
from cutter import Cutter
from lepta.channels.operations.docs import ASSETS
from lepta.db import Address
from lepta.errors import DomainError
from lepta.http.edge import BODY_LIMIT
from lepta.http.problems import every_refusal
from lepta.keys import service as keys
from lepta.logs import described, json_log
from lepta.main import create_app
from lepta.settings import Settings

JSON = {"Content-Type": "application/json"}


def slug(response: httpx.Response) -> str:
    assert response.headers["Content-Type"] == "application/problem+json", response.text
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["instance"] == response.headers["X-Request-ID"]
    assert {"type", "title", "detail"} <= problem.keys()
    return str(problem["type"]).removeprefix("/problems/")


async def test_each_refusal_of_http_itself_is_a_problem_document(admin: AsyncClient) -> None:
    assert slug(await admin.get("/nowhere")) == "no-such-address"
    assert slug(await admin.get("/v1/parties/x/")) == "no-such-address"
    refused = await admin.delete("/v1/parties/x")
    assert (slug(refused), refused.status_code) == ("method-not-allowed", 405)
    assert refused.headers["Allow"] == "GET, HEAD, PUT"
    assert slug(await admin.put("/v1/parties/x", content=b"{}")) == "unsupported-media-type"
    assert slug(await admin.put("/v1/parties/x", content=b"{", headers=JSON)) == "invalid-request"
    charset = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert (
        slug(await admin.put("/v1/parties/x", content=b"[]", headers=charset)) == "invalid-request"
    )


async def test_head_is_answered_as_get_is_without_the_body(
    admin: AsyncClient, client_for: ClientFor
) -> None:
    await admin.put("/v1/parties/x", json={"kind": "retailer", "name": "x"})
    for path in (
        "/healthz", "/readyz", "/docs", "/docs/assets/favicon.png", "/problems/stale", "/log/checkpoint",
        "/log/vkey", "/v1/parties/x", "/v1/parties/y", "/nowhere", "/openapi.json",
    ):  # fmt: skip
        got, head = await admin.get(path), await admin.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        told = ("Content-Type", "ETag", "Content-Security-Policy")
        assert [head.headers.get(name) for name in told] == [got.headers.get(name) for name in told]
        if got.status_code == 200 and path != "/log/checkpoint":
            assert head.headers["Content-Length"] == str(len(got.content))
    refused = await admin.head("/v1/checkouts:batch")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    assert (await (await client_for()).head("/v1/parties/x")).status_code == 401


async def test_a_request_id_is_taken_over_if_it_is_plain_and_made_up_otherwise(
    admin: AsyncClient,
) -> None:
    for given, kept in (
        ("till-3.1187", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("a b", False),
        ("", False),
    ):
        answer = await admin.get("/healthz", headers={"X-Request-ID": given})
        assert (answer.headers["X-Request-ID"] == given) is kept
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answer.headers["X-Request-ID"])


async def test_every_answer_has_the_headers_that_keep_browsers_safe(admin: AsyncClient) -> None:
    for path in ("/healthz", "/nowhere", "/v1/keys", "/docs", "/problems/stale"):
        headers = (await admin.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"]


async def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not(admin: AsyncClient) -> None:
    body = b'{"kind":"retailer","name":"x"' + b" " * BODY_LIMIT
    fitting = body[: BODY_LIMIT - 1] + b"}"
    assert (await admin.put("/v1/parties/a", content=fitting, headers=JSON)).status_code == 201
    refused = await admin.put("/v1/parties/b", content=body[:BODY_LIMIT] + b"}", headers=JSON)
    assert (slug(refused), refused.json()["limit"]) == ("too-large", BODY_LIMIT)


async def test_a_body_that_does_not_say_its_length_is_cut_off_on_its_way(
    admin: AsyncClient,
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b" " * (BODY_LIMIT // 4)

    assert slug(await admin.put("/v1/parties/b", content=endless(), headers=JSON)) == "too-large"
    assert sent <= 6


@pytest.mark.parametrize("length", ["-1", "x", "9" * 30])
async def test_an_absurd_length_is_no_crash(app: FastAPI, admin: AsyncClient, length: str) -> None:
    headers = {**JSON, "Content-Length": length}
    answer = await admin.put("/v1/parties/b", content=b"{}", headers=headers)
    assert answer.status_code in {413, 422}


async def test_deep_nesting_is_refused_before_it_is_parsed(admin: AsyncClient) -> None:
    deep = b'{"name":' * 33 + b"1" + b"}" * 33
    answer = await admin.put("/v1/parties/b", content=deep, headers=JSON)
    assert slug(answer) == "invalid-request"
    assert "deeper than 32" in answer.json()["errors"][0]["reason"]


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("PUT", "campaigns/x", b"{" + b",".join(b'"f%d":0' % n for n in range(40_000)) + b"}"),
        ("PUT", "members/x", b'{"cards":[' + b"0," * 400_000 + b"0]}"),
        ("POST", "checkouts", b'{"lines":[' + b"{}," * 340_000 + b"{}]}"),
        ("POST", "checkouts", b'{"lines":[' + b"0," * 400_000 + b"0]}"),
    ],
)
async def test_a_body_of_very_many_parts_is_refused_before_it_is_parsed(
    admin: AsyncClient, method: str, path: str, body: bytes
) -> None:
    answer = await admin.request(method, f"/v1/{path}", content=body, headers=JSON)
    assert slug(answer) == "too-large"
    assert answer.json()["of"] in {"containers", "fields", "commas"}
    assert len(answer.content) < 1_000


@pytest.mark.parametrize("faults, listed", [(20, 20), (21, 20), (5_000, 20), (5_001, 1)])
async def test_of_many_faults_the_first_are_listed_and_the_others_counted(
    admin: AsyncClient, faults: int, listed: int
) -> None:
    lacking = 2  # kind and name
    body = b"{" + b",".join(b'"f%d":0' % n for n in range(faults - lacking)) + b"}"
    answer = await admin.put("/v1/parties/x", content=body, headers=JSON)
    assert slug(answer) == "invalid-request"
    problem = answer.json()
    assert len(problem["errors"]) == listed
    assert problem.get("more", 0) == (faults - listed if listed > 1 else 0)
    if listed == 1:
        assert f"{faults:,} faults" in problem["errors"][0]["reason"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":"\\ud800","kind":"retailer"}',
        b"\xff\xfe",
        b"NaN",
        b'"text"',
        b"null",
        b"1" * 5000,
        b"",
    ],
)
async def test_what_is_not_a_document_is_invalid(admin: AsyncClient, body: bytes) -> None:
    for path in ("parties/b", "programmes/b", "campaigns/b", "members/b"):
        assert slug(await admin.put(f"/v1/{path}", content=body, headers=JSON)) == "invalid-request"


async def test_each_published_problem_has_a_page_that_says_what_to_do(admin: AsyncClient) -> None:
    listed = await admin.get("/problems")
    slugs = re.findall(r'href="/problems/([a-z-]+)"', listed.text)
    assert {"invalid-request", "too-busy", "insufficient-points", "stale", "internal-error"} <= set(
        slugs
    )
    for one in slugs:
        page = await admin.get(f"/problems/{one}")
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "<script" not in page.text
    assert slug(await admin.get("/problems/nothing")) == "not-found"


def test_every_refusal_has_a_title_that_is_a_sentence() -> None:
    for one, error in every_refusal().items():
        assert re.fullmatch(r"[a-z0-9-]+", one)
        assert error.__doc__
        first = error.__doc__.strip().splitlines()[0]
        assert first[0].isupper(), one
        assert first.endswith("."), one
        assert issubclass(error, DomainError)


class Recorded:
    """A service whose log is kept."""

    def __init__(self, settings: Settings) -> None:
        self.stream = io.BytesIO()
        self.app = create_app(settings, log=json_log(self.stream))

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.stream.getvalue().splitlines()]


async def test_the_log_has_a_line_a_request_and_no_personal_data(settings: Settings) -> None:
    service = Recorded(settings)
    async with service.app.router.lifespan_context(service.app):
        made = await keys.create(service.app.state.runtime.database, "admin")
        transport = httpx.ASGITransport(service.app)
        headers = {"Authorization": f"Bearer {made.token}"}
        async with AsyncClient(transport=transport, base_url="http://t", headers=headers) as client:
            secret = {"first_name": "Аркадий", "phone": "+79990001122", "cards": ["2900000000018"]}
            await client.put("/v1/members/m", json=secret)
            await client.put("/v1/members/n", json={**secret, "gender": "Аркадий"})
            await client.get("/v1/cards/2900000000018?programme=x")
            await client.get("/v1/cards/2900000000018/nothing")
    told = service.stream.getvalue().decode()
    for personal in (
        "Аркадий",
        "79990001122",
        "2900000000018",
        made.token,
        made.token.split("_")[3],
    ):
        assert personal not in told
    lines = [line for line in service.lines if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/v1/members/{member}", 201),
        ("/v1/members/{member}", 422),
        ("/v1/cards/{card}", 422),
        ("/v1/cards/{card}", 404),
    ]
    assert lines[1]["refusal"] == "invalid-request"
    assert all(line["ms"] >= 0 and line["request"] for line in lines)


async def test_a_crash_is_a_problem_document_and_a_log_line_without_the_words(
    settings: Settings,
) -> None:
    service = Recorded(settings)

    async def broken(request: Request) -> Response:
        raise ValueError("card 2900000000018")

    service.app.router.add_route("/broken", broken)
    client = AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://t")
    answer = await client.get("/broken")
    assert (slug(answer), answer.status_code) == ("internal-error", 500)
    assert "2900000000018" not in answer.text + service.stream.getvalue().decode()
    crash = next(line for line in service.lines if line["event"] == "crash")
    assert crash["request"] == answer.json()["instance"]
    assert crash["error"] == ["builtins.ValueError"]
    assert crash["at"][-1].endswith("broken")


async def test_a_lost_database_is_503_and_not_ready(settings: Settings, owner: Address) -> None:
    async with Cutter(owner) as cutter:
        app = create_app(settings.model_copy(update={"database_url": cutter.address.url()}))
        async with app.router.lifespan_context(app):
            made = await keys.create(app.state.runtime.database, "admin")
            headers = {"Authorization": f"Bearer {made.token}"}
            transport = httpx.ASGITransport(app)
            async with AsyncClient(
                transport=transport, base_url="http://t", headers=headers
            ) as client:
                assert (await client.get("/readyz")).status_code == 200
                cutter.close_for_business()
                answer = await client.get("/v1/parties/x")
                assert slug(answer) == "unavailable"
                assert answer.headers["Retry-After"] == "1"
                ready = await client.get("/readyz")
                assert slug(ready) == "not-ready"
                assert ready.json()["checks"]["database"] == "unreachable"
                assert (await client.get("/healthz")).status_code == 200


async def test_metrics_count_by_template(admin: AsyncClient) -> None:
    for card in ("1", "2", "3"):
        await admin.get(f"/v1/cards/{card}?programme=x")
    told = (await admin.get("/metrics")).text
    line = 'lepta_http_requests_total{method="GET",route="/v1/cards/{card}",status="404"} 3.0'
    assert line in told
    assert (
        'lepta_http_request_seconds_bucket{le="0.05",method="GET",route="/v1/cards/{card}"}' in told
    )


async def test_kiosk_keys_are_limited_and_others_are_not(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"kiosk_rate_per_minute": 3}))
    async with app.router.lifespan_context(app):
        database = app.state.runtime.database
        kiosk = await keys.create(database, "kiosk", store="s")
        office = await keys.create(database, "office")
        async with AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
            answers = [
                await client.get(
                    "/v1/cards/1?programme=x", headers={"Authorization": f"Bearer {key.token}"}
                )
                for key in (office, kiosk)
                for _ in range(5)
            ]
    assert [a.status_code for a in answers] == [404] * 5 + [404, 404, 404, 429, 429]
    assert slug(answers[-1]) == "rate-limited"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20


async def test_the_description_is_valid_and_names_the_key(app: FastAPI) -> None:
    from openapi_spec_validator import validate

    document = app.openapi()
    validate(document)
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert "HTTPValidationError" not in document["components"]["schemas"]
    refs = set(re.findall(r"#/components/schemas/(\w+)", orjson.dumps(document).decode()))
    assert refs <= document["components"]["schemas"].keys()


async def test_docs_need_nothing_from_elsewhere(client_for: ClientFor) -> None:
    client = await client_for()
    page = (await client.get("/docs")).text
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    named = set(re.findall(r'(?:src|href)="(/docs/[^"]+)"', page))
    assert named == {f"/docs/assets/{name}" for name in ASSETS}
    for path in named:
        asset = await client.get(path)
        assert asset.status_code == 200
        assert asset.headers["Content-Type"].split(";")[0] == ASSETS[path.rsplit("/", 1)[1]]
        assert len(asset.content) > 1000
    assert slug(await client.get("/docs/assets/core.py")) == "no-such-address"


def test_an_error_is_described_without_its_words() -> None:
    try:
        try:
            int("2900000000018x")
        except ValueError as error:
            raise RuntimeError("Аркадий") from error
    except RuntimeError as error:
        told = described(error)
    assert told["error"] == ["builtins.RuntimeError", "builtins.ValueError"]
    assert "2900000000018" not in str(told)
    assert "Аркадий" not in str(told)


def test_structlog_is_not_configured_by_importing_the_service() -> None:
    assert not structlog.is_configured()
