"""What a study leaves in MLflow: one run with its tables, its figures, its page and best.yaml."""

from __future__ import annotations

from musicexp.report import study_figures, study_lines, study_page, trials_csv
from musicexp.report.study import Study as Plain
from musicexp.sweep.hearing import heard
from musicexp.sweep.record import best_yaml, record
from musicexp.sweep.study import Study
from musicexp.tracking import MlflowRun, Status, open_store

PAGE = "study.html"
SUMMARY = "summary_run"
"""The attribute of a study that holds the id of its summary run."""


class Summary:
    """The summary run of a study, made when the study begins and written anew whenever a sweep ends."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._found: Plain | None = None
        self._store = store = open_store(study.place.tracking_uri, study.place.experiment)
        with study.storage.alone(study.name):
            known = study.inner.user_attrs.get(SUMMARY)
            self._run: MlflowRun = (
                store.find(known)
                if known
                else store.create_run(study.name, {"musicexp": "study", "study": study.name})
            )
            if not known:
                study.inner.set_user_attr(SUMMARY, self._run.id)
                self._run.log_params(
                    {
                        "space": " ".join(d.name for d in study.search.dimensions),
                        "words": " ".join(study.search.words),
                        "sampler": study.sweep.sampler,
                        "pruner": study.pruner,
                        "objective": " ".join(o.name for o in study.objectives),
                    }
                )
            else:
                self._run.reopen()

    def write(self, status: Status) -> None:
        """Write everything as it stands, and close the run."""
        found = self._found = record(self._study)
        figures = study_figures(found)
        player, remarks = heard(found, self._store, self._study.search.config({}).render)
        page = study_page(found, player, remarks)
        files = {PAGE: page.encode(), "trials.csv": trials_csv(found), **figures}
        if found.best is not None:
            chosen = (
                {}
                if found.best_number is None
                else next(dict(t.settings) for t in found.trials if t.number == found.best_number)
            )
            files["best.yaml"] = best_yaml(found, self._study.search.config(chosen).as_dict()).encode()
        for name, data in files.items():
            self._run.write(name, data)
        first = found.objectives[0].metric
        best: float | None = None
        rising = found.objectives[0].direction == "maximize"
        for number, trial in enumerate((t for t in found.trials if t.values and t.feasible), start=1):
            value = trial.values[0]
            best = value if best is None else max(best, value) if rising else min(best, value)
            self._run.log_metrics({f"best/{first}": best, f"trial/{first}": value}, number)
        states = {
            state: sum(t.state == state for t in found.trials) for state in ("complete", "pruned", "failed")
        }
        self._run.set_tags({f"trials.{state}": number for state, number in states.items()})
        self._run.close(status)

    def lines(self) -> list[str]:
        """What is said at the end."""
        assert self._found is not None
        return [*study_lines(self._found), f"page     {self._run.place}/{PAGE}"]
