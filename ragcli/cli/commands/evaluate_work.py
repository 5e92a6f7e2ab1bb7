"""The work of `ragcli eval`: a run is made of what the options name, and summarised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragcli.cli.commands.evaluate_options import Source
from ragcli.cli.session import Screens
from ragcli.cli.verbosity import BI_ENCODER, CROSS_ENCODER, LLM, Telling

if TYPE_CHECKING:
    from ragcli.config import Config, EmbeddingConfig, RerankingConfig
    from ragcli.evaluation.beir import JudgedCollection
    from ragcli.evaluation.questions import Question
    from ragcli.evaluation.records import RetrievalName, Run
    from ragcli.evaluation.results import Summary


@dataclass(frozen=True)
class Plan:
    config: Config
    depths: tuple[int, ...]
    methods: tuple[RetrievalName, ...]
    rerankers: tuple[RerankingConfig, ...]
    embedders: tuple[EmbeddingConfig, ...]
    answers: bool
    by: tuple[str, ...]
    explained: bool
    telling: Telling


def measured(screens: Screens, plan: Plan, source: Source) -> Summary:
    from ragcli.evaluation.summary import summarise

    if source.runs:
        return summarise(_of_rankings(source), plan.by)
    summary = summarise(_made(screens, plan, source), plan.by)
    return _explained(screens, plan, summary) if plan.explained else summary


def _explained(screens: Screens, plan: Plan, summary: Summary) -> Summary:
    from ragcli.evaluation.explaining import explain
    from ragcli.reporting.screens.progress import StagesBar

    with StagesBar(screens.err, quiet=plan.telling.quiet) as bar:
        return explain(summary, plan.config.embedding, plan.rerankers[0], bar)


def _of_rankings(source: Source) -> Run:
    from ragcli.evaluation.questions import read_questions
    from ragcli.evaluation.trec import read_qrels, read_ranking, run_of_rankings

    assert source.qrels is not None
    paths = source.runs or []
    several = len({path.name for path in paths}) < len(paths)
    return run_of_rankings(
        {str(path) if several else path.name: read_ranking(path) for path in paths},
        read_qrels(source.qrels),
        title=source.qrels.name,
        questions=read_questions(source.questions) if source.questions else (),
    )


def _made(screens: Screens, plan: Plan, source: Source) -> Run:
    from ragcli.evaluation.beir import read_beir
    from ragcli.evaluation.questions import names_gold, read_questions
    from ragcli.evaluation.strata import check_fields
    from ragcli.reporting.screens.progress import StagesBar
    from ragcli.stopwatch import ProgressClock, Stopwatch

    questions = read_questions(source.questions) if source.questions else ()
    collection = None if source.beir is None else read_beir(source.beir, source.split)
    check_fields(plan.by, questions)
    _name_models(screens, plan)
    judged = collection.qrels.values() if collection else [one for one in questions if names_gold(one)]
    _tell_reach(screens, plan, len(judged))
    watch = Stopwatch()
    with StagesBar(screens.err, quiet=plan.telling.quiet) as bar:
        clock = ProgressClock(watch, bar, first="load")
        if collection is not None:
            made = _over_beir(plan, collection, clock)
        else:
            assert source.questions is not None
            made = _over_index(plan, questions, source.questions, clock)
        clock.stop()
    plan.telling.stages(screens, watch.timings)
    return made


def _tell_reach(screens: Screens, plan: Plan, questions: int) -> None:
    """Before the work: what it can show at all."""
    from ragcli.evaluation.verdict import reach_before

    if not plan.telling.quiet and (line := reach_before(questions)):
        screens.err.print(line, style="quiet", soft_wrap=True)


def _name_models(screens: Screens, plan: Plan) -> None:
    for embedder in (plan.config.embedding, *plan.embedders):
        plan.telling.models(screens, plan.config.model_copy(update={"embedding": embedder}), BI_ENCODER)
    for reranker in plan.rerankers:
        plan.telling.models(screens, plan.config.model_copy(update={"reranking": reranker}), CROSS_ENCODER)
    if plan.answers:
        plan.telling.models(screens, plan.config, LLM)


def _over_index(plan: Plan, questions: Sequence[Question], path: Path, progress: Any) -> Run:
    from ragcli.evaluation.collect import evaluate_questions

    run = evaluate_questions(
        plan.config,
        questions,
        title=path.name,
        rerankers=plan.rerankers,
        depths=plan.depths,
        methods=plan.methods,
        answers=plan.answers,
        progress=progress,
    )
    if not plan.embedders:
        return run
    from ragcli.evaluation.embedders import collection_of_index

    return _beside(run, plan, collection_of_index(plan.config, questions, path.stem), progress)


def _over_beir(plan: Plan, collection: JudgedCollection, progress: Any) -> Run:
    from ragcli.evaluation.collect import evaluate_beir

    run = evaluate_beir(
        plan.config,
        collection,
        rerankers=plan.rerankers,
        depths=plan.depths,
        methods=plan.methods,
        progress=progress,
    )
    return _beside(run, plan, collection, progress)


def _beside(run: Run, plan: Plan, collection: JudgedCollection, progress: Any) -> Run:
    from ragcli.evaluation.embedders import with_embedders

    return with_embedders(
        run,
        plan.config,
        collection,
        embedders=plan.embedders,
        rerankers=plan.rerankers,
        progress=progress,
    )
