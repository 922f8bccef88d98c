/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/source.h"

#include "gate/base/file.h"
#include "tpm/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tss2/tss2_tctildr.h>

struct uri_source {
    struct tpm_source source; /* first */
    bool own_socket;          /* swtpm: our own TCTI */
    struct tpm_uri uri;
};

/* The libraries say "I/O error" for all of these; a person needs to know which. */
static err_code look_at_device(const char *path, struct why *why)
{
    CLEANUP(fd_close) int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (fd >= 0) {
        /* The library would write its probe into any file. */
        if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode))
            return ERR_OK;
        return why_say(why, ERR_TPM_NOT_FOUND, "%s is not a character device", path);
    }
    if (errno == EACCES || errno == EPERM)
        return why_foreign(why, ERR_TPM_PERMISSION, "errno", (uint64_t)errno, "%s: %s", path,
                           strerror(errno));
    if (errno == EBUSY)
        return why_foreign(why, ERR_TPM_BUSY, "errno", EBUSY, "%s is open in another program",
                           path);
    return why_foreign(why, ERR_TPM_NOT_FOUND, "errno", (uint64_t)errno, "%s: %s", path,
                       strerror(errno));
}

/* The library's device transport opens its file without O_CLOEXEC. */
static void close_on_exec(TSS2_TCTI_CONTEXT *tcti)
{
    TSS2_TCTI_POLL_HANDLE handle = {.fd = -1};
    size_t n = 1;

    if (Tss2_Tcti_GetPollHandles(tcti, &handle, &n) == TSS2_RC_SUCCESS && n == 1)
        (void)fcntl(handle.fd, F_SETFD, FD_CLOEXEC);
}

static err_code uri_open(struct tpm_source *source, unsigned deadline_ms, TSS2_TCTI_CONTEXT **ret,
                         struct why *why)
{
    struct uri_source *s = (struct uri_source *)source;
    TSS2_TCTI_CONTEXT *tcti = NULL;
    TSS2_RC rc;

    if (s->own_socket)
        return tpm_socket_open(s->uri.conf, deadline_ms, ret, why);
    if (s->uri.device)
        TRY(look_at_device(s->uri.conf, why));
    rc = Tss2_TctiLdr_Initialize_Ex(s->uri.tcti, s->uri.conf, &tcti);
    if (rc != TSS2_RC_SUCCESS)
        return why_foreign(why, ERR_TPM_NOT_FOUND, "TPM_RC", rc, "%s:%s does not answer",
                           s->uri.tcti, s->uri.conf);
    close_on_exec(tcti);
    *ret = tcti;
    return ERR_OK;
}

static void uri_close(struct tpm_source *source, TSS2_TCTI_CONTEXT **tcti)
{
    struct uri_source *s = (struct uri_source *)source;

    if (s->own_socket)
        tpm_socket_close(tcti);
    else
        Tss2_TctiLdr_Finalize(tcti);
}

static void uri_free(struct tpm_source *source)
{
    free(source);
}

err_code tpm_source_of(const struct tpm_uri *uri, struct tpm_source **ret)
{
    struct uri_source *s = calloc(1, sizeof *s);

    if (s == NULL)
        return ERR_NO_MEMORY;
    s->uri = *uri;
    s->own_socket = strcmp(uri->tcti, "swtpm") == 0;
    s->source = (struct tpm_source){.simulator = !uri->device,
                                    .managed = strstr(uri->conf, "tpmrm") != NULL,
                                    .open = uri_open,
                                    .close = uri_close,
                                    .free = uri_free};
    *ret = &s->source;
    return ERR_OK;
}

void tpm_source_free(struct tpm_source **source)
{
    if (*source != NULL)
        (*source)->free(*source);
    *source = NULL;
}
