"""Python and the packages, compared with ragcli's requirements."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from importlib import metadata

from ragcli.doctor.finding import Finding
from ragcli.models.locate import installer

OLDEST_PYTHON = (3, 11)


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    shown = f"{platform.python_implementation()} {'.'.join(map(str, version))}"
    if version < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return Finding("Python", "broken", f"{shown}; ragcli needs {oldest}", f"Install Python {oldest}.")
    return Finding("Python", "ok", shown)


def check_packages(
    requirements: Sequence[str] | None = None, installed: Callable[[str], str] = metadata.version
) -> Finding:
    """`requirements` None: those that this installation of ragcli declares, extras left out."""
    if requirements is None:
        try:
            requirements = metadata.requires("ragcli") or ()
        except metadata.PackageNotFoundError:
            return Finding(
                "packages",
                "warning",
                "ragcli runs from a folder and is not installed: its requirements are unknown",
                f"{installer()} .",
            )
    wanted, problems = _compared(requirements, installed)
    if not problems:
        return Finding("packages", "ok", f"{len(wanted)} as required")
    fix = " ".join(f'"{requirement}"' for requirement in problems)
    return Finding("packages", "broken", "; ".join(problems.values()), f"{installer()} {fix}")


def _compared(
    requirements: Sequence[str], installed: Callable[[str], str]
) -> tuple[list[str], dict[str, str]]:
    """The requirements that apply here; and what is wrong, by requirement."""
    from packaging.requirements import Requirement

    wanted: list[str] = []
    problems: dict[str, str] = {}
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        wanted.append(text)
        plain = f"{requirement.name}{requirement.specifier}"
        try:
            found = installed(requirement.name)
        except metadata.PackageNotFoundError:
            problems[plain] = f"{requirement.name} is not installed"
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            problems[plain] = f"{requirement.name} is {found}, required is {requirement.specifier}"
    return wanted, problems
