/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/object.h"

#include <string.h>

static const char *const ACTIONS[ACTION_END] = {
    [ACTION_NONE] = "none",     [ACTION_DELEGATE] = "delegate",   [ACTION_EXECUTE] = "execute",
    [ACTION_MUTATE] = "mutate", [ACTION_PROPAGATE] = "propagate",
};

const char *policy_action_name(enum policy_action action)
{
    return ACTIONS[action];
}

enum policy_action policy_action_from(struct slice name)
{
    for (enum policy_action a = ACTION_DELEGATE; a < ACTION_END; a++)
        if (slice_eq_str(name, ACTIONS[a]))
            return a;
    return ACTION_NONE;
}

bool policy_covers(const struct policy_object *object, enum policy_action action,
                   struct slice agent, struct slice zone)
{
    return action > ACTION_NONE && action < ACTION_END && object->actions[action] &&
           (object->agents.n == 0 || term_list_has(&object->agents, agent)) &&
           (object->zones.n == 0 || term_list_has(&object->zones, zone));
}

void policy_free(struct policy_object *object)
{
    term_list_free(&object->agents);
    term_list_free(&object->zones);
    rules_free(&object->rules);
    *object = (struct policy_object){0};
}

static size_t n_actions(const struct policy_object *object)
{
    size_t n = 0;

    for (enum policy_action a = ACTION_DELEGATE; a < ACTION_END; a++)
        n += object->actions[a];
    return n;
}

static err_code check(const struct policy_object *object, struct why *why)
{
    TRY(term_name_check("alias", object->alias, why));
    TRY(term_number_check("version of the policy object", object->version, why));
    TRY(term_link_check("policy version", object->version, &object->previous, why));
    TRY(term_list_check("agents", &object->agents, why));
    TRY(term_list_check("zones", &object->zones, why));
    if (n_actions(object) == 0)
        return why_say(why, ERR_FORMAT, "policy \"%.*s\" lists no action", TERM_ARG(object->alias));
    return rules_text_check(&object->text, why);
}

/* Names in strictly ascending order: their numbers are in that order, too. */
static err_code get_actions(struct cbor_reader *r, struct policy_object *object, struct why *why)
{
    enum policy_action last = ACTION_NONE;
    size_t n = cbor_get_array(r);

    for (size_t i = 0; i < n && r->err == ERR_OK; i++) {
        struct slice name = cbor_get_text(r);
        enum policy_action action = policy_action_from(name);
        if (r->err != ERR_OK)
            break;
        if (action == ACTION_NONE || action <= last)
            return why_say(why, ERR_FORMAT, "action \"%.*s\" after \"%s\": %s",
                           TERM_ARG(slice_part(name, 0, name.len < 32 ? name.len : 32)),
                           ACTIONS[last], action == ACTION_NONE ? "there is none" : "out of order");
        object->actions[action] = true;
        last = action;
    }
    return ERR_OK;
}

static void get_scope(struct cbor_reader *r, struct policy_object *object)
{
    struct cbor_map map = cbor_open_map(r);

    if (cbor_key(&map, "zones"))
        term_list_get(r, &object->zones);
    if (cbor_key(&map, "agents"))
        term_list_get(r, &object->agents);
    cbor_close_map(&map);
}

static err_code get_payload(struct slice payload, struct policy_object *object, struct why *why)
{
    struct cbor_reader r = cbor_read(payload, CBOR_DETERMINISTIC);
    struct cbor_map map = cbor_open_map(&r);
    struct slice language;
    err_code err;

    cbor_need(&map, "alias");
    object->alias = cbor_get_text(&r);
    cbor_need(&map, "scope");
    get_scope(&r, object);
    object->text.has_schema = cbor_key(&map, "schema");
    if (object->text.has_schema)
        object->text.schema = cbor_get_text(&r);
    cbor_need(&map, "actions");
    TRY(get_actions(&r, object, why));
    cbor_need(&map, "version");
    object->version = cbor_get_uint(&r);
    object->text.has_entities = cbor_key(&map, "entities");
    if (object->text.has_entities)
        object->text.entities = cbor_get_text(&r);
    cbor_need(&map, "language");
    language = cbor_get_text(&r);
    cbor_need(&map, "policies");
    object->text.policies = cbor_get_text(&r);
    cbor_need(&map, "previous");
    term_link_get(&r, &object->previous);
    cbor_close_map(&map);
    err = cbor_done(&r);
    if (err != ERR_OK)
        return term_refuse(why, err, "policy object");
    if (!slice_eq_str(language, POLICY_LANGUAGE))
        return why_say(why, ERR_UNSUPPORTED, "the policy is written in \"%.*s\", not in \"%s\"",
                       TERM_ARG(slice_part(language, 0, language.len < 32 ? language.len : 32)),
                       POLICY_LANGUAGE);
    return check(object, why);
}

