/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/chip.h"

#include "tpm/command.h"
#include "tpm/spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASCII4(a, b, c, d)                                                                         \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* Closes without a word to the TPM: used when it does not listen any more. */
static void shut(struct tpm_chip *chip)
{
    if (chip->sys != NULL) {
        Tss2_Sys_Finalize(chip->sys);
        mem_wipe(chip->sys, Tss2_Sys_GetContextSize(0));
    }
    tpm_line_wipe(&chip->line);
    free(chip->sys);
    chip->sys = NULL;
    if (chip->tcti != NULL)
        chip->source->close(chip->source, &chip->tcti);
    chip->tcti = NULL;
    chip->session = 0;
}

static TSS2_RC start_library(struct tpm_chip *chip)
{
    TSS2_ABI_VERSION abi = TSS2_ABI_VERSION_CURRENT;

    return Tss2_Sys_Initialize(chip->sys, Tss2_Sys_GetContextSize(0), tpm_line_tcti(&chip->line),
                               &abi);
}

static err_code start(struct tpm_chip *chip, struct why *why)
{
    TSS2_RC rc;

    TRY(chip->source->open(chip->source, chip->deadline_ms, &chip->tcti, why));
    tpm_line_init(&chip->line, chip->tcti, chip->deadline_ms);
    chip->sys = calloc(1, Tss2_Sys_GetContextSize(0));
    if (chip->sys == NULL)
        return ERR_NO_MEMORY;
    rc = start_library(chip);
    if (rc != TSS2_RC_SUCCESS)
        return why_foreign(why, ERR_INTERNAL, "TPM_RC", rc, "the TPM library does not start");
    chip->session = 0;
    chip->broken = false;
    return ERR_OK;
}

static void put_ascii(uint32_t value, char *to)
{
    for (unsigned i = 0; i < 4; i++) {
        char c = (char)(value >> (24 - 8 * i) & 0xFF);

        to[i] = c >= ' ' && c <= '~' ? c : '\0';
    }
    to[4] = '\0';
}

/* libtpms (swtpm, and the TPM of most virtual machines) calls itself IBM and SW; Microsoft's
 * reference implementation XYZ or, later, MSFT with vendor string xCG. */
static bool simulator_by_properties(uint32_t manufacturer, uint32_t vendor)
{
    return manufacturer == ASCII4('I', 'B', 'M', ' ') ||
           manufacturer == ASCII4('X', 'Y', 'Z', ' ') || vendor == ASCII4('S', 'W', ' ', ' ') ||
           vendor == ASCII4('x', 'C', 'G', ' ');
}

static uint32_t property(const TPML_TAGGED_TPM_PROPERTY *list, TPM2_PT wanted)
{
    for (uint32_t i = 0; i < list->count && i < TPM2_MAX_TPM_PROPERTIES; i++)
        if (list->tpmProperty[i].property == wanted)
            return list->tpmProperty[i].value;
    return 0;
}

static void describe_model(const TPML_TAGGED_TPM_PROPERTY *list, struct hw_description *about)
{
    uint32_t version[2] = {property(list, TPM2_PT_FIRMWARE_VERSION_1),
                           property(list, TPM2_PT_FIRMWARE_VERSION_2)};
    char maker[5], vendor[4][5];

    put_ascii(property(list, TPM2_PT_MANUFACTURER), maker);
    for (uint32_t i = 0; i < 4; i++)
        put_ascii(property(list, TPM2_PT_VENDOR_STRING_1 + i), vendor[i]);
    (void)snprintf(about->model, sizeof about->model, "%s %s%s%s%s", maker, vendor[0], vendor[1],
                   vendor[2], vendor[3]);
    (void)snprintf(about->firmware, sizeof about->firmware, "%u.%u.%u.%u", version[0] >> 16,
                   version[0] & 0xFFFF, version[1] >> 16, version[1] & 0xFFFF);
}

