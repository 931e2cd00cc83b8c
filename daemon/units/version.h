/* version.h - what actors of a unit are made of: plug-in, actor type, configuration; under a
 * number that workers know it by.
 *
 * A unit has one that is current; instances that run under an older one keep that alive until
 * they are replaced. A version does not change after it was made; it has counted users. That of
 * an instance has a deployment and a type. Belongs to the master; one thread.
 */
#ifndef UNITS_VERSION_H
#define UNITS_VERSION_H

#include "base/hash.h"
#include "base/limits.h"
#include "process/deploy.h"
#include <stdbool.h>
#include <stdint.h>

struct master;
struct problems;
struct unit;
struct unit_file;

#define VERSION_WHY_MAX (DEPLOY_WHY_MAX > 1024 ? DEPLOY_WHY_MAX : 1024)

struct opened;

/* One of Sockets= or Listen=. */
struct version_socket {
	char name[LIMIT_NAME + 1];
	const char *place; /* borrowed, as fd is */
	int fd;
	struct opened *opened; /* which has both, for this version, too; NULL: handed in */
};

struct version {
	struct unit *unit; /* whose it is */
	uint32_t number;   /* never used again: late notices about it match nothing else */
	unsigned users;    /* instances, and the unit whose current one it is */
	struct deployment *deployment; /* NULL: none could be used */
	/* Of its actors, and what they provide; the deployment's. NULL: unknown */
	const struct plugin_actor *type;
	char *state_directory;          /* absolute; NULL: it has none */
	struct version_socket *sockets; /* that its actors may use */
	size_t n_sockets;
	char *config; /* JSON text, "" for none; NULL: wrong */
	UT_hash_handle by_number;
};

/* Make of a definition what the unit's actors are made of. file: NULL: nothing is known.
 * config: JSON text of a spawned unit; NULL: made from file->config. *ret_version is given to
 * the caller as its only user, also on -EINVAL, as far as it could be made: then `why`
 * (VERSION_WHY_MAX bytes) is what is wrong, for people, and each mistake of a file was noted in
 * `problems`. -ENOMEM. */
int version_new(struct unit *unit, const struct unit_file *file, const char *config,
		struct version **ret_version, char *why, struct problems *problems);

/* The same once more, under a number of its own. -ENOMEM. */
int version_again(const struct version *version, struct version **ret_version);

/* Make its state directory, if it has one and that is not there. On failure `why`
 * (VERSION_WHY_MAX bytes) says for people what is in the way; errors: of place_make_state(). */
int version_make_state(const struct version *version, char *why);

/* One user more. */
struct version *version_ref(struct version *version);
/* One user less; the last one frees it, and workers forget it. NULL is fine. */
void version_unref(struct version *version);

/* Whether it is made of the deployment of that number. */
bool version_is_of(const struct version *version, uint32_t deployment);
/* Whether it is made of the plug-in's file as that is now. Negative: of the errors of
 * deploy_get(), with `why` (VERSION_WHY_MAX bytes): the file cannot be used now. */
int version_is_up_to_date(const struct version *version, char *why);

/* NULL: there is none of that number. */
struct version *version_find(struct master *master, uint64_t number);

#endif
