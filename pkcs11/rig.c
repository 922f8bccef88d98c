/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/rig.h"

#include "pkcs11/epoch_cert.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

void rig_expect(err_code got, err_code wanted, const struct why *why, const char *call,
                const char *file, int line)
{
    if (got != wanted)
        print_error("%s:%d: %s\n  gave %s, wanted %s: %s\n", file, line, call, err_name(got),
                    err_name(wanted), got == ERR_OK ? "" : why->text);
    _assert_int_equal((LargestIntegralType)got, (LargestIntegralType)wanted, file, line);
}

void rig_start(struct rig *rig)
{
    struct why why = {0};

    *rig = (struct rig){0};
    softhsm_start(&rig->hsm, "gate");
    (void)snprintf(rig->uri, sizeof rig->uri, "%s", rig->hsm.uri);
    rig->options = (struct hw_options){
        .allow_simulator = true,
        .store_dir = rig->hsm.store,
        .so_pin_file = rig->hsm.so_pin,
    };
    rig->owner = calloc(1, sizeof *rig->owner);
    rig->mandate = calloc(1, sizeof *rig->mandate);
    assert_non_null(rig->owner);
    assert_non_null(rig->mandate);
    for (size_t i = 0; i < 3; i++)
        expect_err(hw_signer_generate(HW_ES256, &rig->authority[i], &why), ERR_OK);
    (void)snprintf(rig->owner->domain, sizeof rig->owner->domain, "example.org");
    (void)snprintf(rig->owner->gate, sizeof rig->owner->gate, "gate-1");
    memset(rig->owner->root.bytes, 0x5a, sizeof rig->owner->root.bytes);
    rig->owner->ratchet[0] = rig->authority[0]->key;
    rig->owner->ratchet[1] = rig->authority[1]->key;
    rig->owner->n_ratchet = 2;
    rig->owner->anchors[0] = rig->authority[0]->key;
    rig->owner->anchors[1] = rig->authority[1]->key;
    rig->owner->n_anchors = 2;
}

void rig_stop(struct rig *rig)
{
    for (size_t i = 0; i < 3; i++)
        hw_signer_close(&rig->authority[i]);
    free(rig->owner);
    free(rig->mandate);
    if (rig->fault != NULL)
        (void)munmap(rig->fault, sizeof *rig->fault);
    softhsm_stop(&rig->hsm);
}

struct p11_fault *rig_fault(struct rig *rig)
{
    char path[96];
    void *map;
    int fd;

    (void)snprintf(path, sizeof path, "%s/fault", rig->hsm.dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof *rig->fault), 0);
    map = mmap(NULL, sizeof *rig->fault, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    (void)close(fd);
    rig->fault = map;
    (void)snprintf(rig->fault->module, sizeof rig->fault->module, "%s", rig->hsm.module);
    assert_int_equal(setenv("PAWL_P11_FAULT", path, 1), 0);
    softhsm_uri(&rig->hsm, "gate", P11_FAULT_MODULE, rig->uri, sizeof rig->uri);
    return rig->fault;
}

void rig_strike(struct p11_fault *fault, enum p11_fault_fn fn, uint64_t rv, uint32_t times)
{
    fault->at = fault->calls[fn] + 1;
    fault->times = times;
    fault->rv = rv;
    fault->late = 0;
    fault->fn = (uint32_t)fn;
}

void rig_heal(struct p11_fault *fault)
{
    fault->fn = P11_FAULT_NONE;
}

struct hw_root *rig_open(struct rig *rig)
{
    struct hw_root *root = NULL;
    struct why why = {0};

    expect_err(hsm_root_open(rig->uri, &rig->options, &root, &why), ERR_OK);
    return root;
}

void rig_enrol(struct rig *rig)
{
    struct hw_root *root = rig_open(rig);
    struct why why = {0};

    expect_err(root->ops->enrol(root, rig->owner, &rig->enrolment, &why), ERR_OK);
    hw_root_close(&root);
}

struct hw_root *rig_attach(struct rig *rig)
{
    struct hw_root *root = rig_open(rig);
    struct why why = {0};

    expect_err(root->ops->attach(root, rig->owner, &rig->enrolment, &why), ERR_OK);
    return root;
}

const struct hw_mandate *rig_mandate(struct rig *rig, uint64_t epoch)
{
    CLEANUP(buf_free) struct buf sig = {0};
    struct why why = {0};
    char text[64];

    (void)snprintf(text, sizeof text, "snapshot of epoch %llu", (unsigned long long)epoch);
    *rig->mandate = (struct hw_mandate){.epoch = epoch, .n_statements = 1};
    expect_err(hash_sha256(slice_str(text), &rig->mandate->snapshot), ERR_OK);
    expect_err(hw_sign(rig->authority[0], slice_str(text), &sig, &why), ERR_OK);
    expect_err(hw_statement_of(&rig->authority[0]->key, slice_str(text), buf_slice(&sig),
                               &rig->mandate->statements[0]),
               ERR_OK);
    return rig->mandate;
}

void rig_step(struct rig *rig, struct hw_root *root, uint64_t epoch)
{
    struct why why = {0};

    expect_err(root->ops->step(root, rig_mandate(rig, epoch), &why), ERR_OK);
    expect_err(root->ops->prepare(root, rig_mandate(rig, epoch), &why), ERR_OK);
}

void rig_round(struct rig *rig, struct hw_root *root, uint64_t epoch)
{
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    struct hw_statement st = {.sig_len = 64};
    struct hsm_cert sealed = {0};
    uint64_t now = 0;
    struct digest digest;
    struct why why = {0};

    expect_err(hash_sha256(slice_str("tree head"), &digest), ERR_OK);
    expect_err(root->ops->begin(root, &why), ERR_OK);
    expect_err(root->ops->sign(root, &digest, st.sig, &why), ERR_OK);
    expect_err(root->ops->seal(root, &digest, &seal, &why), ERR_OK);
    expect_err(root->ops->receipt_key(root, &st.key, &why), ERR_OK);
    expect_err(root->ops->epoch(root, &now, &why), ERR_OK);
    memcpy(st.digest, digest.bytes, sizeof digest.bytes);
    expect_err(hw_verify_soft(&st, &why), ERR_OK);
    assert_int_equal(seal.kind, HW_SEAL_EPOCH_CHAIN);
    expect_err(hsm_chain_verify(&rig->enrolment, buf_slice(&seal.statement), &sealed, &why),
               ERR_OK);
    assert_int_equal(sealed.epoch, epoch);
    assert_true(digest_eq(&sealed.snapshot, &rig_mandate(rig, epoch)->snapshot));
    assert_int_equal(now, epoch);
    assert_true(hw_pubkey_eq(&sealed.key, &st.key));
}
