"""PostgreSQL's settings: what must hold, and what suits the machine."""

import os
import sys
from pathlib import Path

# What an operator may not turn off by accident: given on the command line, which beats every file.
HELD = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
}
if sys.platform == "darwin":
    # Anything less leaves the data in the disk's own cache.
    HELD["wal_sync_method"] = "fsync_writethrough"

_CONTROL_GROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_SHARED_FOLDER = Path("/dev/shm")  # noqa: S108 - asked for its size only
_ENOUGH_SHARED_MB = 256
_MB = 1024 * 1024


def memory_mb() -> int:
    """The memory this process may use: the machine's, or its container's where that is less."""
    amounts = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in _CONTROL_GROUP_LIMITS:
        try:
            amounts.append(int(limit.read_text(encoding="ascii")))
        except (OSError, ValueError):  # not in a container, or "max"
            continue
    return min(amounts) // _MB


def suited(memory_mb: int) -> dict[str, str]:
    """Settings for a machine with `memory_mb`, most of it free for the database."""
    buffers_mb = _within(128, memory_mb // 4, 2_048)
    return {
        "shared_buffers": f"{buffers_mb}MB",
        "effective_cache_size": f"{max(buffers_mb, memory_mb * 3 // 4)}MB",
        "work_mem": "8MB",
        "maintenance_work_mem": f"{_within(64, memory_mb // 16, 512)}MB",
        "max_connections": "60",
        "wal_compression": "pglz",
        "checkpoint_timeout": "15min",
        "min_wal_size": "512MB",
        "max_wal_size": "4GB",
        "jit": "off",
        "autovacuum": "on",
        "timezone": "UTC",
        # Containers: huge pages promised by the machine and not granted kill the server, and the 64 MB that
        # /dev/shm has by default are too few for parallel queries.
        "huge_pages": "off",
        "dynamic_shared_memory_type": "posix" if _has_shared_memory() else "mmap",
        # Seven files, a weekday each, emptied when the day comes round again.
        "logging_collector": "on",
        "log_destination": "stderr",
        "log_directory": "log",
        "log_filename": "postgresql-%a.log",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        # Details of an error quote the row that it is about, a name or a card among its values.
        "log_error_verbosity": "terse",
    }


def as_file(settings: dict[str, str]) -> str:
    """The configuration file: initdb's own first, then `settings`. ALTER SYSTEM beats both."""
    head = "# Written by Lepta at each start. To change a setting, use ALTER SYSTEM."
    lines = [f"{name} = '{value}'" for name, value in settings.items()]
    return "\n".join([head, "include 'postgresql.conf'", *lines, ""])


def as_arguments(settings: dict[str, str]) -> list[str]:
    """`settings` as arguments of `postgres`."""
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _within(least: int, wanted: int, most: int) -> int:
    return max(least, min(wanted, most))


def _has_shared_memory() -> bool:
    if sys.platform != "linux":
        return True
    try:
        size = os.statvfs(_SHARED_FOLDER)
    except OSError:
        return False
    return size.f_frsize * size.f_blocks >= _ENOUGH_SHARED_MB * _MB
