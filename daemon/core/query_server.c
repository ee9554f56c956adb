#include "codec/writer.h"
#include "core/queries.h"

/* What a client may meet, by the names of proto/limits.h. */
static const struct {
    const char *name;
    uint64_t value;
} limits[] = {
    {"message_size", KITH_MESSAGE_SIZE_MAX}, {"batch_count", KITH_BATCH_COUNT_MAX},
    {"nesting", KITH_NESTING_MAX},           {"node_count", KITH_NODE_COUNT_MAX},
    {"id_size", KITH_ID_SIZE_MAX},           {"member_size", KITH_MEMBER_SIZE_MAX},
    {"name_size", KITH_NAME_SIZE_MAX},       {"note_size", KITH_NOTE_SIZE_MAX},
    {"contact_size", KITH_CONTACT_SIZE_MAX}, {"token_size", KITH_TOKEN_SIZE_MAX},
    {"others_count", KITH_OTHERS_COUNT_MAX}, {"pairs_count", KITH_PAIRS_COUNT_MAX},
    {"types_count", KITH_TYPES_COUNT_MAX},   {"list_limit", KITH_LIST_LIMIT_MAX},
    {"event_limit", KITH_EVENT_LIMIT_MAX},   {"event_page_size", KITH_EVENT_PAGE_SIZE_MAX},
    {"wait_ms", KITH_WAIT_MS_MAX},           {"min_pos_ms", KITH_MIN_POS_MS_MAX},
    {"parked_count", KITH_PARKED_COUNT_MAX}, {"cursor_count", KITH_CURSOR_COUNT_MAX},
    {"open_count", KITH_OPEN_COUNT_MAX},
};

static const char *const features[] = {"batch",  "min_pos", "wait_ms",
                                       "cursor", "feed",    "subscription"};

enum kith_err
query_hello(struct call *call)
{
    struct core *core = call->core;
    struct entries *result = &call->out->result;

    entries_cstr(result, "server", "kithd");
    entries_cstr(result, "version", KITH_VERSION);
    entries_uint(result, "protocol", KITH_PROTOCOL_VERSION);
    write_array(entries_key(result, "features"), ARRAY_COUNT(features) + core->clock_manual);
    for (unsigned i = 0; i < ARRAY_COUNT(features); i++)
        write_cstr(&result->buf, features[i]);
    if (core->clock_manual)
        write_cstr(&result->buf, "clock.advance");
    struct entries_inner inner = entries_open(result, "limits");
    for (unsigned i = 0; i < ARRAY_COUNT(limits); i++)
        entries_uint(result, limits[i].name, limits[i].value);
    entries_close(result, inner);
    entries_uint(result, "epoch", log_epoch(core->log));
    entries_uint(result, "first_seq", log_first(core->log));
    entries_uint(result, "last_seq", log_last(core->log));
    return KITH_OK;
}

enum kith_err
query_stats(struct call *call)
{
    struct core *core = call->core;
    if (core->refresh)
        core->refresh(core->refresh_context, core->stats);
    core->stats->members = member_count(core->views);
    core->stats->first_seq = log_first(core->log);
    core->stats->last_seq = log_last(core->log);
    core->stats->cursors = state_count(core->state, STATE_CURSOR);
    core->stats->cursor_lag_max = cursor_lag_max(core);
    core->stats->checkpoint_seq = views_checkpointed(core->views);
    for (unsigned i = 0; i < stat_count; i++) {
        const void *value = (const uint8_t *)core->stats + stat_rows[i].offset;
        entries_uint(&call->out->result, stat_rows[i].name, *(const uint64_t *)value);
    }
    return KITH_OK;
}
