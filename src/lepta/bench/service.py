"""P1 to P4, P6 and P7: the running service under load, in turn with its anchors."""

import asyncio
import statistics
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from lepta.bench import processor, queries
from lepta.bench.anchors import SCALE, TPC_B_CLIENTS, Anchor
from lepta.bench.assortment import HOT_SHARE, HOT_VISITS_PERCENT, LINES
from lepta.bench.drive import CONNECTIONS, Driver, Load, LoadFailed
from lepta.bench.figures import ROWS, Measured
from lepta.bench.ground import WORKERS, Ground, Service
from lepta.bench.plan import Plan
from lepta.bench.progress import Steps

ANCHOR_WARM_UP_S = 3
Rate = Callable[[float], float]
"""Runs an anchor for so many seconds; how many a second it did."""


@dataclass(slots=True)
class Rounds:
    """What each turn gave."""

    ours: list[Load] = field(default_factory=list)
    tpc_b: list[float] = field(default_factory=list)
    double_entry: list[float] = field(default_factory=list)
    wal_bytes: list[float] = field(default_factory=list)
    """Per checkout."""
    stored_bytes: float = 0.0
    """Per checkout, over all turns."""
    service_us: list[float] = field(default_factory=list)
    postgres_us: list[float] = field(default_factory=list)
    """Processor time per checkout; empty where it cannot be told."""

    @property
    def rate(self) -> float:
        """Ours, checkouts a second."""
        return statistics.median(load.rate for load in self.ours)


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything a measurement needs: where, with what, which rows, how long."""

    ground: Ground
    driver: Driver
    anchor: Anchor
    chosen: Collection[str]
    plan: Plan
    steps: Steps

    def measure(self) -> list[Measured]:
        """The chosen rows but P5. All of them need P1's own figure, so that is always taken."""
        with self.ground.service() as service:
            rounds = self._rounds(service)
            found = [row for row in _from_rounds(rounds, self.plan) if row.row.name in self.chosen]
            if "P4" in self.chosen:
                found.append(self._paced(service.url, rounds.rate / 2))
        if "P3" in self.chosen:
            found.append(self._one_by_one(rounds.rate))
        return found

    def _rounds(self, service: Service) -> Rounds:
        found, turns, phase_s = Rounds(), self.plan.rounds, self.plan.phase_s
        anchors = self._warmed_up(service.url, found)
        before, first = self._stored()
        for turn in range(1, turns + 1):
            self.steps.next(f"turn {turn} of {turns}: checkouts", phase_s)
            self._ours(service, found)
            for name, rates, anchor in anchors:
                self.steps.next(f"turn {turn} of {turns}: {name}", phase_s)
                rates.append(anchor(phase_s))
        after, last = self._stored()
        found.stored_bytes = (after - before) / (last - first)
        return found

    def _warmed_up(self, url: str, found: Rounds) -> list[tuple[str, list[float], Rate]]:
        """The anchors of the chosen rows: their name, where their rates go, and how to run them."""
        self.steps.next("warming up", self.plan.warm_up_s + 2 * ANCHOR_WARM_UP_S)
        self.driver.flood(url, self.plan.warm_up_s)
        every: dict[str, tuple[str, list[float], Rate]] = {
            "P1": ("pgbench", found.tpc_b, self.anchor.tpc_b),
            "P2": ("double entry in SQL", found.double_entry, self.anchor.double_entry),
        }
        anchors = [anchor for row, anchor in every.items() if row in self.chosen]
        for _, _, run in anchors:
            run(ANCHOR_WARM_UP_S)
        return anchors

    def _stored(self) -> tuple[int, int]:
        """(bytes, events)."""
        address = self.ground.address
        return asyncio.run(queries.stored_bytes(address)), asyncio.run(queries.events(address))

    def _ours(self, service: Service, found: Rounds) -> None:
        """One timed phase. Raises `LoadFailed` if the log does not hold what was answered."""
        address = self.ground.address
        first, wal = asyncio.run(queries.events(address)), asyncio.run(queries.wal_bytes(address))
        used = self._processors(service)
        load = self.driver.flood(service.url, self.plan.phase_s)
        used_after = self._processors(service)
        written = asyncio.run(queries.wal_bytes(address)) - wal
        recorded = asyncio.run(queries.events(address)) - first
        # The last ones under way are recorded, but the driver does not stay for their answers.
        if not load.requests <= recorded <= load.requests + 2 * CONNECTIONS:
            raise LoadFailed(
                f"{load.requests} sales were answered 201; the log has {recorded} more."
            )
        found.ours.append(load)
        found.wal_bytes.append(written / recorded)
        for times, before, after in zip(
            (found.service_us, found.postgres_us), used, used_after, strict=True
        ):
            if before is not None and after is not None:
                times.append((after - before) * 1e6 / recorded)

    def _processors(self, service: Service) -> tuple[float | None, float | None]:
        """Seconds that the service and PostgreSQL have used so far."""
        server = self.ground.server_pid
        return processor.used_s(service.pid), processor.used_s(server) if server else None

    def _paced(self, url: str, rate: float) -> Measured:
        plan = self.plan
        self.steps.next(f"P4: {rate:,.0f} checkouts a second", plan.pace_s + plan.warm_up_s)
        load = self.driver.pace(url, rate, warm_up_s=plan.warm_up_s, seconds=plan.pace_s)
        detail = {"rate": rate, "p50_ms": load.p50_ms, "max_ms": load.max_ms}
        note = (
            f"{rate:,.0f}/s at a constant rate by our own client: p50 {load.p50_ms:.1f} ms, "
            f"max {load.max_ms:.0f} ms, from the moment each was to be sent"
        )
        return Measured(ROWS["P4"], load.p99_ms, None, detail, (note,))

    def _one_by_one(self, rate: float) -> Measured:
        self.steps.next("P3: batches of 1", self.plan.phase_s + self.plan.warm_up_s)
        with self.ground.service(BATCH_SIZE="1") as service:
            self.driver.flood(service.url, self.plan.warm_up_s)
            load = self.driver.flood(service.url, self.plan.phase_s)
        return Measured(ROWS["P3"], load.rate, rate)


