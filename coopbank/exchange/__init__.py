"""Import and export: how facts come into the books as files, and how they leave for others to check."""

from coopbank.exchange.bank_lines import BankFile
from coopbank.exchange.exports import FORMATS, export
from coopbank.exchange.imports import KINDS, ImportResult, import_file

__all__ = ["FORMATS", "KINDS", "BankFile", "ImportResult", "export", "import_file"]
