"""The operations, one module per subject. Importing this package fills the catalogue."""

from coopbank.bank.operations import (  # noqa: F401
    books,
    cash,
    closing,
    days,
    founding,
    funds,
    lending,
    members,
    notes,
    opening,
    savings,
    shares,
    staff,
    undoing,
)
