"""`/docs`: Swagger UI from this machine, since a shop's may have no way to the internet."""

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from lepta.http.problems import NoSuchAddress

router = APIRouter(include_in_schema=False)

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
# The page starts Swagger UI in an inline script; both draw on the page's own styles.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Every endpoint, to read and to try."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=f"{request.app.title}: API",
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon.png",
        swagger_ui_parameters={"validatorUrl": None, "docExpansion": "list"},
    )
    page.headers["Content-Security-Policy"] = _POLICY
    return page


@router.get("/docs/assets/{name}")
async def asset(name: str) -> Response:
    """A file of Swagger UI."""
    if name not in ASSETS:
        raise NoSuchAddress
    headers = {"Cache-Control": "public, max-age=86400"}
    return FileResponse(_folder() / name, media_type=ASSETS[name], headers=headers)


def _folder() -> Path:
    """Where the files lie; the package is a bag of files to us, its code is not run."""
    spec = find_spec("fastapi_offline")
    assert spec is not None, "fastapi-offline is a dependency"
    assert spec.origin is not None
    return Path(spec.origin).parent / "static"
