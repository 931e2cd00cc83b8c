/* config_value.h - one value of a [Config] section, as text or as JSON, checked against its
 * type.
 *
 * Internal to config_json.c. Pure; master process, one thread. Messages are written for the
 * author of the file and complete "Key=value: ".
 */
#ifndef CONFIG_CONFIG_VALUE_H
#define CONFIG_CONFIG_VALUE_H

#include "proto/idl.h"
#include <jansson.h>
#include <stddef.h>

#define CONFIG_MESSAGE_MAX 512

/* The type with references and ? looked through. */
const struct idl_type *config_plain_type(const struct idl_type *type);

/* The text of a scalar, an enum, or JSON text of anything else. *ret_json is given: a new
 * reference. -EINVAL: message (of CONFIG_MESSAGE_MAX bytes) says what is wrong; -ENOMEM. */
int config_value_read(const struct idl_type *type, const char *text, json_t **ret_json,
		      char *message);

/* Append what an assignment to a list of `type` (ARRAY) stands for. As above. */
int config_list_read(const struct idl_type *type, const char *text, json_t *array,
		     char *message);

/* Check a whole value, depth included. -EINVAL: message says what is wrong, with the field's
 * path. */
int config_value_check(const struct idl_type *type, json_t *json, char *message);

#endif
