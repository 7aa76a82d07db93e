"""The reasons of include/byok/reasons.h, and what every refusal owes its reader."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from installed import ROOT, Result


@dataclass(frozen=True)
class Reason:
    number: int
    name: str
    text: str
    remedy: str


def _read() -> dict[str, Reason]:
    string = r'"(?:[^"\\]|\\.)*"'
    row = re.compile(rf"X\(\s*(\d+),\s*(\w+),\s*({string}),((?:\s*{string})+),\s*[01]\)")
    header = (ROOT / "include/byok/reasons.h").read_text().replace("\\\n", "\n")

    def unquote(strings: str) -> str:
        return "".join(s[1:-1].replace('\\"', '"') for s in re.findall(string, strings))

    rows = (Reason(int(m[1]), m[2], unquote(m[3]), unquote(m[4])) for m in row.finditer(header))
    return {reason.name: reason for reason in rows}


REASONS = _read()
assert len(REASONS) == len(re.findall(r"\bX\(\d", (ROOT / "include/byok/reasons.h").read_text())), (
    "a row of reasons.h is not understood"
)


def shown(secret: bytes, err: bytes) -> bool:
    """Whether any six bytes of a secret stand there, as they are or in hex."""
    lower = err.lower()
    runs = {secret[i : i + 6] for i in range(max(len(secret) - 5, 1))}
    return any(r in err or r.hex().encode() in lower for r in runs if any(r))


def assert_refused(
    result: Result, reason: str, remedy: str = "", *, secrets: Iterable[bytes] = (), provider: str = "byok"
) -> None:
    """A failure with the reason's text, a remedy, and no secret.

    `remedy` is a pattern, needed where reasons.h leaves the remedy to the detail."""
    row = REASONS[reason]
    err = result.err.decode(errors="replace")
    assert result.status != 0, f"{reason} was expected, but it succeeded"
    assert re.search(rf":{provider}:\w*:{re.escape(row.text)}:", err), f"{reason} was expected, but: {err}"
    assert row.remedy or remedy, "say what remedy is expected"
    assert row.remedy in err
    assert re.search(remedy, err), f"no remedy like {remedy!r} in: {err}"
    assert "(null)" not in err
    assert not any(shown(secret, result.err) for secret in secrets), "the message shows a key"


def assert_genuine(out: bytes, plaintext: bytes, verified: int) -> None:
    """What came out before a refusal: the beginning of the plaintext, and no more than its verified bytes."""
    assert plaintext.startswith(out)
    assert len(out) <= verified
