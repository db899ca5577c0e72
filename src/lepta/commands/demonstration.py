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
from lepta.demo import day, founding, queries, report, totals
from lepta.demo import run as demo
from lepta.keys.service import create
from lepta.settings import Settings

HOST = "127.0.0.1"
SIGNED_WITHIN_S = 15.0


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
        _scratch() as scratch,
        opened(_settings(database_url, data_dir, scratch), to_serve=stay) as found,
        listening(HOST, port) as listener,
        looked_after(found.server),
        service(found.settings, scratch / "service.log", listener) as url,
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
def _scratch() -> Iterator[Path]:
    """A directory that goes when the demo does."""
    with tempfile.TemporaryDirectory(prefix="lepta-demo-", ignore_cleanup_errors=True) as made:
        yield Path(made)


def _settings(database_url: str | None, data_dir: Path | None, scratch: Path) -> Settings:
    """Where the demo keeps its data: as the command line says, else in `scratch`. Its service signs often."""
    chosen = settings_of(database_url, data_dir or (None if database_url else scratch / "data"))
    return chosen.model_copy(update={"checkpoint_every_s": 0.5})


def _verified(found: Opened, console: Console, url: str, outcome: demo.Outcome) -> bool:
    """Verify the whole database against the service's checkpoint, re-deciding every event; show what was signed."""
    checkpoint, vkey = _signed(url, outcome.log_size)
    verified = verifying.examine(found, replay=True, checkpoint=checkpoint.encode())
    faults = [*verified.lines()]
    if _size(checkpoint) < outcome.log_size:
        faults.append(
            f"the answers speak of {outcome.log_size} events, the checkpoint is: {checkpoint}"
        )
    booked = keyring.with_database(found, queries.owed)
    by_payer = totals.owed_faults(outcome.totals, booked)
    sound = report.faults(console, "the ledger's entries owe what the receipts say", by_payer)
    what = f"{verified.events} events verified, {verified.replayed} of them decided once more"
    sound &= report.faults(console, what, faults)
    console.print("\n[bold]The signed checkpoint[/] (C2SP tlog-checkpoint)")
    console.print(checkpoint, markup=False, soft_wrap=True)
    console.print("[bold]and the key that verifies it[/]")
    console.print(vkey.strip(), markup=False, soft_wrap=True)
    return sound


def _signed(url: str, size: int) -> tuple[str, str]:
    """The service's checkpoint, once it covers `size` events or that takes too long, and its verifier key."""
    until = time.monotonic() + SIGNED_WITHIN_S
    with httpx.Client(base_url=url, trust_env=False) as client:
        vkey = client.get("/log/vkey").raise_for_status().text
        while True:
            checkpoint = client.get("/log/checkpoint").raise_for_status().text
            if _size(checkpoint) >= size or time.monotonic() > until:
                return checkpoint, vkey
            time.sleep(0.1)


def _size(checkpoint: str) -> int:
    """How many events a checkpoint covers: its second line."""
    return int(checkpoint.splitlines()[1])


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
