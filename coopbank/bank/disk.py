"""Whether the disk that a file lies on is encrypted, as far as that can be seen.

Linux tells it of what it encrypts itself (dm-crypt, which LUKS uses) and of encrypted folders (ecryptfs, gocryptfs). A
disk that encrypts by itself, a network disk or a disk of another system does not tell: then it is not known.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

_FOLDERS: Final = re.compile(r"ecryptfs|fuse\.(gocryptfs|encfs|cryfs|securefs)")
_DEEPEST: Final = 16  # devices upon each other


def is_encrypted(file: Path, system: Path = Path("/")) -> bool | None:
    """True and False where it can be seen, None where not. `system` is where /sys and /proc are."""
    try:
        number = file.stat().st_dev
        device = system / "sys/dev/block" / f"{os.major(number)}:{os.minor(number)}"
        if device.is_dir():
            return _of_device(device.resolve())
        return _of_mount(f"{os.major(number)}:{os.minor(number)}", system)
    except (OSError, ValueError):
        return None


def _of_device(device: Path, depth: int = 0) -> bool | None:
    """Of a block device: it encrypts, or everything that it stands on does."""
    if depth > _DEEPEST or (device / "loop").is_dir():
        return None  # a file as a disk: what it lies on is not said here
    uuid = device / "dm/uuid"
    if uuid.is_file() and uuid.read_text(encoding="ascii").startswith("CRYPT-"):
        return True
    slaves = device / "slaves"
    below = [_of_device(each.resolve(), depth + 1) for each in slaves.iterdir()] if slaves.is_dir() else []
    if not below:
        return False
    return None if None in below else all(below)


def _of_mount(number: str, system: Path) -> bool | None:
    """Of a file system that has no block device of its own number: by its kind, or by the device that it names."""
    for line in (system / "proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        before, _dash, after = line.partition(" - ")
        if before.split()[2:3] != [number]:
            continue
        kind, source = after.split()[:2]
        if _FOLDERS.fullmatch(kind):
            return True
        if source.startswith("/dev/"):
            node = system / "sys/class/block" / Path(os.path.realpath(source)).name
            return _of_device(node.resolve()) if node.is_dir() else None
        return None
    return None
