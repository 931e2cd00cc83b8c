/* conf_path.h - where configuration lies, and which files make up the daemon's and each unit's.
 *
 * Directories, the earlier ones first; a file hides those of the same name in later ones:
 *
 *   the system's daemon   /etc/troupe
 *                         /run/troupe
 *                         /usr/local/lib/troupe
 *                         /usr/lib/troupe
 *   a user's              $XDG_CONFIG_HOME/troupe (~/.config/troupe)
 *                         $XDG_RUNTIME_DIR/troupe/config
 *                         $XDG_DATA_HOME/troupe (~/.local/share/troupe)
 *                         /usr/local/lib/troupe/user
 *                         /usr/lib/troupe/user
 *   instance X            the same with troupe-X in place of troupe
 *   --config DIR          only DIR
 *
 * In each:
 *
 *   trouped.conf          and drop-ins trouped.conf.d/NAME.conf
 *   NAME.actor            a unit, and drop-ins NAME.actor.d/NAME.conf
 *   NAME@.actor           a template: no unit by itself; drop-ins NAME@.actor.d/NAME.conf
 *   NAME@INSTANCE.actor   a unit: a symlink to a file called NAME@.actor makes it one of that
 *                         template, which is then looked up in all directories; anything else
 *                         is a file of its own
 *
 * Drop-ins of all directories are read in the order of their names, after the file itself; of
 * those with the same name only the first found is (an instance's own before its template's).
 * A symlink to /dev/null and an empty file mask: the unit or the drop-in is as if it were not
 * there. Names hold [A-Za-z0-9_.-], begin with a letter, digit or underscore, have at most
 * LIMIT_NAME bytes and do not look like an actor's address. Files whose name begins with a dot
 * or ends otherwise are ignored.
 *
 * Values of the caller; master process, one thread. Only conf_files_read() looks into files.
 */
#ifndef CONFIG_CONF_PATH_H
#define CONFIG_CONF_PATH_H

#include "config/conf.h"
#include <stdbool.h>
#include <stddef.h>

#define CONF_PATH_DIRECTORIES 8

/* Which daemon this is. Strings are borrowed. */
struct conf_scope {
	bool user;            /* a user's own (not root) */
	const char *instance; /* --instance X; NULL: none */
	const char *config;   /* --config DIR; NULL: none */
};

struct conf_path {
	char *directories[CONF_PATH_DIRECTORIES];
	size_t n;
	bool required; /* the directory was named by hand: it must be there */
	char *runtime; /* "/run/troupe", for the socket and the inboxes; NULL: a user without
			  XDG_RUNTIME_DIR */
	char *state;   /* "/var/lib/troupe" */
	char *plugins[CONF_PATH_DIRECTORIES]; /* where a Plugin= without a slash is searched */
	size_t n_plugins;
};

/* Compute the directories of a scope; for a user's from the environment. -EINVAL: not a valid
 * instance name, or a user's daemon without HOME; -ENOMEM. */
int conf_path_init(struct conf_path *path, const struct conf_scope *scope);
void conf_path_fini(struct conf_path *path);

/* Put a directory behind the others; -ENOSPC: there are CONF_PATH_DIRECTORIES. */
int conf_path_add(struct conf_path *path, const char *directory);
int conf_path_add_plugins(struct conf_path *path, const char *directory);

/* The files of one configuration, all paths. */
struct conf_files {
	char *name;     /* of the unit: "pool@eu"; "trouped" */
	char *fragment; /* the file itself; NULL: there is none (trouped.conf only) */
	char **dropins; /* in the order in which they are to be read */
	size_t n_dropins;
};

void conf_files_fini(struct conf_files *files);

/* Read them in their order, all of them, whatever is wrong with one. Results as conf_read(). */
int conf_files_read(const struct conf_files *files, struct conf *conf,
		    struct problems *problems);

/* The files of trouped.conf. Without any it is all defaults. -EINVAL: problems were noted;
 * -ENOMEM. *ret_files is filled in on success. */
int conf_path_daemon(const struct conf_path *path, struct conf_files *ret_files,
		     struct problems *problems);

/* The files of all units, sorted by name, masked ones left out. Problems (a bad name, a
 * template that is missing, a directory that cannot be read, more than LIMIT_UNITS) are noted
 * and do not stop the others: 0 or -ENOMEM. With any problem there may be units that are not
 * among them, so what is missing need not be gone. *ret_units is given: conf_units_free()
 * it. */
int conf_path_units(const struct conf_path *path, struct conf_files **ret_units, size_t *ret_n,
		    struct problems *problems);
void conf_units_free(struct conf_files *units, size_t n);

#define CONF_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
/* Whether text (without ".actor") can be a unit's name: "hello", "pool@eu". */
bool conf_is_unit_name(const char *text);
/* Whether a text can name a daemon (--instance): as a unit without a template. */
bool conf_is_instance_name(const char *text);
/* Whether it is a name that a socket for actors may have: letters, digits, '_', '-' and '.', at
 * most LIMIT_NAME; not what a socket is called for want of a name, nor "control". */
bool conf_is_socket_name(const char *text);

#endif
