"""The installed tree: what is there, how the module is linked, and that programs can be built against it."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from installed import Installed, clean_environment, must, run

DOCUMENTS = ("LICENSE", "README.md", "architecture.md", "configuration.md", "evp.md", "format.md", "threat-model.md")
USER = """#include <byok/names.h>
#include <byok/reasons.h>
#include <openssl/err.h>
#include <stdio.h>
#define ROW(number, name, text, remedy, retryable) +1
int main(void)
{
    printf("%s %s %s %d %d\\n", BYOK_PROVIDER_NAME, BYOK_CIPHER_SEALED, BYOK_CIPHER_PARAM_CONTEXT, BYOK_R_WRONG_KEY,
           (0 BYOK_REASONS(ROW)) > 30);
    return ERR_peek_error() != 0;
}
"""
SAYS = b"byok BYOK-AES-256-GCM byok-context 157 1\n"


def library_folder(installed: Installed) -> str:
    cache = (installed.build / "CMakeCache.txt").read_text()
    return re.search(r"^CMAKE_INSTALL_LIBDIR:PATH=(.+)$", cache, re.MULTILINE)[1]


def test_files(installed: Installed) -> None:
    lib = library_folder(installed)
    expected = [
        "modules/byok.so",
        "etc/byok-provider.cnf",
        "etc/keks.cnf.example",
        "include/byok/names.h",
        "include/byok/reasons.h",
        f"{lib}/pkgconfig/byok.pc",
        f"{lib}/cmake/byok/byok-config.cmake",
        f"{lib}/cmake/byok/byok-config-version.cmake",
    ]
    assert installed.files == sorted(expected + [f"share/doc/byok/{name}" for name in DOCUMENTS])


def test_modes(installed: Installed) -> None:
    for name in installed.files:
        mode = stat.S_IMODE((installed.prefix / name).stat().st_mode)
        assert mode & 0o444 == 0o444 and mode & 0o022 == 0, f"{name} has mode {mode:o}"


def test_nothing_is_left_to_fill_in(installed: Installed) -> None:
    for name in installed.files:
        if name != "modules/byok.so":
            text = (installed.prefix / name).read_text()
            assert text.strip(), f"{name} is empty"
            assert not re.search(r"@(BYOK|CMAKE|PROJECT)_\w+@", text), name


def test_the_example_kek_file_configures_nothing(installed: Installed) -> None:
    env = installed.by_modules(installed.etc / "keks.cnf.example")
    result = run(["openssl", "enc", "-byok-aes-256-gcm", "-provider", "byok", "-K", ""], env)
    assert result.status != 0 and b"no default KEK is configured" in result.err


def readelf(installed: Installed, *options: str) -> str:
    return must(["readelf", "-W", *options, installed.modules / "byok.so"], clean_environment()).decode()


def test_exported_symbols(installed: Installed) -> None:
    table = [line.split() for line in readelf(installed, "--dyn-syms").splitlines()]
    exported = {row[7] for row in table if len(row) >= 8 and row[0][:-1].isdigit() and row[6] != "UND"}
    assert exported == {"OSSL_provider_init", "OPENSSL_init", "OPENSSL_finish"}


def test_dynamic_section(installed: Installed) -> None:
    rows = re.findall(r"^ 0x\w+ \((\w+)\)\s+(.*)$", readelf(installed, "-d"), re.MULTILINE)
    assert sorted(value for tag, value in rows if tag == "NEEDED") == [
        f"Shared library: [{name}]" for name in ("libc.so.6", "libcrypto.so.3")
    ]
    assert not {"RUNPATH", "RPATH", "TEXTREL", "SONAME"} & {tag for tag, _ in rows}
    flags = " ".join(value for tag, value in rows if tag == "FLAGS_1").split()
    assert {"NODELETE", "NOW"} <= set(flags)


def test_segments(installed: Installed) -> None:
    """Full RELRO (with NOW, above), and no memory that is written and run."""
    segments = dict(re.findall(r"^  ([A-Z_]+)\s+(?:0x\w+\s+){5}([RWE ]{3})", readelf(installed, "-l"), re.MULTILINE))
    assert "GNU_RELRO" in segments
    assert segments["GNU_STACK"] == "RW "
    assert not any(
        "W" in mode and "E" in mode
        for mode in re.findall(r"^  LOAD\s+(?:0x\w+\s+){5}([RWE ]{3})", readelf(installed, "-l"), re.MULTILINE)
    )


def test_pkg_config(installed: Installed, tmp_path: Path) -> None:
    env = clean_environment() | {"PKG_CONFIG_PATH": str(installed.prefix / library_folder(installed) / "pkgconfig")}

    def ask(*options: str) -> list[str]:
        return must(["pkg-config", *options, "byok"], env).decode().split()

    assert ask("--modversion") == ["0.1.0"]
    assert ask("--variable=modulesdir") == [str(installed.modules)]
    assert ask("--variable=configdir") == [str(installed.etc)]
    (tmp_path / "user.c").write_text(USER)
    must(
        ["cc", "-Wall", "-Werror", tmp_path / "user.c", "-o", tmp_path / "user", *ask("--cflags"), *ask("--libs")], env
    )
    assert must([tmp_path / "user"], env) == SAYS


PROJECT = """cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(byok VERSION REQUIRED)
file(GENERATE OUTPUT known CONTENT "${byok_MODULE}|${byok_CONFIG_DIR}|${byok_VERSION}")
add_executable(user user.c)
target_compile_options(user PRIVATE -Wall -Werror)
target_link_libraries(user PRIVATE byok::headers)
"""


def test_cmake_package(installed: Installed, tmp_path: Path) -> None:
    env, build = clean_environment(), tmp_path / "build"
    (tmp_path / "user.c").write_text(USER)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT.replace("VERSION REQ", "0.1 REQ"))
    must(["cmake", "-S", tmp_path, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={installed.prefix}"], env)
    must(["cmake", "--build", build], env)
    assert must([build / "user"], env) == SAYS
    assert (build / "known").read_text() == f"{installed.modules}/byok.so|{installed.etc}|0.1.0"


@pytest.mark.parametrize("version", ["1.0", "0.2"])
def test_cmake_package_of_another_version(installed: Installed, tmp_path: Path, version: str) -> None:
    (tmp_path / "user.c").write_text(USER)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT.replace("VERSION REQ", f"{version} REQ"))
    result = run(
        ["cmake", "-S", tmp_path, "-B", tmp_path / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={installed.prefix}"],
        clean_environment(),
    )
    assert result.status != 0 and b"byok" in result.err
