/* config_json.h - the [Config] section of a unit as JSON text, by the plug-in's Config type.
 *
 *   Greeting=hello               a string; keys meet field names whatever the case of letters
 *   Verbose=yes                  bool, as everywhere in these files
 *   Limit=64K                    int, also with K, M, G, T
 *   Share=0.5                    float
 *   Key=aGVsbG8=                 a string marked "troupe: binary": base64
 *   Level=warning                enum: one of its names
 *   Words=one "two three"        []T: words
 *   Words=four                   one more; an empty Words= would start anew
 *   Listen.Port=80               a field of a struct
 *   Env.NAME=value               an entry of a map; the case of its key is kept
 *   Peers={"host": "a"}          one more struct of an array of them, as JSON text
 *   Extra={"any": ["thing"]}     object: JSON text
 *
 * The last assignment of a scalar wins; an empty value takes a field back (a string: write ""
 * for the empty one). Every field that is not optional must be set. Pure; master process (and
 * --check), one thread.
 */
#ifndef CONFIG_CONFIG_JSON_H
#define CONFIG_CONFIG_JSON_H

#include "config/problems.h"
#include "config/unit_file.h"
#include <troupe/type.h>

/* *ret_text is given: the text of a JSON object, or "" when the type is NULL. type: the STRUCT
 * of the actor type's configuration, NULL: it takes none, so that any assignment is a problem.
 * -EINVAL: problems were noted, each with its file and line; -ENOMEM. Whatever succeeds is
 * accepted by json_decode() with that type. */
int config_json(const struct unit_file *unit, const struct troupe_type *type, char **ret_text,
		struct problems *problems);

#endif
