/* app/config_value.h: reading one value of a setting from text.
 *
 * Layer: app. Pure.
 */
#ifndef KITH_APP_CONFIG_VALUE_H
#define KITH_APP_CONFIG_VALUE_H

#include "app/config.h"
#include "base/fault.h"

#define VALUE_WRONG_SIZE FAULT_SIZE_MAX

/* Read @text into the field of @row in @base. On failure the field is untouched and @wrong says
 * what is expected instead, as the end of a sentence that begins with the text. @append: URLs are
 * added to those that are there. */
bool config_value_read(const struct config_row *row, void *base, const char *text, bool append,
                       char wrong[VALUE_WRONG_SIZE]);

/* True if both hold the same value of @row. */
bool config_value_equal(const struct config_row *row, const void *a, const void *b);
void config_value_copy(const struct config_row *row, void *to, const void *from);

/* The unit of a number's kind. */
enum unit config_value_unit(enum config_kind kind);

#endif
