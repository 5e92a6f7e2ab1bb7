"""`ragcli judge --answers`: both arms' answers as A and B, of a batch that is there or is made first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragcli.cli import options
from ragcli.cli.commands.judge_passages import Asked
from ragcli.cli.session import Screens

if TYPE_CHECKING:
    from ragcli.evaluation.records import Run
    from ragcli.judging.preferences import Pair


def judge_answers(
    screens: Screens,
    asked: Asked,
    output: Path | None,
    llm: options.LLMOptions,
    given: options.ConfigOptions,
) -> None:
    from ragcli.batch.reading import read_batch
    from ragcli.cli.commands.judge_loop import judge_pairs
    from ragcli.cli.keystrokes import keystrokes
    from ragcli.judging.preferences import pairs_of, read_pairs, write_pairs
    from ragcli.reporting.screens.judging import print_pairs_plan

    results = asked.file
    if not _holds_results(results):
        results = Path(f"{asked.file.stem}-answers.jsonl")
        _answer(screens, asked, results, llm, given)
    run = read_batch(results)
    path = output or Path(f"{results.stem}-judged.jsonl")
    pairs = pairs_of(run, asked.seed)
    if path.exists():
        pairs = read_pairs(path, pairs)
    if any(pair.choice is None for pair in pairs):
        print_pairs_plan(screens.err, pairs, len(run.answers) - len(pairs))
        judge_pairs(pairs, partial(write_pairs, path), keystrokes(screens.environment), screens.err)
    write_pairs(path, pairs)
    _show_preferences(screens, asked, run, pairs, path)


def _holds_results(file: Path) -> bool:
    """Whether the file is one of `ragcli batch`."""
    from ragcli.judging.pool_file import first_row

    return str(first_row(file).get("kind", "")).startswith("batch-")


def _answer(
    screens: Screens, asked: Asked, results: Path, llm: options.LLMOptions, given: options.ConfigOptions
) -> None:
    """As `ragcli batch` does, into a file that stays: answers cost more than judging them."""
    from ragcli.cli.app import program

    settings = {
        "--base-url": llm.base_url,
        "--model": llm.model,
        "--collection": given.collection,
        "--profile": given.profile,
        "--config": given.config,
    }
    named = [part for name, value in settings.items() if value is not None for part in (name, str(value))]
    quiet = ["--quiet"] if asked.quiet else []
    program(["batch", str(asked.file), "--compare", "-o", str(results), *named, *quiet], screens.environment)


def _show_preferences(screens: Screens, asked: Asked, run: Run, pairs: Sequence[Pair], path: Path) -> None:
    from ragcli.judging.preferences import KIND, deciding, sign_test
    from ragcli.reporting.screens.judging import print_preferences

    left = sum(pair.choice is None for pair in pairs)
    test = sign_test(*(sum(pair.choice == arm for pair in pairs) for arm in ("reranked", "base")))
    moved = {pair.id: deciding(run, pair) for pair in pairs}
    if asked.as_json:
        from ragcli.reporting.as_json import document

        shown: dict[str, Any] = {
            **asdict(test),
            "deciding": {name: [asdict(one) for one in found] for name, found in moved.items() if found},
        }
        early = dict.fromkeys(shown) if left else {}
        screens.print_document(document(KIND, {"pairs": len(pairs), "left": left, **shown, **early}))
    elif left:
        screens.out.print(f"No verdict yet: {left} of {len(pairs)} pairs are left.")
    else:
        print_preferences(screens.out, pairs, test, moved)
    if not asked.quiet:
        screens.err.print(f"{path} holds what was judged", style="quiet", soft_wrap=True)
