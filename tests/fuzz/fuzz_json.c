/* Arguments typed by hand as JSON: what is read is msgpack that the daemon takes, and what it says
 * is wrong lies within the text. */
#include <stdlib.h>

#include "base/assert.h"
#include "clients/cli/src/json_read.h"
#include "codec/check.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "fuzz/fuzz.h"

/* check_message() wants a map around it. */
static void
check_value(struct slice value)
{
    struct buf message = {0};
    struct check_fault fault = {NULL, SIZE_MAX};
    struct reader reader;
    reader_init(&reader, value);
    reader_skip(&reader);
    assert(!reader.bad && reader.at == reader.end);
    write_map(&message, 1);
    write_cstr(&message, "v");
    write_raw(&message, value);
    /* The daemon may still refuse keys that are there twice, and what is too deep by one. */
    (void)check_message(buf_slice(&message), &fault);
    buf_fini(&message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = {0};
    size_t offset = SIZE_MAX;
    char *text = malloc(size + 1);
    assert(text);
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    const char *wrong = json_read(text, &out, &offset);
    if (wrong)
        assert(wrong[0] && offset <= strlen(text));
    else
        check_value(buf_slice(&out));
    buf_fini(&out);
    free(text);
    return 0;
}
