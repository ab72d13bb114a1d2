"""`make docs`: writes the generated documents anew."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from tests.documents import DOCUMENTS

os.environ["TZ"] = "America/Chicago"  # the bank's own, as in the tests, wherever the pages are made
time.tzset()
FOLDER = Path(__file__).parents[2] / "docs"

for name, page in DOCUMENTS.items():
    with tempfile.TemporaryDirectory() as scratch:
        (FOLDER / name).write_text(page(str(Path(scratch) / "book.db")), encoding="utf-8")
    print(f"docs/{name}")
