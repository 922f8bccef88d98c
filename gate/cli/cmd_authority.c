/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_authority.c: pawl authority init, add-key, drop-key, rotate, show: root metadata. */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/cli/keyring.h"
#include "gate/cli/verbs.h"
#include "gate/cose/cose_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void show_root(struct call *call, const struct root_meta *meta)
{
    char digest[DIGEST_TEXT], kid[DIGEST_TEXT];
    json_t *roles = put_object(call->json, "roles");

    put_slice(call->json, "domain", meta->domain);
    put_uint(call->json, "version", meta->version);
    if (meta->raw.len > 0) { /* what is staged has no digest before it is signed */
        digest_text(&meta->digest, digest);
        put_digest(call->json, "digest", &meta->digest);
    }
    say(call, "DOMAIN   %.*s", TERM_ARG(meta->domain));
    say(call, "ROOT     version %llu, %s", (unsigned long long)meta->version,
        meta->raw.len > 0 ? digest : "not signed yet: pawl authority rotate");
    for (enum root_role role = ROLE_ROOT; role < ROLE_END; role++) {
        const struct root_holders *holders = &meta->roles[role];
        json_t *entry, *keys;
        if (holders->n == 0)
            continue;
        entry = put_object(roles, role_name(role));
        put_uint(entry, "threshold", holders->threshold);
        keys = put_array(entry, "keys");
        say(call, "%-8s %zu of %zu must sign", role_name(role), holders->threshold, holders->n);
        for (size_t i = 0; i < holders->n; i++) {
            const struct root_key *key = &meta->keys[holders->keys[i]];
            digest_text(&key->kid, kid);
            (void)json_array_append_new(keys, json_string(kid));
            say(call, "         %s %s", hw_alg_name(key->key.alg), kid);
        }
    }
}

/* ---- init ------------------------------------------------------------------------------------ */

static const struct opt INIT_OPTIONS[] = {
    {"domain", 'd', OPT_VALUE, "NAME", "the domain that this authority rules, such as example.org"},
    {"key", 'k', OPT_LIST, "ROLE=KEY", "use this key for a role instead of making PEM files"},
    {"threshold", 't', OPT_LIST, "ROLE=N", "so many keys must sign (default: 1; root: 2)"},
    {"expires", 0, OPT_VALUE, "TIME", "the root metadata's end, such as +365d (default: none)"},
    {"tpm", 0, OPT_VALUE, "URI", "where tpm2: keys are (default: tpm:device:/dev/tpmrm0)"},
    {"insecure-simulator", 0, OPT_FLAG, NULL, "development only: accept a software TPM"},
    {0},
};

/* Splits "ROLE=VALUE". */
static err_code role_value(const char *text, enum root_role *ret_role, const char **ret_value,
                           struct why *why)
{
    const char *at = strchr(text, '=');

    if (at == NULL)
        return why_say(why, ERR_USAGE, "\"%s\" is not ROLE=VALUE", text);
    *ret_role = role_from((struct slice){(const uint8_t *)text, (size_t)(at - text)});
    *ret_value = at + 1;
    if (*ret_role == ROLE_NONE)
        return why_say(why, ERR_USAGE,
                       "\"%.*s\" is no role; there are root, policy, snapshot, ratchet, "
                       "override and approver",
                       (int)(at - text), text);
    return ERR_OK;
}

/* What is made when --key names no key for a role. */
static const struct {
    enum root_role role;
    unsigned n, threshold;
} MADE[] = {{ROLE_ROOT, 3, 2}, {ROLE_POLICY, 1, 1}, {ROLE_SNAPSHOT, 1, 1}, {ROLE_RATCHET, 2, 1}};

struct founding {
    struct root_meta *meta;
    struct keyring ring;
    char *noted[KEYRING_MAX]; /* authority.json's text for each key of the ring */
    enum root_role roles[KEYRING_MAX];
    size_t n_given; /* the first so many were named by --key */
};

