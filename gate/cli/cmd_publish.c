/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_publish.c: pawl publish and revoke: what gates get. */
#include "gate/base/file.h"
#include "gate/base/hash.h"
#include "gate/base/text.h"
#include "gate/cli/keyring.h"
#include "gate/cli/verbs.h"
#include "gate/policy/enrolment.h"
#include "gate/policy/freshness.h"

#include <stdlib.h>
#include <string.h>

/* ---- publish --------------------------------------------------------------------------------- */

static const struct opt PUBLISH_OPTIONS[] = {
    {"authority", 'A', OPT_VALUE, "DIR", "the authority's directory (default: .)"},
    {"for", 'f', OPT_LIST, "ENROLMENT", "also make grants for this gate"},
    {"expires", 0, OPT_VALUE, "TIME", "gates deny everything from then on (default: +30d)"},
    {"epoch", 0, OPT_VALUE, "N", "a later epoch than the next one, to get past somebody else's"},
    {"output", 'o', OPT_VALUE, "FILE", "also write the bundle here"},
    KEYRING_OPTIONS,
    {0},
};

/* What the gate's owner compares with what pawl init printed there. */
static err_code show_gate(struct call *call, struct slice file, const struct enrolment *enrolment)
{
    json_t *list = json_object_get(call->json, "gates");
    struct digest digest;
    char text[DIGEST_TEXT];
    json_t *entry;

    TRY(hash_sha256(file, &digest));
    digest_text(&digest, text);
    entry = add_object(list != NULL ? list : put_array(call->json, "gates"));
    put_slice(entry, "gate", enrolment->gate);
    put_text(entry, "enrolment_digest", text);
    say(call, "For gate %.*s, enrolment %s (as \"pawl init\" printed it?)",
        TERM_ARG(enrolment->gate), text);
    return ERR_OK;
}

/* Only a TPM needs grants of its own; a token is told by the snapshot's signature. */
static err_code read_gate(struct call *call, const struct authority *authority, const char *file,
                          struct authority_gate *gates, size_t *n)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(enrolment_free) struct enrolment enrolment = {0};

    TRY(file_read(file, ENROLMENT_SIZE_MAX, &bytes, &call->why));
    TRY(in_file(call, enrolment_parse(buf_slice(&bytes), &enrolment, &call->why), file));
    if (!digest_eq(&enrolment.root, &authority->first->digest))
        return why_say(&call->why, ERR_ROOT_UNTRUSTED,
                       "\"%s\" is the enrolment of a gate under other root metadata", file);
    TRY(show_gate(call, buf_slice(&bytes), &enrolment));
    if (strcmp(enrolment.hw.about.kind, "tpm") == 0)
        gates[(*n)++] = (struct authority_gate){enrolment.hw.index, enrolment.hw.base};
    return ERR_OK;
}

/* What was published will deny more than its author may think. */
static err_code warn(struct call *call, struct slice bundle)
{
    CLEANUP(judged_free) struct judged judged = {0};
    const struct trust none = {.installed_before = true};
    const struct bundle_ask ask = {.judge = &JUDGE_SOFT, .now = call->now};
    json_t *list = put_array(call->json, "warnings");

    if (bundle_judge(bundle, &none, &ask, &judged, NULL) != ERR_OK)
        return ERR_OK; /* it is published, and was judged in full before */
    if (judged.snapshot.n_policies == 0) {
        (void)json_array_append_new(list, json_string("no policy: gates deny everything"));
        say(call, "Warning: it holds no policy, so gates deny everything.");
    }
    for (size_t i = 0; i < judged.snapshot.n_policies; i++) {
        struct why why = {0};
        if (fresh_not_revoked(judged.newest, &judged.snapshot, &judged.policies[i], &why) == ERR_OK)
            continue;
        (void)json_array_append_new(list, json_string(why.text));
        say(call, "Warning: gates deny under %.*s: %s", TERM_ARG(judged.policies[i].alias),
            why.text);
    }
    return ERR_OK;
}

