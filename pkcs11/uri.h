/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uri.h: a PKCS#11 URI (RFC 7512) taken apart: which module, which token, which object, and where
 * the PIN lies. Nothing is guessed: the module is named, the token is named by label or serial, and
 * a PIN is never part of the URI.
 */
#ifndef PAWL_PKCS11_URI_H
#define PAWL_PKCS11_URI_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

struct hsm_uri {
    P11KitUri *parsed;
    struct buf module; /* absolute path of the module, NUL-terminated */
    struct buf pin;    /* absolute path of the PIN file, NUL-terminated; len 0: none */
};

/* Reads a URI. module-path must be absolute; module-name is looked up among p11-kit's registered
 * modules ("softhsm2": softhsm2.module). pin-source is file:/PATH or /PATH. A slot is no name,
 * since tokens renumber them. The text is never quoted in an error: it may hold a PIN that somebody
 * put there. Errors: HARDWARE_URI, HSM_PIN_IN_URI, HSM_MODULE. Owns: the caller frees *ret. */
err_code hsm_uri_parse(const char *text, struct hsm_uri *ret, struct why *why);
void hsm_uri_free(struct hsm_uri *uri);

/* True if the URI names objects (object, id, type), not only a token. */
bool hsm_uri_names_object(const struct hsm_uri *uri);

/* The attribute of the named object, or NULL. Borrows: from uri. */
const CK_ATTRIBUTE *hsm_uri_attribute(const struct hsm_uri *uri, CK_ATTRIBUTE_TYPE type);

/* The names of one private key. */
struct hsm_name {
    const char *token, *serial;
    struct slice label, id;
};

/* The URI that leads to this key and no other, with the module and the PIN file of uri. Error:
 * TOO_LARGE. */
err_code hsm_uri_format(const struct hsm_uri *uri, const struct hsm_name *name, char *ret,
                        size_t size, struct why *why);

#endif
