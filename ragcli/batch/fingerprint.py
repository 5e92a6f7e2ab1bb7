"""What an answer depends on, as one short text: results of another one are never mixed with these."""

from __future__ import annotations

import hashlib
import json

from ragcli import embedding, reranking, store
from ragcli.config import Config
from ragcli.redaction import without_credentials
from ragcli.types import Filters

SCHEMA = 1
# These change how long an answer takes, and not what it says.
WITHOUT_EFFECT = {
    "llm": {"threads", "timeout_seconds", "api_key_env", "base_url"},
    "reranking": {"batch_size", "timeout_seconds", "api_key_env", "url"},
    "embedding": {"batch_size", "timeout_seconds", "api_key_env", "url"},
}
WITHOUT_SECTION = {"profile", "store", "ingest"}


def fingerprint(config: Config, *, compare: bool, filters: Filters) -> str:
    """16 hexadecimal digits. Settings, models, filters, and what the index holds."""
    settings = config.model_dump(mode="json", exclude=WITHOUT_SECTION)
    for section, keys in WITHOUT_EFFECT.items():
        for key in keys:
            del settings[section][key]
    server = without_credentials(config.llm.base_url)
    reranks = compare or config.reranking.enabled
    encoders = [embedding.check(config.embedding)]
    if reranks:
        encoders.append(reranking.check(config.reranking))
    content = [
        SCHEMA,
        settings,
        server,
        compare,
        filters.sources,
        filters.where,
        encoders,
        store.contents(config),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
