"""Ask your own documents, and see what reranking contributes.

    from ragcli import open_pipeline
    with open_pipeline() as rag:
        print(rag.ask("How long is the notice period?").text)

Names are resolved when they are first used, so that `import ragcli` stays instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ragcli.config import Config
    from ragcli.config.loading import load_config
    from ragcli.errors import RagcliError
    from ragcli.pipeline import Pipeline, open_pipeline
    from ragcli.types import Answer, Comparison, Filters, IngestReport, SearchResult

__version__ = "0.2.0"

__all__ = [
    "Answer",
    "Comparison",
    "Config",
    "Filters",
    "IngestReport",
    "Pipeline",
    "RagcliError",
    "SearchResult",
    "__version__",
    "load_config",
    "open_pipeline",
]

_MODULE_OF = {
    "Answer": "ragcli.types",
    "Comparison": "ragcli.types",
    "Config": "ragcli.config",
    "Filters": "ragcli.types",
    "IngestReport": "ragcli.types",
    "Pipeline": "ragcli.pipeline",
    "RagcliError": "ragcli.errors",
    "SearchResult": "ragcli.types",
    "load_config": "ragcli.config.loading",
    "open_pipeline": "ragcli.pipeline",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
