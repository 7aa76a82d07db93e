/*
 * kms/options: every row of kms/options.def by itself.
 */
#include "kms/options.h"

#include "test/unit/check.h"

#include <inttypes.h>

enum type { TEXT, NUMBER };
enum { PROVIDER = BYOK_PLACE_PROVIDER, TOP = BYOK_PLACE_TOP, KEK = BYOK_PLACE_KEK };

static const struct row {
    enum byok_option option;
    const char *name;
    int places;
    enum type type;
    const char *value;
    uint64_t least, most;
    const char *help;
} rows[] = {
#define OPTION(field, name, places, type, value, least, most, help)                                \
    {BYOK_OPTION_##field, name, places, type, #value, least, most, help},
#include "kms/options.def"
#undef OPTION
};

#define ROWS (sizeof rows / sizeof *rows)

static const enum byok_place all_places[] = {BYOK_PLACE_PROVIDER, BYOK_PLACE_TOP, BYOK_PLACE_KEK};

static int set(struct byok_options *options, enum byok_place place, const char *name,
               const char *value)
{
    return byok_options_set(options, place, name, value, "WHERE", &status);
}

/* Some place where the option may stand. */
static enum byok_place place_of(const struct row *row)
{
    return row->places & KEK        ? BYOK_PLACE_KEK
           : row->places & PROVIDER ? BYOK_PLACE_PROVIDER
                                    : BYOK_PLACE_TOP;
}

static void every_option_has_its_places(void **state)
{
    struct byok_options options = {{NULL}, {0}};
    size_t r, p;

    (void)state;
    assert_int_equal(ROWS, BYOK_OPTION_COUNT);
    for (r = 0; r < ROWS; r++)
        for (p = 0; p < 3; p++) {
            if (rows[r].places & (int)all_places[p]) {
                WORKS(set(&options, all_places[p], rows[r].name, "1"));
                assert_true(byok_options_is_set(&options, rows[r].option));
                byok_options_clear(&options);
                assert_false(byok_options_is_set(&options, rows[r].option));
            } else {
                FAILS(BYOK_R_UNKNOWN_OPTION, set(&options, all_places[p], rows[r].name, "1"));
                assert_false(byok_options_is_set(&options, rows[r].option));
            }
        }
}

static void unknown_names_list_the_valid_ones(void **state)
{
    static const char *const unknown[] = {"nonesuch", "",         "URI",
                                          "contex",   "context2", "dek_cache_seconds"};
    struct byok_options options = {{NULL}, {0}};
    char quoted[64];
    size_t i, p, r;

    (void)state;
    for (i = 0; i < sizeof unknown / sizeof *unknown; i++)
        for (p = 0; p < 3; p++) {
            FAILS(BYOK_R_UNKNOWN_OPTION, set(&options, all_places[p], unknown[i], "tell-no-one"));
            SAYS("WHERE");
            snprintf(quoted, sizeof quoted, "\"%s\"", unknown[i]);
            SAYS(quoted);
            HIDES("tell-no-one");
            strcat(status.text, ","); /* so that each name stands between a blank and a comma */
            for (r = 0; r < ROWS; r++) {
                snprintf(quoted, sizeof quoted, " %s,", rows[r].name);
                if (rows[r].places & (int)all_places[p])
                    SAYS(quoted);
                else
                    HIDES(quoted);
            }
        }
}

static void names_are_given_in_order(void **state)
{
    size_t p, r;
    unsigned int i;

    (void)state;
    for (p = 0; p < 3; p++) {
        for (r = 0, i = 0; r < ROWS; r++)
            if (rows[r].places & (int)all_places[p])
                assert_string_equal(byok_options_name(all_places[p], i++), rows[r].name);
        assert_null(byok_options_name(all_places[p], i));
        assert_null(byok_options_name(all_places[p], i + 7));
    }
}

static void number_works(const struct row *row, const char *text, uint64_t number)
{
    struct byok_options options = {{NULL}, {0}};

    WORKS(set(&options, place_of(row), row->name, text));
    assert_int_equal(byok_options_number(&options, row->option), number);
    assert_string_equal(byok_options_text(&options, row->option), text);
    byok_options_clear(&options);
}

static void number_fails(const struct row *row, const char *text)
{
    struct byok_options options = {{NULL}, {0}};
    char bound[32];

    FAILS(BYOK_R_BAD_VALUE, set(&options, place_of(row), row->name, text));
    assert_false(byok_options_is_set(&options, row->option));
    SAYS(row->name);
    SAYS("WHERE");
    snprintf(bound, sizeof bound, "from %" PRIu64 " ", row->least);
    SAYS(bound);
    snprintf(bound, sizeof bound, "to %" PRIu64 " ", row->most);
    SAYS(bound);
    byok_options_clear(&options);
}

static void numbers_have_bounds(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "0x10",
                                      "1e3",
                                      "1.0",
                                      "1s",
                                      "one",
                                      "-0",
                                      "1,000",
                                      "1\n",
                                      "\t1",
                                      "1 1",
                                      "18446744073709551616",
                                      "18446744073709551617",
                                      "99999999999999999999999999999999"};
    char text[32];
    size_t r, i, numbers = 0;

    (void)state;
    for (r = 0; r < ROWS; r++) {
        if (rows[r].type != NUMBER)
            continue;
        numbers++;
        for (i = 0; i < sizeof bad / sizeof *bad; i++)
            number_fails(&rows[r], bad[i]);
        snprintf(text, sizeof text, "%" PRIu64, rows[r].least);
        number_works(&rows[r], text, rows[r].least);
        snprintf(text, sizeof text, "%" PRIu64, rows[r].most);
        number_works(&rows[r], text, rows[r].most);
        snprintf(text, sizeof text, "%" PRIu64, rows[r].most + 1);
        number_fails(&rows[r], text);
        if (rows[r].least == 0)
            continue;
        snprintf(text, sizeof text, "%" PRIu64, rows[r].least - 1);
        number_fails(&rows[r], text);
    }
    assert_true(numbers >= 3);
    number_works(&rows[BYOK_OPTION_DEK_CACHE_SECONDS], "007", 7); /* no octal */
}