/* Fills chip->about, and what else is asked once per opening. */
static TSS2_RC describe(struct tpm_chip *chip)
{
    struct hw_description about = {.kind = "tpm", .refuses_rollback = true, .verifies = true};
    TPML_TAGGED_TPM_PROPERTY list = {0};
    bool p384 = false, sha384 = false;
    uint32_t recovery;
    TSS2_RC rc = tpm_get_properties(chip, TPM2_PT_MANUFACTURER, &list);

    if (rc == TPM2_RC_SUCCESS)
        rc = tpm_get_support(chip, TPM2_CAP_COMMANDS, TPM2_CC_NV_Certify, &about.seals);
    if (rc == TPM2_RC_SUCCESS)
        rc = tpm_get_support(chip, TPM2_CAP_ALGS, TPM2_ALG_RSAPSS, &about.ps256);
    if (rc == TPM2_RC_SUCCESS)
        rc = tpm_get_support(chip, TPM2_CAP_ALGS, TPM2_ALG_SHA384, &sha384);
    if (rc == TPM2_RC_SUCCESS)
        rc = tpm_get_support(chip, TPM2_CAP_ECC_CURVES, TPM2_ECC_NIST_P384, &p384);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    describe_model(&list, &about);
    about.es384 = p384 && sha384;
    about.simulator = chip->source->simulator ||
                      simulator_by_properties(property(&list, TPM2_PT_MANUFACTURER),
                                              property(&list, TPM2_PT_VENDOR_STRING_1));
    chip->about = about;
    chip->orderly = property(&list, TPM2_PT_ORDERLY_COUNT);
    recovery = property(&list, TPM2_PT_NV_WRITE_RECOVERY);
    chip->line.nv_wait_ms = recovery < chip->deadline_ms ? recovery : chip->deadline_ms;
    return TPM2_RC_SUCCESS;
}

/* After a reset nobody has started a simulator up again; a real chip's firmware does. */
static TSS2_RC describe_started(struct tpm_chip *chip)
{
    TSS2_RC rc = describe(chip);

    if (rc != TPM2_RC_INITIALIZE || !chip->source->simulator)
        return rc;
    rc = tpm_startup(chip);
    return rc == TPM2_RC_SUCCESS ? describe(chip) : rc;
}

static err_code refuse_simulator(const struct tpm_chip *chip, struct why *why)
{
    if (!chip->about.simulator || chip->allow_simulator)
        return ERR_OK;
    return why_say(why, ERR_SIMULATOR_REFUSED,
                   "the TPM calls itself \"%s\", and simulators are not allowed here",
                   chip->about.model);
}

err_code tpm_chip_open(struct tpm_chip *chip, struct tpm_source *source,
                       const struct hw_options *options, struct why *why)
{
    *chip = (struct tpm_chip){.source = source,
                              .deadline_ms =
                                  options->timeout_ms != 0 ? options->timeout_ms : TPM_DEADLINE_MS,
                              .allow_simulator = options->allow_simulator,
                              .broken = true};
    if (source->simulator && !chip->allow_simulator)
        return why_say(why, ERR_SIMULATOR_REFUSED,
                       "the URI names a simulator, and simulators are not allowed here");
    return tpm_chip_ready(chip, why);
}

err_code tpm_chip_ready(struct tpm_chip *chip, struct why *why)
{
    TSS2_RC rc;

    if (!chip->broken)
        return ERR_OK;
    shut(chip);
    TRY(start(chip, why));
    rc = describe_started(chip);
    /* Broken until all of it has been looked at: another chip may stand there now. */
    chip->broken = true;
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(chip, rc, "TPM2_GetCapability", why);
    TRY(refuse_simulator(chip, why));
    chip->broken = false;
    return ERR_OK;
}

void tpm_chip_close(struct tpm_chip *chip)
{
    if (!chip->broken)
        tpm_chip_drop_session(chip);
    shut(chip);
    tpm_source_free(&chip->source);
}

void tpm_chip_forget(struct tpm_chip *chip)
{
    tpm_line_wipe(&chip->line);
    if (chip->sys == NULL)
        return;
    /* The library keeps nothing between commands but the command itself. */
    Tss2_Sys_Finalize(chip->sys);
    mem_wipe(chip->sys, Tss2_Sys_GetContextSize(0));
    if (start_library(chip) != TSS2_RC_SUCCESS)
        chip->broken = true;
}

TSS2_RC tpm_chip_rc(struct tpm_chip *chip, TSS2_RC rc)
{
    if (!tpm_rc_from_chip(rc))
        chip->broken = true;
    return tpm_rc(rc);
}

/* How long the TPM takes no authorization, in its own words. */
static err_code locked_out(struct tpm_chip *chip, TSS2_RC rc, const char *doing, struct why *why)
{
    TPML_TAGGED_TPM_PROPERTY list = {0};

    if (tpm_get_properties(chip, TPM2_PT_LOCKOUT_COUNTER, &list) != TPM2_RC_SUCCESS)
        return why_foreign(why, ERR_TPM_LOCKED_OUT, "TPM_RC", tpm_rc(rc),
                           "%s was refused with 0x%03x", doing, tpm_rc(rc));
    return why_foreign(
        why, ERR_TPM_LOCKED_OUT, "TPM_RC", tpm_rc(rc),
        "%s was refused with 0x%03x: %" PRIu32 " wrong authorizations of at most %" PRIu32
        "; one is forgotten every %" PRIu32 " s",
        doing, tpm_rc(rc), property(&list, TPM2_PT_LOCKOUT_COUNTER),
        property(&list, TPM2_PT_MAX_AUTH_FAIL), property(&list, TPM2_PT_LOCKOUT_INTERVAL));
}

