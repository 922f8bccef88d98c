/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* Each block is twice as large as the one before it, up to a size: a request's values take the
 * first alone, and all of it has to be zeroed. */
#define FIRST_SIZE 1024
#define BLOCK_SIZE 16384

struct cedar_block {
    struct cedar_block *previous;
    size_t used, size;
    alignas(max_align_t) uint8_t bytes[];
};

static struct cedar_block *block_new(size_t size)
{
    struct cedar_block *block = calloc(1, sizeof *block + size);

    if (block != NULL)
        block->size = size;
    return block;
}

err_code cedar_arena_fixed(size_t size, struct cedar_arena *ret)
{
    uint8_t *memory = malloc(size);

    if (memory == NULL)
        return ERR_NO_MEMORY;
    *ret = (struct cedar_arena){.fixed = memory, .size = size};
    return ERR_OK;
}

static size_t next_size(const struct cedar_block *last, size_t wanted)
{
    size_t size = last == NULL                   ? FIRST_SIZE
                  : last->size >= BLOCK_SIZE / 2 ? BLOCK_SIZE
                                                 : 2 * last->size;

    return wanted > size ? wanted : size;
}

void *cedar_arena_take(struct cedar_arena *arena, size_t size)
{
    struct cedar_block *block = arena->last;
    size_t align = alignof(max_align_t);

    if (size > BUF_MAX)
        return NULL;
    size = (size + align - 1) / align * align;
    if (arena->fixed != NULL) {
        if (arena->size - arena->used < size)
            return NULL;
        arena->used += size;
        return arena->fixed + arena->used - size;
    }
    if (block == NULL || block->size - block->used < size) {
        block = block_new(next_size(block, size));
        if (block == NULL)
            return NULL;
        block->previous = arena->last;
        arena->last = block;
    }
    block->used += size;
    return &block->bytes[block->used - size];
}

err_code cedar_arena_copy(struct cedar_arena *arena, struct slice bytes, struct slice *ret)
{
    uint8_t *copy;

    if (bytes.len == 0) {
        *ret = (struct slice){0};
        return ERR_OK;
    }
    copy = cedar_arena_take(arena, bytes.len);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    memcpy(copy, bytes.ptr, bytes.len);
    *ret = (struct slice){copy, bytes.len};
    return ERR_OK;
}

void cedar_arena_free(struct cedar_arena *arena)
{
    while (arena->last != NULL) {
        struct cedar_block *previous = arena->last->previous;

        free(arena->last);
        arena->last = previous;
    }
    free(arena->fixed);
    *arena = (struct cedar_arena){0};
}
