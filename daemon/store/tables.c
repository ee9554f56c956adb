#include "store/tables.h"

const struct view_table_row view_tables[VIEW_TABLE_COUNT] = {
#define X(id, name, kind, owner_size) [VIEW_##id] = {name, VIEW_KIND_##kind, owner_size},
    VIEW_TABLE_LIST(X)
#undef X
};
