/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpus_implicit_testing.h: the handwritten tests of the corpus rely on a reader that knows the
 * schema: entities and extension values stand there without escapes, and the actions only in the
 * schema. This writes them out.
 */
#ifndef PAWL_CEDAR_CORPUS_IMPLICIT_TESTING_H
#define PAWL_CEDAR_CORPUS_IMPLICIT_TESTING_H

#include "gate/cedar/schema.h"

/* False if this is not JSON. Appends. */
bool corpus_explicit_entities(const struct cedar_schema *schema, struct slice json,
                              struct buf *ret);
bool corpus_explicit_context(const struct cedar_schema *schema, const struct cedar_uid *action,
                             struct slice json, struct buf *ret);

#endif
