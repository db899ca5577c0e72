"""The launcher between Lepta and PostgreSQL: change the account, tie the life to the owner's, exec.

Run as a script in a process of its own, because nothing but exec may safely follow a fork in a process with
threads. It imports the standard library only: it starts with `-I -S`.

    python -I -S child.py OWNER_PID UID:GID PROGRAM ARGUMENT...      (UID:GID is `-` to stay the same)

The order matters. A change of uid clears the death signal, so that comes first; the owner may have died
before the signal was asked for, so its pid is compared after.

The signal is SIGINT, PostgreSQL's "fast shutdown": sessions end, a checkpoint is written, the directory is clean.
SIGQUIT would be quicker by the checkpoint, but the next start would replay up to `max_wal_size` of log by one
process, and the planner's and autovacuum's statistics would be lost. Both keep every commit.

Only Linux has death signals. Elsewhere a killed owner leaves the server running until the next owner of the
directory, who finds the owner's lock free and the recorded server alive, and stops it first.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def become(account: str) -> None:
    """Give up root for good. `account` is `UID:GID`."""
    uid, gid = (int(part) for part in account.split(":"))
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except OSError as error:
        sys.exit(
            f"cannot become uid {uid} ({error.strerror}). Run the command as an ordinary user, "
            "or use a database of your own with --database-url."
        )


def die_with_owner(owner_pid: int) -> None:
    """End when the owner ends, or at once when it has ended already."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0) != 0:
            sys.exit(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}")
    if os.getppid() != owner_pid:
        sys.exit(f"the owner, process {owner_pid}, has ended")


def main(owner_pid: str, account: str, program: str, *arguments: str) -> None:
    """Turn into `program`."""
    # A shell's `&` hands down an ignored SIGINT, and a thread its blocked signals.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.umask(0o077)
    if account != "-":
        become(account)
    die_with_owner(int(owner_pid))
    try:
        os.execv(program, [program, *arguments])  # noqa: S606 - the purpose of this script
    except OSError as error:
        sys.exit(f"{program}: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
