"""The settings, where they come from, and the commented file that names them all."""

from ragcli.config.schema import (
    ChatConfig,
    ChunkingConfig,
    Config,
    EmbeddingConfig,
    IngestConfig,
    LLMConfig,
    PromptingConfig,
    RerankingConfig,
    RetrievalConfig,
    Section,
    StoreConfig,
)

__all__ = [
    "ChatConfig",
    "ChunkingConfig",
    "Config",
    "EmbeddingConfig",
    "IngestConfig",
    "LLMConfig",
    "PromptingConfig",
    "RerankingConfig",
    "RetrievalConfig",
    "Section",
    "StoreConfig",
]