static void founding_free(struct founding *f)
{
    for (size_t i = 0; i < KEYRING_MAX; i++)
        free(f->noted[i]);
    keyring_free(&f->ring);
    free(f->meta);
}

/* Takes signer. */
static err_code found_key(struct founding *f, enum root_role role, const char *ref,
                          struct hw_signer *signer, struct why *why)
{
    size_t at = f->ring.n;

    TRY(keyring_add(&f->ring, signer));
    f->noted[at] = strdup(ref);
    f->roles[at] = role;
    return f->noted[at] == NULL ? ERR_NO_MEMORY : root_give(f->meta, role, &signer->key, why);
}

/* What the options add up to is no authority: the command line is wrong, not a file. */
static err_code as_usage(err_code err, struct why *why)
{
    switch ((int)err) {
    case ERR_FORMAT:
    case ERR_EXISTS:
    case ERR_TOO_LARGE:
    case ERR_KEY_MALFORMED:
    case ERR_THRESHOLD:
    case ERR_SIGNER_UNKNOWN:
    case ERR_GRANT_INVALID:
        if (why->code != err)
            return why_say(why, ERR_USAGE, "%s", err_text(err));
        why->code = ERR_USAGE;
        return ERR_USAGE;
    default:
        return err;
    }
}

static err_code given_keys(struct call *call, struct founding *f)
{
    const struct key_ref_options options = keyring_ref_options(call);
    const char *text, *ref;
    enum root_role role;

    for (size_t i = 0; (text = args_list(call->args, "key", i)) != NULL; i++) {
        struct hw_signer *signer = NULL;
        TRY(role_value(text, &role, &ref, &call->why));
        if (!utf8_valid(slice_str(ref)))
            return why_say(&call->why, ERR_USAGE, "--key \"%s\" is not valid UTF-8", text);
        TRY(key_ref_open(ref, &options, &signer, &call->why));
        TRY(as_usage(found_key(f, role, ref, signer, &call->why), &call->why));
        f->n_given = f->ring.n;
    }
    return ERR_OK;
}

/* In memory; they are written when everything else is known to be right. */
static err_code make_keys(struct call *call, struct founding *f)
{
    char ref[64];

    for (size_t i = 0; i < sizeof MADE / sizeof *MADE; i++) {
        struct root_holders *holders = &f->meta->roles[MADE[i].role];
        bool given = holders->n > 0;
        for (unsigned k = 0; !given && k < MADE[i].n; k++) {
            struct hw_signer *signer = NULL;
            (void)snprintf(ref, sizeof ref, "keys/%s-%u.pem", role_name(MADE[i].role), k + 1);
            TRY(hw_signer_generate(HW_ES256, &signer, &call->why));
            TRY(found_key(f, MADE[i].role, ref, signer, &call->why));
        }
        holders->threshold = MADE[i].threshold < holders->n ? MADE[i].threshold : holders->n;
    }
    return ERR_OK;
}

static err_code write_keys(struct call *call, const struct founding *f, const char *dir)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(path_join(dir, "keys", &path));
    if (f->n_given < f->ring.n)
        TRY(file_make_dir((const char *)path.ptr, 0700, &call->why));
    for (size_t i = f->n_given; i < f->ring.n; i++) {
        CLEANUP(buf_free) struct buf pem = {0};
        TRY(hw_signer_to_pem(f->ring.signers[i], &pem));
        TRY(path_join(dir, f->noted[i], &path));
        TRY(file_write_new((const char *)path.ptr, buf_slice(&pem), 0600, &call->why));
    }
    return ERR_OK;
}

