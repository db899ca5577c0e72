"""Asks Go's checksum-database packages, which are not ours, whether they accept our log.

Needs Debian's golang-go and golang-golang-x-mod-dev; nothing is downloaded. Tests that use it carry
`@go_oracle.needed`, which skips them where Go is not installed.
"""

import atexit
import json
import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

SOURCE = Path(__file__).parent / "unit" / "go" / "oracle.go"
GOPATH = Path("/usr/share/gocode")

_MISSING = [
    name
    for name, found in (
        ("golang-go", shutil.which("go")),
        ("golang-golang-x-mod-dev", (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir()),
    )
    if not found
]
needed = pytest.mark.skipif(
    bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)} (Debian packages)"
)


@dataclass(frozen=True)
class Verdict:
    """True if Go accepts; otherwise `reason` is what Go says."""

    reason: str

    def __bool__(self) -> bool:
        return not self.reason


def accepts(
    vkey: str, checkpoint: bytes, leaf: bytes, index: int, proof: Sequence[bytes]
) -> Verdict:
    """Whether the key signed the checkpoint and the leaf lies at `index` of its tree."""
    record = {"leaf": _base64(leaf), "index": index, "proof": [_base64(h) for h in proof]}
    return _judged({"vkey": vkey, "checkpoint": _base64(checkpoint), "record": record})


def accepts_growth(vkey: str, old: bytes, new: bytes, proof: Sequence[bytes]) -> Verdict:
    """Whether the key signed both checkpoints and the new tree begins with the old one."""
    tree = {"oldCheckpoint": _base64(old), "proof": [_base64(h) for h in proof]}
    return _judged({"vkey": vkey, "checkpoint": _base64(new), "tree": tree})


def tile_paths(size: int) -> list[str]:
    """The tiles of a tree as Go names them: `tile/8/<level>/...`, 8 being the height."""
    done = _ask({"tilesOf": size})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _judged(question: Mapping[str, Any]) -> Verdict:
    done = _ask(question)
    assert done.returncode in {0, 1}, done.stderr
    return Verdict(done.stderr.strip() if done.returncode else "")


def _ask(question: Mapping[str, Any]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [_program()], input=json.dumps(question), capture_output=True, text=True, check=False
    )


@cache
def _program() -> Path:
    """Built once a process, into a directory that goes away with it."""
    folder = TemporaryDirectory(prefix="lepta-go-")
    atexit.register(folder.cleanup)
    program = Path(folder.name) / "oracle"
    offline = {
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOFLAGS": "",
        "GOCACHE": f"{folder.name}/cache",
    }
    subprocess.run(
        ["go", "build", "-o", program, SOURCE.name],
        check=True,
        cwd=SOURCE.parent,
        env={**os.environ, **offline},
    )
    return program


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
