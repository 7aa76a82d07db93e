/*
 * The options of kms/options.def: reading, bounds, defaults and inheritance.
 */
#ifndef BYOK_KMS_OPTIONS_H
#define BYOK_KMS_OPTIONS_H

#include "base/status.h"

#include <stdint.h>

#define OPTION(field, name, places, type, value, least, most, help) BYOK_OPTION_##field,
enum byok_option {
#include "kms/options.def"
    BYOK_OPTION_COUNT
};
#undef OPTION

enum byok_place { BYOK_PLACE_PROVIDER = 1, BYOK_PLACE_TOP = 2, BYOK_PLACE_KEK = 4 };

struct byok_options {
    char *text[BYOK_OPTION_COUNT]; /* owned; NULL where not set. A number's text as well */
    uint64_t number[BYOK_OPTION_COUNT];
};

/*
 * Sets the option `name` to `value`, as it stands at `place`; an earlier value is replaced. Fails
 * with BYOK_R_UNKNOWN_OPTION, naming those that may stand there, or BYOK_R_BAD_VALUE, naming the
 * bounds. `where` says in messages where it was read ("KEK `a`"). A value is not shown: it may be a
 * credential.
 */
int byok_options_set(struct byok_options *options, enum byok_place place, const char *name,
                     const char *value, const char *where, struct byok_status *status);

/* Takes from `from` what is not set in `options` and may stand in a KEK's section. */
int byok_options_inherit(struct byok_options *options, const struct byok_options *from,
                         struct byok_status *status);

/* The value set, or the option's default. Never NULL; belongs to `options`. */
const char *byok_options_text(const struct byok_options *options, enum byok_option option);
uint64_t byok_options_number(const struct byok_options *options, enum byok_option option);

int byok_options_is_set(const struct byok_options *options, enum byok_option option);
int byok_options_equal(const struct byok_options *a, const struct byok_options *b);
void byok_options_clear(struct byok_options *options);

/* The name of the i-th option that may stand at `place`, NULL past the last. */
const char *byok_options_name(enum byok_place place, unsigned int i);

#endif
