/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy.c: pawl policy sign, cosign, show: policy objects. */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/cli/keyring.h"
#include "gate/cli/verbs.h"

#include <stdlib.h>
#include <string.h>

/* ---- show ------------------------------------------------------------------------------------ */

static void show_list(struct call *call, const char *name, const struct term_list *list)
{
    json_t *array = list->n > 0 ? put_array(call->json, name) : NULL;

    for (size_t i = 0; i < list->n; i++) {
        (void)json_array_append_new(
            array, json_stringn((const char *)list->items[i].ptr, list->items[i].len));
        say(call, "%-8s %.*s", i == 0 ? name : "", TERM_ARG(list->items[i]));
    }
}

static void show_object(struct call *call, const struct policy_object *object)
{
    char digest[DIGEST_TEXT], from[TIME_TEXT], until[TIME_TEXT];
    json_t *actions = put_array(call->json, "actions"), *signers = put_array(call->json, "signers");

    digest_text(&object->digest, digest);
    time_text(object->nbf, from);
    time_text(object->exp, until);
    put_slice(call->json, "domain", object->domain);
    put_slice(call->json, "alias", object->alias);
    put_uint(call->json, "version", object->version);
    put_text(call->json, "digest", digest);
    put_text(call->json, "not_before", from);
    put_text(call->json, "expires", until);
    put_slice(call->json, "cedar", object->text.policies);
    if (object->text.has_schema)
        put_slice(call->json, "schema_text", object->text.schema);
    if (object->text.has_entities)
        put_slice(call->json, "entities", object->text.entities);
    say(call, "POLICY   %.*s version %llu of %.*s", TERM_ARG(object->alias),
        (unsigned long long)object->version, TERM_ARG(object->domain));
    say(call, "digest   %s", digest);
    say(call, "valid    %s .. %s", from, until);
    for (enum policy_action a = ACTION_DELEGATE; a < ACTION_END; a++)
        if (object->actions[a]) {
            (void)json_array_append_new(actions, json_string(policy_action_name(a)));
            say(call, "action   %s", policy_action_name(a));
        }
    show_list(call, "agents", &object->agents);
    show_list(call, "zones", &object->zones);
    if (object->previous.present) {
        digest_text(&object->previous.digest, digest);
        put_text(call->json, "previous", digest);
        say(call, "follows  %s", digest);
    }
    for (size_t i = 0; i < object->n_signers; i++) {
        digest_text(&object->signers[i], digest);
        (void)json_array_append_new(signers, json_string(digest));
        say(call, "signer   %s (not verified here)", digest);
    }
}

static void show_text(struct call *call, const char *title, struct slice text)
{
    say(call, "%s", title);
    say_text(call, text);
}

static err_code show_run(struct call *call)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(policy_free) struct policy_object object = {0};

    TRY(file_read(call->args->plain[0], ENVELOPE_POLICY_MAX, &bytes, &call->why));
    TRY(in_file(call, policy_parse(buf_slice(&bytes), &object, &call->why), call->args->plain[0]));
    show_object(call, &object);
    show_text(call, "", object.text.policies);
    if (object.text.has_schema)
        show_text(call, "schema:", object.text.schema);
    if (object.text.has_entities)
        show_text(call, "entities:", object.text.entities);
    return ERR_OK;
}

const struct verb VERB_POLICY_SHOW = {
    .name = "policy show",
    .arguments = "FILE.cose",
    .summary = "print what a signed policy object says",
    .opts = NO_OPTIONS,
    .least = 1,
    .most = 1,
    .run = show_run,
};

/* ---- sign ------------------------------------------------------------------------------------ */

static const struct opt SIGN_OPTIONS[] = {
    {"authority", 'A', OPT_VALUE, "DIR", "the authority's directory (default: .)"},
    {"alias", 'a', OPT_VALUE, "NAME", "the name under which the policy is in force"},
    {"actions", 0, OPT_VALUE, "LIST", "classes it decides: execute,mutate,delegate,propagate"},
    {"agent", 0, OPT_LIST, "ID", "decides only about this agent"},
    {"zone", 0, OPT_LIST, "NAME", "decides only on gates of this zone"},
    {"schema", 0, OPT_VALUE, "FILE",
     "Cedar schema (text or JSON) that the rules and every request must fit"},
    {"entities", 0, OPT_VALUE, "FILE", "entities (JSON) that the rules may rely on: groups, trees"},
    {"not-before", 0, OPT_VALUE, "TIME", "beginning (default: now)"},
    {"expires", 0, OPT_VALUE, "TIME", "end (default: +90d)"},
    {"output", 'o', OPT_VALUE, "FILE", "also write the object here"},
    KEYRING_OPTIONS,
    {0},
};

static err_code read_actions(const char *text, struct policy_object *draft, struct why *why)
{
    if (text == NULL)
        return why_say(why, ERR_USAGE, "--actions LIST is needed, such as execute,mutate");
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        enum policy_action action = policy_action_from((struct slice){(const uint8_t *)text, len});
        if (action == ACTION_NONE)
            return why_say(why, ERR_USAGE, "\"%.*s\" is no class of action", (int)len, text);
        draft->actions[action] = true;
        text += len + (text[len] == ',');
    }
    return ERR_OK;
}

static int by_bytes(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;

    return slice_cmp(*x, *y);
}

