/* SPDX-License-Identifier: Apache-2.0 */
/* scribe_sync_test.c: a disk that cannot make durable what it was given: nothing is permitted from
 * then on, also when it says later that all is well, until the ledger is opened again. The linker
 * puts the function below in the place of fdatasync (--wrap). */
#include "gate/decide/office_testing.h"
#include "gate/ledger/ledger_testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static struct {
    bool fails;
    unsigned asked;
} disk;

int __wrap_fdatasync(int fd)
{
    disk.asked++;
    if (!disk.fails)
        return __real_fdatasync(fd);
    errno = EIO;
    return -1;
}

/* The kernel has forgotten that there was something to write: who asks again is told yes. */
static void not_durable(uint64_t entries)
{
    disk.fails = true;
    disk.asked = 0;
    office_refused("not durable", NOW, ERR_STORAGE, entries);
    disk.fails = false;
    for (int i = 0; i < 3; i++)
        office_refused("the disk works again", NOW, ERR_STORAGE, entries);
    assert_int_equal(disk.asked, 1);
    office_open();
}

static void a_failed_fdatasync_stops_permits(void **state)
{
    (void)state;
    not_durable(0); /* the first round of all */
    office_decided(NOW, FIRST);
    not_durable(FIRST + 1); /* a later one */
    office_decided(NOW, FIRST + 4);
}

/* However many entries a round has. */
static void one_fdatasync_a_round(void **state)
{
    (void)state;
    for (uint64_t at = FIRST; at < FIRST + 6; at += 2) {
        disk.asked = 0;
        office_decided(NOW, at);
        assert_int_equal(disk.asked, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_failed_fdatasync_stops_permits, office_setup,
                                        office_teardown),
        cmocka_unit_test_setup_teardown(one_fdatasync_a_round, office_setup, office_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
