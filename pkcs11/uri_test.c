/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/uri.h"

#include "gate/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define M "?module-path=/usr/lib/x.so"

static const struct {
    const char *name, *uri;
    err_code want;
    const char *pin;
} CASES[] = {
    {"token", "pkcs11:token=gate" M, ERR_OK, ""},
    {"serial", "pkcs11:serial=01ab" M, ERR_OK, ""},
    {"both, and more", "pkcs11:token=gate;serial=01;manufacturer=x;model=y" M, ERR_OK, ""},
    {"percent", "pkcs11:token=my%20gate" M, ERR_OK, ""},
    {"pin file", "pkcs11:token=gate" M "&pin-source=file:/run/pin", ERR_OK, "/run/pin"},
    {"pin file with authority", "pkcs11:token=gate" M "&pin-source=file:///run/pin", ERR_OK,
     "/run/pin"},
    {"pin path", "pkcs11:token=gate" M "&pin-source=/run/pin", ERR_OK, "/run/pin"},
    {"pin command", "pkcs11:token=gate" M "&pin-source=%7ccat", ERR_HARDWARE_URI, NULL},
    {"pin file relative", "pkcs11:token=gate" M "&pin-source=file:pin", ERR_HARDWARE_URI, NULL},
    {"pin on a host", "pkcs11:token=gate" M "&pin-source=file://host/pin", ERR_HARDWARE_URI, NULL},
    {"pin value", "pkcs11:token=gate" M "&pin-value=31337", ERR_HSM_PIN_IN_URI, NULL},
    {"pin value and source", "pkcs11:token=gate" M "&pin-source=/p&pin-value=31337",
     ERR_HSM_PIN_IN_URI, NULL},
    {"empty pin value", "pkcs11:token=gate" M "&pin-value=", ERR_HSM_PIN_IN_URI, NULL},
    {"no module", "pkcs11:token=gate", ERR_HARDWARE_URI, NULL},
    {"relative module", "pkcs11:token=gate?module-path=x.so", ERR_HARDWARE_URI, NULL},
    {"module name with a slash", "pkcs11:token=gate?module-name=..%2fx", ERR_HARDWARE_URI, NULL},
    {"module name with dots", "pkcs11:token=gate?module-name=..", ERR_HARDWARE_URI, NULL},
    {"module name unknown", "pkcs11:token=gate?module-name=no-such", ERR_HSM_MODULE, NULL},
    {"no token", "pkcs11:" M, ERR_HARDWARE_URI, NULL},
    {"only a model", "pkcs11:model=y" M, ERR_HARDWARE_URI, NULL},
    {"slot", "pkcs11:token=gate;slot-id=3" M, ERR_HARDWARE_URI, NULL},
    {"slot's description", "pkcs11:token=gate;slot-description=x" M, ERR_HARDWARE_URI, NULL},
    {"slot's maker", "pkcs11:token=gate;slot-manufacturer=x" M, ERR_HARDWARE_URI, NULL},
    {"library", "pkcs11:token=gate;library-description=x;library-manufacturer=y" M, ERR_OK, ""},
    {"token twice", "pkcs11:token=gate;serial=1;token=other" M, ERR_HARDWARE_URI, NULL},
    {"module twice", "pkcs11:token=gate" M "&module-path=/usr/lib/y.so", ERR_HARDWARE_URI, NULL},
    {"pin file twice", "pkcs11:token=gate" M "&pin-source=/a&pin-source=/b", ERR_HARDWARE_URI,
     NULL},
    {"module by path and by name", "pkcs11:token=gate" M "&module-name=softhsm2", ERR_HARDWARE_URI,
     NULL},
    {"module with a NUL", "pkcs11:token=gate" M "%00.so", ERR_HARDWARE_URI, NULL},
    {"pin file with a NUL", "pkcs11:token=gate" M "&pin-source=/run/pin%00x", ERR_HARDWARE_URI,
     NULL},
    {"unknown attribute", "pkcs11:token=gate;tokem=x" M, ERR_HARDWARE_URI, NULL},
    {"bad percent", "pkcs11:token=%zz" M, ERR_HARDWARE_URI, NULL},
    {"no value", "pkcs11:token" M, ERR_HARDWARE_URI, NULL},
    {"scheme", "pkcs12:token=gate" M, ERR_HARDWARE_URI, NULL},
    {"empty", "", ERR_HARDWARE_URI, NULL},
};

