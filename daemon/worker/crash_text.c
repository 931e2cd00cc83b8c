/* crash_text.c - text in a fault handler. */
#include "worker/crash_text.h"

void crash_text_add(struct crash_text *text, const char *string)
{
	while (*string && text->room > 0) {
		*text->at++ = *string++;
		text->room--;
	}
	*text->at = '\0';
}

void crash_text_add_number(struct crash_text *text, uint64_t number, unsigned base)
{
	char digits[24];
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do {
		*--at = "0123456789abcdef"[number % base];
		number /= base;
	} while (number > 0);
	crash_text_add(text, at);
}

void crash_text_add_hex(struct crash_text *text, uint64_t number)
{
	crash_text_add(text, "0x");
	crash_text_add_number(text, number, 16);
}

void crash_text_add_location(struct crash_text *text, const char *module, const char *function,
			     uint64_t offset)
{
	crash_text_add(text, module);
	crash_text_add(text, "(");
	crash_text_add(text, function);
	crash_text_add(text, "+");
	crash_text_add_hex(text, offset);
	crash_text_add(text, ")");
}
