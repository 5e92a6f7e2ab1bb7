"""The settings: defaults < config file < environment < flags, as one frozen `Config`.

Every number in the ranking path has a key here. An unknown key is an error, and secrets are never values: the
file names the environment variable that holds a key, not the key.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ragcli.models.embedded_llms import EMBEDDED_LLMS, SMALL, Citations, Style

OFF_TOPIC = 0.3
"""all-MiniLM-L6-v2's similarity of question and passage below which the question is about something else. Of
questions on other subjects 35 % have none above it, of a collection's own 1 % (bench/answers.md).
"""


class Section(BaseModel):
    """What all sections share: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreConfig(Section):
    path: str = Field(default=".ragcli", description="Folder of the index.")
    url: str = Field(
        default="",
        description="A Chroma server that holds the index instead of the folder: http://localhost:8000.",
    )
    tenant: str = Field(default="default_tenant", min_length=1, description="Tenant on the server.")
    database: str = Field(default="default_database", min_length=1, description="Database on the server.")
    api_key_env: str = Field(
        default="", description="Name of the environment variable that holds the server's key."
    )
    api_key_header: str = Field(
        default="X-Chroma-Token",
        pattern=r"^[A-Za-z0-9-]+$",
        description="Header that carries the key; in Authorization it is sent as a Bearer token.",
    )
    timeout_seconds: float = Field(default=60.0, gt=0, description="Longest wait for the server's answer.")
    search_width: int = Field(
        default=200,
        ge=10,
        description="Neighbours that Chroma's graph search keeps in view; more is more accurate but slower.",
    )


class IngestConfig(Section):
    paths: tuple[str, ...] = Field(
        default=(),
        description="What `ragcli ingest` reads when no path is given; relative to the working folder.",
    )
    glob: tuple[str, ...] = Field(default=("**/*",), description="Which files of a folder are read.")
    exclude: tuple[str, ...] = Field(
        default=(".*", "__pycache__/", "node_modules/", "*.lock", "questions*.jsonl"),
        description="Patterns in .gitignore style; a .gitignore in the folder is read as well.",
    )
    max_file_mb: float = Field(default=50.0, gt=0, description="Larger files are skipped and reported.")
    max_seconds_per_file: float = Field(
        default=60.0,
        gt=0,
        description="Processor time that reading a file may take; slower files are skipped and reported.",
    )
    max_memory_mb: int = Field(
        default=2000,
        ge=200,
        description="Memory that reading a file may take (Linux only); a file that needs more is skipped.",
    )
    converters: dict[str, str] = Field(
        default={},
        description=(
            "Your own programs that turn other formats into Markdown on stdout, by suffix: "
            '{ ".doc" = "catdoc {}" }; before the command txt:, html: or csv: name another output.'
        ),
    )


class ChunkingConfig(Section):
    size: int = Field(
        default=200, ge=16, description="Most tokens in a chunk, including its title and headings."
    )
    overlap: int = Field(
        default=30, ge=0, description="Tokens repeated from the previous chunk, in whole sentences."
    )


class EmbeddingConfig(Section):
    model: str = Field(
        default="all-MiniLM-L6-v2", description="Bi-encoder: the embedded one, a hub name or a folder."
    )
    batch_size: int = Field(
        default=64, ge=1, description="Most texts encoded at once; fewer if they are long."
    )
    url: str = Field(
        default="",
        description=(
            "An OpenAI-compatible server that encodes with this model: http://localhost:8080/v1. "
            "Empty: encode here."
        ),
    )
    api_key_env: str = Field(
        default="", description="Name of the environment variable that holds the server's key."
    )
    max_tokens: int = Field(
        default=256,
        ge=16,
        description="With url: longest text that the model reads in full, in tokens of all-MiniLM-L6-v2.",
    )
    timeout_seconds: float = Field(default=60.0, gt=0, description="Longest wait for the server's answer.")


class RetrievalConfig(Section):
    method: Literal["dense", "hybrid"] = Field(
        default="dense",
        description=(
            "dense: the bi-encoder's nearest chunks. hybrid: these, fused with chunks that share words with "
            "the question (BM25)."
        ),
    )
    rrf_k: float = Field(
        default=10.0,
        ge=0,
        description="With hybrid, a chunk scores 1 / (this + its rank) in each list that contains it.",
    )
    candidates: int = Field(
        default=50, ge=1, description="Chunks that retrieval passes to the cross-encoder."
    )
    top_k: int = Field(default=5, ge=1, description="Passages that go into the prompt.")


