"""`ragcli judge` for passages: a session begins or goes on, several become one, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from ragcli.cli.session import Screens
from ragcli.errors import UsageError

if TYPE_CHECKING:
    from ragcli.config import Config
    from ragcli.evaluation.questions import Question
    from ragcli.evaluation.records import RetrievalName
    from ragcli.judging.agreement import Agreement
    from ragcli.judging.pool_file import Plan
    from ragcli.judging.pools import Pool
    from ragcli.judging.sitting import Sitting

LLM_JUDGE = "llm"


@dataclass(frozen=True)
class Asked:
    """The flags of the command. `named` are the parameters that were written, not left to their defaults."""

    file: Path
    config: Config
    methods: tuple[RetrievalName, ...]
    by: str
    effect: float
    seed: int
    named: frozenset[str]
    everything: bool
    quiet: bool
    as_json: bool

    @property
    def judge(self) -> str:
        from ragcli.evaluation.provenance import PERSON

        return PERSON if self.by != LLM_JUDGE else self.config.llm.model


def judge_passages(screens: Screens, asked: Asked, output: Path | None, agree: Path | None) -> None:
    from ragcli.judging.agreement import agreements
    from ragcli.judging.pool_file import is_session, read_session

    other = read_session(agree) if agree else None
    suffix = "judged-by-llm" if asked.by == LLM_JUDGE else "judged"
    path = asked.file if is_session(asked.file) else output or Path(f"{asked.file.stem}-{suffix}.jsonl")
    if asked.by == LLM_JUDGE:
        from ragcli.llm.asking import check

        check(asked.config.llm, "judge: its grades would say nothing")
    sitting = _sitting(screens, asked, path)
    if sitting.goes_on(asked.everything):
        if sitting.plan.judge != asked.judge:
            raise UsageError(f"{path} holds what {sitting.plan.judge} judged.", hint="Name another --output.")
        (_let_llm_judge if asked.by == LLM_JUDGE else _let_person_judge)(screens, asked, sitting)
    this = (sitting.plan, sitting.pools)
    found = agreements((str(path), str(agree)), (this, other)) if other else ()
    _show(screens, asked, path, *this, found)


def _let_person_judge(screens: Screens, asked: Asked, sitting: Sitting) -> None:
    from ragcli.cli.commands.judge_loop import judge_by_keys
    from ragcli.cli.keystrokes import keystrokes
    from ragcli.judging.preparing import Documents

    keys = keystrokes(screens.environment)
    documents = Documents(asked.config)
    judge_by_keys(sitting, documents, keys, screens.err, everything=asked.everything)


def _sitting(screens: Screens, asked: Asked, path: Path) -> Sitting:
    """The session that the file holds, else a new one of the questions."""
    from ragcli.judging.pool_file import read_session, write_session
    from ragcli.judging.sitting import Sitting

    if not path.exists():
        plan, pools = _begin(screens, asked)
        write_session(path, plan, pools)
    else:
        plan, pools = read_session(path)
        texts = {pool.question.text for pool in pools}
        if path != asked.file and {question.text for question in _questions(asked.file)} != texts:
            raise UsageError(f"{path} holds a session of other questions.", hint="Name another --output.")
        _check_flags(asked, path, plan, pools)
    return Sitting(plan, pools, partial(write_session, path, plan))


def _check_flags(asked: Asked, path: Path, plan: Plan, pools: Sequence[Pool]) -> None:
    """What a session was begun with cannot change; flags that were not written are the session's own."""
    from ragcli.evaluation.arms import BASE_KINDS

    methods = {kind: method for method, kind in BASE_KINDS.items()}
    begun = {
        "retrieval": tuple(methods[arm] for arm in pools[0].arms if arm in methods),
        "effect": plan.effect,
        "seed": plan.seed,
    }
    wanted = {"retrieval": asked.methods, "effect": asked.effect, "seed": asked.seed}
    for name in sorted(asked.named & begun.keys()):
        if wanted[name] != begun[name]:
            raise UsageError(
                f"{path} was begun with another --{name}.",
                hint=f"Leave out --{name} to go on, or name another --output to begin anew.",
            )


