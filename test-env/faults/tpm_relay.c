/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tpm_relay.c: stands between a program and swtpm, makes the TPM as slow as a real chip, and lets
 * chosen commands go wrong. Both sides are Unix sockets with plain TPM commands. One command at a
 * time reaches the TPM, whoever sends it, and the time that is added passes before the next one: a
 * chip does not work in parallel.
 *
 *     tpm_relay LISTEN UPSTREAM [--delay-ms N] [--delay-only CODE] [--control SOCKET]
 *
 * --delay-ms: added to each command, or to those of one code (0x15d: TPM2_Sign). --control: a Unix
 * socket; each connection says one line and reads the answer, "ok" or what was asked for:
 *
 *     delay N [CODE]     from now on
 *     clear              no faults, an empty log
 *     log                the commands since, a line each: code and response code, in hexadecimal;
 *                        0 and ffffffff for one that was not answered
 *     fault KIND [code=CC] [nth=N] [times=N] [rc=RC] [len=N] [ms=N] [pid=N] [pcr=N]
 *
 * A fault strikes the nth command of the code (0 or none: of any) that comes from now on, and so
 * many after it (times=0: all). Kinds:
 *
 *     answer         the TPM never sees the command; the answer is rc
 *     lost           neither the command nor an answer arrives
 *     lost-answer    the TPM runs it; no answer arrives
 *     break          the TPM runs it; the connection ends without an answer
 *     refuse         the connection ends; the TPM never sees it
 *     cut            the answer has only len octets
 *     slow           it takes ms more
 *     extend         somebody extends the PCR first
 *     kill           the TPM's process pid gets the command and, at once, SIGKILL
 *     kill-after     it has run the command and then gets SIGKILL; no answer arrives
 *
 * Says "ready" once it listens. Ends with SIGTERM.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define HEADER 10
#define COMMAND_MAX 4096
#define FAULTS_MAX 16
#define LOG_MAX 65536
#define NOT_ANSWERED UINT32_MAX

enum kind {
    NONE = 0,
    ANSWER,
    LOST,
    LOST_ANSWER,
    BREAK,
    REFUSE,
    CUT,
    SLOW,
    EXTEND,
    KILL,
    KILL_AFTER,
    KINDS,
};
static const char *const NAMES[KINDS] = {"",       "answer", "lost",      "lost-answer",
                                         "break",  "refuse", "cut",       "slow",
                                         "extend", "kill",   "kill-after"};

struct fault {
    enum kind kind;
    uint32_t code, nth, times, rc, len, ms, pid, pcr;
    uint32_t seen; /* commands that matched so far */
};

struct plan {
    uint32_t delay_ms, delay_only; /* 0: every code */
    struct fault faults[FAULTS_MAX];
    size_t n_log;
    struct {
        uint32_t code, rc;
    } log[LOG_MAX];
};

/* The program is one relay; its threads share these. */
static const char *upstream_path;
static pthread_mutex_t chip = PTHREAD_MUTEX_INITIALIZER; /* one command at a time */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the plan */
static struct plan plan;

/* ---- sockets --------------------------------------------------------------------------------- */

