/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flip_test.c: the next bundle with each bit flipped and each part cut at each length, given to a
 * gate that judges it in its hardware: refused by name, nothing stored, nothing stepped, and the
 * gate goes on working.
 */
#include "gate/decide/damage_testing.h"
#include "gate/decide/install.h"
#include "gate/decide/site_testing.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static enum site_kind kind; /* of this process: its first argument */

/* ---- what must not change -------------------------------------------------------------------- */

/* Everything that is stored of what is in force, and what the hardware says. */
struct standing {
    struct buf stored; /* names, times and contents below installed/ */
    uint64_t epoch;
    struct digest snapshot;
};

static void standing_free(struct standing *standing)
{
    buf_free(&standing->stored);
}

static void add_file(const char *dir, const char *name, struct buf *ret)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    char path[512];
    struct stat st;
    struct why why = {0};

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(stat(path, &st), 0);
    if (!S_ISREG(st.st_mode))
        return;
    SITE_OK(file_read(path, BUNDLE_SIZE_MAX, &bytes, &why));
    SITE_OK(buf_add_str(ret, name));
    SITE_OK(buf_add_u64(ret, (uint64_t)st.st_mtim.tv_sec));
    SITE_OK(buf_add_u64(ret, (uint64_t)st.st_mtim.tv_nsec));
    SITE_OK(buf_add_slice(ret, buf_slice(&bytes)));
}

static struct standing standing_of(struct site *site)
{
    struct gate *gate = site_gate(site);
    struct standing out = {.snapshot = gate->installed.judged.snapshot.digest};
    struct why why = {0};
    char dir[96];
    DIR *list;

    (void)snprintf(dir, sizeof dir, "%s/installed", site->state);
    list = opendir(dir);
    assert_non_null(list);
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;)
        add_file(dir, entry->d_name, &out.stored);
    (void)closedir(list);
    SITE_OK(gate->hw->ops->epoch(gate->hw, &out.epoch, &why));
    return out;
}

static void assert_same(struct site *site, const struct standing *before)
{
    CLEANUP(standing_free) struct standing now = standing_of(site);

    assert_true(slice_eq(buf_slice(&now.stored), buf_slice(&before->stored)));
    assert_int_equal(now.epoch, before->epoch);
    assert_int_equal(site_gate(site)->epoch, before->epoch);
    assert_true(digest_eq(&now.snapshot, &before->snapshot));
}

/* ---- the parts of a bundle ------------------------------------------------------------------- */

enum {
    PART_FRAME, /* what is in none of the others */
    PART_ROOT,
    PART_GRANT,
    PART_POLICY,
    PART_SNAPSHOT,
    PARTS,
};

#define PLACES_MAX 32
struct places {
    struct {
        int part;
        size_t from, len;
    } at[PLACES_MAX];
    size_t n;
};

static void add_place(struct places *places, int part, struct slice bundle, struct slice content)
{
    assert_true(places->n < PLACES_MAX);
    places->at[places->n].part = part;
    places->at[places->n].from = (size_t)(content.ptr - bundle.ptr);
    places->at[places->n++].len = content.len;
}

/* Where each part is. Grants are maps in the bundle itself, the others stand in byte strings. */
static struct places places_of(struct slice bundle)
{
    struct cbor_reader r = cbor_read(bundle, CBOR_DETERMINISTIC);
    struct cbor_map map = cbor_open_map(&r);
    struct places out = {0};

    cbor_need(&map, "roots");
    for (size_t n = cbor_get_array(&r); n > 0; n--)
        add_place(&out, PART_ROOT, bundle, cbor_get_bytes(&r));
    cbor_need(&map, "grants");
    for (size_t n = cbor_get_array(&r); n > 0; n--)
        add_place(&out, PART_GRANT, bundle, cbor_get_item(&r));
    cbor_need(&map, "policies");
    for (size_t n = cbor_get_array(&r); n > 0; n--)
        add_place(&out, PART_POLICY, bundle, cbor_get_bytes(&r));
    cbor_need(&map, "snapshot");
    add_place(&out, PART_SNAPSHOT, bundle, cbor_get_bytes(&r));
    cbor_close_map(&map);
    assert_int_equal(cbor_done(&r), ERR_OK);
    return out;
}

