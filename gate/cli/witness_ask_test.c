/* SPDX-License-Identifier: Apache-2.0 */
/* Asks through libcurl: a witness in another language (test-env/fixtures/witness.py) on a unix
 * socket and on the loopback, and servers that answer badly. */
#include "gate/base/file.h"
#include "gate/cli/http.h"
#include "gate/cli/witness_ask.h"
#include "gate/cli/witness_testing.h"
#include "gate/tlog/note_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE 300
#define PATIENT_MS 600000u /* for answers that do come, however busy the machine */

struct rig {
    char dir[64], socket[100];
    struct note_pair log;
    struct tree tree;
    struct witness_process witness; /* or the child that answers badly */
};

static int set_up(void **state)
{
    static struct rig rig;

    rig = (struct rig){.dir = "/tmp/pawl-witness-XXXXXX", .witness = {.in = -1}};
    assert_non_null(mkdtemp(rig.dir));
    (void)snprintf(rig.socket, sizeof rig.socket, "%s/socket", rig.dir);
    rig.log = note_pair_of(NOTE_ED25519, "log.example/a", 0);
    for (uint32_t i = 0; i < SIZE; i++) {
        struct digest leaf = {{(uint8_t)i, (uint8_t)(i >> 8)}};
        assert_int_equal(tree_append(&rig.tree, &leaf), ERR_OK);
    }
    *state = &rig;
    return 0;
}

static void stop(struct rig *rig)
{
    witness_end(&rig->witness);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    char command[128];

    stop(rig);
    tree_free(&rig->tree);
    (void)snprintf(command, sizeof command, "rm -rf %s", rig->dir);
    return system(command);
}

/* Starts the witness; its state stays from one start to the next. */
static void start(struct rig *rig, const char *listen, const char *log)
{
    char state[128];

    (void)snprintf(state, sizeof state, "%s/state", rig->dir);
    witness_begin(&(struct witness_start){state, listen, "w.example/1", log}, &rig->witness);
}

static void checkpoint_of(struct rig *rig, uint64_t size, struct checkpoint *ret, struct buf *note)
{
    const struct note_signer signer = {&rig->log.key, &rig->log.pair, 0};

    ret->size = size;
    assert_int_equal(tree_root(tree_of(&rig->tree), size, &ret->root, NULL), ERR_OK);
    buf_free(note);
    assert_int_equal(checkpoint_note_make(ret, &signer, note, NULL), ERR_OK);
}

/* Asks about the first size entries; takes the answer into the checkpoint. */
static err_code ask(struct rig *rig, uint64_t size, struct buf *ret, struct why *why)
{
    const struct cosign_policy policy = {&rig->log.key, &rig->witness.key, 1, 1};
    CLEANUP(buf_free) struct buf note = {0}, lines = {0};
    static struct cosign_verdict verdict;
    struct witness_job job = {.url = rig->witness.url,
                              .name = "w.example/1",
                              .source = tree_of(&rig->tree),
                              .timeout_ms = PATIENT_MS};
    size_t n;

    checkpoint_of(rig, size, &job.checkpoint, &note);
    job.note = buf_slice(&note);
    TRY(witness_ask(&job, &lines, why));
    buf_free(ret);
    assert_int_equal(cosign_merge(job.note, buf_slice(&lines), &policy, ret, &n, why), ERR_OK);
    return cosign_open(buf_slice(ret), &policy, &verdict, why);
}

static void cosigns(struct rig *rig, const char *listen)
{
    static const uint64_t SIZES[] = {0, 1, 1, 2, 7, 8, 8, 255, 256, 257, SIZE};
    CLEANUP(buf_free) struct buf note = {0}, vkey = {0};
    struct why why = {0};

    assert_int_equal(note_key_format(&rig->log.key, &vkey), ERR_OK);
    start(rig, listen, (const char *)vkey.ptr);
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++)
        if (ask(rig, SIZES[i], &note, &why) != ERR_OK)
            fail_msg("size %llu: %s", (unsigned long long)SIZES[i], why.text);
    /* It remembers, also across a restart: an older checkpoint of this log is a rollback. */
    assert_int_equal(ask(rig, SIZE - 1, &note, &why), ERR_LEDGER_ROLLBACK);
    assert_non_null(strstr(why.text, "300 entries"));
    stop(rig);
    start(rig, listen, (const char *)vkey.ptr);
    assert_int_equal(ask(rig, SIZE - 1, &note, &why), ERR_LEDGER_ROLLBACK);
    assert_int_equal(ask(rig, SIZE, &note, &why), ERR_OK);
    stop(rig);
}

