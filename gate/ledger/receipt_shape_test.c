/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/text.h"
#include "gate/ledger/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Receipts put together from encoded parts, one of which is changed. No signature is judged here.
 */
#define H31 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"
#define H32 H31 "ff"

enum part {
    MAP, /* head of the protected map */
    ALG,
    KID,
    CLAIMS,
    VDS,
    SIZE,
    EPOCH,
    ROUND,
    SIGNER,
    SNAPSHOT,
    SIMULATED,
    REST,  /* of the protected map */
    OUTER, /* head of the unprotected map, and label 396 */
    INNER, /* head of its map, and label -1 */
    ARRAY, /* of proofs */
    PROOF,
    AFTER, /* what follows in the map of proofs */
    PAYLOAD,
    SIGNATURE,
    N_PARTS,
};

/* iss: "example.org/gate-1" */
#define ISS "01726578616d706c652e6f72672f676174652d31"
#define SUB "02666c6564676572"
#define IAT "061a68e78a00"

static const char *const GOOD[N_PARTS] = {
    [MAP] = "aa",
    [ALG] = "0126",
    [KID] = "045820" H32,
    [CLAIMS] = "0fa3" ISS SUB IAT,
    [VDS] = "19018b01",
    [SIZE] = "697061776c2d73697a6503",
    [EPOCH] = "6a7061776c2d65706f636807",
    [ROUND] = "6a7061776c2d726f756e64182a",
    [SIGNER] = "6b7061776c2d7369676e65725820" H32,
    [SNAPSHOT] = "6d7061776c2d736e617073686f745820" H32,
    [SIMULATED] = "6e7061776c2d73696d756c61746564f5",
    [REST] = "",
    [OUTER] = "a119018c",
    [INNER] = "a120",
    [ARRAY] = "81",
    [PROOF] = "830301825820" H32 "5820" H32, /* entry 1 of 3 */
    [AFTER] = "",
    [PAYLOAD] = "f6",
    [SIGNATURE] = "5840" H32 H32,
};

struct shape {
    const char *name;
    enum part part;
    const char *instead;
    const char *map; /* head of the protected map, if it changes */
    err_code own, foreign;
};

