#include "units/version_sockets.h"

#include "base/array.h"
#include "config/listen_key.h"
#include "config/unit_file.h"
#include "master/master.h"
#include "master/opened.h"
#include "units/unit.h"
#include "units/version.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add(struct version *version, const char *name, const char *place, int fd,
	       struct opened *opened)
{
	struct version_socket *added =
		array_add(&version->sockets, &version->n_sockets, sizeof(*added));

	if (!added)
		return -ENOMEM;
	*added = (struct version_socket){.place = place, .fd = fd, .opened = opened};
	(void)snprintf(added->name, sizeof(added->name), "%s", name);
	return 0;
}

/* Sockets that were handed in later are not taken: it is the start that hands them over. */
static int add_handed(struct version *version, const struct unit_file *file, const char *name,
		      char *why, struct problems *problems)
{
	const struct sockets *sockets = &version->unit->master->sockets;
	const struct socket_named *socket = sockets_next(sockets, name, NULL);

	if (!socket) {
		(void)snprintf(why, VERSION_WHY_MAX,
			       "Sockets=%s: no socket of that name was handed in to trouped: "
			       "one is by a .socket unit with FileDescriptorName=%s and "
			       "Service=trouped.service that is started before trouped is; "
			       "then restart trouped. One that trouped opens itself is "
			       "Listen=%s=PLACE",
			       name, name, name);
		return problems_add(problems, file->file, 0, "%s", why);
	}
	for (; socket; socket = sockets_next(sockets, name, socket))
		if (add(version, socket->name, socket->place, socket->fd, NULL) < 0)
			return -ENOMEM;
	return 0;
}

/* Another unit that has it, and stays. NULL: none. */
static const struct unit *find_other(const struct version *version, const struct opened *opened)
{
	struct version *at, *next;

	HASH_ITER (by_number, version->unit->master->versions, at, next)
		for (size_t i = 0; i < at->n_sockets; i++)
			if (at->unit != version->unit && !at->unit->is_removed &&
			    at->sockets[i].opened == opened)
				return at->unit;
	return NULL;
}

/* One that is open already, for another version of this unit or for another unit, becomes this
 * one's, too. */
static int take_opened(struct version *version, const struct listen_key *key,
		       struct opened *opened, mode_t mode, char *why, size_t size)
{
	const struct unit *other = find_other(version, opened);
	int r = 0;

	if (other && opened->mode != mode && listen_key_path(key)[0]) {
		(void)snprintf(why, size,
			       "unit %s has it, too, with ListenMode=%04o; say the same in "
			       "both",
			       other->file.name, (unsigned)opened->mode);
		return -EINVAL;
	}
	r = opened_set_mode(opened, mode);
	if (r < 0) {
		(void)snprintf(why, size, "cannot change its mode: %s", strerror(-r));
		return -EINVAL;
	}
	if (other)
		log_notice(&version->unit->master->log, "unit %s shares %s with unit %s",
			   version->unit->file.name, opened->place, other->file.name);
	(void)opened_ref(opened);
	return 0;
}

/* why: behind "Listen=...: ". -EINVAL; -ENOMEM. */
static int open_one(struct version *version, const struct listen_key *key, mode_t mode,
		    char *why, size_t size)
{
	struct opened_all *all = &version->unit->master->opened;
	struct opened *opened = opened_find(all, key);
	int r = opened ? take_opened(version, key, opened, mode, why, size)
		       : opened_new(all, key, mode, &opened);

	if (r < 0 && r != -EINVAL && r != -ENOMEM) {
		opened_explain(key, r, why, size);
		return -EINVAL;
	}
	if (r < 0)
		return r;
	r = add(version, key->name, opened->place, opened->fd, opened);
	if (r < 0)
		opened_unref(all, opened);
	return r;
}

static int add_listen(struct version *version, const struct unit_file *file, size_t i,
		      char *why, struct problems *problems)
{
	const char *text = file->listens.words[i];
	char wrong[512] = "it cannot be had";
	struct listen_key key;
	int r = listen_key_parse(text, &key) ? -EINVAL : 0; /* it was read before */

	if (r == 0)
		r = open_one(version, &key, (mode_t)file->listen_mode, wrong, sizeof(wrong));
	if (r != -EINVAL)
		return r;
	(void)snprintf(why, VERSION_WHY_MAX, "Listen=%.200s: %s", text, wrong);
	return problems_add(problems, file->listen_files.words[i], file->listen_lines[i], "%s",
			    why);
}

int version_open_sockets(struct version *version, const struct unit_file *file, char *why,
			 struct problems *problems)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < file->sockets.n; i++)
		r = add_handed(version, file, file->sockets.words[i], why, problems);
	for (size_t i = 0; r == 0 && i < file->listens.n; i++)
		r = add_listen(version, file, i, why, problems);
	if (r < 0) /* what nobody will serve is not to take connections */
		version_close_sockets(version);
	return r;
}

int version_share_sockets(const struct version *version, struct version *other)
{
	for (size_t i = 0; i < version->n_sockets; i++) {
		const struct version_socket *socket = &version->sockets[i];

		if (add(other, socket->name, socket->place, socket->fd, socket->opened) < 0)
			return -ENOMEM;
		if (socket->opened)
			(void)opened_ref(socket->opened);
	}
	return 0;
}

void version_close_sockets(struct version *version)
{
	for (size_t i = 0; i < version->n_sockets; i++)
		if (version->sockets[i].opened)
			opened_unref(&version->unit->master->opened,
				     version->sockets[i].opened);
	free(version->sockets);
	version->sockets = NULL;
	version->n_sockets = 0;
}
