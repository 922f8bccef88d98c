/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/audit_kind.h"

static const struct {
    const char *name, *text;
    err_code error;
} KINDS[] = {
#define X(kind, name, error, meaning) [kind] = {name, meaning, ERR_##error},
    AUDIT_KINDS(X)
#undef X
};

const char *audit_kind_name(enum audit_kind kind)
{
    return KINDS[kind].name;
}

const char *audit_kind_text(enum audit_kind kind)
{
    return KINDS[kind].text;
}

err_code audit_kind_error(enum audit_kind kind)
{
    return KINDS[kind].error;
}
