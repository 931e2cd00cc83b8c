#include "master/places.h"

#include "base/cleanup.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/sockets.h"
#include "master/worker.h"
#include "process/place.h"
#include <string.h>
#include <unistd.h>

/* ---- making */

int places_make_directory(struct master *master)
{
	const char *runtime = master->settings.runtime_directory;
	int r = place_make_directory(runtime, &master->directory, &master->directory_lock);

	if (r == -ENAMETOOLONG)
		log_error(&master->log,
			  "RuntimeDirectory=%s is too long: sockets in it must have paths of "
			  "at most %u bytes",
			  runtime, LIMIT_SOCKET_PATH);
	else if (r < 0)
		log_error(&master->log, "cannot make a directory in RuntimeDirectory=%s: %s",
			  runtime, strerror(-r));
	return r;
}

static int listen_at(struct master *master, const char *path)
{
	cleanup_free char *copy = strdup(path);
	int fd, r = copy ? place_make_parents(path) : -ENOMEM;

	if (r == 0)
		r = control_listen(path, &fd, &master->socket_place);
	if (r == -EADDRINUSE)
		log_error(&master->log,
			  "%s: another daemon listens there; stop it, or choose another path "
			  "with --socket",
			  path);
	else if (r == -ENAMETOOLONG)
		log_error(&master->log,
			  "%s: the path of the control socket has %zu bytes; at most %u are "
			  "possible",
			  path, strlen(path), LIMIT_SOCKET_PATH);
	else if (r == -EEXIST)
		log_error(&master->log, "%s: there is something that is not a socket", path);
	else if (r < 0)
		log_error(&master->log, "%s: cannot listen: %s", path, strerror(-r));
	if (r < 0)
		return r;
	free(master->socket);
	master->socket = take_pointer(&copy);
	master->socket_fd = fd;
	return control_server_listen(master->server, fd, false);
}

/* One that was handed in; is taken. */
static int take_socket(struct master *master, const struct notify_socket *socket)
{
	if (!sockets_is_control(socket))
		return sockets_add(&master->sockets, socket, &master->log);
	master->has_handed_control = true;
	if (sockets_can_control(socket->fd))
		return control_server_listen(master->server, socket->fd, true);
	close(socket->fd);
	log_error(&master->log,
		  "the socket that was handed in as \"%.80s\" is no control socket, that is a "
		  "Unix socket of streams that listens: one for actors needs a name, by "
		  "FileDescriptorName=",
		  socket->name);
	return -EINVAL;
}

int places_listen(struct master *master)
{
	struct notify_socket sockets[LIMIT_SOCKETS];
	unsigned n = 0;
	int r = notify_take_sockets(sockets, &n);

	if (r < 0) {
		log_error(&master->log, "cannot take the sockets that were handed in: %s",
			  strerror(-r));
		return r;
	}
	for (unsigned i = 0; i < n; i++) {
		int taken = take_socket(master, &sockets[i]);

		if (r == 0)
			r = taken;
	}
	/* A socket on the command line is wanted in any case. */
	if (r == 0 && (!master->has_handed_control || master->options->socket))
		r = listen_at(master, master->options->socket ? master->options->socket
							      : master->settings.socket);
	return r;
}

/* ---- looking after them */

static void restore_directory(struct master *master)
{
	int r;

	if (!master->directory || place_is_there(master->directory, master->directory_lock))
		return;
	r = place_restore_directory(master->directory, &master->directory_lock);
	if (r < 0) {
		if (!master->is_directory_lost)
			log_error(&master->log,
				  "%s has vanished and cannot be made again: %s; workers that "
				  "start cannot be reached by others until it can",
				  master->directory, strerror(-r));
		master->is_directory_lost = true;
		return;
	}
	master->is_directory_lost = false;
	log_warning(&master->log, "%s had vanished; it was made again", master->directory);
	workers_foreach (worker, master)
		if (worker_is_up(worker))
			(void)worker_send(worker, &worker_publish_method,
					  &(struct worker_publish){0}, -1);
}

static void restore_socket(struct master *master)
{
	cleanup_free char *path = NULL;

	/* What another has put there is that one's. */
	if (!master->socket || access(master->socket, F_OK) == 0 || errno != ENOENT)
		return;
	path = strdup(master->socket);
	if (!path)
		return;
	control_server_unlisten(master->server, master->socket_fd);
	/* Until it is there again, it is tried each second. */
	master->socket_fd = -1;
	if (listen_at(master, path) == 0)
		log_warning(&master->log, "%s had vanished; it was made again", path);
}

void places_tick(struct master *master)
{
	if (master->is_stopping)
		return;
	restore_directory(master);
	restore_socket(master);
}

/* ---- removing */

void places_unlisten(struct master *master)
{
	if (master->socket)
		control_unlink(master->socket, &master->socket_place);
	free(take_pointer(&master->socket));
}

void places_remove_directory(struct master *master)
{
	if (master->directory)
		place_remove_directory(master->directory, master->directory_lock);
	free(take_pointer(&master->directory));
	if (master->directory_lock >= 0)
		close(take_fd(&master->directory_lock));
}
