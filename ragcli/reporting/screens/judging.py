"""The screens of `ragcli judge`: what is to be judged, with no hint of its arm, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ragcli.chat.turns import Surroundings
from ragcli.evaluation.provenance import CAUTION, llm_judges
from ragcli.evaluation.results import Moved
from ragcli.judging.agreement import Agreement
from ragcli.judging.always_valid import questions_needed, smallest_effect
from ragcli.judging.pool_file import Plan
from ragcli.judging.preferences import Pair, SignTest, pairs_needed
from ragcli.judging.sitting import Sitting
from ragcli.judging.verdicts import Verdict
from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.chat import print_surroundings
from ragcli.reporting.screens.comparison import Arms
from ragcli.reporting.screens.terminal import READING_WIDTH, answer_text, print_keys
from ragcli.types import Chunk

PASSAGE_KEYS = {
    "r": "relevant",
    "p": "partly",
    "n": "not relevant",
    "s": "skip",
    "u": "undo",
    "o": "in context",
    "q": "quit",
}
PAIR_KEYS = {
    "a": "A is better",
    "b": "B is better",
    "e": "equal",
    "x": "both bad",
    "s": "skip",
    "u": "undo",
    "q": "quit",
}
END_KEYS = {"enter": "the verdict", "u": "undo"}
BEGIN_KEYS = {"enter": "begins", "q": "quit"}
_SIGN = {"base": "without reranking", "reranked": "with reranking"}


def print_end(console: Console) -> None:
    """The last keystroke may have been a slip: it can be taken back before anything is shown."""
    console.print()
    console.print(Text("All that the verdict needs is judged.", style="heading"))
    print_keys(console, END_KEYS)


def print_plan(console: Console, sitting: Sitting) -> None:
    """Before the first passage: what it takes, and when there will be a verdict."""
    plan, pools = sitting.plan, sitting.pools
    passages = words.count(sum(len(pool.passages) for pool in pools), "passage")
    needed = questions_needed(plan.effect, plan.bets.spread)
    able = smallest_effect(plan.bets.questions, plan.bets.spread)
    enough = "" if needed <= len(pools) else f"; these {len(pools)} can show one of {able:.2f} or more"
    lines = [
        f"{words.count(len(pools), 'question')}, {passages}: the five best of {_list(pools[0].arms)},"
        " shuffled.",
        f"To see a difference of {plan.effect:.2f} in nDCG@5 takes about {needed} questions{enough}.",
        f"That is about {_minutes(sitting)}. The verdict comes then, or as soon as the interval settles it."
        " The interval is always valid: looking after every question fools nobody.",
    ]
    done = sum(len(pool.decisions) for pool in pools)
    if done:
        lines.append(f"{words.count(done, 'passage')} judged already.")
    for line in lines:
        _print(console, line)
    console.print()
    print_keys(console, BEGIN_KEYS)


def print_passage(console: Console, sitting: Sitting, chunk: Chunk) -> None:
    """The question stands above the passage, and below it too where that is longer than the screen."""
    place = sitting.place or 0
    pool = sitting.pools[place]
    where = f"Question {place + 1} of {len(sitting.pools)} · passage {len(pool.decisions) + 1} of"
    head = f"{where} {len(pool.passages)} · about {_minutes(sitting)} to the verdict"
    question = Text(words.one_line(pool.question.text), style="heading")
    width = min(console.width, READING_WIDTH)
    body = Padding(Text(words.clean(chunk.text).strip()), (0, 0, 0, 2))
    _clear(console)
    console.print(Text(head, style="quiet"))
    console.print()
    console.print(question, width=width)
    console.print()
    console.print(Text(words.chunk_title(chunk), style="number"), width=width)
    console.print(body, width=width)
    console.print()
    if len(console.render_lines(body, console.options.update(width=width))) > console.height - 8:
        console.print(question, width=width)
    print_keys(console, PASSAGE_KEYS)


def print_in_context(console: Console, sitting: Sitting, around: Surroundings) -> None:
    _clear(console)
    question = Text(words.one_line(sitting.pools[sitting.place or 0].question.text), style="heading")
    print_surroundings(console, around)
    console.print()
    console.print(question, width=min(console.width, READING_WIDTH))
    print_keys(console, PASSAGE_KEYS)


def print_verdict(console: Console, plan: Plan, verdict: Verdict) -> None:
    """Nothing but the progress where there is no verdict yet."""
    counted = f"{words.count(verdict.questions, 'question')} judged by {words.one_line(plan.judge)}"
    if verdict.state == "open":
        progress = f"{verdict.questions} of {plan.bets.questions} questions with a relevant passage judged"
        _print(console, f"No verdict yet: {progress}.")
        return
    console.print(_means_table(verdict))
    console.print()
    _print(console, _sentence(plan, verdict), "heading")
    change = f"{_signed(verdict.difference)} nDCG@5, {counted}; always-valid 95 % interval"
    _print(console, f"{change} {_signed(verdict.interval.low)} to {_signed(verdict.interval.high)}.")
    for line in _notes(plan, verdict):
        _print(console, line, "quiet")


def _means_table(verdict: Verdict) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="heading", show_edge=False)
    table.add_column("Order")
    table.add_column("nDCG@5", justify="right")
    for arm, mean in verdict.means.items():
        table.add_row(arm, words.decimal(mean, 3))
    return table


def _sentence(plan: Plan, verdict: Verdict) -> str:
    base, other = verdict.arms
    match verdict.state:
        case "better" | "worse":
            return f"The order “{other}” is {verdict.state} than “{base}”."
        case "no difference that matters":
            return f"The orders differ by less than {plan.effect:.2f} in nDCG@5: no difference that matters."
        case _:
            more = f"about {verdict.more} more questions would show" if verdict.more else "it may be near"
            return f"Not settled: {more} a difference of {plan.effect:.2f}."


def _notes(plan: Plan, verdict: Verdict) -> list[str]:
    lines = []
    if verdict.without:
        lines.append(f"{words.count(verdict.without, 'question')} without a relevant passage: not counted.")
    if verdict.skipped:
        lines.append(f"{words.count(verdict.skipped, 'passage')} skipped: counted as not relevant.")
    by_llm = bool(llm_judges([plan.judge]))
    if verdict.alike > 1:
        instead = " This LLM cannot tell passages apart: use a larger one." if by_llm else ""
        lines.append(
            f"All {verdict.alike} passages got the same judgement, so no order can be better.{instead}"
        )
    if by_llm:
        lines.append(CAUTION)
    return lines


def print_agreements(console: Console, agreements: Sequence[Agreement]) -> None:
    for found in agreements:
        names = " and ".join(map(words.one_line, found.judges))
        kappa = "not defined" if found.kappa is None else words.decimal(found.kappa, 2)
        same = f"{found.equal} of {words.count(found.passages, 'passage')} alike"
        _print(console, f"{names}: Cohen's kappa {kappa}, {same}")


def print_pairs_plan(console: Console, pairs: Sequence[Pair], failed: int) -> None:
    differ = sum(pair.choice != "same" for pair in pairs)
    _print(console, f"{words.count(len(pairs), 'question')}; the two answers differ in {differ} of them.")
    if failed:
        _print(console, f"{words.count(failed, 'question')} without two answers: left out.", "warning")
    _print(
        console,
        f"To see that three in four prefer one arm takes about {pairs_needed()} pairs with a preference."
        " There is no verdict before the last pair: looking early fools nobody.",
    )
    console.print()
    print_keys(console, BEGIN_KEYS)


def print_pair(console: Console, pair: Pair, number: int, of: int) -> None:
    _clear(console)
    console.print(Text(f"Answers {number} of {of}", style="quiet"))
    console.print()
    console.print(
        Text(words.one_line(pair.question), style="heading"), width=min(console.width, READING_WIDTH)
    )
    first, second = map(answer_text, pair.texts)
    console.print(Arms(first, second, titles={"base": "A", "reranked": "B"}))
    console.print()
    print_keys(console, PAIR_KEYS)


def print_preferences(
    console: Console, pairs: Sequence[Pair], test: SignTest, deciding: Mapping[str, Sequence[Moved]]
) -> None:
    counts = {
        choice: sum(pair.choice == choice for pair in pairs) for choice in ("equal", "both bad", "same")
    }
    rest = f"equal {counts['equal']}, both bad {counts['both bad']}, the same answer {counts['same']}"
    console.print(Text(f"With reranking preferred {test.won}, without {test.lost}; {rest}."), soft_wrap=True)
    share = test.won / (test.won + test.lost) if test.won + test.lost else 0.5
    _print(console, _preferred(test), "heading")
    interval = f"95 % interval {words.percent(test.low)} to {words.percent(test.high)}"
    of = f"{words.percent(share)} of the questions with a preference"
    _print(console, f"{of}, {interval}; sign test p = {test.p_value:.3f}.")
    shown = {name: moved for name, moved in deciding.items() if moved}
    if shown:
        console.print()
        console.print(Text("Passages that only the preferred answer's prompt held", style="heading"))
        for pair in pairs:
            _print_deciding(console, pair, shown.get(pair.id, ()))


def _preferred(test: SignTest) -> str:
    if test.p_value > 0.05:
        return "No preference can be shown."
    return f"The answers {_SIGN['reranked' if test.won > test.lost else 'base']} are preferred."


def _print_deciding(console: Console, pair: Pair, moved: Sequence[Moved]) -> None:
    if not moved:
        return
    _print(console, f"{words.one_line(pair.question)} ({_SIGN[pair.choice or 'base']})")
    for one in moved:
        place = " > ".join(filter(None, map(words.one_line, (one.passage.source, one.passage.location))))
        _print(console, f"  {one.before} → {one.after}  {place}", "quiet")


def _list(names: Mapping[str, object]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _minutes(sitting: Sitting) -> str:
    return words.count(max(1, round(sitting.minutes_left)), "minute")


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "") + words.decimal(value, 3)


def _clear(console: Console) -> None:
    if console.is_terminal and not console.is_dumb_terminal:
        console.clear()
    else:
        console.print()


def _print(console: Console, line: str, style: str = "") -> None:
    if console.is_terminal:
        console.print(Text(line, style=style), width=min(console.width, READING_WIDTH))
    else:
        console.print(Text(line, style=style), soft_wrap=True)
