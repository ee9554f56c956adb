/* verbs.h: how a case says what somebody does: ACTOR VERB [OBJECT] [FIELDS].
 *
 * A verb is the last word of an operation's name, as in the tables of the rules; where that says
 * too little it is another word. An operation's whole name is a verb too, without actor or object.
 */
#ifndef KITH_CONFORMANCE_VERBS_H
#define KITH_CONFORMANCE_VERBS_H

#include "base/types.h"

struct verb {
    const char *word;
    const char *op;
    const char *actor;  /* the argument that names who acts */
    const char *object; /* the argument that the object goes to, or NULL if there is none */
};

/* NULL if there is no such verb. */
const struct verb *verb_find(struct slice word);

#endif
