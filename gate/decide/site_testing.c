/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/site_testing.h"

#include "gate/base/dir_testing.h"
#include "gate/decide/init.h"
#include "gate/decide/install.h"
#include "gate/decide/scribe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void site_expect(err_code got, err_code wanted, const struct why *why, const char *call,
                 const char *file, int line)
{
    if (got != wanted)
        print_error("%s:%d: %s\n  gave %s, wanted %s: %s\n", file, line, call, err_name(got),
                    err_name(wanted), got == ERR_OK ? "" : why->text);
    _assert_int_equal((LargestIntegralType)got, (LargestIntegralType)wanted, file, line);
}

/* ---- making ---------------------------------------------------------------------------------- */

static void start_hardware(struct site *site, const struct site *beside)
{
    static unsigned n_tokens;
    char label[32];

    (void)snprintf(label, sizeof label, "site-%u", n_tokens++);
    if (site->kind == SITE_TPM) {
        swtpm_start(&site->tpm);
        (void)snprintf(site->uri, sizeof site->uri, "%s", site->tpm.uri);
        return;
    }
    if (beside == NULL)
        softhsm_start(&site->hsm, label);
    else
        softhsm_add_token(&beside->hsm, label);
    softhsm_uri(beside == NULL ? &site->hsm : &beside->hsm, label,
                beside == NULL ? site->hsm.module : beside->hsm.module, site->uri,
                sizeof site->uri);
    (void)snprintf(site->so_pin, sizeof site->so_pin, "%s",
                   beside == NULL ? site->hsm.so_pin : beside->hsm.so_pin);
}

static struct authority_keys everybody(const struct site *site)
{
    return (struct authority_keys){site->signers, CAST_END};
}

static void make_authority(struct site *site)
{
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&site->cast);
    const struct authority_keys keys = everybody(site);
    char path[96];
    struct why why = {0};

    SITE_OK(root_take(meta, ROLE_ROOT, &site->cast.kids[ROOT_C], &why));
    SITE_OK(root_take(meta, ROLE_POLICY, &site->cast.kids[POLICY_C], &why));
    SITE_OK(authority_init(site->authority, meta, &keys, SITE_NOW, &why));
    (void)snprintf(path, sizeof path, "%s/root/1.cose", site->authority);
    SITE_OK(file_read(path, ENVELOPE_ROOT_MAX, &site->root_bytes, &why));
    SITE_OK(root_meta_parse(buf_slice(&site->root_bytes), &site->root, &why));
}

static void enrol(struct site *site)
{
    CLEANUP(buf_free) struct buf trust = {0};
    struct init_wish wish = {
        .state_dir = site->state,
        .hardware = site->uri,
        .gate_name = "gate-1",
        .insecure_simulator = true,
        .so_pin_file = site->kind == SITE_TOKEN ? site->so_pin : NULL,
        .root = &site->root->digest,
        .now = SITE_NOW,
    };
    char path[96];
    struct why why = {0};

    (void)snprintf(path, sizeof path, "%s/enrol.bundle", site->authority);
    SITE_OK(file_read(path, BUNDLE_SIZE_MAX, &trust, &why));
    SITE_OK(gate_init(&wish, buf_slice(&trust), &site->enrolment_bytes, &why));
    SITE_OK(enrolment_parse(buf_slice(&site->enrolment_bytes), &site->enrolment, &why));
}

struct site *site_new(enum site_kind kind, const struct site *beside)
{
    struct site *site = calloc(1, sizeof *site);

    assert_non_null(site);
    site->kind = kind;
    start_hardware(site, beside);
    testing_dir(site->dir, sizeof site->dir);
    (void)snprintf(site->state, sizeof site->state, "%s/state", site->dir);
    (void)snprintf(site->authority, sizeof site->authority, "%s/authority", site->dir);
    cast_make(&site->cast);
    for (size_t i = 0; i < CAST_END; i++)
        site->signers[i] = site->cast.signers[i];
    make_authority(site);
    enrol(site);
    return site;
}

void site_free(struct site **site)
{
    struct site *s = *site;

    if (s == NULL)
        return;
    site_close(s);
    root_meta_free(&s->root);
    buf_free(&s->root_bytes);
    buf_free(&s->enrolment_bytes);
    cast_free(&s->cast);
    testing_remove(s->dir);
    if (s->kind == SITE_TPM)
        swtpm_remove(&s->tpm);
    else if (s->hsm.dir[0] != '\0')
        softhsm_stop(&s->hsm);
    free(s);
    *site = NULL;
}

