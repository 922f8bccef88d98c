/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/witness_testing.h"

#include "gate/base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define EXIT_SKIP 77

void witness_need(void)
{
    if (getenv("PAWL_SOURCE") != NULL &&
        system("/usr/bin/python3 -c 'import cryptography' 2>/dev/null") == 0)
        return;
    (void)printf("python3-cryptography is not installed\n");
    exit(EXIT_SKIP);
}

void witness_begin(const struct witness_start *start, struct witness_process *ret)
{
    char script[4096], line[640];
    int in[2], out[2];
    size_t len = 0;

    (void)snprintf(script, sizeof script, "%s/test-env/fixtures/witness.py", getenv("PAWL_SOURCE"));
    if (strncmp(start->listen, "unix:", 5) == 0)
        (void)unlink(start->listen + 5);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    ret->pid = fork();
    assert_true(ret->pid >= 0);
    if (ret->pid == 0) {
        (void)dup2(in[0], 0);
        (void)dup2(out[1], 1);
        (void)execl("/usr/bin/python3", "python3", script, "--state", start->state, "--listen",
                    start->listen, "--name", start->name, "--log", start->log, (char *)NULL);
        _exit(1);
    }
    fd_close(&in[0]);
    fd_close(&out[1]);
    ret->in = in[1];
    while (memchr(line, '\n', len) == NULL) {
        ssize_t n = read(out[0], line + len, sizeof line - 1 - len);
        assert_true(n > 0);
        len += (size_t)n;
    }
    line[len] = '\0';
    fd_close(&out[0]);
    assert_int_equal(sscanf(line, "%511s %127s", ret->vkey, ret->url), 2);
    assert_int_equal(note_key_parse(slice_str(ret->vkey), &ret->key, NULL), ERR_OK);
}

void witness_end(struct witness_process *process)
{
    int status;

    fd_close(&process->in);
    process->in = -1;
    if (process->pid > 0)
        assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    process->pid = 0;
}