static int unix_socket(const char *path, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof ret->sun_path)
        return -1;
    memcpy(ret->sun_path, path, strlen(path) + 1);
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int listen_on(const char *path)
{
    struct sockaddr_un un;
    int fd = unix_socket(path, &un);

    (void)unlink(path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&un, sizeof un) != 0 || listen(fd, 64) != 0) {
        (void)fprintf(stderr, "tpm_relay: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return fd;
}

static bool send_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool receive_all(int fd, uint8_t *to, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(fd, to, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        to += n;
        len -= (size_t)n;
    }
    return true;
}

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_be32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* A whole command, or a whole answer. Returns its size; 0: there is none. */
static size_t receive_message(int fd, uint8_t message[static COMMAND_MAX])
{
    size_t size;

    if (!receive_all(fd, message, HEADER))
        return 0;
    size = be32(message + 2);
    if (size < HEADER || size > COMMAND_MAX || !receive_all(fd, message + HEADER, size - HEADER))
        return 0;
    return size;
}

static void pause_ms(uint32_t ms)
{
    struct timespec rest = {ms / 1000, (long)(ms % 1000) * 1000000};

    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        continue;
}

/* ---- the plan -------------------------------------------------------------------------------- */

/* What happens to this command: the first fault whose turn it is. All that match count it. */
static struct fault choose(uint32_t code, uint32_t *ret_delay_ms, size_t *ret_entry)
{
    struct fault out = {0};

    (void)pthread_mutex_lock(&lock);
    *ret_entry = plan.n_log;
    if (plan.n_log < LOG_MAX) {
        plan.log[plan.n_log].code = code;
        plan.log[plan.n_log++].rc = NOT_ANSWERED;
    }
    *ret_delay_ms = plan.delay_only == 0 || plan.delay_only == code ? plan.delay_ms : 0;
    for (size_t i = 0; i < FAULTS_MAX; i++) {
        struct fault *f = &plan.faults[i];

        if (f->kind == NONE || (f->code != 0 && f->code != code))
            continue;
        f->seen++;
        if (out.kind == NONE && f->seen >= f->nth && (f->times == 0 || f->seen - f->nth < f->times))
            out = *f;
    }
    (void)pthread_mutex_unlock(&lock);
    return out;
}

static void note(size_t entry, uint32_t rc)
{
    (void)pthread_mutex_lock(&lock);
    if (entry < plan.n_log)
        plan.log[entry].rc = rc;
    (void)pthread_mutex_unlock(&lock);
}

/* ---- commands -------------------------------------------------------------------------------- */

/* One command on a connection of its own, so that no client keeps the others from the TPM. pid: who
 * gets SIGKILL behind the command; 0: nobody. Returns the size of the answer; 0: none. */
static size_t ask_chip(const uint8_t *command, size_t size, uint8_t answer[static COMMAND_MAX],
                       uint32_t pid)
{
    struct sockaddr_un un;
    int fd = unix_socket(upstream_path, &un);
    size_t got = 0;

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&un, sizeof un) == 0 &&
        send_all(fd, command, size)) {
        if (pid != 0)
            (void)kill((pid_t)pid, SIGKILL);
        got = receive_message(fd, answer);
    }
    if (fd >= 0)
        (void)close(fd);
    return got;
}

/* TPM2_PCR_Extend with an empty authorization, one SHA-256 digest (part 3, 22.2). */
static void extend(uint32_t pcr)
{
    uint8_t command[65] = {0x80, 0x02, 0, 0, 0,    65, 0, 0, 0x01, 0x82, 0, 0, 0, (uint8_t)pcr,
                           0,    0,    0, 9, 0x40, 0,  0, 9, 0,    0,    0, 0, 0, 0,
                           0,    0,    1, 0, 11,   1};
    uint8_t answer[COMMAND_MAX];

    (void)ask_chip(command, sizeof command, answer, 0);
}

static size_t make_answer(uint32_t rc, uint8_t answer[static COMMAND_MAX])
{
    const uint8_t head[HEADER] = {0x80, 0x01, 0, 0, 0, HEADER};

    memcpy(answer, head, HEADER);
    put_be32(answer + 6, rc);
    return HEADER;
}

/* Runs the command as the fault wants it. Returns the octets that are sent back; 0: none. */
static size_t run(const struct fault *f, const uint8_t *command, size_t size,
                  uint8_t answer[static COMMAND_MAX])
{
    size_t len;

    if (f->kind == SLOW)
        pause_ms(f->ms);
    if (f->kind == EXTEND)
        extend(f->pcr);
    if (f->kind == LOST || f->kind == REFUSE)
        return 0;
    if (f->kind == ANSWER)
        return make_answer(f->rc, answer);
    len = ask_chip(command, size, answer, f->kind == KILL ? f->pid : 0);
    if (f->kind == KILL_AFTER)
        (void)kill((pid_t)f->pid, SIGKILL);
    if (f->kind == LOST_ANSWER || f->kind == BREAK || f->kind == KILL || f->kind == KILL_AFTER)
        return 0;
    return f->kind == CUT && len > f->len ? f->len : len;
}

/* False: the connection is over. */
static bool exchange(int client)
{
    uint8_t command[COMMAND_MAX], answer[COMMAND_MAX];
    size_t size = receive_message(client, command), entry, len;
    struct fault fault;
    uint32_t delay_ms;

    if (size == 0)
        return false;
    (void)pthread_mutex_lock(&chip);
    fault = choose(be32(command + 6), &delay_ms, &entry);
    pause_ms(delay_ms);
    len = run(&fault, command, size, answer);
    if (len >= HEADER)
        note(entry, be32(answer + 6));
    (void)pthread_mutex_unlock(&chip);
    if (fault.kind == LOST || fault.kind == LOST_ANSWER) /* until the client has had enough */
        while (recv(client, answer, sizeof answer, 0) > 0)
            continue;
    return len > 0 && send_all(client, answer, len) && fault.kind != CUT;
}

static void *serve(void *arg)
{
    int client = (int)(intptr_t)arg;

    while (exchange(client))
        continue;
    (void)close(client);
    return NULL;
}

/* ---- control --------------------------------------------------------------------------------- */

static bool number(const char *text, uint32_t *ret)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || value > UINT32_MAX)
        return false;
    *ret = (uint32_t)value;
    return true;
}