/* ---- the gate -------------------------------------------------------------------------------- */

struct gate *site_gate(struct site *site)
{
    struct why why = {0};

    if (site->gate == NULL)
        SITE_OK(gate_open(site->state, SITE_NOW, &site->gate, &why));
    return site->gate;
}

void site_close(struct site *site)
{
    gate_close(&site->gate);
}

/* ---- the authority --------------------------------------------------------------------------- */

static struct authority *authority_of(const struct site *site)
{
    struct authority *authority = NULL;
    struct why why = {0};

    SITE_OK(authority_open(site->authority, SITE_NOW, &authority, &why));
    return authority;
}

void site_policy(struct site *site, const char *alias, const char *text)
{
    CLEANUP(authority_close) struct authority *authority = authority_of(site);
    CLEANUP(buf_free) struct buf object = {0};
    const struct authority_keys keys = everybody(site);
    struct policy_object draft = cast_policy();
    struct why why = {0};

    draft.alias = slice_str(alias);
    draft.text.policies = slice_str(text);
    SITE_OK(authority_policy_sign(authority, &draft, &keys, &object, &why));
}

void site_rotate(struct site *site)
{
    CLEANUP(authority_close) struct authority *authority = authority_of(site);
    CLEANUP(root_meta_free) struct root_meta *staged = NULL;
    CLEANUP(buf_free) struct buf bytes = {0};
    const struct authority_keys keys = everybody(site);
    struct why why = {0};

    SITE_OK(authority_staged(authority, &bytes, &staged, &why));
    SITE_OK(root_take(staged, ROLE_SNAPSHOT, &site->cast.kids[SNAP_B], &why));
    SITE_OK(authority_stage(authority, staged, &why));
    SITE_OK(authority_rotate(authority, &keys, SITE_NOW, 0, &why));
}

struct buf site_publish(struct site *site)
{
    CLEANUP(authority_close) struct authority *authority = authority_of(site);
    struct hw_signer *signers[] = {site->cast.signers[SNAP_A], site->cast.signers[RATCHET_A]};
    const struct authority_keys keys = {signers, 2};
    const struct publication wish = {.now = SITE_NOW, .exp = SITE_NOW + 1000};
    struct buf bundle = {0};
    uint64_t epoch;
    struct why why = {0};

    SITE_OK(authority_publish(authority, &wish, &keys, &bundle, &epoch, &why));
    return bundle;
}

void site_install(struct site *site, struct buf *bundle)
{
    CLEANUP(buf_free) struct buf bytes = site_publish(site);
    struct install_result result;
    struct why why = {0};

    if (bundle != NULL)
        SITE_OK(buf_add_slice(bundle, buf_slice(&bytes)));
    SITE_OK(gate_install(site_gate(site), &bytes, &result, &why));
    assert_false(result.known);
}

static struct buf decide_one(struct scribe *scribe, const struct in_force *force, const char *agent)
{
    CLEANUP(request_free) struct request request = {0};
    CLEANUP(docket_free) struct docket docket = {0};
    static const char *const NONE[] = {NULL};
    const struct request_flags flags = {"agent",         agent, "exec", "execute", "program",
                                        "/usr/bin/true", NONE,  NULL,   NULL};
    static struct answer answer;
    struct why why = {0};

    SITE_OK(request_from_flags(&flags, &request, &why));
    SITE_OK(scribe_attempt(scribe, &request, SITE_MS, &docket, &why));
    evaluate(force, &request, SITE_NOW, &answer);
    SITE_OK(scribe_decision(scribe, &docket, &answer, SITE_MS, &why));
    SITE_OK(scribe_finish(scribe, &docket, 1, SITE_MS, &why));
    return buf_take(&docket.permit);
}

void site_decide_all(struct site *site, const char *const *agents, size_t n, struct buf *ret)
{
    CLEANUP(scribe_close) struct scribe *scribe = NULL;
    struct gate *gate = site_gate(site);
    struct in_force force;
    struct why why = {0};

    SITE_OK(gate_current(gate, &why));
    force = gate_in_force(gate);
    SITE_OK(scribe_open(gate, &scribe, &why));
    for (size_t i = 0; i < n; i++)
        ret[i] = decide_one(scribe, &force, agents[i]);
}

struct buf site_decide(struct site *site, const char *agent)
{
    struct buf permit = {0};

    site_decide_all(site, &agent, 1, &permit);
    return permit;
}
