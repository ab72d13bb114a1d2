"""The commands, one module per subject. They are declared in the order in which the help lists them."""

# isort: off
from coopbank.cli.app import app
from coopbank.cli.commands import (  # noqa: F401
    books,
    backups,
    moving,
    roles,
    operations,
    lookup,
    explaining,
    calculators,
    reports,
    commons,
    equity,
    silence,
    documents,
    auditing,
    decisions,
    staff,
    keys,
    counter,
)
# isort: on

__all__ = ["app"]
