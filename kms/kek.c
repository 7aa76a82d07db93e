#include "kms/kek.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

int byok_kek_name_ok(const char *name, size_t len)
{
    static const char others[] = "._-";
    size_t i;

    if (len == 0 || len > BYOK_KEK_NAME_MAX)
        return 0;
    for (i = 0; i < len; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z')
              || (name[i] >= '0' && name[i] <= '9')
              || (i > 0 && memchr(others, name[i], sizeof others - 1) != NULL)))
            return 0;
    return 1;
}

/* The scheme is shown only if it is one by its form: what stands in its place may be a key. */
static int fail_scheme(struct byok_kek *kek, const char *uri, size_t scheme_len,
                       struct byok_status *status)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789+.-";
    int shown = scheme_len <= 16 && uri[scheme_len] == ':' && strspn(uri, letters) == scheme_len;
    char schemes[128] = "";
    size_t i, used = 0;

    for (i = 0; byok_backends[i] != NULL && used < sizeof schemes; i++)
        used += (size_t)snprintf(schemes + used, sizeof schemes - used, "%s%s:", i == 0 ? "" : ", ",
                                 byok_backends[i]->scheme);
    return byok_fail(status, BYOK_R_BAD_VALUE,
                     "KEK \"%s\": its uri has %s%.*s%s scheme; this build knows: %s", kek->name,
                     shown ? "\"" : "no known", shown ? (int)scheme_len : 0, uri,
                     shown ? "\" as its" : "", schemes);
}

/* Finds the backend by the URI's scheme and hands it the rest. */
static int backend_open(struct byok_kek *kek, struct byok_status *status)
{
    const char *uri = byok_options_text(&kek->options, BYOK_OPTION_URI);
    size_t i, len = strcspn(uri, ":");

    if (uri[0] == '\0')
        return byok_fail(status, BYOK_R_CONFIG,
                         "KEK \"%s\" has no uri; set one, as in uri = local:///path/to/key",
                         kek->name);
    for (i = 0; byok_backends[i] != NULL; i++)
        if (uri[len] == ':' && strlen(byok_backends[i]->scheme) == len
            && strncmp(byok_backends[i]->scheme, uri, len) == 0) {
            kek->backend = byok_backends[i];
            return kek->backend->open(kek, uri + len + 1, &kek->backend_data, status);
        }
    return fail_scheme(kek, uri, len, status);
}

static int context_parse(struct byok_kek *kek, struct byok_status *status)
{
    const char *text = byok_options_text(&kek->options, BYOK_OPTION_CONTEXT);
    struct byok_status inner = BYOK_STATUS_INIT;

    if (byok_pairs_parse(&kek->context, text, strlen(text), &inner))
        return 1;
    return byok_fail(status, BYOK_R_BAD_VALUE, "KEK \"%s\": context: %s", kek->name, inner.text);
}

struct byok_kek *byok_kek_new(const struct byok_crypto *crypto, const struct byok_kek_hooks *hooks,
                              const char *name, struct byok_options *options,
                              struct byok_status *status)
{
    struct byok_kek *kek = NULL;

    if (!byok_kek_name_ok(name, strlen(name)))
        byok_fail(status, BYOK_R_BAD_VALUE,
                  "\"%s\" cannot name a KEK: a name has 1 to %d letters, digits, dots, hyphens and "
                  "underscores, a letter or digit first",
                  byok_shown(name), BYOK_KEK_NAME_MAX);
    else if ((kek = OPENSSL_zalloc(sizeof *kek)) == NULL)
        byok_fail_memory(status);
    if (kek == NULL) {
        byok_options_clear(options);
        return NULL;
    }
    atomic_init(&kek->references, 1);
    strcpy(kek->name, name);
    kek->crypto = crypto;
    kek->options = *options;
    memset(options, 0, sizeof *options);
    if (!context_parse(kek, status) || !backend_open(kek, status))
        goto fail;
    if (hooks != NULL && (kek->attached = hooks->attach(kek, status)) == NULL)
        goto fail;
    kek->hooks = hooks;
    return kek;

fail:
    byok_kek_free(kek);
    return NULL;
}

