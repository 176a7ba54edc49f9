"""What a run looks like."""

from musicexp.render.pictures import loss_picture, roll_picture

__all__ = ["loss_picture", "roll_picture"]