def _from_rounds(rounds: Rounds, plan: Plan) -> Sequence[Measured]:
    """P1, P2, P6 and P7."""
    loads, rate = rounds.ours, rounds.rate
    p50_ms = statistics.median(load.p50_ms for load in loads)
    p99_ms = statistics.median(load.p99_ms for load in loads)
    mix = (
        f"{CONNECTIONS} keep-alive connections, {LINES}-line baskets, a card in each, half with fiscal "
        f"data, 1 in 20 redeems; {HOT_VISITS_PERCENT} % of visits from {100 // HOT_SHARE} % of "
        f"{plan.members:,} members; {plan.campaigns:,} campaigns, about 3 fire; receipt and "
        f"explanation in each answer; `lepta serve --workers {WORKERS}`"
    )
    turns = (
        f"turns: {_turns([load.rate for load in loads])}; under this load p50 {p50_ms:.0f} ms, "
        f"p99 {p99_ms:.0f} ms"
    )
    tpc_b = f"anchor: scale {SCALE}, prepared, {TPC_B_CLIENTS} clients: {_turns(rounds.tpc_b)}"
    detail = {"p50_ms": p50_ms, "p99_ms": p99_ms, **_processor_times(rounds)}
    spent = ", ".join(f"{name} {value:.0f} µs" for name, value in _processor_times(rounds).items())
    notes = (mix, turns, tpc_b, *([f"processor time per checkout: {spent}"] if spent else []))
    double_entry = (f"anchor: {_turns(rounds.double_entry)}",)
    return (
        Measured(ROWS["P1"], rate, _median(rounds.tpc_b), detail, notes),
        Measured(ROWS["P2"], rate, _median(rounds.double_entry), notes=double_entry),
        Measured(ROWS["P6"], rounds.stored_bytes),
        Measured(ROWS["P7"], statistics.median(rounds.wal_bytes)),
    )


def _processor_times(rounds: Rounds) -> dict[str, float]:
    """Microseconds per checkout, as far as they are known."""
    found = {"service": _median(rounds.service_us), "postgres": _median(rounds.postgres_us)}
    return {name: value for name, value in found.items() if value is not None}


def _median(rates: Sequence[float]) -> float | None:
    return statistics.median(rates) if rates else None


def _turns(rates: Sequence[float]) -> str:
    return ", ".join(f"{rate:,.0f}/s" for rate in rates)
