/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.c: judges a permit offline: was exactly this request permitted? Exit status 0: yes. 10: it
 * was denied. 1: the permit proves nothing, or is of another request.
 *
 *     cc -o verify verify.c $(pkg-config --cflags --libs libpawl)
 *     ./verify root.cose gate.enrolment permit.cose request.json
 */
#include <pawl.h>
#include <stdio.h>

#define FILE_MAX ((size_t)2 << 20)

static unsigned char room[4][FILE_MAX];

/* A file that cannot be read is an empty one, which proves nothing. */
static struct pawl_bytes read_file(const char *path, unsigned char *to)
{
    struct pawl_bytes bytes = {to, 0};
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return bytes;
    bytes.len = fread(to, 1, FILE_MAX, file);
    fclose(file);
    return bytes;
}

int main(int argc, char **argv)
{
    struct pawl_bytes files[4];
    struct pawl_gate *gate = NULL;
    struct pawl_permit *permit = NULL;
    struct pawl_why why = {""};
    int err, permitted;

    if (argc != 5) {
        fprintf(stderr, "usage: verify ROOT ENROLMENT PERMIT REQUEST\n");
        return 2;
    }
    for (int i = 0; i < 4; i++)
        files[i] = read_file(argv[i + 1], room[i]);
    err = pawl_gate_new(files[0], files[1], &gate, &why);
    if (err == PAWL_OK)
        err = pawl_verify(gate, files[2], 0, &permit, &why);
    if (err == PAWL_OK)
        err = pawl_permit_is_for(permit, files[3], &why);
    permitted = err == PAWL_OK && pawl_permit_permitted(permit);
    if (err != PAWL_OK)
        fprintf(stderr, "not good: %s: %s\n", pawl_strerror(err), why.text);
    else
        printf("%s under epoch %llu%s\n", permitted ? "permitted" : "denied",
               (unsigned long long)pawl_permit_epoch(permit),
               pawl_permit_simulated(permit) ? ", on a simulator" : "");
    pawl_permit_free(&permit);
    pawl_gate_free(&gate);
    if (err != PAWL_OK)
        return 1;
    return permitted ? 0 : 10;
}
