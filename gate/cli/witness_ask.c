/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/witness_ask.h"

#include "gate/cli/http.h"

err_code witness_ask(const struct witness_job *job, struct buf *ret, struct why *why)
{
    struct witness_talk talk = {
        .name = job->name, .note = job->note, .checkpoint = job->checkpoint};

    for (;;) {
        CLEANUP(http_answer_free) struct http_answer answer = {0};
        CLEANUP(buf_free) struct buf body = {0};
        struct witness_response response;
        struct slice lines;
        bool done;

        TRY(witness_talk_next(&talk, job->source, &body, why));
        TRY(http_post(&(struct http_post){.url = job->url,
                                          .path = "/add-checkpoint",
                                          .body = buf_slice(&body),
                                          .timeout_ms = job->timeout_ms,
                                          .answer_max = WITNESS_RESPONSE_MAX},
                      &answer, why));
        response = (struct witness_response){answer.status, slice_str(answer.type),
                                             buf_slice(&answer.body)};
        TRY(witness_talk_take(&talk, &response, &lines, &done, why));
        if (done)
            return buf_add_slice(ret, lines);
    }
}
