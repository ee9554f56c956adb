#include "app/config_value.h"

#include "base/assert.h"
#include "net/url.h"

#define URL_SEPARATORS " ,\t"

enum unit
config_value_unit(enum config_kind kind)
{
    assert(kind <= CONFIG_SIZE);
    return kind == CONFIG_COUNT ? UNIT_COUNT : kind == CONFIG_DURATION ? UNIT_DURATION : UNIT_SIZE;
}

static size_t
value_size(enum config_kind kind)
{
    switch (kind) {
    case CONFIG_COUNT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
    case CONFIG_CHOICE:
        return sizeof(int64_t);
    case CONFIG_PATH:
        return CONFIG_PATH_SIZE_MAX;
    case CONFIG_URLS:
        return sizeof(struct config_urls);
    }
    assert(!"a kind of its own");
    return 0;
}

static bool
read_number(const struct config_row *row, void *field, const char *text, char *wrong)
{
    enum unit unit = config_value_unit(row->kind);
    char bound[UNITS_TEXT_SIZE];
    int64_t value;
    if (!units_parse(unit, text, &value)) {
        snprintf(wrong, VALUE_WRONG_SIZE, "is not %s", units_expected(unit));
        return false;
    }
    if (value < row->min || value > row->max) {
        bool low = value < row->min;
        snprintf(wrong, VALUE_WRONG_SIZE, "is %s, %s", low ? "below the least" : "above the most",
                 units_print(unit, low ? row->min : row->max, bound));
        return false;
    }
    memcpy(field, &value, sizeof(value));
    return true;
}

static bool
read_choice(const struct config_row *row, void *field, const char *text, char *wrong)
{
    size_t size = strlen(text);
    int64_t position = 0;
    for (const char *word = row->choices; *word; position++) {
        size_t word_size = strcspn(word, " ");
        if (word_size == size && memcmp(word, text, size) == 0) {
            memcpy(field, &position, sizeof(position));
            return true;
        }
        word += word_size + strspn(word + word_size, " ");
    }
    snprintf(wrong, VALUE_WRONG_SIZE, "is none of: %s", row->choices);
    return false;
}

static bool
read_path(void *field, const char *text, char *wrong)
{
    if (text[0] == '\0' || strlen(text) >= CONFIG_PATH_SIZE_MAX) {
        snprintf(wrong, VALUE_WRONG_SIZE, "is not a path of 1 to %d bytes",
                 CONFIG_PATH_SIZE_MAX - 1);
        return false;
    }
    memcpy(field, text, strlen(text) + 1);
    return true;
}

static bool
read_urls(void *field, const char *text, bool append, char *wrong)
{
    struct config_urls urls = {0};
    if (append)
        urls = *(struct config_urls *)field;
    for (const char *at = text + strspn(text, URL_SEPARATORS); *at;) {
        size_t size = strcspn(at, URL_SEPARATORS);
        if (urls.count == CONFIG_URL_COUNT_MAX || size >= CONFIG_URL_SIZE_MAX) {
            snprintf(wrong, VALUE_WRONG_SIZE, "is too long: at most %d endpoints of %d bytes",
                     CONFIG_URL_COUNT_MAX, CONFIG_URL_SIZE_MAX - 1);
            return false;
        }
        char *url = urls.url[urls.count++];
        memcpy(url, at, size);
        url[size] = '\0';
        struct fault fault = {""};
        const char *path;
        if (!url_check(url, &path, &fault)) {
            memcpy(wrong, fault.text, sizeof(fault.text));
            return false;
        }
        at += size;
        at += strspn(at, URL_SEPARATORS);
    }
    if (urls.count == 0) {
        snprintf(wrong, VALUE_WRONG_SIZE, "names no endpoint");
        return false;
    }
    *(struct config_urls *)field = urls;
    return true;
}

bool
config_value_read(const struct config_row *row, void *base, const char *text, bool append,
                  char wrong[VALUE_WRONG_SIZE])
{
    void *field = (char *)base + row->offset;
    switch (row->kind) {
    case CONFIG_COUNT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        return read_number(row, field, text, wrong);
    case CONFIG_PATH:
        return read_path(field, text, wrong);
    case CONFIG_URLS:
        return read_urls(field, text, append, wrong);
    case CONFIG_CHOICE:
        return read_choice(row, field, text, wrong);
    }
    assert(!"a kind of its own");
    return false;
}

bool
config_value_equal(const struct config_row *row, const void *a, const void *b)
{
    const char *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;
    if (row->kind == CONFIG_PATH)
        return strcmp(x, y) == 0;
    if (row->kind != CONFIG_URLS)
        return memcmp(x, y, value_size(row->kind)) == 0;
    const struct config_urls *left = (const void *)x, *right = (const void *)y;
    if (left->count != right->count)
        return false;
    for (unsigned i = 0; i < left->count; i++)
        if (strcmp(left->url[i], right->url[i]) != 0)
            return false;
    return true;
}

void
config_value_copy(const struct config_row *row, void *to, const void *from)
{
    memcpy((char *)to + row->offset, (const char *)from + row->offset, value_size(row->kind));
}

static const char *
print_choice(const struct config_row *row, int64_t position, char *out, size_t size)
{
    const char *word = row->choices;
    for (; position > 0; position--)
        word += strcspn(word, " ") + 1;
    snprintf(out, size, "%.*s", (int)strcspn(word, " "), word);
    return out;
}

static const char *
print_urls(const struct config_urls *urls, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < urls->count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " " : "", urls->url[i]);
    return out;
}

const char *
config_print_value(const struct config_row *row, const void *base, char *out, size_t size)
{
    assert(size >= UNITS_TEXT_SIZE);
    const char *field = (const char *)base + row->offset;
    int64_t number;
    memcpy(&number, field, sizeof(number));
    switch (row->kind) {
    case CONFIG_COUNT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        return units_print(config_value_unit(row->kind), number, out);
    case CONFIG_PATH:
        snprintf(out, size, "%s", field);
        return out;
    case CONFIG_URLS:
        return print_urls((const void *)field, out, size);
    case CONFIG_CHOICE:
        return print_choice(row, number, out, size);
    }
    assert(!"a kind of its own");
    return out;
}