err_code tpm_chip_fail(struct tpm_chip *chip, TSS2_RC rc, const char *doing, struct why *why)
{
    err_code err = tpm_rc_err(rc);

    if (tpm_rc_from_chip(rc)) {
        if (tpm_rc(rc) == TPM2_RC_INITIALIZE)
            chip->broken = true; /* it was reset: sessions and all we asked for are gone */
        if (err == ERR_TPM_LOCKED_OUT)
            return locked_out(chip, rc, doing, why);
        return why_foreign(why, err, "TPM_RC", tpm_rc(rc), "%s was refused with 0x%03x", doing,
                           tpm_rc(rc));
    }
    chip->broken = true;
    if (chip->line.expired)
        return why_foreign(why, ERR_TPM_TIMEOUT, "TPM_RC", rc,
                           "%s was not answered within %u ms; whether it ran is unknown", doing,
                           chip->deadline_ms);
    if (!chip->line.sent)
        return why_foreign(why, ERR_TPM_NOT_FOUND, "TPM_RC", rc, "%s could not be sent to the TPM",
                           doing);
    return why_foreign(why, ERR_TPM_FAILED, "TPM_RC", rc,
                       "the connection to the TPM broke during %s; whether it ran is unknown",
                       doing);
}

TSS2_RC tpm_chip_session(struct tpm_chip *chip)
{
    TSS2_RC rc;

    if (chip->session != 0 && !chip->session_dirty)
        return TPM2_RC_SUCCESS;
    if (chip->session != 0) {
        rc = tpm_policy_restart(chip, chip->session);
        if (rc == TPM2_RC_SUCCESS) {
            chip->session_dirty = false;
            return rc;
        }
        tpm_chip_drop_session(chip);
    }
    rc = tpm_start_session(chip, TPM2_SE_POLICY, &chip->session);
    if (tpm_chip_room(chip, rc))
        rc = tpm_start_session(chip, TPM2_SE_POLICY, &chip->session);
    chip->session_dirty = false;
    return rc;
}

void tpm_chip_drop_session(struct tpm_chip *chip)
{
    if (chip->session != 0 && chip->sys != NULL)
        (void)tpm_flush(chip, chip->session);
    chip->session = 0;
}

/* A session has one number, whichever range it is listed in (part 1, 15.8). */
static bool ours(const struct tpm_chip *chip, TPM2_HANDLE handle)
{
    return chip->session != 0 && handle >> 24 != TPM2_HT_TRANSIENT &&
           (handle & TPM2_HR_HANDLE_MASK) == (chip->session & TPM2_HR_HANDLE_MASK);
}

/* Flushes every handle of one range except our own session. */
static bool sweep_range(struct tpm_chip *chip, uint32_t first)
{
    TPML_HANDLE found = {0};
    bool freed = false;

    if (tpm_get_handles(chip, first, &found) != TPM2_RC_SUCCESS)
        return false;
    for (uint32_t i = 0; i < found.count && i < TPM2_MAX_CAP_HANDLES; i++)
        if (!ours(chip, found.handle[i]) && tpm_flush(chip, found.handle[i]) == TPM2_RC_SUCCESS)
            freed = true;
    return freed;
}

bool tpm_chip_room(struct tpm_chip *chip, TSS2_RC rc)
{
    TSS2_RC code = tpm_rc(rc);
    bool freed;

    if (!tpm_rc_full(rc))
        return false;
    /* Without a resource manager one program at a time holds the TPM, so what lies in it was left
     * behind. A resource manager gives each program its own transient objects but shows it
     * everybody's sessions. Saved sessions (0x03......) belong to whoever saved them; they are
     * swept only where they can be nobody's but a leftover, and only if nothing else helped. */
    freed = sweep_range(chip, TPM_TRANSIENT_OBJECTS);
    if (chip->source->managed || code == TPM2_RC_OBJECT_MEMORY || code == TPM2_RC_OBJECT_HANDLES)
        return freed;
    freed = sweep_range(chip, TPM_LOADED_SESSIONS) || freed;
    return freed || sweep_range(chip, TPM_SAVED_SESSIONS);
}
