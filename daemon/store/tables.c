#include "store/tables.h"

const struct view_table_row view_tables[VIEW_TABLE_COUNT] = {
#define X(id, name, kind) [VIEW_##id] = {name, VIEW_KIND_##kind},
    VIEW_TABLE_LIST(X)
#undef X
};
