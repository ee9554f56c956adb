#include "core/decision.h"

#include "base/assert.h"

void
decision_clear(struct decision *decision, seq_t first_seq, msec_t now_ms)
{
    decision->first_seq = first_seq;
    decision->now_ms = now_ms;
    decision->event_count = 0;
    decision->applied_count = 0;
    decision->text[0] = 0;
    entries_clear(&decision->result);
    entries_clear(&decision->detail);
}

struct event *
decision_event(struct decision *decision, enum event_type type)
{
    assert(decision->event_count < DECISION_EVENT_COUNT_MAX);
    assert(type > EVENT_NONE && type < EVENT_TYPE_COUNT);
    struct event *event = &decision->events[decision->event_count];
    *event = (struct event){
        .seq = decision->first_seq + decision->event_count,
        .at_ms = decision->now_ms,
        .type = type,
    };
    decision->event_count++;
    return event;
}

enum kith_err
refuse_until(struct decision *out, enum kith_err err, msec_t until_ms)
{
    entries_time(&out->detail, "until", until_ms);
    return err;
}

enum kith_err
refuse_request(struct decision *out, enum kith_err err, const char *name,
               const struct public_id *request)
{
    entries_id(&out->detail, name, request);
    return err;
}

enum kith_err
refuse_field(struct decision *out, enum kith_err err, const char *field)
{
    entries_cstr(&out->detail, "field", field);
    return err;
}