/* The values of a repeated option as a sorted list. */
static err_code read_list(const struct call *call, const char *name, struct term_list *ret)
{
    const char *text;
    size_t n = 0;

    while (args_list(call->args, name, n) != NULL)
        n++;
    if (n == 0)
        return ERR_OK;
    ret->items = calloc(n, sizeof *ret->items);
    if (ret->items == NULL)
        return ERR_NO_MEMORY;
    for (; (text = args_list(call->args, name, ret->n)) != NULL; ret->n++)
        ret->items[ret->n] = slice_str(text);
    qsort(ret->items, ret->n, sizeof *ret->items, by_bytes);
    return ERR_OK;
}

static err_code read_times(struct call *call, struct policy_object *draft)
{
    const char *from = args_value(call->args, "not-before", "now");
    const char *until = args_value(call->args, "expires", "+90d");

    if (time_parse(from, call->now, &draft->nbf) != ERR_OK)
        return why_say(&call->why, ERR_USAGE, "--not-before \"%s\" is no time", from);
    if (time_parse(until, call->now, &draft->exp) != ERR_OK)
        return why_say(&call->why, ERR_USAGE, "--expires \"%s\" is no time", until);
    draft->iat = call->now;
    return ERR_OK;
}

static err_code read_draft(struct call *call, struct policy_object *draft)
{
    const char *alias = args_value(call->args, "alias", NULL);

    if (alias == NULL)
        return why_say(&call->why, ERR_USAGE, "--alias NAME is needed");
    draft->alias = slice_str(alias);
    TRY(read_actions(args_value(call->args, "actions", NULL), draft, &call->why));
    TRY(read_list(call, "agent", &draft->agents));
    TRY(read_list(call, "zone", &draft->zones));
    return read_times(call, draft);
}

static err_code report(struct call *call, struct slice bytes, const char *done)
{
    CLEANUP(policy_free) struct policy_object object = {0};
    const char *output = args_value(call->args, "output", NULL);

    TRY(policy_parse(bytes, &object, &call->why));
    if (output != NULL)
        TRY(file_write(output, bytes, 0644, &call->why));
    show_object(call, &object);
    say(call, "%s Next: pawl publish", done);
    return ERR_OK;
}

static const enum root_role POLICY_ROLE[] = {ROLE_POLICY, ROLE_NONE};

/* An optional file of the signed text. */
static err_code read_part(struct call *call, const char *option, struct buf *bytes,
                          struct slice *ret, bool *ret_has)
{
    const char *path = args_value(call->args, option, NULL);

    if (path == NULL)
        return ERR_OK;
    TRY(file_read(path, RULES_TEXT_MAX, bytes, &call->why));
    *ret = buf_slice(bytes);
    *ret_has = true;
    return ERR_OK;
}

static err_code sign_run(struct call *call)
{
    CLEANUP(buf_free) struct buf text = {0}, schema = {0}, entities = {0}, signed_ = {0};
    CLEANUP(authority_close) struct authority *authority = NULL;
    CLEANUP(keyring_free) struct keyring ring = {0};
    CLEANUP(policy_free) struct policy_object draft = {0};
    struct authority_keys keys;

    TRY(file_read(call->args->plain[0], RULES_TEXT_MAX, &text, &call->why));
    TRY(read_draft(call, &draft));
    draft.text.policies = buf_slice(&text);
    TRY(read_part(call, "schema", &schema, &draft.text.schema, &draft.text.has_schema));
    TRY(read_part(call, "entities", &entities, &draft.text.entities, &draft.text.has_entities));
    TRY(authority_at(call, &authority));
    TRY(keyring_open(call, authority->dir, POLICY_ROLE, &ring));
    keys = keyring_keys(&ring);
    TRY(authority_policy_sign(authority, &draft, &keys, &signed_, &call->why));
    return report(call, buf_slice(&signed_), "Signed.");
}

const struct verb VERB_POLICY_SIGN = {
    .name = "policy sign",
    .arguments = "FILE.cedar",
    .summary = "sign Cedar rules as the next version of a policy",
    .details = "Version and predecessor follow from the authority's directory.",
    .opts = SIGN_OPTIONS,
    .least = 1,
    .most = 1,
    .run = sign_run,
};

/* ---- cosign ---------------------------------------------------------------------------------- */

static const struct opt COSIGN_OPTIONS[] = {
    {"authority", 'A', OPT_VALUE, "DIR", "the authority's directory (default: .)"},
    {"output", 'o', OPT_VALUE, "FILE", "also write the object here"},
    KEYRING_OPTIONS,
    {0},
};

static err_code cosign_run(struct call *call)
{
    static const enum root_role NO_ROLE[] = {ROLE_NONE};
    CLEANUP(buf_free) struct buf signed_ = {0};
    CLEANUP(authority_close) struct authority *authority = NULL;
    CLEANUP(keyring_free) struct keyring ring = {0};
    struct authority_keys keys;

    if (args_list(call->args, "key", 0) == NULL)
        return why_say(&call->why, ERR_USAGE, "--key KEY is needed");
    TRY(authority_at(call, &authority));
    TRY(keyring_open(call, authority->dir, NO_ROLE, &ring));
    keys = keyring_keys(&ring);
    TRY(authority_policy_cosign(authority, slice_str(call->args->plain[0]), &keys, &signed_,
                                &call->why));
    return report(call, buf_slice(&signed_), "Cosigned.");
}

const struct verb VERB_POLICY_COSIGN = {
    .name = "policy cosign",
    .arguments = "ALIAS",
    .summary = "add a signature to the newest, unpublished version of a policy",
    .opts = COSIGN_OPTIONS,
    .least = 1,
    .most = 1,
    .run = cosign_run,
};
