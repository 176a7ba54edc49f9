"""What a run looks like: pictures for MLflow; `charts` and `rolls` draw for pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from musicexp.render.pictures import clip_picture, loss_picture, roll_picture
    from musicexp.render.score import score_pages, score_svg

__all__ = ["clip_picture", "loss_picture", "roll_picture", "score_pages", "score_svg"]


def __getattr__(name: str) -> Any:
    # Late, so that a page does not wait for matplotlib, of which it needs nothing.
    if name.startswith("score_") and name in __all__:
        from musicexp.render import score

        return getattr(score, name)
    if name in __all__:
        from musicexp.render import pictures

        return getattr(pictures, name)
    raise AttributeError(f"module 'musicexp.render' has no attribute {name!r}")
