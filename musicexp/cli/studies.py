"""`studies`: what studies there are, and how far they are; with a name, one of them in full."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from musicexp.errors import SettingError

SETTINGS = ("storage", "tracking.uri")
HINT = "`python -m musicexp studies --help` lists every setting"


def main(words: Sequence[str]) -> int:
    """List studies, or tell of one."""
    if "--help" in words or "-h" in words:
        from musicexp.cli.sweep_help import studies_help

        print(studies_help())
        return 0
    from musicexp.config import assignments
    from musicexp.sweep import load_study, open_storage, record, study_rows

    flags = [word for word in words if word.startswith("-")]
    names = [word for word in words if "=" not in word and word not in flags]
    if any(flag != "--json" for flag in flags) or len(names) > 1:
        raise SettingError("studies takes the name of one study at most, storage=, tracking.uri= and --json")
    given = assignments([word for word in words if "=" in word and word not in flags], SETTINGS, HINT)
    storage = open_storage(given.get("storage"), given.get("tracking.uri"))
    if names:
        found = record(load_study(storage, names[0]))
        if "--json" in flags:
            print(json.dumps(dataclasses.asdict(found), indent=1, default=list))
            return 0
        from musicexp.report import study_lines

        print("\n".join(study_lines(found)))
        return 0
    rows = study_rows(storage)
    if "--json" in flags:
        print(json.dumps([dataclasses.asdict(row) for row in rows], indent=1))
        return 0
    if not rows:
        print(
            "no study yet: `python -m musicexp sweep 'lr=tag(log,interval(1e-4,1e-2))' trials=20` begins one"
        )
        return 0
    width = max(len(row.name) for row in rows)
    print(f"{'study':{width}}  finished   pruned  failed  running  leading")
    for row in rows:
        if not row.target:
            print(f"{row.name:{width}}  {row.remark}")
            continue
        leading = "-" if row.leading is None else f"{row.leading:.4f} {row.objective}"
        remark = f"  ({row.remark})" if row.remark else ""
        print(
            f"{row.name:{width}}  {f'{row.finished}/{row.target}':9}  {row.pruned:6}  {row.failed:6}  {row.running:7}  {leading}{remark}"
        )
    return 0
