/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/succession.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Records are laid out as record_parse() leaves them; nothing here looks at signatures. */
struct setting {
    struct succession s;
    struct record record;
    struct digest key; /* of the session */
    char session[RECORD_UUID_TEXT], id[RECORD_UUID_TEXT], attempts[2][RECORD_UUID_TEXT];
    uint64_t number, round;
};

static struct why why; /* of the last refusal */

static int set_up(void **state)
{
    struct setting *t = calloc(1, sizeof *t);

    assert_non_null(t);
    assert_int_equal(succession_init(&t->s, NULL), ERR_OK);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *t = *state;

    succession_free(&t->s);
    free(t);
    return 0;
}

static void name(struct setting *t, char ret[static RECORD_UUID_TEXT])
{
    (void)snprintf(ret, RECORD_UUID_TEXT, "0199c82c-c000-7000-8000-%012x", (unsigned)++t->number);
}

/* Capitals begin: R key_rotation, S start, A and B attempts of two agents; a and b their outcomes,
 * c the outcome of A's attempt by B, d one of another request; T stop; I install; E enrol; L and K
 * hardware_lost and hardware_back; N enrols an agent, M one that belongs to it, O one that is the
 * same processes as N's; n, m and o remove them. */
static enum record_kind kind_of(char letter)
{
    switch (letter) {
    case 'R':
        return RECORD_KEY_ROTATION;
    case 'S':
        return RECORD_START;
    case 'A':
    case 'B':
        return RECORD_ATTEMPT;
    case 'T':
        return RECORD_STOP;
    case 'I':
        return RECORD_INSTALL;
    case 'E':
        return RECORD_ENROL;
    case 'L':
        return RECORD_HARDWARE_LOST;
    case 'K':
        return RECORD_HARDWARE_BACK;
    case 'N':
    case 'M':
    case 'O':
        return RECORD_AGENT_ENROL;
    case 'n':
    case 'm':
    case 'o':
        return RECORD_AGENT_REMOVE;
    default:
        return RECORD_DECISION;
    }
}

static struct record_agent agent_of(char letter)
{
    struct record_agent ret = {
        .id = slice_str(strchr("Nn", letter) != NULL   ? "n"
                        : strchr("Mm", letter) != NULL ? "m"
                                                       : "o"),
        .name = slice_str("somebody"),
        .n_aliases = 1,
        .aliases = {slice_str("base")},
    };

    if (letter == 'N' || letter == 'O') {
        ret.has_uid = true;
        ret.uid = 7;
        ret.cgroup = slice_str("/a");
    }
    if (letter == 'M')
        ret.parent = slice_str("n");
    return ret;
}

static void lay_out(struct setting *t, char letter)
{
    bool second = letter == 'B' || letter == 'b' || letter == 'c';
    const struct succession_head *head = &t->s.head;
    enum record_kind kind = kind_of(letter);
    struct record_link link;

    name(t, t->id);
    if (kind == RECORD_KEY_ROTATION) {
        name(t, t->session);
        t->key.bytes[0]++;
    }
    t->record = (struct record){
        .kind = kind,
        .issuer = slice_str("gate"),
        .agent_id = slice_str(!record_is_agents(kind) ? "gate"
                              : second                ? "b"
                                                      : "a"),
        .record_id = slice_str(t->id),
        .session_id = slice_str(t->session),
        .action_ms = 1000 + t->s.head.entries / 2,
        .epoch = 7,
        .has_snapshot = true,
        .kid = t->key,
        .input.bytes = {letter == 'd' ? 2 : 1},
        .chain_hash.bytes = {(uint8_t)t->number, (uint8_t)(t->number >> 8), 1},
    };
    if (kind == RECORD_KEY_ROTATION) {
        t->record.input = t->key;
        t->round++;
    }
    t->record.round = t->round;
    if (kind == RECORD_START)
        t->record.start = (struct record_start){
            .clean = head->clean, .last_size = head->began, .last_round = head->key_round - 1};
    if (kind == RECORD_AGENT_ENROL || kind == RECORD_AGENT_REMOVE)
        t->record.agent = agent_of(letter);
    if (kind == RECORD_DECISION)
        t->record.decision.attempt = slice_str(t->attempts[letter == 'b']);
    assert_int_equal(succession_link(&t->s, t->record.agent_id, &link, &why), ERR_OK);
    t->record.link = link;
}

