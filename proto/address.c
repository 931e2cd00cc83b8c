#include "proto/address.h"

#include "proto/decimal.h"
#include <errno.h>
#include <stddef.h>

void address_print(struct troupe_address address, char text[static TROUPE_ADDRESS_TEXT])
{
	const uint32_t parts[] = {address.node, address.worker, address.incarnation,
				  address.slot, address.generation};

	for (int i = 0; i < 5; i++) {
		text = decimal_print(text, parts[i]);
		*text++ = i < 4 ? '.' : '\0';
	}
}

/* Read a number up to `max` and the byte `after` it; NULL: there is none. */
static const char *read_part(const char *text, char after, uint32_t max, uint32_t *ret_part)
{
	const char *at = text;
	uint64_t part = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		part = part * 10 + (uint64_t)(*at - '0');
		if (part > max || (at > text && *text == '0'))
			return NULL;
	}
	if (at == text || *at != after)
		return NULL;
	*ret_part = (uint32_t)part;
	return at + 1;
}

int address_parse(const char *text, struct troupe_address *ret_address)
{
	static const uint32_t max[] = {UINT16_MAX, UINT16_MAX, UINT32_MAX, UINT32_MAX,
				       UINT32_MAX};
	uint32_t parts[5];

	for (int i = 0; i < 5; i++) {
		text = read_part(text, i < 4 ? '.' : '\0', max[i], &parts[i]);
		if (!text)
			return -EINVAL;
	}
	*ret_address = (struct troupe_address){
		.node = (uint16_t)parts[0],
		.worker = (uint16_t)parts[1],
		.incarnation = parts[2],
		.slot = parts[3],
		.generation = parts[4],
	};
	return 0;
}
