#include "kms/options.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum type { TEXT, NUMBER };
enum { PROVIDER = BYOK_PLACE_PROVIDER, TOP = BYOK_PLACE_TOP, KEK = BYOK_PLACE_KEK };

struct row {
    const char *name;
    int places;
    enum type type;
    const char *value; /* the default, as text */
    uint64_t number;   /* the default, of a number */
    uint64_t least, most;
};

#define DEFAULT_TEXT(value)   value
#define DEFAULT_NUMBER(value) #value
#define NUMBER_TEXT(value)    0
#define NUMBER_NUMBER(value)  value
#define OPTION(field, name, places, type, value, least, most, help)                                \
    {name, places, type, DEFAULT_##type(value), NUMBER_##type(value), least, most},
static const struct row rows[] = {
#include "kms/options.def"
};
#undef OPTION

static int parse_number(const char *text, uint64_t *number)
{
    char *end;

    if (*text < '0' || *text > '9')
        return 0; /* no sign, no blank */
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

const char *byok_options_name(enum byok_place place, unsigned int i)
{
    const struct row *row;

    for (row = rows; row < rows + BYOK_OPTION_COUNT; row++)
        if ((row->places & (int)place) && i-- == 0)
            return row->name;
    return NULL;
}

static int fail_unknown(enum byok_place place, const char *name, const char *where,
                        struct byok_status *status)
{
    char valid[BYOK_STATUS_TEXT] = "";
    const char *other;
    unsigned int i;
    size_t used = 0;

    for (i = 0; (other = byok_options_name(place, i)) != NULL && used < sizeof valid; i++)
        used +=
            (size_t)snprintf(valid + used, sizeof valid - used, "%s%s", i == 0 ? "" : ", ", other);
    return byok_fail(status, BYOK_R_UNKNOWN_OPTION,
                     "%s: there is no option \"%s\" here; valid are: %s", where, byok_shown(name),
                     valid);
}

int byok_options_set(struct byok_options *options, enum byok_place place, const char *name,
                     const char *value, const char *where, struct byok_status *status)
{
    const struct row *row;
    uint64_t number = 0;
    size_t i;
    char *copy;

    for (row = rows; row < rows + BYOK_OPTION_COUNT; row++)
        if ((row->places & (int)place) && strcmp(row->name, name) == 0)
            break;
    if (row == rows + BYOK_OPTION_COUNT)
        return fail_unknown(place, name, where, status);
    if (row->type == NUMBER
        && (!parse_number(value, &number) || number < row->least || number > row->most))
        return byok_fail(status, BYOK_R_BAD_VALUE,
                         "%s: %s is a whole number from %llu to %llu (default %s)", where, name,
                         (unsigned long long)row->least, (unsigned long long)row->most, row->value);
    copy = OPENSSL_strdup(value);
    if (copy == NULL)
        return byok_fail_memory(status);
    i = (size_t)(row - rows);
    OPENSSL_free(options->text[i]);
    options->text[i] = copy;
    options->number[i] = number;
    return 1;
}

int byok_options_inherit(struct byok_options *options, const struct byok_options *from,
                         struct byok_status *status)
{
    size_t i;

    for (i = 0; i < BYOK_OPTION_COUNT; i++) {
        if (!(rows[i].places & KEK) || options->text[i] != NULL || from->text[i] == NULL)
            continue;
        options->text[i] = OPENSSL_strdup(from->text[i]);
        if (options->text[i] == NULL)
            return byok_fail_memory(status);
        options->number[i] = from->number[i];
    }
    return 1;
}

const char *byok_options_text(const struct byok_options *options, enum byok_option option)
{
    return options->text[option] != NULL ? options->text[option] : rows[option].value;
}

uint64_t byok_options_number(const struct byok_options *options, enum byok_option option)
{
    return options->text[option] != NULL ? options->number[option] : rows[option].number;
}

int byok_options_is_set(const struct byok_options *options, enum byok_option option)
{
    return options->text[option] != NULL;
}

int byok_options_equal(const struct byok_options *a, const struct byok_options *b)
{
    int i;

    for (i = 0; i < BYOK_OPTION_COUNT; i++)
        if (strcmp(byok_options_text(a, (enum byok_option)i),
                   byok_options_text(b, (enum byok_option)i))
            != 0)
            return 0;
    return 1;
}

void byok_options_clear(struct byok_options *options)
{
    size_t i;

    for (i = 0; i < BYOK_OPTION_COUNT; i++)
        OPENSSL_free(options->text[i]);
    memset(options, 0, sizeof *options);
}