/* The next word of a line, ended by a zero; NULL: there is none. */
static char *word(char **line)
{
    char *at = *line + strspn(*line, " \n"), *end = at + strcspn(at, " \n");

    *line = *end == '\0' ? end : end + 1;
    *end = '\0';
    return *at == '\0' ? NULL : at;
}

static bool set_member(struct fault *f, char *option)
{
    struct {
        const char *name;
        uint32_t *to;
    } members[] = {{"code", &f->code}, {"nth", &f->nth}, {"times", &f->times}, {"rc", &f->rc},
                   {"len", &f->len},   {"ms", &f->ms},   {"pid", &f->pid},     {"pcr", &f->pcr}};
    char *value = strchr(option, '=');

    if (value == NULL)
        return false;
    *value++ = '\0';
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strcmp(option, members[i].name) == 0)
            return number(value, members[i].to);
    return false;
}

static bool add_fault(char *line)
{
    struct fault f = {.nth = 1, .times = 1, .pcr = 10};
    const char *name = word(&line);

    for (enum kind kind = ANSWER; name != NULL && kind < KINDS; kind++)
        if (strcmp(name, NAMES[kind]) == 0)
            f.kind = kind;
    if (f.kind == NONE)
        return false;
    for (char *option; (option = word(&line)) != NULL;)
        if (!set_member(&f, option))
            return false;
    for (size_t i = 0; i < FAULTS_MAX; i++)
        if (plan.faults[i].kind == NONE) {
            plan.faults[i] = f;
            return f.nth > 0;
        }
    return false;
}

static bool set_delay(char *line)
{
    const char *ms = word(&line), *code = word(&line);

    plan.delay_only = 0;
    return ms != NULL && number(ms, &plan.delay_ms) &&
           (code == NULL || number(code, &plan.delay_only));
}

static void send_log(int fd)
{
    char line[32];

    for (size_t i = 0; i < plan.n_log; i++) {
        (void)snprintf(line, sizeof line, "%x %x\n", plan.log[i].code,
                       plan.log[i].rc == NOT_ANSWERED ? 0 : plan.log[i].rc);
        if (plan.log[i].rc == NOT_ANSWERED)
            (void)snprintf(line, sizeof line, "%x ffffffff\n", plan.log[i].code);
        if (!send_all(fd, (const uint8_t *)line, strlen(line)))
            return;
    }
}

static void obey(int fd)
{
    char text[256] = "", *line = text;
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    const char *verb = n <= 0 ? NULL : word(&line);
    bool good = verb != NULL;

    (void)pthread_mutex_lock(&lock);
    if (good && strcmp(verb, "log") == 0) {
        send_log(fd);
    } else if (good && strcmp(verb, "clear") == 0) {
        memset(plan.faults, 0, sizeof plan.faults);
        plan.n_log = 0;
    } else if (good && strcmp(verb, "delay") == 0) {
        good = set_delay(line);
    } else {
        good = good && strcmp(verb, "fault") == 0 && add_fault(line);
    }
    (void)pthread_mutex_unlock(&lock);
    if (verb == NULL || strcmp(verb, "log") != 0)
        (void)send_all(fd, (const uint8_t *)(good ? "ok\n" : "what?\n"), good ? 3 : 6);
    (void)close(fd);
}

static void *control(void *arg)
{
    int listener = (int)(intptr_t)arg;

    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0 && errno == EBADF)
            return NULL;
        if (fd >= 0)
            obey(fd);
    }
}

/* ---- the program ----------------------------------------------------------------------------- */

static void start(void *(*work)(void *), int fd)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, work, (void *)(intptr_t)fd) != 0) {
        (void)fputs("tpm_relay: no thread\n", stderr);
        exit(1);
    }
    (void)pthread_detach(thread);
}

static int usage(void)
{
    (void)fputs("usage: tpm_relay LISTEN UPSTREAM [--delay-ms N] [--delay-only CODE]"
                " [--control SOCKET]\n",
                stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *steer = NULL;
    int listener;

    if (argc < 3 || argc % 2 == 0)
        return usage();
    upstream_path = argv[2];
    for (int i = 3; i < argc; i += 2) {
        if (strcmp(argv[i], "--control") == 0)
            steer = argv[i + 1];
        else if (!(strcmp(argv[i], "--delay-ms") == 0 && number(argv[i + 1], &plan.delay_ms)) &&
                 !(strcmp(argv[i], "--delay-only") == 0 && number(argv[i + 1], &plan.delay_only)))
            return usage();
    }
    listener = listen_on(argv[1]);
    if (steer != NULL)
        start(control, listen_on(steer));
    (void)puts("ready");
    (void)fflush(stdout);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0)
            start(serve, fd);
    }
}
