/* networks.c - see networks.h. */
#include "networks.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What IANA's special-purpose registries do not call globally reachable, and multicast. */
static const char *const private_networks[] = {
	"0.0.0.0/8",      "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8",
	"169.254.0.0/16", "172.16.0.0/12",  "192.0.0.0/24",  "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/3",    "::/127",        "64:ff9b:1::/48",
	"100::/64",       "2001::/23",      "2001:db8::/32", "fc00::/7",
	"fe80::/9",       "ff00::/8",
};
#define N_PRIVATE (sizeof(private_networks) / sizeof(private_networks[0]))

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};

static void map_v4(uint8_t *address, const void *v4)
{
	memcpy(address, mapped, sizeof(mapped));
	memcpy(address + sizeof(mapped), v4, 4);
}

static int parse(const char *word, struct network *network)
{
	const char *slash = strchr(word, '/');
	char text[INET6_ADDRSTRLEN];
	size_t length = slash ? (size_t)(slash - word) : strlen(word);
	uint8_t address[16];
	unsigned most;

	if (length >= sizeof(text))
		return -EINVAL;
	memcpy(text, word, length);
	text[length] = '\0';
	if (inet_pton(AF_INET6, text, address) == 1) {
		memcpy(network->address, address, sizeof(address));
		most = 128;
	} else if (inet_pton(AF_INET, text, address) == 1) {
		map_v4(network->address, address);
		most = 32;
	} else {
		return -EINVAL;
	}
	unsigned bits = most;
	if (slash) {
		char *end;
		unsigned long value = strtoul(slash + 1, &end, 10);

		if (slash[1] < '0' || slash[1] > '9' || *end || value > most)
			return -EINVAL;
		bits = (unsigned)value;
	}
	network->bits = 128 - most + bits;
	return 0;
}

int networks_init(struct networks *networks, const char *const *words, size_t count,
		  const char **ret_word)
{
	*networks = (struct networks){0};
	if (count == 0)
		return 0;
	if (count > NETWORKS_MAX)
		return -E2BIG;
	networks->items = calloc(count + N_PRIVATE, sizeof(*networks->items));
	if (!networks->items)
		return -ENOMEM;
	bool with_private = false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i], "private") == 0) {
			with_private = true;
			continue;
		}
		if (parse(words[i], &networks->items[networks->count]) < 0) {
			*ret_word = words[i];
			networks_fini(networks);
			return -EINVAL;
		}
		networks->count++;
	}
	for (size_t i = 0; with_private && i < N_PRIVATE; i++)
		(void)parse(private_networks[i], &networks->items[networks->count++]);
	return 0;
}

void networks_fini(struct networks *networks)
{
	free(networks->items);
	*networks = (struct networks){0};
}

static bool holds(const struct networks *networks, const uint8_t *address)
{
	for (size_t i = 0; i < networks->count; i++) {
		const struct network *network = &networks->items[i];
		unsigned bytes = network->bits / 8, rest = network->bits % 8;

		if (memcmp(address, network->address, bytes) != 0)
			continue;
		if (!rest ||
		    ((address[bytes] ^ network->address[bytes]) & (0xff00 >> rest) & 0xff) == 0)
			return true;
	}
	return false;
}

bool networks_hold(const struct networks *networks, const struct sockaddr *address)
{
	uint8_t plain[16], inner[16];

	if (networks->count == 0)
		return false;
	if (address->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, address, sizeof(v4));
		map_v4(plain, &v4.sin_addr);
		return holds(networks, plain);
	}
	if (address->sa_family != AF_INET6)
		return true;
	struct sockaddr_in6 v6;
	memcpy(&v6, address, sizeof(v6));
	memcpy(plain, &v6.sin6_addr, sizeof(plain));
	if (holds(networks, plain))
		return true;
	if (memcmp(plain, nat64, sizeof(nat64)) == 0)
		map_v4(inner, plain + 12);
	else if (plain[0] == 0x20 && plain[1] == 0x02)
		map_v4(inner, plain + 2);
	else
		return false;
	return holds(networks, inner);
}
