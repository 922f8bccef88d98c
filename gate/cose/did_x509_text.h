/* SPDX-License-Identifier: Apache-2.0 */
/* did_x509_text.h: pieces of the text, shared by its parser and the resolver; inside the room. */
#ifndef PAWL_COSE_DID_X509_TEXT_H
#define PAWL_COSE_DID_X509_TEXT_H

#include "gate/cose/did_x509.h"

/* Splits off what stands before the mark, and moves *rest behind it. Without a mark: takes all, and
 * false. */
bool did_x509_split(struct slice *rest, const char *mark, struct slice *ret);

/* Appends what a percent-encoded value means. Error: FORMAT. */
err_code did_x509_plain(struct slice value, struct buf *ret);

#endif
