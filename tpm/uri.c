/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/uri.h"

#include "gate/base/text.h"

#include <string.h>

static const char *const TRANSPORTS[] = {"device", "swtpm", "mssim", "cmd"};

/* Copies len characters as a string if they fit. */
static bool copy(const char *from, size_t len, char *to, size_t size)
{
    if (len == 0 || len >= size)
        return false;
    memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

/* One key=value. Every key may appear once; bit i of *seen stands for the i-th. */
static err_code set_option(const char *option, unsigned *seen, struct tpm_uri *uri, struct why *why)
{
    static const struct {
        const char *key;
        uint32_t min, max;
    } options[] = {
        {"index=", 0x01000000, 0x01FFFFFF},
        {"receipt=", 0x81000000, 0x817FFFFF},
        {"seal=", 0x81000000, 0x817FFFFF},
        /* PCR 16 and 23 are not counted as changes, so extending them would leave sessions alive;
         * 17 to 22 belong to other localities. */
        {"pcr=", 0, 15},
        {"scratch=", 0x01000000, 0x01FFFFFF},
        {"round=", 0x01000000, 0x01FFFFFF},
        {"chain=", 0x01000000, 0x01FFFFFF},
        {"head=", 0x01000000, 0x01FFFFFF},
    };

    uint32_t *const places[] = {&uri->index,   &uri->receipt, &uri->seal,  NULL,
                                &uri->scratch, &uri->round,   &uri->chain, &uri->head};

    for (unsigned i = 0; i < sizeof options / sizeof *options; i++) {
        size_t len = strlen(options[i].key);
        uint64_t value;

        if (strncmp(option, options[i].key, len) != 0)
            continue;
        if ((*seen & 1u << i) != 0)
            return why_say(why, ERR_HARDWARE_URI, "%.*s stands twice in the URI", (int)len - 1,
                           option);
        if (number_parse(option + len, options[i].max, &value) != ERR_OK || value < options[i].min)
            return why_say(why, ERR_HARDWARE_URI, "%.64s is not within 0x%x and 0x%x", option,
                           options[i].min, options[i].max);
        *seen |= 1u << i;
        if (i == 3)
            uri->pcr = (uint8_t)value;
        else
            *places[i] = (uint32_t)value;
        return ERR_OK;
    }
    return why_say(
        why, ERR_HARDWARE_URI,
        "\"%.64s\" is none of index=, scratch=, round=, chain=, head=, receipt=, seal=, pcr=",
        option);
}

static err_code set_options(const char *text, struct tpm_uri *uri, struct why *why)
{
    unsigned seen = 0;

    for (;;) {
        size_t len = strcspn(text, "&");
        char option[64];

        if (!copy(text, len, option, sizeof option))
            return why_say(why, ERR_HARDWARE_URI, "an option of the URI is empty or too long");
        TRY(set_option(option, &seen, uri, why));
        if (text[len] == '\0')
            return ERR_OK;
        text += len + 1;
    }
}

/* The indexes that were not named are the next ones; none is taken twice. */
static err_code set_indexes(struct tpm_uri *uri, struct why *why)
{
    uint32_t *const indexes[] = {&uri->index, &uri->scratch, &uri->round, &uri->chain, &uri->head};
    static const char *const names[] = {"index", "scratch", "round", "chain", "head"};
    const unsigned n = sizeof indexes / sizeof *indexes;
    bool above = uri->index > 0x01FFFFFF - (n - 1);

    for (unsigned i = 1; i < n; i++)
        if (*indexes[i] == 0)
            *indexes[i] = above ? uri->index - i : uri->index + i;
    for (unsigned i = 1; i < n; i++)
        for (unsigned k = 0; k < i; k++)
            if (*indexes[i] == *indexes[k])
                return why_say(why, ERR_HARDWARE_URI, "%s and %s are both 0x%08x", names[k],
                               names[i], *indexes[i]);
    return ERR_OK;
}

static bool known_transport(const char *name)
{
    for (size_t i = 0; i < sizeof TRANSPORTS / sizeof *TRANSPORTS; i++)
        if (strcmp(name, TRANSPORTS[i]) == 0)
            return true;
    return false;
}

err_code tpm_uri_parse(const char *text, struct tpm_uri *ret, struct why *why)
{
    struct tpm_uri uri = {.index = TPM_DEFAULT_INDEX,
                          .receipt = TPM_DEFAULT_RECEIPT,
                          .seal = TPM_DEFAULT_SEAL,
                          .pcr = TPM_DEFAULT_PCR};
    size_t name, conf;

    if (strncmp(text, "tpm:", 4) != 0)
        return why_say(why, ERR_HARDWARE_URI, "the URI does not begin with tpm:");
    text += 4;
    name = strcspn(text, ":?");
    if (!copy(text, name, uri.tcti, sizeof uri.tcti) || !known_transport(uri.tcti))
        return why_say(why, ERR_HARDWARE_URI,
                       "\"%.*s\" is none of the transports device, swtpm, mssim, cmd",
                       name < 32 ? (int)name : 32, text);
    if (text[name] != ':')
        return why_say(why, ERR_HARDWARE_URI, "tpm:%s must say where, as in tpm:device:/dev/tpmrm0",
                       uri.tcti);
    text += name + 1;
    conf = strcspn(text, "?");
    if (!copy(text, conf, uri.conf, sizeof uri.conf))
        return why_say(why, ERR_HARDWARE_URI, "what follows tpm:%s: is empty or longer than %d",
                       uri.tcti, TPM_URI_CONF_MAX);
    uri.device = strcmp(uri.tcti, "device") == 0;
    if (text[conf] == '?')
        TRY(set_options(text + conf + 1, &uri, why));
    TRY(set_indexes(&uri, why));
    if (uri.receipt == uri.seal)
        return why_say(why, ERR_HARDWARE_URI, "receipt and seal are both 0x%08x", uri.seal);
    *ret = uri;
    return ERR_OK;
}

err_code tpm_key_ref_parse(const char *text, struct tpm_key_ref *ret, struct why *why)
{
    struct tpm_key_ref out = {0};
    static const char head[] = "tpm2:handle=", file[] = "auth-file=";
    char number[16] = "";
    const char *rest;
    uint64_t handle;
    size_t len;

    if (strncmp(text, head, sizeof head - 1) != 0)
        return why_say(why, ERR_KEY_REF, "\"%.64s\" does not begin with %s", text, head);
    text += sizeof head - 1;
    len = strcspn(text, "&");
    if (len < sizeof number)
        memcpy(number, text, len);
    if (number_parse(number, 0x81FFFFFF, &handle) != ERR_OK || handle < 0x81000000)
        return why_say(why, ERR_KEY_REF,
                       "\"%.*s\" is no persistent handle, 0x81000000 to 0x81ffffff",
                       (int)(len < 32 ? len : 32), text);
    out.handle = (uint32_t)handle;
    rest = text + len;
    if (*rest == '&') {
        rest++;
        if (strncmp(rest, file, sizeof file - 1) != 0)
            return why_say(why, ERR_KEY_REF, "\"%.64s\" is not auth-file=/PATH", rest);
        rest += sizeof file - 1;
        if (rest[0] != '/' || strlen(rest) >= sizeof out.auth_file)
            return why_say(why, ERR_KEY_REF, "auth-file needs an absolute path below %zu bytes",
                           sizeof out.auth_file);
        memcpy(out.auth_file, rest, strlen(rest) + 1);
    }
    *ret = out;
    return ERR_OK;
}
