/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/gate_cli.h"

#include "gate/base/text.h"
#include "gate/decide/serve.h"

#include <string.h>

/* "ok", or the name of what would deny under this policy. */
static const char *state_name(const struct judged *judged, size_t i, int64_t now)
{
    err_code err = serve_policy_state(judged, i, now, NULL);

    return err == ERR_OK ? "ok" : err_name(err);
}

void put_snapshot(json_t *object, const struct judged *judged, int64_t now)
{
    json_t *list = put_array(object, "policies");

    put_time(object, "expires", judged->snapshot.exp);
    put_digest(object, "snapshot", &judged->snapshot.digest);
    put_uint(object, "root_version", judged->newest->version);
    for (size_t i = 0; i < judged->snapshot.n_policies; i++) {
        json_t *entry = add_object(list);
        put_slice(entry, "alias", judged->policies[i].alias);
        put_uint(entry, "version", judged->policies[i].version);
        put_digest(entry, "digest", &judged->policies[i].digest);
        put_time(entry, "not_before", judged->policies[i].nbf);
        put_time(entry, "expires", judged->policies[i].exp);
        put_text(entry, "state", state_name(judged, i, now));
    }
}

void say_snapshot(struct call *call, const char *what, const struct judged *judged, int64_t now)
{
    char until[TIME_TEXT], digest[DIGEST_TEXT];

    time_text(judged->snapshot.exp, until);
    say(call, "%s until %s:", what, until);
    say(call, "  %-24s %8s  %-20s  %-13s  %s", "ALIAS", "VERSION", "EXPIRES", "STATE", "DIGEST");
    for (size_t i = 0; i < judged->snapshot.n_policies; i++) {
        const struct policy_object *object = &judged->policies[i];
        time_text(object->exp, until);
        digest_text(&object->digest, digest);
        say(call, "  %-24.*s %8llu  %-20s  %-13s  %.23s...", TERM_ARG(object->alias),
            (unsigned long long)object->version, until, state_name(judged, i, now), digest);
    }
}

void put_hardware(json_t *object, const struct hw_description *about)
{
    json_t *hw = put_object(object, "hardware");

    put_text(hw, "kind", about->kind);
    put_text(hw, "model", about->model);
    put_text(hw, "firmware", about->firmware);
    put_bool(hw, "simulator", about->simulator);
    put_bool(hw, "refuses_rollback", about->refuses_rollback);
    put_bool(hw, "verifies", about->verifies);
    put_bool(hw, "seals", about->seals);
    put_bool(hw, "es384", about->es384);
    put_bool(hw, "ps256", about->ps256);
}

/* How: a TPM keeps the key and refuses it, a token has no key of an old epoch any more. */
static const char *refuses(const struct hw_description *about)
{
    if (!about->refuses_rollback)
        return "no";
    return strcmp(about->kind, "tpm") == 0 ? "yes (the TPM refuses its key)"
                                           : "yes (old epoch keys are destroyed)";
}

void say_hardware(struct call *call, const struct hw_description *about)
{
    say(call, "HARDWARE %s: %s%s%s", about->kind, about->model,
        about->firmware[0] ? ", firmware " : "", about->firmware);
    if (about->simulator)
        say(call, "         SIMULATOR: its state is a file, and restoring that file rolls back");
    say(call, "         refuses rollback: %s, verifies signatures: %s, seals: %s", refuses(about),
        about->verifies ? "yes" : "no", about->seals ? "yes" : "no");
}

void publish_ledger(struct call *call, struct scribe *scribe)
{
    struct why why = {0};
    err_code err = scribe_publish(scribe, &why);

    put_bool(call->json, "published", err == ERR_OK);
    if (err != ERR_OK) {
        say(call, "(on record, but not published: %s)", why_text(&why, err));
        return;
    }
    err = scribe_fold(scribe, &why);
    if (err != ERR_OK)
        say(call, "(on record and published, but the journal is not folded: %s)",
            why_text(&why, err));
}
