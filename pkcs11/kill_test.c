/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill_test.c: kill -9 between any two calls to the token, and before any change to a file, of
 * enrol, of step, and of keeping a durable head. Afterwards the same programs run again, with
 * nobody's help, and
 *
 *     the epoch is the old one or the new one; where it is the old one, the old one still serves;
 *     the step can be finished, and then serves; one epoch key is left.
 *
 * The parent never has the module loaded while it forks.
 */
#include "pkcs11/epoch_cert.h"
#include "pkcs11/internal.h"
#include "pkcs11/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- in the children: cmocka's asserts would go on with the parent's tests --------------------
 */

#define MUST(call)                                                                                 \
    do {                                                                                           \
        err_code must_ = (call);                                                                   \
        if (must_ != ERR_OK)                                                                       \
            fail_child(#call, must_, &why);                                                        \
    } while (0)

[[gnu::noreturn]] static void fail_child(const char *call, err_code err, const struct why *why)
{
    (void)fprintf(stderr, "%s: %s: %s\n", call, err_name(err), why->text);
    _exit(1);
}

static void round_in_child(const struct rig *rig, struct hw_root *root, uint64_t epoch)
{
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    struct hw_statement st = {.digest = {1}, .sig_len = 64};
    struct digest digest = {{1}};
    struct why why = {0};
    struct hsm_cert sealed = {0};

    MUST(root->ops->begin(root, &why));
    MUST(root->ops->sign(root, &digest, st.sig, &why));
    MUST(root->ops->seal(root, &digest, &seal, &why));
    MUST(hsm_chain_verify(&rig->enrolment, buf_slice(&seal.statement), &sealed, &why));
    st.key = sealed.key;
    MUST(hw_verify_soft(&st, &why));
    if (sealed.epoch != epoch)
        fail_child("seal of another epoch", ERR_INTERNAL, &why);
}

static struct hw_root *attach_in_child(struct rig *rig)
{
    struct hw_root *root = NULL;
    struct why why = {0};

    MUST(hsm_root_open(rig->uri, &rig->options, &root, &why));
    MUST(root->ops->attach(root, rig->owner, &rig->enrolment, &why));
    return root;
}

static void one_key_is_left(struct hw_root *root)
{
    struct hsm_root *hsm = (struct hsm_root *)root;
    struct hsm_key keys[8];
    struct why why = {0};
    size_t n = 0;

    MUST(hsm_epoch_keys(&hsm->token, &hsm->space, keys, HSM_N(keys), &n, &why));
    if (n != 1)
        fail_child("not one epoch key", ERR_INTERNAL, &why);
}

/* From the first certificate on, the token's own lead to where the file ends. */
static void the_token_has_the_chain(const struct rig *rig, struct hw_root *root)
{
    struct hsm_root *hsm = (struct hsm_root *)root;
    struct slice whole = buf_slice(&hsm->chain);
    CLEANUP(buf_free) struct buf chain = {0};
    struct hsm_wanted wanted = {.space = &hsm->space, .enrolment = &rig->enrolment};
    struct hsm_key keys[8];
    struct why why = {0};
    bool longer = false;

    MUST(hsm_epoch_keys(&hsm->token, &hsm->space, keys, HSM_N(keys), &wanted.n_keys, &why));
    wanted.keys = keys;
    MUST(buf_add_slice(&chain, slice_part(whole, 0, HSM_CERT_LEN)));
    MUST(hsm_certs_extend(&hsm->token, &wanted, &chain, &longer, &why));
    if (!longer || !slice_eq(buf_slice(&chain), whole))
        fail_child("certificates missing on the token", ERR_INTERNAL, &why);
}

static void recover_step(struct rig *rig)
{
    struct hw_root *root = attach_in_child(rig);
    struct why why = {0};
    uint64_t epoch = 0;

    MUST(root->ops->epoch(root, &epoch, &why));
    if (epoch != 1 && epoch != 2)
        fail_child("neither old nor new epoch", ERR_INTERNAL, &why);
    the_token_has_the_chain(rig, root); /* at once, before another step could put it there */
    MUST(root->ops->prepare(root, rig_mandate(rig, epoch), &why));
    round_in_child(rig, root, epoch);
    MUST(root->ops->step(root, rig_mandate(rig, 2), &why));
    MUST(root->ops->prepare(root, rig_mandate(rig, 2), &why));
    round_in_child(rig, root, 2);
    one_key_is_left(root);
    the_token_has_the_chain(rig, root);
    hw_root_close(&root);
}

static void recover_enrol(struct rig *rig)
{
    struct hw_root *root = NULL;
    struct hw_kept kept;
    struct why why = {0};

    MUST(hsm_root_open(rig->uri, &rig->options, &root, &why));
    MUST(root->ops->enrol(root, rig->owner, &rig->enrolment, &why));
    MUST(root->ops->attach(root, rig->owner, &rig->enrolment, &why));
    MUST(root->ops->step(root, rig_mandate(rig, 1), &why));
    MUST(root->ops->prepare(root, rig_mandate(rig, 1), &why));
    round_in_child(rig, root, 1);
    one_key_is_left(root);
    the_token_has_the_chain(rig, root);
    MUST(root->ops->head_check(root, NULL, 0, &kept, &why));
    if (!kept.none)
        fail_child("heads after an enrolment", ERR_INTERNAL, &why);
    hw_root_close(&root);
}

/* ---- heads ----------------------------------------------------------------------------------- */

static const struct hw_head HEADS[] = {
    {1, 3, {{1}}}, {2, 5, {{2}}}, {3, 6, {{3}}}, {4, 9, {{4}}}, {5, 10, {{5}}}};
#define KEPT 3 /* before it begins */

static struct hw_root *attach_with_heads(struct rig *rig, size_t n)
{
    struct hw_root *root = attach_in_child(rig);
    struct hw_kept kept;
    struct why why = {0};

    MUST(root->ops->prepare(root, rig_mandate(rig, 1), &why));
    MUST(root->ops->head_check(root, HEADS, n, &kept, &why));
    MUST(root->ops->begin(root, &why));
    if (n > 0 && kept.round != HEADS[n - 1].round)
        fail_child("not at the round of the disk", ERR_INTERNAL, &why);
    return root;
}

/* The round is on the disk, so the token has it, too, and goes on; and it goes back no more. */
static void recover_head(struct rig *rig)
{
    struct hw_root *root = attach_with_heads(rig, KEPT + 1);
    struct hsm_root *hsm = (struct hsm_root *)root;
    struct hsm_head_found found;
    struct hsm_key keys[8];
    struct hw_kept kept;
    struct why why = {0};
    size_t n = 0;

    if (root->ops->head_check(root, HEADS, KEPT, &kept, &why) != ERR_LEDGER_ROLLBACK)
        fail_child("a finished round is taken back", ERR_INTERNAL, &why);
    MUST(root->ops->head_check(root, HEADS, KEPT + 1, &kept, &why));
    MUST(hsm_head_keys(&hsm->token, &hsm->space, keys, HSM_N(keys), &n, &why));
    MUST(hsm_head_objects(hsm, &found, &why));
    if (n != 1 || found.n != HSM_HEAD_OBJECTS || found.whole != found.n)
        fail_child("not one head key and two objects", ERR_INTERNAL, &why);
    MUST(root->ops->head_bind(root, &HEADS[KEPT + 1], HW_KEEP_DURABLE, &why));
    MUST(root->ops->head_check(root, HEADS, KEPT + 2, &kept, &why));
    hw_root_close(&root);
}

/* Where the parent begins to count: a system call that nobody else makes. */
#define MARK 0x70a31

static void do_step(struct rig *rig, uint32_t kill_at)
{
    struct hw_root *root = attach_in_child(rig);
    struct why why = {0};

    (void)rig_mandate(rig, 2);
    (void)getpgid(MARK);
    rig->fault->total = 0;
    rig->fault->kill_at = kill_at;
    MUST(root->ops->step(root, rig->mandate, &why));
    rig->fault->kill_at = 0;
    _exit(0);
}

static void do_enrol(struct rig *rig, uint32_t kill_at)
{
    struct hw_root *root = NULL;
    struct why why = {0};

    MUST(hsm_root_open(rig->uri, &rig->options, &root, &why));
    (void)getpgid(MARK);
    rig->fault->total = 0;
    rig->fault->kill_at = kill_at;
    MUST(root->ops->enrol(root, rig->owner, &rig->enrolment, &why));
    rig->fault->kill_at = 0;
    _exit(0);
}

static void do_head(struct rig *rig, uint32_t kill_at)
{
    struct hw_root *root = attach_with_heads(rig, KEPT);
    struct why why = {0};

    (void)getpgid(MARK);
    rig->fault->total = 0;
    rig->fault->kill_at = kill_at;
    MUST(root->ops->head_bind(root, &HEADS[KEPT], HW_KEEP_DURABLE, &why));
    rig->fault->kill_at = 0;
    _exit(0);
}

static void keep_some(struct hw_root *root)
{
    struct hw_kept kept;
    struct why why = {0};

    expect_err(root->ops->head_check(root, NULL, 0, &kept, &why), ERR_OK);
    expect_err(root->ops->begin(root, &why), ERR_OK);
    for (size_t i = 0; i < KEPT; i++)
        expect_err(
            root->ops->head_bind(root, &HEADS[i], i == 1 ? HW_KEEP_DURABLE : HW_KEEP_ROUND, &why),
            ERR_OK);
}

/* ---- in the parent --------------------------------------------------------------------------- */

/* What is killed, and how it comes back. */
struct work {
    const char *name;
    void (*run)(struct rig *rig, uint32_t kill_at);
    void (*recover)(struct rig *rig);
};
static const struct work STEP = {"step", do_step, recover_step};
static const struct work ENROL = {"enrol", do_enrol, recover_enrol};
static const struct work HEAD = {"head", do_head, recover_head};

static void start(struct rig *rig, const struct work *work)
{
    rig_start(rig);
    (void)rig_fault(rig);
    if (work != &ENROL) {
        struct hw_root *root;
        rig_enrol(rig);
        root = rig_attach(rig);
        rig_step(rig, root, 1);
        if (work == &HEAD)
            keep_some(root);
        hw_root_close(&root);
    }
    softhsm_save(rig->hsm.tokens, "before");
    softhsm_save(rig->hsm.store, "before");
}

static void back_to_start(struct rig *rig)
{
    softhsm_restore(rig->hsm.tokens, "before");
    softhsm_restore(rig->hsm.store, "before");
}

static void recovers(struct rig *rig, const struct work *work, const char *killed, unsigned at)
{
    int status = 0;
    pid_t pid;

    rig->fault->kill_at = 0;
    pid = fork();
    if (pid == 0) {
        work->recover(rig);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        print_error("%s, killed before %s %u, does not recover; see %s\n", work->name, killed, at,
                    rig->hsm.dir);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void killed_between_calls(const struct work *work)
{
    struct rig rig;
    uint32_t k;
    int status;

    start(&rig, work);
    for (k = 1;; k++) {
        pid_t pid = fork();
        if (pid == 0)
            work->run(&rig, k);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status))
            break;
        assert_int_equal(WTERMSIG(status), SIGKILL);
        recovers(&rig, work, "call", k);
        back_to_start(&rig);
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    print_message("%s: killed before each of %u calls\n", work->name, k - 1);
    assert_true(k > 6); /* fewer: the counting itself is broken */
    rig_stop(&rig);
}

/* ---- system calls ---------------------------------------------------------------------------- */

/* Those that change files. Some exist on older architectures only. */
static const long CHANGES[] = {
    SYS_write,  SYS_pwrite64, SYS_writev,    SYS_ftruncate, SYS_fsync,   SYS_fdatasync,
    SYS_fchmod, SYS_unlinkat, SYS_renameat2, SYS_linkat,    SYS_mkdirat,
#ifdef SYS_rename
    SYS_rename, SYS_unlink,   SYS_link,      SYS_mkdir,     SYS_open,    SYS_creat,
#endif
};

static bool changes(const struct __ptrace_syscall_info *info)
{
    long nr = (long)info->entry.nr;

    if (nr == SYS_openat)
        return (info->entry.args[2] & (O_CREAT | O_TRUNC)) != 0;
    for (size_t i = 0; i < HSM_N(CHANGES); i++)
        if (nr == CHANGES[i])
            return true;
    return false;
}

/* SoftHSM cuts its file token.object to nothing and writes it again at every login. Killed in
 * between, it has lost the token: no work of ours. */
static bool is_softhsms_own(pid_t pid, const struct __ptrace_syscall_info *info)
{
    char link[64], path[256];
    ssize_t len;

    (void)snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, (int)info->entry.args[0]);
    len = readlink(link, path, sizeof path - 1);
    if (len < 0)
        return false;
    path[len] = '\0';
    return strstr(path, "/token.object") != NULL;
}

/* Every change to our own files counts; of those to the token's, one in STRIDE. */
#define STRIDE 13

static bool counts(const struct rig *rig, pid_t pid, const struct __ptrace_syscall_info *info,
                   unsigned *inside)
{
    if (!changes(info))
        return false;
    if (rig->fault->inside == 0)
        return true;
    return !is_softhsms_own(pid, info) && (*inside)++ % STRIDE == 0;
}

/* Lets the child run on to the entry of its next system call. False: it has ended. */
static bool next_entry(pid_t pid, struct __ptrace_syscall_info *info, int *status)
{
    for (;;) {
        if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) != 0)
            return false;
        if (waitpid(pid, status, 0) != pid || WIFEXITED(*status) || WIFSIGNALED(*status))
            return false;
        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof *info, info) > 0 &&
            info->op == PTRACE_SYSCALL_INFO_ENTRY)
            return true;
    }
}

