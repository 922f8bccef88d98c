/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/why.h"

#include "gate/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

[[gnu::format(printf, 5, 0)]] static void say(struct why *why, err_code code, const char *foreign,
                                              uint64_t foreign_code, const char *format,
                                              va_list args)
{
    *why = (struct why){.code = code, .foreign = foreign, .foreign_code = foreign_code};
    (void)vsnprintf(why->text, sizeof why->text, format, args);
    text_defuse(why->text,
                strlen(why->text)); /* what a hostile file says must not drive a terminal */
}

err_code why_say(struct why *why, err_code code, const char *format, ...)
{
    if (why != NULL) {
        va_list args;
        va_start(args, format);
        say(why, code, NULL, 0, format, args);
        va_end(args);
    }
    return code;
}

err_code why_foreign(struct why *why, err_code code, const char *foreign, uint64_t foreign_code,
                     const char *format, ...)
{
    if (why != NULL) {
        va_list args;
        va_start(args, format);
        say(why, code, foreign, foreign_code, format, args);
        va_end(args);
    }
    return code;
}

const char *why_text(const struct why *why, err_code code)
{
    return why->text[0] != '\0' ? why->text : err_text(code);
}

err_code why_errno(struct why *why, int number, const char *doing, const char *path)
{
    err_code code = ERR_STORAGE;

    if (number == ENOENT)
        code = ERR_NOT_FOUND;
    else if (number == ENOSPC || number == EDQUOT || number == EFBIG)
        code = ERR_STORAGE_FULL;
    else if (number == ENOMEM)
        code = ERR_NO_MEMORY;
    return why_foreign(why, code, "errno", (uint64_t)number, "cannot %s \"%s\": %s", doing, path,
                       strerror(number));
}

err_code why_reading(struct why *why, err_code err, const char *format, ...)
{
    char what[sizeof why->text], old[sizeof why->text];
    va_list args;

    if (why == NULL || err == ERR_OK ||
        (err_exit(err) != err_exit(ERR_FORMAT) && err_exit(err) != err_exit(ERR_CEDAR_SYNTAX)))
        return err;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    text_defuse(what, strlen(what));
    if (why->code != err)
        *why = (struct why){.code = err}; /* nobody said more than the name */
    if (strstr(why->text, what) != NULL)
        return err;
    memcpy(old, why->text, sizeof old);
    (void)snprintf(why->text, sizeof why->text, "%.200s: %.309s", what,
                   old[0] != '\0' ? old : err_text(err));
    text_defuse(why->text, strlen(why->text)); /* a character may have been cut in two */
    return err;
}
