"""What is published on Pearce's melodies, and what does not compare with it.

M. T. Pearce, The construction and evaluation of statistical models of melodic structure in music perception and
composition, PhD thesis, City University London, 2005 (with Pearce & Wiggins, Improved methods for statistical
modelling of monophonic music, Journal of New Music Research 33, 2004): bits per pitch, the mean over ten folds, a
melody's first pitch counted and its end not. Its allocation of melodies to folds is not published.
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "Pearce 2005"


@dataclass(frozen=True)
class Published:
    """A data set's row of the table.

    Attributes:
        number: of the data set in the thesis.
        told: what it is, in words.
        bits_per_pitch: by model, in the table's order.
        reads_more: (model, bits per pitch) of one that is told more than pitches; None where none is published.
    """

    number: int
    told: str
    melodies: int
    events: int
    pitches: int
    bits_per_pitch: dict[str, float]
    reads_more: tuple[str, float] | None = None


PUBLISHED = {
    "chorales": Published(
        2,
        "the sopranos of Bach's chorales",
        185,
        9227,
        21,
        {"bigram": 2.686, "LTM, C2I": 2.563, "LTM, C*I": 2.444, "LTM+": 2.375, "LTM+ and STM": 2.347},
        ("multi-viewpoint", 1.953),
    ),
    "kinder": Published(
        7,
        "German children's songs (Essen)",
        213,
        8393,
        27,
        {"bigram": 2.732, "LTM, C2I": 2.613, "LTM, C*I": 2.428, "LTM+": 2.237, "LTM+ and STM": 2.106},
    ),
}
"""By the name of the set here."""

NOT_COMPARABLE = (
    "Not beside these: the figures usual for JSB Chorales and Nottingham (Boulanger-Lewandowski et al. 2012 and after). "
    "They are nats a frame of a polyphonic piano roll: 88 yes-or-no outputs for each eighth or quarter, all voices at once, "
    "and a note that sounds on is asked for again in each frame. No arithmetic turns one into the other."
)
