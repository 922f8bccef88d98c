/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate_test.c: decisions: by hand over the scope grammar, and at random against a second, naive
 * evaluator and the laws that every Cedar evaluator keeps. */
#include "gate/cedar/cedar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cedar_policies *parsed(const char *text)
{
    struct cedar_policies *policies = NULL;
    struct why why = {0};

    if (cedar_parse(slice_str(text), &policies, NULL, &why) != ERR_OK)
        fail_msg("%s\n%s", text, why.text);
    return policies;
}

static struct cedar_entity entity(const char *type, const char *id)
{
    return (struct cedar_entity){slice_str(type), slice_str(id)};
}

/* ---- by hand --------------------------------------------------------------------------------- */

/* U::"ann" is in G::"staff" and that in G::"all"; Action::"read" in Action::"any"; G::"loop" in
 * itself by way of G::"back". */
static const char *const EDGES[][4] = {
    {"U", "ann", "G", "staff"}, {"G", "staff", "G", "all"}, {"Action", "read", "Action", "any"},
    {"F", "f", "D", "d"},       {"U", "eve", "G", "loop"},  {"G", "loop", "G", "back"},
    {"G", "back", "G", "loop"},
};
#define N_EDGES (sizeof EDGES / sizeof *EDGES)

struct row {
    const char *policies;
    const char *principal, *action; /* ids; types U and Action; the resource is F::"f" */
    enum cedar_decision want;
    const char *reasons; /* positions, one digit each */
};

#define ALL "permit(principal, action, resource);"
#define NONE "forbid(principal, action, resource);"
#define WHO(x) "permit(principal " x ", action, resource);"
#define WHAT(x) "permit(principal, action " x ", resource);"
#define ON(x) "permit(principal, action, resource " x ");"

