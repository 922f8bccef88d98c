/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrapi.h: the ledger for whoever reads it: as a SCITT transparency service (SCRAPI,
 * draft-ietf-scitt-scrapi-11) and as the files of a log (C2SP tlog-tiles). Everything comes from
 * what is published on the disk: neither the keeper nor the hardware is asked, and while both are
 * away it is served all the same.
 *
 *     GET  /.well-known/scitt-keys[/KID]   keys that receipts are signed with (COSE Key Set)
 *     GET  /entries/INDEX                  the receipt of a record
 *     GET  /entries/INDEX/statement        the record with it: a transparent statement
 *     POST /entries                        refused: the gate alone writes its ledger
 *     GET  /checkpoint, /cosigned, /seal, /tile/..., /payload/...   files
 *
 * Every refusal below these paths, also those of whoever else makes them, is a problem object: in
 * CBOR, or in JSON for who accepts that and nothing of CBOR.
 */
#ifndef PAWL_DAEMON_SCRAPI_H
#define PAWL_DAEMON_SCRAPI_H

#include "gate/daemon/http.h"

struct scrapi {
    const char *state_dir;
};

/* Adds its paths. Borrows: scrapi. */
err_code scrapi_serve(struct scrapi *scrapi, struct http *http);

/* ---- contents: no connection ----------------------------------------------------------------- */

struct scrapi_form {
    const char *type; /* media type */
    bool final;       /* what once stands under this path never changes */
};

/* One of the files of <state>/ledger: "/checkpoint", "/cosigned", "/seal"; a tile, or what a record
 * is the hash of, in the one spelling that its path has. Follows no symbolic link. Errors:
 * NOT_FOUND; TOO_LARGE for what cannot be such a file; STORAGE. Owns: *ret. */
err_code scrapi_file(const char *state_dir, const char *path, struct buf *ret,
                     struct scrapi_form *ret_form, struct why *why);

/* An entry of the published tree: the record with its receipt, or the receipt alone. Errors:
 * NOT_FOUND when it is not published (yet); LEDGER_INCONSISTENT when the files do not fit together;
 * STORAGE. Owns: *ret. */
err_code scrapi_entry(const char *state_dir, uint64_t index, bool receipt, struct buf *ret,
                      struct why *why);

/* The COSE Key Set; or the one key of this kid (a thumbprint in base64url), which may be NULL.
 * Errors: NOT_FOUND; those of reading. Owns: *ret. */
err_code scrapi_keys(const char *state_dir, const char *kid, struct buf *ret, struct why *why);

/* "INDEX" or "INDEX/statement", decimal, without leading noughts. Error: FORMAT. */
err_code scrapi_entry_path(const char *text, uint64_t *ret_index, bool *ret_receipt);

/* Concise problem details (RFC 9290): {-1: title, -2: detail}. Owns: *ret. */
err_code scrapi_problem(const char *title, const char *detail, struct buf *ret);

#endif