/* The bundle with this part cut to len bytes, in a well-formed frame. */
static struct buf with_cut(struct slice bundle, const struct places *places, size_t which,
                           size_t len)
{
    CLEANUP(bundle_free) struct bundle parts = {0};
    size_t nth = 0;
    struct buf out = {0};
    struct slice *cut;
    struct why why = {0};

    SITE_OK(bundle_parse(bundle, &parts, &why));
    for (size_t i = 0; i < which; i++)
        nth += places->at[i].part == places->at[which].part;
    cut = places->at[which].part == PART_ROOT     ? &parts.roots[nth]
          : places->at[which].part == PART_POLICY ? &parts.policies[nth]
                                                  : &parts.snapshot;
    *cut = slice_part(*cut, 0, len);
    SITE_OK(bundle_write(&parts, &out, &why));
    return out;
}

/* The bytes of the bundle without those of this part beyond len. */
static struct buf with_gap(struct slice bundle, size_t from, size_t whole, size_t len)
{
    struct buf out = {0};
    size_t after = from + whole;

    assert_int_equal(buf_add_slice(&out, slice_part(bundle, 0, from + len)), ERR_OK);
    assert_int_equal(buf_add_slice(&out, slice_part(bundle, after, bundle.len - after)), ERR_OK);
    return out;
}

/* ---- damage ---------------------------------------------------------------------------------- */

/* Of every part: the encoding does not hold. */
#define ENCODING                                                                                   \
    ERR_CBOR_MALFORMED, ERR_CBOR_NOT_DETERMINISTIC, ERR_CBOR_DUPLICATE_KEY, ERR_CBOR_TRAILING,     \
        ERR_CBOR_TYPE, ERR_COSE_MALFORMED, ERR_FORMAT, ERR_TOO_LARGE

static const err_code FRAME[] = {ENCODING, ERR_OK};
static const err_code ROOTS[] = {
    ENCODING,          ERR_COSE_ALG,          ERR_KEY_MALFORMED, ERR_ROOT_UNTRUSTED,
    ERR_ROOT_SEQUENCE, ERR_SIGNATURE_INVALID, ERR_THRESHOLD,     ERR_OK};
static const err_code GRANTS[] = {ENCODING, ERR_GRANT_INVALID, ERR_OK};
static const err_code POLICIES[] = {
    ENCODING,       ERR_COSE_ALG,          ERR_UNSUPPORTED, /* language */
    ERR_SUCCESSION, ERR_SIGNATURE_INVALID, ERR_SIGNER_UNKNOWN, ERR_THRESHOLD, ERR_OK};
static const err_code SNAPSHOT[] = {ENCODING,           ERR_COSE_ALG,
                                    ERR_ROOT_SEQUENCE, /* it names another version, or digest */
                                    ERR_ROOT_UNTRUSTED, ERR_SIGNATURE_INVALID,
                                    ERR_SIGNER_UNKNOWN, ERR_OK};
static const struct {
    const char *name;
    const err_code *allowed;
} KINDS[PARTS] = {
    {"frame", FRAME},       {"root metadata", ROOTS}, {"grants", GRANTS},
    {"policies", POLICIES}, {"snapshot", SNAPSHOT},
};

static err_code install(void *ctx, struct slice bytes, struct why *why)
{
    struct site *site = ctx;
    CLEANUP(buf_free) struct buf copy = {0};
    struct install_result result;

    assert_int_equal(buf_add_slice(&copy, bytes), ERR_OK);
    return gate_install(site_gate(site), &copy, &result, why);
}

static void cut_part(struct damage *damage, struct slice bundle, const struct places *places,
                     size_t which)
{
    size_t whole = places->at[which].len;

    for (size_t len = 0; len < whole; len += DAMAGE_STRIDE) {
        CLEANUP(buf_free)
        struct buf cut = places->at[which].part == PART_GRANT
                             ? with_gap(bundle, places->at[which].from, whole, len)
                             : with_cut(bundle, places, which, len);
        damage_try(damage, buf_slice(&cut), "cut to bytes", len);
    }
}

/* Root metadata and policies that are known, or named by others, by their digests: the answer is
 * always the same comparison, so that every seventh bit will do. */
static bool is_known(const struct places *places, size_t i)
{
    int part = places->at[i].part;

    return (part == PART_ROOT || part == PART_POLICY) && places->at[i + 1].part == part;
}