static const struct row ROWS[] = {
    {"", "ann", "read", CEDAR_DENY, ""},
    {ALL, "ann", "read", CEDAR_PERMIT, "0"},
    {NONE, "ann", "read", CEDAR_DENY, "0"},
    {ALL NONE, "ann", "read", CEDAR_DENY, "1"},
    {NONE ALL, "ann", "read", CEDAR_DENY, "0"},
    {ALL NONE ALL NONE, "ann", "read", CEDAR_DENY, "13"},
    {ALL ALL, "ann", "read", CEDAR_PERMIT, "01"},
    {ALL "forbid(principal == U::\"bob\", action, resource);", "ann", "read", CEDAR_PERMIT, "0"},
    {ALL "forbid(principal == U::\"bob\", action, resource);", "bob", "read", CEDAR_DENY, "1"},
    {"forbid(principal == U::\"bob\", action, resource);", "ann", "read", CEDAR_DENY, ""},
    /* principal */
    {WHO("== U::\"ann\""), "ann", "read", CEDAR_PERMIT, "0"},
    {WHO("== U::\"ann\""), "bob", "read", CEDAR_DENY, ""},
    {WHO("== U::\"Ann\""), "ann", "read", CEDAR_DENY, ""},
    {WHO("== U::\"an\""), "ann", "read", CEDAR_DENY, ""},
    {WHO("== u::\"ann\""), "ann", "read", CEDAR_DENY, ""},
    {WHO("== N::U::\"ann\""), "ann", "read", CEDAR_DENY, ""},
    {WHO("== U::\"\\u{61}n\\x6e\""), "ann", "read", CEDAR_PERMIT, "0"},
    {WHO("== G::\"staff\""), "ann", "read", CEDAR_DENY, ""},
    {WHO("in U::\"ann\""), "ann", "read", CEDAR_PERMIT, "0"},
    {WHO("in G::\"staff\""), "ann", "read", CEDAR_PERMIT, "0"},
    {WHO("in G::\"all\""), "ann", "read", CEDAR_PERMIT, "0"},
    {WHO("in G::\"all\""), "bob", "read", CEDAR_DENY, ""},
    {WHO("in G::\"loop\""), "eve", "read", CEDAR_PERMIT, "0"},
    {WHO("in G::\"back\""), "eve", "read", CEDAR_PERMIT, "0"},
    {WHO("in G::\"all\""), "eve", "read", CEDAR_DENY, ""},
    {WHO("in F::\"f\""), "ann", "read", CEDAR_DENY, ""},
    {WHO("is U"), "ann", "read", CEDAR_PERMIT, "0"},
    {WHO("is G"), "ann", "read", CEDAR_DENY, ""},
    {WHO("is N::U"), "ann", "read", CEDAR_DENY, ""},
    {WHO("is U in G::\"all\""), "ann", "read", CEDAR_PERMIT, "0"},
    {WHO("is U in U::\"ann\""), "ann", "read", CEDAR_PERMIT, "0"},
    {WHO("is G in G::\"all\""), "ann", "read", CEDAR_DENY, ""},
    {WHO("is U in G::\"all\""), "bob", "read", CEDAR_DENY, ""},
    /* action */
    {WHAT("== Action::\"read\""), "ann", "read", CEDAR_PERMIT, "0"},
    {WHAT("== Action::\"read\""), "ann", "write", CEDAR_DENY, ""},
    {WHAT("== N::Action::\"read\""), "ann", "read", CEDAR_DENY, ""},
    {WHAT("in Action::\"read\""), "ann", "read", CEDAR_PERMIT, "0"},
    {WHAT("in Action::\"any\""), "ann", "read", CEDAR_PERMIT, "0"},
    {WHAT("in Action::\"any\""), "ann", "write", CEDAR_DENY, ""},
    {WHAT("in []"), "ann", "read", CEDAR_DENY, ""},
    {WHAT("in [Action::\"read\"]"), "ann", "read", CEDAR_PERMIT, "0"},
    {WHAT("in [Action::\"x\", Action::\"write\"]"), "ann", "write", CEDAR_PERMIT, "0"},
    {WHAT("in [Action::\"x\", Action::\"any\"]"), "ann", "read", CEDAR_PERMIT, "0"},
    {WHAT("in [Action::\"x\", Action::\"y\"]"), "ann", "read", CEDAR_DENY, ""},
    /* resource */
    {ON("== F::\"f\""), "ann", "read", CEDAR_PERMIT, "0"},
    {ON("== F::\"g\""), "ann", "read", CEDAR_DENY, ""},
    {ON("in D::\"d\""), "ann", "read", CEDAR_PERMIT, "0"},
    {ON("in D::\"e\""), "ann", "read", CEDAR_DENY, ""},
    {ON("is F"), "ann", "read", CEDAR_PERMIT, "0"},
    {ON("is D"), "ann", "read", CEDAR_DENY, ""},
    {ON("is F in D::\"d\""), "ann", "read", CEDAR_PERMIT, "0"},
    {ON("is D in D::\"d\""), "ann", "read", CEDAR_DENY, ""},
    /* all three must hold */
    {"permit(principal == U::\"ann\", action == Action::\"read\", resource == F::\"f\");", "ann",
     "read", CEDAR_PERMIT, "0"},
    {"permit(principal == U::\"bob\", action == Action::\"read\", resource == F::\"f\");", "ann",
     "read", CEDAR_DENY, ""},
    {"permit(principal == U::\"ann\", action == Action::\"x\", resource == F::\"f\");", "ann",
     "read", CEDAR_DENY, ""},
    {"permit(principal == U::\"ann\", action == Action::\"read\", resource == F::\"g\");", "ann",
     "read", CEDAR_DENY, ""},
};

