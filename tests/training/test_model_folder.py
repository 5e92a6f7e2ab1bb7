"""A trained model takes the place of an earlier one: at any moment one of the two is whole."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from ragcli.training.model_folder import _put_in_place


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, Path]:
    """(the new one under its passing name, the one that is there)"""
    new, folder = tmp_path / "model.partial", tmp_path / "model"
    for place, text in ((new, "new"), (folder, "old")):
        place.mkdir()
        (place / "model.safetensors").write_text(text)
        (place / "ragcli.json").write_text(text)
    return new, folder


def whole(folder: Path) -> bool:
    texts = {path.read_text() for path in folder.iterdir()} if folder.exists() else set()
    return len(texts) == 1 and len(list(folder.iterdir())) == 2


def test_the_old_one_goes_last(models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    new, folder = models
    delete = shutil.rmtree
    seen = []

    def watched(place: Any, **options: Any) -> None:
        seen.append((whole(folder), (folder / "ragcli.json").read_text()))
        delete(place, **options)

    monkeypatch.setattr(shutil, "rmtree", watched)
    _put_in_place(new, folder)
    assert [is_whole for is_whole, _ in seen] == [True, True]
    assert seen[-1] == (True, "new")
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_rename_that_fails_leaves_the_old_one(
    models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    new, folder = models
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path == new:
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="No space"):
        _put_in_place(new, folder)
    assert whole(folder)
    assert (folder / "ragcli.json").read_text() == "old"
