/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/http.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

#define CONNECT_MS 10000L
#define UNIX "unix:"

void http_answer_free(struct http_answer *answer)
{
    buf_free(&answer->body);
    *answer = (struct http_answer){0};
}

/* ---- addresses ------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

err_code http_url_check(const char *url, struct why *why)
{
    const char *host = begins(url, "http://") ? url + 7 : begins(url, "https://") ? url + 8 : NULL;
    size_t len = strlen(url);

    if (len > HTTP_URL_MAX)
        return why_say(why, ERR_USAGE, "a URL of %zu characters, the limit is %d", len,
                       HTTP_URL_MAX);
    for (size_t i = 0; i < len; i++)
        if (url[i] <= ' ' || url[i] > '~')
            return why_say(why, ERR_USAGE, "the URL \"%s\" has a character that is not visible",
                           url);
    if (begins(url, UNIX "/") && strlen(url + strlen(UNIX)) > 1)
        return ERR_OK;
    if (host == NULL || host[0] == '\0' || host[0] == '/' || host[0] == ':')
        return why_say(why, ERR_USAGE,
                       "\"%s\" is not http://..., https://... or unix:/path/of/socket", url);
    if (strpbrk(host, "@?#") != NULL)
        return why_say(why, ERR_USAGE, "the URL \"%s\" has a user name, a query or a fragment",
                       url);
    return ERR_OK;
}

/* The URL to ask, and the socket to ask at, or an empty one. */
static err_code address(const struct http_post *post, struct buf *ret_url, struct buf *ret_socket,
                        struct why *why)
{
    size_t len = strlen(post->url);

    TRY(http_url_check(post->url, why));
    if (begins(post->url, UNIX)) {
        TRY(buf_add_str(ret_socket, post->url + strlen(UNIX)));
        TRY(buf_terminate(ret_socket));
        TRY(buf_add_str(ret_url, "http://localhost"));
    } else {
        while (post->url[len - 1] == '/')
            len--;
        TRY(buf_add(ret_url, post->url, len));
    }
    TRY(buf_add_str(ret_url, post->path));
    return buf_terminate(ret_url);
}

/* ---- libcurl --------------------------------------------------------------------------------- */

/* What is used of it. Never unloaded: it keeps state of its own until the process ends. */
struct curl {
    __typeof__(&curl_global_init) global_init;
    __typeof__(&curl_easy_init) easy_init;
    __typeof__(&curl_easy_setopt) setopt;
    __typeof__(&curl_easy_perform) perform;
    __typeof__(&curl_easy_getinfo) getinfo;
    __typeof__(&curl_easy_cleanup) cleanup;
    __typeof__(&curl_easy_strerror) strerror;
    __typeof__(&curl_slist_append) append;
    __typeof__(&curl_slist_free_all) free_all;
};

static bool load(void *library, const char *name, void *to)
{
    void *symbol = dlsym(library, name);

    memcpy(to, &symbol, sizeof symbol); /* a function's address, as POSIX has it */
    return symbol != NULL;
}

static err_code load_curl(struct curl *ret, struct why *why)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

    if (library == NULL)
        return why_say(why, ERR_UNSUPPORTED, "witnesses are asked with libcurl: %s", dlerror());
    if (!load(library, "curl_global_init", &ret->global_init) ||
        !load(library, "curl_easy_init", &ret->easy_init) ||
        !load(library, "curl_easy_setopt", &ret->setopt) ||
        !load(library, "curl_easy_perform", &ret->perform) ||
        !load(library, "curl_easy_getinfo", &ret->getinfo) ||
        !load(library, "curl_easy_cleanup", &ret->cleanup) ||
        !load(library, "curl_easy_strerror", &ret->strerror) ||
        !load(library, "curl_slist_append", &ret->append) ||
        !load(library, "curl_slist_free_all", &ret->free_all))
        return why_say(why, ERR_UNSUPPORTED, "this libcurl lacks a function: %s", dlerror());
    if (ret->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return why_say(why, ERR_UNSUPPORTED, "libcurl could not start");
    return ERR_OK;
}

/* ---- one request ----------------------------------------------------------------------------- */

struct request {
    struct curl curl;
    CURL *easy;
    struct curl_slist *headers;
    struct buf url, socket, body;
    size_t body_max, header_bytes;
    bool too_large;
};

