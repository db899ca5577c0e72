"""`lepta demo`: a service of its own, the demo posted to it over HTTP, and everything verified."""

import asyncio
import contextlib
import json
import signal
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
from rich.console import Console

from lepta.commands import keyring, verifying
from lepta.commands.children import service
from lepta.commands.opening import Opened, opened, settings_of
from lepta.commands.serving import leave, listening, looked_after
from lepta.demo import day, founding, report
from lepta.demo import run as demo
from lepta.keys.service import create
from lepta.settings import Settings

HOST = "127.0.0.1"


def run(
    database_url: str | None,
    data_dir: Path | None,
    *,
    baskets: int | None,
    stay: bool,
    port: int,
) -> int:
    """Run the demo on the given place, else on a new temporary one; 0 only if everything verified."""
    signal.signal(signal.SIGTERM, leave)
    console = Console(highlight=False)
    started = time.monotonic()
    with (
        _place(database_url, data_dir) as settings,
        opened(settings, to_serve=stay) as found,
        listening(HOST, port) as listener,
        looked_after(found.server),
        service(found.settings, listener) as url,
    ):
        console.print(f"Database: {found.shown}\nLepta:    {url}\n", markup=False)
        admin = keyring.with_database(found, lambda db: create(db, "admin"))
        chosen = day.baskets()[:baskets]
        outcome = asyncio.run(demo.run(url, admin.token, chosen, console))
        sound = _verified(found, console, url, outcome) and outcome.sound
        seconds = time.monotonic() - started
        verdict = "[green]Everything verified[/]" if sound else "[red]Not everything verified[/]"
        console.print(f"\n{verdict}, {seconds:.1f} s from nothing.")
        if stay:
            _stay(console, url, outcome.till_key, admin.token)
    return 0 if sound else 1


@contextlib.contextmanager
def _place(database_url: str | None, data_dir: Path | None) -> Iterator[Settings]:
    """Where the demo keeps its data: as the command line says, else in a directory that goes with it."""
    if database_url or data_dir:
        yield settings_of(database_url, data_dir)
        return
    with tempfile.TemporaryDirectory(prefix="lepta-demo-", ignore_cleanup_errors=True) as made:
        yield settings_of(None, Path(made))


def _verified(found: Opened, console: Console, url: str, outcome: demo.Outcome) -> bool:
    """Verify the whole database, re-deciding every event, and show what an outsider would check it by."""
    faults, events = verifying.examine(found, replay=True)
    sound = report.faults(console, f"lepta verify --replay: {events} events", faults)
    if events < outcome.log_size:
        sound = False
        console.print(
            f"[red]✗[/] the answers speak of {outcome.log_size} events, the log holds {events}"
        )
    with httpx.Client(base_url=url, trust_env=False) as client:
        checkpoint, vkey = client.get("/log/checkpoint"), client.get("/log/vkey")
    console.print("\n[bold]The signed checkpoint[/] (C2SP tlog-checkpoint)")
    console.print(checkpoint.text, markup=False, soft_wrap=True)
    console.print("[bold]and the key that verifies it[/]")
    console.print(vkey.text.strip(), markup=False, soft_wrap=True)
    return sound and checkpoint.status_code == 200 and vkey.status_code == 200


def _stay(console: Console, url: str, till_key: str, admin_key: str) -> None:
    """Say where everything is, and wait for Ctrl-C."""
    now = datetime.now(UTC).replace(microsecond=0)
    body = {
        **founding.checkout(1),
        "business_day": now.date().isoformat(),
        "occurred_at": now.isoformat(),
        "offline": False,
    }
    shown = json.dumps(body, ensure_ascii=False)
    lines = (
        f"\nLepta goes on at {url} until Ctrl-C. Its documentation: {url}/docs",
        f"A till's key (store nsk-07, till 3):  {till_key}",
        f"An administrator's key:               {admin_key}",
        "Sell a pack of dumplings:",
        f"  curl -s {url}/v1/checkouts -H 'Authorization: Bearer {till_key}' \\",
        f"    -H 'Content-Type: application/json' -d '{shown}'",
        f"Пётр's card:  curl -s {url}/v1/cards/{body['card']} -H 'Authorization: Bearer {till_key}'",
    )
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
