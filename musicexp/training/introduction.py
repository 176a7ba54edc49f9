"""What a run says of its data before it begins: what there is, what was left out, and what a reader should know."""

from __future__ import annotations

from musicexp.config import Config
from musicexp.model import Resolved
from musicexp.music import Side
from musicexp.music.corpus import source_of
from musicexp.music.similar import RUN
from musicexp.training.material import Material
from musicexp.wording import count

FIRST_REJECTED = 5
FEW = 5
"""Held-out pieces; of fewer the loss is luck."""
HELD_OUT: dict[Side, str] = {"val": "validation", "test": "test"}


def data_lines(config: Config, material: Material) -> list[str]:
    """The lines that begin with `data` and `tokens`, and what stands below them."""
    data = material.summary
    sides = {side: len(numbers) for side, numbers in material.ids.items()}
    rejected = f"; {data.rejected:,} could not be used" if data.rejected else ""
    lines = [
        f"data     {data.name}: {data.pieces:,} pieces, {data.notes:,} notes "
        f"({sides['train']:,} train, {sides['val']:,} validation, {sides['test']:,} test){rejected}"
    ]
    lines += [f"         {line}" for line in _remarks(config, material)]
    keys = f", in {len(config.dataset.keys())} keys" if len(config.dataset.keys()) > 1 else ""
    lines.append(
        f"tokens   {config.tokens.kind}: {len(material.vocabulary):,} in the vocabulary, "
        f"{material.ids['train'].predicted():,} to train on{keys}"
    )
    return lines


def model_lines(config: Config, resolved: Resolved) -> list[str]:
    """The line that begins with `model`, and what stands below it."""
    model = config.model
    looks = model.kind == "transformer"
    way = f"{model.heads} heads, computed by torch" if looks else f"recurrence {resolved.recurrence}"
    each = " on each device" if config.trainer.devices > 1 else ""
    lines = [
        f"model    {model.num_layers} x {model.hidden_size} {model.called}, {way}, {resolved.precision}, "
        f"{count(resolved.threads, 'thread')}{each}"
    ]
    if looks and config.windows == "contiguous":
        lines.append("         a Transformer carries nothing from window to window: each begins anew")
    return lines


def _remarks(config: Config, material: Material) -> list[str]:
    data = material.summary
    told = []
    card = source_of(config.dataset.collection, config.dataset.path).card
    if card is not None and card.warning:
        told.append(card.warning)
    for number, (what, why) in enumerate(material.store.rejected(), start=1):
        if number > FIRST_REJECTED:
            told.append(f"and {data.rejected - FIRST_REJECTED:,} more: see rejected.csv")
            break
        told.append(f"not used: {what}: {why}")
    if data.left_out:
        told.append(
            f"{count(data.left_out, 'piece')} of its files are none of {data.where} and were left out"
        )
    if data.apart:
        others = " and ".join(config.dataset.apart_from or ())
        told.append(
            f"{count(data.apart, 'piece')} left out that {'shares' if data.apart == 1 else 'share'} a run of {RUN} intervals with a piece of {others}, in any key"
        )
    small = [
        f"{count(len(material.ids[side]), 'piece')} of {word}"
        for side, word in HELD_OUT.items()
        if len(material.ids[side]) < FEW
    ]
    if small:
        told.append(f"only {' and '.join(small)}: figures of so few say little")
    if data.duplicates:
        held = (
            "kept on one side of the split" if config.split.grouped else "NOT kept on one side of the split"
        )
        told.append(
            f"{count(data.pieces - data.groups, 'piece repeats', 'pieces repeat')} another one, in any key, or much of it: {held}"
        )
    if data.moved:
        told.append(data.moved)
    if data.free:
        told.append(
            f"{count(data.free, 'piece knows', 'pieces know')} no grid of 1/24 quarter (played freely, or written in other values): their notes were moved by {data.moved_ms:.0f} ms on average, {data.moved_most_ms:.0f} at most"
        )
    if data.transposed_out:
        told.append(f"{count(data.transposed_out, 'transposition')} left out that would leave MIDI's range")
    if data.replaced:
        told.append(
            f"{count(data.replaced, 'token of held-out pieces is', 'tokens of held-out pieces are')} none of the training pieces' (tokens.unknown={config.tokens.unknown}): their bits per note are too low"
        )
    return told
