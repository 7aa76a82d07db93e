#include "test/support/kms.h"

#include "kms/kek.h"

#include <string.h>
#include <time.h>

struct test_kms test_kms = {.cut_reply_to = -1};

void test_kms_reset(void)
{
    test_kms.wraps = test_kms.unwraps = test_kms.identifies = 0;
    test_kms.fail_with = test_kms.delay_ms = test_kms.grow_reply_by = test_kms.trusting = 0;
    test_kms.cut_reply_to = -1;
}

static int open_(struct byok_kek *kek, const char *reference, void **data,
                 struct byok_status *status)
{
    return byok_backend_local.open(kek, reference, data, status);
}

static void close_(void *data)
{
    byok_backend_local.close(data);
}

static int identify(struct byok_kek *kek, unsigned char id[BYOK_KEK_ID_BYTES],
                    struct byok_status *status)
{
    test_kms.identifies++;
    return byok_backend_local.identify(kek, id, status);
}

static int build(struct byok_kek *kek, enum byok_operation operation, struct byok_view binding,
                 struct byok_view input, struct byok_buffer *request, struct byok_status *status)
{
    return byok_backend_local.build(kek, operation, binding, input, request, status);
}

static void wait_ms(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    if (ms > 0)
        nanosleep(&t, NULL);
}

static int exchange(struct byok_kek *kek, enum byok_operation operation,
                    const struct byok_buffer *request, struct byok_buffer *reply,
                    struct byok_status *status)
{
    static const unsigned char zeros[BYOK_BUFFER_MAX];
    int cut = test_kms.cut_reply_to, grow = test_kms.grow_reply_by;

    if (operation == BYOK_WRAP)
        test_kms.wraps++;
    else
        test_kms.unwraps++;
    wait_ms(test_kms.delay_ms);
    if (test_kms.fail_with != 0)
        return byok_fail(status, test_kms.fail_with, "KEK \"%s\": as the test wishes", kek->name);
    if (!byok_backend_local.exchange(kek, operation, request, reply, status))
        return 0;
    if (cut >= 0 && (size_t)cut < reply->len)
        reply->len = (size_t)cut;
    return grow == 0 || byok_buffer_append(reply, zeros, (size_t)grow, status);
}

static int parse(struct byok_kek *kek, enum byok_operation operation,
                 const struct byok_buffer *reply, struct byok_result *result,
                 struct byok_status *status)
{
    size_t id_len = operation == BYOK_WRAP ? BYOK_KEK_ID_BYTES : 0;

    if (!test_kms.trusting)
        return byok_backend_local.parse(kek, operation, reply, result, status);
    if (reply->len < id_len)
        return byok_fail(status, BYOK_R_BAD_REPLY, "KEK \"%s\": no id", kek->name);
    memcpy(result->kek_id, reply->data, id_len);
    return byok_buffer_append(&result->output, reply->data + id_len, reply->len - id_len, status);
}

static const struct byok_backend backend_test = {
    .number = 1,
    .scheme = "test",
    .open = open_,
    .close = close_,
    .identify = identify,
    .build = build,
    .exchange = exchange,
    .parse = parse,
};

const struct byok_backend *const byok_backends[] = {&byok_backend_local, &backend_test, NULL};
