/* SPDX-License-Identifier: Apache-2.0 */
/* ask_request.c: requests from texts, written as JSON by who reads them. */
#include "gate/client/client.h"
#include "gate/decide/answer_json.h"
#include "gate/decide/request.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS (PAWL_CONTEXT + 1)

struct pawl_request {
    char *texts[FIELDS];
    char *policies[REQUEST_ALIASES_MAX + 1]; /* ends with NULL */
    size_t n_policies;
    char *json;
};

int pawl_request_new(struct pawl_request **ret)
{
    if (ret == NULL)
        return PAWL_USAGE;
    *ret = calloc(1, sizeof **ret);
    return *ret != NULL ? PAWL_OK : PAWL_NO_MEMORY;
}

int pawl_request_set(struct pawl_request *request, enum pawl_field field, const char *text)
{
    char *copy;

    if (request == NULL || text == NULL || field < PAWL_SUBJECT_TYPE || field > PAWL_POLICY)
        return PAWL_USAGE;
    if (strnlen(text, REQUEST_SIZE_MAX) == REQUEST_SIZE_MAX ||
        (field == PAWL_POLICY && request->n_policies == REQUEST_ALIASES_MAX))
        return PAWL_TOO_LARGE;
    copy = strdup(text);
    if (copy == NULL)
        return PAWL_NO_MEMORY;
    if (field == PAWL_POLICY) {
        request->policies[request->n_policies++] = copy;
        return PAWL_OK;
    }
    free(request->texts[field]);
    request->texts[field] = copy;
    return PAWL_OK;
}

static err_code flags_of(const struct pawl_request *request, struct request_flags *ret,
                         struct why *why)
{
    static const char *const NAMES[FIELDS] = {
        [PAWL_SUBJECT_ID] = "PAWL_SUBJECT_ID",
        [PAWL_ACTION] = "PAWL_ACTION",
        [PAWL_CLASS] = "PAWL_CLASS",
        [PAWL_RESOURCE_TYPE] = "PAWL_RESOURCE_TYPE",
        [PAWL_RESOURCE_ID] = "PAWL_RESOURCE_ID",
    };
    char *const *texts = request->texts;

    for (size_t i = 0; i < FIELDS; i++)
        if (NAMES[i] != NULL && texts[i] == NULL)
            return why_say(why, ERR_REQUEST_MALFORMED, "%s is not set", NAMES[i]);
    *ret = (struct request_flags){
        .subject_type = texts[PAWL_SUBJECT_TYPE] != NULL ? texts[PAWL_SUBJECT_TYPE] : "agent",
        .subject_id = texts[PAWL_SUBJECT_ID],
        .action = texts[PAWL_ACTION],
        .class_ = texts[PAWL_CLASS],
        .resource_type = texts[PAWL_RESOURCE_TYPE],
        .resource_id = texts[PAWL_RESOURCE_ID],
        .properties = texts[PAWL_PROPERTIES],
        .context = texts[PAWL_CONTEXT],
        .aliases = (const char *const *)request->policies,
    };
    return ERR_OK;
}

static err_code write(struct pawl_request *request, struct why *why)
{
    CLEANUP(request_free) struct request parsed = {0};
    struct request_flags flags;
    char *json;

    TRY(flags_of(request, &flags, why));
    TRY(request_from_flags(&flags, &parsed, why));
    json = answer_json_text(parsed.json, JSON_COMPACT);
    if (json == NULL)
        return ERR_NO_MEMORY;
    free(request->json);
    request->json = json;
    return ERR_OK;
}

int pawl_request_write(struct pawl_request *request, struct pawl_bytes *ret,
                       struct pawl_why *ret_why)
{
    struct why why = {0};
    err_code err;

    if (request == NULL || ret == NULL)
        return client_tell(ERR_USAGE, &why, ret_why);
    *ret = (struct pawl_bytes){NULL, 0};
    err = write(request, &why);
    if (err == ERR_OK)
        *ret = (struct pawl_bytes){request->json, strlen(request->json)};
    return client_tell(err, &why, ret_why);
}

void pawl_request_free(struct pawl_request **request)
{
    if (request == NULL || *request == NULL)
        return;
    for (size_t i = 0; i < FIELDS; i++)
        free((*request)->texts[i]);
    for (size_t i = 0; i < (*request)->n_policies; i++)
        free((*request)->policies[i]);
    free((*request)->json);
    free(*request);
    *request = NULL;
}
