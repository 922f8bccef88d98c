/* SPDX-License-Identifier: Apache-2.0 */
/* memory_fault.c: the library of memory_fault.h. Part of the tests, never installed. */
#include "test-env/faults/memory_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT [[gnu::visibility("default")]]
#define CALLER ((uintptr_t)__builtin_return_address(0))

/* What stands behind the names in glibc, which keeps these for such uses. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);

/* There is one process, and nobody passes a context to malloc(). */
static struct memory_fault *control;
static uintptr_t program, program_end;

/* The program is the first one that is told of. */
static int take_program(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    program = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && program + part->p_vaddr + part->p_memsz > program_end)
            program_end = program + part->p_vaddr + part->p_memsz;
    }
    return 1;
}

[[gnu::constructor]] static void begin(void)
{
    const char *path = getenv("PAWL_MEMORY_FAULT");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED
                       : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (fd >= 0)
        (void)close(fd);
    (void)dl_iterate_phdr(take_program, NULL);
    if (map != MAP_FAILED)
        control = map;
}

static bool struck(uintptr_t caller)
{
    struct memory_fault *c = control;
    uint32_t number;

    if (c == NULL || c->mode == 0 || (c->mode == 1 && (caller < program || caller >= program_end)))
        return false;
    number = __atomic_add_fetch(&c->asked, 1, __ATOMIC_SEQ_CST);
    if (number < c->first || number - c->first >= c->n)
        return false;
    (void)__atomic_add_fetch(&c->failed, 1, __ATOMIC_SEQ_CST);
    errno = ENOMEM;
    return true;
}

EXPORT void *malloc(size_t size)
{
    return struck(CALLER) ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t n, size_t size)
{
    return struck(CALLER) ? NULL : __libc_calloc(n, size);
}

EXPORT void *realloc(void *old, size_t size)
{
    return struck(CALLER) ? NULL : __libc_realloc(old, size);
}

EXPORT void *reallocarray(void *old, size_t n, size_t size)
{
    size_t all;

    if (__builtin_mul_overflow(n, size, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return struck(CALLER) ? NULL : __libc_realloc(old, all);
}

EXPORT void *memalign(size_t align, size_t size)
{
    return struck(CALLER) ? NULL : __libc_memalign(align, size);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
    return struck(CALLER) ? NULL : __libc_memalign(align, size);
}

EXPORT int posix_memalign(void **ret, size_t align, size_t size)
{
    void *made = struck(CALLER) ? NULL : __libc_memalign(align, size);

    if (made == NULL)
        return ENOMEM;
    *ret = made;
    return 0;
}

/* libc's own would be counted as a library's. */
EXPORT char *strndup(const char *text, size_t n)
{
    size_t len = strnlen(text, n);
    char *made = struck(CALLER) ? NULL : __libc_malloc(len + 1);

    if (made == NULL)
        return NULL;
    memcpy(made, text, len);
    made[len] = '\0';
    return made;
}

EXPORT char *strdup(const char *text)
{
    size_t len = strlen(text);
    char *made = struck(CALLER) ? NULL : __libc_malloc(len + 1);

    if (made != NULL)
        memcpy(made, text, len + 1);
    return made;
}
