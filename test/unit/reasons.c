/*
 * include/byok/reasons.h: every reason by itself, and against the reasons that
 * test/vectors/README.md names.
 */
#include "byok/reasons.h"

#include "test/unit/check.h"

#include <ctype.h>

static void numbers_and_names_are_distinct(void **state)
{
    const struct byok_reason_row *a, *b;
    size_t count = 0;

    (void)state;
    for (a = byok_reason_table(); a->reason != 0; a++, count++) {
        assert_in_range(a->reason, 100,
                        255); /* what one knows for a reason of byok's, test/support/fixture.h */
        assert_true(a->retryable == 0 || a->retryable == 1);
        for (b = a + 1; b->reason != 0; b++) {
            assert_true(b->reason > a->reason); /* in order, so distinct */
            assert_string_not_equal(a->name, b->name);
            assert_string_not_equal(a->text, b->text);
        }
    }
    assert_true(count >= 30);
}

static int is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            return 0;
    return 1;
}

static void texts_say_something(void **state)
{
    const struct byok_reason_row *row;
    size_t len;

    (void)state;
    for (row = byok_reason_table(); row->reason != 0; row++) {
        len = strlen(row->text);
        assert_true(len > 4 && is_printable(row->text));
        assert_true(row->text[len - 1] != '.' && row->text[0] != ' '); /* it stands amid a line */
        assert_non_null(row->remedy);
        assert_true(is_printable(row->remedy));
        assert_true(row->name[0] != '\0');
    }
}

static void rows_are_found_by_number(void **state)
{
    const struct byok_reason_row *row;

    (void)state;
    for (row = byok_reason_table(); row->reason != 0; row++)
        assert_ptr_equal(byok_reason_find(row->reason), row);
    assert_int_equal(byok_reason_find(0)->reason, BYOK_R_INTERNAL);
    assert_int_equal(byok_reason_find(-1)->reason, BYOK_R_INTERNAL);
    assert_int_equal(byok_reason_find(9999)->reason, BYOK_R_INTERNAL);
    assert_string_equal(byok_reason_find(BYOK_R_WRONG_KEY)->name, "WRONG_KEY");
}

/* The numbers are stable: what programs compare with. */
static void numbers_stay(void **state)
{
    (void)state;
    assert_int_equal(BYOK_R_INTERNAL, 100);
    assert_int_equal(BYOK_R_UNKNOWN_KEK, 103);
    assert_int_equal(BYOK_R_BAD_CONTEXT, 112);
    assert_int_equal(BYOK_R_CONFIG, 130);
    assert_int_equal(BYOK_R_NOT_SEALED, 150);
    assert_int_equal(BYOK_R_CONTEXT_MISMATCH, 159);
    assert_int_equal(BYOK_R_THROTTLED, 170);
}

static int is_reason(const char *name)
{
    const struct byok_reason_row *row;

    for (row = byok_reason_table(); row->reason != 0; row++)
        if (strcmp(row->name, name) == 0)
            return 1;
    return 0;
}

/* The first cell of a row of the table of reasons, without its backticks; 0 for any other line. */
static int cell_reason(const char *line, char name[64])
{
    size_t len = strncmp(line, "| `", 3) == 0 ? strcspn(line + 3, "`") : 0, i;

    if (len == 0 || len >= 64)
        return 0;
    memcpy(name, line + 3, len);
    name[len] = '\0';
    for (i = 0; i < len; i++)
        if (!isupper((unsigned char)name[i]) && name[i] != '_')
            return 0;
    return 1;
}

static void reasons_that_vectors_name_exist(void **state)
{
    char line[1024], name[64];
    size_t count = 0;
    FILE *readme = fopen(BYOK_VECTORS "/README.md", "r");

    (void)state;
    assert_non_null(readme);
    while (fgets(line, sizeof line, readme) != NULL) {
        if (!cell_reason(line, name))
            continue;
        count++;
        if (!is_reason(name))
            fail_msg("%s is no reason of reasons.h", name);
    }
    fclose(readme);
    assert_true(count >= 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_names_are_distinct),  cmocka_unit_test(texts_say_something),
        cmocka_unit_test(rows_are_found_by_number),        cmocka_unit_test(numbers_stay),
        cmocka_unit_test(reasons_that_vectors_name_exist),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
