"""A cooperative bank and revolving loan ledger in a file."""

__version__ = "0.1.0"
