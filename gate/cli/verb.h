/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb.h: one verb of the pawl command. Each verb is a file that ends in one const descriptor;
 * main.c lists them. A verb fills a JSON object and writes lines for people; main prints one of the
 * two, so that both always say the same and --json prints exactly one value.
 */
#ifndef PAWL_CLI_VERB_H
#define PAWL_CLI_VERB_H

#include "gate/base/bytes.h"
#include "gate/cli/args.h"

#include <jansson.h>

struct call {
    const struct args *args;
    const char *state_dir;      /* --state, PAWL_STATE, or /var/lib/pawl */
    int64_t now;                /* seconds since 1970, read once by main */
    uint64_t (*clock_ms)(void); /* the clock, for those who wait before they act */
    json_t *json;               /* object; main adds "schema" and "ok" */
    bool stands;                /* what json and text have is told beside an error, too */
    struct buf text;            /* for people */
    bool streamed;              /* the verb has printed its answer itself, as it came */
    int exit;                   /* 0, or the code of an answer that is no error (10: denied) */
    struct why why;
};

struct verb {
    const char *name;       /* "policy sign" */
    const char *arguments;  /* "FILE [FILE...]" for the help; "" for none */
    const char *summary;    /* one line */
    const char *details;    /* more for "pawl help VERB"; may be NULL */
    const struct opt *opts; /* ends with a NULL name */
    size_t least, most;     /* number of plain arguments */
    err_code (*run)(struct call *call);
};

extern const struct opt NO_OPTIONS[];

/* Adds text for people, whole lines, with ? for what would drive their terminal. */
void say_text(struct call *call, struct slice text);
/* Adds one line: what it is given, such as the name of a file, begins none of its own. */
[[gnu::format(printf, 2, 3)]] void say(struct call *call, const char *format, ...);

/* Says which file was being read, for an error in its content. Returns err. */
err_code in_file(struct call *call, err_code err, const char *path);

/* Adds a member to the JSON object (or to any object). NULL text is left out. */
void put_text(json_t *object, const char *key, const char *text);
void put_slice(json_t *object, const char *key, struct slice text); /* UTF-8 */
void put_uint(json_t *object, const char *key, uint64_t value);
void put_bool(json_t *object, const char *key, bool value);
void put_time(json_t *object, const char *key, int64_t seconds);     /* RFC 3339 */
void put_bytes(json_t *object, const char *key, struct slice bytes); /* base64url */
struct digest;
void put_digest(json_t *object, const char *key, const struct digest *digest);
json_t *put_array(json_t *object, const char *key);
json_t *put_object(json_t *object, const char *key);
json_t *add_object(json_t *array);

/* The table of all verbs, ending with NULL; and the options that every verb takes. */
extern const struct verb *const VERBS[];
extern const struct opt GLOBAL_OPTIONS[];

#endif
