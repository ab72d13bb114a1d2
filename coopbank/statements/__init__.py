"""PDF documents, drawn from reports: tagged for screen readers, and the same bytes for the same books.

    member_statement(bank, "M0007", start, end, Path("statements"))     one statement; returns its path
    month_statements(bank, "2026-02", Path("statements"))               one for every member; returns their paths

A statement is in its member's language, on letter paper or A4, at statements/2026-02/M0007-2026-02-01-2026-02-28.pdf.
"""

from coopbank.statements.files import member_statement, month_statements

__all__ = ["member_statement", "month_statements"]
