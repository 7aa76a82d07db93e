"""Unsafe, missing and wrong files and options, through `openssl enc` both ways.

Each refusal says which file or option it is about, and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from installed import Installed, enc, keks_text, make_key, run
from refusals import assert_refused
from sample import KEY, MESSAGE, PLAINTEXT

ABSENT = "No such file or directory.*(make|create|copy|check)"


def both_ways(env: dict[str, str], reason: str, remedy: str, **more: bool) -> None:
    for direction in ([], ["-d"]):
        result = run(enc(*direction, kek="k"), env, MESSAGE, **more)
        assert_refused(result, reason, remedy, secrets=[KEY])
        assert result.out == b""


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o602, 0o620, 0o610, 0o777, 0o644])
def test_key_file_that_others_may_use(installed: Installed, folder: Path, keks: Path, mode: int) -> None:
    (folder / "k.key").chmod(mode)
    both_ways(installed.by_modules(keks), "BAD_PERMISSIONS", f"key file {folder}/k.key .*chmod 0600")


def test_key_file_of_another_user(installed: Installed, folder: Path, keks: Path) -> None:
    os.chown(folder / "k.key", 12345, -1)
    both_ways(installed.by_modules(keks), "BAD_PERMISSIONS", f"key file {folder}/k.key belongs to user 12345; chown it")


def test_unreadable_key_file(installed: Installed, folder: Path, keks: Path) -> None:
    remedy = f"key file {folder}/k.key cannot be opened: Permission denied.*(chown|chmod|run as|readable|let )"
    both_ways(installed.by_modules(keks), "BAD_PERMISSIONS", remedy, as_nobody=True)


def test_nobodys_own_key_file_is_fine(installed: Installed, folder: Path, keks: Path) -> None:
    os.chown(folder / "k.key", 65534, -1)
    assert run(enc("-d"), installed.by_modules(keks), MESSAGE, as_nobody=True).out == PLAINTEXT


def test_missing_key_file(installed: Installed, folder: Path, keks: Path) -> None:
    (folder / "k.key").unlink()
    both_ways(
        installed.by_modules(keks),
        "NOT_FOUND",
        f"key file {folder}/k.key .*No such file or directory.*(make|create|check|uri)",
    )


@pytest.mark.parametrize("key", [b"", KEY[:31], KEY + b"\n", KEY.hex().encode(), KEY * 2], ids=len)
def test_key_file_of_another_length(installed: Installed, folder: Path, keks: Path, key: bytes) -> None:
    make_key(folder / "k.key", key)
    both_ways(installed.by_modules(keks), "BAD_VALUE", f"key file {folder}/k.key .*openssl rand -out")


@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_key_file_that_is_no_file(installed: Installed, folder: Path, keks: Path, kind: str) -> None:
    (folder / "k.key").unlink()
    (os.mkdir if kind == "folder" else os.mkfifo)(folder / "k.key", 0o700)
    both_ways(installed.by_modules(keks), "BAD_PERMISSIONS", f"key file {folder}/k.key is not a regular file")


def test_another_key_file(installed: Installed, folder: Path, keks: Path) -> None:
    other = make_key(folder / "k.key")
    assert_refused(run(enc("-d"), installed.by_modules(keks), MESSAGE), "WRONG_KEY", secrets=[KEY, other])


@pytest.mark.parametrize("mode", [0o666, 0o646, 0o664])
def test_kek_file_that_others_may_write(installed: Installed, keks: Path, mode: int) -> None:
    keks.chmod(mode)
    both_ways(installed.by_modules(keks), "BAD_PERMISSIONS", f"KEK file {keks} .*chmod go-w")


def test_kek_file_of_another_user(installed: Installed, keks: Path) -> None:
    os.chown(keks, 12345, -1)
    both_ways(installed.by_modules(keks), "BAD_PERMISSIONS", f"KEK file {keks} belongs to user 12345; chown it")


def test_missing_kek_file(installed: Installed, keks: Path) -> None:
    keks.unlink()
    both_ways(installed.by_modules(keks), "CONFIG", f"KEK file {keks} .*{ABSENT}")


def rewrite(keks: Path, *, uri: str = "", more: str = "", top: str = "", end: str = "") -> None:
    """The KEK file with lines added to the KEK, before it and at the end, or with another uri."""
    text = keks_text({"k": keks.parent / "k.key"}, default="k", more={"k": more}, top=top) + end
    keks.write_text(text.replace(f"uri = local://{keks.parent}/k.key\n", uri) if uri else text)


# name: what rewrite() puts into the KEK file, reason, remedy
WRONG_KEK_FILES: dict[str, tuple[dict[str, str], str, str]] = {
    "unknown option of a KEK": ({"more": "colour = red\n"}, "UNKNOWN_OPTION", "valid are: .*uri.*context"),
    "misspelt option": ({"more": "dek_cache_seconds = 5\n"}, "UNKNOWN_OPTION", "valid are: .*dek-cache-seconds"),
    "unknown option at the top": ({"top": "colour = red\n"}, "UNKNOWN_OPTION", "valid are: .*default-kek"),
    "option in the wrong place": ({"more": "default-kek = k\n"}, "UNKNOWN_OPTION", "valid are: .*uri"),
    "uri at the top": ({"top": "uri = local:///x\n"}, "UNKNOWN_OPTION", "valid are: .*default-kek"),
    "number too small": ({"more": "dek-max-messages = 0\n"}, "BAD_VALUE", "whole number from 1 to 4294967296"),
    "number too large": ({"more": "dek-cache-seconds = 86401\n"}, "BAD_VALUE", "whole number from 0 to 86400"),
    "number that overflows": (
        {"top": "dek-max-bytes = 99999999999999999999999\n"},
        "BAD_VALUE",
        "from 1 to 1152921504606846976",
    ),
    "negative number": ({"top": "dek-cache-seconds = -1\n"}, "BAD_VALUE", "whole number from 0 to 86400"),
    "number with a unit": ({"top": "dek-cache-seconds = 5m\n"}, "BAD_VALUE", "whole number from 0 to 86400"),
    "empty number": ({"top": "dek-cache-seconds =\n"}, "BAD_VALUE", "whole number from 0 to 86400"),
    "context without =": ({"more": "context = organization\n"}, "BAD_VALUE", "context: .*="),
    "default KEK that is none": ({"top": "default-kek = nobody\n"}, "CONFIG", "default-kek names"),
    "name with a blank": ({"end": "[a b]\nuri = local:///x\n"}, "BAD_VALUE", "a name has 1 to 64 letters"),
    "name too long": ({"end": f"[{'n' * 65}]\nuri = local:///x\n"}, "BAD_VALUE", "a name has 1 to 64 letters"),
    "no uri": ({"uri": "\n"}, "CONFIG", "set one, as in uri = "),
    "unknown scheme": ({"uri": "uri = aws-kms://key\n"}, "BAD_VALUE", "this build knows: local:"),
    "scheme in capitals": ({"uri": "uri = LOCAL:///x\n"}, "BAD_VALUE", "this build knows: local:"),
    "path without a scheme": ({"uri": "uri = /etc/byok/k.key\n"}, "BAD_VALUE", "this build knows: local:"),
    "relative path": ({"uri": "uri = local:k.key\n"}, "BAD_VALUE", "local:///absolute/path"),
    "uri with a host": ({"uri": "uri = local://host/k.key\n"}, "BAD_VALUE", "local:///absolute/path"),
    "uri with a query": ({"uri": "uri = local:///k.key?x=1\n"}, "BAD_VALUE", "local:///absolute/path"),
    "uri with a bad percent": ({"uri": "uri = local:///k%2.key\n"}, "BAD_VALUE", "percent-encoded"),
    "broken line": ({"end": "this is no option\n"}, "CONFIG", r"keks.cnf, line \d+: "),
    "broken section": ({"end": "[k\n"}, "CONFIG", r"keks.cnf, line \d+: "),
}


@pytest.mark.parametrize(("text", "reason", "remedy"), WRONG_KEK_FILES.values(), ids=WRONG_KEK_FILES)
def test_wrong_kek_file(installed: Installed, keks: Path, text: dict[str, str], reason: str, remedy: str) -> None:
    rewrite(keks, **text)
    both_ways(installed.by_modules(keks), reason, remedy)


# name: lines of the provider's section, reason, remedy
WRONG_SECTIONS = {
    "unknown option": ("colour = red", "UNKNOWN_OPTION", r"valid are: .*config.*kek.*libctx-providers"),
    "misspelt option": ("keks = local:///x", "UNKNOWN_OPTION", "valid are: .*kek"),
    "option of a KEK": ("uri = local:///x", "UNKNOWN_OPTION", "valid are: .*kek"),
    "numbered option": ("1.colour = red", "UNKNOWN_OPTION", "valid are: "),
    "bad value": ("dek-max-messages = many", "BAD_VALUE", "whole number from 1 to 4294967296"),
    "unknown scheme": ("kek = azure-kv://vault/key", "BAD_VALUE", "this build knows: local:"),
    "missing KEK file": ("config = /nonexistent/keks.cnf", "CONFIG", f"KEK file /nonexistent/keks.cnf .*{ABSENT}"),
    "default KEK that is none": ("default-kek = nobody", "CONFIG", "default-kek names"),
    "unknown libctx-providers": (
        "libctx-providers = nonexistent",
        "BAD_VALUE",
        'libctx-providers: provider "nonexistent" cannot be loaded',
    ),
    "libctx-providers that is byok": ("libctx-providers = byok", "BAD_VALUE", 'as in "default"'),
}


@pytest.mark.parametrize(("line", "reason", "remedy"), WRONG_SECTIONS.values(), ids=WRONG_SECTIONS)
def test_wrong_provider_section(
    installed: Installed, folder: Path, keks: Path, line: str, reason: str, remedy: str
) -> None:
    conf = folder / "openssl.cnf"
    keks.write_text(keks_text({"k": folder / "k.key"}))
    conf.write_text(installed.conf_text(provider=line + "\n"))
    both_ways(installed.by_conf(conf, BYOK_CONFIG=keks), reason, remedy)
