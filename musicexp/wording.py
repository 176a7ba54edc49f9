"""Numbers with their nouns, for whatever is said to people."""

from __future__ import annotations


def count(amount: int, one: str, several: str | None = None) -> str:
    """Such as "1 piece" or "1,059 pieces"."""
    return f"{amount:,} {one if amount == 1 else several or one + 's'}"


def length(quarters: float) -> str:
    """Such as "79.5 quarters" or "1 quarter", to a hundredth."""
    told = f"{quarters:,.2f}".rstrip("0").rstrip(".")
    return f"{told} quarter{'s' * (told != '1')}"


def ended(words: str) -> str:
    """As a sentence of its own, with a full stop if it has no mark at its end."""
    told = sentence(words)
    return told if not told or told[-1] in ".!?" else f"{told}."


def sentence(words: str) -> str:
    """With a capital letter, unless it begins with the name of a setting, such as split.seed."""
    return words if "." in words.split(" ")[0] else f"{words[:1].upper()}{words[1:]}"