static void decisions_by_hand(void **state)
{
    struct cedar_parent parents[N_EDGES];
    struct cedar_answer answer;
    (void)state;

    for (size_t i = 0; i < N_EDGES; i++)
        parents[i] = (struct cedar_parent){entity(EDGES[i][0], EDGES[i][1]),
                                           entity(EDGES[i][2], EDGES[i][3])};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = parsed(ROWS[i].policies);
        struct cedar_request request = {entity("U", ROWS[i].principal),
                                        entity("Action", ROWS[i].action), entity("F", "f"), parents,
                                        N_EDGES};
        char reasons[16] = "";

        answer.decision = CEDAR_PERMIT; /* left over from another request */
        assert_int_equal(cedar_evaluate(policies, &request, &answer), ERR_OK);
        for (size_t j = 0; j < answer.n_reasons; j++)
            reasons[j] = (char)('0' + answer.reasons[j]);
        if (answer.decision != ROWS[i].want || strcmp(reasons, ROWS[i].reasons) != 0)
            fail_msg("%s %s %s: got %d by \"%s\", wanted %d by \"%s\"", ROWS[i].policies,
                     ROWS[i].principal, ROWS[i].action, answer.decision, reasons, ROWS[i].want,
                     ROWS[i].reasons);
    }
}

static void without_a_hierarchy_in_is_equality(void **state)
{
    CLEANUP(cedar_free)
    struct cedar_policies *policies = parsed(
        "permit(principal in U::\"ann\", action in Action::\"read\", resource in F::\"f\");");
    struct cedar_request request = {entity("U", "ann"), entity("Action", "read"), entity("F", "f"),
                                    NULL, 0};
    struct cedar_answer answer;
    (void)state;

    assert_int_equal(cedar_evaluate(policies, &request, &answer), ERR_OK);
    assert_int_equal(answer.decision, CEDAR_PERMIT);
    request.resource = entity("F", "g");
    assert_int_equal(cedar_evaluate(policies, &request, &answer), ERR_OK);
    assert_int_equal(answer.decision, CEDAR_DENY);
}

static void an_empty_request_is_no_request(void **state)
{
    CLEANUP(cedar_free) struct cedar_policies *policies = parsed(ALL);
    struct cedar_request good = {entity("U", ""), entity("Action", "x"), entity("F", ""), NULL, 0};
    struct cedar_request bad;
    struct cedar_answer answer = {.decision = CEDAR_PERMIT, .n_reasons = 1};
    (void)state;

    assert_int_equal(cedar_evaluate(policies, &(struct cedar_request){0}, &answer),
                     ERR_REQUEST_MALFORMED);
    assert_int_equal(answer.decision, CEDAR_DENY);
    assert_int_equal(answer.n_reasons, 0);
    bad = good;
    bad.principal.type.len = 0;
    assert_int_equal(cedar_evaluate(policies, &bad, &answer), ERR_REQUEST_MALFORMED);
    bad = good;
    bad.action.type.len = 0;
    assert_int_equal(cedar_evaluate(policies, &bad, &answer), ERR_REQUEST_MALFORMED);
    bad = good;
    bad.resource.type.len = 0;
    assert_int_equal(cedar_evaluate(policies, &bad, &answer), ERR_REQUEST_MALFORMED);
    bad = good;
    bad.n_parents = CEDAR_PARENTS_MAX + 1;
    assert_int_equal(cedar_evaluate(policies, &bad, &answer), ERR_TOO_LARGE);
    assert_int_equal(cedar_evaluate(policies, &good, &answer), ERR_OK);
    assert_int_equal(answer.decision, CEDAR_PERMIT);
}