static err_code publish_run(struct call *call)
{
    static const enum root_role ROLES[] = {ROLE_SNAPSHOT, ROLE_RATCHET, ROLE_NONE};
    CLEANUP(buf_free) struct buf bundle = {0};
    CLEANUP(authority_close) struct authority *authority = NULL;
    CLEANUP(keyring_free) struct keyring ring = {0};
    struct authority_gate gates[ARGS_MAX];
    struct publication wish = {.now = call->now, .gates = gates};
    const char *output = args_value(call->args, "output", NULL), *file;
    const char *expires = args_value(call->args, "expires", "+30d");
    const char *wanted = args_value(call->args, "epoch", NULL);
    struct authority_keys keys;
    CLEANUP(buf_free) struct buf path = {0};
    char until[TIME_TEXT], kept[64];
    uint64_t epoch;

    if (time_parse(expires, call->now, &wish.exp) != ERR_OK)
        return why_say(&call->why, ERR_USAGE, "--expires \"%s\" is no time", expires);
    if (wanted != NULL &&
        (number_parse(wanted, TERM_NUMBER_MAX, &wish.epoch) != ERR_OK || wish.epoch == 0))
        return why_say(&call->why, ERR_USAGE, "--epoch \"%s\" is no epoch", wanted);
    TRY(authority_at(call, &authority));
    for (size_t i = 0; (file = args_list(call->args, "for", i)) != NULL; i++)
        TRY(read_gate(call, authority, file, gates, &wish.n_gates));
    TRY(keyring_open(call, authority->dir, ROLES, &ring));
    keys = keyring_keys(&ring);
    TRY(authority_publish(authority, &wish, &keys, &bundle, &epoch, &call->why));
    if (output != NULL)
        TRY(file_write(output, buf_slice(&bundle), 0644, &call->why));
    time_text(wish.exp, until);
    put_uint(call->json, "epoch", epoch);
    put_text(call->json, "expires", until);
    put_uint(call->json, "size", bundle.len);
    say(call, "Published epoch %llu, until %s, %zu bytes.", (unsigned long long)epoch, until,
        bundle.len);
    if (output == NULL) {
        (void)snprintf(kept, sizeof kept, "publish/%llu.bundle", (unsigned long long)epoch);
        TRY(path_join(authority->dir, kept, &path));
        output = (const char *)path.ptr;
    }
    put_text(call->json, "bundle", output);
    TRY(warn(call, buf_slice(&bundle)));
    say(call, "Next, on each gate: pawl install %s", output);
    return ERR_OK;
}

const struct verb VERB_PUBLISH = {
    .name = "publish",
    .arguments = "",
    .summary = "make the next epoch: a bundle of all policies, the snapshot and the grants",
    .details =
        "The bundle is also kept as DIR/publish/EPOCH.bundle. It needs no secrecy. A gate whose\n"
        "counter began above the fleet's base needs its enrolment file in --for.",
    .opts = PUBLISH_OPTIONS,
    .run = publish_run,
};

/* ---- revoke ---------------------------------------------------------------------------------- */

static const struct opt REVOKE_OPTIONS[] = {
    {"authority", 'A', OPT_VALUE, "DIR", "the authority's directory (default: .)"},
    {"reason", 0, OPT_VALUE, "TEXT", "why, for those who are refused"},
    {"since", 0, OPT_VALUE, "TIME", "since when it is not to be trusted (default: now)"},
    {0},
};

static err_code revoke_run(struct call *call)
{
    CLEANUP(authority_close) struct authority *authority = NULL;
    const char *kind = call->args->plain[0], *reason = args_value(call->args, "reason", NULL);
    const char *since = args_value(call->args, "since", "now");
    struct revocation item = {0};

    if (reason == NULL)
        return why_say(&call->why, ERR_USAGE, "--reason TEXT is needed");
    if (strcmp(kind, "key") == 0)
        item.kind = REVOKED_KEY;
    else if (strcmp(kind, "object") == 0)
        item.kind = REVOKED_OBJECT;
    else
        return why_say(&call->why, ERR_USAGE, "\"%s\" is neither \"key\" nor \"object\"", kind);
    if (digest_parse(call->args->plain[1], &item.id) != ERR_OK)
        return why_say(&call->why, ERR_USAGE, "\"%s\" is no id (sha256:<64 hex digits>)",
                       call->args->plain[1]);
    if (time_parse(since, call->now, &item.since) != ERR_OK)
        return why_say(&call->why, ERR_USAGE, "--since \"%s\" is no time", since);
    item.reason = slice_str(reason);
    TRY(authority_at(call, &authority));
    TRY(authority_revoke(authority, &item, &call->why));
    put_text(call->json, "kind", kind);
    put_digest(call->json, "id", &item.id);
    if (item.kind == REVOKED_KEY && root_holds(authority->newest, ROLE_ROOT, &item.id))
        say(call, "Note: it still holds the role root. Rotate it away: pawl authority drop-key, "
                  "rotate.");
    say(call, "Revoked. Gates learn of it with the next \"pawl publish\".");
    return ERR_OK;
}

const struct verb VERB_REVOKE = {
    .name = "revoke",
    .arguments = "key|object ID",
    .summary = "take back a policy object (by digest) or a key (by key id)",
    .details = "The role root is not taken back in this way: see pawl authority drop-key, rotate.",
    .opts = REVOKE_OPTIONS,
    .least = 2,
    .most = 2,
    .run = revoke_run,
};
