"""The KEK file is read again when it changes, in a process that runs on; a broken new one keeps the old in force."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from evp import Evp, Refused
from installed import Installed, keks_text, make_key
from refusals import REASONS

PATIENCE = 10  # seconds
Service = tuple[Evp, Path, dict[str, Path]]


def eventually(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < end, f"it did not happen within {PATIENCE} seconds"
        time.sleep(0.05)


def knows(evp: Evp, kek: str) -> bool:
    try:
        return evp.open(kek, evp.seal(kek, b"text")) == b"text"
    except Refused as refused:
        assert refused.reason == REASONS["UNKNOWN_KEK"].number
        return False


def replace(path: Path, text: str) -> None:
    """As an editor or a configuration tool does it, so that nobody sees half a file."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


@pytest.fixture
def service(installed: Installed, folder: Path) -> Iterator[Service]:
    """A process that runs on, the KEK file that it uses, and the paths of three keys."""
    paths = {name: folder / f"{name}.key" for name in ("a", "b", "c")}
    for path in paths.values():
        make_key(path)
    keks = folder / "keks.cnf"
    keks.write_text(keks_text({"a": paths["a"]}, default="a"))
    with Evp(installed.by_modules(keks)) as evp:
        assert knows(evp, "a") and not knows(evp, "b")
        yield evp, keks, paths


def some(paths: dict[str, Path], *names: str) -> dict[str, Path]:
    return {name: paths[name] for name in names}


def test_keks_come_and_go(service: Service) -> None:
    evp, keks, paths = service
    old = evp.seal("a", b"old")
    replace(keks, keks_text(some(paths, "a", "b"), default="b"))
    eventually(lambda: knows(evp, "b"))
    assert evp.open("a", old) == b"old"
    eventually(lambda: evp.open("b", evp.seal("", b"text")) == b"text")
    keks.write_text(keks_text(some(paths, "b", "c"), default="b"))  # in place
    eventually(lambda: knows(evp, "c"))
    assert not knows(evp, "a")
    replace(keks, keks_text(paths, default="b"))
    eventually(lambda: knows(evp, "a"))
    assert evp.open("a", old) == b"old"
    assert evp.config_error() == ""


# name: what becomes of the KEK file, a pattern of the error
BREAK: dict[str, tuple[Callable[[Path], object], str]] = {
    "unknown option": (lambda path: replace(path, path.read_text() + "colour = red\n"), "colour"),
    "broken line": (lambda path: replace(path, path.read_text() + "no option\n"), "line 4"),
    "no KEK with the default's name": (lambda path: replace(path, "default-kek = z\n"), "default-kek"),
    "writable for all": (lambda path: path.chmod(0o666), "chmod go-w"),
    "gone": (lambda path: path.unlink(), "keks.cnf"),
}


@pytest.mark.parametrize(("break_", "error"), BREAK.values(), ids=BREAK)
def test_a_broken_file_keeps_the_old_one(service: Service, break_: Callable[[Path], object], error: str) -> None:
    evp, keks, paths = service
    old = evp.seal("a", b"old")
    break_(keks)
    eventually(lambda: knows(evp, "a") and error in evp.config_error())
    assert evp.open("a", old) == b"old"
    assert evp.open("a", evp.seal("", b"text")) == b"text"
    replace(keks, keks_text(some(paths, "a", "b")))
    eventually(lambda: knows(evp, "b"))
    assert evp.config_error() == ""


def test_a_file_broken_from_the_beginning_is_read_once_mended(installed: Installed, folder: Path) -> None:
    make_key(folder / "a.key")
    keks = folder / "keks.cnf"
    keks.write_text("[a]\ncolour = red\n")
    with Evp(installed.by_modules(keks)) as evp:
        with pytest.raises(Refused) as caught:
            evp.seal("a", b"text")
        assert caught.value.reason == REASONS["UNKNOWN_OPTION"].number
        assert "colour" in evp.config_error()
        replace(keks, keks_text({"a": folder / "a.key"}))
        assert knows(evp, "a")
        assert evp.config_error() == ""


def test_a_kek_file_that_appears(installed: Installed, folder: Path, no_kek_file: None) -> None:
    """The installed path, in a process that began without it."""
    make_key(folder / "late.key")
    with Evp(installed.by_default_path()) as evp:
        assert not knows(evp, "late")
        try:
            replace(installed.kek_file, keks_text({"late": folder / "late.key"}))
            eventually(lambda: knows(evp, "late"))
        finally:
            installed.kek_file.unlink()
