"""Makes the README's pictures from a real default run: `make pictures`."""

from __future__ import annotations

from pathlib import Path

import musicexp

result = musicexp.run("name=default")
run = musicexp.load_run(result.id)
for picture in ("loss.png", "roll.png"):
    Path(__file__).with_name(picture).write_bytes(run.read(picture))