static void cosigned_at_a_socket(void **state)
{
    struct rig *rig = *state;
    char listen[160];

    (void)snprintf(listen, sizeof listen, "unix:%s", rig->socket);
    cosigns(rig, listen);
}

static void cosigned_on_the_loopback(void **state)
{
    cosigns(*state, "tcp:0");
}

static void another_history(void **state)
{
    struct rig *rig = *state;
    CLEANUP(buf_free) struct buf note = {0}, vkey = {0};
    struct why why = {0};
    char listen[160];

    (void)snprintf(listen, sizeof listen, "unix:%s", rig->socket);
    assert_int_equal(note_key_format(&rig->log.key, &vkey), ERR_OK);
    start(rig, listen, (const char *)vkey.ptr);
    assert_int_equal(ask(rig, 20, &note, &why), ERR_OK);
    tree_cut(&rig->tree, 10);
    for (uint8_t i = 0; i < 30; i++)
        assert_int_equal(tree_append(&rig->tree, &(struct digest){{i, 7}}), ERR_OK);
    assert_int_equal(ask(rig, 20, &note, &why), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(ask(rig, 40, &note, &why), ERR_LEDGER_INCONSISTENT);
    stop(rig);
}

static void an_unknown_log(void **state)
{
    struct rig *rig = *state;
    const struct note_pair other = note_pair_of(NOTE_ED25519, "log.example/a", 5),
                           named = note_pair_of(NOTE_ED25519, "log.example/b", 0);
    struct why why = {0};
    char listen[160];

    (void)snprintf(listen, sizeof listen, "unix:%s", rig->socket);
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buf_free) struct buf note = {0}, vkey = {0};
        assert_int_equal(note_key_format(i == 0 ? &other.key : &named.key, &vkey), ERR_OK);
        start(rig, listen, (const char *)vkey.ptr);
        assert_int_equal(ask(rig, 3, &note, &why), ERR_WITNESS_REFUSED);
        assert_non_null(strstr(why.text, i == 0 ? "403" : "404"));
        stop(rig);
    }
}

/* ---- servers that answer badly --------------------------------------------------------------- */

enum manner { SAY, FLOOD_BODY, FLOOD_HEADERS, SILENT };

static void flood(int fd, const char *head, const char *piece)
{
    if (write(fd, head, strlen(head)) < 0)
        return;
    for (size_t i = 0; i < 100000; i++)
        if (send(fd, piece, strlen(piece), MSG_NOSIGNAL) < 0)
            return;
}

/* Serves one connection in a child and ends. */
static void serve(struct rig *rig, enum manner manner, const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP(fd_close) int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    static char request[65536];
    int fd;

    (void)unlink(rig->socket);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", rig->socket);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    (void)snprintf(rig->witness.url, sizeof rig->witness.url, "unix:%s", rig->socket);
    rig->witness.pid = fork();
    assert_true(rig->witness.pid >= 0);
    if (rig->witness.pid > 0)
        return;
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (read(fd, request, sizeof request) <= 0)
        _exit(0);
    if (manner == SAY)
        (void)!write(fd, text, strlen(text));
    if (manner == FLOOD_BODY)
        flood(fd, "HTTP/1.1 200 OK\r\n\r\n", "0123456789abcdef0123456789abcdef");
    if (manner == FLOOD_HEADERS)
        flood(fd, "HTTP/1.1 200 OK\r\n", "X-Y: 0123456789abcdef0123456789abcdef\r\n");
    if (manner == SILENT) /* until the other side has gone */
        (void)!read(fd, request, sizeof request);
    _exit(0);
}

