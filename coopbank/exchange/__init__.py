"""Import and export: how facts come into the books as files, and how they leave for others to check."""

from coopbank.exchange.bank_lines import BankFile
from coopbank.exchange.exports import FORMATS, export
from coopbank.exchange.imports import KINDS, Control, ImportResult, import_file
from coopbank.exchange.layout import DATE_ORDERS, Layout, said_of_file
from coopbank.exchange.templates import template

__all__ = [
    "DATE_ORDERS", "FORMATS", "KINDS", "BankFile", "Control", "ImportResult", "Layout", "export", "import_file",
    "said_of_file", "template",
]  # fmt: skip
