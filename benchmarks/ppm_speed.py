"""What the strongest baseline costs: PPM counted on the training pieces and asked about the held-out ones, one thread.

    python benchmarks/ppm_speed.py [--repeats 5]

The default data set in its three representations, prepared before; then what a token costs a context that grows, as in
sampling. Processor time, since others may use the machine. Printed and written to benchmarks/ppm_speed.md.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy is there

from tables import Row, median_and_spread, write_table

from musicexp.baselines import PPM, PPMSettings
from musicexp.config import compose
from musicexp.tracking import cache_dir, store_uri
from musicexp.training.material import Material, prepare

TOKENS = ("notes", "abc", "events")
MOST_SECONDS = 5
PIECES = 6
"""Read token by token."""


def counted(material: Material) -> float:
    """Seconds to count the training pieces and to ask about the others."""
    start = time.process_time()
    model = PPM(len(material.vocabulary)).fit(material.ids["train"])
    for side in ("val", "test"):
        model.nll_nats(material.ids[side])
    return time.process_time() - start


def grown(material: Material, settings: PPMSettings) -> float:
    """Milliseconds a token of a context that grows."""
    model, tokens = PPM(len(material.vocabulary), settings).fit(material.ids["train"]), 0
    start = time.process_time()
    for piece in material.ids["val"][:PIECES]:
        context = model.context()
        for token in piece[:-1].tolist():
            context.advance(token)
            context.probabilities()
            tokens += 1
    return 1000 * (time.process_time() - start) / tokens


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = range(parser.parse_args().repeats)
    rows: list[Row] = []
    for tokens in TOKENS:
        material = prepare(compose([f"tokens={tokens}"]), cache_dir(store_uri(None)))
        predicted = {side: ids.predicted() for side, ids in material.ids.items()}
        what = f"tokens={tokens}: {predicted['train']:,} tokens counted, {predicted['val'] + predicted['test']:,} asked for"
        times = [counted(material) for _ in repeats]
        rows.append(Row(what, *median_and_spread(times, "s"), f"at most {MOST_SECONDS} s"))
        for name, settings in {"STM": PPMSettings(None), "LTM and STM": PPMSettings()}.items():
            each = [grown(material, settings) for _ in repeats]
            rows.append(
                Row(f"tokens={tokens}: a token of a growing context, {name}", *median_and_spread(each, "ms"))
            )
    write_table(__file__, "PPM", "`python benchmarks/ppm_speed.py`; processor seconds of one thread.", rows)


if __name__ == "__main__":
    main()
