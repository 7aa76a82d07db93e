#include "base/status.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROW(number, name, text, remedy, retryable) {number, retryable, #name, text, remedy},
static const struct byok_reason_row rows[] = {BYOK_REASONS(ROW){0, 0, NULL, NULL, NULL}};

const struct byok_reason_row *byok_reason_table(void)
{
    return rows;
}

const struct byok_reason_row *byok_reason_find(int reason)
{
    const struct byok_reason_row *row;

    for (row = rows; row->reason != 0; row++)
        if (row->reason == reason)
            return row;
    return rows;
}

int byok_fail_at(struct byok_status *status, int reason, const char *file, int line,
                 const char *function, const char *format, ...)
{
    va_list args;
    char *c;

    if (status->reason != 0)
        return 0;
    status->reason = reason;
    status->file = file;
    status->line = line;
    status->function = function;
    va_start(args, format);
    vsnprintf(status->text, sizeof status->text, format, args);
    va_end(args);
    for (c = status->text; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return 0;
}

const char *byok_shown(const char *word)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t len = strlen(word);

    return len <= 24 && strspn(word, letters) == len ? word : "(not shown)";
}

const char *byok_crypto_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return reason != NULL ? reason : "no reason given";
}

int byok_fail_crypto_at(struct byok_status *status, const char *file, int line,
                        const char *function, const char *what)
{
    if (ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
        return byok_fail_at(status, BYOK_R_OUT_OF_MEMORY, file, line, function, "%s", what);
    return byok_fail_at(status, BYOK_R_INTERNAL, file, line, function,
                        "%s failed in libcrypto (%s)", what, byok_crypto_reason());
}
