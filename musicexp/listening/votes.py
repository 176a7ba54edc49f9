"""The votes, in a sqlite file beside the store: each is on the disk before anybody is told so, and none is ever taken away.

An undo is a row of its own. What stands is what is left when all rows are read in order. A study's clips are kept as
MIDI and its presentations as they were drawn, so it goes on as it began whatever becomes of its runs.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from musicexp.errors import RunError, StoreError
from musicexp.listening.design import Presentation
from musicexp.tracking import MLRUNS, store_path

FILE = "listening.db"
FORMAT = 1
BUSY_SECONDS = 10.0
Answer = Literal["a", "b", "none"]
ANSWERS: tuple[Answer, ...] = ("a", "b", "none")

SCHEMA = """
CREATE TABLE IF NOT EXISTS study (id TEXT PRIMARY KEY, begun TEXT NOT NULL, runs TEXT NOT NULL, facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS part (
    study TEXT NOT NULL REFERENCES study, number INTEGER NOT NULL, votes INTEGER NOT NULL, begun TEXT NOT NULL,
    PRIMARY KEY (study, number));
CREATE TABLE IF NOT EXISTS presentation (
    study TEXT NOT NULL REFERENCES study, number INTEGER NOT NULL, part INTEGER NOT NULL,
    a INTEGER NOT NULL, b INTEGER NOT NULL, draw INTEGER NOT NULL, repeats INTEGER, PRIMARY KEY (study, number));
CREATE TABLE IF NOT EXISTS clip (
    study TEXT NOT NULL REFERENCES study, run INTEGER NOT NULL, draw INTEGER NOT NULL, midi BLOB NOT NULL,
    PRIMARY KEY (study, run, draw));
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, study TEXT NOT NULL REFERENCES study, at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('vote', 'undo', 'reveal')), presentation INTEGER NOT NULL,
    answer TEXT CHECK (answer IN ('a', 'b', 'none')), heard TEXT, key TEXT NOT NULL, UNIQUE (study, key));
