"""A `lepta serve` as its users meet it: started, killed, started again; with a shop in it."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

import make
from processes import alive, descendants, eventually, lepta, start

PARTIES = {"retail-nsk": "retailer", "hunter-foods": "supplier", "forest-animals": "charity"}


@dataclass
class Service:
    """A `lepta serve` that can be killed and started again on the same data and port.

    `settings`, as in the environment: with a database by URL it has none of its own.
    """

    place: Path
    process: "subprocess.Popen[str]"
    url: str
    port: int
    workers: int
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def started(
        cls,
        place: Path,
        port: int = 0,
        workers: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> "Service":
        given = {"LEPTA_DATA_DIR": str(place / "data"), **(settings or {})}
        listen = ("--port", str(port), "--workers", str(workers))
        process = start(place, "serve", *listen, settings=given)
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"Lepta:\s+(http://\S+:(\d+))", line):
                break
        else:
            raise AssertionError(process.communicate())
        # Its log goes to nobody: a full pipe must not be what stops it.
        for stream in (process.stdout, process.stderr):
            threading.Thread(target=stream.read, daemon=True).start()  # type: ignore[union-attr]
        service = cls(place, process, found[1], int(found[2]), workers, given)
        assert eventually(service.is_ready, 60)
        return service

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> "Service":
        """kill -9, wait until its database has noticed, and start again."""
        self.end()
        return self.again()

    def end(self) -> None:
        """kill -9, and wait until its children have noticed."""
        children = descendants(self.process.pid)
        self.process.kill()
        self.process.wait()
        assert eventually(lambda: not alive(children), 30), "orphans"

    def again(self) -> "Service":
        """Start it again."""
        return Service.started(self.place, self.port, self.workers, self.settings)

    def kill_database(self) -> None:
        """kill -9 of PostgreSQL's first process; the service lives on and brings it back."""
        pid_file = self.place / "data" / "postgres" / "postmaster.pid"
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)

    def key(self, role: str = "admin", *scope: str) -> str:
        """A new key, made as an operator makes one while the service runs."""
        where = ("--data-dir", str(self.place / "data"))
        made = lepta(self.place, "keys", "create", "--role", role, *scope, *where)
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()


def open_shop(url: str, key: str, cards: list[str], more: Sequence[dict[str, Any]] = ()) -> None:
    """Parties, programme, store, members, the founding campaigns and `more`, through the office's API."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as office:

        def put(path: str, document: dict[str, Any]) -> None:
            answer = office.put(path, json=document)
            assert answer.status_code == 201, answer.text

        for party, kind in PARTIES.items():
            put(f"/v1/parties/{party}", {"kind": kind, "name": party})
        put("/v1/programmes/club", {**make.PROGRAMME, "expire_after": None})
        store = {"retailer": "retail-nsk", "time_zone": "Asia/Novosibirsk", "region": "siberia"}
        put("/v1/stores/nsk-07", store)
        for number, card in enumerate(cards):
            put(f"/v1/members/m{number}", {"first_name": "Пётр", "gender": "male", "cards": [card]})
        for campaign in (make.BASE, make.HUNTER, *more):
            put(f"/v1/campaigns/{campaign['campaign']}", campaign)
            assert office.post(f"/v1/campaigns/{campaign['campaign']}/publish").status_code == 200
