/* SPDX-License-Identifier: Apache-2.0 */
/* record_members_test.c: every member of every kind: missing, of another type, too long, empty, out
 * of its place, repeated, and with a stranger beside it; in the member "pawl", in the payload and
 * in the protected header. All under good signatures and with hashes that fit. */
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/record_members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAIRS_MAX 32

/* An encoded map, in pieces. */
struct pairs {
    size_t n;
    struct slice key[PAIRS_MAX], value[PAIRS_MAX];
};

static struct pairs pairs_of(struct slice map)
{
    struct cbor_reader r = {.rest = map};
    struct pairs ret = {.n = cbor_get_map(&r)};

    assert_in_range(ret.n, 1, PAIRS_MAX - 1);
    for (size_t i = 0; i < ret.n; i++) {
        ret.key[i] = cbor_get_item(&r);
        ret.value[i] = cbor_get_item(&r);
    }
    assert_int_equal(cbor_done(&r), ERR_OK);
    return ret;
}

static void join(const struct pairs *pairs, struct buf *ret)
{
    if (pairs->n < 24)
        assert_int_equal(buf_add_u8(ret, (uint8_t)(0xa0 + pairs->n)), ERR_OK);
    else
        assert_int_equal(buf_add_u16(ret, (uint16_t)(0xb800 + pairs->n)), ERR_OK);
    for (size_t i = 0; i < pairs->n; i++) {
        assert_int_equal(buf_add_slice(ret, pairs->key[i]), ERR_OK);
        assert_int_equal(buf_add_slice(ret, pairs->value[i]), ERR_OK);
    }
}

/* ---- what is done to a map ------------------------------------------------------------------- */

enum change {
    AS_IT_IS,
    MISSING,
    OTHER_TYPE, /* a map, which no member is, or for those that are, a null */
    SWAPPED,    /* with the next one */
    REPEATED,
    STRANGER, /* an unknown member at the end */
    EMPTY,    /* a text or byte string without content, or an empty array */
    CHANGES,
};
static const char *const NAMES[CHANGES] = {"as it is", "missing",  "other type", "swapped",
                                           "repeated", "stranger", "empty"};

static void drop(struct pairs *p, size_t i)
{
    p->n--;
    for (; i < p->n; i++) {
        p->key[i] = p->key[i + 1];
        p->value[i] = p->value[i + 1];
    }
}

static void add(struct pairs *p, size_t at, struct slice key, struct slice value)
{
    for (size_t i = p->n; i > at; i--) {
        p->key[i] = p->key[i - 1];
        p->value[i] = p->value[i - 1];
    }
    p->key[at] = key;
    p->value[at] = value;
    p->n++;
}

/* False if there is no such change to this member. */
static bool changed(struct pairs *p, size_t i, enum change change)
{
    static const uint8_t NUL[] = {0xf6}, MAP[] = {0xa0}, BYTES[] = {0x40}, TEXT[] = {0x60},
                         ARRAY[] = {0x80};
    static const uint8_t LAST[] = "\x78\x18zzzzzzzzzzzzzzzzzzzzzzzz";
    struct slice key = p->key[i], value = p->value[i];
    uint8_t major = value.ptr[0] >> 5;

    switch (change) {
    case MISSING:
        drop(p, i);
        return true;
    case OTHER_TYPE:
        p->value[i] = major == 5 ? SLICE_OF(NUL) : SLICE_OF(MAP);
        return true;
    case SWAPPED:
        if (i + 1 == p->n)
            return false;
        drop(p, i);
        add(p, i + 1, key, value);
        return true;
    case REPEATED:
        add(p, i, key, value);
        return true;
    case STRANGER:
        add(p, p->n, (struct slice){LAST, sizeof LAST - 1}, SLICE_OF(NUL));
        return i == 1;
    case EMPTY:
        p->value[i] = major == 2 ? SLICE_OF(BYTES) : major == 3 ? SLICE_OF(TEXT) : SLICE_OF(ARRAY);
        return major >= 2 && major <= 4 && value.len > 1;
    case AS_IT_IS:
    case CHANGES:
        break;
    }
    return i == 0;
}

/* ---- what becomes of the record -------------------------------------------------------------- */

enum part {
    OWN,
    PAYLOAD,
    HEADER,
};

struct setting {
    struct testing t;
    struct record *got;
    size_t judged;
};

static struct record *make(struct testing *t, enum record_kind kind)
{
    struct record_link link = {.sequence = 1};
    struct record *made = testing_record(t, kind, "agent-1", &link);

