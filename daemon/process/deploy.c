#include "process/deploy.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "proto/gen.h"
#include "proto/layout.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static bool is_same_file(const struct deployment *deployment, const struct stat *st)
{
	const struct stat *copied = &deployment->stat;

	return copied->st_dev == st->st_dev && copied->st_ino == st->st_ino &&
	       copied->st_size == st->st_size && copied->st_ctim.tv_sec == st->st_ctim.tv_sec &&
	       copied->st_ctim.tv_nsec == st->st_ctim.tv_nsec;
}

static int fail(char *why, int r, const char *path, const char *what)
{
	(void)snprintf(why, DEPLOY_WHY_MAX, "%s: %s: %s", path, what, strerror(-r));
	return r;
}

/* The content as it is now, which no process can change: what was verified is what will be
 * loaded. */
static int copy_file(int from, const char *path, const char *name, off_t size, int *ret_fd,
		     char *why)
{
	cleanup_close int copy = -1;
	off_t copied = 0;

	if (size > PLUGIN_FILE_MAX) {
		(void)snprintf(why, DEPLOY_WHY_MAX, "%s: %lld bytes; at most %u are taken",
			       path, (long long)size, PLUGIN_FILE_MAX);
		return -EFBIG;
	}
	copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy < 0)
		return fail(why, -errno, path, "cannot make a copy");
	while (copied < size) {
		ssize_t n = sendfile(copy, from, &copied, (size_t)(size - copied));

		if (n < 0)
			return fail(why, -errno, path, "cannot make a copy");
		if (n == 0)
			break;
	}
	if (fcntl(copy, F_ADD_SEALS, SEALS) < 0)
		return fail(why, -errno, path, "cannot seal the copy");
	*ret_fd = take_fd(&copy);
	return 0;
}

static int add_message(struct deployment *deployment, const char *interface, const char *member,
		       const struct idl_type *type)
{
	cleanup_free char *layout = NULL;
	struct deployment_message *message;
	int r = gen_layout(type, &layout);

	if (r < 0)
		return r;
	message = array_add(&deployment->messages, &deployment->n_messages, sizeof(*message));
	if (!message)
		return -ENOMEM;
	message->name = text_printf("%s.%s", interface, member);
	if (!message->name)
		return -ENOMEM;
	message->hash = layout_hash(message->name, '(', layout);
	return 0;
}

static int index_interfaces(struct deployment *deployment)
{
	const struct plugin_info *info = deployment->info;
	int r = 0;

	for (size_t i = 0; i < info->n_interfaces; i++) {
		const struct idl *idl = info->interfaces[i].idl;

		for (size_t j = 0; r == 0 && j < idl->n_members; j++)
			if (idl->members[j].kind == IDL_METHOD)
				r = add_message(deployment, idl->name, idl->members[j].name,
						idl->members[j].type);
	}
	return r;
}

static void free_deployment(struct deployment *deployment)
{
	if (!deployment)
		return;
	list_remove(&deployment->link);
	for (size_t i = 0; i < deployment->n_messages; i++)
		free(deployment->messages[i].name);
	free(deployment->messages);
	plugin_info_free(deployment->info);
	if (deployment->fd >= 0)
		close(deployment->fd);
	free(deployment->path);
	free(deployment);
}

static int make_deployment(const char *path, int file, const struct stat *st,
			   bool allow_globals, struct deployment **ret_deployment, char *why)
{
	struct deployment *deployment = calloc(1, sizeof(*deployment));
	char refusal[PLUGIN_WHY_MAX];
	int r;

	if (!deployment)
		return fail(why, -ENOMEM, path, "cannot take it in");
	list_init(&deployment->link);
	deployment->fd = -1;
	deployment->allow_globals = allow_globals;
	deployment->stat = *st;
	deployment->path = strdup(path);
	r = deployment->path ? 0 : fail(why, -ENOMEM, path, "cannot take it in");
	if (r == 0) {
		deployment->name = strrchr(deployment->path, '/') + 1;
		r = copy_file(file, path, deployment->name, st->st_size, &deployment->fd, why);
	}
	if (r == 0) {
		r = plugin_info_read_fd(deployment->fd,
					allow_globals ? PLUGIN_ALLOW_GLOBALS : 0,
					&deployment->info, refusal);
		if (r < 0)
			(void)snprintf(why, DEPLOY_WHY_MAX, "%s: %s", path, refusal);
	}
	if (r == 0) {
		r = index_interfaces(deployment);
		if (r < 0)
			(void)fail(why, r, path, "cannot read its interfaces");
	}
	if (r < 0)
		free_deployment(deployment);
	else
		*ret_deployment = deployment;
	return r;
}