static void a_full_set_has_room_for_its_reasons(void **state)
{
    CLEANUP(buf_free) struct buf text = {0};
    struct cedar_policies *policies;
    struct cedar_request request = {entity("U", ""), entity("Action", "x"), entity("F", ""), NULL,
                                    0};
    struct cedar_answer *answer = calloc(1, sizeof *answer);
    (void)state;

    assert_non_null(answer);
    for (size_t i = 0; i < CEDAR_POLICIES_MAX; i++)
        assert_int_equal(buf_add_str(&text, i % 2 ? NONE : ALL), ERR_OK);
    assert_int_equal(buf_terminate(&text), ERR_OK);
    policies = parsed((const char *)text.ptr);
    assert_int_equal(cedar_evaluate(policies, &request, answer), ERR_OK);
    assert_int_equal(answer->n_reasons, CEDAR_POLICIES_MAX / 2);
    assert_int_equal(answer->reasons[0], 1);
    assert_int_equal(answer->reasons[answer->n_reasons - 1], CEDAR_POLICIES_MAX - 1);
    cedar_free(&policies);
    free(answer);
}

/* ---- at random ------------------------------------------------------------------------------- */

#define ROUNDS 4000
#define N_TYPES 3
#define N_IDS 3
#define N_ENTITIES (N_TYPES * N_IDS)
#define MAX_RULES 6
#define MAX_ARCS 8

static const char *const TYPES[N_TYPES] = {"Action", "N::Action", "U"};
static const char *const IDS[N_IDS] = {"", "a", "a\"b"};
static const char *const WRITTEN[N_IDS] = {"", "a", "a\\\"b"};

/* An entity is a number: type * N_IDS + id. */
struct demand {
    enum cedar_match match;
    unsigned type, entity, list[3], n_list;
};
struct rule {
    bool permit;
    struct demand on[3];
};
struct scene {
    struct rule rules[MAX_RULES];
    size_t n_rules;
    unsigned arcs[MAX_ARCS][2], request[3];
    size_t n_arcs;
};

/* xorshift64 (Marsaglia): the same scenes on every machine. */
static unsigned below(uint64_t *seed, unsigned n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (unsigned)(*seed >> 33) % n;
}

static struct scene invent(uint64_t *seed)
{
    struct scene s = {.n_rules = below(seed, MAX_RULES + 1), .n_arcs = below(seed, MAX_ARCS + 1)};

    for (size_t i = 0; i < s.n_rules; i++) {
        s.rules[i].permit = below(seed, 3) > 0;
        for (unsigned j = 0; j < 3; j++) {
            struct demand *d = &s.rules[i].on[j];
            static const enum cedar_match SUBJECT[] = {CEDAR_ANY, CEDAR_ANY, CEDAR_ANY,  CEDAR_EQ,
                                                       CEDAR_IN,  CEDAR_IS,  CEDAR_IS_IN};
            static const enum cedar_match ACTION[] = {CEDAR_ANY, CEDAR_ANY, CEDAR_ANY,
                                                      CEDAR_EQ,  CEDAR_IN,  CEDAR_IN_LIST};
            /* actions: the first two types only */
            unsigned most = j == 1 ? 2 * N_IDS : N_ENTITIES;

            d->match = j == 1 ? ACTION[below(seed, 6)] : SUBJECT[below(seed, 7)];
            d->type = below(seed, N_TYPES);
            d->entity = below(seed, most);
            d->n_list = below(seed, 4);
            for (unsigned k = 0; k < 3; k++)
                d->list[k] = below(seed, most);
        }
    }
    for (size_t i = 0; i < s.n_arcs; i++) {
        s.arcs[i][0] = below(seed, N_ENTITIES);
        s.arcs[i][1] = below(seed, N_ENTITIES);
    }
    for (unsigned j = 0; j < 3; j++)
        s.request[j] = below(seed, N_ENTITIES);
    return s;
}

