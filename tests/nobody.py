"""The program as a user without rights: root reads and writes everything, so that nothing would be tried."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

import pytest

_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
_CANNOT_START = (126, 127)  # as a shell says it, and a program whose libraries that user may not read


def as_nobody(*command: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What the command said to a user who owns nothing; skips where that user cannot run this Python at all."""
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root reads and writes everything")
        command = (*_NOBODY, *command)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd="/")
    if done.returncode in _CANNOT_START or "Permission denied" in done.stderr:
        pytest.skip("the user without rights may not run this Python")
    assert "Traceback" not in done.stderr
    return done
