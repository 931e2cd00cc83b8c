/* hosts.c - whether the Host of a request may be this server's name. */
#include "hosts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define NAME_MAX_BYTES 255

/* What it says before its port, without the dot that may end a name. False: there is none. */
static bool take_name(const char *host, char name[NAME_MAX_BYTES + 1])
{
	const char *after = host[0] == '[' ? strchr(host, ']') : NULL;
	size_t size = after ? (size_t)(after + 1 - host) : strcspn(host, ":");

	if (size > 1 && host[size - 1] == '.')
		size--;
	if (size > NAME_MAX_BYTES || (after && after[1] && after[1] != ':'))
		return false;
	memcpy(name, host, size);
	name[size] = '\0';
	return true;
}

static bool is_address(const char *name)
{
	struct in6_addr address;
	size_t size = strlen(name);
	char inner[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET, name, &address) == 1)
		return true;
	if (name[0] != '[' || size < 3 || size - 2 >= sizeof(inner))
		return false;
	memcpy(inner, name + 1, size - 2);
	inner[size - 2] = '\0';
	return inet_pton(AF_INET6, inner, &address) == 1;
}

/* "example.org" is itself; "*.example.org" what is below it; "*" everything. */
static bool matches(const char *pattern, const char *name)
{
	if (pattern[0] != '*')
		return strcasecmp(pattern, name) == 0;
	size_t most = strlen(name), size = strlen(pattern) - 1;
	return size == 0 || (most > size && strcasecmp(name + most - size, pattern + 1) == 0);
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		return v6->sin6_addr.s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

bool hosts_is_pattern(const char *text)
{
	const char *name = text[0] == '*' && text[1] == '.' ? text + 2 : text;

	return strcmp(text, "*") == 0 ||
	       (*name && strlen(name) <= NAME_MAX_BYTES && !name[strcspn(name, " \t*:/@[]")]);
}

bool hosts_allow(const struct settings *settings, int fd, const char *host)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	char name[NAME_MAX_BYTES + 1];

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
	    address.ss_family == AF_UNIX || !host || !*host)
		return true;
	if (!take_name(host, name))
		return false;
	if (is_address(name) || matches("localhost", name) || matches("*.localhost", name))
		return true;
	for (size_t i = 0; i < settings->n_hosts; i++)
		if (matches(settings->hosts[i], name))
			return true;
	return settings->n_hosts == 0 && !is_loopback(&address);
}