class RerankingConfig(Section):
    enabled: bool = Field(default=True, description="False: passages stay in the order of the retrieval.")
    model: str = Field(
        default="ragcli", description="Cross-encoder: the shipped one, a hub name or a folder."
    )
    prior_weight: float | None = Field(
        default=None,
        ge=0,
        description=(
            "Order by logit + this x the bi-encoder's similarity. Unset: the value that the "
            "model's folder names, or 0."
        ),
    )
    prior_words: int | None = Field(
        default=None,
        ge=0,
        description=(
            "A question with more words than this gives the prior more weight, in proportion; 0: no "
            "question does. Unset: the value that the model's folder names, or 0."
        ),
    )
    prior_headings: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description=(
            "Where the headings of a passage are more similar to the question than the passage is, by "
            "more than 0.05, this share of the rest is added to its similarity. Unset: the value that "
            "the model's folder names, or 0."
        ),
    )
    batch_size: int = Field(
        default=64, ge=1, description="Most pairs scored at once; fewer if they are long."
    )
    max_tokens: int = Field(
        default=320,
        ge=16,
        description="Longest pair that is scored in full; longer ones are cut and counted.",
    )
    url: str = Field(
        default="",
        description="A server whose /rerank scores with this model, such as http://localhost:8080.",
    )
    dialect: Literal["jina", "tei"] = Field(
        default="jina",
        description="What /rerank speaks. jina: vLLM, llama.cpp, infinity, Jina, Cohere. tei: TEI.",
    )
    scores: Literal["logits", "probabilities"] = Field(
        default="logits",
        description=(
            "What the server sends. ragcli asks for logits; probabilities are converted to logits, "
            "and tie if they were rounded to 0 or 1."
        ),
    )
    api_key_env: str = Field(
        default="", description="Name of the environment variable that holds the server's key."
    )
    timeout_seconds: float = Field(default=60.0, gt=0, description="Longest wait for the server's answer.")


class PromptingConfig(Section):
    style: Literal["auto", Style] = Field(
        default="auto",
        description=(
            "passages: whole chunks. excerpts: the best sentences of each chunk with their neighbours. "
            "sentences: a few sentences, one of which the LLM quotes. auto: what suits the embedded LLM; "
            "passages for an endpoint."
        ),
    )
    citations: Literal["auto", Citations] = Field(
        default="auto",
        description=(
            "model: the LLM writes [n]. attributed: ragcli finds the passage behind each sentence. auto: "
            "what suits the embedded LLM; model for an endpoint."
        ),
    )
    sentences: int = Field(default=2, ge=1, description="Sentences in the prompt, with style = sentences.")
    sentence_range: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description=(
            "A sentence is kept only if its score is within this share of the range from the best to the "
            "worst; 1 keeps all of them."
        ),
    )
    min_probability: float = Field(
        default=0.003,
        ge=0,
        le=1,
        description=(
            "If the best probability of relevance is below this, ragcli says that it has no answer; 0: never."
        ),
    )
    min_similarity: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description=(
            "Below this best similarity of a passage ragcli says it has no answer; 0: never. Unset: what "
            "suits all-MiniLM-L6-v2, and 0 for other bi-encoders."
        ),
    )
    min_answerable: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description=(
            "The embedded LLM is asked first whether the passages answer the question; below this "
            "probability of yes ragcli says it has no answer; 0: not asked. Unset: what suits the LLM."
        ),
    )
    excerpt_tokens: int = Field(
        default=180,
        ge=16,
        description="Most tokens in all excerpts together, with style = excerpts.",
    )
    expand: Literal["none", "neighbours", "section"] = Field(
        default="none",
        description=(
            "With style = passages, what of its document a passage is read with while the LLM's window has "
            "room: nothing, the chunks before and after it, or its section."
        ),
    )


