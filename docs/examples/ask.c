/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.c: asks the pawl service whether an action may happen, and says so. Exit status 0: it may.
 * 10: denied. 1: there is no answer, so it may not happen either.
 *
 *     cc -o ask ask.c $(pkg-config --cflags --libs libpawl)
 *     ./ask /run/pawl/agents.sock build-7 exec execute program /usr/bin/git && git fetch
 */
#include <pawl.h>
#include <stdio.h>

static const enum pawl_field FIELDS[] = {PAWL_SUBJECT_ID, PAWL_ACTION, PAWL_CLASS,
                                         PAWL_RESOURCE_TYPE, PAWL_RESOURCE_ID};

/* The request from the command line, and the answer to it. */
static int ask(const char *socket, char **words, struct pawl_answer **ret, struct pawl_why *why)
{
    struct pawl_conn *conn = NULL;
    struct pawl_request *request = NULL;
    struct pawl_bytes json;
    int err = pawl_request_new(&request);

    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0] && err == PAWL_OK; i++)
        err = pawl_request_set(request, FIELDS[i], words[i]);
    if (err == PAWL_OK)
        err = pawl_request_write(request, &json, why);
    if (err == PAWL_OK)
        err = pawl_open(socket, &conn);
    if (err == PAWL_OK)
        err = pawl_ask(conn, json, 5000, ret, why);
    pawl_close(&conn);
    pawl_request_free(&request);
    return err;
}

int main(int argc, char **argv)
{
    struct pawl_answer *answer = NULL;
    struct pawl_why why = {""};
    uint64_t index = 0;
    int err, permitted;

    if (argc != 7) {
        fprintf(stderr, "usage: ask SOCKET AGENT ACTION CLASS TYPE ID\n");
        return 2;
    }
    err = ask(argv[1], argv + 2, &answer, &why);
    permitted = pawl_answer_permitted(answer);
    if (err != PAWL_OK)
        fprintf(stderr, "no answer: %s %s\n", pawl_strerror(err), why.text);
    else if (permitted && pawl_answer_ledger_index(answer, &index))
        printf("permitted, entry %llu of the ledger\n", (unsigned long long)index);
    else
        printf("denied: %s %s\n", pawl_answer_reason(answer), pawl_answer_why(answer));
    pawl_answer_free(&answer);
    if (err != PAWL_OK)
        return 1;
    return permitted ? 0 : 10;
}
