"""What an answer depends on, as one short text: results with different ones are never mixed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from ragcli import store
from ragcli.config import Config
from ragcli.config.loading import value_of
from ragcli.encoders import bi_encoder, reranking
from ragcli.servers.redaction import without_credentials
from ragcli.types import Filters

SCHEMA = 1
WITH_EFFECT = frozenset(
    {
        "store.search_width",
        "embedding.model",
        "embedding.max_tokens",
        "retrieval.method",
        "retrieval.rrf_k",
        "retrieval.candidates",
        "retrieval.top_k",
        "reranking.enabled",
        "reranking.model",
        "reranking.prior_weight",
        "reranking.prior_words",
        "reranking.prior_headings",
        "reranking.max_tokens",
        "reranking.dialect",
        "reranking.scores",
        "prompting.style",
        "prompting.citations",
        "prompting.sentences",
        "prompting.sentence_range",
        "prompting.min_probability",
        "prompting.min_similarity",
        "prompting.min_answerable",
        "prompting.excerpt_tokens",
        "prompting.expand",
        "llm.base_url",
        "llm.model",
        "llm.context_tokens",
        "llm.answer_tokens",
        "llm.temperature",
        "llm.seed",
        "llm.extra",
    }
)
"""The settings that may change what an answer says."""
WITHOUT_EFFECT = frozenset(
    {
        # What they select is in the settings of the sections and in the index.
        "profile",
        "collection",
        "store.path",
        "store.url",
        "store.tenant",
        "store.database",
        "ingest.paths",
        "ingest.glob",
        "ingest.exclude",
        "ingest.max_file_mb",
        "ingest.max_seconds_per_file",
        "ingest.max_memory_mb",
        "ingest.converters",
        "chunking.size",
        "chunking.overlap",
        # A batch holds no conversation.
        "chat.rewrite",
        "chat.history",
        # How to reach a server that other settings name, and how long an answer takes.
        "store.api_key_env",
        "store.api_key_header",
        "store.timeout_seconds",
        "embedding.batch_size",
        "embedding.url",
        "embedding.api_key_env",
        "embedding.timeout_seconds",
        "reranking.batch_size",
        "reranking.url",
        "reranking.api_key_env",
        "reranking.timeout_seconds",
        "llm.api_key_env",
        "llm.threads",
        "llm.timeout_seconds",
        # Which process does the work.
        "serve.use",
        "serve.port",
        "serve.idle_minutes",
        "serve.api_key_env",
        # What an answer costs, and not what it says.
        "llm.price_in",
        "llm.price_out",
    }
)
"""The others. Every setting is in one of the two; a test checks this."""


def fingerprint(config: Config, *, compare: bool, filters: Filters) -> str:
    """16 hexadecimal digits, from settings, models, filters and the index."""
    settings = {key: value_of(config, key) for key in sorted(WITH_EFFECT)}
    settings["prompting.style"] = config.prompt.style
    settings["prompting.citations"] = config.prompt.citations
    settings["llm.base_url"] = without_credentials(config.llm.base_url)
    reranks = compare or config.reranking.enabled
    encoders: list[object] = [bi_encoder.check(config.embedding)]
    if reranks:
        # The same weights may be ranked by another prior in another version.
        encoders += [reranking.check(config.reranking), asdict(reranking.prior_of(config.reranking))]
    content = [
        SCHEMA,
        settings,
        compare,
        filters.sources,
        filters.where,
        encoders,
        store.contents(config),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
