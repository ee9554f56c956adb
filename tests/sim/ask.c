#include "sim/ask.h"

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"

/* --- asking ---------------------------------------------------------------------------------- */

void
ask_begin(struct buf *query, const char *op, uint32_t arg_count)
{
    buf_clear(query);
    write_map(query, 3);
    write_cstr(query, "v");
    write_uint(query, KITH_PROTOCOL_VERSION);
    write_cstr(query, "op");
    write_cstr(query, op);
    write_cstr(query, "args");
    write_map(query, arg_count);
}

struct reply
ask_try(struct sim *sim)
{
    struct reply reply;
    world_execute(&sim->world, buf_slice(&sim->query), sim->model.now_ms, &sim->answer);
    sim->queries++;
    if (!reply_read(buf_slice(&sim->answer), &reply))
        sim_fail(sim, "a query is answered by no reply");
    return reply;
}

struct slice
ask_send(struct sim *sim)
{
    struct reply reply = ask_try(sim);
    if (!reply.ok) {
        reply_print(stderr, buf_slice(&sim->query));
        sim_fail(sim, "\na query is refused");
    }
    return reply.body;
}

struct slice
ask_query(struct sim *sim, const char *op, const char *const words[][2], unsigned count,
          int64_t limit)
{
    ask_begin(&sim->query, op, count + (limit > 0));
    for (unsigned i = 0; i < count; i++) {
        write_cstr(&sim->query, words[i][0]);
        write_cstr(&sim->query, words[i][1]);
    }
    if (limit > 0) {
        write_cstr(&sim->query, "limit");
        write_int(&sim->query, limit);
    }
    return ask_send(sim);
}

/* --- wanting --------------------------------------------------------------------------------- */

void
want_word(struct sim *sim, struct slice map, const char *who, const char *path, const char *word)
{
    struct slice text = reply_str(map, path);
    if (word ? !slice_is(text, word) : text.data != NULL)
        sim_fail(sim, "%s: %s is '%.*s', the model says '%s'", who, path, (int)text.size,
                 text.data ? (const char *)text.data : "", word ? word : "(nothing)");
}

void
want_number(struct sim *sim, struct slice map, const char *who, const char *path, int64_t number)
{
    int64_t value = reply_num(map, path);
    if (value != number)
        sim_fail(sim, "%s: %s is %lld, the model says %lld", who, path, (long long)value,
                 (long long)number);
}

void
want_field(struct sim *sim, const char *id, const struct model_field *field, struct slice map)
{
    struct reader reader;
    struct slice value = {0};
    bool there = reply_find(map, field->path, &value);
    bool same = false;

    reader_init(&reader, value);
    switch (field->type) {
    case FIELD_STR:
        same = there && slice_is(reader_str(&reader), field->str);
        break;
    case FIELD_NUM:
        same = there && reader_int(&reader) == field->num && !reader.bad;
        break;
    case FIELD_TRUTH:
        same = there && reader_bool(&reader) == field->num && !reader.bad;
        break;
    case FIELD_NONE:
        same = !there;
        break;
    }
    if (same)
        return;
    if (field->type == FIELD_NONE)
        sim_fail(sim, "%s: there should be no %s", id, field->path);
    if (field->type == FIELD_STR)
        sim_fail(sim, "%s: %s should be '%s'", id, field->path, field->str);
    sim_fail(sim, "%s: %s should be %lld", id, field->path, (long long)field->num);
}

void
want_truth(struct sim *sim, struct slice map, const char *who, const char *path, bool truth)
{
    struct model_field field = {.path = path, .type = FIELD_TRUTH, .num = truth};
    want_field(sim, who, &field, map);
}
