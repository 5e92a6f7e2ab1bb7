"""The stages wired together, with the real models over four articles that share the word jaguar or crane."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from fault_server import fault_server

from ragcli import comparison
from ragcli.answering import sentence_scorer
from ragcli.config import Config
from ragcli.config.loading import load_config
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.encoders.reranking import load_reranker
from ragcli.errors import IndexMismatchError, LLMError, ModelError, NothingFoundError, UsageError
from ragcli.pipeline import Pipeline, open_pipeline
from ragcli.prompting import NO_ANSWER
from ragcli.text.sentences import split_sentences
from ragcli.types import Answer, Chunk, Comparison, Filters, Timing

CORPUS = Path(__file__).parent.parent / "corpora" / "homonyms"
ARTICLES = ("jaguar-animal.md", "jaguar-cars.md", "jaguar-console.md", "crane-bird.md")
QUESTION = "Who designed the bonnet ornament of the Jaguar cars?"
SHARED = {"load", "embed", "retrieve", "rerank"}
OF_AN_ARM = {"context", "first token", "answer"}


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipeline")
    articles = folder / "articles"
    articles.mkdir()
    for name in ARTICLES:
        shutil.copy(CORPUS / name, articles)
    with open_pipeline(settings(folder / "index")) as rag:
        report = rag.ingest([articles])
    assert [file.status for file in report.files] == ["added"] * len(ARTICLES)
    return folder / "index"


@pytest.fixture(scope="session")
def rag(index: Path) -> Iterator[Pipeline]:
    with open_pipeline(settings(index)) as pipeline:
        yield pipeline


@pytest.fixture(scope="session")
def compared(rag: Pipeline) -> Comparison:
    return rag.compare(QUESTION)


def settings(index: Path, **overrides: object) -> Config:
    flags: Mapping[str, object] = {
        "store.path": str(index),
        "retrieval.candidates": 12,
        "llm.answer_tokens": 48,
        **{key.replace("__", "."): value for key, value in overrides.items()},
    }
    return load_config(overrides=flags)


def stages(timings: tuple[Timing, ...]) -> set[str]:
    return {timing.stage for timing in timings}


def sentences(chunks: Iterable[Chunk]) -> list[str]:
    """As they are scored: after the title and headings of their chunk."""
    return [f"{c.location}: {c.text[slice(*span)]}" for c in chunks for span in split_sentences(c.text)]


def both(compared: Comparison) -> tuple[Answer, Answer]:
    assert compared.base is not None
    assert compared.reranked is not None
    return compared.base, compared.reranked


# Missing parts are reported first, in this order.


def test_an_empty_question_comes_before_all_else(tmp_path: Path) -> None:
    with open_pipeline(settings(tmp_path)) as rag, pytest.raises(UsageError):
        rag.ask("  \n")


def test_a_missing_index_comes_before_a_missing_key(tmp_path: Path) -> None:
    config = settings(tmp_path, llm__base_url="http://127.0.0.1:9/v1", llm__api_key_env="RAGCLI_TEST_NO_KEY")
    with open_pipeline(config) as rag, pytest.raises(NothingFoundError, match="no index") as caught:
        rag.ask(QUESTION)
    assert "ragcli ingest" in caught.value.hint


def test_another_bi_encoder_than_the_indexs_is_refused(index: Path) -> None:
    config = settings(index, embedding__model="some/other-model")
    with open_pipeline(config) as rag, pytest.raises(IndexMismatchError, match="some/other-model"):
        rag.search(QUESTION)


def test_a_missing_key_comes_before_a_missing_reranker(index: Path, tmp_path: Path) -> None:
    config = settings(
        index,
        llm__base_url="http://127.0.0.1:9/v1",
        llm__api_key_env="RAGCLI_TEST_NO_KEY",
        reranking__model=str(tmp_path / "none"),
    )
    with open_pipeline(config) as rag, pytest.raises(LLMError, match="RAGCLI_TEST_NO_KEY"):
        rag.ask(QUESTION)


def test_a_missing_reranker_is_an_error_and_never_the_base_order(index: Path, tmp_path: Path) -> None:
    config = settings(index, reranking__model=str(tmp_path / "none"))
    with open_pipeline(config) as rag, pytest.raises(ModelError):
        rag.search(QUESTION)


def test_without_reranking_the_reranker_may_be_missing(index: Path, tmp_path: Path) -> None:
    config = settings(index, reranking__model=str(tmp_path / "none"))
    with open_pipeline(config) as rag:
        assert rag.search(QUESTION, rerank=False).candidates


def test_what_is_missing_is_found_without_a_heavy_import(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from ragcli import load_config, open_pipeline, RagcliError\n"
        f"config = load_config(overrides={{'store.path': {str(tmp_path / 'none')!r}}})\n"
        "with open_pipeline(config) as rag:\n"
        "    try:\n        rag.compare('Who?')\n"
        "    except RagcliError as error:\n        print(type(error).__name__)\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    error, modules = run.stdout.splitlines()
    assert error == "NothingFoundError"
    assert not {"torch", "chromadb", "openai", "transformers", "numpy", "xllamacpp"} & set(modules.split())


def test_a_cold_search_with_the_whole_of_chroma_imports_it_while_the_encoder_loads(index: Path) -> None:
    """As with an index that Chroma's core alone cannot read, in a process that has imported nothing yet."""
    program = (
        "from ragcli import load_config, open_pipeline\n"
        "from ragcli.store.folder import chunks\n"
        "chunks.open_reader = lambda *_: None\n"
        f"config = load_config(overrides={{'store.path': {str(index)!r}, 'retrieval.candidates': 3}})\n"
        "with open_pipeline(config) as rag:\n"
        "    print(len(rag.search('Who?', rerank=False).candidates))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "3\n"


def test_a_reranked_search_needs_neither_torch_nor_transformers_nor_all_of_chroma(index: Path) -> None:
    program = (
        "import sys\n"
        "from ragcli import load_config, open_pipeline\n"
        f"config = load_config(overrides={{'store.path': {str(index)!r}, 'retrieval.candidates': 3}})\n"
        "with open_pipeline(config) as rag:\n"
        "    print(len(rag.search('Who?').candidates))\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found, modules = run.stdout.splitlines()
    assert found == "3"
    heavy = {"torch", "transformers", "sentence_transformers", "onnx", "chromadb", "openai"}
    assert not heavy & set(modules.split())


# Search.


def test_a_search_orders_the_candidates_by_score(rag: Pipeline) -> None:
    result = rag.search(QUESTION)
    assert result.reranked
    scores = [candidate.score for candidate in result.candidates]
    assert None not in scores
    assert scores == sorted(scores, key=lambda score: -(score or 0))
    assert [candidate.rank for candidate in result.candidates] == list(range(1, len(scores) + 1))


def test_without_reranking_candidates_are_in_base_order_and_unscored(rag: Pipeline) -> None:
    result = rag.search(QUESTION, rerank=False)
    assert not result.reranked
    assert [c.base_rank for c in result.candidates] == list(range(1, len(result.candidates) + 1))
    assert all(c.logit is None and c.rank is None for c in result.candidates)
    assert "rerank" not in stages(result.timings)


def test_the_configuration_decides_whether_to_rerank_where_the_caller_does_not(index: Path) -> None:
    with open_pipeline(settings(index, reranking__enabled=False)) as rag:
        assert not rag.search(QUESTION).reranked


def test_the_same_question_gets_the_same_order(rag: Pipeline) -> None:
    assert rag.search(QUESTION).candidates == rag.search(QUESTION).candidates


def test_models_are_loaded_once(rag: Pipeline) -> None:
    rag.search(QUESTION)
    assert "load" not in stages(rag.search("How far can a crane fly?").timings)


def test_filters_leave_only_what_they_name(rag: Pipeline) -> None:
    result = rag.search(QUESTION, filters=Filters(sources=("*jaguar-cars.md",)))
    assert {Path(c.chunk.source).name for c in result.candidates} == {"jaguar-cars.md"}


def test_filters_that_match_nothing_are_an_error(rag: Pipeline) -> None:
    with pytest.raises(NothingFoundError, match="filters"):
        rag.search(QUESTION, filters=Filters(sources=("no-such-file.md",)))


def test_texts_that_the_cross_encoder_cannot_read_whole_are_counted(index: Path) -> None:
    with open_pipeline(settings(index, reranking__max_tokens=48)) as rag:
        assert rag.search(QUESTION).truncated > 0
        assert rag.search(QUESTION, rerank=False).truncated == 0


def test_a_compared_search_has_no_answers(rag: Pipeline) -> None:
    result = rag.compare_search(QUESTION)
    assert result.base is None
    assert result.reranked is None
    assert result.summary == comparison.summarise(result.movements, None, None)


# Ask.


def test_an_answer_cites_places_that_hold_what_it_quotes(rag: Pipeline) -> None:
    answer = rag.ask(QUESTION, filters=Filters(sources=("*jaguar-cars.md",)))
    assert answer.text
    for citation in answer.citations:
        lines = Path(citation.source).read_text(encoding="utf-8").splitlines()
        cited = " ".join(" ".join(lines[citation.line_start - 1 : citation.line_end]).split())
        assert citation.quote in cited


def test_the_text_streams_before_the_answer_is_whole(rag: Pipeline) -> None:
    heard: list[str] = []
    answer = rag.ask(QUESTION, on_text=heard.append)
    assert len(heard) > 1
    assert answer.usage.completion_tokens > 1
    assert stages(answer.timings) >= OF_AN_ARM | {"embed", "retrieve", "rerank"}


def test_an_answer_stopped_by_its_limit_says_so(index: Path) -> None:
    with open_pipeline(settings(index, llm__answer_tokens=1)) as rag:
        assert rag.ask(QUESTION, rerank=False).cut_off


def test_nothing_is_asked_where_no_passage_is_likely_enough(index: Path) -> None:
    with fault_server() as server:
        config = settings(
            index,
            prompting__min_probability=1.0,
            llm__base_url=server.base_url,
            llm__model="answers",
            llm__api_key_env="",
        )
        with open_pipeline(config) as rag:
            answer = rag.ask(QUESTION)
    assert answer.abstained
    assert answer.text == NO_ANSWER
    assert answer.declined_by is not None
    assert (answer.declined_by.setting, answer.declined_by.least) == ("prompting.min_probability", 1.0)
    assert server.requests == []


def test_the_llm_may_be_asked_first_whether_there_is_an_answer(index: Path, rag: Pipeline) -> None:
    with open_pipeline(settings(index, prompting__min_answerable=1.0)) as strict:
        declined = strict.ask(QUESTION)
    assert declined.abstained
    assert declined.text == NO_ANSWER
    assert declined.declined_by is not None
    assert declined.declined_by.setting == "prompting.min_answerable"
    assert 0 < declined.declined_by.value < declined.declined_by.least == 1.0
    assert declined.context == rag.ask(QUESTION).context
    assert "answerable" in stages(declined.timings)
    assert "first token" not in stages(declined.timings)


def test_what_it_says_then_is_what_it_says_without(index: Path, rag: Pipeline) -> None:
    with open_pipeline(settings(index, prompting__min_answerable=0.0001)) as lenient:
        answer = lenient.ask(QUESTION)
    assert answer.text == rag.ask(QUESTION).text
    assert stages(answer.timings) > {"answerable", "first token"}


def test_an_unreachable_llm_is_an_error_and_the_pipeline_lives_on(index: Path) -> None:
    with open_pipeline(settings(index, llm__base_url="http://127.0.0.1:9/v1", llm__model="m")) as rag:
        with pytest.raises(LLMError):
            rag.ask(QUESTION)
        assert rag.search(QUESTION).candidates


def test_a_broken_stream_carries_what_had_arrived(index: Path) -> None:
    heard: list[str] = []
    with fault_server() as server:
        config = settings(index, llm__base_url=server.base_url, llm__model="cut")
        with open_pipeline(config) as rag, pytest.raises(LLMError) as caught:
            rag.ask(QUESTION, rerank=False, on_text=heard.append)
    assert caught.value.partial == "".join(heard)


# Compare.


def test_both_arms_have_the_same_candidates(compared: Comparison) -> None:
    base, reranked = both(compared)
    assert {c.chunk.id for c in base.candidates} == {c.chunk.id for c in reranked.candidates}
    assert [m.candidate for m in compared.movements] == list(compared.reranked_order)


def test_the_base_arm_has_no_trace_of_the_cross_encoder(rag: Pipeline, compared: Comparison) -> None:
    base, reranked = both(compared)
    assert compared.base_order == rag.search(QUESTION, rerank=False).candidates
    assert base.candidates == compared.base_order
    assert (base.reranked, reranked.reranked) == (False, True)
    assert all(passage.candidate.logit is None for passage in base.context.passages)


def test_both_arms_read_as_many_sentences_and_choose_them_as_they_rank(
    rag: Pipeline, compared: Comparison
) -> None:
    embedder = load_bi_encoder(rag.config.embedding)
    reranker = load_reranker(rag.config.reranking)
    base, reranked = both(compared)
    for answer, score in (
        (base, sentence_scorer(embedder)),
        (reranked, sentence_scorer(embedder, reranker)),
    ):
        offered = sentences(c.chunk for c in answer.candidates[: rag.config.retrieval.top_k])
        ranked = sorted(offered, key=dict(zip(offered, score(QUESTION, offered), strict=True)).__getitem__)
        best = ranked[-rag.config.prompting.sentences :]
        read = " ".join(passage.text for passage in answer.context.passages)
        assert all(sentence.partition(": ")[2] in read for sentence in best)


def test_each_arm_answers_as_it_would_alone(rag: Pipeline, compared: Comparison) -> None:
    base, reranked = both(compared)
    assert base.context == rag.ask(QUESTION, rerank=False).context
    assert reranked.context == rag.ask(QUESTION, rerank=True).context


def test_shared_stages_are_timed_apart_from_those_of_each_arm(compared: Comparison) -> None:
    base, reranked = both(compared)
    assert {"embed", "retrieve", "rerank"} <= stages(compared.timings) <= SHARED
    assert stages(base.timings) == stages(reranked.timings) == OF_AN_ARM


def test_both_arms_are_heard_one_after_the_other(rag: Pipeline) -> None:
    heard: list[str] = []
    rag.compare(QUESTION, on_text=lambda arm, _: heard.append(arm))
    assert list(dict.fromkeys(heard)) == ["base", "reranked"]
    assert heard == sorted(heard)


def test_movements_tell_what_each_prompt_really_held(compared: Comparison) -> None:
    base, reranked = both(compared)
    before = {m.candidate.chunk.id for m in compared.movements if m.in_prompt_before}
    after = {m.candidate.chunk.id for m in compared.movements if m.in_prompt_after}
    assert before == {p.candidate.chunk.id for p in base.context.passages}
    assert after == {p.candidate.chunk.id for p in reranked.context.passages}


def test_one_arm_may_abstain(index: Path) -> None:
    with open_pipeline(settings(index, prompting__min_probability=1.0)) as rag:
        compared = rag.compare(QUESTION)
    base, reranked = both(compared)
    assert reranked.abstained
    assert not base.abstained
    assert compared.summary.endswith("only the base order gives an answer.")


def test_a_question_that_the_documents_do_not_touch_gets_no_invented_answer(rag: Pipeline) -> None:
    answer = rag.ask("Which chess opening did Bobby Fischer prefer?")
    assert answer.abstained
    assert answer.text == NO_ANSWER
    assert answer.usage.prompt_tokens == 0, "the LLM was not even asked"


# A comparison compares: the same prompt gets the same answer.


def test_arms_with_the_same_prompt_share_one_answer(index: Path) -> None:
    heard: list[tuple[str, str]] = []
    with fault_server() as server:
        config = settings(
            index,
            llm__base_url=server.base_url,
            llm__model="answers",
            prompting__style="passages",
            prompting__citations="attributed",
            retrieval__candidates=1,
        )
        with open_pipeline(config) as rag:
            base, reranked = both(rag.compare(QUESTION, on_text=lambda arm, text: heard.append((arm, text))))
        assert len(server.requests) == 1
    assert base.context.messages == reranked.context.messages
    assert (base.text, base.citations, base.usage) == (reranked.text, reranked.citations, reranked.usage)
    assert (base.reranked, reranked.reranked) == (False, True)
    assert stages(base.timings) == stages(reranked.timings) == OF_AN_ARM
    assert {arm for arm, _ in heard} == {"base", "reranked"}


def test_arms_with_prompts_that_differ_are_asked_one_by_one(index: Path) -> None:
    with fault_server() as server:
        config = settings(
            index,
            llm__base_url=server.base_url,
            llm__model="answers",
            prompting__style="passages",
            prompting__citations="attributed",
            retrieval__top_k=2,
        )
        with open_pipeline(config) as rag:
            base, reranked = both(rag.compare(QUESTION))
        assert base.context.messages != reranked.context.messages
        assert len(server.requests) == 2
