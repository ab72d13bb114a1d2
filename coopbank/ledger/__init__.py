"""The books: accounts, entries, funds and periods. Knows nothing of members or loans."""
