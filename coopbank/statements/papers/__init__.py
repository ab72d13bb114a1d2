"""The documents, one module for those that tell of the same thing; each draws a report of coopbank/reports."""