    if (kind == RECORD_DECISION)
        made->decision.attempt = slice_str("0199c82c-c000-7000-8000-000000000001");
    if (kind == RECORD_KEY_ROTATION)
        made->rotation.certs[made->rotation.n_certs++] = slice_str("a certificate");
    return made;
}

/* The payload with another member "pawl", which is its first, and the outcome_hash of that. */
static void put_own(struct buf *payload, const struct buf *own)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct pairs pairs = pairs_of(buf_slice(payload));
    struct digest before, after;

    assert_int_equal(hash_sha256(pairs.value[0], &before), ERR_OK);
    assert_int_equal(hash_sha256(buf_slice(own), &after), ERR_OK);
    pairs.value[0] = buf_slice(own);
    join(&pairs, &out);
    testing_replace(&out, &before, &after);
    buf_free(payload);
    *payload = buf_take(&out);
}

static struct slice part_of(const struct record_draft *draft, enum part part)
{
    if (part == HEADER)
        return buf_slice(&draft->protected_);
    return part == PAYLOAD ? buf_slice(&draft->payload)
                           : pairs_of(buf_slice(&draft->payload)).value[0];
}

static void put_part(struct record_draft *draft, enum part part, struct buf *changed)
{
    struct buf *whole = part == HEADER ? &draft->protected_ : &draft->payload;

    if (part == OWN) {
        put_own(whole, changed);
        return;
    }
    buf_free(whole);
    *whole = buf_take(changed);
}

/* The answer to a record one part of which has been put together anew. */
static err_code judge(struct setting *s, const struct record *made, enum part part,
                      const struct pairs *pairs, struct why *why)
{
    struct hw_signer *signer = made->kind == RECORD_KEY_ROTATION ? s->t.hardware : s->t.statement;
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    CLEANUP(buf_free) struct buf bytes = {0}, joined = {0};
    struct digest content;

    assert_int_equal(record_prepare(&signer->key, made, &draft, why), ERR_OK);
    assert_int_equal(hash_sha256(buf_slice(&draft.payload), &content), ERR_OK);
    join(pairs, &joined);
    put_part(&draft, part, &joined);
    testing_sign_again(signer, &draft, made, &content, &bytes);
    s->judged++;
    return record_parse(buf_slice(&bytes), s->got, why);
}

/* What may be missing or empty, according to docs/ledger.cddl. */
static bool may_be(enum record_kind kind, enum part part, struct slice key, enum change change)
{
    static const char *const OPTIONAL[] = {"uid", "name", "zone", "cgroup", "parent"};
    bool snapshot = kind != RECORD_ATTEMPT && kind != RECORD_DECISION && kind != RECORD_INSTALL &&
                    kind != RECORD_BUMP && kind != RECORD_REVOCATION;
    struct cbor_reader r = {.rest = key};
    struct slice name = cbor_get_text(&r);

    if (change == AS_IT_IS)
        return true;
    if (part == OWN && change == MISSING && kind == RECORD_AGENT_ENROL)
        for (size_t i = 0; i < sizeof OPTIONAL / sizeof *OPTIONAL; i++)
            if (slice_eq_str(name, OPTIONAL[i]))
                return true;
    if (part == OWN && change == MISSING)
        return snapshot && slice_eq_str(name, "snapshot");
    return part == OWN && change == EMPTY &&
           (slice_eq_str(name, "determining") || slice_eq_str(name, "certificates") ||
            slice_eq_str(name, "aliases"));
}

static void try_all(struct setting *s, enum record_kind kind, enum part part)
{
    struct record *made = make(&s->t, kind);
    struct hw_signer *signer = kind == RECORD_KEY_ROTATION ? s->t.hardware : s->t.statement;
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    struct pairs whole;
    struct why why = {0};

    assert_int_equal(record_prepare(&signer->key, made, &draft, &why), ERR_OK);
    whole = pairs_of(part_of(&draft, part));
    for (size_t i = 0; i < whole.n; i++)
        for (enum change change = AS_IT_IS; change < CHANGES; change++) {
            struct pairs pairs = whole;
            bool may = may_be(kind, part, whole.key[i], change);
            err_code err;

            if (!changed(&pairs, i, change))
                continue;
            if (part == PAYLOAD && i == 0 && change != AS_IT_IS)
                continue; /* there is no hash of a "pawl" that is not there */
            err = judge(s, made, part, &pairs, &why);
            if ((err == ERR_OK) != may)
                fail_msg("%s of %s, item %zu (%.*s) %s: %s", part == OWN ? "pawl" : "the rest",
                         record_kind_name(kind), i, (int)whole.key[i].len,
                         (const char *)whole.key[i].ptr, NAMES[change], err_name(err));
        }
    free(made);
}

