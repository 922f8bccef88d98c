/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/scrapi.h"

#include "gate/cose/cbor.h"

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
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);

    json_decref(body);
    http_answer_bytes(call, text == NULL ? 503 : status, PROBLEM_JSON,
                      text == NULL ? (struct slice){0} : slice_str(text));
    free(text);
}

static void problem(struct http_call *call, int status, const char *title, const char *detail)
{
    CLEANUP(buf_free) struct buf body = {0};

    if (status == 503)
        http_add_header(call, "Retry-After", "1");
    if (wants_json(call)) {
        answer_json(call, status, title, detail);
        return;
    }
    if (scrapi_problem(title, detail, &body) != ERR_OK)
        buf_cut(&body, 0);
    http_answer_bytes(call, status, PROBLEM_CBOR, buf_slice(&body));
}

static void refuse(struct http_call *call, err_code err, const struct why *why,
                   const char *not_found)
{
    const char *detail = why_text(why, err);

    http_count_refusal(call, err);
    if (err == ERR_NOT_FOUND)
        problem(call, 404, not_found, detail);
    else if (err == ERR_FORMAT)
        problem(call, 400, "Malformed request", "the path has no number of an entry");
    else
        problem(call, 503, err_name(err), detail);
}

/* ---- paths ----------------------------------------------------------------------------------- */

static void keys(struct http_call *call, void *ctx)
{
    const struct scrapi *scrapi = ctx;
    CLEANUP(buf_free) struct buf body = {0};
    const char *kid = http_path(call) + strlen(KEYS_PATH);
    struct why why = {0};
    err_code err = scrapi_keys(scrapi->state_dir, *kid == '/' ? kid + 1 : NULL, &body, &why);

    if (err != ERR_OK)
        refuse(call, err, &why, "No such key");
    else
        http_answer_bytes(call, 200, CBOR_TYPE_NAME, buf_slice(&body));
}

static void entry(struct http_call *call, void *ctx)
{
    const struct scrapi *scrapi = ctx;
    CLEANUP(buf_free) struct buf body = {0};
    struct why why = {0};
    uint64_t index;
    bool receipt;
    err_code err = scrapi_entry_path(http_path(call) + strlen(ENTRIES_PATH "/"), &index, &receipt);

    if (err == ERR_OK)
        err = scrapi_entry(scrapi->state_dir, index, receipt, &body, &why);
    if (err != ERR_OK)
        refuse(call, err, &why, "Not Found");
    else
        http_answer_bytes(call, 200, COSE_TYPE_NAME, buf_slice(&body));
}

/* No policy of registration takes anybody else's statements (SCRAPI 2.3.3). */
static void register_entry(struct http_call *call, void *ctx)
{
    (void)ctx;
    http_count_refusal(call, ERR_CALLER_REFUSED);
    problem(call, 400, "Rejected", "this ledger takes no statements but the gate's own");
}

static void file(struct http_call *call, void *ctx)
{
    const struct scrapi *scrapi = ctx;
    CLEANUP(buf_free) struct buf body = {0};
    const char *type;
    struct why why = {0};
    err_code err = scrapi_file(scrapi->state_dir, http_path(call), &body, &type, &why);

    if (err != ERR_OK)
        refuse(call, err, &why, "Not Found");
    else
        http_answer_bytes(call, 200, type, buf_slice(&body));
}

err_code scrapi_serve(struct scrapi *scrapi, struct http *http)
{
    enum { WHO = HTTP_ENFORCEMENT | HTTP_ADMIN };
    static const struct http_route ROUTES[] = {
        {KEYS_PATH, HTTP_GET, WHO, NULL, keys},
        {KEYS_PATH "/", HTTP_GET, WHO, NULL, keys},
        {ENTRIES_PATH, HTTP_POST, WHO, NULL, register_entry},
        {ENTRIES_PATH "/", HTTP_GET, WHO, NULL, entry},
        {"/checkpoint", HTTP_GET, WHO, NULL, file},
        {"/seal", HTTP_GET, WHO, NULL, file},
        {"/tile/", HTTP_GET, WHO, NULL, file},
        {0},
    };

    return http_add(http, ROUTES, scrapi);
}