/* Free copies that will not be asked for: unused ones of a file that has changed, and the
 * oldest of too many. */
static void free_unused(struct list *deployments, const char *path, bool allow_globals)
{
	size_t n_unused = 0;

	list_each (struct deployment, deployment, deployments, link) {
		if (deployment->users > 0)
			continue;
		if (deployment->allow_globals == allow_globals &&
		    strcmp(deployment->path, path) == 0)
			free_deployment(deployment);
		else
			n_unused++;
	}
	list_each (struct deployment, deployment, deployments, link) {
		if (n_unused <= DEPLOY_UNUSED_MAX)
			return;
		if (deployment->users == 0) {
			free_deployment(deployment);
			n_unused--;
		}
	}
}

int deploy_get(struct list *deployments, uint32_t *last_number, const char *path,
	       bool allow_globals, struct deployment **ret_deployment, char *why)
{
	cleanup_close int file = -1;
	struct deployment *deployment = NULL;
	struct stat st;
	int r = trust_open(path, geteuid(), &file, why);

	if (r < 0)
		return r;
	if (fstat(file, &st) < 0)
		return fail(why, -errno, path, "cannot look at it");
	list_foreach (at, deployments) {
		deployment = container_of(at, struct deployment, link);
		if (deployment->allow_globals == allow_globals &&
		    strcmp(deployment->path, path) == 0 && is_same_file(deployment, &st))
			goto found;
	}
	r = make_deployment(path, file, &st, allow_globals, &deployment, why);
	if (r < 0)
		return r;
	free_unused(deployments, path, allow_globals);
	deployment->number = ++*last_number;
	list_append(deployments, &deployment->link);
found:
	deployment->users++;
	*ret_deployment = deployment;
	return 0;
}

struct deployment *deploy_ref(struct deployment *deployment)
{
	if (deployment)
		deployment->users++;
	return deployment;
}

void deploy_put(struct deployment *deployment)
{
	if (deployment)
		deployment->users--;
}

void deploy_free_all(struct list *deployments)
{
	list_foreach_safe (at, deployments)
		free_deployment(container_of(at, struct deployment, link));
}

struct deployment *deploy_find(const struct list *deployments, uint64_t number)
{
	list_each (struct deployment, deployment, deployments, link)
		if (deployment->number == number)
			return deployment;
	return NULL;
}

const struct plugin_actor *deploy_type(const struct deployment *deployment, const char *name)
{
	const struct plugin_info *info = deployment->info;

	for (size_t i = 0; i < info->n_actors; i++)
		if (strcmp(info->actors[i].name, name) == 0)
			return &info->actors[i];
	return NULL;
}

const struct plugin_actor *deploy_choose_type(const struct deployment *deployment,
					      const char *type, char *why)
{
	const struct plugin_info *info = deployment->info;
	char names[256] = "";
	const struct plugin_actor *actor = type                  ? deploy_type(deployment, type)
					   : info->n_actors == 1 ? info->actors
								 : NULL;

	if (actor)
		return actor;
	for (size_t i = 0; i < info->n_actors; i++) {
		size_t used = strlen(names);

		(void)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
			       info->actors[i].name);
	}
	if (type)
		(void)snprintf(why, DEPLOY_WHY_MAX, "%s has no actor type %.64s, but %s",
			       deployment->path, type, names);
	else
		(void)snprintf(why, DEPLOY_WHY_MAX,
			       "%s has several actor types (%s): choose one with Type=",
			       deployment->path, names);
	return NULL;
}

const char *deploy_message_name(const struct deployment *deployment, uint64_t hash)
{
	for (size_t i = 0; i < deployment->n_messages; i++)
		if (deployment->messages[i].hash == hash)
			return deployment->messages[i].name;
	return NULL;
}

const char *deploy_description(const struct deployment *deployment, const char *interface)
{
	const struct plugin_info *info = deployment->info;

	for (size_t i = 0; i < info->n_interfaces; i++)
		if (strcmp(info->interfaces[i].name, interface) == 0)
			return info->interfaces[i].description;
	return NULL;
}