static err_code set_thresholds(struct call *call, struct root_meta *meta)
{
    const char *text, *value;
    enum root_role role;
    uint64_t n;

    for (enum root_role r = ROLE_ROOT; r < ROLE_END; r++)
        if (meta->roles[r].n > 0 && meta->roles[r].threshold == 0)
            meta->roles[r].threshold = 1;
    for (size_t i = 0; (text = args_list(call->args, "threshold", i)) != NULL; i++) {
        TRY(role_value(text, &role, &value, &call->why));
        if (number_parse(value, ROLE_THRESHOLD_MAX, &n) != ERR_OK)
            return why_say(&call->why, ERR_USAGE, "the threshold \"%s\" is not 1 to %d", value,
                           ROLE_THRESHOLD_MAX);
        meta->roles[role].threshold = (size_t)n;
    }
    return ERR_OK;
}

/* How many keys a role will have once those that nobody gave are made. */
static size_t keys_to_be(const struct root_meta *meta, enum root_role role)
{
    for (size_t i = 0; i < sizeof MADE / sizeof *MADE && meta->roles[role].n == 0; i++)
        if (MADE[i].role == role)
            return MADE[i].n;
    return meta->roles[role].n;
}

/* Before any key is made: a wrong threshold must leave nothing behind. */
static err_code check_thresholds(struct call *call, const struct root_meta *meta)
{
    const char *text, *value;
    enum root_role role;
    uint64_t n;

    for (size_t i = 0; (text = args_list(call->args, "threshold", i)) != NULL; i++) {
        TRY(role_value(text, &role, &value, &call->why));
        if (number_parse(value, ROLE_THRESHOLD_MAX, &n) != ERR_OK || n == 0)
            return why_say(&call->why, ERR_USAGE, "the threshold \"%s\" is not 1 to %d", value,
                           ROLE_THRESHOLD_MAX);
        if (n > keys_to_be(meta, role))
            return why_say(&call->why, ERR_USAGE,
                           "--threshold %s asks for more keys than the role has, which is %zu",
                           text, keys_to_be(meta, role));
    }
    return ERR_OK;
}

/* 0: not given. */
static err_code get_expiry(struct call *call, int64_t *ret)
{
    const char *expires = args_value(call->args, "expires", NULL);

    *ret = 0;
    if (expires == NULL)
        return ERR_OK;
    if (time_parse(expires, call->now, ret) != ERR_OK || *ret <= call->now)
        return why_say(&call->why, ERR_USAGE, "--expires \"%s\" is no time to come", expires);
    return ERR_OK;
}

static err_code init_run(struct call *call)
{
    CLEANUP(founding_free) struct founding f = {.meta = calloc(1, sizeof *f.meta)};
    CLEANUP(authority_close) struct authority *authority = NULL;
    CLEANUP(authority_start_free) struct authority_start start = {0};
    CLEANUP(buf_free) struct buf path = {0};
    const char *dir = call->args->plain[0], *domain = args_value(call->args, "domain", NULL);
    struct authority_keys keys;

    if (f.meta == NULL)
        return ERR_NO_MEMORY;
    if (domain == NULL)
        return why_say(&call->why, ERR_USAGE, "--domain NAME is needed");
    TRY(path_join(dir, "root/1.cose", &path));
    if (file_exists((const char *)path.ptr))
        return why_say(&call->why, ERR_EXISTS, "\"%s\" is an authority already", dir);
    f.meta->domain = slice_str(domain);
    TRY(as_usage(term_name_check("domain", f.meta->domain, &call->why), &call->why));
    TRY(given_keys(call, &f));
    TRY(check_thresholds(call, f.meta));
    TRY(get_expiry(call, &f.meta->exp));
    TRY(make_keys(call, &f));
    TRY(set_thresholds(call, f.meta));
    f.meta->has_exp = f.meta->exp > 0;
    keys = keyring_keys(&f.ring);
    TRY(as_usage(authority_start_make(f.meta, &keys, call->now, &start, &call->why), &call->why));
    TRY(file_make_dir(dir, 0755, &call->why));
    TRY(write_keys(call, &f, dir));
    TRY(authority_start_write(dir, &start, &call->why));
    for (size_t i = 0; i < f.ring.n; i++)
        TRY(i < f.n_given ? keyring_note_given(dir, f.roles[i], f.noted[i], &call->why)
                          : keyring_note(dir, f.roles[i], f.noted[i], &call->why));
    TRY(authority_open(dir, call->now, &authority, &call->why));
    show_root(call, authority->newest);
    say(call, "Gates are enrolled with %s/enrol.bundle.", dir);
    say(call, "Move the root keys and one ratchet key to a safe place: they are needed rarely.");
    return ERR_OK;
}