static void print(struct buf *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(struct buf *text, const char *format, ...)
{
    char part[200];
    va_list args;

    va_start(args, format);
    vsnprintf(part, sizeof part, format, args);
    va_end(args);
    assert_int_equal(buf_add_str(text, part), ERR_OK);
}

static void print_entity(struct buf *text, unsigned e)
{
    print(text, "%s::\"%s\"", TYPES[e / N_IDS], WRITTEN[e % N_IDS]);
}

static void print_demand(struct buf *text, const struct demand *d)
{
    if (d->match == CEDAR_IS || d->match == CEDAR_IS_IN)
        print(text, " is %s", TYPES[d->type]);
    if (d->match == CEDAR_EQ || d->match == CEDAR_IN || d->match == CEDAR_IS_IN) {
        print(text, d->match == CEDAR_EQ ? " == " : " in ");
        print_entity(text, d->entity);
    }
    if (d->match != CEDAR_IN_LIST)
        return;
    print(text, " in [");
    for (unsigned i = 0; i < d->n_list; i++) {
        print_entity(text, d->list[i]);
        print(text, i % 2 == 1 && i + 1 == d->n_list ? "" : ",");
    }
    print(text, "]");
}

static void print_rules(struct buf *text, const struct scene *s)
{
    static const char *const WORDS[3] = {"principal", "action", "resource"};

    for (size_t i = 0; i < s->n_rules; i++) {
        print(text, s->rules[i].permit ? "permit(" : "forbid(");
        for (unsigned j = 0; j < 3; j++) {
            print(text, "%s", WORDS[j]);
            print_demand(text, &s->rules[i].on[j]);
            print(text, j < 2 ? ", " : ");\n");
        }
    }
}

/* The definition of "in", taken literally: depth bounds the walk, for cycles. */
static bool naive_in(const struct scene *s, unsigned a, unsigned b, unsigned depth)
{
    if (a == b)
        return true;
    for (size_t i = 0; depth > 0 && i < s->n_arcs; i++)
        if (s->arcs[i][0] == a && naive_in(s, s->arcs[i][1], b, depth - 1))
            return true;
    return false;
}

static bool naive_match(const struct scene *s, const struct demand *d, unsigned e)
{
    bool in = naive_in(s, e, d->entity, MAX_ARCS), is = e / N_IDS == d->type, listed = false;

    for (unsigned i = 0; i < d->n_list; i++)
        listed = listed || naive_in(s, e, d->list[i], MAX_ARCS);
    return d->match == CEDAR_ANY || (d->match == CEDAR_EQ && e == d->entity) ||
           (d->match == CEDAR_IN && in) || (d->match == CEDAR_IS && is) ||
           (d->match == CEDAR_IS_IN && is && in) || (d->match == CEDAR_IN_LIST && listed);
}

/* Satisfied rules of this effect, as a set of bits. */
static unsigned naive(const struct scene *s, bool permit)
{
    unsigned set = 0;

    for (size_t i = 0; i < s->n_rules; i++)
        if (s->rules[i].permit == permit && naive_match(s, &s->rules[i].on[0], s->request[0]) &&
            naive_match(s, &s->rules[i].on[1], s->request[1]) &&
            naive_match(s, &s->rules[i].on[2], s->request[2]))
            set |= 1u << i;
    return set;
}

struct verdict {
    enum cedar_decision decision;
    unsigned reasons;
};

static struct verdict ours(const struct scene *s)
{
    CLEANUP(buf_free) struct buf text = {0};
    struct cedar_policies *policies;
    struct cedar_parent parents[MAX_ARCS];
    struct cedar_entity all[N_ENTITIES];
    struct cedar_answer answer;
    struct verdict v = {0};

    print_rules(&text, s);
    assert_int_equal(buf_terminate(&text), ERR_OK);
    policies = parsed((const char *)text.ptr);
    for (unsigned i = 0; i < N_ENTITIES; i++)
        all[i] = entity(TYPES[i / N_IDS], IDS[i % N_IDS]);
    for (size_t i = 0; i < s->n_arcs; i++)
        parents[i] = (struct cedar_parent){all[s->arcs[i][0]], all[s->arcs[i][1]]};
    assert_int_equal(cedar_evaluate(policies,
                                    &(struct cedar_request){all[s->request[0]], all[s->request[1]],
                                                            all[s->request[2]], parents, s->n_arcs},
                                    &answer),
                     ERR_OK);
    v.decision = answer.decision;
    for (size_t i = 0; i < answer.n_reasons; i++)
        v.reasons |= 1u << answer.reasons[i];
    cedar_free(&policies);
    return v;
}

static void complain(const struct scene *s, uint64_t seed, const char *law, struct verdict got,
                     struct verdict want)
{
    CLEANUP(buf_free) struct buf text = {0};

    print_rules(&text, s);
    assert_int_equal(buf_terminate(&text), ERR_OK);
    fail_msg("%s (seed %llx)\n%sgot %d by 0x%x, wanted %d by 0x%x", law, (unsigned long long)seed,
             (const char *)text.ptr, got.decision, got.reasons, want.decision, want.reasons);
}

static void the_naive_evaluator_agrees(void **state)
{
    uint64_t seed = 0x9e3779b97f4a7c15;
    unsigned permits = 0, forbids = 0;
    (void)state;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t start = seed;
        struct scene s = invent(&seed);
        struct verdict got = ours(&s), want = {0};

        want.reasons = naive(&s, false);
        if (want.reasons == 0)
            want.reasons = naive(&s, true);
        want.decision = naive(&s, false) == 0 && want.reasons != 0 ? CEDAR_PERMIT : CEDAR_DENY;
        if (got.decision != want.decision || got.reasons != want.reasons)
            complain(&s, start, "naive evaluator", got, want);
        permits += want.decision == CEDAR_PERMIT;
        forbids += naive(&s, false) != 0;
    }
    /* the scenes are of every kind */
    assert_in_range(permits, ROUNDS / 10, ROUNDS * 9 / 10);
    assert_in_range(forbids, ROUNDS / 10, ROUNDS * 9 / 10);
}

