/* conf.h - systemd's configuration syntax, read into a list of assignments.
 *
 *   # comment, also "; comment"; only on lines of their own, also between continued lines
 *   [Section]
 *   Key=value           blanks around key and value are dropped
 *   Key=a long value \
 *       goes on         backslash and newline become one blank
 *   Key=                an empty value resets a list (the readers of keys see to that)
 *
 * A conf is a value of the caller (zeroed is empty; fini) that several files are read into, in
 * the order in which they override each other. Pure but for conf_read(); master process (and
 * --check), one thread. CRLF ends of line and a byte order mark are tolerated. A mistake does
 * not end the reading: each goes to `problems`.
 */
#ifndef CONFIG_CONF_H
#define CONFIG_CONF_H

#include "config/problems.h"
#include <stddef.h>

struct conf_entry {
	char *section;
	char *key;
	char *value;      /* "" when empty; quotes and specifiers as written */
	const char *file; /* owned by the conf */
	unsigned line;    /* where it begins; 0: in no file */
	unsigned section_line;
};

struct conf {
	struct conf_entry *entries; /* in the order of files and lines */
	size_t n;
	char **files;
	size_t n_files;
};

void conf_fini(struct conf *conf);

/* Append the assignments of `text`. -EINVAL: there were mistakes, all of them noted; what was
 * right is there. -ENOMEM. The limits are LIMIT_CONFIG_FILE and LIMIT_CONFIG_LINE. */
int conf_parse(struct conf *conf, const char *file, const char *text, size_t size,
	       struct problems *problems);

/* The same from the file at `path`. A file that cannot be read is a problem too. */
int conf_read(struct conf *conf, const char *path, struct problems *problems);

/* Append one assignment, copied. line: 0: it comes from no file, and `file` is what problems
 * name. -ENOMEM. */
int conf_add(struct conf *conf, const char *section, const char *key, const char *value,
	     const char *file, unsigned line);

/* ---- values */

/* Split a value at blanks into words. 'a b' and "a b" are one word; quotes may be inside a
 * word too. Outside of '...' a backslash begins one of C's escapes: \a \b \f \n \r \t \v \\
 * \" \' \s (blank) \xHH \NNN \uHHHH \UHHHHHHHH. *ret_words is given: free it with
 * texts_free(). -EINVAL: an open quote, an unknown escape, a NUL or bad UTF-8 by way of
 * escapes; then *ret_error (a constant text) says which. -ENOMEM. */
int conf_split(const char *value, char ***ret_words, size_t *ret_n, const char **ret_error);

/* The values of specifiers in a unit's file. All borrowed. */
struct conf_names {
	/* %N: "pool@eu"; so %p is "pool", %i and %I are "eu", or "" when it is no instance. */
	const char *unit;
	const char *host;  /* %H */
	const char *state; /* %S: "/var/lib/troupe" */
};

/* Replace %N %n (the unit's name, %n with ".actor"), %p, %i, %I, %H, %S and %% in a value.
 * *ret_value is given. -EINVAL: another one, *ret_at points at its "%" in value; -E2BIG: over
 * LIMIT_CONFIG_LINE; -ENOMEM. */
int conf_expand(const char *value, const struct conf_names *names, char **ret_value,
		const char **ret_at);

#endif