def _begin(screens: Screens, asked: Asked) -> tuple[Plan, list[Pool]]:
    from ragcli.evaluation.questions import read_questions
    from ragcli.judging.preparing import make_plan, make_pools
    from ragcli.reporting.plain_text import count
    from ragcli.reporting.screens.progress import StagesBar

    questions = _questions(asked.file)
    left_out = len(read_questions(asked.file)) - len(questions)
    if left_out and not asked.quiet:
        note = f"{count(left_out, 'unanswerable question')} left out: no passage is relevant to it."
        screens.err.print(note, style="quiet", soft_wrap=True)
    with StagesBar(screens.err, quiet=asked.quiet) as bar:
        pools = make_pools(asked.config, questions, asked.methods, asked.seed, bar)
    return make_plan(pools, judge=asked.judge, seed=asked.seed, effect=asked.effect), pools


def _questions(file: Path) -> list[Question]:
    """Without those that the file calls unanswerable."""
    from ragcli.evaluation.questions import read_questions

    found = [question for question in read_questions(file) if question.answerable]
    if not found:
        raise UsageError(f"{file} holds no answerable question.", hint="Leave out answerable = false.")
    return found


def _let_llm_judge(screens: Screens, asked: Asked, sitting: Sitting) -> None:
    from ragcli.judging.preparing import Documents
    from ragcli.judging.umbrela import judge_by
    from ragcli.llm.client import open_llm
    from ragcli.reporting.screens.progress import StagesBar

    documents = Documents(asked.config)
    total = sum(len(pool.passages) for pool in sitting.pools)
    with open_llm(asked.config.llm) as llm, StagesBar(screens.err, quiet=asked.quiet) as bar:
        gain_of = judge_by(llm)
        while (place := sitting.place) is not None and sitting.goes_on(asked.everything):
            bar("judging", sum(len(pool.decisions) for pool in sitting.pools), total)
            question, chunk = sitting.pools[place].question.text, documents.chunk(sitting.passage)
            began = monotonic()
            gain = gain_of(question, chunk)
            sitting.decide(gain, monotonic() - began)


def merge_sessions(screens: Screens, asked: Asked, files: Sequence[Path], output: Path | None) -> None:
    from ragcli.judging.agreement import agreements, merged
    from ragcli.judging.pool_file import read_session, write_session

    if output is None or len(files) < 2:
        raise UsageError(
            "--merge takes two sessions or more, and an --output.",
            hint="ragcli judge --merge A.jsonl B.jsonl -o BOTH.jsonl",
        )
    if output.resolve() in [file.resolve() for file in files]:
        raise UsageError(f"{output} is one of the sessions to merge.", hint="Name another --output.")
    sessions = [read_session(file) for file in files]
    plan, pools = merged(sessions)
    write_session(output, plan, pools)
    _show(screens, asked, output, plan, pools, agreements([str(file) for file in files], sessions))


def _show(
    screens: Screens,
    asked: Asked,
    path: Path,
    plan: Plan,
    pools: Sequence[Pool],
    agreements: Sequence[Agreement],
) -> None:
    from ragcli.judging.verdicts import verdict
    from ragcli.reporting.screens.judging import print_agreements, print_verdict

    found = verdict(plan, pools)
    if asked.as_json:
        from ragcli.reporting.as_json import document

        early = dict.fromkeys(("means", "difference", "interval", "more")) if found.state == "open" else {}
        fields = {"judge": plan.judge, "planned": plan.bets.questions, **asdict(found), **early}
        fields["agreements"] = [asdict(one) for one in agreements]
        screens.print_document(document("judged-passages", fields))
        return
    print_verdict(screens.out, plan, found)
    print_agreements(screens.out, agreements)
    if not asked.quiet:
        next_step = "the same command goes on" if found.state == "open" else f"next: ragcli eval {path}"
        screens.err.print(f"{path} holds what was judged; {next_step}", style="quiet", soft_wrap=True)