CREATE TRIGGER IF NOT EXISTS event_stays BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'a vote is never deleted'); END;
CREATE TRIGGER IF NOT EXISTS event_is_so BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'a vote is never changed'); END;
"""


class StaleError(RunError):
    """A vote, undo or reveal that is no longer, or not yet, the next thing to happen."""


@dataclass(frozen=True)
class Part:
    """Votes that were decided on at one time, from 1."""

    number: int
    votes: int


@dataclass(frozen=True)
class Study:
    """A study as it was begun.

    Attributes:
        runs: their ids, in the order that presentations and clips count them by.
        facts: its settings as they were given, and as they came out.
        presentations: of all its parts, in order.
    """

    id: str
    runs: tuple[str, ...]
    facts: Mapping[str, Any]
    parts: tuple[Part, ...]
    presentations: tuple[Presentation, ...]

    @property
    def votes(self) -> int:
        return sum(part.votes for part in self.parts)

    @property
    def last(self) -> int:
        """The number of the last presentation."""
        return len(self.presentations)


@dataclass(frozen=True)
class Standing:
    """What the rows of a study come to.

    Attributes:
        answers: presentation -> answer, of 1, 2, ... without a gap.
        revealed: the number of the last presentation whose result was shown; 0 if none was.
    """

    answers: Mapping[int, Answer]
    revealed: int

    @property
    def next(self) -> int:
        return len(self.answers) + 1


def votes_path(uri: str) -> Path:
    """Where the votes lie: beside a local store, else in ./mlruns."""
    store = store_path(uri)
    return (store.parent if store else Path(MLRUNS).absolute()) / FILE


class Votes:
    """The file of votes, opened."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            StoreError: it cannot be opened or made, or is no file of votes.
        """
        self.path = path
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            # The server answers from one thread, which need not be the one that opened it.
            self._db = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.execute("PRAGMA synchronous = EXTRA")  # FULL, and the folder's entry too
            self._db.execute("PRAGMA foreign_keys = ON")
            [found] = self._db.execute("PRAGMA user_version").fetchone()
            if found not in (0, FORMAT):
                raise StoreError(
                    f"{path} has format {found}, and this version of musicexp reads format {FORMAT}; use the version that wrote it"
                )
            if not found:
                self._db.executescript(f"BEGIN IMMEDIATE;{SCHEMA}PRAGMA user_version = {FORMAT};COMMIT;")

    def close(self) -> None:
        self._db.close()

    def study(self, study: str) -> Study | None:
        """The study of this id; None if it was never begun."""
        with self._told():
            row = self._db.execute("SELECT runs, facts FROM study WHERE id = ?", [study]).fetchone()
            if row is None:
                return None
            parts = self._db.execute(
                "SELECT number, votes FROM part WHERE study = ? ORDER BY number", [study]
            )
            shown = self._db.execute(
                "SELECT number, a, b, draw, repeats, part FROM presentation WHERE study = ? ORDER BY number",
                [study],
            )
            return Study(
                study,
                tuple(json.loads(row[0])),
                json.loads(row[1]),
                tuple(Part(*one) for one in parts.fetchall()),
                tuple(Presentation(*one) for one in shown.fetchall()),
            )

    def begin(
        self,
        study: str,
        runs: Sequence[str],
        facts: Mapping[str, Any],
        part: Part,
        presentations: Sequence[Presentation],
        clips: Mapping[tuple[int, int], bytes],
    ) -> None:
        """Write down a new study with its first part, whole or not at all; see `add_part`."""
        with self._told(), self._transaction():
            self._db.execute(
                "INSERT INTO study VALUES (?, ?, ?, ?)",
                [study, _now(), json.dumps(list(runs)), json.dumps(dict(facts))],
            )
            self._add(study, part, presentations, clips)

    def add_part(
        self,
        study: str,
        part: Part,
        presentations: Sequence[Presentation],
        clips: Mapping[tuple[int, int], bytes],
    ) -> None:
        """Write down another part whole: its votes, its presentations, and the MIDI of its clips by (run, draw)."""
        with self._told(), self._transaction():
            self._add(study, part, presentations, clips)

    def _add(
        self,
        study: str,
        part: Part,
        presentations: Sequence[Presentation],
        clips: Mapping[tuple[int, int], bytes],
    ) -> None:
        self._db.execute("INSERT INTO part VALUES (?, ?, ?, ?)", [study, part.number, part.votes, _now()])
        self._db.executemany(
            "INSERT INTO presentation VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(study, p.number, part.number, p.a, p.b, p.draw, p.repeats) for p in presentations],
        )
        self._db.executemany(
            "INSERT INTO clip VALUES (?, ?, ?, ?)",
            [(study, run, draw, midi) for (run, draw), midi in clips.items()],
        )

    def clips(self, study: str) -> dict[tuple[int, int], bytes]:
        """The MIDI of every clip, by (run, draw)."""
        with self._told():
            rows = self._db.execute("SELECT run, draw, midi FROM clip WHERE study = ?", [study]).fetchall()
        return {(run, draw): midi for run, draw, midi in rows}

    def standing(self, study: str) -> Standing:
        """What the study's rows come to."""
        answers: dict[int, Answer] = {}
        revealed = 0
        with self._told():
            rows = self._db.execute(
                "SELECT kind, presentation, answer FROM event WHERE study = ? ORDER BY id", [study]
            ).fetchall()
        for kind, presentation, answer in rows:
            if kind == "vote":
                answers[presentation] = cast(Answer, answer)
            elif kind == "undo":
                del answers[presentation]
            else:
                revealed = presentation
        return Standing(answers, revealed)

    def vote(
        self, study: Study, presentation: int, answer: Answer, key: str, heard: Sequence[float] = ()
    ) -> None:
        """Put a vote on the disk. The same once more, with the same key, changes nothing.

        Args:
            key: the sender's own word for this vote.
            heard: seconds heard of both clips, as the page says.

        Raises:
            StaleError: it is not this presentation's turn.
            StoreError: the disk refuses; nothing is written.
        """
        self._happened(study, "vote", presentation, answer, key, heard)

    def undo(self, study: Study, presentation: int, key: str) -> None:
        """Take back the last vote, which must be this presentation's, by a row that says so.

        Raises:
            StaleError: it is not the last vote, or its result was shown already.
            StoreError: the disk refuses; nothing is written.
        """
        self._happened(study, "undo", presentation, None, key, ())

    def reveal(self, study: Study, key: str) -> None:
        """Write down that the result was shown, so that no vote before it can be taken back.

        Raises:
            StaleError: votes are missing.
            StoreError: the disk refuses; nothing is written.
        """
        self._happened(study, "reveal", study.last, None, key, ())

    def _happened(
        self,
        study: Study,
        kind: str,
        presentation: int,
        answer: Answer | None,
        key: str,
        heard: Sequence[float],
    ) -> None:
        with self._told(), self._transaction():
            before = self._db.execute(
                "SELECT kind, presentation, answer FROM event WHERE study = ? AND key = ?", [study.id, key]
            ).fetchone()
            if before is not None:
                if before != (kind, presentation, answer):
                    raise StaleError("this key was used for something else already")
                return
            standing = self.standing(study.id)
            if kind == "vote" and not (presentation == standing.next <= study.last):
                raise StaleError("this pair is not the one to vote on now: it has its vote already")
            if kind == "undo" and presentation != len(standing.answers):
                raise StaleError("only the last vote can be taken back")
            if kind == "undo" and presentation <= standing.revealed:
                raise StaleError("its result was shown, so this vote stays")
            if kind == "reveal" and len(standing.answers) < study.last:
                raise StaleError(f"{study.last - len(standing.answers)} votes are missing")
            self._db.execute(
                "INSERT INTO event (study, at, kind, presentation, answer, heard, key) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [study.id, _now(), kind, presentation, answer, json.dumps(list(heard)), key],
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing, on the disk when it is left."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            said = str(error)
            if "locked" in said:
                advice = "another program holds it; end that one and try again"
            elif "not a database" in said or "malformed" in said:
                advice = "it is damaged or no file of votes; move it away, and a new one is made"
            elif "full" in said or "disk I/O" in said:
                advice = "free some space and try again"
            else:
                advice = "make it writable, or use another store with tracking.uri=PATH"
            raise StoreError(
                f"the votes in {self.path} cannot be read or written ({said}): {advice}"
            ) from error
        except OSError as error:
            raise StoreError(
                f"the votes in {self.path} cannot be written: {error.strerror or error}; make the folder writable or use another store with tracking.uri=PATH"
            ) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
