/* SPDX-License-Identifier: Apache-2.0 */
/* Rates of those who do not get in, by a clock of the test's own, and what is said of them. */
#include "gate/daemon/lobby.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define START (1000 * SECOND)

static struct lobby lobby;
static char told[64][400];
static size_t n_told;

static void tell(const char *text)
{
    assert_true(n_told < sizeof told / sizeof *told);
    (void)snprintf(told[n_told++], sizeof *told, "%s", text);
}

static int setup(void **state)
{
    (void)state;
    lobby = (struct lobby){.tell = tell};
    n_told = 0;
    return 0;
}

static struct lobby_who who(unsigned number)
{
    struct lobby_who out = {0};

    memcpy(out.key, &number, sizeof number);
    (void)snprintf(out.text, sizeof out.text, "192.0.2.%u", number);
    return out;
}

static void fail_at(unsigned number, unsigned times, uint64_t now)
{
    const struct lobby_end end = {LOBBY_AUTHORITY, true, NULL};
    struct lobby_who one = who(number);

    while (times-- > 0)
        lobby_refuse(&lobby, &one, &end, now);
}

static bool admits(unsigned number, uint64_t now)
{
    struct lobby_who one = who(number);

    return lobby_admits(&lobby, &one, now);
}

static void one_address(void **state)
{
    (void)state;
    assert_true(admits(1, START));
    fail_at(1, LOBBY_BURST - 1, START);
    assert_true(admits(1, START));
    fail_at(1, 1, START);
    assert_false(admits(1, START));
    assert_true(admits(2, START)); /* not others */
    assert_false(admits(1, START + SECOND / LOBBY_PER_SECOND - 1));
    assert_true(admits(1, START + SECOND / LOBBY_PER_SECOND));

    /* What began together and failed together is paid for, too. */
    fail_at(1, 10 * LOBBY_BURST, START + SECOND);
    assert_false(admits(1, START + 30 * SECOND));
    assert_true(admits(1, START + 60 * SECOND));
}

/* What is refused for its rate, or said nothing, costs nothing, and is not counted against him. */
static void untried(void **state)
{
    const struct lobby_end end = {LOBBY_RATE, false, NULL};
    struct lobby_who one = who(1);

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        lobby_refuse(&lobby, &one, &end, START);
    assert_true(admits(1, START));
    assert_int_equal(lobby.refused[LOBBY_RATE], 1000);
}

/* From many addresses: all wait, but for those who were good for something. */
static void many_addresses(void **state)
{
    struct lobby_who good = who(1000000);

    (void)state;
    lobby_welcome(&lobby, &good, START);
    for (unsigned i = 1; i < LOBBY_BURST_ALL; i++)
        fail_at(i, 1, START);
    assert_true(admits(5000, START));
    fail_at(LOBBY_BURST_ALL, 1, START);
    assert_false(admits(5000, START));
    assert_true(lobby_admits(&lobby, &good, START));
    assert_true(admits(5000, START + SECOND));

    /* He is remembered however many others come, and his own rate is his. */
    for (unsigned i = 0; i < 4 * LOBBY_KNOWN; i++)
        fail_at(i, 1, START + SECOND);
    assert_true(lobby_admits(&lobby, &good, START + SECOND));
    fail_at(1000000, 2 * LOBBY_BURST_ALL, START + 100 * SECOND);
    assert_false(lobby_admits(&lobby, &good, START + 100 * SECOND));
    assert_true(admits(5000, START + 100 * SECOND)); /* and nobody else's */
}

/* Who owes much is not forgotten for who owes little. */
static void remembered(void **state)
{
    (void)state;
    fail_at(1, 10 * LOBBY_BURST, START);
    for (unsigned i = 2; i < 8 * LOBBY_KNOWN; i++)
        fail_at(i, 1, START + i);
    assert_false(admits(1, START + 8 * SECOND));
}

static void lines(void **state)
{
    const struct lobby_end end = {LOBBY_NOT_ALLOWED, true, "certificate rejected"},
                           left = {LOBBY_LEFT, false, NULL};
    struct lobby_who one = who(7), nobody = {0};

    (void)state;
    lobby_refuse(&lobby, &one, &left, START);
    assert_int_equal(n_told, 0);
    for (size_t i = 0; i < 100; i++)
        lobby_refuse(&lobby, i == 0 ? &one : &nobody, &end, START);
    assert_int_equal(n_told, LOBBY_SAID_BURST);
    assert_string_equal(told[0], "TLS: refused 192.0.2.7: not_allowed: certificate rejected");
    assert_non_null(strstr(told[1], "refused an address that is not known: "));
    lobby_refuse(&lobby, &one, &end, START + SECOND);
    assert_int_equal(n_told, LOBBY_SAID_BURST + 1);
    assert_non_null(strstr(told[LOBBY_SAID_BURST], "; 92 before were not said"));
    assert_int_equal(lobby.refused[LOBBY_NOT_ALLOWED], 101);
    assert_int_equal(lobby.refused[LOBBY_LEFT], 1);
}

/* A pair of sockets; the address that the one end sees of the other. */
static void see(int family, const char *from, struct lobby_who *ret)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *to = family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;
    socklen_t len = family == AF_INET ? sizeof four : sizeof six;
    int door = socket(family, SOCK_STREAM, 0), out = socket(family, SOCK_STREAM, 0), in;
    struct sockaddr_in own = {.sin_family = AF_INET};

    if (bind(door, to, len) != 0) {
        (void)close(door);
        (void)close(out);
        skip(); /* no IPv6 here */
    }
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, to, &len), 0);
    if (from != NULL) {
        assert_int_equal(inet_pton(AF_INET, from, &own.sin_addr), 1);
        assert_int_equal(bind(out, (struct sockaddr *)&own, sizeof own), 0);
    }
    assert_int_equal(connect(out, to, len), 0);
    in = accept(door, NULL, NULL);
    assert_true(in >= 0);
    lobby_who_of(in, ret);
    (void)close(in);
    (void)close(out);
    (void)close(door);
}

static void addresses(void **state)
{
    struct lobby_who one, other, none;

    (void)state;
    see(AF_INET, "127.0.0.2", &one);
    see(AF_INET, "127.0.0.3", &other);
    assert_string_equal(one.text, "127.0.0.2");
    assert_string_equal(other.text, "127.0.0.3");
    assert_memory_not_equal(one.key, other.key, sizeof one.key);
    see(AF_INET, "127.0.0.2", &other);
    assert_memory_equal(one.key, other.key, sizeof one.key);
    lobby_who_of(-1, &none);
    assert_string_equal(none.text, "");
    see(AF_INET6, NULL, &one);
    assert_string_equal(one.text, "::1");
    assert_memory_equal(one.key, none.key, sizeof one.key); /* the first half alone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_address, setup),    cmocka_unit_test_setup(untried, setup),
        cmocka_unit_test_setup(many_addresses, setup), cmocka_unit_test_setup(remembered, setup),
        cmocka_unit_test_setup(lines, setup),          cmocka_unit_test_setup(addresses, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
