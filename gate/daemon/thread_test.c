/* SPDX-License-Identifier: Apache-2.0 */
/* thread_test.c: a thread of the service reads the deepest policy, however little stack the shell
 * that started it allows. */
#include "gate/daemon/thread.h"

#include "gate/cedar/policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define STACK_ALLOWED ((rlim_t)256 << 10)

/* The form that takes most: a call in a call. */
static err_code deepest(struct buf *ret)
{
    TRY(buf_add_str(ret, "permit(principal, action, resource) when { "));
    for (int i = 0; i < CEDAR_DEPTH_MAX - 1; i++)
        TRY(buf_add_str(ret, "ip("));
    TRY(buf_add_str(ret, "1"));
    for (int i = 0; i < CEDAR_DEPTH_MAX - 1; i++)
        TRY(buf_add_str(ret, ")"));
    return buf_add_str(ret, "};");
}

static void *read_deepest(void *arg)
{
    CLEANUP(buf_free) struct buf text = {0};
    struct cedar_policies *policies = NULL;
    err_code *ret = arg;

    *ret = deepest(&text);
    if (*ret == ERR_OK)
        *ret = cedar_parse(buf_slice(&text), &policies, NULL, NULL);
    cedar_free(&policies);
    return NULL;
}

static void the_stack_is_the_same_everywhere(void **state)
{
    err_code err = ERR_INTERNAL;
    struct rlimit limit;
    pthread_t thread;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_STACK, &limit), 0);
    assert_int_equal(limit.rlim_cur, STACK_ALLOWED);
    assert_int_equal(thread_start(read_deepest, &err, &thread), ERR_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(err, ERR_OK);
}

/* What threads get by themselves is settled when a program starts: so this one starts again. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stack_is_the_same_everywhere),
    };
    const struct rlimit little = {STACK_ALLOWED, STACK_ALLOWED};
    char *const again[] = {argv[0], (char[]){"again"}, NULL};

    if (argc == 1) {
        if (setrlimit(RLIMIT_STACK, &little) == 0)
            (void)execv("/proc/self/exe", again);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