static void every_member_of_every_kind(void **state)
{
    struct setting *s = *state;

    for (enum record_kind kind = RECORD_NONE + 1; kind < RECORD_KINDS; kind++)
        for (enum part part = OWN; part <= HEADER; part++)
            try_all(s, kind, part);
    assert_true(s->judged > (size_t)16 * (8 + 20 + 10) * 3);
}

/* ---- texts and numbers beyond their limits --------------------------------------------------- */

static size_t limit_of(enum record_kind kind, struct slice key)
{
    static const char *const LONG[] = {"action", "log", "parent"}, *const SHORT[] = {"attempt",
                                                                                     "event",
                                                                                     "decision"};
    struct cbor_reader r = {.rest = key};
    struct slice name = cbor_get_text(&r);
    bool people = kind == RECORD_OVERRIDE || kind == RECORD_APPROVAL || kind == RECORD_REVOCATION;

    for (size_t i = 0; i < sizeof LONG / sizeof *LONG; i++)
        if (slice_eq_str(name, LONG[i]))
            return 1024;
    for (size_t i = 0; i < sizeof SHORT / sizeof *SHORT; i++)
        if (slice_eq_str(name, SHORT[i]))
            return 0;
    if (kind == RECORD_REVOCATION && slice_eq_str(name, "what"))
        return 0;
    if (slice_eq_str(name, "cgroup") || slice_eq_str(name, "id")) /* not any text is one */
        return 0;
    return people && slice_eq_str(name, "reason") ? 1024 : 256;
}

static void put_text_of(size_t len, struct buf *ret)
{
    assert_int_equal(buf_add_u8(ret, 0x79), ERR_OK);
    assert_int_equal(buf_add_u16(ret, (uint16_t)len), ERR_OK);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(buf_add_u8(ret, 'x'), ERR_OK);
}

static void texts_up_to_their_limits(void **state)
{
    struct setting *s = *state;
    size_t texts = 0;

    for (enum record_kind kind = RECORD_NONE + 1; kind < RECORD_KINDS; kind++) {
        struct record *made = make(&s->t, kind);
        struct hw_signer *signer = kind == RECORD_KEY_ROTATION ? s->t.hardware : s->t.statement;
        CLEANUP(record_draft_free) struct record_draft draft = {0};
        struct pairs whole;
        struct why why = {0};

        if (kind == RECORD_DECISION) { /* a permit has one reason alone */
            made->decision.permit = false;
            made->decision.reason = slice_str("DENIED");
        }
        assert_int_equal(record_prepare(&signer->key, made, &draft, &why), ERR_OK);
        whole = pairs_of(part_of(&draft, OWN));
        for (size_t i = 0; i < whole.n; i++) {
            size_t max = limit_of(kind, whole.key[i]);

            for (size_t len = max; whole.value[i].ptr[0] >> 5 == 3 && max > 0 && len <= max + 1;
                 len++) {
                CLEANUP(buf_free) struct buf text = {0};
                struct pairs pairs = whole;
                err_code err, want = len > max ? ERR_TOO_LARGE : ERR_OK;

                put_text_of(len, &text);
                pairs.value[i] = buf_slice(&text);
                err = judge(s, made, OWN, &pairs, &why);
                if (err != want)
                    fail_msg("%.*s of %s with %zu bytes: %s", (int)whole.key[i].len,
                             (const char *)whole.key[i].ptr, record_kind_name(kind), len,
                             err_name(err));
                texts++;
            }
        }
        free(made);
    }
    assert_true(texts > 60);
}

/* ---- what members have to do with each other ------------------------------------------------- */