static err_code take(struct setting *t)
{
    err_code err = succession_take(&t->s, &t->record, &why);

    if (err == ERR_OK && t->record.kind == RECORD_ATTEMPT)
        memcpy(t->attempts[slice_eq_str(t->record.agent_id, "b")], t->id, sizeof t->id);
    return err;
}

static void take_all(struct setting *t, const char *script, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        lay_out(t, script[i]);
        if (take(t) != ERR_OK)
            fail_msg("%s: %c at %zu: %s", script, script[i], i, why.text);
    }
}

static void begin_again(struct setting *t)
{
    succession_free(&t->s);
    assert_int_equal(succession_init(&t->s, NULL), ERR_OK);
    memset(t->attempts, 0, sizeof t->attempts);
}

/* All but the last are good; the last is as it says, with and without settling before it. */
static void places(void **state)
{
    static const struct {
        const char *script;
        bool good;
    } CASES[] = {
        {"R", true},       {"S", false},      {"I", false},     {"A", false},
        {"T", false},      {"RS", true},      {"RR", true},     {"RI", false},
        {"RA", false},     {"RT", false},     {"RSS", false},   {"RSIS", false},
        {"RST", true},     {"RSTI", false},   {"RSTS", false},  {"RSTT", false},
        {"RSTA", false},   {"RSTR", true},    {"RSTRS", true},  {"RSTRI", false},
        {"RSR", true},     {"RSRS", true},    {"RSIER", true},  {"RSIELK", true},
        {"RSAa", true},    {"RSa", false},    {"RSAaa", false}, {"RSAb", false},
        {"RSAc", false},   {"RSAd", false},   {"RSABba", true}, {"RSABab", true},
        {"RSAAa", true},   {"RSABa", true},   {"RSAT", false},  {"RSAaT", true},
        {"RSABaT", false}, {"RSARSa", false}, {"RSARST", true}, {"RSAaRSa", false},
        {"RSARSAa", true}, {"RSTRSa", false}, {"RSALKa", true}, {"RSN", true},
        {"N", false},      {"RN", false},     {"RSTN", false},  {"RSn", false},
        {"RSNN", false},   {"RSNn", true},    {"RSNnn", false}, {"RSNnN", true},
        {"RSM", false},    {"RSNM", true},    {"RSNMn", false}, {"RSNMmn", true},
        {"RSNMm", true},   {"RSNMmM", true},  {"RSNnM", false}, {"RSNO", false},
        {"RSNnO", true},   {"RSO", true},     {"RSON", false},  {"RSNTRSN", false},
        {"RSNTRSn", true}, {"RSNRSM", true},
    };
    struct setting *t = *state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        for (int settled = 0; settled < 2; settled++) {
            size_t n = strlen(CASES[i].script) - 1;
            struct succession_head before;
            err_code err;

            begin_again(t);
            take_all(t, CASES[i].script, n);
            if (settled == 1)
                succession_settle(&t->s);
            lay_out(t, CASES[i].script[n]);
            before = t->s.head;
            err = take(t);
            if (err != (CASES[i].good ? ERR_OK : ERR_LEDGER_INCONSISTENT))
                fail_msg("%s: %s: %s", CASES[i].script, err_name(err), why.text);
            if (!CASES[i].good)
                assert_memory_equal(&before, &t->s.head, sizeof before);
        }
}

/* What is not known is not judged, and changes nothing. */
static void roster_that_is_not_known(void **state)
{
    struct setting *t = *state;

    take_all(t, "RSN", 3);
    t->s.roster_unknown = true;
    take_all(t, "NmnoM", 5);
    assert_int_equal(t->s.roster.n, 1);
    succession_undo(&t->s, 2);
    assert_int_equal(t->s.roster.n, 0);
}

static void same_id(void **state)
{
    struct setting *t = *state;

    take_all(t, "RSA", 3);
    lay_out(t, 'B');
    t->record.record_id = slice_str(t->attempts[0]);
    assert_int_equal(take(t), ERR_LEDGER_INCONSISTENT);
    lay_out(t, 'a');
    assert_int_equal(take(t), ERR_OK);
    assert_int_equal(t->s.head.open, 0);
}

static void interrupted(void **state)
{
    struct setting *t = *state;

    take_all(t, "RSABRSAa", 8);
    assert_int_equal(t->s.head.interrupted, 2);
    assert_int_equal(t->s.head.open, 0);
    assert_int_equal(t->s.head.sessions, 2);
    succession_settle(&t->s);
    assert_int_equal(t->s.attempts.n, 0);
    take_all(t, "ABBa", 4);
    succession_settle(&t->s);
    assert_int_equal(t->s.attempts.n, 2);
    assert_int_equal(t->s.head.open, 2);
}

