/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h: one HTTP POST to somebody else's service, through libcurl. What comes back is not
 * trusted: sizes and times are bounded, redirects are not followed, the environment's proxies are
 * not used. libcurl and the many libraries behind it are loaded by the first call, so that no other
 * verb has them in its address space or waits for them.
 */
#ifndef PAWL_CLI_HTTP_H
#define PAWL_CLI_HTTP_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

#define HTTP_URL_MAX 1024
#define HTTP_TYPE_MAX 127
#define HTTP_HEADERS_MAX ((size_t)64 << 10) /* bytes of all headers of an answer */

/* Refuses what is not "http://host[:port][/path]", "https://..." or "unix:/path/of/socket": also
 * user names, queries, fragments, and anything but visible ASCII. Error: USAGE. */
err_code http_url_check(const char *url, struct why *why);

struct http_post {
    const char *url;  /* what http_url_check() takes; a slash at its end does not count */
    const char *path; /* is put behind it: "/add-checkpoint" */
    struct slice body;
    unsigned timeout_ms; /* for everything together */
    size_t answer_max;   /* bytes of the body that comes back */
};

struct http_answer {
    unsigned status;
    char type[HTTP_TYPE_MAX + 1]; /* Content-Type; empty when there is none or it is too long */
    struct buf body;
};
void http_answer_free(struct http_answer *answer);

/* Errors: WITNESS_UNREACHABLE when there is no answer, or it comes too slowly; TOO_LARGE; USAGE;
 * UNSUPPORTED when libcurl is not installed. Owns: http_answer_free. */
err_code http_post(const struct http_post *post, struct http_answer *ret, struct why *why);

#endif