static void until_now(struct record *r)
{
    r->consent.until_ms = r->action_ms;
}
static void by_nobody(struct record *r)
{
    r->consent.n_by = 0;
}
static void by_one_twice(struct record *r)
{
    r->consent.by[1] = r->consent.by[0];
}
static void by_too_many(struct record *r)
{
    r->consent.n_by = RECORD_SIGNERS_MAX + 1;
}
static void until_for_ever(struct record *r)
{
    r->consent.until_ms = (uint64_t)RECORD_TIME_MAX + 1;
}
static void another_object(struct record *r)
{
    r->consent.object.bytes[0] ^= 1;
}
static void another_bundle(struct record *r)
{
    r->refused.bundle.bytes[0] ^= 1;
}
static void another_id(struct record *r)
{
    r->revocation.id.bytes[0] ^= 1;
}
static void of_a_policy(struct record *r)
{
    r->revocation.what = slice_str("policy");
}
static void with_input(struct record *r)
{
    r->input.bytes[0] ^= 1;
}
static void step_back(struct record *r)
{
    r->from_epoch = r->epoch;
}
static void empty_certificate(struct record *r)
{
    r->rotation.certs[0] = (struct slice){0};
}
static void long_certificate(struct record *r)
{
    static const uint8_t LONG[RECORD_CERT_MAX + 1];
    r->rotation.certs[0] = SLICE_OF(LONG);
}
static void too_many_certificates(struct record *r)
{
    r->rotation.n_certs = RECORD_CERTS_MAX + 1;
}
static void of_an_agent(struct record *r)
{
    r->agent_id = slice_str("agent-1");
}
static void other_agent(struct record *r)
{
    r->agent.id = slice_str("agent-2");
}
static void own_parent(struct record *r)
{
    r->agent.parent = r->agent.id;
}
static void nobodys_uid(struct record *r)
{
    r->agent.uid = RECORD_UID_MAX + 1ULL;
}
static void nobodys_admin(struct record *r)
{
    r->agent.admin = RECORD_UID_MAX + 1ULL;
}
static void alias_twice(struct record *r)
{
    r->agent.aliases[1] = r->agent.aliases[0];
}
static void alias_empty(struct record *r)
{
    r->agent.aliases[0] = slice_str("");
}
static void alias_long(struct record *r)
{
    static uint8_t LONG[RECORD_ALIAS_MAX + 1];
    memset(LONG, 'x', sizeof LONG);
    r->agent.aliases[1] = SLICE_OF(LONG);
}
static void too_many_aliases(struct record *r)
{
    r->agent.n_aliases = RECORD_ALIASES_MAX + 1;
}
static void two_lines(struct record *r)
{
    r->agent.aliases[1] = slice_str("x\ny");
}
static void without_snapshot(struct record *r)
{
    r->has_snapshot = false;
}

static void rules_of_each_kind(void **state)
{
    static const struct {
        enum record_kind kind;
        const char *name;
        void (*spoil)(struct record *r);
        err_code want;
    } CASES[] = {
        {RECORD_OVERRIDE, "ends when it begins", until_now, ERR_FORMAT},
        {RECORD_APPROVAL, "ends when it begins", until_now, ERR_FORMAT},
        {RECORD_APPROVAL, "never ends", until_for_ever, ERR_FORMAT},
        {RECORD_APPROVAL, "by nobody", by_nobody, ERR_FORMAT},
        {RECORD_OVERRIDE, "by one, twice", by_one_twice, ERR_FORMAT},
        {RECORD_APPROVAL, "by too many", by_too_many, ERR_TOO_LARGE},
        {RECORD_APPROVAL, "input of another object", another_object, ERR_FORMAT},
        {RECORD_INSTALL_REFUSED, "input of another bundle", another_bundle, ERR_FORMAT},
        {RECORD_REVOCATION, "input of another id", another_id, ERR_FORMAT},
        {RECORD_REVOCATION, "of a policy", of_a_policy, ERR_FORMAT},
        {RECORD_REVOCATION, "by no snapshot", without_snapshot, ERR_FORMAT},
        {RECORD_ATTEMPT, "under no snapshot", without_snapshot, ERR_FORMAT},
        {RECORD_BUMP, "for no snapshot", without_snapshot, ERR_FORMAT},
        {RECORD_START, "with an input", with_input, ERR_FORMAT},
        {RECORD_STOP, "with an input", with_input, ERR_FORMAT},
        {RECORD_HARDWARE_LOST, "with an input", with_input, ERR_FORMAT},
        {RECORD_HARDWARE_BACK, "with an input", with_input, ERR_FORMAT},
        {RECORD_BUMP, "to the same epoch", step_back, ERR_FORMAT},
        {RECORD_KEY_ROTATION, "an empty certificate", empty_certificate, ERR_FORMAT},
        {RECORD_KEY_ROTATION, "a long certificate", long_certificate, ERR_TOO_LARGE},
        {RECORD_KEY_ROTATION, "too many certificates", too_many_certificates, ERR_TOO_LARGE},
        {RECORD_START, "of an agent", of_an_agent, ERR_FORMAT},
        {RECORD_HARDWARE_LOST, "of an agent", of_an_agent, ERR_FORMAT},
        {RECORD_AGENT_ENROL, "of an agent", of_an_agent, ERR_FORMAT},
        {RECORD_AGENT_ENROL, "input of another agent", other_agent, ERR_FORMAT},
        {RECORD_AGENT_REMOVE, "input of another agent", other_agent, ERR_FORMAT},
        {RECORD_AGENT_ENROL, "belongs to itself", own_parent, ERR_FORMAT},
        {RECORD_AGENT_ENROL, "nobody's uid", nobodys_uid, ERR_FORMAT},
        {RECORD_AGENT_ENROL, "by nobody", nobodys_admin, ERR_FORMAT},
        {RECORD_AGENT_REMOVE, "by nobody", nobodys_admin, ERR_FORMAT},
        {RECORD_AGENT_ENROL, "an alias twice", alias_twice, ERR_FORMAT},
        {RECORD_AGENT_ENROL, "an empty alias", alias_empty, ERR_FORMAT},
        {RECORD_AGENT_ENROL, "a long alias", alias_long, ERR_TOO_LARGE},
        {RECORD_AGENT_ENROL, "an alias of two lines", two_lines, ERR_FORMAT},
        {RECORD_AGENT_ENROL, "too many aliases", too_many_aliases, ERR_TOO_LARGE},
    };
    struct setting *s = *state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(record_draft_free) struct record_draft draft = {0};
        struct record *made = make(&s->t, CASES[i].kind);
        struct why why = {0};
        err_code err;

        CASES[i].spoil(made);
        err = record_prepare(&s->t.statement->key, made, &draft, &why);
        if (err != CASES[i].want)
            fail_msg("%s %s: %s", record_kind_name(CASES[i].kind), CASES[i].name, err_name(err));
        free(made);
    }
}

