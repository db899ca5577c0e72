"""How a PostgreSQL program is started: by way of `child.py`, with an environment of our own."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lepta.postgres.accounts import Account

# Nothing of the caller's environment gets through: PGDATA, PGPORT, PGOPTIONS and LC_* all change what is run.
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}
_CHILD = Path(__file__).with_name("child.py")


def command(account: Account | None, program: Path, arguments: Sequence[str]) -> list[str]:
    """The command line that turns into `program` under `account`, bound to this process's life."""
    assert sys.executable, "no interpreter to launch PostgreSQL with"
    whose = "-" if account is None else f"{account.uid}:{account.gid}"
    launcher = [sys.executable, "-I", "-S", str(_CHILD)]
    return [*launcher, str(os.getpid()), whose, str(program), *arguments]


@contextmanager
def seen_by(account: Account | None, directory: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The path by which a program under `account` reaches `directory`, and descriptors to pass to it.

    Another account may not be able to pass the folders above (/root is closed to all others), and opening those
    to the world is not ours to do. So it is given the directory itself, already open, and a path through that.
    """
    if account is None:
        yield str(directory), ()
        return
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)
