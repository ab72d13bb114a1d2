"""Whether a disk is encrypted: a pretended /sys and /proc, laid out as Linux does it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coopbank.bank.disk import is_encrypted


def number(file: Path) -> str:
    device = file.stat().st_dev
    return f"{os.major(device)}:{os.minor(device)}"


def device(system: Path, name: str, uuid: str | None = None, on: tuple[str, ...] = ()) -> Path:
    """A block device that stands on others."""
    folder = system / "sys/devices" / name
    (folder / "slaves").mkdir(parents=True)
    if uuid is not None:
        (folder / "dm").mkdir()
        (folder / "dm/uuid").write_text(uuid + "\n")
    for below in on:
        (folder / "slaves" / below).symlink_to(system / "sys/devices" / below)
    return folder


def mounted(system: Path, of: Path, file: Path) -> None:
    (system / "sys/dev/block").mkdir(parents=True)
    (system / "sys/dev/block" / number(file)).symlink_to(of)


@pytest.mark.parametrize(
    ("layout", "encrypted"),
    [
        ({"sda": (None, ())}, False),
        ({"dm-0": ("CRYPT-LUKS2-1a2b-root", ("sda",)), "sda": (None, ())}, True),
        ({"dm-1": ("LVM-1a2b", ("dm-0",)), "dm-0": ("CRYPT-LUKS1-x", ("sda",)), "sda": (None, ())}, True),
        ({"dm-1": ("LVM-1a2b", ("sda",)), "sda": (None, ())}, False),
        ({"md0": (None, ("dm-0", "sdb")), "dm-0": ("CRYPT-LUKS2-x", ("sda",)), "sda": (None, ()), "sdb": (None, ())},
         False),
    ],
)  # fmt: skip
def test_what_stands_on_an_encrypted_device_is_encrypted(
    tmp_path: Path, layout: dict[str, tuple[str | None, tuple[str, ...]]], encrypted: bool
) -> None:
    for name, (uuid, on) in layout.items():
        device(tmp_path, name, uuid, on)
    mounted(tmp_path, tmp_path / "sys/devices" / next(iter(layout)), tmp_path)
    assert is_encrypted(tmp_path, tmp_path) is encrypted


def test_a_file_as_a_disk_does_not_tell(tmp_path: Path) -> None:
    folder = device(tmp_path, "loop0")
    (folder / "loop").mkdir()
    mounted(tmp_path, folder, tmp_path)
    assert is_encrypted(tmp_path, tmp_path) is None


@pytest.mark.parametrize(
    ("kind", "source", "encrypted"),
    [("ecryptfs", "/x", True), ("fuse.gocryptfs", "/x", True), ("nfs4", "server:/x", None),
     ("overlay", "overlay", None), ("btrfs", "/dev/none-such", None)],
)  # fmt: skip
def test_a_file_system_without_a_device_tells_by_its_kind(
    tmp_path: Path, kind: str, source: str, encrypted: bool | None
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    line = f"36 35 {number(tmp_path)} / /somewhere rw,noatime shared:1 - {kind} {source} rw\n"
    (tmp_path / "proc/self/mountinfo").write_text("22 1 0:99 / / rw - tmpfs tmpfs rw\n" + line)
    assert is_encrypted(tmp_path, tmp_path) is encrypted


def test_btrfs_on_an_encrypted_device_is_encrypted(tmp_path: Path) -> None:
    folder = device(tmp_path, "dm-0", "CRYPT-LUKS2-x")
    (tmp_path / "sys/class/block").mkdir(parents=True)
    (tmp_path / "sys/class/block/dm-0").symlink_to(folder)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(f"36 35 {number(tmp_path)} / / rw - btrfs /dev/dm-0 rw\n")
    assert is_encrypted(tmp_path, tmp_path) is True


def test_where_nothing_can_be_seen_it_is_not_known(tmp_path: Path) -> None:
    assert is_encrypted(tmp_path, tmp_path / "other system") is None
    assert is_encrypted(tmp_path / "gone", tmp_path) is None
    assert is_encrypted(tmp_path) in (True, False, None)
