"""The garbage collector rests while heavy libraries are imported, and goes on afterwards as if nothing had been."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from musicexp.imports import importing


class Circle:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _collecting() -> Iterator[None]:
    gc.enable()
    yield
    gc.unfreeze()
    gc.enable()


def test_it_rests_and_goes_on() -> None:
    with importing():
        assert not gc.isenabled()
        with importing():
            pass
        assert not gc.isenabled(), "the outer one goes on"
    assert gc.isenabled()


def test_it_goes_on_behind_an_error() -> None:
    with pytest.raises(ImportError), importing():
        raise ImportError
    assert gc.isenabled()


def test_who_has_switched_it_off_keeps_it_off() -> None:
    gc.disable()
    with importing():
        pass
    assert not gc.isenabled()


def test_what_was_made_is_old_and_still_collected() -> None:
    """Left among the young, it would all be looked at once more; left frozen, garbage would stay for ever."""
    with importing():
        made = Circle()
    assert any(found is made for found in gc.get_objects(generation=2))
    assert gc.get_freeze_count() == 0
    there = weakref.ref(made)
    del made
    gc.collect(generation=1)
    assert there() is not None, "the young alone are looked at"
    gc.collect()
    assert there() is None


def test_what_somebody_has_frozen_stays_so() -> None:
    gc.freeze()
    before = gc.get_freeze_count()
    with importing():
        pass
    assert gc.get_freeze_count() == before
