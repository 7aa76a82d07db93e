"""The installed byok that the tests of this folder run on. BYOK_BUILD names a build folder to keep between runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from installed import Installed
from sample import make_keks


def public_folder(within: Path | None = None) -> tempfile.TemporaryDirectory:
    """A new folder that other users may enter, which pytest's own are not."""
    folder = tempfile.TemporaryDirectory(prefix="byok-interop-", dir=within)
    os.chmod(folder.name, 0o755)
    return folder


@pytest.fixture(scope="session")
def installed() -> Iterator[Installed]:
    with public_folder() as name:
        folder = Path(name).resolve()
        tree = Installed(folder / "prefix", Path(os.environ.get("BYOK_BUILD") or folder / "build"))
        tree.install()
        tree.configure()
        yield tree


@pytest.fixture
def folder(installed: Installed) -> Iterator[Path]:
    with public_folder(installed.prefix.parent) as name:
        yield Path(name)


@pytest.fixture
def no_kek_file(installed: Installed) -> Iterator[None]:
    """The installed path without its KEK file."""
    aside = installed.kek_file.with_suffix(".aside")
    installed.kek_file.rename(aside)
    yield
    aside.rename(installed.kek_file)


@pytest.fixture
def keks(folder: Path) -> Path:
    """The KEK file of sample.py."""
    return make_keks(folder)