static void control_groups(void **state)
{
    static const struct {
        const char *path;
        bool good;
    } CASES[] = {
        {"/a", true},     {"/a/b.service", true}, {"/a.slice/..b", true}, {"/.../x", true},
        {"/", false},     {"a", false},           {"a/b", false},         {"/a/", false},
        {"//a", false},   {"/a//b", false},       {"/.", false},          {"/..", false},
        {"/a/..", false}, {"/a/./b", false},      {"/../a", false},       {" /a", false},
        {"/a\nb", false},
    };
    struct setting *s = *state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(record_draft_free) struct record_draft draft = {0};
        struct record *made = make(&s->t, RECORD_AGENT_ENROL);
        struct why why = {0};
        err_code err;

        made->agent.cgroup = slice_str(CASES[i].path);
        err = record_prepare(&s->t.statement->key, made, &draft, &why);
        if (err != (CASES[i].good ? ERR_OK : ERR_FORMAT))
            fail_msg("\"%s\": %s", CASES[i].path, err_name(err));
        free(made);
    }
}

static void events(void **state)
{
    struct setting *s = *state;
    struct record *made = make(&s->t, RECORD_DECISION);

    assert_string_equal(record_event(made), "GENERATE");
    made->decision.permit = false;
    assert_string_equal(record_event(made), "DENY");
    made->decision.error = true;
    assert_string_equal(record_event(made), "ERROR");
    made->kind = RECORD_ATTEMPT;
    assert_string_equal(record_event(made), "ATTEMPT");
    made->kind = RECORD_STOP;
    assert_null(record_event(made));
    assert_false(record_reason_is_error(ERR_DENIED));
    assert_false(record_reason_is_error(ERR_NO_POLICY));
    assert_false(record_reason_is_error(ERR_AGENT_UNKNOWN));
    assert_false(record_reason_is_error(ERR_SUBJECT_MISMATCH));
    assert_true(record_reason_is_error(ERR_EVALUATION));
    assert_true(record_reason_is_error(ERR_NO_MEMORY));
    for (enum record_kind kind = RECORD_NONE + 1; kind < RECORD_KINDS; kind++)
        assert_int_equal(record_kind_named(record_kind_name(kind)), kind);
    assert_int_equal(record_kind_named("none"), RECORD_NONE);
    free(made);
}

static int set_up(void **state)
{
    struct setting *s = calloc(1, sizeof *s);

    if (s == NULL)
        return -1;
    testing_init(&s->t);
    s->got = calloc(1, sizeof *s->got);
    *state = s;
    return s->got == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct setting *s = *state;

    testing_free(&s->t);
    free(s->got);
    free(s);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_of_every_kind),
        cmocka_unit_test(texts_up_to_their_limits),
        cmocka_unit_test(rules_of_each_kind),
        cmocka_unit_test(control_groups),
        cmocka_unit_test(events),
    };
    return cmocka_run_group_tests_name("record_members", tests, set_up, tear_down);
}