/* What a start says of the time before it has to be so. */
static void starts_that_lie(void **state)
{
    static const char *const BEFORE[] = {"R", "RSR", "RSTR", "RSAaTR"};
    static const bool CLEAN[] = {true, false, true, true};
    struct setting *t = *state;

    for (size_t i = 0; i < 4; i++)
        for (int lie = 0; lie < 5; lie++) {
            begin_again(t);
            take_all(t, BEFORE[i], strlen(BEFORE[i]));
            assert_int_equal(t->s.head.clean, CLEAN[i]);
            lay_out(t, 'S');
            t->record.start.clean ^= lie == 1;
            t->record.start.last_size += lie == 2;
            t->record.start.last_size -= lie == 3;
            t->record.start.last_round += lie == 4;
            if (take(t) != (lie == 0 ? ERR_OK : ERR_LEDGER_INCONSISTENT))
                fail_msg("%s, lie %d", BEFORE[i], lie);
        }
}

static void rounds_rise(void **state)
{
    struct setting *t = *state;

    t->round = 40;
    take_all(t, "RS", 2);
    for (uint64_t round = 39; round < 43; round++) {
        lay_out(t, 'R');
        t->record.round = round;
        assert_int_equal(take(t), round <= 41 ? ERR_LEDGER_INCONSISTENT : ERR_OK);
    }
    t->round = 45;
    take_all(t, "SA", 2);
    for (uint64_t round = 44; round < 47; round++) { /* an entry of the gate: the same, or later */
        lay_out(t, 'L');
        t->record.round = round;
        assert_int_equal(take(t), round < 45 ? ERR_LEDGER_INCONSISTENT : ERR_OK);
    }
}

/* ---- taking back ----------------------------------------------------------------------------- */

struct seen {
    struct succession_head head;
    struct record_link links[3];
    size_t issuer, agents, open, enrolled, places, bytes, children;
    uint64_t changed;
    struct digest sums[4];
    struct attempt attempts[8];
};

static struct seen look(const struct setting *t)
{
    static const char *const AGENTS[] = {"gate", "a", "b"};
    const struct succession *s = &t->s;
    struct seen ret;

    memset(&ret, 0, sizeof ret); /* compared as a whole */
    ret.head = s->head;
    ret.issuer = s->issuer.len;
    ret.agents = s->agents.n;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(succession_link(s, slice_str(AGENTS[i]), &ret.links[i], &why), ERR_OK);
    for (size_t i = 0; i < s->attempts.n; i++)
        if (!s->attempts.list[i].closed && s->attempts.list[i].session == s->head.sessions)
            ret.attempts[ret.open++] = s->attempts.list[i];
    ret.enrolled = s->roster.n;
    ret.places = s->roster.n_places;
    ret.bytes = s->roster.bytes;
    ret.changed = s->roster.changed;
    for (size_t i = 0; i < s->roster.n; i++) {
        ret.sums[i] = s->roster.list[i]->sum;
        ret.children += s->roster.list[i]->children << (8 * i);
    }
    return ret;
}

/* Taken back to any length, it is what it was there; and nothing of it is left in the end. */
static void taken_back(void **state)
{
    static const char SCRIPT[] = "RSEIANaBMAbmaRSABnabOITRSABoNMRS";
    static struct seen seen[40];
    struct setting *t = *state;
    size_t n = sizeof SCRIPT - 1;

    for (size_t settle = 0; settle < n; settle++) {
        begin_again(t);
        for (size_t i = 0; i < n; i++) {
            if (i == settle)
                succession_settle(&t->s);
            seen[i] = look(t);
            take_all(t, SCRIPT + i, 1);
        }
        assert_int_equal(t->s.n_undo, n - settle);
        for (size_t i = n; i-- > settle;) {
            struct seen now;

            succession_undo(&t->s, i - settle);
            now = look(t);
            if (memcmp(&now, &seen[i], sizeof now) != 0)
                fail_msg("settled at %zu, taken back to %zu", settle, i);
        }
    }
}

#define WITH_SETTING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SETTING(places),
        WITH_SETTING(same_id),
        WITH_SETTING(roster_that_is_not_known),
        WITH_SETTING(interrupted),
        WITH_SETTING(starts_that_lie),
        WITH_SETTING(rounds_rise),
        WITH_SETTING(taken_back),
    };
    return cmocka_run_group_tests_name("succession", tests, NULL, NULL);
}
