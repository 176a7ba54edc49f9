"""Numbers with their nouns, for whatever is said to people."""

from __future__ import annotations


def count(amount: int, one: str, several: str | None = None) -> str:
    """Such as "1 piece" or "1,059 pieces"."""
    return f"{amount:,} {one if amount == 1 else several or one + 's'}"


def length(quarters: float) -> str:
    """Such as "79.5 quarters" or "1 quarter", to a hundredth."""
    told = f"{quarters:,.2f}".rstrip("0").rstrip(".")
    return f"{told} quarter{'s' * (told != '1')}"
