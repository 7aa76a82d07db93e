"""EVP as a C program calls it, by ctypes, in a process of its own which answers requests until it is closed.

As a module it has the caller's side, class Evp. The rest runs in the process, on the system's libcrypto alone."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence

SEALED = b"BYOK-AES-256-GCM"


class Refused(Exception):
    """The last error of a failed call: number and text of its reason, and its data."""

    def __init__(self, reason: int, text: str, data: str) -> None:
        super().__init__(f"{text}: {data}")
        self.reason, self.text, self.data = reason, text, data


class Evp:
    def __init__(self, env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __enter__(self) -> Evp:
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.communicate(timeout=10)
        assert self.process.returncode == 0

    def ask(self, **request: object) -> str:
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "refused" in answer:
            raise Refused(*answer["refused"])
        return answer["result"]

    def crypt(self, what: str, kek: str, data: bytes, context: str | None = None, aad: Sequence[bytes] = ()) -> bytes:
        return bytes.fromhex(
            self.ask(what=what, kek=kek, data=data.hex(), context=context, aad=[part.hex() for part in aad])
        )

    def seal(self, kek: str, data: bytes, context: str | None = None, aad: Sequence[bytes] = ()) -> bytes:
        return self.crypt("seal", kek, data, context, aad)

    def open(self, kek: str, data: bytes, context: str | None = None, aad: Sequence[bytes] = ()) -> bytes:
        return self.crypt("open", kek, data, context, aad)

    def config_error(self) -> str:
        return self.ask(what="config-error")


# Within the process


class Param(ctypes.Structure):
    _fields_ = [
        ("key", ctypes.c_char_p),
        ("type", ctypes.c_uint),
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("returned", ctypes.c_size_t),
    ]


class Libcrypto:
    BLOCK = 65536

    def __init__(self) -> None:
        self.library = ctypes.CDLL("libcrypto.so.3")
        pointer, text = ctypes.c_void_p, ctypes.c_char_p
        for name, result in (
            ("OSSL_PROVIDER_load", pointer),
            ("EVP_CIPHER_fetch", pointer),
            ("EVP_CIPHER_CTX_new", pointer),
            ("ERR_get_error_all", ctypes.c_ulong),
            ("ERR_reason_error_string", text),
            ("OSSL_PARAM_construct_utf8_string", Param),
            ("OSSL_PARAM_construct_end", Param),
        ):
            getattr(self.library, name).restype = result
        self.provider = pointer(self.must(self.library.OSSL_PROVIDER_load(None, b"byok")))
        self.cipher = pointer(self.must(self.library.EVP_CIPHER_fetch(None, SEALED, None)))

    def must(self, result: int | None) -> int:
        if result is not None and result > 0:
            return result
        last = (0, b"no error was raised", b"")
        while True:
            data, flags = ctypes.c_char_p(), ctypes.c_int()
            code = self.library.ERR_get_error_all(None, None, None, ctypes.byref(data), ctypes.byref(flags))
            if code == 0:
                raise Refused(last[0], *(part.decode(errors="replace") for part in last[1:]))
            text = self.library.ERR_reason_error_string(ctypes.c_ulong(code))
            last = (code & 0x7FFFFF, text or b"", data.value or b"")

    def params(self, name: bytes, buffer: ctypes.Array, size: int) -> ctypes.Array:
        one = self.library.OSSL_PARAM_construct_utf8_string(name, buffer, ctypes.c_size_t(size))
        return (Param * 2)(one, self.library.OSSL_PARAM_construct_end())

    def crypt(self, sealing: bool, kek: bytes, data: bytes, context: str | None, aad: Sequence[bytes]) -> bytes:
        ctx = ctypes.c_void_p(self.must(self.library.EVP_CIPHER_CTX_new()))
        try:
            key = ctypes.create_string_buffer(kek, 64)
            length = ctypes.c_int()
            self.must(self.library.EVP_CipherInit_ex2(ctx, self.cipher, None, None, int(sealing), None))
            self.must(self.library.EVP_CIPHER_CTX_set_key_length(ctx, 64))
            self.must(self.library.EVP_CipherInit_ex2(ctx, None, key, None, int(sealing), None))
            if context is not None:
                text = ctypes.create_string_buffer(context.encode())
                self.must(self.library.EVP_CIPHER_CTX_set_params(ctx, self.params(b"byok-context", text, 0)))
            for part in aad:
                self.must(self.library.EVP_CipherUpdate(ctx, None, ctypes.byref(length), part, len(part)))
            out = ctypes.create_string_buffer(len(data) + self.BLOCK)
            self.must(self.library.EVP_CipherUpdate(ctx, out, ctypes.byref(length), data, len(data)))
            updated = ctypes.string_at(out, length.value)
            self.must(self.library.EVP_CipherFinal_ex(ctx, out, ctypes.byref(length)))
            return updated + ctypes.string_at(out, length.value)
        finally:
            self.library.EVP_CIPHER_CTX_free(ctx)

    def config_error(self) -> str:
        text = ctypes.create_string_buffer(1024)
        self.must(
            self.library.OSSL_PROVIDER_get_params(self.provider, self.params(b"byok-config-error", text, len(text)))
        )
        return text.value.decode()

    def answer(self, request: dict) -> str:
        if request["what"] == "config-error":
            return self.config_error()
        data, aad = bytes.fromhex(request["data"]), [bytes.fromhex(part) for part in request["aad"]]
        return self.crypt(request["what"] == "seal", request["kek"].encode(), data, request["context"], aad).hex()


def main() -> None:
    libcrypto = None
    for line in sys.stdin:
        try:
            libcrypto = libcrypto or Libcrypto()
            answer = {"result": libcrypto.answer(json.loads(line))}
        except Refused as refused:
            answer = {"refused": [refused.reason, refused.text, refused.data]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