static const struct shape SHAPES[] = {
    {"good", MAP, "aa", NULL, ERR_OK, ERR_OK},
    {"not simulated", SIMULATED, "", "a9", ERR_OK, ERR_OK},
    {"simulated: false", SIMULATED, "6e7061776c2d73696d756c61746564f4", NULL, ERR_FORMAT, ERR_OK},
    {"simulated: 1", SIMULATED, "6e7061776c2d73696d756c6174656401", NULL, ERR_FORMAT, ERR_OK},
    {"ES384", ALG, "013822", NULL, ERR_COSE_ALG, ERR_OK},
    {"no alg", ALG, "", "a9", ERR_COSE_ALG, ERR_OK},
    {"no kid", KID, "", "a9", ERR_FORMAT, ERR_OK},
    {"short kid", KID, "04581f" H31, NULL, ERR_FORMAT, ERR_OK},
    {"no claims", CLAIMS, "", "a9", ERR_FORMAT, ERR_OK},
    {"no iss", CLAIMS, "0fa2" SUB IAT, NULL, ERR_FORMAT, ERR_OK},
    {"empty iss", CLAIMS, "0fa30160" SUB IAT, NULL, ERR_FORMAT, ERR_OK},
    {"no sub", CLAIMS, "0fa2" ISS IAT, NULL, ERR_FORMAT, ERR_OK},
    {"other sub", CLAIMS, "0fa3" ISS "02666c6564676573" IAT, NULL, ERR_FORMAT, ERR_OK},
    {"no iat", CLAIMS, "0fa2" ISS SUB, NULL, ERR_FORMAT, ERR_OK},
    {"negative iat", CLAIMS, "0fa3" ISS SUB "0620", NULL, ERR_FORMAT, ERR_OK},
    {"iat in the year 9999", CLAIMS, "0fa3" ISS SUB "061b0000003afff4417f", NULL, ERR_OK, ERR_OK},
    {"iat a second later", CLAIMS, "0fa3" ISS SUB "061b0000003afff44180", NULL, ERR_FORMAT, ERR_OK},
    {"a claim more", CLAIMS, "0fa4" ISS SUB IAT "074100", NULL, ERR_FORMAT, ERR_OK},
    {"an expiry", CLAIMS, "0fa4" ISS SUB "041a68e78a00" IAT, NULL, ERR_FORMAT, ERR_OK},
    {"no vds", VDS, "", "a9", ERR_FORMAT, ERR_FORMAT},
    {"vds of CCF", VDS, "19018b02", NULL, ERR_UNSUPPORTED, ERR_UNSUPPORTED},
    {"vds is text", VDS, "19018b6131", NULL, ERR_FORMAT, ERR_FORMAT},
    {"no size", SIZE, "", "a9", ERR_FORMAT, ERR_OK},
    {"size of another tree", SIZE, "697061776c2d73697a6504", NULL, ERR_FORMAT, ERR_OK},
    {"no epoch", EPOCH, "", "a9", ERR_FORMAT, ERR_OK},
    {"epoch is text", EPOCH, "6a7061776c2d65706f63686137", NULL, ERR_FORMAT, ERR_OK},
    {"no round", ROUND, "", "a9", ERR_FORMAT, ERR_OK},
    {"round is text", ROUND, "6a7061776c2d726f756e646137", NULL, ERR_FORMAT, ERR_OK},
    {"no signer", SIGNER, "", "a9", ERR_FORMAT, ERR_OK},
    {"short signer", SIGNER, "6b7061776c2d7369676e6572581f" H31, NULL, ERR_FORMAT, ERR_OK},
    {"no snapshot", SNAPSHOT, "", "a9", ERR_FORMAT, ERR_OK},
    {"short snapshot", SNAPSHOT, "6d7061776c2d736e617073686f74581f" H31, NULL, ERR_FORMAT, ERR_OK},
    {"a label more", REST, "6f7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a01", "ab", ERR_FORMAT, ERR_OK},
    {"a label less than the map says", EPOCH, "", NULL, ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"other label for proofs", OUTER, "a119018d", NULL, ERR_FORMAT, ERR_FORMAT},
    {"an unprotected label more", OUTER, "a2182a0019018c", NULL, ERR_FORMAT, ERR_OK},
    {"vds in the unprotected header, too", OUTER, "a219018b0119018c", NULL, ERR_COSE_MALFORMED,
     ERR_COSE_MALFORMED},
    {"consistency, as its size stands", INNER, "a121", NULL, ERR_FORMAT, ERR_FORMAT},
    {"other kind of proof", INNER, "a122", NULL, ERR_FORMAT, ERR_FORMAT},
    {"two kinds", AFTER, "2180", NULL, ERR_FORMAT, ERR_FORMAT},
    {"proofs that are a byte string", ARRAY, "", NULL, ERR_FORMAT, ERR_FORMAT},
    {"two proofs", ARRAY, "824100", NULL, ERR_FORMAT, ERR_FORMAT},
    {"proof of four", PROOF,
     "84030182582"
     "0" H32 "5820" H32 "00",
     NULL, ERR_FORMAT, ERR_FORMAT},
    {"something behind the proof", PROOF, "830301825820" H32 "5820" H32 "00", NULL, ERR_FORMAT,
     ERR_FORMAT},
    {"longer than needed", PROOF, "83180301825820" H32 "5820" H32, NULL, ERR_FORMAT, ERR_OK},
    {"empty path", PROOF, "83010080", NULL, ERR_FORMAT, ERR_FORMAT},
    {"short hash", PROOF, "83030182581f" H31 "5820" H32, NULL, ERR_FORMAT, ERR_FORMAT},
    {"entry as many as entries", PROOF, "830303825820" H32 "5820" H32, NULL, ERR_FORMAT,
     ERR_FORMAT},
    {"negative entry", PROOF, "830320825820" H32 "5820" H32, NULL, ERR_FORMAT, ERR_FORMAT},
    {"size 0", PROOF, "830000825820" H32 "5820" H32, NULL, ERR_FORMAT, ERR_FORMAT},
    {"root carried", PAYLOAD, "5820" H32, NULL, ERR_FORMAT, ERR_FORMAT},
    {"short signature", SIGNATURE, "583f" H32 H31, NULL, ERR_SIGNATURE_INVALID, ERR_OK},
};

static void add_hex(struct buf *ret, const char *hex)
{
    CLEANUP(buf_free) struct buf bytes = {0};

    if (hex_decode(hex, &bytes) != ERR_OK)
        fail_msg("not hex: %s", hex);
    assert_int_equal(buf_add_slice(ret, buf_slice(&bytes)), ERR_OK);
}

static void add_bytes(struct buf *ret, struct slice content)
{
    struct cbor_writer w = cbor_write(ret);

    cbor_put_bytes(&w, content);
    assert_int_equal(cbor_written(&w), ERR_OK);
}