const struct verb VERB_AUTHORITY_INIT = {
    .name = "authority init",
    .arguments = "DIR",
    .summary = "make an authority: its keys, root metadata, and the bundle to enrol gates with",
    .details =
        "Makes PEM keys (3 root, 2 ratchet, 1 policy, 1 snapshot) unless --key gives others. The\n"
        "ratchet keys go into every TPM that is enrolled and cannot be changed there later; each "
        "of\n"
        "them alone can step a counter, so that a lost one strands nobody.",
    .opts = INIT_OPTIONS,
    .least = 1,
    .most = 1,
    .run = init_run,
};

/* ---- show ------------------------------------------------------------------------------------ */

static const struct opt SHOW_OPTIONS[] = {
    {"authority", 'A', OPT_VALUE, "DIR", "the authority's directory (default: .)"},
    {0},
};

static err_code show_run(struct call *call)
{
    CLEANUP(authority_close) struct authority *authority = NULL;
    char until[TIME_TEXT];

    TRY(authority_at(call, &authority));
    show_root(call, authority->newest);
    if (!authority->has_published) {
        say(call, "Nothing has been published yet.");
        return ERR_OK;
    }
    time_text(authority->published.snapshot.exp, until);
    put_uint(call->json, "epoch", authority->published.snapshot.epoch);
    put_text(call->json, "expires", until);
    say(call, "EPOCH    %llu, until %s", (unsigned long long)authority->published.snapshot.epoch,
        until);
    for (size_t i = 0; i < authority->published.snapshot.n_policies; i++)
        say(call, "         %.*s version %llu",
            TERM_ARG(authority->published.snapshot.policies[i].alias),
            (unsigned long long)authority->published.snapshot.policies[i].version);
    return ERR_OK;
}

const struct verb VERB_AUTHORITY_SHOW = {
    .name = "authority show",
    .arguments = "",
    .summary = "show the authority's roles, thresholds, keys and last publication",
    .opts = SHOW_OPTIONS,
    .run = show_run,
};

/* ---- add-key, drop-key ----------------------------------------------------------------------- */

static const struct opt CHANGE_OPTIONS[] = {
    {"authority", 'A', OPT_VALUE, "DIR", "the authority's directory (default: .)"},
    {"role", 'r', OPT_LIST, "ROLE", "root, policy, snapshot, ratchet, override or approver"},
    {"threshold", 't', OPT_LIST, "ROLE=N", "also change how many must sign"},
    {"tpm", 0, OPT_VALUE, "URI", "where tpm2: keys are (default: tpm:device:/dev/tpmrm0)"},
    {"insecure-simulator", 0, OPT_FLAG, NULL, "development only: accept a software TPM"},
    {0},
};

/* Who adds a public key alone signs with the private one elsewhere. */
static err_code note_private(struct call *call, const char *dir, enum root_role role)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = NULL;
    const struct key_ref_options options = keyring_ref_options(call);
    const char *ref = call->args->plain[0];

    if (key_ref_open(ref, &options, &signer, NULL) != ERR_OK)
        return ERR_OK;
    return keyring_note_given(dir, role, ref, &call->why);
}

