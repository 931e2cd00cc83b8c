/* fuzz_names.c - texts that name hosts, what a resolver says of them, and networks.
 *
 * The names themselves are asked for by getaddrinfo(), in the system's library, and so are the
 * answers of servers read there. Ours is what stands around it: which texts are names, which
 * are addresses already, what becomes of the addresses that it returns, and which of them
 * actors/http-client connects to.
 */
#include "actors/http-client/networks.c"
#include "base/check.h"
#include "daemon/io/resolver.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- names */

static void check_address(const struct wanted *wanted, const struct sockaddr_storage *address)
{
	struct wanted again = *wanted;
	struct sockaddr_storage same;
	const void *bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;

	if (address->ss_family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	memset(again.name, 0, sizeof(again.name));
	check(inet_ntop(address->ss_family, bytes, again.name, INET6_ADDRSTRLEN));
	check(read_address(&again, &same) && memcmp(&same, address, sizeof(same)) == 0);
}

static void check_name(const char *host, const char *service)
{
	static const struct runtime runtime = {.secret = 7};
	struct sockaddr_storage address;
	struct wanted wanted;

	if (read_wanted(&runtime, host, service, &wanted) < 0)
		return;
	check(wanted.host_size == strlen(host) + 1 && strlen(host) <= TROUPE_HOST_MAX);
	check(strcasecmp(wanted.name, host) == 0);
	for (const char *at = host; *at; at++)
		check(*at > ' ' && *at != 0x7f);
	check(wanted.port >= -1 && wanted.port <= 65535);
	if (wanted.port < 0)
		check(strcmp(wanted.name + wanted.host_size, service) == 0);
	if (read_address(&wanted, &address))
		check_address(&wanted, &address);
}

/* ---- answers */

/* As many as the bytes make, each with a size of its own. */
static void check_answer(const uint8_t *data, size_t size)
{
	struct addrinfo infos[2 * LIMIT_NAME_ADDRESSES + 1] = {0};
	struct lookup lookup = {0};
	struct sockaddr_storage found[LIMIT_NAME_ADDRESSES];
	struct asker asker = {found, size > 0 ? data[0] % LIMIT_NAME_ADDRESSES : 0, 80};
	size_t n = 0;
	int rc;

	while (size > 0 && n < sizeof(infos) / sizeof(infos[0])) {
		size_t length = data[0] < size ? data[0] : size - 1;

		/* of its very size, so that a byte too many is seen */
		infos[n].ai_addr = malloc(length + 1);
		check(infos[n].ai_addr);
		infos[n].ai_addr = realloc(infos[n].ai_addr, length ? length : 1);
		memcpy(infos[n].ai_addr, data + 1, length);
		infos[n].ai_addrlen = (socklen_t)length;
		if (n > 0)
			infos[n - 1].ai_next = &infos[n];
		n++;
		data += 1 + length;
		size -= 1 + length;
	}
	if (n > 0) {
		take_addresses(&lookup, infos);
		check(lookup.error == 0 && lookup.n_addresses <= LIMIT_NAME_ADDRESSES);
		rc = answer(&lookup, &asker);
		check(rc >= 0 && (size_t)rc <= asker.most);
	}
	free(lookup.addresses);
	while (n > 0)
		free(infos[--n].ai_addr);
}

/* ---- networks */

static bool bits_are_same(const uint8_t *one, const uint8_t *other, unsigned bits)
{
	for (unsigned i = 0; i < bits; i++)
		if ((one[i / 8] ^ other[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

/* One word of text, and sixteen bytes of an address. */
static void check_network(const char *word, const uint8_t *bytes)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct networks networks;
	const char *wrong = NULL;
	uint8_t plain[16];
	bool is_held;

	if (networks_init(&networks, &word, 1, &wrong) < 0) {
		check(wrong == word && !networks.items);
		return;
	}
	memcpy(&v4.sin_addr, bytes, 4);
	map_v4(plain, bytes);
	is_held = false;
	for (size_t i = 0; i < networks.count; i++) {
		check(networks.items[i].bits <= 128);
		is_held |=
			bits_are_same(plain, networks.items[i].address, networks.items[i].bits);
	}
	check(networks_hold(&networks, (const struct sockaddr *)&v4) == is_held);
	memcpy(&v6.sin6_addr, plain, 16);
	/* the same address, however it is written */
	if (is_held)
		check(networks_hold(&networks, (const struct sockaddr *)&v6));
	memcpy(&v6.sin6_addr, bytes, 16);
	for (size_t i = 0; i < networks.count; i++)
		if (bits_are_same(bytes, networks.items[i].address, networks.items[i].bits))
			check(networks_hold(&networks, (const struct sockaddr *)&v6));
	networks_fini(&networks);
}

/* Lines of text: a host and a service, a network; then bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char lines[3][400] = {"", "", ""};
	uint8_t address[16] = {0};

	for (unsigned i = 0; i < 3; i++) {
		const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
		const size_t length = end ? (size_t)(end - data) : size;

		if (length >= sizeof(lines[i]) || memchr(data, 0, length))
			return 0;
		memcpy(lines[i], data, length);
		data += end ? length + 1 : length;
		size -= end ? length + 1 : length;
	}
	memcpy(address, data, size < 16 ? size : 16);
	check_name(lines[0], lines[1]);
	check_network(lines[2], address);
	check_answer(data, size);
	return 0;
}