/* Runs the work and kills it before its k-th change to a file. False: it has fewer. */
static bool kill_before_change(struct rig *rig, const struct work *work, unsigned k)
{
    struct __ptrace_syscall_info info = {0};
    unsigned n = 0, inside = 0;
    bool counting = false;
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        (void)raise(SIGSTOP);
        work->run(rig, 0);
    }
    if (waitpid(pid, &status, 0) != pid || WIFEXITED(status)) {
        print_message("tracing is not allowed here\n");
        skip();
    }
    assert_int_equal(
        ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
    while (next_entry(pid, &info, &status)) {
        counting = counting || (info.entry.nr == SYS_getpgid && info.entry.args[0] == MARK);
        if (!counting || !counts(rig, pid, &info, &inside) || ++n < k)
            continue;
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        return true;
    }
    assert_true(counting);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void killed_before_changes(const struct work *work)
{
    struct rig rig;
    unsigned k;

    start(&rig, work);
    for (k = 1; kill_before_change(&rig, work, k); k++) {
        recovers(&rig, work, "change", k);
        back_to_start(&rig);
    }
    print_message("%s: killed before each of %u changes to files\n", work->name, k - 1);
    assert_true(k > 6); /* fewer: the counting itself is broken */
    rig_stop(&rig);
}

static void step_killed_between_calls(void **state)
{
    (void)state;
    killed_between_calls(&STEP);
}

static void enrol_killed_between_calls(void **state)
{
    (void)state;
    killed_between_calls(&ENROL);
}

static void step_killed_before_changes(void **state)
{
    (void)state;
    killed_before_changes(&STEP);
}

static void enrol_killed_before_changes(void **state)
{
    (void)state;
    killed_before_changes(&ENROL);
}

static void head_killed_between_calls(void **state)
{
    (void)state;
    killed_between_calls(&HEAD);
}

static void head_killed_before_changes(void **state)
{
    (void)state;
    killed_before_changes(&HEAD);
}

/* An argument names the one test to run. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step_killed_between_calls),  cmocka_unit_test(enrol_killed_between_calls),
        cmocka_unit_test(step_killed_before_changes), cmocka_unit_test(enrol_killed_before_changes),
        cmocka_unit_test(head_killed_between_calls),  cmocka_unit_test(head_killed_before_changes),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
