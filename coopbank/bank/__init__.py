"""The institution: members, shares, savings, loans, funds, cash and staff, and the operations on them."""
