#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "json_write.h"
#include "style.h"
#include "text.h"
#include "view.h"

#define TEXT_SIZE_MAX 4096 /* a message of ours; longer ones are cut */

static void
tell_json(const char *code, const char *class, const char *text)
{
    struct buf line = {0};
    json_open(&line);
    json_key(&line, "error");
    json_open(&line);
    json_member_str(&line, "code", code);
    json_member_str(&line, "class", class);
    json_member_str(&line, "text", text);
    json_close(&line);
    json_close(&line);
    text_put_own(&line, "\n");
    cli_print(&line);
}

static void
write_stderr(const struct buf *text)
{
    if (!text->failed)
        fwrite(text->data, 1, text->size, stderr);
}

/* Text with "kith: " before its first line and the others under it. What was typed may be in it:
 * it is made harmless, line by line. */
static void
tell_people(const char *text)
{
    bool colour = style_wanted(stderr);
    struct buf out = {0};
    text_put_own(&out, style(colour, STYLE_BAD));
    text_put_own(&out, "kith: ");
    text_put_own(&out, style(colour, STYLE_NONE));
    while (*text) {
        size_t size = strcspn(text, "\n");
        text_put(&out, text, size);
        text += size + (text[size] == '\n');
        text_put_own(&out, *text ? "\n      " : "\n");
    }
    write_stderr(&out);
    buf_fini(&out);
}

static void
tell(const struct cli *cli, const char *code, const char *class, const char *format, va_list list)
{
    char text[TEXT_SIZE_MAX];
    int size = vsnprintf(text, sizeof(text), format, list);
    assert(size > 0);
    fflush(stdout);
    if (cli->json)
        tell_json(code, class, text);
    else
        tell_people(text);
}

void
fail(const struct cli *cli, const char *code, const char *class, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    tell(cli, code, class, format, list);
    va_end(list);
}

enum cli_exit
fail_usage(const struct cli *cli, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    tell(cli, "usage", "invalid", format, list);
    va_end(list);
    return CLI_INVALID;
}

static const char *
or_empty(const char *text)
{
    return text ? text : "";
}

/* What the text does not say: field, until, next_free_at, ... each under its name. */
static void
put_details(struct buf *out, const struct kith_value *error)
{
    static const char *const told[] = {"code", "class", "retry", "text"};
    size_t count = 0;
    for (size_t i = 0; i < kith_value_count(error); i++) {
        const char *name = kith_value_key_at(error, i);
        bool known = false;
        for (size_t k = 0; k < ARRAY_COUNT(told); k++)
            known |= strcmp(name, told[k]) == 0;
        if (known)
            continue;
        text_put_own(out, count++ ? ", " : "      ");
        text_put(out, name, strlen(name));
        text_put_own(out, ": ");
        view_put_cell(out, name, kith_value_entry_at(error, i), cli_now_ms());
    }
    if (count)
        text_put_own(out, "\n");
}

static void
tell_reply_people(const struct kith_value *error)
{
    bool colour = style_wanted(stderr);
    const char *text = or_empty(kith_get_str(error, "text"));
    const char *code = or_empty(kith_get_str(error, "code"));
    struct buf out = {0};
    text_put_own(&out, style(colour, STYLE_BAD));
    text_put_own(&out, "kith: ");
    text_put_own(&out, style(colour, STYLE_NONE));
    text_put(&out, text, strlen(text));
    text_put_own(&out, " (");
    text_put(&out, code, strlen(code));
    text_put_own(&out, ")\n");
    put_details(&out, error);
    write_stderr(&out);
    buf_fini(&out);
}

enum cli_exit
cli_fail_reply(const struct cli *cli, const struct kith_reply *reply)
{
    const struct kith_value *error = kith_reply_error(reply);
    fflush(stdout);
    if (cli->json) {
        struct buf line = {0};
        json_open(&line);
        json_key(&line, "error");
        json_put_value(&line, error);
        json_close(&line);
        text_put_own(&line, "\n");
        cli_print(&line);
    } else {
        tell_reply_people(error);
    }
    return cli_exit_for_class(kith_get_str(error, "class"));
}
