#include "io/socket.h"

#include "base/limits.h"
#include "base/text.h"
#include "core/activation.h"
#include "io/inside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <troupe/stream.h>

#define PREFIX            "socket:"
#define LOG_WARNING_LEVEL 4

bool socket_is_meant(const char *place)
{
	return place && strncmp(place, PREFIX, strlen(PREFIX)) == 0;
}

/* The name, and the number behind it: from 1 on. */
static int parse(const char *place, char name[LIMIT_NAME + 1], uint64_t *ret_number)
{
	const char *text = socket_is_meant(place) ? place + strlen(PREFIX) : "";
	const size_t size = strcspn(text, ":");

	*ret_number = 1;
	if (size == 0 || size > LIMIT_NAME)
		return -EINVAL;
	memcpy(name, text, size);
	name[size] = '\0';
	return text[size] ? text_parse_uint(text + size + 1, 1, UINT16_MAX, ret_number) : 0;
}

static void warn(const struct troupe_self *self, const char *place)
{
	char text[TROUPE_PLACE_MAX + 96];

	snprintf(text, sizeof(text),
		 "place %.*s: its unit has no such socket; Sockets= and Listen= name those "
		 "that it has",
		 (int)TROUPE_PLACE_MAX, place);
	unit_log(self->runtime, self->actor->unit, LOG_WARNING_LEVEL, text);
}

int socket_open(const struct troupe_self *self, const char *place, int type)
{
	char name[LIMIT_NAME + 1];
	uint64_t number;
	int fd;

	if (!self->runtime->io)
		return -EOPNOTSUPP;
	if (parse(place, name, &number) < 0)
		return -EINVAL;
	fd = handed_find(&self->runtime->io->handed, self->actor->unit->origin, name, number,
			 type);
	if (fd == -ENOENT)
		warn(self, place);
	if (fd < 0)
		return fd;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int troupe_socket(struct troupe_self *self, const char *place, int type, int *ret_fd)
{
	int fd = socket_open(self, place, type);

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}
