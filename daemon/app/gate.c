#include "app/gate.h"

#include "base/assert.h"

#define NOT_FULL  (-1)
#define NONE_LEFT (-1)
#define NONE_SHED (-1)

void
gate_init(struct gate *gate)
{
    *gate = (struct gate){.full_ms = NOT_FULL, .left_ms = NONE_LEFT, .shed_ms = NONE_SHED};
}

enum gate_news
gate_look(struct gate *gate, uint64_t disk_free, uint64_t reserve)
{
    bool before = gate->read_only;
    /* It opens a quarter above where it closes, so that it does not swing. */
    gate->read_only = disk_free < reserve + (before ? reserve / 4 : 0);
    if (gate->read_only == before)
        return GATE_SAME;
    return gate->read_only ? GATE_CLOSED : GATE_OPENED;
}

msec_t
gate_hold(struct gate *gate, bool full, msec_t now_ms)
{
    assert(now_ms >= 0);
    if (!full) {
        gate->full_ms = NOT_FULL;
        return 0;
    }
    if (gate->full_ms == NOT_FULL)
        gate->full_ms = now_ms;
    msec_t waited_ms = now_ms - gate->full_ms;
    return waited_ms < GATE_HOLD_MS_MAX ? GATE_HOLD_MS_MAX - waited_ms : 0;
}

enum kith_err
gate_refusal(const struct gate *gate)
{
    if (gate->read_only)
        return KITH_UNAVAILABLE;
    return gate->full_ms == NOT_FULL ? KITH_OK : KITH_BUSY;
}

void
gate_left(struct gate *gate, bool left, msec_t now_ms)
{
    assert(now_ms >= 0);
    if (!left) {
        gate->left_ms = NONE_LEFT;
        return;
    }
    gate->behind_ms = now_ms;
    if (gate->left_ms == NONE_LEFT)
        gate->left_ms = now_ms;
}

msec_t
gate_limit(const struct gate *gate, msec_t wait_max_ms, msec_t now_ms)
{
    assert(wait_max_ms >= 1);
    if (gate->shed_ms != NONE_SHED && now_ms - gate->shed_ms < 2 * wait_max_ms &&
        now_ms - gate->behind_ms < 2 * wait_max_ms)
        return wait_max_ms < GATE_TIGHTER ? 1 : wait_max_ms / GATE_TIGHTER;
    if (gate->left_ms == NONE_LEFT || now_ms - gate->left_ms < 2 * wait_max_ms)
        return GATE_NO_LIMIT;
    return wait_max_ms;
}

void
gate_shed(struct gate *gate, msec_t now_ms)
{
    assert(now_ms >= 0);
    gate->shed_ms = now_ms;
}
