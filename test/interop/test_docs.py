"""doc/configuration.md shows kms/options.def, and a KEK file that works."""

from __future__ import annotations

import re
from pathlib import Path

from installed import ROOT, Installed, enc, must, run

COLUMNS = ["option", "where", "default", "range", "meaning"]


def defined() -> list[dict[str, str]]:
    """The rows of options.def as the page is to show them."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "kms/options.def").read_text(), flags=re.DOTALL)
    string = r'"((?:[^"\\]|\\.)*)"'
    row = re.compile(
        rf"OPTION\(\s*\w+,\s*{string},\s*([A-Z |]+),\s*(TEXT|NUMBER),\s*"
        rf"(?:{string}|(\d+)),\s*(\d+),\s*(\d+),\s*((?:{string}\s*)+)\)"
    )
    rows = []
    for name, places, kind, text_default, number_default, least, most, helps, _ in row.findall(text):
        where = ", ".join(place if place == "KEK" else place.lower() for place in re.split(r"\s*\|\s*", places.strip()))
        default = number_default if kind == "NUMBER" else f"`{text_default}`" if text_default else ""
        meaning = "".join(re.findall(string, helps))
        extent = f"{least} to {most}" if kind == "NUMBER" else ""
        rows.append(dict(zip(COLUMNS, (f"`{name}`", where, default, extent, meaning))))
    assert rows and len(rows) == text.count("OPTION(")
    return rows


def documented() -> list[dict[str, str]]:
    lines = (ROOT / "doc/configuration.md").read_text().splitlines()
    tables = [at for at, line in enumerate(lines) if cells(line) == COLUMNS]
    assert len(tables) == 1, "doc/configuration.md has one table with the columns " + " | ".join(COLUMNS)
    rows = []
    for line in lines[tables[0] + 2 :]:
        if not line.startswith("|"):
            break
        assert len(cells(line)) == len(COLUMNS), line
        rows.append(dict(zip(COLUMNS, cells(line))))
    return rows


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def test_options() -> None:
    assert documented() == defined()


def test_kek_file(installed: Installed, folder: Path) -> None:
    """The page's example, and the way it says to make a key file."""
    page = (ROOT / "doc/configuration.md").read_text()
    example = re.search(r"\n\n((?:    .*\n|\n)*    default-kek = .*\n(?:    .*\n|\n)*)", page)
    make_key = re.search(r"`\((umask 077 && openssl rand -out FILE 32)\)`", page)
    assert example and make_key
    keks = re.sub(r"(?m)^    ", "", example[1]).replace("/etc/byok", str(folder))
    for path in re.findall(r"local://(\S+)", keks):
        must(["sh", "-c", make_key[1].replace("FILE", path)], {"PATH": "/usr/bin:/bin"})
    (folder / "keks.cnf").write_text(keks)
    env = installed.by_modules(folder / "keks.cnf")
    for kek in ("", "platform", "tenant-a"):
        assert must(enc("-d", kek=kek), env, must(enc(kek=kek), env, b"text")) == b"text"
    assert run(enc("-d", kek="tenant-a"), env, must(enc(), env, b"text")).status != 0
