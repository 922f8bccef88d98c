/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/lobby.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SECOND UINT64_C(1000000000)

static const char *const NAMES[LOBBY_REASONS] = {
    [LOBBY_LEFT] = "left",
    [LOBBY_ALERT] = "alert",
    [LOBBY_PROTOCOL] = "protocol",
    [LOBBY_NO_CERTIFICATE] = "no_certificate",
    [LOBBY_AUTHORITY] = "authority",
    [LOBBY_TIME] = "time",
    [LOBBY_PURPOSE] = "purpose",
    [LOBBY_REVOKED] = "revoked",
    [LOBBY_NOT_ALLOWED] = "not_allowed",
    [LOBBY_CERTIFICATE] = "certificate",
    [LOBBY_RATE] = "rate",
    [LOBBY_DEADLINE] = "deadline",
    [LOBBY_ROOM] = "room",
};

const char *lobby_reason_name(enum lobby_reason reason)
{
    return NAMES[reason];
}

/* ---- addresses ------------------------------------------------------------------------------- */

void lobby_who_of(int fd, struct lobby_who *ret)
{
    struct sockaddr_storage from = {0};
    const struct sockaddr_in *four = (const struct sockaddr_in *)&from;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&from;
    socklen_t len = sizeof from;
    struct lobby_who out = {0};

    *ret = (struct lobby_who){0};
    if (fd < 0 || getpeername(fd, (struct sockaddr *)&from, &len) != 0)
        return;
    if (from.ss_family == AF_INET) {
        memset(out.key + 10, 0xff, 2); /* as IPv6 writes it (RFC 4291 2.5.5.2) */
        memcpy(out.key + 12, &four->sin_addr, 4);
        (void)inet_ntop(AF_INET, &four->sin_addr, out.text, sizeof out.text);
    } else if (from.ss_family == AF_INET6) {
        bool mapped = IN6_IS_ADDR_V4MAPPED(&six->sin6_addr);
        memcpy(out.key, &six->sin6_addr, mapped ? 16 : 8);
        (void)inet_ntop(AF_INET6, &six->sin6_addr, out.text, sizeof out.text);
    }
    *ret = out;
}

static bool same(const struct lobby_rate *rate, const struct lobby_who *who)
{
    return rate->used && memcmp(rate->key, who->key, sizeof who->key) == 0;
}

static const struct lobby_rate *find(const struct lobby *lobby, const struct lobby_who *who)
{
    for (size_t i = 0; i < LOBBY_KNOWN; i++)
        if (same(&lobby->list[i], who))
            return &lobby->list[i];
    return NULL;
}

/* Whether a is the better one to be forgotten: those of whom nothing good is known go first, and of
 * them those who owe least. */
static bool is_lesser(const struct lobby_rate *a, const struct lobby_rate *b)
{
    if (a->used != b->used)
        return b->used;
    if (a->good != b->good)
        return b->good;
    return a->debt_ns != b->debt_ns ? a->debt_ns < b->debt_ns : a->at_ns < b->at_ns;
}

static struct lobby_rate *place_of(struct lobby *lobby, const struct lobby_who *who,
                                   uint64_t now_ns)
{
    struct lobby_rate *place = &lobby->list[0];

    for (size_t i = 0; i < LOBBY_KNOWN; i++) {
        if (same(&lobby->list[i], who)) {
            lobby->list[i].at_ns = now_ns;
            return &lobby->list[i];
        }
        if (is_lesser(&lobby->list[i], place))
            place = &lobby->list[i];
    }
    *place = (struct lobby_rate){.used = true, .at_ns = now_ns};
    memcpy(place->key, who->key, sizeof place->key);
    return place;
}

/* ---- rates ----------------------------------------------------------------------------------- */

/* A debt is the time until which what was had is paid for, at so many a second. Somebody who owes
 * more than a burst is not served. */
static bool owes(uint64_t debt_ns, uint64_t now_ns, uint64_t per_second, uint64_t burst)
{
    return debt_ns > now_ns && debt_ns - now_ns > (burst - 1) * (SECOND / per_second);
}

static void charge(uint64_t *debt_ns, uint64_t now_ns, uint64_t per_second)
{
    *debt_ns = (*debt_ns > now_ns ? *debt_ns : now_ns) + SECOND / per_second;
}

bool lobby_admits(const struct lobby *lobby, const struct lobby_who *who, uint64_t now_ns)
{
    const struct lobby_rate *rate = find(lobby, who);

    if (rate != NULL && owes(rate->debt_ns, now_ns, LOBBY_PER_SECOND, LOBBY_BURST))
        return false;
    return (rate != NULL && rate->good) ||
           !owes(lobby->debt_ns, now_ns, LOBBY_PER_SECOND_ALL, LOBBY_BURST_ALL);
}

void lobby_welcome(struct lobby *lobby, const struct lobby_who *who, uint64_t now_ns)
{
    place_of(lobby, who, now_ns)->good = true;
}

/* ---- what is said ---------------------------------------------------------------------------- */

static void say(struct lobby *lobby, const struct lobby_who *who, const struct lobby_end *end,
                uint64_t now_ns)
{
    const char *from = who->text[0] != '\0' ? who->text : "an address that is not known";
    char text[320], before[64] = "";

    if (lobby->tell == NULL)
        return;
    if (owes(lobby->said_ns, now_ns, 1, LOBBY_SAID_BURST)) {
        lobby->unsaid++;
        return;
    }
    charge(&lobby->said_ns, now_ns, 1);
    if (lobby->unsaid > 0)
        (void)snprintf(before, sizeof before, "; %" PRIu64 " before were not said", lobby->unsaid);
    (void)snprintf(text, sizeof text, "TLS: refused %s: %s%s%.160s%s", from, NAMES[end->reason],
                   end->detail != NULL ? ": " : "", end->detail != NULL ? end->detail : "", before);
    lobby->unsaid = 0;
    lobby->tell(text);
}

void lobby_refuse(struct lobby *lobby, const struct lobby_who *who, const struct lobby_end *end,
                  uint64_t now_ns)
{
    lobby->refused[end->reason]++;
    if (end->tried) {
        struct lobby_rate *rate = place_of(lobby, who, now_ns);
        charge(&rate->debt_ns, now_ns, LOBBY_PER_SECOND);
        if (!rate->good)
            charge(&lobby->debt_ns, now_ns, LOBBY_PER_SECOND_ALL);
    }
    if (end->reason != LOBBY_LEFT)
        say(lobby, who, end, now_ns);
}
