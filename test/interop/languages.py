"""Programs that seal and open as their language's own library has it, knowing of byok no more than a cipher's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from installed import Installed, Result, must, run
from refusals import REASONS, shown

HERE = Path(__file__).resolve().parent
PHP = ["php", "-d", "display_errors=stderr", "-d", "error_reporting=-1", "-d", "memory_limit=1G", HERE / "crypt.php"]
RUBY = ["ruby", HERE / "crypt.rb"]
NODE = ["node", HERE / "crypt.js"]
SIZES = (0, 1, 15, 16, 4095, 4096, 4097, 8192, 65536, 1000003, 14000000)  # of one update


class Program:
    def __init__(self, command: list[object], env: Mapping[str, str], *options: object) -> None:
        self.command, self.env, self.options = command, env, options

    def run(self, what: str, kek: str, data: bytes) -> Result:
        return run([*self.command, what, kek, *self.options], self.env, data)

    def crypt(self, what: str, kek: str, data: bytes) -> bytes:
        result = self.run(what, kek, data)
        assert (result.status, result.err) == (0, b"")  # no warning either
        return result.out

    def seal(self, kek: str, data: bytes) -> bytes:
        return self.crypt("seal", kek, data)

    def open(self, kek: str, data: bytes) -> bytes:
        return self.crypt("open", kek, data)


class OpensslEnc(Program):
    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__(["openssl", "enc", "-byok-aes-256-gcm"], env)

    def crypt(self, what: str, kek: str, data: bytes) -> bytes:
        return must([*self.command, "-K", kek.encode().hex(), *(["-d"] if what == "open" else [])], self.env, data)


REAL_KEY = "0123456789abcdefghijklmnopqrstuv"


def assert_refusals(program: Program, installed: Installed, says: Callable[[str, str], str]) -> None:
    """Bad input of each kind fails with what `says` gives for a reason and the step that finds it, and shows no key."""
    message = program.seal("alpha", b"text")
    page = program.seal("alpha", bytes(4096))
    for what, kek, data, reason, step in (
        ("seal", REAL_KEY, b"text", "UNKNOWN_KEK", "init"),
        ("open", REAL_KEY, message, "UNKNOWN_KEK", "init"),
        ("open", "beta", message, "WRONG_KEY", "update"),
        ("open", "alpha", b"another file, long enough", "NOT_SEALED", "update"),
        ("open", "alpha", message[:100] + bytes([message[100] ^ 1]) + message[101:], "BAD_CIPHERTEXT", "update"),
        ("open", "alpha", page[:-17] + bytes([page[-17] ^ 1]) + page[-16:], "BAD_PAGE", "update"),
        ("open", "alpha", message[:-1] + bytes([message[-1] ^ 1]), "BAD_PAGE", "final"),
        ("open", "alpha", message + b"\n", "BAD_PAGE", "final"),
        ("open", "alpha", message[:200], "TRUNCATED", "final"),
        ("open", "alpha", page[:-16], "TRUNCATED", "final"),
        ("open", "alpha", b"", "TRUNCATED", "final"),
    ):
        result = program.run(what, kek, data)
        assert result.status == 1
        assert bytes(4096).startswith(result.out)
        assert says(REASONS[reason].text, step) in result.err.decode()
        assert not any(shown(secret, result.err) for secret in (*installed.keys.values(), REAL_KEY.encode()))
