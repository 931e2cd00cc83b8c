/* deploy.h - plug-ins as the master passes them on: a private copy of a trusted file,
 * inspected, never run here.
 *
 * Deployments belong to the master and are shared by the units that name the same file. Those
 * that no unit uses any more are kept for the next that names the file, some of them: a worker
 * never unloads a plug-in, and would load it again under each new number. Master process, one
 * thread.
 */
#ifndef PROCESS_DEPLOY_H
#define PROCESS_DEPLOY_H

#include "base/list.h"
#include "process/trust.h"
#include "proto/plugin_info.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define DEPLOY_WHY_MAX    (PLUGIN_WHY_MAX + TRUST_WHY_MAX)
#define DEPLOY_UNUSED_MAX 64 /* deployments that are kept while no unit uses them */

/* A method or error of a deployed interface, found by its layout's hash; for crash records. */
struct deployment_message {
	uint64_t hash;
	char *name; /* qualified */
};

struct deployment {
	struct list link; /* in the list of the master */
	uint32_t number;  /* what workers know it by; never used again */
	unsigned users;
	char *path;
	const char *name; /* the last part of path */
	bool allow_globals;
	struct stat stat; /* of the file, so that it is copied again only when it was changed */
	int fd;           /* the sealed copy */
	struct plugin_info *info;
	struct deployment_message *messages;
	size_t n_messages;
};

/* Find or make the deployment of the file at `path`. *ret_deployment counts one more user.
 * last_number: counts the deployments ever made. why: DEPLOY_WHY_MAX bytes, filled in on
 * failure with a text for people. Errors as for trust_open() and plugin_info_read(). */
int deploy_get(struct list *deployments, uint32_t *last_number, const char *path,
	       bool allow_globals, struct deployment **ret_deployment, char *why);
/* One user more. NULL is fine, and is returned. */
struct deployment *deploy_ref(struct deployment *deployment);
/* One user less. NULL is fine. */
void deploy_put(struct deployment *deployment);
/* Free them, also those that were not put: none is in use any more. */
void deploy_free_all(struct list *deployments);

struct deployment *deploy_find(const struct list *deployments, uint64_t number);

/* Which actor type a unit means by `type` (NULL: the only one), borrowed. NULL: none, and `why`
 * lists what there is. */
const struct plugin_actor *deploy_choose_type(const struct deployment *deployment,
					      const char *type, char *why);

/* The qualified name behind a hash; NULL: unknown. */
const char *deploy_message_name(const struct deployment *deployment, uint64_t hash);

/* The IDL text of an interface; NULL: the plug-in does not know it. */
const char *deploy_description(const struct deployment *deployment, const char *interface);

/* NULL: the plug-in has none of that name. */
const struct plugin_actor *deploy_type(const struct deployment *deployment, const char *name);

#endif
