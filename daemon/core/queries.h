/* core/queries.h: what the queries share: looking members up, and pages of lists.
 *
 * Layer: core. Thread: loop thread only. Blocking: reads may wait for the disk.
 */
#ifndef KITH_CORE_QUERIES_H
#define KITH_CORE_QUERIES_H

#include "core/internal.h"
#include "core/rows/lists.h"

/* The member named by an argument: KITH_NO_SUCH_MEMBER, naming the field, where nobody is. */
enum kith_err query_member(struct call *call, enum kith_arg arg, struct member *out);

/* One item for each member that an argument lists, in that order: `member`, and what @tell adds of
 * him, who may be unknown. @viewer is passed on; it may be NULL. */
void query_each_member(struct call *call, enum kith_arg arg, const struct member *viewer,
                       void tell(struct call *, const struct member *viewer,
                                 const struct member *member));

/* An entry with a text that is sealed under the key of @writer; none if there is no text, or if
 * the key is gone. */
void query_sealed(struct call *call, const char *name, struct slice writer, struct slice sealed);

/* One page of a list: the rows of a LIST table under a prefix, from where `after` says. `after` is
 * the rest of the last row's key, in hexadecimal: a place in the order, not a count, so that rows
 * that come or go between two pages neither repeat nor hide others. */
struct page {
    struct call *call;
    struct views_scan *scan[2]; /* the second is NULL, or merged with the first by key */
    struct page_row {
        bool is_there;
        struct slice key, value;
    } row[2]; /* the next of each, not given yet */
    size_t prefix_size;
    uint64_t limit;
    uint32_t count;
    size_t place;         /* of the array */
    struct list_key last; /* the last row that became an item */
    bool more;
    unsigned scanned, given; /* rows given, and the scan of the last one */
};

/* A page that filters looks at this many rows at most, and may be short. */
#define PAGE_SCAN_MAX 2000

/* Begins the array `items`. KITH_BAD_ARGUMENT where `after` is no place of this list. */
enum kith_err page_begin(struct page *page, struct call *call, enum view_table table,
                         struct list_key prefix);
/* The same over two tables with keys of one kind, as one list. */
enum kith_err page_begin_two(struct page *page, struct call *call, enum view_table table,
                             enum view_table second, struct list_key prefix);
/* The next row. False at the end of the list or of the page. */
bool page_next(struct page *page, struct slice *key, struct slice *value);
/* The row that page_next gave becomes an item, a map whose entries follow; close it. */
struct entries_inner page_item(struct page *page);
void page_item_end(struct page *page, struct entries_inner inner);
/* Ends the array and tells `next` where there is more. */
void page_end(struct page *page);

/* Append the @size bytes that @text says in hexadecimal to @key; false if it does not. */
bool query_place(struct slice text, size_t size, struct list_key *key);

/* The prefixes of `types`. */
bool query_type_is_wanted(const struct call *call, const struct event *event);
/* The types that begin with one of them, a bit each; all where none are given. */
uint64_t query_types(const struct call *call);

/* event.read with `member`. */
op_fn query_feed;

op_fn query_hello, query_stats, query_member_get, query_member_list, query_status,
    query_connections, query_incoming, query_outgoing, query_counts, query_invite, query_invites,
    query_quota, query_events, query_command, query_blocks, query_preapprovals, query_preview,
    query_mutuals, query_path, query_suggest, query_access, query_peek, query_invite_counts,
    query_tree;

#endif