static void defaults_hold_until_set(void **state)
{
    struct byok_options options = {{NULL}, {0}};
    char quoted[128];
    const char *quote;
    size_t r;

    (void)state;
    for (r = 0; r < ROWS; r++) {
        assert_false(byok_options_is_set(&options, rows[r].option));
        assert_non_null(byok_options_text(&options, rows[r].option));
        quote = rows[r].type == TEXT ? "\"" : "";
        snprintf(quoted, sizeof quoted, "%s%s%s", quote,
                 byok_options_text(&options, rows[r].option), quote);
        assert_string_equal(quoted, rows[r].value);
        if (rows[r].type == NUMBER)
            assert_in_range(byok_options_number(&options, rows[r].option), rows[r].least,
                            rows[r].most);
        assert_true(rows[r].help[0] != '\0');
    }
    assert_int_equal(byok_options_number(&options, BYOK_OPTION_DEK_CACHE_SECONDS), 300);
    assert_int_equal(byok_options_number(&options, BYOK_OPTION_DEK_MAX_BYTES), UINT64_C(1) << 40);
}

static void a_later_value_replaces_and_a_bad_one_does_not(void **state)
{
    struct byok_options options = {{NULL}, {0}};

    (void)state;
    WORKS(set(&options, BYOK_PLACE_KEK, "uri", "local:///one"));
    WORKS(set(&options, BYOK_PLACE_KEK, "uri", "local:///two"));
    assert_string_equal(byok_options_text(&options, BYOK_OPTION_URI), "local:///two");
    WORKS(set(&options, BYOK_PLACE_KEK, "uri", ""));
    assert_string_equal(byok_options_text(&options, BYOK_OPTION_URI), "");
    assert_true(byok_options_is_set(&options, BYOK_OPTION_URI));
    WORKS(set(&options, BYOK_PLACE_KEK, "dek-cache-seconds", "5"));
    FAILS(BYOK_R_BAD_VALUE, set(&options, BYOK_PLACE_KEK, "dek-cache-seconds", "86401"));
    HIDES("86401");
    assert_int_equal(byok_options_number(&options, BYOK_OPTION_DEK_CACHE_SECONDS), 5);
    byok_options_clear(&options);
}

static void a_kek_inherits_what_may_stand_there_and_is_not_set(void **state)
{
    struct byok_options options = {{NULL}, {0}}, from = {{NULL}, {0}};
    size_t r;

    (void)state;
    for (r = 0; r < ROWS; r++)
        WORKS(set(&from, place_of(&rows[r]), rows[r].name, "7"));
    WORKS(set(&options, BYOK_PLACE_KEK, "dek-max-messages", "3"));
    WORKS(byok_options_inherit(&options, &from, &status));
    for (r = 0; r < ROWS; r++) {
        assert_int_equal(byok_options_is_set(&options, rows[r].option) != 0,
                         (rows[r].places & KEK) != 0);
        if (rows[r].places & KEK)
            assert_string_equal(byok_options_text(&options, rows[r].option),
                                rows[r].option == BYOK_OPTION_DEK_MAX_MESSAGES ? "3" : "7");
    }
    assert_int_equal(byok_options_number(&options, BYOK_OPTION_DEK_MAX_BYTES), 7);
    assert_int_equal(byok_options_number(&options, BYOK_OPTION_DEK_MAX_MESSAGES), 3);
    byok_options_clear(&from); /* the values are the KEK's own */
    assert_int_equal(byok_options_number(&options, BYOK_OPTION_DEK_MAX_BYTES), 7);
    assert_string_equal(byok_options_text(&options, BYOK_OPTION_CONTEXT), "7");
    byok_options_clear(&options);
}

static void equality_is_of_values(void **state)
{
    struct byok_options a = {{NULL}, {0}}, b = {{NULL}, {0}};
    size_t r;

    (void)state;
    assert_true(byok_options_equal(&a, &b));
    for (r = 0; r < ROWS; r++) {
        WORKS(set(&a, place_of(&rows[r]), rows[r].name, "17"));
        assert_false(byok_options_equal(&a, &b));
        assert_false(byok_options_equal(&b, &a));
        WORKS(set(&b, place_of(&rows[r]), rows[r].name, "18"));
        assert_false(byok_options_equal(&a, &b));
        WORKS(set(&b, place_of(&rows[r]), rows[r].name, "17"));
        assert_true(byok_options_equal(&a, &b));
    }
    byok_options_clear(&b);
    byok_options_clear(&a);
    WORKS(set(&a, BYOK_PLACE_KEK, "dek-cache-seconds", "300")); /* the default, said aloud */
    assert_true(byok_options_equal(&a, &b));
    byok_options_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_has_its_places),
        cmocka_unit_test(unknown_names_list_the_valid_ones),
        cmocka_unit_test(names_are_given_in_order),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(defaults_hold_until_set),
        cmocka_unit_test(a_later_value_replaces_and_a_bad_one_does_not),
        cmocka_unit_test(a_kek_inherits_what_may_stand_there_and_is_not_set),
        cmocka_unit_test(equality_is_of_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
