/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/bounds.h"

#include "gate/daemon/confine.h"
#include "gate/decide/settings.h"
#include "pkcs11/uri.h"
#include "tpm/uri.h"

#include <stdlib.h>
#include <string.h>

/* The gate, its hardware's module, PIN and devices, the sockets, TLS, and what is allowed beside.
 */
#define PATHS_MAX (1 + 2 + SOCKET_KINDS + 4 + BOUNDS_ALLOW_MAX)

struct paths {
    struct confine_path of[PATHS_MAX];
    char *own[PATHS_MAX]; /* those that are nobody else's */
    size_t n;
};

static void paths_free(struct paths *paths)
{
    for (size_t i = 0; i < paths->n; i++)
        free(paths->own[i]);
    *paths = (struct paths){0};
}

static err_code add(struct paths *paths, const char *path, size_t len, enum confine_access access)
{
    char *own = strndup(path, len);

    if (own == NULL)
        return ERR_NO_MEMORY;
    paths->own[paths->n] = own;
    paths->of[paths->n++] = (struct confine_path){own, access};
    return ERR_OK;
}

/* The directory: a file that is put in another's place is another file. */
static err_code add_parent(struct paths *paths, const char *path, enum confine_access access)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return add(paths, ".", 1, access);
    return slash == path ? add(paths, "/", 1, access)
                         : add(paths, path, (size_t)(slash - path), access);
}

static err_code look_at_tpm(const char *text, struct bounds *bounds, struct paths *paths,
                            struct why *why)
{
    struct tpm_uri uri;

    TRY(tpm_uri_parse(text, &uri, why));
    bounds->wanted = strcmp(uri.tcti, "cmd") != 0;
    bounds->network = !uri.device && strncmp(uri.conf, "path=", 5) != 0;
    /* Its node may come later, or again. */
    return uri.device ? add(paths, "/dev", 4, CONFINE_EXISTS) : ERR_OK;
}

static err_code look_at_token(const char *text, struct bounds *bounds, struct paths *paths,
                              struct why *why)
{
    CLEANUP(hsm_uri_free) struct hsm_uri uri = {0};

    TRY(hsm_uri_parse(text, &uri, why));
    bounds->wanted = bounds->network = true;
    TRY(add_parent(paths, (const char *)uri.module.ptr, CONFINE_READ));
    return uri.pin.len == 0 ? ERR_OK : add_parent(paths, (const char *)uri.pin.ptr, CONFINE_READ);
}

static err_code look_at(const struct bounds_options *options, struct bounds *bounds,
                        struct paths *paths, struct why *why)
{
    CLEANUP(settings_free) struct settings settings = {0};

    TRY(settings_load(options->state_dir, &settings, why));
    TRY(add(paths, options->state_dir, strlen(options->state_dir), CONFINE_WRITE));
    bounds->files = true;
    if (strncmp(settings.hardware, "tpm:", 4) == 0)
        return look_at_tpm(settings.hardware, bounds, paths, why);
    bounds->files = options->n_allow > 0;
    return look_at_token(settings.hardware, bounds, paths, why);
}

static err_code add_others(const struct bounds_options *options, struct paths *paths)
{
    for (size_t i = 0; i < SOCKET_KINDS; i++)
        if (options->sockets->of[i].own)
            TRY(add_parent(paths, options->sockets->of[i].path, CONFINE_REMOVE));
    if (options->tls != NULL) {
        TRY(add_parent(paths, options->tls->cert, CONFINE_READ));
        TRY(add_parent(paths, options->tls->key, CONFINE_READ));
        TRY(add_parent(paths, options->tls->clients, CONFINE_READ));
        TRY(add_parent(paths, options->tls->allowed, CONFINE_READ));
    }
    for (size_t i = 0; i < options->n_allow && i < BOUNDS_ALLOW_MAX; i++)
        TRY(add(paths, options->allow[i], strlen(options->allow[i]), CONFINE_WRITE));
    return ERR_OK;
}

err_code bounds_files(const struct bounds_options *options, struct bounds *ret, struct why *why)
{
    CLEANUP(paths_free) struct paths paths = {0};
    struct bounds out = {0};

    TRY(look_at(options, &out, &paths, why));
    TRY(add_others(options, &paths));
    if (out.wanted && out.files)
        TRY(confine_files(paths.of, paths.n, &out.files, why));
    else
        out.files = false;
    *ret = out;
    return ERR_OK;
}

err_code bounds_calls(struct bounds *bounds, struct why *why)
{
    return bounds->wanted ? confine_calls(bounds->network, &bounds->calls, why) : ERR_OK;
}
