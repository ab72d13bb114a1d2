"""Alembic asks for this file; the connection comes from `coopbank.migrations.upgrade`."""
