"""How much a command writes to stderr, apart from its answer: --quiet, --verbose, --timings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragcli.cli import options
from ragcli.errors import UsageError

if TYPE_CHECKING:
    from ragcli.cli.session import Screens
    from ragcli.config import Config
    from ragcli.types import Timing

BI_ENCODER, CROSS_ENCODER, LLM = "bi-encoder", "cross-encoder", "LLM"


@dataclass(frozen=True)
class Telling:
    """Quiet: no progress and no notes. Verbose: which model files are used, and a line for each stage."""

    timings: options.Timings = False
    quiet: options.Quiet = False
    verbose: options.Verbose = False

    def __post_init__(self) -> None:
        if self.quiet and self.verbose:
            raise UsageError("--quiet and --verbose do not go together.", hint="Leave out one of them.")

    def models(self, screens: Screens, config: Config, *roles: str) -> None:
        """Before the work: the models of these roles and where their files are."""
        if not self.verbose:
            return
        from ragcli.models.status import model_entries
        from ragcli.reporting.screens.models import print_models_of_run

        print_models_of_run(screens.err, [entry for entry in model_entries(config) if entry.role in roles])

    def stages(self, screens: Screens, timings: Sequence[Timing], of: str = "") -> None:
        """After the work: seconds per stage, and what was loaded in it. `of`: which work, of several."""
        from ragcli.reporting.screens import terminal

        if self.verbose:
            terminal.print_stages(screens.err, timings, of)
        elif self.timings:
            terminal.print_timings(screens.err, timings, of)
