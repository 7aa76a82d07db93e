/*
 * The reasons of errors that the byok provider puts on the OpenSSL error stack, as ERR_GET_REASON()
 * returns them. The numbers are stable: new reasons are added at the end of their group, none is
 * reused.
 *
 * BYOK_REASONS(X) calls X(number, NAME, text, remedy, retryable) for each: `text` is what
 * ERR_reason_error_string() says, `remedy` ends the error's data ("" where the detail before it
 * says it all), `retryable` is 1 where the same call may succeed later without a change.
 */
#ifndef BYOK_REASONS_H
#define BYOK_REASONS_H

/* clang-format off */
#define BYOK_REASONS(X)                                                                                                              \
    /* the application's call */                                                                                                     \
    X(100, INTERNAL, "internal error",                                                                                               \
      "please report this with the text above", 0)                                                                                   \
    X(101, OUT_OF_MEMORY, "out of memory",                                                                                           \
      "", 1)                                                                                                                         \
    X(102, NO_KEY, "no key was given",                                                                                               \
      "give the name of a KEK as the key, or zeros for the default KEK", 0)                                                          \
    X(103, UNKNOWN_KEK, "key is not the name of a configured KEK",                                                                   \
      "give a configured KEK's name, padded with zero bytes, as in -K \"$(printf NAME | xxd -p)\"; a key made from a password "      \
      "(-k, -pass) or a real key is none", 0)                                                                                        \
    X(104, BAD_KEY_LENGTH, "key length is out of range",                                                                             \
      "the key is the name of a KEK: 1 to 64 bytes", 0)                                                                              \
    X(105, NO_IV, "this cipher takes no IV",                                                                                         \
      "give none: every message brings its own salt", 0)                                                                             \
    X(106, BAD_LENGTH, "length is out of range",                                                                                     \
      "reading through BIO_f_cipher is not supported: write through it, or call EVP_CipherUpdate", 0)                                \
    X(107, UPDATE_TOO_LONG, "update is too long for its output",                                                                     \
      "feed the message in parts of at most 15 MiB", 0)                                                                              \
    X(108, OUTPUT_TOO_SMALL, "output buffer is too small",                                                                           \
      "give each update its length plus the cipher's block size, and the final the block size", 0)                                   \
    X(109, NO_COPY, "a begun sealing context cannot be copied",                                                                      \
      "two copies would use one key and nonce twice: copy it before its first data", 0)                                              \
    X(110, FORKED, "a begun sealing context does not cross fork",                                                                    \
      "parent and child would use one key and nonce twice: begin the message after fork", 0)                                         \
    X(111, NOT_STARTED, "context is not ready for data",                                                                             \
      "call EVP_CipherInit first, for every message", 0)                                                                             \
    X(112, BAD_CONTEXT, "context of the message is malformed",                                                                       \
      "give name=value pairs separated by commas, percent-encoded where needed, and at most 64 KiB of AAD before any data", 0)       \
    X(113, TOO_LARGE, "message is too large",                                                                                        \
      "a message has at most 2^32 pages (16 TiB)", 0)                                                                                \
    /* configuration */                                                                                                              \
    X(130, CONFIG, "configuration is wrong",                                                                                         \
      "check it against doc/configuration.md", 0)                                                                                      \
    X(131, UNKNOWN_OPTION, "unknown option",                                                                                         \
      "", 0)                                                                                                                         \
    X(132, BAD_VALUE, "option has a wrong value",                                                                                    \
      "", 0)                                                                                                                         \
    X(133, NO_DEFAULT_KEK, "no default KEK is configured",                                                                           \
      "set `kek` in the provider's section, `default-kek` in the KEK file, or name a KEK as the key", 0)                             \
    X(134, BAD_PERMISSIONS, "file's owner or mode is unsafe",                                                                        \
      "have it belong to root or to the user of this process, and be readable to that user", 0)                                        \
    X(135, PLATFORM, "the platform lacks what byok needs",                                                                           \
      "byok needs Linux 4.14 or later, and a libcrypto whose default provider (or what libctx-providers names) can be loaded", 0)    \
    /* the sealed message */                                                                                                         \
    X(150, NOT_SEALED, "input is not a sealed message",                                                                              \
      "a sealed message begins with \"BYOK\": is this the right file, and is it whole?", 0)                                          \
    X(151, TEXT_FORM, "input is the text form of a sealed message",                                                                  \
      "decode it from base64 first (with openssl enc: -a)", 0)                                                                       \
    X(152, UNSUPPORTED_VERSION, "sealed message has an unknown version",                                                             \
      "open it with a newer byok, or it is damaged", 0)                                                                              \
    X(153, UNSUPPORTED_SUITE, "sealed message has an unknown suite",                                                                 \
      "open it with a newer byok, or it is damaged", 0)                                                                              \
    X(154, BAD_HEADER, "header of the sealed message is malformed",                                                                  \
      "the message is damaged: restore it from a copy", 0)                                                                           \
    X(155, TRUNCATED, "sealed message is cut short",                                                                                 \
      "what was released so far is genuine but not the whole: discard it and restore the message", 0)                                \
    X(156, BAD_PAGE, "sealed message has a damaged or misplaced page",                                                               \
      "what was released so far is genuine but not the whole: discard it and restore the message", 0)                                \
    X(157, WRONG_KEY, "message is sealed under another KEK",                                                                         \
      "name the KEK that it was sealed with", 0)                                                                                     \
    X(158, BAD_CIPHERTEXT, "wrapped data key does not open",                                                                         \
      "the KEK, its `context` or its key file is another than when sealing, or the message is damaged", 0)                           \
    X(159, CONTEXT_MISMATCH, "wrong context or damaged salt or commitment",                                                          \
      "give the context and AAD that the message was sealed with; if they are right, the message is damaged", 0)                     \
    /* the KMS */                                                                                                                    \
    X(170, THROTTLED, "KMS limits the rate of requests",                                                                             \
      "try again later, or raise the quota", 1)                                                                                      \
    X(171, UNAVAILABLE, "KMS cannot be reached",                                                                                     \
      "try again later; if it lasts, look at the network and at the state of the KMS", 1)                                            \
    X(172, DENIED, "KMS refuses the caller",                                                                                         \
      "grant the caller the use of this KEK", 0)                                                                                     \
    X(173, DISABLED, "KEK is disabled",                                                                                              \
      "its owner has switched it off", 0)                                                                                            \
    X(174, NOT_FOUND, "KEK is not found",                                                                                            \
      "check its uri; if that is right, its owner has deleted it", 0)                                                                \
    X(175, BAD_REPLY, "KMS sent a malformed reply",                                                                                  \
      "look at what stands between here and the KMS", 0)
/* clang-format on */

#define BYOK_REASON_ENUM(number, name, text, remedy, retryable) BYOK_R_##name = (number),
enum byok_reason { BYOK_REASONS(BYOK_REASON_ENUM) };
#undef BYOK_REASON_ENUM

#endif
