/* proto/limits.h: the bounds of protocol version 1, each with its reason.
 *
 * `server.hello` reports those a client may meet. They are part of the protocol, not configuration:
 * a client may rely on them.
 */
#ifndef KITH_PROTO_LIMITS_H
#define KITH_PROTO_LIMITS_H

#define KITH_PROTOCOL_VERSION 1

/* Messages. 1 MiB is what every SP library accepts by default. */
#define KITH_MESSAGE_SIZE_MAX (1024 * 1024)
#define KITH_BATCH_COUNT_MAX  4096
#define KITH_NESTING_MAX      16    /* containers within containers */
#define KITH_NODE_COUNT_MAX   65536 /* values in one message, keys included */

/* Strings, in bytes. */
#define KITH_ID_SIZE_MAX       64   /* idempotency key: a UUID is 36 as text */
#define KITH_MEMBER_SIZE_MAX   64   /* so that any caller's own key fits */
#define KITH_NAME_SIZE_MAX     256  /* a display name, UTF-8 */
#define KITH_NOTE_SIZE_MAX     4096 /* 300 code points of the longest emoji sequences fit */
#define KITH_CONTACT_SIZE_MAX  320  /* RFC 5321: 64 + 1 + 255 */
#define KITH_TOKEN_SIZE_MAX    256  /* longer is not even looked at */
#define KITH_AFTER_SIZE_MAX    128  /* an opaque place in a list */
#define KITH_INTEREST_SIZE_MAX 64
#define KITH_LABEL_SIZE_MAX    64 /* of a link */
#define KITH_CURSOR_SIZE_MAX   64 /* a subscriber's name */
#define KITH_TYPE_SIZE_MAX     64 /* an event type's prefix */

/* Counts. */
#define KITH_INTEREST_COUNT_MAX     32
#define KITH_CONTACTS_COUNT_MAX     16
#define KITH_OTHERS_COUNT_MAX       500  /* members asked about in one query */
#define KITH_PAIRS_COUNT_MAX        1000 /* pairs of one import */
#define KITH_TYPES_COUNT_MAX        16   /* type prefixes of one event.read */
#define KITH_LINK_USES_MAX          1000000
#define KITH_TREE_DEPTH_MAX         8
#define KITH_TREE_COUNT_MAX         500 /* members told in one tree */
#define KITH_LIST_LIMIT_DEFAULT     50
#define KITH_LIST_LIMIT_MAX         500
#define KITH_EVENT_LIMIT_DEFAULT    100
#define KITH_EVENT_LIMIT_MAX        1000
#define KITH_EVENT_PAGE_SIZE_MAX    (512 * 1024)
#define KITH_EVENT_SCAN_MAX         10000 /* records a filtered page looks at */
#define KITH_CURSOR_COUNT_MAX       10000 /* subscribers that are remembered; all are in memory */
#define KITH_SUBSCRIPTION_COUNT_MAX 100   /* shared subscriptions; each may be large */
#define KITH_OPEN_COUNT_MAX         1000  /* events of one, handed out or held back */
#define KITH_TRIES_MAX              5     /* then an event is parked */

/* Time, in milliseconds. */
#define KITH_WAIT_MS_MAX    30000 /* a long poll */
#define KITH_MIN_POS_MS_MAX 5000  /* how long min_pos waits before `lagging` */

#define KITH_PARKED_COUNT_MAX 1000000 /* polls held at once: a member each, 250 bytes each */

#endif
