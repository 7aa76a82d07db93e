/*
 * envelope/output: against a model, which is a string that is never forgotten.
 */
#include "envelope/output.h"

#include "test/unit/check.h"

#define MODEL_BYTES (1 << 24)

static struct byok_output output;
static unsigned char *model; /* all bytes that were put, one after the other */
static size_t put, taken;    /* of the model */
static unsigned int seed;

static unsigned int random_below(unsigned int n)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % n;
}

static void put_bytes(size_t len)
{
    size_t i;

    for (i = 0; i < len; i++)
        model[put + i] = (unsigned char)((put + i) * 7 + (put + i) / 256);
    assert_int_equal(byok_output_put(&output, model + put, len), 1);
    put += len;
}

/* The same by byok_output_place(). */
static void place_bytes(size_t len)
{
    unsigned char *place = byok_output_place(&output, len);
    size_t i;

    assert_non_null(place);
    for (i = 0; i < len; i++)
        place[i] = model[put + i] = (unsigned char)((put + i) * 3 + 1);
    byok_output_advance(&output, len);
    put += len;
}

static unsigned char *caller;
static size_t caller_room;

static void begin(size_t room)
{
    caller = malloc(room + 16);
    assert_non_null(caller);
    memset(caller, 0x5a, room + 16);
    caller_room = room;
    byok_output_begin(&output, caller, room);
}

/* Whether the caller has what the model says comes next, and nothing beyond it. */
static void end(size_t expected)
{
    size_t i, written = byok_output_end(&output);

    assert_int_equal(written, expected);
    assert_memory_equal(caller, model + taken, written);
    for (i = written; i < caller_room + 16; i++)
        assert_int_equal(caller[i], 0x5a);
    taken += written;
    free(caller);
}

static void straight_into_the_callers_buffer(void **state)
{
    (void)state;
    begin(100);
    put_bytes(60);
    assert_memory_equal(caller, model, 60); /* at once */
    put_bytes(40);
    end(100);
    assert_int_equal(output.queued, 0);
    begin(10);
    end(0);
}

static void what_has_no_room_is_queued_and_goes_first(void **state)
{
    (void)state;
    begin(10);
    put_bytes(25);
    end(10);
    assert_int_equal(output.queued, 15);
    begin(4);
    put_bytes(5);
    end(4);
    assert_int_equal(output.queued, 16);
    begin(100);
    put_bytes(3);
    end(19);
    assert_int_equal(output.queued, 0);
}

static void without_a_buffer_all_is_queued(void **state)
{
    (void)state;
    byok_output_begin(&output, NULL, 0);
    put_bytes(320);
    assert_int_equal(byok_output_end(&output), 0);
    put_bytes(7); /* nor is one needed */
    begin(1000);
    end(327);
}

static void what_does_not_fit_as_a_whole_goes_through_the_queue(void **state)
{
    (void)state;
    begin(30);
    assert_ptr_equal(byok_output_place(&output, 30), caller);
    assert_ptr_equal(byok_output_place(&output, 1), caller);
    assert_ptr_not_equal(byok_output_place(&output, 31), caller);
    place_bytes(20);
    place_bytes(11);
    assert_int_equal(output.queued, 11);
    place_bytes(5); /* behind them */
    end(30);
    assert_int_equal(output.queued, 6);
    begin(100);
    end(6);
}

static void a_full_queue_takes_no_more(void **state)
{
    (void)state;
    assert_non_null(byok_output_place(&output, BYOK_QUEUE_BYTES));
    assert_null(byok_output_place(&output, BYOK_QUEUE_BYTES + 1));
    put_bytes(BYOK_QUEUE_BYTES);
    assert_int_equal(output.queued, BYOK_QUEUE_BYTES);
    assert_null(byok_output_place(&output, 1));
    assert_int_equal(byok_output_put(&output, model, 1), 0);
    begin(1);
    end(1);
    put_bytes(1); /* where the first was: the queue moves up */
    assert_int_equal(byok_output_put(&output, model, 1), 0);
    begin(BYOK_QUEUE_BYTES);
    end(BYOK_QUEUE_BYTES);
    assert_int_equal(output.queued, 0);
}

/* An empty last page has no bytes; a final for it may come without a buffer. */
static void nothing_always_fits(void **state)
{
    (void)state;
    assert_int_equal(byok_output_put(&output, model, 0), 1);
    byok_output_begin(&output, NULL, 0);
    assert_int_equal(byok_output_put(&output, model, 0), 1);
    assert_int_equal(byok_output_end(&output), 0);
    put_bytes(BYOK_QUEUE_BYTES);
    assert_int_equal(byok_output_put(&output, model, 0), 1);
    begin(5);
    put_bytes(0);
    end(5);
}

/* The longest that can be put now. */
static size_t most(void)
{
    size_t left = BYOK_QUEUE_BYTES - output.queued;

    return output.queued == 0 && output.room > left ? output.room : left;
}

static void anything_in_any_order(void **state)
{
    size_t room, len, fits;
    int turn, i;

    (void)state;
    for (turn = 0; turn < 3000; turn++) {
        room = random_below(3) == 0 ? random_below(9000) : random_below(40);
        begin(room);
        for (i = (int)random_below(4); i > 0; i--) {
            fits = most();
            len = random_below(random_below(2) ? 5000 : 20);
            (random_below(2) ? put_bytes : place_bytes)(len < fits ? len : fits);
        }
        end(put - taken < room ? put - taken : room);
        assert_int_equal(output.queued, put - taken);
    }
    assert_true(put > 1000000);
}

static void clear_forgets_and_wipes(void **state)
{
    size_t i;

    (void)state;
    memset(output.queue, 0, sizeof output.queue);
    put_bytes(5000);
    begin(3000);
    end(3000);
    put_bytes(6000);
    byok_output_clear(&output, 1);
    for (i = 0; i < sizeof output.queue; i++)
        assert_int_equal(output.queue[i], 0);
    assert_int_equal(output.queued, 0);
    taken = put;
    begin(10);
    put_bytes(4);
    end(4);
    put_bytes(9);
    byok_output_clear(&output, 0);
    taken = put;
    begin(10);
    end(0);
}

static int up(void **state)
{
    (void)state;
    memset(&output, 0xdd, sizeof output); /* init needs nothing of what was there */
    byok_output_init(&output);
    model = malloc(MODEL_BYTES);
    put = taken = 0;
    seed = 1;
    return model != NULL ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    free(model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(straight_into_the_callers_buffer, up, down),
        cmocka_unit_test_setup_teardown(what_has_no_room_is_queued_and_goes_first, up, down),
        cmocka_unit_test_setup_teardown(without_a_buffer_all_is_queued, up, down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_as_a_whole_goes_through_the_queue, up,
                                        down),
        cmocka_unit_test_setup_teardown(nothing_always_fits, up, down),
        cmocka_unit_test_setup_teardown(a_full_queue_takes_no_more, up, down),
        cmocka_unit_test_setup_teardown(anything_in_any_order, up, down),
        cmocka_unit_test_setup_teardown(clear_forgets_and_wipes, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