static void bad_answers(void **state)
{
    static const struct {
        const char *name;
        enum manner manner;
        const char *text;
        err_code want;
    } CASES[] = {
        {"moved", SAY,
         "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
         ERR_WITNESS_REFUSED},
        {"a file", SAY,
         "HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\nContent-Length: 0\r\n\r\n",
         ERR_WITNESS_REFUSED},
        {"nothing", SAY, "", ERR_WITNESS_UNREACHABLE},
        {"no HTTP", SAY, "220 smtp.example\r\n", ERR_WITNESS_UNREACHABLE},
        {"cut", SAY, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\u2014",
         ERR_WITNESS_UNREACHABLE},
        {"a page", SAY, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n<html>\n",
         ERR_WITNESS_REFUSED},
        {"one size too much", SAY,
         "HTTP/1.1 409 C\r\nContent-Type: text/x.tlog.size\r\nContent-Length: 2\r\n\r\n4\n",
         ERR_LEDGER_ROLLBACK},
        {"a type too long", SAY,
         "HTTP/1.1 409 C\r\nContent-Type: text/x.tlog.size; "
         "x=0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
         "5678901234567890123456789012345678901234567890\r\nContent-Length: 2\r\n\r\n4\n",
         ERR_WITNESS_REFUSED},
        {"too much", FLOOD_BODY, NULL, ERR_TOO_LARGE},
        {"too many headers", FLOOD_HEADERS, NULL, ERR_TOO_LARGE},
        {"silence", SILENT, NULL, ERR_WITNESS_UNREACHABLE},
    };
    struct rig *rig = *state;
    CLEANUP(buf_free) struct buf note = {0}, lines = {0};
    struct witness_job job = {.url = rig->witness.url,
                              .name = "w",
                              .source = tree_of(&rig->tree),
                              .timeout_ms = PATIENT_MS};

    checkpoint_of(rig, 3, &job.checkpoint, &note);
    job.note = buf_slice(&note);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct why why = {0};
        err_code err;

        serve(rig, CASES[i].manner, CASES[i].text);
        job.timeout_ms = CASES[i].manner == SILENT ? 300 : PATIENT_MS;
        err = witness_ask(&job, &lines, &why);
        if (err != CASES[i].want)
            fail_msg("%s: %s (%s), wanted %s", CASES[i].name, err_name(err), why.text,
                     err_name(CASES[i].want));
        stop(rig);
    }
    assert_int_equal(unlink(rig->socket), 0);
    assert_int_equal(witness_ask(&job, &lines, NULL), ERR_WITNESS_UNREACHABLE);
    assert_int_equal(lines.len, 0);
}

static void addresses(void **state)
{
    static const struct {
        const char *url;
        err_code want;
    } CASES[] = {
        {"http://w.example", ERR_OK},
        {"https://w.example:8443/a/b/", ERR_OK},
        {"http://[::1]:80/", ERR_OK},
        {"unix:/run/w.sock", ERR_OK},
        {"", ERR_USAGE},
        {"w.example", ERR_USAGE},
        {"http://", ERR_USAGE},
        {"http:///a", ERR_USAGE},
        {"http://:80", ERR_USAGE},
        {"file:///etc/passwd", ERR_USAGE},
        {"gopher://w.example", ERR_USAGE},
        {"HTTP://w.example", ERR_USAGE},
        {"unix:", ERR_USAGE},
        {"unix:/", ERR_USAGE},
        {"unix:w.sock", ERR_USAGE},
        {"http://u:p@w.example", ERR_USAGE},
        {"http://w.example/?a", ERR_USAGE},
        {"http://w.example/#a", ERR_USAGE},
        {"http://w.example/a b", ERR_USAGE},
        {"http://w.example/\r\nX: y", ERR_USAGE},
        {"http://w\u00e4.example", ERR_USAGE},
    };
    char text[HTTP_URL_MAX + 2] = "http://";
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        if (http_url_check(CASES[i].url, NULL) != CASES[i].want)
            fail_msg("\"%s\"", CASES[i].url);
    memset(text + 7, 'a', sizeof text - 8);
    assert_int_equal(http_url_check(text, NULL), ERR_USAGE);
    text[HTTP_URL_MAX] = '\0';
    assert_int_equal(http_url_check(text, NULL), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test_setup_teardown(cosigned_at_a_socket, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cosigned_on_the_loopback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_history, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_answers, set_up, tear_down),
    };
    witness_need();
    return cmocka_run_group_tests_name("witness_ask", tests, NULL, NULL);
}
