"""Columns of GitHub's tables, written short: a text, a whole number, a time."""

from __future__ import annotations

from oso_dagster.domain.catalogue.source import Column, ColumnType


def text(name: str, description: str, *, nullable: bool = True) -> Column:
    """A text."""
    return Column(name, ColumnType.VARCHAR, description, nullable)


def number(name: str, description: str, *, nullable: bool = True) -> Column:
    """A whole number of up to 64 bits."""
    return Column(name, ColumnType.BIGINT, description, nullable)


def time(name: str, description: str, *, nullable: bool = True) -> Column:
    """A moment, in UTC."""
    return Column(name, ColumnType.TIMESTAMP, description, nullable)
