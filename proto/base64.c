#include "proto/base64.h"

#include <errno.h>
#include <stdint.h>

void base64_print(const void *data, size_t size, char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i += 3, text += 4) {
		size_t left = size - i;
		uint32_t group = (uint32_t)bytes[i] << 16;

		group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		group |= left > 2 ? bytes[i + 2] : 0;
		text[0] = digits[group >> 18];
		text[1] = digits[group >> 12 & 63];
		text[2] = left > 1 ? digits[group >> 6 & 63] : '=';
		text[3] = left > 2 ? digits[group & 63] : '=';
	}
}

static int digit_value(char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	if (digit == '+')
		return 62;
	return digit == '/' ? 63 : -1;
}

int base64_parse(const char *text, size_t size, void *data, size_t *ret_size)
{
	unsigned char *bytes = data;
	size_t n = 0, padding = 0;

	if (size % 4 != 0)
		return -EINVAL;
	if (size > 0 && text[size - 1] == '=')
		padding = text[size - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < size; i += 4) {
		size_t digits = i + 4 == size ? 4 - padding : 4;
		uint32_t group = 0;

		for (size_t k = 0; k < 4; k++) {
			int value = k < digits ? digit_value(text[i + k]) : 0;

			if (value < 0)
				return -EINVAL;
			group = group << 6 | (uint32_t)value;
		}
		if (group & ((1u << 8 * (4 - digits)) - 1))
			return -EINVAL;
		for (size_t k = 0; k + 1 < digits; k++)
			bytes[n++] = (unsigned char)(group >> (16 - 8 * k));
	}
	*ret_size = n;
	return 0;
}