/* Every bit and every length of each place of this part. */
static void damage_part(struct site *site, struct slice bundle, const struct places *places,
                        int part)
{
    struct damage damage = {.what = KINDS[part].name,
                            .judge = install,
                            .ctx = site,
                            .allowed = KINDS[part].allowed,
                            .stride = DAMAGE_STRIDE};

    for (size_t i = 0; i < places->n; i++) {
        if (places->at[i].part != part)
            continue;
        damage.stride = is_known(places, i) ? 7 * DAMAGE_STRIDE : DAMAGE_STRIDE;
        damage_bits(&damage, bundle, places->at[i].from, places->at[i].len);
        cut_part(&damage, bundle, places, i);
    }
    damage_close(&damage);
}

/* What is between the parts, and the whole cut. */
static void damage_frame(struct site *site, struct slice bundle, const struct places *places)
{
    struct damage damage = {.what = KINDS[PART_FRAME].name,
                            .judge = install,
                            .ctx = site,
                            .allowed = KINDS[PART_FRAME].allowed,
                            .stride = DAMAGE_STRIDE};
    size_t from = 0;

    for (size_t i = 0; i < places->n; i++) {
        damage_bits(&damage, bundle, from, places->at[i].from - from);
        from = places->at[i].from + places->at[i].len;
    }
    damage_cuts(&damage, bundle);
    damage_close(&damage);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void installs_after_all(struct site *site, struct slice bundle, uint64_t epoch)
{
    CLEANUP(buf_free) struct buf copy = {0}, permit = {0};
    struct install_result result;
    struct why why = {0};

    SITE_OK(buf_add_slice(&copy, bundle));
    SITE_OK(gate_install(site_gate(site), &copy, &result, &why));
    assert_int_equal(result.epoch, epoch);
    assert_int_equal(result.from_epoch, epoch - 1);
    permit = site_decide(site, "build-7");
    site_close(site);
    buf_free(&permit);
    permit = site_decide(site, "build-7");
}

/* Refused installs leave the gate able to decide, in the same process and in a new one. */
static void decides_still(struct site *site, const struct standing *before)
{
    CLEANUP(buf_free) struct buf permit = site_decide(site, "build-7");

    assert_same(site, before);
    site_close(site);
    buf_free(&permit);
    permit = site_decide(site, "build-7");
    assert_same(site, before);
}

/* Its newest policy has one predecessor in force and one that was replaced. */
static void damaged_bundle(struct site *site)
{
    CLEANUP(buf_free) struct buf bundle = {0};
    CLEANUP(standing_free) struct standing before = standing_of(site);
    struct places places;

    site_policy(site, "builds", "permit (principal, action, resource);");
    bundle = site_publish(site);
    places = places_of(buf_slice(&bundle));
    damage_frame(site, buf_slice(&bundle), &places);
    assert_same(site, &before);
    damage_part(site, buf_slice(&bundle), &places, PART_SNAPSHOT);
    assert_same(site, &before);
    damage_part(site, buf_slice(&bundle), &places, PART_POLICY);
    assert_same(site, &before);
    if (kind == SITE_TPM) /* a token's gate has no use for grants */
        damage_part(site, buf_slice(&bundle), &places, PART_GRANT);
    decides_still(site, &before);
    installs_after_all(site, buf_slice(&bundle), 3);
}

/* Separately, because it makes everything else slower. */
static void damaged_root_metadata(struct site *site)
{
    CLEANUP(buf_free) struct buf bundle = {0};
    CLEANUP(standing_free) struct standing before = standing_of(site);
    struct places places;

    site_rotate(site);
    bundle = site_publish(site);
    places = places_of(buf_slice(&bundle));
    damage_part(site, buf_slice(&bundle), &places, PART_ROOT);
    decides_still(site, &before);
    installs_after_all(site, buf_slice(&bundle), 4);
}

static void every_bit_and_length(void **state)
{
    CLEANUP(site_free) struct site *site = site_new(kind, NULL);

    (void)state;
    site_policy(site, "builds", "permit (principal, action, resource);");
    site_install(site, NULL);
    site_policy(site, "builds", "permit (principal, action == Action::\"exec\", resource);");
    site_install(site, NULL);
    damaged_bundle(site);
    damaged_root_metadata(site);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_bit_and_length)};

    kind = argc > 1 && strcmp(argv[1], "token") == 0 ? SITE_TOKEN : SITE_TPM;
    return cmocka_run_group_tests_name(kind == SITE_TPM ? "flip on a TPM" : "flip on a token",
                                       tests, NULL, NULL);
}
