"""What a run looks like: pictures for MLflow; `charts` and `rolls` draw for pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from musicexp.render.pictures import clip_picture, loss_picture, roll_picture

__all__ = ["clip_picture", "loss_picture", "roll_picture"]


def __getattr__(name: str) -> Any:
    # Late, so that a page does not wait for matplotlib, of which it needs nothing.
    if name in __all__:
        from musicexp.render import pictures

        return getattr(pictures, name)
    raise AttributeError(f"module 'musicexp.render' has no attribute {name!r}")
