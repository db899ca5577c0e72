"""The pages that the `type` of a problem document leads to."""

import re
from html import escape

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from lepta.errors import DomainError, title
from lepta.http.problems import documented, every_refusal, status_of
from lepta.revisions import NotFound

router = APIRouter(prefix="/problems", tags=["operations"])

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;color:#222}"
    "h1{font-size:1.5rem}code{background:#f0f0f0;padding:.1em .3em;border-radius:.2em}"
    "table{border-collapse:collapse;width:100%}td{padding:.4rem .8rem .4rem 0;border-bottom:1px solid #ddd;"
    "vertical-align:top}a{color:#0645ad}"
)
_POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "public, max-age=3600",
}


@router.get("", response_class=HTMLResponse)
async def list_problems() -> HTMLResponse:
    """Every way in which Lepta refuses."""
    rows = "".join(
        f'<tr><td>{status_of(error)}</td><td><a href="/problems/{slug}"><code>{slug}</code></a></td>'
        f"<td>{escape(title(error))}</td></tr>"
        for slug, error in every_refusal().items()
        if is_published(error)
    )
    return _page(
        "Problems",
        f"<h1>Problems</h1><p>How Lepta refuses, and what to do.</p><table>{rows}</table>",
    )


@router.get("/{slug}", response_class=HTMLResponse, responses=documented(NotFound))
async def show_problem(slug: str) -> HTMLResponse:
    """What a problem means and what to do about it."""
    error = every_refusal().get(slug)
    if error is None or not is_published(error):
        raise NotFound("problem", slug[:64])
    paragraphs = "".join(f"<p>{_prose(text)}</p>" for text in _paragraphs(error))
    head = f"<h1>{escape(title(error))}</h1><p><code>{slug}</code> · HTTP status {status_of(error)}</p>"
    return _page(title(error), f'{head}{paragraphs}<p><a href="/problems">All problems</a></p>')


def is_published(error: type[DomainError]) -> bool:
    """Whether HTTP can carry this refusal: those of the command line have no page."""
    return not error.__module__.startswith(
        ("lepta.commands", "lepta.demo", "lepta.replay", "lepta.postgres")
    )


def _paragraphs(error: type[DomainError]) -> list[str]:
    """The docstring's paragraphs after the title."""
    assert error.__doc__
    lines = [line.strip() for line in error.__doc__.strip().splitlines()]
    return [part.strip() for part in "\n".join(lines[1:]).split("\n\n") if part.strip()]


def _prose(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _page(heading: str, body: str) -> HTMLResponse:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(heading)} · Lepta</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>{body}</body></html>"
    )
    return HTMLResponse(html, headers=_POLICY)
