#include "config/listen_key.h"

#include "base/endpoint.h"
#include "config/conf_path.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/un.h>

static const struct {
	const char *prefix;
	int type;
	bool is_unix;
} kinds[] = {
	{"tcp:", SOCK_STREAM, false},
	{"udp:", SOCK_DGRAM, false},
	{"unix:", SOCK_STREAM, true},
	{"unix-datagram:", SOCK_DGRAM, true},
};

static const char *parse_unix(const char *text, struct listen_key *key)
{
	return endpoint_parse_unix(text, &key->address, &key->size) == 0
		       ? NULL
		       : "has no path from / on, nor @NAME, of at most 107 bytes";
}

static const char *parse_internet(const char *text, struct listen_key *key)
{
	const struct sockaddr_in *v4 = (const void *)&key->address;
	const struct sockaddr_in6 *v6 = (const void *)&key->address;
	int r = endpoint_parse_internet(text, &key->address, &key->size);

	if (r == -EADDRNOTAVAIL)
		return "names a host; an address is wanted: 0.0.0.0 for all of IPv4, [::] for "
		       "all";
	if (r < 0)
		return "is not ADDRESS:PORT behind tcp: or udp:, nor [ADDRESS]:PORT";
	if (v6->sin6_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
		return "has a link-local address, which would need an interface, which cannot "
		       "be said; [::] is all";
	if ((v4->sin_family == AF_INET ? v4->sin_port : v6->sin6_port) == 0)
		return "has no port from 1 to 65535, which clients could know";
	return NULL;
}

static const char *parse_place(const char *text, struct listen_key *key)
{
	key->place = text;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const size_t size = strlen(kinds[i].prefix);

		if (strncmp(text, kinds[i].prefix, size) != 0)
			continue;
		key->type = kinds[i].type;
		return kinds[i].is_unix ? parse_unix(text + size, key)
					: parse_internet(text + size, key);
	}
	if (strncmp(text, "tls:", strlen("tls:")) == 0)
		return "says tls:, which is the actor's part, by tls:socket:NAME in [Config]; "
		       "here it is tcp:";
	return "has a place that is none of tcp:, udp:, unix: and unix-datagram:";
}

const char *listen_key_parse(const char *text, struct listen_key *ret_key)
{
	const char *end = strchr(text, '=');
	struct listen_key key = {.name = ""};
	const char *wrong;

	if (!end)
		return "is not NAME=PLACE, as in web=tcp:0.0.0.0:80";
	if (end - text > (ptrdiff_t)LIMIT_NAME)
		return "has a name that is too long";
	memcpy(key.name, text, (size_t)(end - text));
	if (!conf_is_socket_name(key.name))
		return "has no name for socket:NAME: letters, digits, '_', '-' and '.', not "
		       "\"control\" nor \"unknown\", nor with \".socket\" at its end";
	wrong = parse_place(end + 1, &key);
	if (!wrong)
		*ret_key = key;
	return wrong;
}

const char *listen_key_path(const struct listen_key *key)
{
	const struct sockaddr_un *local = (const void *)&key->address;

	return local->sun_family == AF_UNIX ? local->sun_path : "";
}
