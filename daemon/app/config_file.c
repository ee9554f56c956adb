/* Reading the file. inih splits it; the lines are handed to it one by one by a reader of our own,
 * which knows their numbers, cuts their indentation (inih would take it for the continuation of
 * the line before), and sees which of them inih made nothing of. */
#include <errno.h>
#include <ini.h>
#include <stdio.h>

#include "app/config.h"
#include "base/assert.h"

#define NAME_SIZE_MAX  49     /* inih cuts what is longer, in silence */
#define LINE_MAX_COUNT 100000 /* a file of ours has some hundred */

struct file_reader {
    struct config *config;
    struct problems *problems;
    FILE *file;
    unsigned line;
    bool waiting; /* the last line should reach the handler, and has not */
    char where[CONFIG_PATH_SIZE_MAX + 16];
};

static void
complain_if_waiting(struct file_reader *reader)
{
    if (reader->waiting)
        problems_add(reader->problems, "%s: expected [section], name = value, or # a comment",
                     reader->where);
    reader->waiting = false;
}

static void
check_section(struct file_reader *reader, const char *line)
{
    const char *end = strchr(line, ']');
    if (!end)
        problems_add(reader->problems, "%s: the section's name needs a closing ]", reader->where);
    else if (end - line - 1 > NAME_SIZE_MAX)
        problems_add(reader->problems, "%s: a section's name has at most %d bytes", reader->where,
                     NAME_SIZE_MAX);
}

/* inih's way to ask for a line: as fgets(). */
static char *
next_line(char *line, int size, void *context)
{
    struct file_reader *reader = context;
    complain_if_waiting(reader);
    if (reader->line == LINE_MAX_COUNT || !fgets(line, size, reader->file))
        return NULL;
    reader->line++;
    snprintf(reader->where, sizeof(reader->where), "%s:%u", reader->config->file, reader->line);

    size_t length = strlen(line);
    if (length > 0 && line[length - 1] != '\n' && !feof(reader->file)) {
        problems_add(reader->problems, "%s: the line is longer than %d bytes, or has a zero byte",
                     reader->where, size - 2);
        for (int c = fgetc(reader->file); c != EOF && c != '\n';)
            c = fgetc(reader->file);
        memcpy(line, "\n", 2);
        return line;
    }
    size_t indent = strspn(line, " \t\r\n");
    memmove(line, line + indent, length - indent + 1);
    if (line[0] == '[')
        check_section(reader, line);
    reader->waiting = line[0] != '\0' && line[0] != '[' && line[0] != '#' && line[0] != ';';
    return line;
}

static int
set_value(void *context, const char *section, const char *name, const char *value)
{
    struct file_reader *reader = context;
    char key[2 * NAME_SIZE_MAX + 2];
    reader->waiting = false;
    snprintf(key, sizeof(key), "%s%s%s", section, section[0] ? "." : "", name);
    config_set(reader->config, key, value,
               (struct config_origin){.what = "file", .line = reader->line}, reader->where,
               reader->problems);
    return 1;
}

void
config_read_file(struct config *config, struct problems *problems)
{
    assert(config->file[0] != '\0');
    struct file_reader reader = {.config = config, .problems = problems};
    reader.file = fopen(config->file, "re");
    if (!reader.file) {
        problems_add(problems, "%s: %s", config->file, strerror(errno));
        return;
    }
    ini_parse_stream(next_line, &reader, set_value, &reader);
    complain_if_waiting(&reader);
    if (ferror(reader.file))
        problems_add(problems, "%s: %s", config->file, strerror(errno));
    fclose(reader.file);
}
