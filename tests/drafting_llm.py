"""A server whose LLM drafts from every passage as well as can be. How good drafts are it cannot say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from answer_server import AnswerServer, end, text

from ragcli.text.sentences import split_sentences

Reply = Callable[[str, str], str]
_TASKS = {
    "You choose one fact": "fact",
    "You write what somebody types into a search engine to find a fact": "ask",
    "You write what somebody types into a search engine to find one detail": "open",
    "You make a question clear": "specify",
    "You reword": "reword",
    "Answer from what you know": "known",
    "Answer the question from": "read",
    "You decide": "judge",
}


def scripted(
    server: AnswerServer, other: Reply = lambda _task, _asked: ""
) -> Callable[[dict[str, Any]], Any]:
    """The LLM judges that no other passage answers; unless `other` has something to say to a task ("fact",
    "ask", "open", "specify", "reword", "known", "read", "judge").
    """

    def answer(body: dict[str, Any]) -> None:
        system, asked = body["messages"][0]["content"], body["messages"][-1]["content"]
        task = next(task for start, task in _TASKS.items() if system.startswith(start))
        server.parts = [text(other(task, asked) or good(task, asked)), end()]

    return answer


def good(task: str, asked: str) -> str:
    """The fact is always the end of the passage's first sentence."""
    passage = asked.partition('"""\n')[2].partition('\n"""')[0]
    title = asked.removeprefix("Title: ").partition("\n")[0].rpartition(" > ")[2]
    if task == "fact":
        sentence = _first_sentence(passage)
        return json.dumps({"quotation": sentence, "answer": _fact(sentence)})
    if task == "ask":
        return f"What of the {title.removeprefix('The ')} of the workshop?"
    if task == "open":
        return f"What did the {title.removeprefix('The ')} cost when somebody bought it?"
    if task == "specify":
        return asked.rpartition("Question: ")[2]
    if task == "reword":
        subject = asked.partition(" of the workshop")[0].split()[-1]
        return f"Whom might I ask for numbers concerning a potter's {subject}?"
    if task == "read":
        return _fact(_first_sentence(passage))
    return "unknown" if task == "known" else "no"


def _first_sentence(passage: str) -> str:
    start, stop = split_sentences(passage)[0]
    return passage[start:stop]


def _fact(sentence: str) -> str:
    return " ".join(re.findall(r"\w+", sentence)[-3:])