static void request_free(struct request *r)
{
    if (r->easy != NULL)
        r->curl.cleanup(r->easy);
    if (r->headers != NULL)
        r->curl.free_all(r->headers);
    buf_free(&r->url);
    buf_free(&r->socket);
    buf_free(&r->body);
}

/* libcurl calls these; any other count than size * n ends the transfer. */
static size_t take_body(char *bytes, size_t size, size_t n, void *context)
{
    struct request *r = context;

    (void)size; /* is 1 */
    r->too_large = r->too_large || n > r->body_max - r->body.len;
    return !r->too_large && buf_add(&r->body, bytes, n) == ERR_OK ? n : 0;
}

static size_t take_header(char *bytes, size_t size, size_t n, void *context)
{
    struct request *r = context;

    (void)bytes;
    (void)size;
    r->too_large = r->too_large || n > HTTP_HEADERS_MAX - r->header_bytes;
    if (r->too_large)
        return 0;
    r->header_bytes += n;
    return n;
}

static bool add_header(struct request *r, const char *text)
{
    struct curl_slist *more = r->curl.append(r->headers, text);

    r->headers = more != NULL ? more : r->headers;
    return more != NULL;
}

static bool set_up(struct request *r, const struct http_post *post)
{
    __typeof__(r->curl.setopt) set = r->curl.setopt;
    CURL *e = r->easy;
    long timeout = (long)post->timeout_ms;

    return add_header(r, "Content-Type: text/plain; charset=utf-8") && add_header(r, "Expect:") &&
           set(e, CURLOPT_URL, (const char *)r->url.ptr) == CURLE_OK &&
           (r->socket.len == 0 ||
            set(e, CURLOPT_UNIX_SOCKET_PATH, (const char *)r->socket.ptr) == CURLE_OK) &&
           set(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           set(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           set(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           set(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           set(e, CURLOPT_PROXY, "") == CURLE_OK &&
           set(e, CURLOPT_CONNECTTIMEOUT_MS, timeout < CONNECT_MS ? timeout : CONNECT_MS) ==
               CURLE_OK &&
           set(e, CURLOPT_TIMEOUT_MS, timeout) == CURLE_OK &&
           set(e, CURLOPT_USERAGENT, "pawl/" PAWL_VERSION) == CURLE_OK &&
           set(e, CURLOPT_HTTPHEADER, r->headers) == CURLE_OK &&
           set(e, CURLOPT_POST, 1L) == CURLE_OK &&
           set(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.len) == CURLE_OK &&
           set(e, CURLOPT_POSTFIELDS, (const char *)post->body.ptr) == CURLE_OK &&
           set(e, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           set(e, CURLOPT_WRITEDATA, r) == CURLE_OK &&
           set(e, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           set(e, CURLOPT_HEADERDATA, r) == CURLE_OK;
}

static err_code perform(struct request *r, const struct http_post *post, struct why *why)
{
    CURLcode code = r->curl.perform(r->easy);

    if (r->too_large)
        return why_say(why, ERR_TOO_LARGE, "\"%s\" answers with more than %zu bytes", post->url,
                       post->answer_max);
    if (code != CURLE_OK)
        return why_say(why, ERR_WITNESS_UNREACHABLE, "\"%s\": %s", post->url,
                       r->curl.strerror(code));
    return ERR_OK;
}

err_code http_post(const struct http_post *post, struct http_answer *ret, struct why *why)
{
    CLEANUP(request_free) struct request r = {.body_max = post->answer_max};
    struct http_answer out = {0};
    const char *type = NULL;
    long status = 0;

    TRY(address(post, &r.url, &r.socket, why));
    TRY(load_curl(&r.curl, why));
    r.easy = r.curl.easy_init();
    if (r.easy == NULL || !set_up(&r, post))
        return why_say(why, ERR_UNSUPPORTED, "this libcurl does not take what it must be told");
    TRY(perform(&r, post, why));
    if (r.curl.getinfo(r.easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status < 0 ||
        r.curl.getinfo(r.easy, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK)
        return ERR_INTERNAL;
    out.status = (unsigned)status;
    if (type != NULL && strlen(type) <= HTTP_TYPE_MAX)
        memcpy(out.type, type, strlen(type) + 1);
    out.body = buf_take(&r.body);
    http_answer_free(ret);
    *ret = out;
    return ERR_OK;
}