struct byok_kek *byok_kek_up_ref(struct byok_kek *kek)
{
    atomic_fetch_add_explicit(&kek->references, 1, memory_order_relaxed);
    return kek;
}

void byok_kek_retire(struct byok_kek *kek)
{
    if (kek->hooks != NULL)
        kek->hooks->retire(kek->attached);
}

void byok_kek_free(struct byok_kek *kek)
{
    if (kek == NULL || atomic_fetch_sub_explicit(&kek->references, 1, memory_order_acq_rel) > 1)
        return;
    if (kek->hooks != NULL)
        kek->hooks->detach(kek->attached);
    if (kek->backend != NULL)
        kek->backend->close(kek->backend_data);
    byok_pairs_clear(&kek->context);
    byok_options_clear(&kek->options);
    OPENSSL_free(kek);
}

/* B of doc/format.md. */
static int binding(const struct byok_kek *kek, const char *purpose,
                   unsigned char out[BYOK_SHA256_BYTES], struct byok_status *status)
{
    static const char label[] = "byok/bind/v1";
    unsigned char length = (unsigned char)strlen(purpose);
    struct byok_view parts[] = {{(const unsigned char *)label, sizeof label - 1},
                                {&length, 1},
                                {(const unsigned char *)purpose, length},
                                byok_pairs_encoded(&kek->context)};

    return byok_sha256(kek->crypto, parts, sizeof parts / sizeof *parts, out, status);
}

static int perform(struct byok_kek *kek, enum byok_operation operation, const char *purpose,
                   struct byok_view input, struct byok_result *result, struct byok_status *status)
{
    const struct byok_backend *backend = kek->backend;
    struct byok_buffer request = BYOK_BUFFER_INIT, reply = BYOK_BUFFER_INIT;
    unsigned char bound[BYOK_SHA256_BYTES];
    struct byok_view bound_view = {bound, sizeof bound};
    int ok;

    ok = binding(kek, purpose, bound, status)
         && backend->build(kek, operation, bound_view, input, &request, status)
         && backend->exchange(kek, operation, &request, &reply, status)
         && backend->parse(kek, operation, &reply, result, status);
    byok_buffer_clear(&request);
    byok_buffer_clear(&reply);
    return ok;
}

int byok_kek_wrap(struct byok_kek *kek, const char *purpose, const struct byok_secret *data_key,
                  struct byok_result *result, struct byok_status *status)
{
    struct byok_view input = {data_key->bytes, BYOK_KEY_BYTES};

    if (!perform(kek, BYOK_WRAP, purpose, input, result, status))
        return 0;
    if (result->output.len == 0 || result->output.len > BYOK_WRAP_MAX)
        return byok_fail(status, BYOK_R_BAD_REPLY,
                         "KEK \"%s\": a wrap of %zu bytes does not fit a message", kek->name,
                         result->output.len);
    return 1;
}

int byok_kek_unwrap(struct byok_kek *kek, const char *purpose, struct byok_view wrap,
                    struct byok_secret *data_key, struct byok_status *status)
{
    struct byok_result result = {{0}, BYOK_BUFFER_INIT};
    int ok = perform(kek, BYOK_UNWRAP, purpose, wrap, &result, status);

    if (ok && result.output.len != BYOK_KEY_BYTES)
        ok = byok_fail(status, BYOK_R_BAD_CIPHERTEXT,
                       "KEK \"%s\": what was wrapped is no data key of %d bytes", kek->name,
                       BYOK_KEY_BYTES);
    if (ok)
        memcpy(data_key->bytes, result.output.data, BYOK_KEY_BYTES);
    byok_buffer_clear(&result.output);
    return ok;
}
