/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/strangers_day.h"

#include "gate/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#define DAY_MS UINT64_C(86400000)
#define FILE_SIZE                                                                                  \
    256 /* always, so that it is written over in one piece and needs no further room */

bool strangers_day_take(struct strangers_day *day, uint64_t now_ms)
{
    uint64_t today = now_ms / DAY_MS;

    if (today > day->day) {
        day->day = today;
        day->recorded = 0;
    }
    if (day->recorded >= STRANGERS_PER_DAY)
        return false;
    day->recorded++;
    return true;
}

void strangers_day_miss(struct strangers_day *day, uint64_t n, uint64_t now_ms)
{
    if (n > 0 && day->unrecorded == 0)
        day->since_ms = now_ms;
    day->unrecorded += n;
}

uint64_t strangers_day_due(struct strangers_day *day, uint64_t now_ms)
{
    if (now_ms < day->since_ms)
        day->since_ms = now_ms; /* a clock that was set back */
    if (day->unrecorded == 0 || now_ms - day->since_ms < STRANGERS_TOGETHER_MS)
        return 0;
    day->since_ms = now_ms;
    return day->unrecorded;
}

void strangers_day_told(struct strangers_day *day, uint64_t n)
{
    day->unrecorded -= n < day->unrecorded ? n : day->unrecorded;
}

/* ---- the file -------------------------------------------------------------------------------- */

static err_code parse(struct slice text, struct strangers_day *ret)
{
    json_t *json = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    json_int_t all[4];
    const char *schema;
    bool whole =
        json_unpack(json, "{s:s, s:I, s:I, s:I, s:I !}", "schema", &schema, "day", &all[0],
                    "recorded", &all[1], "unrecorded", &all[2], "since_ms", &all[3]) == 0 &&
        strcmp(schema, "pawl/1") == 0;

    for (size_t i = 0; i < 4 && whole; i++)
        whole = all[i] >= 0;
    if (whole)
        *ret = (struct strangers_day){(uint64_t)all[0], (uint64_t)all[1], (uint64_t)all[2],
                                      (uint64_t)all[3]};
    json_decref(json);
    return whole ? ERR_OK : ERR_FORMAT;
}

err_code strangers_day_load(const char *path, uint64_t now_ms, struct strangers_day *ret,
                            struct why *why)
{
    CLEANUP(buf_free) struct buf text = {0};

    *ret = (struct strangers_day){0};
    if (!file_exists(path))
        return ERR_OK;
    TRY(file_read(path, FILE_SIZE, &text, why));
    if (parse(buf_slice(&text), ret) == ERR_OK)
        return ERR_OK;
    (void)why_say(why, ERR_FORMAT,
                  "\"%s\" is no count of strangers; none goes on record by itself "
                  "today",
                  path);
    *ret = (struct strangers_day){.day = now_ms / DAY_MS, .recorded = STRANGERS_PER_DAY};
    return ERR_OK;
}

err_code strangers_day_save(const char *path, const struct strangers_day *day, struct why *why)
{
    CLEANUP(fd_close) int fd = -1;
    uint8_t text[FILE_SIZE];
    json_t *json =
        json_pack("{s:s, s:I, s:I, s:I, s:I}", "schema", "pawl/1", "day", (json_int_t)day->day,
                  "recorded", (json_int_t)day->recorded, "unrecorded", (json_int_t)day->unrecorded,
                  "since_ms", (json_int_t)day->since_ms);
    size_t len = json_dumpb(json, (char *)text, sizeof text, JSON_COMPACT);
    int error;

    json_decref(json);
    if (len == 0 || len >= sizeof text)
        return ERR_NO_MEMORY;
    memset(text + len, ' ', sizeof text - len - 1);
    text[sizeof text - 1] = '\n';
    fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        return why_errno(why, errno, "write", path);
    error = file_put_at(fd, (struct slice){text, sizeof text}, 0);
    return error == 0 ? ERR_OK : why_errno(why, error, "write", path);
}
