"""The software bill of materials: everything that is installed to run coopbank, as CycloneDX JSON.

    python .ci/sbom.py requirements.lock > coopbank.cdx.json

Names, versions and hashes come from the lock file, licences from what is installed. Nothing in it depends on when or
where it was written: the same lock gives the same document.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
from coopbank import __version__

PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def document(lock: str) -> dict[str, Any]:
    """The bill of materials of a lock file's text."""
    own = {
        "type": "application", "bom-ref": "coopbank", "name": "coopbank", "version": __version__,
        "licenses": [{"expression": "Apache-2.0"}],
    }  # fmt: skip
    parts = list(components(lock))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=sha256(lock.encode()).digest()[:16], version=4)}", "version": 1,
        "metadata": {"component": own, "lifecycles": [{"phase": "pre-build"}]},
        "components": parts,
        "dependencies": [{"ref": "coopbank", "dependsOn": [part["bom-ref"] for part in parts]}],
    }  # fmt: skip


def components(lock: str) -> Iterator[dict[str, Any]]:
    """One component for each requirement of a lock file."""
    for block in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE):
        pin = PIN.match(block)
        if pin is None:
            continue
        name, version = pin["name"], pin["version"]
        address = f"pkg:pypi/{name}@{version}"
        # Of the files with these hashes one is installed: which one, the machine decides.
        properties = [{"name": "coopbank:sha256", "value": each} for each in HASH.findall(block)]
        if pin["marker"]:
            properties.append({"name": "coopbank:marker", "value": pin["marker"].strip()})
        found = {
            "type": "library", "bom-ref": address, "name": name, "version": version, "licenses": licences(name),
            "purl": address, "properties": properties,
        }  # fmt: skip
        yield {key: value for key, value in found.items() if value}


def licences(name: str) -> list[dict[str, Any]]:
    """What an installed package says of its licence."""
    try:
        said = metadata(name)
    except PackageNotFoundError:
        return []
    if said.get("License-Expression"):
        return [{"expression": said["License-Expression"]}]
    classified = [each.split(" :: ")[-1] for each in said.get_all("Classifier", []) if each.startswith("License ::")]
    texts = classified or [each for each in [said.get("License", "")] if each and len(each) < 60 and "\n" not in each]
    return [{"license": {"name": each}} for each in texts]


if __name__ == "__main__":
    print(json.dumps(document(Path(sys.argv[1]).read_text(encoding="utf-8")), indent=1, ensure_ascii=False))
