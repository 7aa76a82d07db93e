"""byok as it is installed: a release build in a prefix of its own, with KEKs, and ways to run programs on it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CIPHER = "byok-aes-256-gcm"
NAME_32 = "thirty-two-bytes.of_a_name-12345"  # all of the key that `openssl enc` and Ruby give
NAME_64 = "x" * 64
KEK_CONTEXTS = {"bound": {"organization": "org_123", "stage": "live"}}
KEKS = ("alpha", "beta", NAME_32, NAME_64, *KEK_CONTEXTS)  # the first is the default one


def clean_environment() -> dict[str, str]:
    """The caller's, without what would configure OpenSSL, byok or an interpreter."""
    unwanted = ("OPENSSL_", "BYOK_", "NODE_", "RUBY", "PHP", "PKG_CONFIG", "CMAKE_", "LD_", "LC_", "LANG")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)} | {"LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class Result:
    status: int
    out: bytes
    err: bytes


def run(command: Sequence[object], env: Mapping[str, str], data: bytes = b"", *, as_nobody: bool = False) -> Result:
    """A program that isn't there is an error of the test, not a reason to skip it."""
    if as_nobody:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    done = subprocess.run(
        [str(word) for word in command], env=env, input=data, capture_output=True, timeout=120, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def must(command: Sequence[object], env: Mapping[str, str], data: bytes = b"") -> bytes:
    result = run(command, env, data)
    said = (result.err or result.out[-4000:]).decode(errors="replace")
    assert result.status == 0, f"{command} ended with {result.status}: {said}"
    return result.out


def make_key(path: Path, key: bytes | None = None) -> bytes:
    key = os.urandom(32) if key is None else key
    path.write_bytes(key)
    path.chmod(0o600)
    return key


def keks_text(keys: Mapping[str, Path], *, default: str = "", top: str = "", more: Mapping[str, str] = {}) -> str:
    """A KEK file with local KEKs; `more` are lines of single sections."""
    text = (f"default-kek = {default}\n" if default else "") + top
    return text + "".join(f"[{name}]\nuri = local://{path}\n{more.get(name, '')}" for name, path in keys.items())


@dataclass
class Installed:
    prefix: Path
    build: Path
    files: list[str] = field(default_factory=list)  # what `cmake --install` made, relative to the prefix
    keys: dict[str, bytes] = field(default_factory=dict)

    @property
    def modules(self) -> Path:
        return self.prefix / "modules"

    @property
    def etc(self) -> Path:
        return self.prefix / "etc"

    @property
    def conf(self) -> Path:
        return self.etc / "byok-provider.cnf"

    @property
    def kek_file(self) -> Path:
        return self.etc / "keks.cnf"

    def install(self) -> None:
        env = clean_environment()
        must(
            [
                "cmake",
                "-S",
                ROOT,
                "-B",
                self.build,
                "-G",
                "Ninja",
                "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                "-DBUILD_TESTING=OFF",
                f"-DBYOK_MODULES_DIR={self.modules}",
                f"-DBYOK_CONFIG_DIR={self.etc}",
                f"-DCMAKE_INSTALL_PREFIX={self.prefix}",
            ],
            env,
        )
        must(["cmake", "--build", self.build], env)
        must(["cmake", "--install", self.build], env)
        self.files = sorted(str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*") if not path.is_dir())

    def configure(self) -> None:
        """One KEK for each name, in the KEK file of the installed path."""
        paths = {name: self.etc / f"{name}.key" for name in KEKS}
        self.keys = {name: make_key(path) for name, path in paths.items()}
        contexts = {
            name: "context = " + ", ".join("=".join(p) for p in pairs.items()) + "\n"
            for name, pairs in KEK_CONTEXTS.items()
        }
        self.kek_file.write_text(keks_text(paths, default=KEKS[0], more=contexts))

    def by_conf(self, conf: Path | None = None, **more: object) -> dict[str, str]:
        """An environment in which OpenSSL's configuration activates byok."""
        return (
            clean_environment()
            | {"OPENSSL_CONF": str(conf or self.conf)}
            | {name: str(value) for name, value in more.items()}
        )

    def by_modules(self, kek_file: Path | None = None, **more: object) -> dict[str, str]:
        """An environment in which byok is found by name, and its KEK file by BYOK_CONFIG."""
        return self.by_default_path(BYOK_CONFIG=kek_file or self.kek_file, **more)

    def by_default_path(self, **more: object) -> dict[str, str]:
        """An environment in which byok is found by name, and nothing names its KEK file."""
        return (
            clean_environment()
            | {"OPENSSL_MODULES": str(self.modules)}
            | {name: str(value) for name, value in more.items()}
        )

    def conf_text(self, *, provider: str = "", init: str = "", more: str = "") -> str:
        """byok-provider.cnf with lines added to the provider's section, to the one of openssl_conf, and at the end."""
        text = self.conf.read_text()
        for section, lines in (("[byok_provider]\n", provider), ("[byok_init]\n", init)):
            assert text.count(section) == 1
            text = text.replace(section, section + lines)
        return text + more


def enc(*options: object, kek: str | bytes = "") -> list[object]:
    """`openssl enc` with a KEK's name as the key, or with the bytes of a key."""
    name = kek.encode() if isinstance(kek, str) else kek
    return ["openssl", "enc", f"-{CIPHER}", "-provider", "byok", "-K", name.hex(), *options]
