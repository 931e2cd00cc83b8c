/* Any text as a place, and any bytes as an address of a socket: what is one is printed as a
 * place again, and that means the same. */
#include "daemon/io/place.c"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void check_text(const char *text)
{
	struct place place, again;
	struct place_host host;
	char printed[TROUPE_PLACE_MAX];
	int rc = place_parse(text, &place);

	if (rc == -EADDRNOTAVAIL) {
		place_split(text, &host);
		check(host.name[0] && strlen(host.name) < strlen(text) && host.port[0]);
	}
	if (rc < 0)
		return;
	troupe_endpoint_place(&place.endpoint, place.is_datagram, printed);
	check(place_parse(printed, &again) == 0);
	check(again.is_datagram == place.is_datagram);
	check(again.endpoint.size == place.endpoint.size);
	check(memcmp(&again.endpoint.address, &place.endpoint.address, place.endpoint.size) ==
	      0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct troupe_endpoint endpoint = {0};
	char text[TROUPE_PLACE_MAX + 8];

	if (size < sizeof(text)) {
		memcpy(text, data, size);
		text[size] = '\0';
		check_text(text);
	}
	if (size <= sizeof(endpoint.address)) {
		memcpy(&endpoint.address, data, size);
		endpoint.size = (uint32_t)size;
		troupe_endpoint_place(&endpoint, false, text);
		check(strlen(text) < TROUPE_PLACE_MAX);
	}
	return 0;
}
