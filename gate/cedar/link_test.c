/* SPDX-License-Identifier: Apache-2.0 */
/* link_test.c: templates, linked. */
#include "gate/cedar/same.h"
#include "gate/cedar/text_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char TEMPLATES[] =
    "@id(\"t\") permit(principal == ?principal, action in [Action::\"a\", Action::\"b\"],\n"
    "resource is F in ?resource) when { if context has a.b then {c: [1, \"d\", E::\"f\"]}.c\n"
    ".contains(ip(\"::1\")) else \"x\" like \"*y\" && principal is P in Q::\"q\" };\n"
    "permit(principal in ?principal, action, resource);\n"
    "forbid(principal, action, resource);";

struct want {
    const char *template, *id;
    bool principal, resource;
    err_code err;
    const char *says;
};

static void links(void **state)
{
    static const struct want CASES[] = {
        {"policy0", "l", true, true, ERR_OK, ""},
        {"policy1", "l", true, false, ERR_OK, ""},
        {"policy0", "", true, true, ERR_OK, ""},
        {"policy0", "l", true, false, ERR_CEDAR_SYNTAX,
         "the template has the slot ?resource, but the link gives nothing for it"},
        {"policy0", "l", false, true, ERR_CEDAR_SYNTAX,
         "the template has the slot ?principal, but the link gives nothing for it"},
        {"policy1", "l", true, true, ERR_CEDAR_SYNTAX,
         "the template has no slot ?resource, but the link gives an entity for it"},
        {"policy2", "l", false, false, ERR_NOT_FOUND, "there is no template \"policy2\""},
        {"t", "l", true, true, ERR_NOT_FOUND, "there is no template \"t\""},
        {"policy0", "policy2", true, true, ERR_EXISTS, "there is a policy \"policy2\" already"},
        {"policy0", "policy0", true, true, ERR_EXISTS, "there is a policy \"policy0\" already"},
    };
    struct cedar_uid u = cedar_uid_of(slice_str("U"), slice_str("u")),
                     f = cedar_uid_of(slice_str("F"), slice_str("f"));
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(cedar_free) struct cedar_policies *linked = NULL;
        struct outcome o = testing_parse(slice_str(TEMPLATES));
        struct cedar_link link = {slice_str(CASES[i].template), slice_str(CASES[i].id),
                                  CASES[i].principal ? &u : NULL, CASES[i].resource ? &f : NULL};
        const struct cedar_policy *made;
        struct why why = {0};

        assert_int_equal(o.err, ERR_OK);
        o.err = cedar_link(o.policies, &link, &linked, &why);
        if (o.err != CASES[i].err || strcmp(why.text, CASES[i].says) != 0)
            fail_msg("%zu: got %s: %s", i, err_name(o.err), why.text);
        cedar_free(&o.policies); /* the new set borrows nothing from it */
        if (CASES[i].err != ERR_OK)
            continue;
        o = testing_parse(slice_str(TEMPLATES));
        for (size_t k = 0; k < cedar_count(o.policies); k++)
            assert_true(cedar_policy_same(cedar_at(o.policies, k), cedar_at(linked, k)));
        cedar_free(&o.policies);
        assert_int_equal(cedar_count(linked), 4);
        made = cedar_at(linked, 3);
        assert_true(!made->is_template && made->template == cedar_find(linked, link.template));
        assert_true(slice_eq_str(made->id, CASES[i].id) && slice_eq(made->id, made->name));
        assert_true(cedar_uid_eq(&made->principal.uid, &u));
        assert_true(!CASES[i].resource || cedar_uid_eq(&made->resource.uid, &f));
        assert_true(slice_eq_str(cedar_source(linked), TEMPLATES));
    }
}

/* Links of a set with links; whatever the first set had is still there. */
static void a_chain_of_links(void **state)
{
    CLEANUP(cedar_free) struct cedar_policies *first = NULL, *second = NULL;
    CLEANUP(buf_free) struct buf text = {0};
    struct cedar_uid u = cedar_uid_of(slice_str("U"), slice_str("u"));
    struct cedar_link link = {slice_str("policy1"), slice_str("x"), &u, NULL};
    struct outcome o = testing_parse(slice_str(TEMPLATES));
    (void)state;

    assert_int_equal(cedar_link(o.policies, &link, &first, NULL), ERR_OK);
    link.id = slice_str("y");
    assert_int_equal(cedar_link(first, &link, &second, NULL), ERR_OK);
    assert_int_equal(cedar_link(second, &link, &second, NULL), ERR_EXISTS);
    cedar_free(&first);
    assert_ptr_equal(cedar_find(second, slice_str("x"))->template, cedar_at(second, 1));
    for (size_t i = 0; i < 3; i++)
        assert_true(cedar_policy_same(cedar_at(o.policies, i), cedar_at(second, i)));
    /* links have no text */
    assert_int_equal(cedar_print(second, &text), ERR_OK);
    assert_int_equal(cedar_parse(buf_slice(&text), &first, NULL, NULL), ERR_OK);
    assert_true(cedar_policies_same(o.policies, first));
    cedar_free(&o.policies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links),
        cmocka_unit_test(a_chain_of_links),
    };
    return cmocka_run_group_tests_name("cedar_link", tests, NULL, NULL);
}