/* Order and repetition of policies do not matter; a forbid never adds access, a permit never takes
 * it away; without a permit everything is denied. */
static void the_laws_hold(void **state)
{
    uint64_t seed = 0xd1b54a32d192ed03;
    (void)state;

    for (unsigned i = 0; i < ROUNDS / 4; i++) {
        uint64_t start = seed;
        struct scene s = invent(&seed), other = s;
        struct verdict v = ours(&s), w;

        for (size_t j = 0; j < s.n_rules; j++)
            other.rules[j] = s.rules[s.n_rules - 1 - j];
        w = ours(&other);
        if (v.decision != w.decision)
            complain(&s, start, "order", v, w);

        other = s;
        if (s.n_rules > 0 && s.n_rules < MAX_RULES)
            other.rules[other.n_rules++] = s.rules[below(&seed, (unsigned)s.n_rules)];
        w = ours(&other);
        if (v.decision != w.decision)
            complain(&s, start, "repetition", v, w);

        other = s;
        for (size_t j = 0; j < s.n_rules; j++)
            other.rules[j].permit = false;
        w = ours(&other);
        if (w.decision != CEDAR_DENY)
            complain(&other, start, "no permit", w, v);

        for (size_t j = 0; j < s.n_rules; j++) {
            other = s; /* without rule j */
            other.rules[j] = s.rules[--other.n_rules];
            w = ours(&other);
            if (s.rules[j].permit ? w.decision == CEDAR_PERMIT && v.decision == CEDAR_DENY
                                  : v.decision == CEDAR_PERMIT && w.decision == CEDAR_DENY)
                complain(&s, start, "monotony", v, w);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_by_hand),
        cmocka_unit_test(without_a_hierarchy_in_is_equality),
        cmocka_unit_test(an_empty_request_is_no_request),
        cmocka_unit_test(a_full_set_has_room_for_its_reasons),
        cmocka_unit_test(the_naive_evaluator_agrees),
        cmocka_unit_test(the_laws_hold),
    };
    return cmocka_run_group_tests_name("cedar_evaluate", tests, NULL, NULL);
}
