#!/usr/bin/env python3
"""The layer rule: provider and tools -> envelope -> kms -> base. A layer includes nothing from above it; only provider/ knows OSSL_DISPATCH and
only kms/http/ knows curl. Usage: layers.py SOURCE_FOLDER"""
import pathlib
import re
import sys

BELOW = {
    "base": {"base"},
    "kms": {"base", "kms"},
    "envelope": {"base", "kms", "envelope"},
    "provider": {"base", "kms", "envelope", "provider"},
    "tools": {"base", "kms", "envelope", "tools"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


def complaints(root: pathlib.Path):
    for layer, allowed in BELOW.items():
        for path in sorted((root / layer).rglob("*.[ch]")):
            for included in INCLUDE.findall(path.read_text()):
                room = included.split("/")[0]
                where = f"{path.relative_to(root)} includes {included}"
                if room in BELOW and room not in allowed:
                    yield f"{where}: {layer} stands below {room}"
                if included.startswith("openssl/core") and "names" not in included and layer != "provider":
                    yield f"{where}: only provider/ knows the core's dispatch"
                if included.startswith("curl/") and not str(path.relative_to(root)).startswith("kms/http/"):
                    yield f"{where}: only kms/http/ knows curl"


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    files = sum(1 for layer in BELOW for _ in (root / layer).rglob("*.[ch]"))
    found = list(complaints(root))
    print("\n".join(found) or f"{files} files keep to their layers")
    return 1 if found or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