/* Changes the staged root metadata for each --role. */
static err_code change(struct call *call, const struct hw_pubkey *add, const struct digest *drop)
{
    CLEANUP(authority_close) struct authority *authority = NULL;
    CLEANUP(root_meta_free) struct root_meta *staged = NULL;
    CLEANUP(buf_free) struct buf bytes = {0};
    const char *name;
    size_t i = 0;

    TRY(authority_at(call, &authority));
    TRY(authority_staged(authority, &bytes, &staged, &call->why));
    for (; (name = args_list(call->args, "role", i)) != NULL; i++) {
        enum root_role role = role_from(slice_str(name));
        if (role == ROLE_NONE)
            return why_say(&call->why, ERR_USAGE, "\"%s\" is no role", name);
        if (add != NULL)
            TRY(root_give(staged, role, add, &call->why));
        else
            TRY(root_take(staged, role, drop, &call->why));
        if (add != NULL)
            TRY(note_private(call, authority->dir, role));
    }
    if (i == 0)
        return why_say(&call->why, ERR_USAGE, "--role ROLE is needed");
    TRY(set_thresholds(call, staged));
    TRY(authority_stage(authority, staged, &call->why));
    show_root(call, staged);
    say(call, "Staged. Next: pawl authority rotate");
    return ERR_OK;
}

static err_code add_run(struct call *call)
{
    const struct key_ref_options options = keyring_ref_options(call);
    struct hw_pubkey key;

    TRY(key_ref_public(call->args->plain[0], &options, &key, &call->why));
    return change(call, &key, NULL);
}

static err_code drop_run(struct call *call)
{
    struct digest kid;

    if (digest_parse(call->args->plain[0], &kid) != ERR_OK)
        return why_say(&call->why, ERR_USAGE, "\"%s\" is no key id (sha256:<64 hex digits>)",
                       call->args->plain[0]);
    return change(call, NULL, &kid);
}

const struct verb VERB_AUTHORITY_ADD_KEY = {
    .name = "authority add-key",
    .arguments = "KEY",
    .summary = "stage a key for one or more roles of the next root metadata",
    .details =
        "KEY is FILE.pem (a public key will do), pkcs11:... or tpm2:handle=0x81... Takes effect "
        "with\n"
        "\"pawl authority rotate\". A ratchet key that is added later serves only gates that are\n"
        "enrolled anew.",
    .opts = CHANGE_OPTIONS,
    .least = 1,
    .most = 1,
    .run = add_run,
};

const struct verb VERB_AUTHORITY_DROP_KEY = {
    .name = "authority drop-key",
    .arguments = "KEYID",
    .summary = "stage the removal of a key from one or more roles",
    .opts = CHANGE_OPTIONS,
    .least = 1,
    .most = 1,
    .run = drop_run,
};

/* ---- rotate ---------------------------------------------------------------------------------- */

static const struct opt ROTATE_OPTIONS[] = {
    {"authority", 'A', OPT_VALUE, "DIR", "the authority's directory (default: .)"},
    {"expires", 0, OPT_VALUE, "TIME", "its end (default: as long a life as the present one's)"},
    KEYRING_OPTIONS,
    {0},
};

static err_code rotate_run(struct call *call)
{
    static const enum root_role ROLES[] = {ROLE_ROOT, ROLE_NONE};
    CLEANUP(authority_close) struct authority *authority = NULL;
    CLEANUP(keyring_free) struct keyring ring = {0};
    struct authority_keys keys;
    int64_t exp;

    TRY(authority_at(call, &authority));
    TRY(get_expiry(call, &exp));
    TRY(keyring_open(call, authority->dir, ROLES, &ring));
    keys = keyring_keys(&ring);
    TRY(authority_rotate(authority, &keys, call->now, exp, &call->why));
    show_root(call, authority->newest);
    say(call, "Gates learn of it with the next \"pawl publish\".");
    return ERR_OK;
}

const struct verb VERB_AUTHORITY_ROTATE = {
    .name = "authority rotate",
    .arguments = "",
    .summary = "sign the staged root metadata as the next version",
    .details = "A threshold of the present root keys and one of the next must sign.",
    .opts = ROTATE_OPTIONS,
    .run = rotate_run,
};