static void take_signers(const struct envelope *envelope, struct policy_object *object)
{
    struct digest kid;

    for (size_t i = 0; i < envelope->cose.n_signatures; i++) {
        bool known = !envelope_kid(envelope, i, &kid);
        for (size_t k = 0; k < object->n_signers; k++)
            known = known || digest_eq(&object->signers[k], &kid);
        if (!known)
            object->signers[object->n_signers++] = kid;
    }
}

err_code policy_parse(struct slice bytes, struct policy_object *ret, struct why *why)
{
    CLEANUP(policy_free) struct policy_object out = {0};
    struct envelope envelope;
    const struct cose_claims *claims = &envelope.cose.headers.claims;

    TRY(envelope_open(bytes, ENVELOPE_POLICY, &envelope, why));
    TRY(get_payload(envelope.cose.payload, &out, why));
    if (!slice_eq(claims->sub, out.alias))
        return why_say(why, ERR_FORMAT, "the claims name \"%.*s\", the content \"%.*s\"",
                       TERM_ARG(claims->sub), TERM_ARG(out.alias));
    out.raw = bytes;
    out.digest = envelope.digest;
    out.domain = claims->iss;
    out.iat = claims->iat;
    out.nbf = claims->nbf;
    out.exp = claims->exp;
    memcpy(out.cti, claims->cti.ptr, sizeof out.cti);
    take_signers(&envelope, &out);
    policy_free(ret);
    *ret = out;
    out = (struct policy_object){0};
    return ERR_OK;
}

err_code policy_verify(const struct policy_object *object, const struct root_meta *root,
                       const struct revoked *revoked, const struct judge *judge, struct why *why)
{
    const struct judge_rule rule = {.root = root, .role = ROLE_POLICY, .revoked = {revoked}};
    struct envelope envelope;

    if (!slice_eq(object->domain, root->domain))
        return why_say(why, ERR_SIGNER_UNKNOWN, "policy \"%.*s\" is of \"%.*s\", not of \"%.*s\"",
                       TERM_ARG(object->alias), TERM_ARG(object->domain), TERM_ARG(root->domain));
    TRY(envelope_open(object->raw, ENVELOPE_POLICY, &envelope, why));
    return judge_object(judge, &envelope, &rule, NULL, why);
}

static void put_payload(struct cbor_writer *w, const struct policy_object *object)
{
    cbor_put_map(w, (size_t)7 + object->text.has_schema + object->text.has_entities);
    cbor_put_text(w, "alias");
    cbor_put_text_slice(w, object->alias);
    cbor_put_text(w, "scope");
    cbor_put_map(w, (size_t)(object->agents.n > 0) + (size_t)(object->zones.n > 0));
    if (object->zones.n > 0) {
        cbor_put_text(w, "zones");
        term_list_put(w, &object->zones);
    }
    if (object->agents.n > 0) {
        cbor_put_text(w, "agents");
        term_list_put(w, &object->agents);
    }
    if (object->text.has_schema) {
        cbor_put_text(w, "schema");
        cbor_put_text_slice(w, object->text.schema);
    }
    cbor_put_text(w, "actions");
    cbor_put_array(w, n_actions(object));
    for (enum policy_action a = ACTION_DELEGATE; a < ACTION_END; a++)
        if (object->actions[a])
            cbor_put_text(w, ACTIONS[a]);
    cbor_put_text(w, "version");
    cbor_put_uint(w, object->version);
    if (object->text.has_entities) {
        cbor_put_text(w, "entities");
        cbor_put_text_slice(w, object->text.entities);
    }
    cbor_put_text(w, "language");
    cbor_put_text(w, POLICY_LANGUAGE);
    cbor_put_text(w, "policies");
    cbor_put_text_slice(w, object->text.policies);
    cbor_put_text(w, "previous");
    term_link_put(w, &object->previous);
}

err_code policy_make(const struct policy_object *object, struct hw_signer *const *signers,
                     size_t n_signers, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf payload = {0};
    struct cbor_writer w = cbor_write(&payload);
    struct envelope_parts parts = {
        .type = ENVELOPE_POLICY,
        .claims = {.iss = object->domain,
                   .sub = object->alias,
                   .cti = SLICE_OF(object->cti),
                   .has_iat = true,
                   .iat = object->iat,
                   .has_nbf = true,
                   .nbf = object->nbf,
                   .has_exp = true,
                   .exp = object->exp},
    };

    TRY(check(object, why));
    put_payload(&w, object);
    TRY(cbor_written(&w));
    parts.payload = buf_slice(&payload);
    return envelope_make(&parts, signers, n_signers, ret, why);
}
