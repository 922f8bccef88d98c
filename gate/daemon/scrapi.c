/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/scrapi.h"

#include "gate/cose/cbor.h"
#include "gate/decide/answer_json.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_PATH "/.well-known/scitt-keys"
#define ENTRIES_PATH "/entries"
#define CBOR_TYPE_NAME "application/cbor"
#define COSE_TYPE_NAME "application/cose"
#define PROBLEM_CBOR "application/concise-problem-details+cbor"
#define PROBLEM_JSON "application/problem+json"

/* ---- problems -------------------------------------------------------------------------------- */

err_code scrapi_problem(const char *title, const char *detail, struct buf *ret)
{
    struct cbor_writer w = cbor_write(ret);

    cbor_put_map(&w, 2);
    cbor_put_int(&w, -1);
    cbor_put_text(&w, title);
    cbor_put_int(&w, -2);
    cbor_put_text(&w, detail);
    return cbor_written(&w);
}

/* JSON for who asks for it and not for CBOR. */
static bool wants_json(const struct http_call *call)
{
    const char *accept = http_header(call, "Accept");

    return accept != NULL && strcasestr(accept, "json") != NULL &&
           strcasestr(accept, "cbor") == NULL && strcasestr(accept, "cose") == NULL;
}

static void answer_json(struct http_call *call, int status, const char *title, const char *detail)
{
    json_t *body = json_pack("{s:s, s:s, s:i}", "title", title, "detail", detail, "status", status);
    char *text = body == NULL ? NULL : answer_json_text(body, JSON_COMPACT);

    json_decref(body);
    http_answer_bytes(call, text == NULL ? 503 : status, PROBLEM_JSON,
                      text == NULL ? (struct slice){0} : slice_str(text));
    free(text);
}

static void problem(struct http_call *call, int status, const char *title, const char *detail)
{
    CLEANUP(buf_free) struct buf body = {0};

    if (wants_json(call)) {
        answer_json(call, status, title, detail);
        return;
    }
    if (scrapi_problem(title, detail, &body) != ERR_OK)
        buf_cut(&body, 0);
    http_answer_bytes(call, status, PROBLEM_CBOR, buf_slice(&body));
}

/* Titles of the draft (2.3.3, 2.4.3) where it has one. */
static const char *title_of(const char *path, int status, err_code err)
{
    switch (status) {
    case 400:
        return err == ERR_FORMAT ? "Invalid locator" : "Malformed request";
    case 403:
        return "Forbidden";
    case 404:
        return strncmp(path, KEYS_PATH, strlen(KEYS_PATH)) == 0 ? "No such key" : "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    default:
        return err_name(err);
    }
}

static void refuse(struct http_call *call, int status, err_code err, const struct why *why)
{
    problem(call, status, title_of(http_path(call), status, err), why_text(why, err));
}

static int status_of(err_code err)
{
    return err == ERR_NOT_FOUND ? 404 : err == ERR_FORMAT ? 400 : 503;
}

/* ---- paths ----------------------------------------------------------------------------------- */

/* What there is goes to who takes it. */
static void answer(struct http_call *call, const char *type, const struct buf *body)
{
    struct why why = {0};

    if (http_accepts(call, type)) {
        http_answer_bytes(call, 200, type, buf_slice(body));
        return;
    }
    (void)why_say(&why, ERR_UNSUPPORTED, "this is %s, which Accept does not have", type);
    http_refuse(call, 406, ERR_UNSUPPORTED, &why);
}

static void keys(struct http_call *call, void *ctx)
{
    const struct scrapi *scrapi = ctx;
    CLEANUP(buf_free) struct buf body = {0};
    const char *kid = http_path(call) + strlen(KEYS_PATH);
    struct why why = {0};
    err_code err = scrapi_keys(scrapi->state_dir, *kid == '/' ? kid + 1 : NULL, &body, &why);

    if (err != ERR_OK)
        http_refuse(call, status_of(err), err, &why);
    else
        answer(call, CBOR_TYPE_NAME, &body);
}

static void entry(struct http_call *call, void *ctx)
{
    const struct scrapi *scrapi = ctx;
    CLEANUP(buf_free) struct buf body = {0};
    struct why why = {0};
    uint64_t index;
    bool receipt;
    err_code err = scrapi_entry_path(http_path(call) + strlen(ENTRIES_PATH "/"), &index, &receipt);

    if (err != ERR_OK)
        (void)why_say(&why, err, "the path has no number of an entry");
    else
        err = scrapi_entry(scrapi->state_dir, index, receipt, &body, &why);
    if (err != ERR_OK)
        http_refuse(call, status_of(err), err, &why);
    else
        answer(call, COSE_TYPE_NAME, &body);
}

/* Under the draft's title for what a registration policy does not take (2.3.3), but with 403: it
 * is not the statement that would have to be another. */
static void register_entry(struct http_call *call, void *ctx)
{
    (void)ctx;
    http_count_refusal(call, ERR_CALLER_REFUSED);
    problem(call, 403, "Rejected",
            "a gate has no registration policy, and none can be configured: this ledger takes no "
            "statements but the gate's own");
}

static void file(struct http_call *call, void *ctx)
{
    const struct scrapi *scrapi = ctx;
    CLEANUP(buf_free) struct buf body = {0};
    struct scrapi_form form;
    struct why why = {0};
    err_code err = scrapi_file(scrapi->state_dir, http_path(call), &body, &form, &why);

    if (err != ERR_OK) {
        http_refuse(call, status_of(err), err, &why);
        return;
    }
    if (form.final)
        http_add_header(call, "Cache-Control", "max-age=31536000, immutable");
    http_answer_bytes(call, 200, form.type, buf_slice(&body));
}

err_code scrapi_serve(struct scrapi *scrapi, struct http *http)
{
    enum { WHO = HTTP_ENFORCEMENT | HTTP_ADMIN };
    static const struct http_route ROUTES[] = {
        {KEYS_PATH, HTTP_GET, WHO, NULL, keys},
        {KEYS_PATH "/", HTTP_GET, WHO, NULL, keys},
        {ENTRIES_PATH, HTTP_POST, WHO, COSE_TYPE_NAME, register_entry},
        {ENTRIES_PATH "/", HTTP_GET, WHO, NULL, entry},
        {"/checkpoint", HTTP_GET, WHO, NULL, file},
        {"/cosigned", HTTP_GET, WHO, NULL, file},
        {"/seal", HTTP_GET, WHO, NULL, file},
        {"/tile/", HTTP_GET, WHO, NULL, file},
        {"/payload/", HTTP_GET, WHO, NULL, file},
        {0},
    };
    static const char *const PATHS[] = {KEYS_PATH, ENTRIES_PATH, "/checkpoint", "/cosigned",
                                        "/seal",   "/tile",      "/payload",    NULL};
    static const struct http_face FACE = {PATHS, refuse};

    http_set_face(http, &FACE);
    return http_add(http, ROUTES, scrapi);
}
