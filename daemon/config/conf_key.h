/* conf_key.h - what keys a section may hold, as a table, and assignments applied by it.
 *
 * Pure; master process, one thread. Tables are const and borrowed.
 */
#ifndef CONFIG_CONF_KEY_H
#define CONFIG_CONF_KEY_H

#include "config/conf.h"
#include <stddef.h>
#include <stdint.h>

/* A list value: words. Owned by the struct it is in. */
struct conf_list {
	char **words;
	size_t n;
};

void conf_list_fini(struct conf_list *list);

/* One assignment on its way to its field. */
struct conf_setting {
	const char *key;
	const char *value; /* specifiers expanded */
	const char *file;  /* to name in problems... */
	unsigned line;     /* ...with its line; 0: it comes from no file */
	struct problems *problems;
};

/* What it takes to bring a changed value into force. */
enum conf_change {
	CONF_SAME,     /* of a comparison: nothing has changed */
	CONF_IN_PLACE, /* nothing but the value itself: it is looked at whenever it is needed */
	CONF_WORKERS,  /* workers are notified; their actors go on with the new value */
	CONF_RESTART,  /* a new start: of the unit's actors; for trouped.conf, of the daemon */
};

/* What a field holds, by its type. */
enum conf_kind { CONF_PLAIN, CONF_TEXT, CONF_LIST };

struct conf_key;
/* Checks a value, which is not "", and stores it in `field`. -EINVAL: not a value of this key,
 * and noted; -ENOMEM. */
typedef int conf_setter(const struct conf_key *key, const struct conf_setting *setting,
			void *field);

struct conf_key {
	const char *name; /* as in the file; the case of letters counts */
	conf_setter *set;
	size_t offset; /* of the field in the struct */
	size_t size;   /* of the field; for the defaults */
	enum conf_kind kind;
	enum conf_change change; /* never CONF_SAME */
	uint64_t min, max;
	const char *const *choices; /* of conf_set_choice(); ends in NULL */
};

/* The field of a key, and what a change of it takes: IN_PLACE, WORKERS or RESTART. Without that
 * a key does not compile. */
#define CONF_FIELD(type, member, effect)                                                       \
	.offset = offsetof(type, member), .size = sizeof(((type *)0)->member),                 \
	.kind = _Generic(((type *)0)->member,                                                  \
			char *: CONF_TEXT,                                                     \
			struct conf_list: CONF_LIST,                                           \
			default: CONF_PLAIN),                                                  \
	.change = CONF_##effect

/* A struct, and the keys that fill it in. */
struct conf_table {
	const struct conf_key *keys;
	size_t n;
	void *target;
	const void *
		defaults; /* of the same type; what an empty value sets a plain field back to */
};

/* Those of strings and lists own the field: an empty value frees it, it is NULL then. */
conf_setter conf_set_uint;   /* uint32_t */
conf_setter conf_set_size;   /* uint32_t or uint64_t */
conf_setter conf_set_span;   /* uint64_t */
conf_setter conf_set_bool;   /* bool */
conf_setter conf_set_choice; /* an enum: the number of the choice */
conf_setter conf_set_text;   /* char *: at most .max bytes; 0: as long as its line may be */
/* char *: an absolute path of at most .max bytes; slashes at its end are dropped. */
conf_setter conf_set_path;
/* conf_list: such paths; a further assignment adds to them. */
conf_setter conf_set_paths;

/* Note a wrong value: "KEY=VALUE: TEXT". Returns -EINVAL. */
#define conf_refuse(setting, format, ...)                                                      \
	problems_add((setting)->problems, (setting)->file, (setting)->line,                    \
		     "%s=%.80s: " format, (setting)->key, (setting)->value, ##__VA_ARGS__)

/* What a section may hold: keys of a table; or, without one, whatever is read from `copy`,
 * where its assignments go as they are, specifiers expanded. */
struct conf_section {
	const char *name;
	const struct conf_table *table;
	struct conf *copy;
};

/* Give each assignment to the key of its name in its section; names: NULL when specifiers have
 * no meaning here. Sections and keys that begin with "X-" are for other programs, and skipped.
 * -EINVAL: there were mistakes, all of them noted, an unknown section once in a row;
 * -ENOMEM. */
int conf_fill(const struct conf *conf, const struct conf_section *sections, size_t n,
	      const struct conf_names *names, struct problems *problems);

/* The last assignment to a key; NULL: there is none. */
const struct conf_entry *conf_find(const struct conf *conf, const char *section,
				   const char *key);

/* What it takes to go from the values of `table` to those in `after`, a struct of the same
 * type: the most that one of the keys which differ takes. */
enum conf_change conf_compare(const struct conf_table *table, const void *after);

/* Keep what only a new start may change: each field of a CONF_RESTART key that differs is
 * swapped between the table's struct and `after`. So what is in force is in `after`. on_change
 * is given each key that differs (with context), of either kind. */
void conf_keep(const struct conf_table *table, void *after,
	       void (*on_change)(void *context, const struct conf_key *key), void *context);

#endif