class LLMConfig(Section):
    base_url: str = Field(
        default="local",
        description="An OpenAI-compatible endpoint, or local for the embedded llama.cpp server.",
    )
    model: str = Field(default=SMALL.name, description="Model name as the endpoint knows it.")
    api_key_env: str = Field(default="", description="Name of the environment variable that holds the key.")
    context_tokens: int = Field(default=2048, ge=256, description="Context window of the model, in tokens.")
    answer_tokens: int = Field(default=128, ge=1, description="Longest answer, in tokens.")
    threads: int = Field(
        default=0,
        ge=0,
        description="Threads of the local server; 0: one for each core, at most 4.",
    )
    temperature: float = Field(default=0.0, ge=0, le=2, description="0 gives the same answer each time.")
    seed: int = Field(default=7, description="Sampling seed, for endpoints that take one.")
    timeout_seconds: float = Field(
        default=60.0, gt=0, description="Longest wait for the next part of an answer."
    )
    price_in: float | None = Field(
        default=None,
        ge=0,
        description=(
            "What a million tokens of prompts cost, in any currency: with --answers, ragcli eval says what "
            "a thousand questions cost. Unset: it says nothing."
        ),
    )
    price_out: float | None = Field(
        default=None, ge=0, description="What a million tokens of answers cost, in the same currency."
    )
    extra: dict[str, JsonValue] = Field(
        default={},
        description=(
            "Extra fields for the request, such as { top_p = 0.9 }. A field with an empty text is left out: "
            '{ seed = "" }.'
        ),
    )

    @property
    def embedded(self) -> bool:
        """Whether ragcli serves the model itself, and therefore knows how its server behaves."""
        return self.base_url == "local"


class ChatConfig(Section):
    rewrite: Literal["off", "subject", "llm"] = Field(
        default="subject",
        description=(
            "What ragcli chat does with a follow-up. off: nothing. subject: one that points back gets the "
            "title of the document that the last answer cited. llm: the LLM rewrites it (for larger LLMs)."
        ),
    )
    history: int = Field(
        default=4, ge=0, description="Earlier questions, with answers, that a follow-up may refer to."
    )


class ServeConfig(Section):
    use: bool = Field(
        default=True,
        description="Whether commands hand their questions to a `ragcli serve` of the same settings.",
    )
    port: int = Field(
        default=7466, ge=0, le=65535, description="Port of `ragcli serve`; 0: one that is free."
    )
    idle_minutes: float = Field(
        default=30.0, gt=0, description="A server that is asked nothing for this long ends."
    )
    api_key_env: str = Field(
        default="",
        description=(
            "Name of the environment variable that holds the key which agents must send as a Bearer token; "
            "--host needs one."
        ),
    )


class Config(Section):
    """All settings of one run. `profile` has been applied: the sections hold its values."""

    profile: str = Field(default="local", description="Which [profiles.NAME] table overrides the sections.")
    collection: str = Field(default="default", description="Name of the collection in the index.")
    store: StoreConfig = StoreConfig()
    ingest: IngestConfig = IngestConfig()
    chunking: ChunkingConfig = ChunkingConfig()
    embedding: EmbeddingConfig = EmbeddingConfig()
    retrieval: RetrievalConfig = RetrievalConfig()
    reranking: RerankingConfig = RerankingConfig()
    prompting: PromptingConfig = PromptingConfig()
    llm: LLMConfig = LLMConfig()
    chat: ChatConfig = ChatConfig()
    serve: ServeConfig = ServeConfig()

    @property
    def prompt(self) -> PromptingConfig:
        """`prompting`, with "auto" resolved for this LLM; never guessed from the name of a model."""
        known = EMBEDDED_LLMS.get(self.llm.model) if self.llm.embedded else None
        style, citations = (known.style, known.citations) if known else ("passages", "model")
        given = self.prompting
        similarity, answerable = given.min_similarity, given.min_answerable
        if similarity is None:
            similarity = OFF_TOPIC if self.embedding.model == EmbeddingConfig().model else 0.0
        if known is None:
            answerable = 0.0
        elif answerable is None:
            answerable = known.min_answerable
        return given.model_copy(
            update={
                "min_similarity": similarity,
                "min_answerable": answerable,
                "style": style if given.style == "auto" else given.style,
                "citations": citations if given.citations == "auto" else given.citations,
            }
        )
