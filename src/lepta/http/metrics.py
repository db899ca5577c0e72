"""Prometheus metrics of requests. Labels come from routes, never from what a client sent."""

from prometheus_client import CollectorRegistry, Counter, Histogram

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0)


class Metrics:
    """What one process counts; other parts add theirs to `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "lepta_http_requests",
            "Answered requests.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "lepta_http_request_seconds",
            "From the first byte of the request to the last of the answer.",
            ("route", "method"),
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request by its route's template."""
        key = (route, method, status)
        found = self._children.get(key)
        if found is None:
            found = (
                self._requests.labels(route, method, str(status)),
                self._seconds.labels(route, method),
            )
            self._children[key] = found
        found[0].inc()
        found[1].observe(seconds)