static const char *part_of(const struct shape *shape, enum part part)
{
    if (part == MAP && shape->map != NULL)
        return shape->map;
    if (part == INNER && shape->part == AFTER) /* which goes into the map of proofs */
        return "a220";
    return part == shape->part ? shape->instead : GOOD[part];
}

static void build(const struct shape *shape, struct buf *ret)
{
    CLEANUP(buf_free) struct buf protected_ = {0}, proof = {0};

    for (enum part p = MAP; p <= REST; p++)
        add_hex(&protected_, part_of(shape, p));
    add_hex(ret, "d284");
    add_bytes(ret, buf_slice(&protected_));
    add_hex(ret, part_of(shape, OUTER));
    add_hex(ret, part_of(shape, INNER));
    add_hex(ret, part_of(shape, ARRAY));
    add_hex(&proof, part_of(shape, PROOF));
    add_bytes(ret, buf_slice(&proof));
    add_hex(ret, part_of(shape, AFTER));
    add_hex(ret, part_of(shape, PAYLOAD));
    add_hex(ret, part_of(shape, SIGNATURE));
}

static void every_shape(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct why why = {0};
        struct receipt own, foreign;
        err_code a, b;

        build(&SHAPES[i], &bytes);
        a = receipt_parse(buf_slice(&bytes), RECEIPT_OWN, &own, &why);
        b = receipt_parse(buf_slice(&bytes), RECEIPT_FOREIGN, &foreign, &why);
        if (a != SHAPES[i].own || b != SHAPES[i].foreign)
            fail_msg("%s: own %s, foreign %s (%s)", SHAPES[i].name, err_name(a), err_name(b),
                     why.text);
        assert_int_equal(own.kind, a == ERR_OK ? RECEIPT_INCLUSION : RECEIPT_NONE);
        assert_int_equal(foreign.kind, b == ERR_OK ? RECEIPT_INCLUSION : RECEIPT_NONE);
    }
}

/* A consistency proof from size 1 to size 3, under pawl's own header: read as somebody else's only.
 */
static void consistency_is_not_ours(void **state)
{
    const struct shape shape = {.name = "consistency", .part = INNER, .instead = "a121"};
    CLEANUP(buf_free) struct buf bytes = {0};
    struct receipt receipt;
    struct why why = {0};
    uint8_t *sizes;
    (void)state;

    build(&shape, &bytes);
    sizes = memmem(bytes.ptr, bytes.len, "\x83\x03\x01\x82", 4);
    assert_non_null(sizes);
    sizes[1] = 1;
    sizes[2] = 3;
    assert_int_equal(receipt_parse(buf_slice(&bytes), RECEIPT_FOREIGN, &receipt, &why), ERR_OK);
    assert_int_equal(receipt.kind, RECEIPT_CONSISTENCY);
    assert_int_equal(receipt_parse(buf_slice(&bytes), RECEIPT_OWN, &receipt, &why), ERR_FORMAT);
}

/* As many hashes as a 64-bit size can need, and one more. */
static void the_longest_path(void **state)
{
    (void)state;
    for (size_t n = TREE_PATH_MAX; n <= TREE_PATH_MAX + 1; n++) {
        CLEANUP(buf_free) struct buf bytes = {0}, hex = {0};
        struct shape shape = {.name = "long", .part = PROOF};
        struct receipt receipt;
        struct why why = {0};

        assert_int_equal(buf_add_str(&hex, "830300"), ERR_OK);
        assert_int_equal(buf_add_str(&hex, n == TREE_PATH_MAX ? "9840" : "9841"), ERR_OK);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(buf_add_str(&hex, "5820" H32), ERR_OK);
        assert_int_equal(buf_terminate(&hex), ERR_OK);
        shape.instead = (const char *)hex.ptr;
        build(&shape, &bytes);
        assert_int_equal(receipt_parse(buf_slice(&bytes), RECEIPT_OWN, &receipt, &why),
                         n == TREE_PATH_MAX ? ERR_OK : ERR_FORMAT);
    }
}

static void too_long(void **state)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct receipt receipt;
    struct why why = {0};
    uint8_t *space;
    (void)state;

    assert_int_equal(buf_add_space(&bytes, RECEIPT_SIZE_MAX + 1, &space), ERR_OK);
    assert_int_equal(receipt_parse(buf_slice(&bytes), RECEIPT_FOREIGN, &receipt, &why),
                     ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape),
        cmocka_unit_test(consistency_is_not_ours),
        cmocka_unit_test(the_longest_path),
        cmocka_unit_test(too_long),
    };
    return cmocka_run_group_tests_name("receipt_shape", tests, NULL, NULL);
}