static void uris(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(hsm_uri_free) struct hsm_uri uri = {0};
        struct why why = {0};
        err_code got = hsm_uri_parse(CASES[i].uri, &uri, &why);
        if (got != CASES[i].want)
            print_error("%s: %s, wanted %s: %s\n", CASES[i].name, err_name(got),
                        err_name(CASES[i].want), why.text);
        assert_int_equal(got, CASES[i].want);
        if (got != ERR_OK) {
            assert_null(uri.parsed);
            assert_int_equal(why.code, got);
            assert_null(strstr(why.text, "31337"));
            continue;
        }
        assert_string_equal((const char *)uri.module.ptr, "/usr/lib/x.so");
        assert_string_equal(uri.pin.len > 0 ? (const char *)uri.pin.ptr : "", CASES[i].pin);
        assert_false(hsm_uri_names_object(&uri));
    }
}

static void every_cut_is_read_without_harm(void **state)
{
    static const char URI[] = "pkcs11:token=gate;serial=01;object=a%20b;id=%01%02;type=private" M
                              "&pin-source=file:/run/pin";
    char cut[sizeof URI];
    (void)state;

    for (size_t n = 0; n < sizeof URI; n++) {
        CLEANUP(hsm_uri_free) struct hsm_uri uri = {0};
        struct why why = {0};
        memcpy(cut, URI, n);
        cut[n] = '\0';
        if (hsm_uri_parse(cut, &uri, &why) != ERR_OK)
            assert_null(uri.parsed);
    }
}

static void a_long_one_is_refused(void **state)
{
    static char text[4096];
    CLEANUP(hsm_uri_free) struct hsm_uri uri = {0};
    struct why why = {0};
    (void)state;

    memset(text, 'a', sizeof text - 1);
    memcpy(text, "pkcs11:token=", 13);
    assert_int_equal(hsm_uri_parse(text, &uri, &why), ERR_HARDWARE_URI);
}

static void objects_are_named(void **state)
{
    CLEANUP(hsm_uri_free) struct hsm_uri uri = {0};
    const CK_ATTRIBUTE *id;
    struct why why = {0};
    (void)state;

    assert_int_equal(hsm_uri_parse("pkcs11:token=gate;id=%01%02" M, &uri, &why), ERR_OK);
    assert_true(hsm_uri_names_object(&uri));
    id = hsm_uri_attribute(&uri, CKA_ID);
    assert_non_null(id);
    assert_int_equal(id->ulValueLen, 2);
    assert_null(hsm_uri_attribute(&uri, CKA_LABEL));
}

/* p11-kit-trust is registered wherever Debian's p11-kit-modules is installed. */
static void registered_modules_by_name(void **state)
{
    CLEANUP(hsm_uri_free) struct hsm_uri uri = {0};
    struct why why = {0};
    (void)state;

    if (!file_exists("/usr/share/p11-kit/modules/p11-kit-trust.module")) {
        print_message("no p11-kit-trust module here (Debian package p11-kit-modules)\n");
        skip();
    }
    assert_int_equal(hsm_uri_parse("pkcs11:token=gate?module-name=p11-kit-trust", &uri, &why),
                     ERR_OK);
    assert_int_equal(uri.module.ptr[0], '/');
    assert_non_null(strstr((const char *)uri.module.ptr, "p11-kit-trust.so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris),
        cmocka_unit_test(every_cut_is_read_without_harm),
        cmocka_unit_test(a_long_one_is_refused),
        cmocka_unit_test(objects_are_named),
        cmocka_unit_test(registered_modules_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
