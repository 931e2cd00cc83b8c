#include "units/version_sockets.h"

#include "base/array.h"
#include "base/check.h"
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

/* A unit that has it; with `other_than`: another one, which stays. NULL: none. */
static const struct unit *find_user(struct master *master, const struct opened *opened,
				    const struct unit *other_than)
{
	struct version *at, *next;

	HASH_ITER (by_number, master->versions, at, next)
		for (size_t i = 0; i < at->n_sockets; i++)
			if (at->sockets[i].opened == opened &&
			    (!other_than || (at->unit != other_than && !at->unit->is_removed)))
				return at->unit;
	return NULL;
}

static void explain(struct version *version, const struct listen_key *key, int error, char *why,
		    size_t size)
{
	struct master *master = version->unit->master;
	const struct opened *rival =
		error == -EADDRINUSE ? opened_find_rival(&master->opened, key) : NULL;
	const struct unit *user = rival ? find_user(master, rival, NULL) : NULL;

	if (user)
		(void)snprintf(why, size,
			       "trouped itself has %s open, for unit %s, and they exclude each "
			       "other: reload once without that one",
			       rival->place, user->file.name);
	else
		opened_explain(key, error, why, size);
}

/* One that is open already, for another version of this unit or for another unit, becomes this
 * one's, too. why: behind "Listen=...: ". -EINVAL: it cannot be opened; -ENOMEM. */
static int open_one(struct version *version, const struct listen_key *key, mode_t mode,
		    char *why, size_t size)
{
	struct opened_all *all = &version->unit->master->opened;
	struct opened *opened = opened_find(all, key);
	int r = 0;

	if (opened)
		(void)opened_ref(opened);
	else
		r = opened_new(all, key, mode, &opened);
	if (r < 0) {
		explain(version, key, r, why, size);
		return -EINVAL;
	}
	r = add(version, key->name, opened->place, opened->fd, opened);
	if (r < 0)
		opened_unref(all, opened);
	return r;
}

static int add_listen(struct version *version, const struct unit_file *file, size_t i,
		      char *why, struct problems *problems)
{
	const char *text = file->listens.words[i];
	char wrong[512];
	struct listen_key key;
	int r;

	check(!listen_key_parse(text, &key)); /* it was read before */
	r = open_one(version, &key, (mode_t)file->listen_mode, wrong, sizeof(wrong));
	if (r != -EINVAL)
		return r;
	(void)snprintf(why, VERSION_WHY_MAX, "Listen=%.200s: %s", text, wrong);
	return problems_add(problems, file->listen_files.words[i], file->listen_lines[i], "%s",
			    why);
}

/* When all are open: a definition that is refused changes nothing. Of units that share a place
 * the one that was read last has its mode. */
static void take_modes(const struct version *version, mode_t mode)
{
	struct master *master = version->unit->master;

	for (size_t i = 0; i < version->n_sockets; i++) {
		struct opened *opened = version->sockets[i].opened;
		const struct unit *other =
			opened ? find_user(master, opened, version->unit) : NULL;
		int r;

		if (other)
			log_notice(&master->log, "unit %s shares %s with unit %s%s",
				   version->unit->file.name, opened->place, other->file.name,
				   opened->mode == mode ? ""
							: ", and gives it another ListenMode=");
		r = opened ? opened_set_mode(opened, mode) : 0;
		if (r < 0)
			log_warning(&master->log, "unit %s: cannot change the mode of %s: %s",
				    version->unit->file.name, opened->place, strerror(-r));
	}
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
	else
		take_modes(version, (mode_t)file->listen_mode);
	return r;
}

bool version_sockets_are_there(const struct version *version)
{
	for (size_t i = 0; i < version->n_sockets; i++)
		if (version->sockets[i].opened && !opened_is_there(version->sockets[i].opened))
			return false;
	return true;
}

/* The same one for another version of its unit; when its file is gone, a fresh one, if it can
 * be opened. With one user more. */
static struct opened *share(struct version *other, struct opened *opened)
{
	struct opened_all *all = &other->unit->master->opened;
	struct opened *fresh = opened_find(all, &opened->key);
	char why[512];
	int r;

	if (fresh)
		return opened_ref(fresh);
	r = opened_new(all, &opened->key, opened->mode, &fresh);
	if (r == 0)
		return fresh;
	explain(other, &opened->key, r, why, sizeof(why));
	log_error(&other->unit->master->log, "unit %s: nobody can connect to %s: %s",
		  other->unit->file.name, opened->place, why);
	return opened_ref(opened);
}

int version_share_sockets(const struct version *version, struct version *other)
{
	for (size_t i = 0; i < version->n_sockets; i++) {
		const struct version_socket *socket = &version->sockets[i];
		struct opened *opened = socket->opened ? share(other, socket->opened) : NULL;
		int r = add(other, socket->name, opened ? opened->place : socket->place,
			    opened ? opened->fd : socket->fd, opened);

		if (r < 0) {
			if (opened)
				opened_unref(&other->unit->master->opened, opened);
			return r;
		}
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
