#include "io/handed.h"

#include "base/array.h"
#include "base/limits.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct handed_socket {
	uint32_t version;
	int fd, type;
	char name[LIMIT_NAME + 1];
};

void handed_fini(struct handed *handed)
{
	for (size_t i = 0; i < handed->n; i++)
		close(handed->sockets[i].fd);
	free(handed->sockets);
	*handed = (struct handed){0};
}

void handed_forget(struct handed *handed, uint32_t version)
{
	size_t kept = 0;

	for (size_t i = 0; i < handed->n; i++)
		if (handed->sockets[i].version == version)
			close(handed->sockets[i].fd);
		else
			handed->sockets[kept++] = handed->sockets[i];
	handed->n = kept;
}

int handed_add(struct handed *handed, uint32_t version, size_t index, const char *name, int fd)
{
	struct handed_socket *added;
	socklen_t size = sizeof(added->type);

	/* not all of them could be sent before */
	if (index == 0)
		handed_forget(handed, version);
	added = array_add(&handed->sockets, &handed->n, sizeof(*added));
	if (!added) {
		close(fd);
		return -ENOMEM;
	}
	*added = (struct handed_socket){.version = version, .fd = fd};
	(void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &added->type, &size);
	snprintf(added->name, sizeof(added->name), "%s", name);
	return 0;
}

int handed_find(const struct handed *handed, uint32_t version, const char *name,
		uint64_t number, int type)
{
	bool has_other = false, has_one = false;

	for (size_t i = 0; i < handed->n; i++) {
		const struct handed_socket *socket = &handed->sockets[i];

		if (socket->version != version || strcmp(socket->name, name) != 0)
			continue;
		if (socket->type != type)
			has_other = true;
		else if (--number == 0)
			return socket->fd;
		else
			has_one = true;
	}
	return has_other && !has_one ? -EOPNOTSUPP : -ENOENT;
}
