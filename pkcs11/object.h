/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.h: objects on a token: finding them, reading attributes, and comparing attributes with
 * what was asked for. A token that ignores a protection it was asked for is not found out in any
 * other way than by reading back.
 */
#ifndef PAWL_PKCS11_OBJECT_H
#define PAWL_PKCS11_OBJECT_H

#include "hw/key.h"
#include "pkcs11/token.h"

#define HSM_OBJECTS_MAX 1024 /* objects that one search may yield */
#define HSM_ATTRIBUTE_MAX 1024

/* Attributes in a template. */
#define HSM_ATTR(type, variable) ((CK_ATTRIBUTE){(type), &(variable), sizeof(variable)})
#define HSM_N(array) (sizeof(array) / sizeof *(array))

struct hsm_found {
    CK_OBJECT_HANDLE *handles;
    size_t n;
};
void hsm_found_free(struct hsm_found *found);

/* Every object that matches. Errors: TOO_LARGE beyond HSM_OBJECTS_MAX. Owns: the caller frees. */
err_code hsm_find(struct hsm_token *token, CK_ATTRIBUTE *wanted, size_t n_wanted,
                  struct hsm_found *ret, struct why *why);

/* Reads one attribute. An attribute that the object does not have gives NOT_FOUND, and leaves the
 * token good; so does one longer than size. */
err_code hsm_attribute(struct hsm_token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                       struct slice *ret, uint8_t *space, size_t size, struct why *why);

/* A boolean attribute and the value that it must have. */
struct hsm_flag {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
    CK_BBOOL value;
};

/* Compares the flags of an object; the first that differs or is missing is named, and code
 * returned. what: the object, for people. */
struct hsm_judged {
    CK_OBJECT_HANDLE object;
    const char *what;
    err_code code;
};
err_code hsm_flags_check(struct hsm_token *token, const struct hsm_judged *judged,
                         const struct hsm_flag *flags, size_t n_flags, struct why *why);

err_code hsm_destroy(struct hsm_token *token, CK_OBJECT_HANDLE object, struct why *why);

/* CKA_EC_PARAMS of the two curves: the DER of the named curve's OID. Borrows: static storage. */
struct slice hsm_ec_params(enum hw_alg alg);

/* CKA_EC_POINT of an EC key: the DER OCTET STRING of 04 || x || y. Appends. */
err_code hsm_ec_point(const struct hw_pubkey *key, struct buf *ret);

/* The public key that a public-key object holds. Errors: KEY_MALFORMED, COSE_ALG. */
err_code hsm_object_key(struct hsm_token *token, CK_OBJECT_HANDLE object, struct hw_pubkey *ret,
                        struct why *why);

#endif
